/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Out of this host: wrap in VXLAN, or send as it is to a VTEP on the same link. */
#ifndef CULVERT_ENCAP_H
#define CULVERT_ENCAP_H

#include <linux/bpf.h>
#include "config.h"
#include "deliver.h"
#include "maps.h"
#include "packet.h"
#include "path.h"
#include "tables.h"
#include "vxlan.h"

/* linux/errno.h values that bpf_skb_adjust_room answers with. */
#define ENOTSUPP 524
#define EALREADY 114

/*
 * A flow keeps one port and flows spread over all, so that routers' ECMP and NICs' queues see the inner flows (RFC 7348
 * section 5). The kernel's udp_flow_src_port() scales its hash the same way.
 */
static __always_inline __be16 source_port(__u32 hash)
{
	__u32 ports = source_port_max - source_port_min + 1;

	return bpf_htons(source_port_min + (__u16)((__u64)hash * ports >> 32));
}

/*
 * The hash of the inner flow, while it is the outermost. TCP and UDP sockets have given theirs already, and change it
 * when a way seems broken; the kernel's dissector makes it for what comes from elsewhere. Of ICMP it takes the
 * addresses alone, as we do here in a fraction of the time.
 */
static __always_inline __u32 inner_flow_hash(struct __sk_buff *skb, const struct ip_view *inner)
{
	const __u32 *from = inner->source, *to = inner->destination;
	__u32 hash = 0, i;

	if (skb->hash || inner->protocol != (inner->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return bpf_get_hash_recalc(skb);
#pragma unroll
	for (i = 0; i < (inner->ipv6 ? 4 : 1); i++)
		hash = (hash ^ from[i]) * 0x9e3779b1 + to[i]; /* 2^32 divided by the golden ratio */
	return hash * 0x9e3779b1;
}

#define JUMBO_OPTION_BYTES 8 /* RFC 2675 section 2, with the header that it is in */

/*
 * Bytes of headers that each segment of a superpacket repeats: IP with its options, and TCP with its or UDP. An IPv6
 * superpacket of more than 64 KB (BIG TCP) has a jumbo option in front of TCP, which no segment has.
 */
static __always_inline __u32 segment_headers(const struct __sk_buff *skb, const void *header, const struct ip_view *ip)
{
	__u32 ip_bytes = ip->ipv6 ? sizeof(struct ipv6hdr) : ((const struct iphdr *)header)->ihl * 4;
	__u32 tcp = ETH_HLEN + ip_bytes;
	__u8 tcp_words = 0;

	if (ip->ipv6 && ip->protocol == IPPROTO_HOPOPTS)
		tcp += JUMBO_OPTION_BYTES;
	else if (ip->protocol != IPPROTO_TCP)
		return ip_bytes + sizeof(struct udphdr);
	bpf_skb_load_bytes(skb, tcp + 12 /* data offset, RFC 9293 section 3.1 */, &tcp_words, sizeof(tcp_words));
	return ip_bytes + (tcp_words >> 4) * 4;
}

/* The largest IP packet that this skb becomes on the wire, inner header included: one segment of a superpacket. */
static __always_inline __u32 wire_bytes(const struct __sk_buff *skb, const void *header, const struct ip_view *ip)
{
	return skb->gso_size ? skb->gso_size + segment_headers(skb, header, ip) : skb->len - ETH_HLEN;
}

/*
 * FIXED_GSO: segments keep their size, since the container's MTU leaves room for the headers. Without it UDP
 * superpackets would be refused and TCP's shrink. The rest tells the kernel where the inner packet starts, so that it
 * (or a NIC) can cut a superpacket after encapsulation. bpf/cost/cost.bpf.c, which wraps one packet again and again,
 * defines its own before.
 */
#ifndef ROOM_FLAGS
#define ROOM_FLAGS(underlay_ipv6)                                                                     \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN) | \
	 BPF_F_ADJ_ROOM_ENCAP_L2_ETH |                                                                \
	 ((underlay_ipv6) ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4))
#endif

static __always_inline bool make_room(struct __sk_buff *skb, bool underlay_ipv6, long *error)
{
	*error = bpf_skb_adjust_room(skb, OVERHEAD_BYTES(underlay_ipv6), BPF_ADJ_ROOM_MAC, ROOM_FLAGS(underlay_ipv6));
	return *error == 0;
}

/* Copies the template in words; `bytes` is a constant. */
static __always_inline void copy_template(void *to, const __u8 *template, __u32 bytes)
{
	__u32 i;

#pragma unroll
	for (i = 0; i < bytes / 8; i++)
		((__u64 *)to)[i] = ((const __u64 *)template)[i];
	if (bytes % 8)
		*(__u32 *)(to + bytes - 4) = *(const __u32 *)(template + bytes - 4);
}

/*
 * Fills in what the template leaves open, and spends the inner packet's hop. Outer ECN is the inner one (RFC 6040
 * normal mode); DSCP is the template's. `inner` is as it was before there was room: its pointers are none any more.
 */
static __always_inline bool write_outer(struct __sk_buff *skb, const struct subnet *to, bool underlay_ipv6, __u32 hash,
                                        const struct ip_view *inner)
{
	__u32 header_bytes = BEFORE_INNER_IP(underlay_ipv6);
	void *data = packet_start(skb, header_bytes + ip_header_bytes(inner->ipv6));
	__u32 udp_bytes = skb->len - ETH_HLEN - ip_header_bytes(underlay_ipv6);
	__u8 ecn = inner->traffic_class & ECN_MASK;
	struct udphdr *udp;

	if (!data)
		return false;
	if (!inner->routed)
		spend_hop(data + header_bytes, inner->ipv6);
	copy_template(data, to->header, header_bytes);
	if (underlay_ipv6) {
		struct ipv6hdr *ip = data + ETH_HLEN;

		ip->payload_len = bpf_htons(udp_bytes);
		ip->flow_lbl[0] |= ecn << 4;
		udp = (void *)(ip + 1);
	} else {
		struct iphdr *ip = data + ETH_HLEN;

		ip->tot_len = bpf_htons(udp_bytes + sizeof(*ip));
		ip->tos |= ecn;
		/* The template's checksum stands for length 0 and no ECN: add what came. */
		ip->check = checksum_fold((__u16)~ip->check + ip->tot_len + bpf_htons(ecn));
		udp = (void *)(ip + 1);
	}
	udp->source = source_port(hash);
	udp->len = bpf_htons(udp_bytes);
	return true;
}

static __always_inline enum verdict encapsulate(struct __sk_buff *skb, const struct subnet *to,
                                                const struct ip_view *inner, bool underlay_ipv6)
{
	__u32 hash = inner_flow_hash(skb, inner);
	long error;

	if (skb->len + OVERHEAD_BYTES(underlay_ipv6) > 0xffff + ETH_HLEN)
		return VERDICT_SLOW_PATH; /* the outer length would not fit its field */
	if (underlay_ipv6 && udp_checksum6)
		return VERDICT_SLOW_PATH;
	if (!make_room(skb, underlay_ipv6, &error)) {
		/* A GSO type without tunnel support (SCTP), or a packet that is encapsulated already. */
		return error == -ENOTSUPP || error == -EALREADY ? VERDICT_SLOW_PATH : VERDICT_DROPPED_NO_MEMORY;
	}
	if (!write_outer(skb, to, underlay_ipv6, hash, inner))
		return VERDICT_DROPPED_NO_MEMORY;
	if (inner->routed)
		send_routed(to->ifindex);
	else
		send_to_neighbour(to->ifindex, to->gateway, is_next_hop_ipv6(to));
	return VERDICT_ENCAPSULATED;
}

/*
 * Whether somebody may cut a packet that is too large for the way. Then its sender need not know: the stack cuts what
 * is larger than culvert0's MTU, and outer IPv4 packets are cut on the way. IPv4 senders can forbid it. IPv6 packets
 * are never cut, but no IPv6 sender makes packets smaller than 1280 bytes (RFC 8201 section 4), so these are cut
 * outside. Over IPv6 nothing is cut outside: the kernel's VXLAN device does not, and no router may.
 */
static __always_inline bool may_be_cut(const struct subnet *to, const void *header, const struct ip_view *ip,
                                       __u32 bytes)
{
	bool outside = !(to->flags & (SUBNET_UNDERLAY_IPV6 | SUBNET_DIRECT));

	if (ip->ipv6)
		return outside && bytes <= LEAST_MTU_IPV6;
	return !(((const struct iphdr *)header)->frag_off & bpf_htons(IPV4_DONT_FRAGMENT)) &&
	       (outside || bytes > to->mtu_bytes);
}

/* Sends a packet, whose IP header is at `header`, to the host that owns its destination. */
static __always_inline enum verdict send_to_subnet(struct __sk_buff *skb, const struct subnet *to, void *header,
                                                   const struct ip_view *ip)
{
	__u32 bytes = wire_bytes(skb, header, ip);

	if (to->flags & SUBNET_UNREACHABLE)
		return VERDICT_DROPPED_UNREACHABLE;
	if (bytes > way_mtu(to, bytes))
		return may_be_cut(to, header, ip, bytes) ? VERDICT_SLOW_PATH : VERDICT_DROPPED_TOO_BIG;

	if (to->flags & SUBNET_DIRECT) {
		/* As for send_routed(), but no route leads to the container: its host takes the tunnel as well. */
		if (ip->routed && is_neighbour_unknown(skb, to->ifindex, to->gateway, is_next_hop_ipv6(to)))
			return VERDICT_SLOW_PATH;
		if (!ip->routed)
			spend_hop(header, ip->ipv6);
		send_to_neighbour(to->ifindex, to->gateway, is_next_hop_ipv6(to));
		return VERDICT_ROUTED_DIRECTLY;
	}
	if (to->flags & SUBNET_UNDERLAY_IPV6)
		return encapsulate(skb, to, ip, true);
	return encapsulate(skb, to, ip, false);
}

#endif
