/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's own types of bpf(2), for their BTF: what the loader's mirrors of them are held against. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

union bpf_attr attr;
struct bpf_prog_info prog_info;
struct bpf_map_info map_info;
struct bpf_link_info link_info;

SEC("tc")
int nothing(struct __sk_buff *skb)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
