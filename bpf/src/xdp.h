/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Decapsulation at XDP: before the kernel merges packets (GRO), so that inner TCP merges natively and arrives without
 * any mark of a tunnel. Only the plain good case is handled here. Whatever is not plainly good goes up untouched: the
 * program at tc judges it, drops it by name and counts it, so each rule and each counter exists once.
 */
#ifndef CULVERT_XDP_H
#define CULVERT_XDP_H

#include <linux/bpf.h>
#include "decap.h"
#include "counters.h"
#include "maps.h"
#include "outer.h"
#include "packet.h"
#include "tables.h"
#include "vxlan.h"

/*
 * Goes with a stripped packet to tc, as XDP metadata: nobody but an XDP program of this host can write it, so it is
 * proof that the outer header was there and good. The kernel merges only packets with equal metadata.
 */
struct stripped {
	__u32 magic;
	__be32 vni;
	__u32 vtep_id; /* the sender, to be counted at tc */
};
#define STRIPPED_MAGIC 0x43565254

/* The first `bytes` of the frame, or NULL; see packet_start. */
static __always_inline void *frame_start(struct xdp_md *xdp, __u32 bytes)
{
	void *data = (void *)(long)xdp->data;

	return data + bytes <= (void *)(long)xdp->data_end ? data : NULL;
}

/* Whether the inner packet may be delivered to a container of ours without a second thought. */
static __always_inline bool plainly_good(struct xdp_md *xdp, const struct tunnel *tunnel, const struct ip_view *inner)
{
	struct destination to;

	return inner->hops > 1 && judge_inner(tunnel, inner, &to) == VERDICT_DECAPSULATED && to.endpoint &&
	       !is_stacks_at_xdp(xdp, tunnel->vni, BEFORE_INNER_IP(tunnel->ipv6), inner->ipv6);
}

static __always_inline struct stripped *mark_of(struct xdp_md *xdp)
{
	struct stripped *mark = (void *)(long)xdp->data_meta;

	return (void *)(mark + 1) <= (void *)(long)xdp->data ? mark : NULL;
}

/* Takes the outer headers off a frame that has been found good; the Ethernet header stays the underlay's. */
static __always_inline bool strip(struct xdp_md *xdp, const struct tunnel *tunnel, __be16 inner_protocol)
{
	struct ethhdr *eth = frame_start(xdp, ETH_HLEN);
	__u8 to[ETH_ALEN] WORDS, from[ETH_ALEN] WORDS;
	struct stripped *mark;

	if (!eth)
		return false;
	copy_mac(to, eth->h_dest);
	copy_mac(from, eth->h_source);
	/*
	 * Metadata first: where the driver has no room for it, the frame goes up whole. It moves along with the head.
	 */
	if (bpf_xdp_adjust_meta(xdp, -(int)sizeof(*mark)))
		return false;
	mark = mark_of(xdp);
	if (!mark)
		return false;
	mark->magic = 0;
	if (bpf_xdp_adjust_head(xdp, OVERHEAD_BYTES(tunnel->ipv6)))
		return false;
	eth = frame_start(xdp, ETH_HLEN);
	mark = mark_of(xdp);
	if (!eth || !mark)
		return false;
	write_ethernet(eth, to, from, inner_protocol);
	mark->magic = STRIPPED_MAGIC;
	mark->vni = tunnel->vni;
	mark->vtep_id = tunnel->parties->from_vtep;
	return true;
}

/* Whether the outer ECN field has a say in the inner one: tc sees to that. */
static __always_inline bool changes_ecn(__u8 outer_ecn, const struct ip_view *inner)
{
	__u8 inner_ecn = inner->traffic_class & ECN_MASK;

	return outer_ecn == ECN_CONGESTION || combined_ecn(outer_ecn, inner_ecn) != inner_ecn;
}

static __always_inline int strip_if_good(struct xdp_md *xdp, bool ipv6, bool inner_ipv6)
{
	void *data = frame_start(xdp, BEFORE_INNER_IP(ipv6) + ip_header_bytes(inner_ipv6));
	struct parties parties = {};
	struct tunnel tunnel = { .ipv6 = ipv6, .parties = &parties };
	struct ip_view inner;

	if (!data || read_outer(data, bpf_xdp_get_buff_len(xdp) - ETH_HLEN, &tunnel) != VERDICT_DECAPSULATED ||
	    !read_ip(data + BEFORE_INNER_IP(ipv6), tunnel.inner_bytes, inner_ipv6, &inner) ||
	    !plainly_good(xdp, &tunnel, &inner) || changes_ecn(tunnel.ecn, &inner))
		return XDP_PASS;
	/* Stripped or, where that fails, as it came. */
	strip(xdp, &tunnel, inner_ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	return XDP_PASS;
}

/* A frame of the given outer family. */
static __always_inline int strip_family(struct xdp_md *xdp, bool ipv6)
{
	void *data = frame_start(xdp, BEFORE_INNER_IP(ipv6));
	__be16 protocol;

	if (!data || !is_tunnel(data, ipv6))
		return XDP_PASS;
	protocol = inner_protocol(data, ipv6);
	if (protocol == bpf_htons(ETH_P_IP))
		return strip_if_good(xdp, ipv6, false);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return strip_if_good(xdp, ipv6, true);
	return XDP_PASS;
}

/* At tc: whether XDP has stripped the packet; then network and sender are known. */
static __always_inline bool is_stripped(struct __sk_buff *skb, struct parties *parties)
{
	const struct stripped *mark = PACKET_POINTER(skb, data_meta);

	if ((const void *)(mark + 1) > PACKET_POINTER(skb, data) || mark->magic != STRIPPED_MAGIC)
		return false;
	parties->vni = mark->vni;
	parties->from_vtep = mark->vtep_id;
	return true;
}

/* At tc: delivers a packet that XDP has stripped. */
static __always_inline enum verdict receive_stripped(struct __sk_buff *skb, bool ipv6, struct parties *parties)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	struct destination to = {};
	struct ip_view ip;

	if (!eth || !read_ip(eth + 1, skb->len - ETH_HLEN, ipv6, &ip))
		return VERDICT_DROPPED_MALFORMED;
	to.endpoint = find_endpoint(parties->vni, ip.destination, ipv6);
	if (!to.endpoint)
		return VERDICT_DROPPED_NO_ENDPOINT; /* it went while the packet was on its way from XDP */
	parties->to_endpoint = to.endpoint->endpoint_id;
	return hand_over(skb, &to, ipv6, ECN_NOT_CAPABLE, VERDICT_DECAPSULATED);
}

#endif
