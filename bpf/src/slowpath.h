/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a container sends and the fast path leaves alone: to the kernel's own device, or to the stack. */
#ifndef CULVERT_SLOWPATH_H
#define CULVERT_SLOWPATH_H

#include <linux/bpf.h>
#include "encap.h"
#include "icmp.h"
#include "maps.h"
#include "packet.h"
#include "tables.h"
#include "trace.h"

/*
 * Asks the sender of an IPv4 packet, which the stack is about to cut, for smaller ones: a copy goes into culvert0,
 * where from_tunnel makes it into the answer. The sender then cuts by itself, or sends less, and no firewall of this
 * host's is in the way.
 */
static __always_inline void ask_for_less(struct __sk_buff *skb, const struct device *device)
{
	if (is_explains(skb) || !is_in_time())
		return;
	skb->tc_index = HANDED_ON;
	bpf_clone_redirect(skb, device->ifindex, BPF_F_INGRESS);
	skb->tc_index = 0;
}

/*
 * Redirects to culvert0 what the fast path leaves alone. The stack would forward it there as well, but past the
 * firewall's FORWARD chain, which may let nothing through (Docker sets that policy): fragments would vanish where all
 * else arrives. False: it is left to the stack, which answers "time exceeded", and can cut an IPv4 packet before it is
 * wrapped. Over IPv6 that is the only way, as outer IPv6 packets are never cut.
 */
__noinline int hand_to_device(struct __sk_buff *skb, __be32 vni, __u32 ipv6)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	const struct device *device = find_device();
	const struct subnet *to;
	struct ip_view ip;

	if (!eth || !device || !read_ip(eth + 1, skb->len - ETH_HLEN, ipv6, &ip) || ip.hops <= 1)
		return 0;
	to = find_subnet(vni, ip.destination, ipv6);
	if (!to)
		return 0;
	if ((to->flags & SUBNET_UNDERLAY_IPV6) && wire_bytes(skb, eth + 1, &ip) > to->mtu_bytes) {
		ask_for_less(skb, device);
		return 0;
	}
	spend_hop(eth + 1, ipv6);
	skb->tc_index = HANDED_ON;
	bpf_redirect(device->ifindex, 0);
	return 1;
}

#endif
