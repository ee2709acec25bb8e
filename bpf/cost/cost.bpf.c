/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For measuring alone: BPF_PROG_TEST_RUN repeats a program on one packet, so a program that changes its packet would
 * find another one the next time. These end with the packet that they began with, and what that costs is measured too.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

/* Without the marks of encapsulation, which stay on the packet and would make the second round fail with EALREADY. */
#define ROOM_FLAGS(underlay_ipv6) BPF_F_ADJ_ROOM_FIXED_GSO
#include "../src/container.h"
#include "../src/decap.h"
#include "../src/trace.h"
#include "cost.h"
#include "cost_xdp.h"

/* Nothing but what all of these do: what the measurement itself costs. */
SEC("tc")
int cost_nothing(struct __sk_buff *skb)
{
	return choose_destination(skb) ? restore(skb, NULL) : TC_ACT_SHOT;
}

static __always_inline bool give_room_back(struct __sk_buff *skb)
{
	return !bpf_skb_adjust_room(skb, -(__s32)OVERHEAD_BYTES(false), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* Room made and given back: the kernel's share of encapsulation and decapsulation. */
SEC("tc")
int cost_room(struct __sk_buff *skb)
{
	long error;

	if (!choose_destination(skb) || !make_room(skb, false, &error) || !give_room_back(skb))
		return TC_ACT_SHOT;
	return restore(skb, NULL);
}

/* The second half of that by itself, by the clock. */
SEC("tc")
int cost_give_back(struct __sk_buff *skb)
{
	__u64 started;
	long error;

	if (!choose_destination(skb) || !make_room(skb, false, &error))
		return TC_ACT_SHOT;
	started = bpf_ktime_get_ns();
	if (!give_room_back(skb))
		return TC_ACT_SHOT;
	add_time(started);
	return restore(skb, NULL);
}

/* What the clock itself costs. */
SEC("tc")
int cost_clock(struct __sk_buff *skb)
{
	__u64 started;

	if (!choose_destination(skb))
		return TC_ACT_SHOT;
	started = bpf_ktime_get_ns();
	add_time(started);
	return restore(skb, NULL);
}

static __always_inline const struct interface *sender(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;

	return choose_destination(skb) ? bpf_map_lookup_elem(&interfaces, &ifindex) : NULL;
}

/* All of from_container on a packet for another host, then room given back. */
SEC("tc")
int cost_encapsulate(struct __sk_buff *skb)
{
	const struct interface *in = sender(skb);
	struct parties parties = {};

	if (!in || container_sends(skb, in, false, &parties) != VERDICT_ENCAPSULATED)
		return TC_ACT_SHOT;
	account(skb, PROGRAM_FROM_CONTAINER, VERDICT_ENCAPSULATED, &parties, skb->len);
	return give_room_back(skb) ? restore(skb, in) : TC_ACT_SHOT;
}

/*
 * from_container, then from_underlay on what came out. The tables make it possible: the destination is a container of
 * this host too, and the source's subnet belongs to the outer source.
 */
SEC("tc")
int cost_round_trip(struct __sk_buff *skb)
{
	const struct interface *in = sender(skb);
	struct parties parties = {}, received = {};

	if (!in || container_sends(skb, in, false, &parties) != VERDICT_ENCAPSULATED)
		return TC_ACT_SHOT;
	account(skb, PROGRAM_FROM_CONTAINER, VERDICT_ENCAPSULATED, &parties, skb->len);
	if (receive(skb, false, &received) != VERDICT_DECAPSULATED)
		return TC_ACT_SHOT;
	account(skb, PROGRAM_FROM_UNDERLAY, VERDICT_DECAPSULATED, &received, skb->len);
	return restore(skb, in);
}

/* from_container on a packet for another container of this host, or for a host on the same link: no room is made. */
SEC("tc")
int cost_send_bare(struct __sk_buff *skb)
{
	const struct interface *in = sender(skb);
	struct parties parties = {};
	enum verdict verdict;

	if (!in)
		return TC_ACT_SHOT;
	verdict = container_sends(skb, in, false, &parties);
	if (verdict != VERDICT_DELIVERED_LOCALLY && verdict != VERDICT_ROUTED_DIRECTLY)
		return TC_ACT_SHOT;
	account(skb, PROGRAM_FROM_CONTAINER, verdict, &parties, skb->len);
	return restore(skb, in);
}

/* from_underlay on a packet that came bare from a host on the same link. */
SEC("tc")
int cost_receive_bare(struct __sk_buff *skb)
{
	struct parties parties = {};

	if (!choose_destination(skb) || receive(skb, false, &parties) != VERDICT_RECEIVED_DIRECTLY)
		return TC_ACT_SHOT;
	account(skb, PROGRAM_FROM_UNDERLAY, VERDICT_RECEIVED_DIRECTLY, &parties, skb->len);
	return restore(skb, NULL);
}

/* from_underlay on a packet of network 1 that XDP has stripped. */
SEC("tc")
int cost_receive_stripped(struct __sk_buff *skb)
{
	struct parties parties = { .vni = bpf_htonl(1), .from_vtep = 1 };

	if (!choose_destination(skb) || receive_stripped(skb, false, &parties) != VERDICT_DECAPSULATED)
		return TC_ACT_SHOT;
	account(skb, PROGRAM_FROM_UNDERLAY, VERDICT_DECAPSULATED, &parties, skb->len);
	return restore(skb, NULL);
}

/* strip_at_xdp on a good packet, put back afterwards. */
SEC("xdp")
int cost_xdp_decapsulate(struct xdp_md *xdp)
{
	strip_family(xdp, false);
	return was_stripped(xdp) && put_back(xdp) ? XDP_PASS : XDP_ABORTED;
}

/* What strip_at_xdp moves, and moved back. */
SEC("xdp")
int cost_xdp_strip_moves(struct xdp_md *xdp)
{
	if (bpf_xdp_adjust_meta(xdp, -(int)sizeof(struct stripped)) || bpf_xdp_adjust_head(xdp, OVERHEAD_BYTES(false)))
		return XDP_ABORTED;
	return put_back(xdp) ? XDP_PASS : XDP_ABORTED;
}

/* The datapath has no encapsulation at XDP; this is what one would cost: see cost_xdp.h. */
SEC("xdp")
int cost_xdp_encapsulate(struct xdp_md *xdp)
{
	if (!xdp_choose_destination(xdp) || !xdp_encapsulate(xdp))
		return XDP_ABORTED;
	return unwrap_again(xdp) ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp")
int cost_xdp_encapsulate_moves(struct xdp_md *xdp)
{
	if (!xdp_choose_destination(xdp) || bpf_xdp_adjust_head(xdp, -(int)OVERHEAD_BYTES(false)))
		return XDP_ABORTED;
	return unwrap_again(xdp) ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp")
int cost_xdp_nothing(struct xdp_md *xdp)
{
	return xdp_choose_destination(xdp) ? XDP_PASS : XDP_ABORTED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
