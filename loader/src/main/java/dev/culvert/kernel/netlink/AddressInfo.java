// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import java.net.InetAddress;

/**
 * An address on an interface.
 *
 * @param interfaceIndex which one
 * @param address of either family
 * @param prefixLength of the network on the link, in bits
 */
public record AddressInfo(int interfaceIndex, InetAddress address, int prefixLength) {}
