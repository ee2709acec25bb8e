/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a container sends: may it, and where does it go. */
#ifndef CULVERT_CONTAINER_H
#define CULVERT_CONTAINER_H

#include <linux/bpf.h>
#include "counters.h"
#include "decap.h"
#include "deliver.h"
#include "encap.h"
#include "flows.h"
#include "maps.h"
#include "packet.h"
#include "tables.h"
#include "vlan.h"
#include "vxlan.h"

#define ICMPV6_ROUTER_ADVERTISEMENT 134 /* RFC 4861 section 4.2 */

/* Whether an ICMP message, `at` bytes into the frame, quotes a tunnel packet. Only the tunnel's routers have any. */
static __always_inline bool quotes_tunnel(struct __sk_buff *skb, __u32 at, bool ipv6)
{
	__u32 quoted = at + ICMP_HEADER_BYTES, udp_at = quoted + sizeof(struct ipv6hdr);
	struct ipv6hdr ip6;
	struct udphdr udp;
	struct iphdr ip;
	__u8 protocol;

	if (ipv6) {
		if (bpf_skb_load_bytes(skb, quoted, &ip6, sizeof(ip6)))
			return false;
		protocol = ip6.nexthdr;
	} else {
		if (bpf_skb_load_bytes(skb, quoted, &ip, sizeof(ip)))
			return false;
		protocol = ip.protocol;
		udp_at = quoted + ip.ihl * 4;
	}
	return protocol == IPPROTO_UDP && !bpf_skb_load_bytes(skb, udp_at, &udp, sizeof(udp)) && is_tunnel_port(&udp);
}

/*
 * Whether a container's packet is VXLAN of its own making, or speaks of the host's as a router would. Masqueraded, it
 * would look like this host's VTEP at the other host. IP options, extension headers and fragments hide nothing: the
 * first fragment carries the UDP header, and without it the others are never put together. What cannot be read to its
 * end counts as a tunnel.
 */
static __always_inline bool is_own_tunnel(struct __sk_buff *skb, const void *header, bool ipv6)
{
	struct payload payload;
	struct udphdr udp;

	if (!find_payload(skb, header, ipv6, &payload))
		return true;
	if (!payload.first)
		return false;
	if (payload.protocol == (ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return quotes_tunnel(skb, payload.offset, ipv6);
	return payload.protocol == IPPROTO_UDP && !bpf_skb_load_bytes(skb, payload.offset, &udp, sizeof(udp)) &&
	       is_tunnel_port(&udp);
}

/* The link-local address that a MAC gives: RFC 4291 appendix A. */
static __always_inline bool is_own_link_local(const __u8 *mac, const __u8 *address)
{
	const __u32 *words = (const __u32 *)address;

	return words[0] == bpf_htonl(0xfe800000) && !words[1] &&
	       words[2] == bpf_htonl((mac[0] ^ 2u) << 24 | mac[1] << 16 | mac[2] << 8 | 0xff) &&
	       words[3] == bpf_htonl(0xfeu << 24 | mac[3] << 16 | mac[4] << 8 | mac[5]);
}

/*
 * IPv6 on the link between container and host: neighbour discovery mostly. It never leaves the link: the stack sees to
 * that.
 */
static __always_inline enum verdict neighbour_sends(struct __sk_buff *skb, const struct interface *in,
                                                    const void *header)
{
	const struct ipv6hdr *ip = header;
	bool own = !(in->flags & INTERFACE_CHECK_MAC) || !ip->saddr.s6_addr[0] ||
	           is_own_link_local(in->mac, ip->saddr.s6_addr);
	struct payload payload;
	__u8 type;

	if (is_own_tunnel(skb, header, true))
		return VERDICT_DROPPED_TUNNEL_FROM_CONTAINER;
	/* A host that takes its routes from router advertisements would take this container for a router. */
	if (find_payload(skb, header, true, &payload) && payload.protocol == IPPROTO_ICMPV6 && payload.first &&
	    !bpf_skb_load_bytes(skb, payload.offset, &type, sizeof(type)) &&
	    (type == ICMPV6_ROUTER_ADVERTISEMENT || type == ICMPV6_REDIRECT))
		return VERDICT_DROPPED_ROUTER_ADVERTISEMENT;
	/* Each address that the host's stack talks to takes an entry of its neighbour table. */
	return own ? VERDICT_PASSED : VERDICT_DROPPED_INNER_SOURCE;
}

/* ARP for IPv4 over Ethernet, RFC 826. */
struct arp_packet {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_bytes;
	__u8 protocol_bytes;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__be32 sender __attribute__((packed));
	__u8 target_mac[ETH_ALEN];
	__be32 target __attribute__((packed));
};
_Static_assert(sizeof(struct arp_packet) == 28, "RFC 826");

/*
 * A container's ARP: about itself, since the host keeps what it hears. A probe has no sender yet (RFC 5227). On a
 * bridge there may be others' networks too, and their ARP.
 */
static __always_inline enum verdict arp_sends(struct __sk_buff *skb, const struct interface *in)
{
	const struct ethhdr *eth = packet_start(skb, ETH_HLEN + sizeof(struct arp_packet));
	const struct arp_packet *arp = (const void *)(eth + 1);
	__be32 sender;

	if (!(in->flags & INTERFACE_CHECK_MAC))
		return VERDICT_PASSED;
	if (!eth || arp->hardware != bpf_htons(1) || arp->protocol != bpf_htons(ETH_P_IP) ||
	    arp->hardware_bytes != ETH_ALEN || arp->protocol_bytes != sizeof(arp->sender))
		return VERDICT_DROPPED_MALFORMED;
	if (!same_mac(eth->h_source, in->mac) || !same_mac(arp->sender_mac, in->mac))
		return VERDICT_DROPPED_INNER_MAC;
	sender = arp->sender;
	return !sender || owns_source(in, &sender, false) ? VERDICT_PASSED : VERDICT_DROPPED_INNER_SOURCE;
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
		return neighbour_sends(skb, in, eth + 1);
	if (!owns_source(in, ip.source, ipv6))
		return VERDICT_DROPPED_INNER_SOURCE;
	if (skb->pkt_type != PACKET_HOST)
		return VERDICT_PASSED; /* broadcast, multicast: no overlay traffic */

	subnet = find_subnet(in->vni, ip.destination, ipv6);
	if (!subnet)
		return is_own_tunnel(skb, eth + 1, ipv6) ? VERDICT_DROPPED_TUNNEL_FROM_CONTAINER : VERDICT_PASSED;
	if (is_stacks(skb, in->vni, ETH_HLEN, ipv6))
		return VERDICT_PASSED; /* the stack translates it back */
	if (subnet->flags & SUBNET_LOCAL) {
		endpoint = find_endpoint(in->vni, ip.destination, ipv6);
		if (!endpoint || ip.hops <= 1)
			return VERDICT_PASSED; /* the host, behind a bridge that the stack knows, or out of hops */
		parties->to_endpoint = endpoint->endpoint_id;
		spend_hop_here(skb, eth + 1, ipv6);
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
