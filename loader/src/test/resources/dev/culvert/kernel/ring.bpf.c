/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes numbered records into a ring that the test brings. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

__u64 next_number;

/* 0, or 1 when there was no room. */
SEC("tc")
int writes(struct __sk_buff *skb)
{
	__u64 record[8] = { next_number++ };
	__u32 key = 0;
	void *ring = bpf_map_lookup_elem(&rings, &key);

	return !ring || bpf_ringbuf_output(ring, record, sizeof(record), 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
