/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells those who trace what became of a packet. While nobody traces, one look at trace_wanted is all there is. */
#ifndef CULVERT_TRACE_H
#define CULVERT_TRACE_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "counters.h"
#include "maps.h"
#include "packet.h"
#include "verdict.h"

/* Under which of its flags a tracer wants to see such a packet. What is not ours is nobody's business but explain's. */
static __always_inline __u32 trace_kind(enum verdict verdict)
{
	if (verdict == VERDICT_PASSED)
		return TRACE_MARKED;
	return TRACE_MARKED | (is_drop(verdict) ? TRACE_DROPS : TRACE_FLOWS);
}

static __always_inline bool is_traced(enum verdict verdict)
{
	__u32 key = 0;
	const __u32 *wanted = bpf_map_lookup_elem(&trace_wanted, &key);

	return wanted && (*wanted & trace_kind(verdict));
}

/* Where from_tunnel's packet came from; the device has taken its outer headers off. */
static __always_inline void note_outer_source(struct __sk_buff *skb, struct trace_event *event)
{
	struct bpf_tunnel_key key = {};

	if (!bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0)) {
		__be32 source = bpf_htonl(key.remote_ipv4);

		event->outer_source[10] = event->outer_source[11] = 0xff;
		__builtin_memcpy(event->outer_source + 12, &source, sizeof(source));
	} else if (!bpf_skb_get_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6)) {
		__builtin_memcpy(event->outer_source, key.remote_ipv6, sizeof(event->outer_source));
	}
}

static __always_inline void describe(struct __sk_buff *skb, struct trace_event *event)
{
	__u64 last = skb->len - 1ULL;

	event->time_ns = bpf_ktime_get_ns();
	event->ifindex = skb->ifindex;
	event->length_bytes = skb->len;
	event->mark = skb->mark;
	if (skb->len > TRACED_BYTES)
		last = TRACED_BYTES - 1;
	/*
	 * Kernel 6.1 learns nothing from "not 0", and loses what clang checks in another register: so the last byte's
	 * offset is compared, which is huge when there is none.
	 */
	asm volatile("" : "+r"(last));
	if (last < TRACED_BYTES && !bpf_skb_load_bytes(skb, 0, event->packet, last + 1))
		event->captured_bytes = last + 1;
	if (event->program == PROGRAM_FROM_TUNNEL)
		note_outer_source(skb, event);
}

/* Puts an event into the ring of the tracer in that place. Made there and not here: the stack has no room for it. */
static __always_inline void tell(struct __sk_buff *skb, __u32 place, __u32 program, __u32 verdict, __be32 vni)
{
	void *ring = bpf_map_lookup_elem(&trace_rings, &place);
	struct trace_event *event;
	__u64 *lost;

	if (!ring)
		return;
	event = bpf_ringbuf_reserve(ring, sizeof(*event), 0);
	if (!event) {
		lost = bpf_map_lookup_elem(&trace_lost, &place);
		if (lost)
			__sync_fetch_and_add(lost, 1);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->program = program;
	event->verdict = verdict;
	event->vni = vni;
	describe(skb, event);
	bpf_ringbuf_submit(event, 0);
}

static __always_inline bool is_sampled(const struct tracer *tracer)
{
	return tracer->sample <= 1 || bpf_get_prandom_u32() % tracer->sample == 0;
}

/*
 * Whether the packet bears a living tracer's mark: that is, whether it is explain's. Also takes the flags of tracers
 * that have died out of trace_wanted, so that they cost nothing any more. Should a new tracer's flag get lost that way,
 * it comes back when that tracer renews its entry.
 */
static __always_inline bool look_through(__u32 mark, __u64 now_ns)
{
	__u32 place, key = 0, flags = 0, *wanted;
	bool marked = false;

	for (place = 0; place < MAX_TRACERS; place++) {
		__u32 at = place;
		const struct tracer *tracer = bpf_map_lookup_elem(&tracers, &at);

		if (!tracer || tracer->until_ns <= now_ns)
			continue;
		flags |= tracer->flags;
		if ((tracer->flags & TRACE_MARKED) && tracer->mark == mark)
			marked = true;
	}
	wanted = bpf_map_lookup_elem(&trace_wanted, &key);
	if (wanted && *wanted != flags)
		*wanted = flags;
	return marked;
}

/* Whether it is explain's own: it is to go nowhere, and what a program sends besides a verdict goes. */
static __always_inline bool is_explains(const struct __sk_buff *skb)
{
	__u32 zero = 0;
	const __u32 *wanted = bpf_map_lookup_elem(&trace_wanted, &zero);

	return wanted && (*wanted & TRACE_MARKED) && look_through(skb->mark, bpf_ktime_get_ns());
}

static __always_inline bool wants(const struct tracer *tracer, bool marked, __u32 mark, __u32 kind)
{
	if (marked)
		return (tracer->flags & TRACE_MARKED) && tracer->mark == mark;
	return (tracer->flags & kind & ~TRACE_MARKED) && is_sampled(tracer);
}

/*
 * Tells all who want to know. A global function: out of the way of those packets that nobody traces, and verified once,
 * not again for each state that it is called in.
 *
 * Returns whether the packet is explain's own, which is not to be counted.
 */
__noinline int trace(struct __sk_buff *skb, __u32 program, __u32 verdict, __be32 vni)
{
	__u32 place, mark = skb->mark, kind = trace_kind(verdict);
	__u64 now_ns = bpf_ktime_get_ns();
	bool marked = look_through(mark, now_ns);

	for (place = 0; place < MAX_TRACERS; place++) {
		__u32 at = place;
		const struct tracer *tracer = bpf_map_lookup_elem(&tracers, &at);

		if (!tracer || tracer->until_ns <= now_ns || !wants(tracer, marked, mark, kind))
			continue;
		tell(skb, at, program, verdict, vni);
	}
	return marked;
}

/* All that is noted of a packet that has its verdict. */
static __always_inline void account(struct __sk_buff *skb, enum program program, enum verdict verdict,
                                    const struct parties *parties, __u32 bytes)
{
	if (is_traced(verdict) && trace(skb, program, verdict, parties->vni))
		return;
	count(verdict, bytes);
	count_parties(program, verdict, parties, bytes);
}

#endif
