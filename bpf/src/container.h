/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a container sends: may it, and where does it go. */
#ifndef CULVERT_CONTAINER_H
#define CULVERT_CONTAINER_H

#include <linux/bpf.h>
#include "counters.h"
#include "decap.h"
#include "deliver.h"
#include "encap.h"
#include "maps.h"
#include "packet.h"
#include "tables.h"
#include "vlan.h"
#include "vxlan.h"

/* Numbers of RFC 4861 section 4. */
#define ROUTER_ADVERTISEMENT 134
#define REDIRECT             137

/*
 * Whether a container's packet is VXLAN of its own making. Masqueraded, it would look like this host's VTEP at the
 * other host. IP options, extension headers and fragments hide nothing: the first fragment carries the UDP header, and
 * without it the others are never put together. What cannot be read to its end counts as a tunnel.
 */
static __always_inline bool is_own_tunnel(struct __sk_buff *skb, const void *header, bool ipv6)
{
	struct payload payload;
	struct udphdr udp;

	if (!find_payload(skb, header, ipv6, &payload))
		return true;
	return payload.protocol == IPPROTO_UDP && payload.first &&
	       !bpf_skb_load_bytes(skb, payload.offset, &udp, sizeof(udp)) && is_tunnel_port(&udp);
}

/*
 * IPv6 on the link between container and host: neighbour discovery mostly. It never leaves the link: the stack sees to
 * that.
 */
static __always_inline enum verdict neighbour_sends(struct __sk_buff *skb, const void *header)
{
	struct payload payload;
	__u8 type;

	if (is_own_tunnel(skb, header, true))
		return VERDICT_DROPPED_TUNNEL_FROM_CONTAINER;
	/* A host that takes its routes from router advertisements would take this container for a router. */
	if (find_payload(skb, header, true, &payload) && payload.protocol == IPPROTO_ICMPV6 && payload.first &&
	    !bpf_skb_load_bytes(skb, payload.offset, &type, sizeof(type)) &&
	    (type == ROUTER_ADVERTISEMENT || type == REDIRECT))
		return VERDICT_DROPPED_ROUTER_ADVERTISEMENT;
	return VERDICT_PASSED;
}

/* A link-local source, or none yet (duplicate address detection). */
static __always_inline bool is_link_business(const __u8 *source)
{
	const __u32 *words = (const __u32 *)source;

	return (words[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000) ||
	       !(words[0] | words[1] | words[2] | words[3]);
}

static __always_inline enum verdict container_sends(struct __sk_buff *skb, const struct interface *in, bool ipv6,
                                                    struct parties *parties)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	const struct endpoint *endpoint;
	const struct subnet *subnet;
	struct ip_view ip;

	parties->vni = in->vni;
	parties->from_endpoint = in->endpoint_id;
	if (!eth || !read_ip(eth + 1, skb->len - ETH_HLEN, ipv6, &ip))
		return VERDICT_DROPPED_MALFORMED;
	if ((in->flags & INTERFACE_CHECK_MAC) && !same_mac(eth->h_source, in->mac))
		return VERDICT_DROPPED_INNER_MAC;
	if (ipv6 && is_link_business(ip.source))
		return neighbour_sends(skb, eth + 1);
	if (!owns_source(in, ip.source, ipv6))
		return VERDICT_DROPPED_INNER_SOURCE;
	if (skb->pkt_type != PACKET_HOST)
		return VERDICT_PASSED; /* broadcast, multicast: no overlay traffic */

	subnet = find_subnet(in->vni, ip.destination, ipv6);
	if (!subnet)
		return is_own_tunnel(skb, eth + 1, ipv6) ? VERDICT_DROPPED_TUNNEL_FROM_CONTAINER : VERDICT_PASSED;
	if (subnet->flags & SUBNET_LOCAL) {
		endpoint = find_endpoint(in->vni, ip.destination, ipv6);
		if (!endpoint || ip.hops <= 1)
			return VERDICT_PASSED; /* the host, behind a bridge that the stack knows, or out of hops */
		parties->to_endpoint = endpoint->endpoint_id;
		spend_hop(eth + 1, ipv6);
		deliver_to_endpoint(eth, endpoint, ipv6, true);
		return VERDICT_DELIVERED_LOCALLY;
	}
	parties->to_vtep = subnet->vtep_id;
	if (ip.hops <= 1)
		return VERDICT_SLOW_PATH; /* the stack answers "time exceeded" */
	return send_to_subnet(skb, subnet, eth + 1, &ip);
}

/*
 * Gets a packet that is left to the stack past the bridge that lends its interface headroom. A bridge takes every frame
 * of its ports but those to the "nearest bridge" group address with LLDP's last byte (IEEE 802.1D, table 7-10): these
 * go up on the port itself, where they would have gone without a bridge. That the frame was for this host is settled
 * by then (pkt_type), and nothing above looks at the address again.
 */
static __always_inline void pass_the_bridge(struct __sk_buff *skb, const struct interface *in)
{
	const __u8 past[ETH_ALEN] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };

	if (in->flags & INTERFACE_LENT_ROOM)
		bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_dest), past, sizeof(past), 0);
}

/*
 * A frame with a VLAN tag. From a container: the tag would go on to the underlay, and the stack takes a second tag off
 * after this program has looked, so that nobody would look at what is behind it. A bridge may have VLAN devices of
 * somebody else's on top: those frames are theirs, but VLAN 0 is no VLAN.
 */
static __always_inline enum verdict tagged_sends(const struct __sk_buff *skb, const struct interface *in)
{
	if ((in->flags & INTERFACE_CHECK_MAC) || !(skb->vlan_tci & VLAN_ID_MASK))
		return VERDICT_DROPPED_VLAN;
	return VERDICT_PASSED;
}

#endif
