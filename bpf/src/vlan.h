/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* VLAN tags (IEEE 802.1Q). VLAN 0 is no VLAN: such a tag gives a priority, and the kernel takes the frame for untagged.
 */
#ifndef CULVERT_VLAN_H
#define CULVERT_VLAN_H

#include "packet.h"

#define VLAN_ID_MASK 0x0fff /* of the tag; the rest is priority */

/*
 * Whether the frame carries a VLAN tag. The kernel, or the NIC, has taken the outermost into skb->vlan_tci, where it
 * stays with the packet wherever it is redirected to; a second one is still in front of the IP header.
 */
static __always_inline bool is_tagged(const struct __sk_buff *skb)
{
	return skb->vlan_present || skb->protocol == bpf_htons(ETH_P_8021Q) || skb->protocol == bpf_htons(ETH_P_8021AD);
}

#endif
