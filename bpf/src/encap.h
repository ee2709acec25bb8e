/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Out of this host: wrap in VXLAN, or send as it is to a VTEP on the same link. */
#ifndef CULVERT_ENCAP_H
#define CULVERT_ENCAP_H

#include <linux/bpf.h>
#include "config.h"
#include "deliver.h"
#include "maps.h"
#include "packet.h"
#include "vxlan.h"

/* linux/errno.h values that bpf_skb_adjust_room answers with. */
#define ENOTSUPP	524
#define EALREADY	114

/*
 * A flow keeps one port and flows spread over all, so that routers' ECMP and NICs' queues see the inner flows (RFC 7348
 * section 5). The kernel's udp_flow_src_port() scales its hash the same way.
 */
static __always_inline __be16 source_port(__u32 flow_hash)
{
	__u32 ports = source_port_max - source_port_min + 1;

	return bpf_htons(source_port_min + (__u16)((__u64)flow_hash * ports >> 32));
}

/* The largest IP packet that this skb becomes on the wire, inner header included: one segment of a superpacket. */
static __always_inline __u32 wire_bytes(const struct __sk_buff *skb, __u32 ip_bytes)
{
	/* Segments carry the IP header and at least 8 (UDP) or 20 (TCP) bytes more; options only make the estimate low. */
	return skb->gso_size ? skb->gso_size + ip_bytes + 8 : skb->len - ETH_HLEN;
}

/*
 * FIXED_GSO: segments keep their size, since the container's MTU leaves room for the headers. Without it UDP superpackets
 * would be refused and TCP's shrink. The rest tells the kernel where the inner packet starts, so that it (or a NIC) can cut
 * a superpacket after encapsulation.
 */
#ifndef ROOM_FLAGS
#define ROOM_FLAGS(underlay_ipv6)                                                                \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |                                \
	 BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |                       \
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
 * Fills in what the template leaves open, and spends the inner packet's hop. Outer ECN is the inner one (RFC 6040 normal
 * mode); DSCP is the template's.
 */
static __always_inline bool write_outer(struct __sk_buff *skb, const struct subnet *to, bool underlay_ipv6,
					__u32 flow_hash, __u8 ecn, bool inner_ipv6)
{
	__u32 header_bytes = ETH_HLEN + OVERHEAD_BYTES(underlay_ipv6);
	void *data = packet_start(skb, header_bytes + ip_header_bytes(inner_ipv6));
	__u32 udp_bytes = skb->len - ETH_HLEN - ip_header_bytes(underlay_ipv6);
	struct udphdr *udp;

	if (!data)
		return false;
	spend_hop(data + header_bytes, inner_ipv6);
	copy_template(data, to->header, header_bytes);
	if (underlay_ipv6) {
		struct ipv6hdr *ip = data + ETH_HLEN;

		ip->payload_len = bpf_htons(udp_bytes);
		ip->flow_lbl[0] |= ecn << 4;
		udp = (void *)(ip + 1);
	} else {
		struct iphdr *ip = data + ETH_HLEN;
		__u32 sum;

		ip->tot_len = bpf_htons(udp_bytes + sizeof(*ip));
		ip->tos |= ecn;
		/* The template's checksum stands for length 0 and no ECN: add what came. */
		sum = (__u16)~ip->check + ip->tot_len + bpf_htons(ecn);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		ip->check = ~sum;
		udp = (void *)(ip + 1);
	}
	udp->source = source_port(flow_hash);
	udp->len = bpf_htons(udp_bytes);
	return true;
}

static __always_inline enum verdict encapsulate(struct __sk_buff *skb, const struct subnet *to, __u8 ecn,
						bool inner_ipv6, bool underlay_ipv6)
{
	__u32 flow_hash = bpf_get_hash_recalc(skb); /* of the inner flow, while it is the outermost */
	long error;

	if (skb->len + OVERHEAD_BYTES(underlay_ipv6) > 0xffff + ETH_HLEN)
		return VERDICT_SLOW_PATH; /* the outer length would not fit its field */
	if (underlay_ipv6 && udp_checksum6)
		return VERDICT_SLOW_PATH;
	if (!make_room(skb, underlay_ipv6, &error)) {
		/* A GSO type without tunnel support (SCTP), or a packet that is encapsulated already. */
		return error == -ENOTSUPP || error == -EALREADY ? VERDICT_SLOW_PATH : VERDICT_DROPPED_NO_MEMORY;
	}
	if (!write_outer(skb, to, underlay_ipv6, flow_hash, ecn, inner_ipv6))
		return VERDICT_DROPPED_NO_MEMORY;
	send_to_neighbour(to->ifindex, to->gateway, underlay_ipv6);
	return VERDICT_ENCAPSULATED;
}

/* Sends a packet, whose IP header is at `header`, to the host that owns its destination. */
static __always_inline enum verdict send_to_subnet(struct __sk_buff *skb, const struct subnet *to, void *header,
						   const struct ip_view *ip)
{
	__u8 ecn = ip->traffic_class & ECN_MASK;

	if (to->flags & SUBNET_UNREACHABLE)
		return VERDICT_DROPPED_UNREACHABLE;
	if (wire_bytes(skb, ip_header_bytes(ip->ipv6)) > to->mtu_bytes)
		return VERDICT_SLOW_PATH; /* the stack fragments, or tells the sender */

	if (to->flags & SUBNET_DIRECT) {
		spend_hop(header, ip->ipv6);
		send_to_neighbour(to->ifindex, to->gateway, to->flags & SUBNET_UNDERLAY_IPV6);
		return VERDICT_ROUTED_DIRECTLY;
	}
	if (to->flags & SUBNET_UNDERLAY_IPV6)
		return encapsulate(skb, to, ecn, ip->ipv6, true);
	return encapsulate(skb, to, ecn, ip->ipv6, false);
}

#endif
