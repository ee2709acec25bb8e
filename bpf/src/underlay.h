/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frame from the underlay: whose is it, by its Ethernet header and its tags. */
#ifndef CULVERT_UNDERLAY_H
#define CULVERT_UNDERLAY_H

#include <linux/bpf.h>
#include "counters.h"
#include "decap.h"
#include "packet.h"
#include "verdict.h"
#include "vlan.h"
#include "xdp.h"

/* Nobody has a reason for more than one, and the kernel takes off any number. */
#define MOST_PRIORITY_TAGS 4

/* The outermost tag's VLAN; 0 for a priority tag. */
static __always_inline __u16 vlan_of(struct __sk_buff *skb)
{
	__be16 tag = 0;

	if (skb->vlan_present)
		return skb->vlan_tci & VLAN_ID_MASK;
	bpf_skb_load_bytes(skb, ETH_HLEN, &tag, sizeof(tag));
	return bpf_ntohs(tag) & VLAN_ID_MASK;
}

/* A frame's outermost tag as the kernel keeps it, for when it was a priority tag and is taken off. */
struct priority_tag {
	__be16 protocol; /* 0: there was none */
	__u16 tag;
};

/* What tags say of a frame. */
enum tags {
	TAGS_NONE,      /* as good as none: what there was is taken off */
	TAGS_OF_A_VLAN, /* it is that VLAN's */
	TAGS_TOO_MANY,
};

/* Takes priority tags off until something else comes to light. Pointers into the packet are invalid afterwards. */
static __noinline enum tags take_priority_tags(struct __sk_buff *skb, struct priority_tag *outermost)
{
	int i;

#pragma clang loop unroll(disable)
	for (i = 0; i < MOST_PRIORITY_TAGS; i++) {
		if (!is_tagged(skb))
			return TAGS_NONE;
		if (vlan_of(skb))
			return TAGS_OF_A_VLAN;
		if (i == 0 && skb->vlan_present) {
			outermost->protocol = skb->vlan_proto;
			outermost->tag = skb->vlan_tci;
		}
		if (bpf_skb_vlan_pop(skb))
			return TAGS_TOO_MANY;
	}
	return is_tagged(skb) ? TAGS_TOO_MANY : TAGS_NONE;
}

/* For the stack, where somebody may have made a device for VLAN 0. */
static __always_inline void put_priority_tag_back(struct __sk_buff *skb, const struct priority_tag *tag)
{
	if (tag->protocol)
		bpf_skb_vlan_push(skb, tag->protocol, tag->tag);
}

/*
 * A frame from the underlay that is tagged for a VLAN belongs to a VLAN device on top, which is another network. But
 * where the NIC takes tags off itself, XDP does not see them: what it has stripped must not go on to that network bare.
 */
static __always_inline enum verdict tagged_arrives(enum tags tags, bool stripped)
{
	return tags == TAGS_OF_A_VLAN && !stripped ? VERDICT_PASSED : VERDICT_DROPPED_VLAN;
}

/* `stripped` by strip_at_xdp, with network and sender in `parties`. */
static __always_inline enum verdict underlay_frame(struct __sk_buff *skb, bool stripped, struct priority_tag *tag,
                                                   struct parties *parties)
{
	enum tags tags = TAGS_NONE;

	if (skb->pkt_type != PACKET_HOST)
		return VERDICT_PASSED;
	if (is_tagged(skb))
		tags = take_priority_tags(skb, tag);
	if (tags != TAGS_NONE)
		return tagged_arrives(tags, stripped);
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return stripped ? receive_stripped(skb, false, parties) : receive(skb, false, parties);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return stripped ? receive_stripped(skb, true, parties) : receive(skb, true, parties);
	return VERDICT_PASSED;
}

#endif
