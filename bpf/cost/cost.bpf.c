/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For measuring alone: BPF_PROG_TEST_RUN repeats a program on one packet, so a program that wraps its packet would find
 * another one the next time. These end with the packet that they began with.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

/* Without the marks of encapsulation, which stay on the packet and would make the second round fail with EALREADY. */
#define ROOM_FLAGS(underlay_ipv6) BPF_F_ADJ_ROOM_FIXED_GSO
#include "../src/container.h"
#include "../src/decap.h"

static __always_inline int restore(struct __sk_buff *skb, __u8 ttl)
{
	struct iphdr *ip = packet_start(skb, ETH_HLEN + sizeof(*ip));

	if (!ip)
		return TC_ACT_SHOT;
	ip = (void *)ip + ETH_HLEN;
	ip->check = checksum_replace(ip->check, bpf_htons(ip->ttl << 8), bpf_htons(ttl << 8));
	ip->ttl = ttl;
	return TC_ACT_OK;
}

/* Nothing: what the measurement itself costs. */
SEC("tc")
int cost_nothing(struct __sk_buff *skb)
{
	return restore(skb, 64);
}

/* Room made and given back: the kernel's share of encapsulation and decapsulation. */
SEC("tc")
int cost_room(struct __sk_buff *skb)
{
	long error;

	if (!make_room(skb, false, &error) ||
	    bpf_skb_adjust_room(skb, -(__s32)OVERHEAD_BYTES(false), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return TC_ACT_SHOT;
	return restore(skb, 64);
}

/* All of from_container on a packet for another host, then room given back. */
SEC("tc")
int cost_encapsulate(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct interface *in = bpf_map_lookup_elem(&interfaces, &ifindex);
	struct ethhdr *eth;

	if (!in || container_sends(skb, in, false) != VERDICT_ENCAPSULATED)
		return TC_ACT_SHOT;
	count(VERDICT_ENCAPSULATED, skb->len);
	if (bpf_skb_adjust_room(skb, -(__s32)OVERHEAD_BYTES(false), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return TC_ACT_SHOT;
	eth = packet_start(skb, ETH_HLEN);
	if (!eth)
		return TC_ACT_SHOT;
	write_ethernet(eth, in->mac, in->mac, bpf_htons(ETH_P_IP)); /* the placeholder lies in front now */
	return restore(skb, 64);
}

/*
 * from_container, then from_underlay on what came out. The tables make it possible: the VTEP entry's template names a second
 * VNI, in which the destination is a container of this host and the source's subnet belongs to the outer source.
 */
SEC("tc")
int cost_round_trip(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct interface *in = bpf_map_lookup_elem(&interfaces, &ifindex);

	if (!in || container_sends(skb, in, false) != VERDICT_ENCAPSULATED)
		return TC_ACT_SHOT;
	count(VERDICT_ENCAPSULATED, skb->len);
	if (receive(skb, false) != VERDICT_DECAPSULATED)
		return TC_ACT_UNSPEC;
	count(VERDICT_DECAPSULATED, skb->len);
	return restore(skb, 64);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
