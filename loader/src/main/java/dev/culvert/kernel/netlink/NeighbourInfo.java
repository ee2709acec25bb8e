// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import java.net.InetAddress;

/**
 * A neighbour: an ARP or NDP entry that neither ages nor is asked for.
 *
 * @param interfaceIndex whose link it is on
 * @param address of either family
 * @param mac 6 bytes
 */
@SuppressWarnings("ArrayRecordComponent") // Raw bytes as the kernel takes them; never compared.
public record NeighbourInfo(int interfaceIndex, InetAddress address, byte[] mac) {}
