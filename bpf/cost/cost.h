/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the measuring programs at tc share: settings from Java, and the packet as it was. */
#ifndef CULVERT_COST_H
#define CULVERT_COST_H

#include "../src/container.h"

/* What Java sets and reads: CostWorld.STATE, which CostWorldTest holds against the BTF of this. */
struct cost_state {
	__u32 subnets;  /* above 1: the packet's destination lies in another of so many subnets each time */
	__u32 random;   /* not 0 */
	__u64 timed_ns; /* see add_time */
	__u64 timed;
};
_Static_assert(sizeof(struct cost_state) == 24, "cost_state");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cost_state);
} cost_state SEC(".maps");

static __always_inline struct cost_state *state_of_cost(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&cost_state, &key);
}

static __always_inline void add_time(__u64 started)
{
	__u64 ended = bpf_ktime_get_ns();
	struct cost_state *state = state_of_cost();

	if (state) {
		state->timed_ns += ended - started;
		state->timed++;
	}
}

/* xorshift32 (Marsaglia, 2003). */
static __always_inline __u32 next_random(__u32 random)
{
	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	return random;
}

/*
 * 10.N.N.4 in one of the subnets, in place of the packet's destination. The header's checksum is nobody's concern here.
 */
static __always_inline void write_destination(struct iphdr *ip, struct cost_state *state)
{
	state->random = next_random(state->random);
	ip->daddr = bpf_htonl(10u << 24 | (__u32)((__u64)state->random * state->subnets >> 32) << 8 | 4);
}

static __always_inline bool choose_destination(struct __sk_buff *skb)
{
	struct cost_state *state = state_of_cost();
	void *data = packet_start(skb, ETH_HLEN + sizeof(struct iphdr));

	if (!state || !data)
		return false;
	if (state->subnets > 1)
		write_destination(data + ETH_HLEN, state);
	return true;
}

/* TTL 64 again, and the Ethernet header from the sender (NULL: it is still there). */
static __always_inline int restore(struct __sk_buff *skb, const struct interface *in)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + sizeof(struct iphdr));
	struct iphdr *ip;

	if (!eth)
		return TC_ACT_SHOT;
	if (in)
		write_ethernet(eth, in->mac, in->mac, bpf_htons(ETH_P_IP));
	ip = (void *)(eth + 1);
	ip->check = checksum_replace(ip->check, bpf_htons(ip->ttl << 8), bpf_htons(64 << 8));
	ip->ttl = 64;
	return TC_ACT_OK;
}

#endif
