// SPDX-License-Identifier: Apache-2.0
/**
 * The lab: the scenarios' hosts, router and containers as network namespaces of this machine. It
 * drives the ordinary tools (ip, nft, ping, tcpdump) as child processes, so that what it builds and
 * shows owes nothing to our own netlink code. Nothing here touches the machine's own interfaces,
 * routes, settings or firewall.
 *
 * <p>{@link dev.culvert.lab.LabPlan} says what a lab looks like, {@link dev.culvert.lab.Topology}
 * builds it, {@link dev.culvert.lab.LabState} remembers what was made, so that it can be removed by
 * another process.
 */
package dev.culvert.lab;
