/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An array of programs with a program in it from the start, which the loader does not support. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int target(struct __sk_buff *skb)
{
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__array(values, int(void *));
} programs SEC(".maps") = {
	.values = { (void *)&target },
};

SEC("tc")
int calls(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 0);
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
