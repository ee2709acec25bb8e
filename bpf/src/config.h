/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Settings that the loader writes into .rodata before the programs are verified: the verifier then sees constants. */
#ifndef CULVERT_CONFIG_H
#define CULVERT_CONFIG_H

#include <linux/types.h>

/* Version of every layout in maps.h and of the names of maps and programs. Raised on any incompatible change. */
#define CULVERT_ABI_VERSION 1

const volatile __u32 abi_version = CULVERT_ABI_VERSION;

/* UDP port of the tunnel, host order. RFC 7348 assigns 4789; flannel uses 8472. */
const volatile __u16 tunnel_port = 4789;

/*
 * While a network changes its port, what comes to this one is taken as well, host order; else the same as tunnel_port.
 * The device has a socket on tunnel_port alone.
 */
const volatile __u16 other_port = 4789;

/*
 * The VNIs that packets of bare_vni's network bear on the wire, host order, where these are others than its own: two of
 * them while the network changes (docs/adr/0029). AS_IT_IS: every network bears its own.
 */
#define AS_IT_IS 0xffffffff
const volatile __u32 wire_vni = AS_IT_IS;
const volatile __u32 other_wire_vni = AS_IT_IS;

/*
 * Range of outer UDP source ports, host order, both ends included. RFC 7348 section 5 asks for the
 * dynamic range 49152-65535, so the default cannot collide with a listening service.
 */
const volatile __u16 source_port_min = 49152;
const volatile __u16 source_port_max = 65535;

/*
 * The network that the host's own routing table knows, as a VNI in host order; NO_BARE_NETWORK before there is one. A
 * bare packet carries no VNI, so it is judged in this network: from hosts on the same link it may come so (direct
 * routing), from others with the network's addresses it is a forgery.
 */
#define NO_BARE_NETWORK 0xffffffff
const volatile __u32 bare_vni = NO_BARE_NETWORK;

/* How long a router's word on the size of a path holds. Linux's own net.ipv4.route.mtu_expires is 600 s. */
const volatile __u64 path_mtu_lifetime_ns = 600000000000ULL;

/*
 * How often senders are told, in the long run, that nobody has what they call: 1000 times a second, as Linux's own
 * net.ipv4.icmp_msgs_per_sec.
 */
const volatile __u64 unreachable_interval_ns = 1000000;

/*
 * Whether packets over an IPv6 underlay carry an outer UDP checksum. Computing one takes a look at every byte of a
 * superpacket, which only the kernel's device does: each such packet then takes the slow path.
 */
const volatile __u8 udp_checksum6 = 0;

#endif
