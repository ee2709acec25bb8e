/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is counted, and when: once for each packet, after its verdict. */
#ifndef CULVERT_COUNTERS_H
#define CULVERT_COUNTERS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include "maps.h"
#include "verdict.h"

/*
 * Who takes part in a packet's way, as far as the program has learnt, by the numbers that they are counted by. 0 is
 * nobody. Written on the way, before it is sure that the packet is handed on.
 */
struct parties {
	__be32 vni;
	__u32 from_endpoint;
	__u32 to_endpoint;
	__u32 from_vtep;
	__u32 to_vtep;
};

static __always_inline void count(enum verdict verdict, __u32 bytes)
{
	__u32 key = verdict;
	struct counter *counter = bpf_map_lookup_elem(&counters, &key);

	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
}

static __always_inline void count_sent(struct traffic *traffic, __u32 bytes)
{
	if (traffic) {
		traffic->sent_packets++;
		traffic->sent_bytes += bytes;
	}
}

static __always_inline void count_received(struct traffic *traffic, __u32 bytes)
{
	if (traffic) {
		traffic->received_packets++;
		traffic->received_bytes += bytes;
	}
}

/*
 * Counts the parties of a packet that goes on. What from_container and from_underlay leave to the slow path comes by
 * culvert0 again: its way to or from the VTEP, and to a container, is counted there.
 */
static __always_inline void count_parties(enum program program, enum verdict verdict, const struct parties *parties,
                                          __u32 bytes)
{
	bool at_device = program == PROGRAM_FROM_HOST || program == PROGRAM_FROM_TUNNEL;

	if (verdict == VERDICT_PASSED || is_drop(verdict))
		return;
	if (parties->from_endpoint)
		count_sent(bpf_map_lookup_elem(&endpoint_traffic, &parties->from_endpoint), bytes);
	if (verdict == VERDICT_SLOW_PATH && !at_device)
		return;
	if (parties->to_vtep)
		count_sent(bpf_map_lookup_elem(&vtep_traffic, &parties->to_vtep), bytes);
	if (parties->from_vtep)
		count_received(bpf_map_lookup_elem(&vtep_traffic, &parties->from_vtep), bytes);
	if (parties->to_endpoint && verdict != VERDICT_SLOW_PATH)
		count_received(bpf_map_lookup_elem(&endpoint_traffic, &parties->to_endpoint), bytes);
}

#endif
