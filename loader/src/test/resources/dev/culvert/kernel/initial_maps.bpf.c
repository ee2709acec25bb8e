/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps of maps that hold maps from the start, and a perf event array that leaves its size to the loader. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct inner first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} places SEC(".maps") = {
	.values = { &first, [3] = &second },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} table SEC(".maps") = {
	.values = { [2] = &first },
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

/* What the inner map at skb->mark holds, or -1 where none is. */
SEC("tc")
int reads_place(struct __sk_buff *skb)
{
	__u32 place = skb->mark, zero = 0;
	void *map = bpf_map_lookup_elem(&places, &place);
	__u32 *value = map ? bpf_map_lookup_elem(map, &zero) : 0;

	return value ? (int)*value : -1;
}

SEC("tc")
int reads_table(struct __sk_buff *skb)
{
	__u32 place = skb->mark, zero = 0;
	void *map = bpf_map_lookup_elem(&table, &place);
	__u32 *value = map ? bpf_map_lookup_elem(map, &zero) : 0;

	return value ? (int)*value : -1;
}

SEC("tc")
int tells(struct __sk_buff *skb)
{
	__u32 mark = skb->mark;

	return bpf_perf_event_output(skb, &events, BPF_F_CURRENT_CPU, &mark, sizeof(mark));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
