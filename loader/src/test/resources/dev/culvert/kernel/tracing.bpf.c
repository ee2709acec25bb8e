/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A section whose programs the loader does not know. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("kprobe/do_nothing")
int probe(void *context)
{
	return 0;
}
