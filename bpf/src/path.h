/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How much the way to a VTEP carries, when it is less than our end of it says: routers tell (RFC 1191, RFC 8201). Outer
 * IPv4 headers always carry "don't fragment", and outer IPv6 packets are never cut, so a router that cannot pass one on
 * answers with the size that it could have passed on.
 */
#ifndef CULVERT_PATH_H
#define CULVERT_PATH_H

#include <linux/bpf.h>
#include "config.h"
#include "maps.h"
#include "packet.h"
#include "tables.h"
#include "vxlan.h"

/* What every way carries: RFC 791 section 3.1 and RFC 8200 section 5. A router that claims less is not believed. */
#define LEAST_MTU_IPV4  576
#define LEAST_MTU_IPV6  1280
#define LEAST_MTU(ipv6) ((ipv6) ? LEAST_MTU_IPV6 : LEAST_MTU_IPV4)

/*
 * The largest inner packet, IP header included, that the way to a VTEP carries whole. `bytes` is the size at hand: what
 * fits any way costs no look at the paths, nor does a way that no router has spoken of need the clock.
 */
static __always_inline __u32 way_mtu(const struct subnet *to, __u32 bytes)
{
	bool underlay_ipv6 = to->flags & SUBNET_UNDERLAY_IPV6;
	__u32 key = to->vtep_id, mtu_bytes;
	const struct path *path;

	if (bytes <= LEAST_MTU(underlay_ipv6) - OVERHEAD_BYTES(underlay_ipv6) || (to->flags & SUBNET_DIRECT))
		return to->mtu_bytes;
	path = bpf_map_lookup_elem(&paths, &key);
	if (!path)
		return to->mtu_bytes;
	mtu_bytes = path->mtu_bytes;
	if (!mtu_bytes || mtu_bytes >= to->mtu_bytes || bpf_ktime_get_ns() >= path->expires_ns)
		return to->mtu_bytes;
	return mtu_bytes;
}

/* What an ICMP error says of the packet of ours that it quotes. */
struct too_big {
	__u32 mtu_bytes;    /* outer: the next hop's */
	__u32 quoted_bytes; /* outer packet, IP header included */
	const struct udphdr *quoted_udp;
	const void *router; /* who says so */
	const void *from;   /* addresses in the quoted outer header */
	const void *to;
};

/*
 * Reads a "fragmentation needed" to `to_us` that quotes unfragmented UDP. Routers quote at least IP header and 8 bytes
 * more.
 */
static __always_inline bool read_too_big4(void *data, struct too_big *error, const void **to_us)
{
	const struct iphdr *ip = data + ETH_HLEN;
	const struct icmp_error *icmp = (const void *)(ip + 1);
	const struct iphdr *quoted = (const void *)(icmp + 1);

	*to_us = &ip->daddr;
	error->router = &ip->saddr;
	error->mtu_bytes = (__u16)bpf_ntohl(icmp->mtu);
	error->quoted_bytes = bpf_ntohs(quoted->tot_len);
	error->quoted_udp = (const void *)(quoted + 1);
	error->from = &quoted->saddr;
	error->to = &quoted->daddr;
	return ip->protocol == IPPROTO_ICMP && ip->ihl == 5 && !(ip->frag_off & bpf_htons(IPV4_FRAGMENT)) &&
	       icmp->type == ICMP_DESTINATION_UNREACHABLE && icmp->code == ICMP_FRAGMENTATION_NEEDED &&
	       quoted->version == 4 && quoted->ihl == 5 && quoted->protocol == IPPROTO_UDP &&
	       !(quoted->frag_off & bpf_htons(IPV4_FRAGMENT));
}

/* The same for "packet too big". */
static __always_inline bool read_too_big6(void *data, struct too_big *error, const void **to_us)
{
	const struct ipv6hdr *ip = data + ETH_HLEN;
	const struct icmp_error *icmp = (const void *)(ip + 1);
	const struct ipv6hdr *quoted = (const void *)(icmp + 1);

	*to_us = &ip->daddr;
	error->router = &ip->saddr;
	error->mtu_bytes = bpf_ntohl(icmp->mtu);
	error->quoted_bytes = bpf_ntohs(quoted->payload_len) + sizeof(*quoted);
	error->quoted_udp = (const void *)(quoted + 1);
	error->from = &quoted->saddr;
	error->to = &quoted->daddr;
	return ip->nexthdr == IPPROTO_ICMPV6 && icmp->type == ICMPV6_PACKET_TOO_BIG && quoted->version == 6 &&
	       quoted->nexthdr == IPPROTO_UDP;
}

/*
 * Whether the quoted packet is one that we may have sent (RFC 5927 section 5): from the very address that the error
 * came to, which is ours, to the tunnel's port, from a source port of ours, and larger than what the router says it
 * carries.
 */
static __always_inline bool quotes_ours(const struct too_big *error, const void *to_us, bool ipv6)
{
	__u16 port = bpf_ntohs(error->quoted_udp->source);

	return is_tunnel_port(error->quoted_udp) && port >= source_port_min && port <= source_port_max &&
	       error->quoted_bytes > error->mtu_bytes && same_address(error->from, to_us, ipv6) && is_self(to_us, ipv6);
}

/*
 * Whether it may be a router that speaks. A container is none, and a packet's destination does not find it too big:
 * masqueraded, that host's containers would speak in its name. What other hosts' containers say of tunnels does not
 * leave those hosts (is_own_tunnel).
 */
static __always_inline bool is_router(const struct too_big *error, bool ipv6)
{
	return !same_address(error->router, error->to, ipv6) && !find_subnet(bpf_htonl(bare_vni), error->router, ipv6);
}

/*
 * Notes what a router tells about the way to a VTEP, when `skb` is such a message. The packet itself goes on to the
 * stack.
 */
static __always_inline void learn_path(struct __sk_buff *skb, bool ipv6)
{
	void *data = packet_start(skb, ETH_HLEN + 2 * ip_header_bytes(ipv6) + sizeof(struct icmp_error) +
	                                       sizeof(struct udphdr));
	struct too_big error;
	const struct vtep *vtep;
	const void *to_us;
	struct path *path;
	__u64 now;
	__u32 key;

	if (!data || !(ipv6 ? read_too_big6(data, &error, &to_us) : read_too_big4(data, &error, &to_us)))
		return;
	if (error.mtu_bytes < LEAST_MTU(ipv6))
		error.mtu_bytes = LEAST_MTU(ipv6); /* routers older than RFC 1191 say 0 */
	if (!quotes_ours(&error, to_us, ipv6) || !is_router(&error, ipv6))
		return;
	vtep = find_vtep(error.to, ipv6);
	if (!vtep || !vtep->vtep_id)
		return;
	key = vtep->vtep_id;
	path = bpf_map_lookup_elem(&paths, &key);
	if (!path)
		return;
	now = bpf_ktime_get_ns();
	error.mtu_bytes -= OVERHEAD_BYTES(ipv6);
	if (path->mtu_bytes && path->mtu_bytes < error.mtu_bytes && now < path->expires_ns)
		return; /* an older message about a narrower place still holds */
	/*
	 * A reader that sees half of this finds a time in the past or a size that holds, and the next packet sees it
	 * all.
	 */
	path->expires_ns = now + path_mtu_lifetime_ns;
	path->mtu_bytes = error.mtu_bytes;
}

#endif
