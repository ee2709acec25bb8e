// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import java.net.InetAddress;

/**
 * A neighbour: an ARP or NDP entry.
 *
 * @param interfaceIndex whose link it is on
 * @param address of either family
 * @param mac 6 bytes; empty while it is unknown
 * @param state as in linux/neighbour.h, such as {@link Netlink#NEIGHBOUR_PERMANENT}
 */
@SuppressWarnings("ArrayRecordComponent") // Raw bytes as the kernel has them; never compared.
public record NeighbourInfo(int interfaceIndex, InetAddress address, byte[] mac, int state) {}
