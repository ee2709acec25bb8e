/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A tunnel packet's outer headers, read alike at tc and at XDP. */
#ifndef CULVERT_OUTER_H
#define CULVERT_OUTER_H

#include "counters.h"
#include "packet.h"
#include "verdict.h"
#include "vxlan.h"

/* Outer facts of a tunnel packet, from its headers or from the kernel device that took them off. */
struct tunnel {
	__be32 vni;
	bool ipv6;         /* underlay family */
	__u8 ecn;          /* of the outer header */
	__u32 inner_bytes; /* room for the inner IP packet, by the outer headers */
	__u8 source[16];   /* outer source; IPv4 in the first 4 bytes */
	struct parties *parties;
};

/* What is_tunnel() looks at, from the start of the frame. */
static __always_inline __u32 before_vxlan(bool ipv6)
{
	return ETH_HLEN + ip_header_bytes(ipv6) + sizeof(struct udphdr);
}

/*
 * Whether the frame, of which before_vxlan() bytes are readable, is unfragmented UDP to the tunnel's port, without IP
 * options.
 */
static __always_inline bool is_tunnel(const void *frame, bool ipv6)
{
	const struct udphdr *udp = frame + ETH_HLEN + ip_header_bytes(ipv6);

	if (ipv6) {
		const struct ipv6hdr *ip = frame + ETH_HLEN;

		return ip->nexthdr == IPPROTO_UDP && is_tunnel_port(udp);
	} else {
		const struct iphdr *ip = frame + ETH_HLEN;

		return ip->protocol == IPPROTO_UDP && ip->ihl == 5 && !(ip->frag_off & bpf_htons(IPV4_FRAGMENT)) &&
		       is_tunnel_port(udp);
	}
}

/* The EtherType inside, of a frame whose first BEFORE_INNER_IP are readable. */
static __always_inline __be16 inner_protocol(const void *frame, bool ipv6)
{
	return ((const struct ethhdr *)(frame + BEFORE_INNER_ETHERNET(ipv6)))->h_proto;
}

/* Bytes that the outer headers leave for the inner IP packet; 0 when they contradict each other. */
static __always_inline __u32 inner_bytes(const struct ip_view *outer, const struct udphdr *udp)
{
	__u32 bytes = bpf_ntohs(udp->len), before = sizeof(*udp) + sizeof(struct vxlan_header) + ETH_HLEN;

	return bytes > before && ip_header_bytes(outer->ipv6) + bytes <= outer->bytes ? bytes - before : 0;
}

/*
 * Reads the outer headers of what is_tunnel() into `tunnel`; BEFORE_INNER_IP of the frame are readable, and `available`
 * bytes of packet start behind its Ethernet header. VERDICT_DECAPSULATED, or why it goes another way.
 */
static __always_inline enum verdict read_outer(const void *frame, __u32 available, struct tunnel *tunnel)
{
	bool ipv6 = tunnel->ipv6;
	const struct udphdr *udp = frame + ETH_HLEN + ip_header_bytes(ipv6);
	const struct vxlan_header *vxlan = (const void *)(udp + 1);
	struct ip_view outer;

	if (!read_ip(frame + ETH_HLEN, available, ipv6, &outer))
		return VERDICT_DROPPED_MALFORMED;
	if (udp->check)
		return VERDICT_SLOW_PATH; /* the stack verifies it; none is fine, over IPv6 too (RFC 6935 section 5) */
	if (vxlan->flags != VXLAN_FLAG_VNI)
		return VERDICT_DROPPED_MALFORMED;
	tunnel->vni = network_of(vxlan_vni(vxlan));
	tunnel->ecn = outer.traffic_class & ECN_MASK;
	tunnel->inner_bytes = inner_bytes(&outer, udp);
	copy_address(tunnel->source, outer.source, ipv6);
	return VERDICT_DECAPSULATED;
}

#endif
