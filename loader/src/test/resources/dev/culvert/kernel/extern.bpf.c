/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Needs a kfunc. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int some_kernel_function(int x) __ksym;

SEC("tc")
int kfunc(struct __sk_buff *skb)
{
	return some_kernel_function(1);
}
