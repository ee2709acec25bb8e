/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the loader supports: every kind of global data, static and global subprograms that call each other, maps. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct sample_key {
	__u32 prefix_length;
	__be32 address;
};

struct sample_value {
	__u64 count;
	__be16 port;
	__u8 mac[6];
};

enum sample_enum { SAMPLE_A = 1, SAMPLE_B = -2 };
enum sample_enum64 { SAMPLE_BIG = 0x100000000ull };

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sample_key);
	__type(value, struct sample_value);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 8);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

const volatile __u32 answer = 41;
const volatile __u64 wide = 0x1122334455667788;
const volatile __u8 narrow = 7;
__u32 initialised = 5;
__u32 zeroed;
static volatile __u32 hidden_zeroed[4];
const enum sample_enum keep_enum SEC(".rodata") = SAMPLE_A;
const enum sample_enum64 keep_enum64 SEC(".rodata") = SAMPLE_BIG;
const struct sample_key keep_key SEC(".rodata") = {};

static __noinline __u32 leaf(__u32 x)
{
	hidden_zeroed[1] += x;
	return x * 3 + answer;
}

static __noinline __u32 middle(__u32 x)
{
	return leaf(x) + leaf(x + 1) + initialised;
}

__noinline int global_function(struct __sk_buff *skb, int x)
{
	return middle(x) + skb->len;
}

__hidden __noinline int hidden_function(__u32 *x)
{
	return *x + 1;
}

static long callback(__u32 index, void *context)
{
	*(__u32 *)context += leaf(index);
	return 0;
}

/* Return value: the answer as configured. */
SEC("tc")
int answers(struct __sk_buff *skb)
{
	return answer;
}

/* Return value: 2 * answer + 3 * 10 + 3 * 11 + initialised + skb->len. */
SEC("tc")
int calls(struct __sk_buff *skb)
{
	zeroed++;
	return global_function(skb, 10);
}

/* The same functions, met in another order. */
SEC("tc")
int calls_back(struct __sk_buff *skb)
{
	__u32 sum = leaf(1);

	bpf_loop(2, callback, &sum, 0);
	sum += hidden_function(&sum);
	return global_function(skb, sum) + zeroed;
}

/* Return value: skb->mark. */
SEC("tc")
int returns_mark(struct __sk_buff *skb)
{
	return skb->mark;
}

SEC("tc")
int shoots(struct __sk_buff *skb)
{
	return TC_ACT_SHOT;
}

/* Puts 50 bytes behind the Ethernet header. */
SEC("tc")
int grows(struct __sk_buff *skb)
{
	return bpf_skb_adjust_room(skb, 50, BPF_ADJ_ROOM_MAC, 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int counts(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u32 *slot = bpf_map_lookup_elem(&per_cpu, &key);
	__u64 *entry = bpf_map_lookup_elem(&table, &key);
	struct sample_key address = { .prefix_length = 32, .address = skb->mark };
	struct sample_value *value = bpf_map_lookup_elem(&prefixes, &address);

	if (slot)
		(*slot)++;
	return value ? value->count : entry ? *entry : 0;
}

SEC("xdp")
int passes(struct xdp_md *xdp)
{
	return XDP_PASS;
}

SEC("xdp")
int drops(struct xdp_md *xdp)
{
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
