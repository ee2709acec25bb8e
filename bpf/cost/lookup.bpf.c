/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For measuring alone: what it costs to find a subnet in each kind of map. Every program asks LOOKUPS questions in one
 * run; `lookup_nothing` makes up the same addresses and asks nothing, so the difference is the map's.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "../src/maps.h"

#define LOOKUPS 64

/* exact4 once more, with all entries made beforehand. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SUBNETS);
	__type(key, struct exact4_key);
	__type(value, struct subnet);
} exact4_preallocated SEC(".maps");

/* Subnets of one size are numbered: no key at all, but room for all of them from the start. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SUBNETS);
	__type(key, __u32);
	__type(value, struct subnet);
} numbered SEC(".maps");

__u32 random_state = 1;
__u32 found;

/* xorshift32 (Marsaglia, 2003). */
static __always_inline __u32 next_random(__u32 state)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* 10.N.N.7, as a packet has it. */
static __always_inline __be32 address_in(__u32 subnet)
{
	return bpf_htonl(10u << 24 | subnet << 8 | 7);
}

/*
 * skb->mark is one less than the number of subnets, a power of two: the addresses are spread over all. 0 asks for one
 * address again and again. The entry is read where the datapath reads first, so that its cache line counts too.
 */
#define LOOKUP(name, ask)                                                  \
	SEC("tc")                                                          \
	int lookup_##name(struct __sk_buff *skb)                           \
	{                                                                  \
		__u32 state = random_state, mask = skb->mark, hits = 0, i; \
                                                                           \
		for (i = 0; i < LOOKUPS; i++) {                            \
			const struct subnet *subnet;                       \
			__u32 number;                                      \
                                                                           \
			state = next_random(state);                        \
			number = state >> 8 & mask & 0xffff;               \
			subnet = ask;                                      \
			if (subnet)                                        \
				hits += subnet->flags;                     \
		}                                                          \
		random_state = state;                                      \
		found = hits;                                              \
		return hits == LOOKUPS ? TC_ACT_OK : TC_ACT_SHOT;          \
	}

static __always_inline const struct subnet *ask_lpm4(__u32 number)
{
	struct subnet4_key key = { .prefix_length = 64, .vni = bpf_htonl(1), .address = address_in(number) };

	return bpf_map_lookup_elem(&subnets4, &key);
}

static __always_inline const struct subnet *ask_exact4(__u32 number)
{
	struct exact4_key key = { .vni = bpf_htonl(1), .address = address_in(number) & bpf_htonl(0xffffff00) };

	return bpf_map_lookup_elem(&exact4, &key);
}

static __always_inline const struct subnet *ask_exact4_preallocated(__u32 number)
{
	struct exact4_key key = { .vni = bpf_htonl(1), .address = address_in(number) & bpf_htonl(0xffffff00) };

	return bpf_map_lookup_elem(&exact4_preallocated, &key);
}

/* An exact match that is asked first and does not know, then LPM: what mixed sizes pay. */
static __always_inline const struct subnet *ask_miss_then_lpm4(__u32 number)
{
	struct exact4_key key = { .vni = bpf_htonl(2), .address = address_in(number) & bpf_htonl(0xffffff00) };
	const struct subnet *subnet = bpf_map_lookup_elem(&exact4, &key);

	return subnet ? subnet : ask_lpm4(number);
}

/* 2001:db8:N::7 */
static __always_inline void fill6(__u8 *address, __u32 number)
{
	__be32 *words = (__be32 *)address;

	words[0] = bpf_htonl(0x20010db8);
	words[1] = bpf_htonl(number);
	words[2] = 0;
	words[3] = 0;
}

static __always_inline const struct subnet *ask_lpm6(__u32 number)
{
	struct subnet6_key key = { .prefix_length = 32 + 128, .vni = bpf_htonl(1) };

	fill6(key.address, number);
	key.address[15] = 7;
	return bpf_map_lookup_elem(&subnets6, &key);
}

static __always_inline const struct subnet *ask_exact6(__u32 number)
{
	struct exact6_key key = { .vni = bpf_htonl(1) };

	fill6(key.address, number);
	return bpf_map_lookup_elem(&exact6, &key);
}

static __always_inline const struct subnet *ask_numbered(__u32 number)
{
	__u32 key = bpf_ntohl(address_in(number) - bpf_htonl(10u << 24)) >> 8;

	return bpf_map_lookup_elem(&numbered, &key);
}

LOOKUP(lpm4, ask_lpm4(number))
LOOKUP(exact4, ask_exact4(number))
LOOKUP(exact4_preallocated, ask_exact4_preallocated(number))
LOOKUP(miss_then_lpm4, ask_miss_then_lpm4(number))
LOOKUP(numbered, ask_numbered(number))
LOOKUP(lpm6, ask_lpm6(number))
LOOKUP(exact6, ask_exact6(number))

SEC("tc")
int lookup_nothing(struct __sk_buff *skb)
{
	__u32 state = random_state, mask = skb->mark, hits = 0, i;

	for (i = 0; i < LOOKUPS; i++) {
		state = next_random(state);
		asm volatile("" : : "r"(address_in(state >> 8 & mask & 0xffff)));
		hits++;
	}
	random_state = state;
	found = hits;
	return hits == LOOKUPS ? TC_ACT_OK : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
