/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Needs CO-RE. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct relocated {
	int before;
	int field;
} __attribute__((preserve_access_index));

SEC("tc")
int core(struct __sk_buff *skb)
{
	return ((struct relocated *)(long)skb->cb[0])->field;
}
