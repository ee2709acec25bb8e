// SPDX-License-Identifier: Apache-2.0
/**
 * What a host must have around the programs: the device of its own, containers' interfaces, routes,
 * MTUs, forwarding, room in front of packets. Netlink alone; nothing here knows of BPF, so that
 * both datapaths build on it. Not exported.
 */
package dev.culvert.datapath.host;
