// SPDX-License-Identifier: Apache-2.0
/**
 * netlink(7): interfaces, addresses, routes and neighbours of a network namespace ({@link
 * dev.culvert.kernel.netlink.Netlink}), generic netlink, nftables. Not exported.
 */
package dev.culvert.kernel.netlink;
