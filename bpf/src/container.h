/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a container sends: may it, and where does it go. */
#ifndef CULVERT_CONTAINER_H
#define CULVERT_CONTAINER_H

#include <linux/bpf.h>
#include "decap.h"
#include "deliver.h"
#include "encap.h"
#include "maps.h"
#include "packet.h"
#include "tables.h"
#include "vxlan.h"

static __always_inline enum verdict container_sends(struct __sk_buff *skb, const struct interface *in, bool ipv6)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	const struct endpoint *endpoint;
	const struct subnet *subnet;
	struct ip_view ip;

	if (!eth || !read_ip(eth + 1, skb->len - ETH_HLEN, ipv6, &ip))
		return VERDICT_DROPPED_MALFORMED;
	if ((in->flags & INTERFACE_CHECK_MAC) && !same_mac(eth->h_source, in->mac))
		return VERDICT_DROPPED_INNER_MAC;
	if (skb->pkt_type != PACKET_HOST)
		return VERDICT_PASSED; /* broadcast, multicast: no overlay traffic */
	/* A link-local source is a neighbour's own business (NDP): it never leaves the link, and the stack sees to that. */
	if (ipv6 && *(const __be16 *)ip.source == bpf_htons(0xfe80))
		return VERDICT_PASSED;
	if (!owns_source(in, ip.source, ipv6))
		return VERDICT_DROPPED_INNER_SOURCE;

	subnet = find_subnet(in->vni, ip.destination, ipv6);
	if (!subnet)
		/* Masqueraded, a container's own VXLAN packet would look like this host's VTEP. */
		return is_tunnel(skb, ipv6) ? VERDICT_DROPPED_TUNNEL_FROM_CONTAINER : VERDICT_PASSED;
	if (subnet->flags & SUBNET_LOCAL) {
		endpoint = find_endpoint(in->vni, ip.destination, ipv6);
		if (!endpoint || ip.hops <= 1)
			return VERDICT_PASSED; /* the host itself, behind a bridge that the stack knows, or out of hops */
		spend_hop(eth + 1, ipv6);
		deliver_to_endpoint(eth, endpoint, ipv6, true);
		return VERDICT_DELIVERED_LOCALLY;
	}
	if (ip.hops <= 1)
		return VERDICT_SLOW_PATH; /* the stack answers "time exceeded" */
	return send_to_subnet(skb, subnet, eth + 1, &ip);
}

#endif
