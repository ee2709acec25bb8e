/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A verdict is a packet's named end. Every packet that a program sees ends in exactly one, and is counted there.
 * The Java enum dev.culvert.datapath.Verdict has the same names without the prefix; a unit test compares the two
 * through this object's BTF.
 */
#ifndef CULVERT_VERDICT_H
#define CULVERT_VERDICT_H

#include <stdbool.h>
#include <bpf/bpf_helpers.h>

enum verdict {
	/* Not ours: the stack goes on as if we were not there. */
	VERDICT_PASSED = 0,
	/*
	 * Ours, but left to the kernel's own device: fragments, IP options, nested encapsulation, no room for headers.
	 */
	VERDICT_SLOW_PATH = 1,

	/* Handed on by us. */
	VERDICT_DELIVERED_LOCALLY = 2, /* container to container on this host */
	VERDICT_ENCAPSULATED = 3,      /* to another host, in VXLAN */
	VERDICT_ROUTED_DIRECTLY = 4,   /* to another host on the same link, as it is */
	VERDICT_DECAPSULATED = 5,      /* from another host, out of VXLAN, to a container */
	VERDICT_RECEIVED_DIRECTLY = 6, /* from another host on the same link, as it was, to a container */

	/* Dropped. */
	VERDICT_DROPPED_MALFORMED = 7,              /* a header ends early or contradicts itself */
	VERDICT_DROPPED_INNER_SOURCE = 8,           /* a container sends from an address that is not its own */
	VERDICT_DROPPED_INNER_MAC = 9,              /* a container sends from a MAC that is not its own */
	VERDICT_DROPPED_OUTER_SOURCE = 10,          /* not the VTEP that owns the inner source's subnet */
	VERDICT_DROPPED_UNKNOWN_VNI = 11,           /* of a network that this host does not serve */
	VERDICT_DROPPED_NO_ENDPOINT = 12,           /* destination in our subnet, but no container has it */
	VERDICT_DROPPED_NOT_LOCAL = 13,             /* inner destination is not in a subnet of this host */
	VERDICT_DROPPED_TOO_BIG = 14,               /* for the way to that VTEP: its sender is told */
	VERDICT_DROPPED_UNREACHABLE = 15,           /* the VTEP is known, but no route to it at present */
	VERDICT_DROPPED_TUNNEL_FROM_CONTAINER = 16, /* a container sends tunnel packets of its own to a VTEP */
	VERDICT_DROPPED_NO_MEMORY = 17,             /* the kernel could not make room for headers */
	VERDICT_DROPPED_NO_SUBNET = 18,             /* destination in the network, but no host leases its subnet */
	VERDICT_DROPPED_CONGESTION_LOST = 19,       /* congestion outside, not ECN-capable inside (RFC 6040) */
	VERDICT_DROPPED_VLAN = 20,                  /* a container's tagged frame; what XDP met in a VLAN */
	VERDICT_DROPPED_ROUTER_ADVERTISEMENT = 21,  /* a container plays the router (RFC 4861) */

	VERDICT_COUNT = 22,
};

/* The order above is by kind. */
static __always_inline bool is_drop(enum verdict verdict)
{
	return verdict >= VERDICT_DROPPED_MALFORMED;
}

/* Whether we have set up where the packet goes from here. */
static __always_inline bool is_handed_on(enum verdict verdict)
{
	return verdict >= VERDICT_DELIVERED_LOCALLY && !is_drop(verdict);
}

#endif
