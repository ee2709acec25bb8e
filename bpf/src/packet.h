/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packet under our hands: every bounds check, and every change of a field under a checksum, lives here. */
#ifndef CULVERT_PACKET_H
#define CULVERT_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PACKET_HOST	0	/* linux/if_packet.h: addressed to this interface */
#define IPV4_FRAGMENT	0x3fff	/* "more fragments" or an offset; "don't fragment" left out */
#define IPV4_DONT_FRAGMENT 0x4000
#define IPV4_FRAGMENT_OFFSET 0x1fff

/* RFC 792, RFC 4443. */
#define ICMP_DESTINATION_UNREACHABLE	3
#define ICMP_SOURCE_QUENCH		4
#define ICMP_REDIRECT			5
#define ICMP_TIME_EXCEEDED		11
#define ICMP_PARAMETER_PROBLEM		12
#define ICMP_FRAGMENTATION_NEEDED	4	/* code */
#define ICMPV6_PACKET_TOO_BIG		2
#define ICMPV6_INFORMATIONAL		0x80	/* a bit of the type; without it the message is an error */

/*
 * How "fragmentation needed" (RFC 1191 section 4) and "packet too big" (RFC 4443 section 3.2) begin; what they quote follows.
 * The next hop's MTU has 16 bits in the former, behind 16 that routers may use for something else (RFC 4884).
 */
struct icmp_too_big {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 mtu;
};
_Static_assert(sizeof(struct icmp_too_big) == 8, "RFC 1191 section 4");

#define ECN_MASK	3	/* RFC 3168 section 5: the two low bits of the traffic class */
#define ECN_NOT_CAPABLE	0
#define ECN_CONGESTION	3

/*
 * skb->data and skb->data_end are 32 bits wide in C but pointers to the verifier. Read in plain C, clang may extend or
 * reuse them as numbers, and the verifier then knows them no longer; these loads it leaves alone.
 */
#define PACKET_POINTER(skb, field)                                                                  \
	({                                                                                          \
		void *pointer;                                                                      \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                               \
			     : "=r"(pointer)                                                        \
			     : "r"(skb), "i"(offsetof(struct __sk_buff, field)));                   \
		pointer;                                                                            \
	})

/*
 * The first `bytes` of the packet, readable and writable, or NULL when it is shorter. Every pointer into the packet
 * obtained before is invalid afterwards. Never subtract packet pointers: the verifier would ask for CAP_PERFMON.
 */
static __always_inline void *packet_start(struct __sk_buff *skb, __u32 bytes)
{
	void *data = PACKET_POINTER(skb, data);

	if (data + bytes <= PACKET_POINTER(skb, data_end))
		return data;
	if (skb->len < bytes || bpf_skb_pull_data(skb, bytes))
		return NULL;
	data = PACKET_POINTER(skb, data);
	return data + bytes <= PACKET_POINTER(skb, data_end) ? data : NULL;
}

/* What the decisions need of an IP header of either family. Addresses are pointers into the packet. */
struct ip_view {
	bool ipv6;
	__u8 hops;		/* TTL or hop limit */
	__u8 traffic_class;	/* DSCP and ECN */
	__u8 protocol;		/* what follows the header: IPPROTO_* (or an IPv6 extension header) */
	const void *source;
	const void *destination;
};

static __always_inline __u32 ip_header_bytes(bool ipv6)
{
	return ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

/*
 * Reads the IP header at `header`, of which ip_header_bytes() are readable; `available` bytes of packet start there.
 * False when it contradicts itself or the packet.
 */
static __always_inline bool read_ip(const void *header, __u32 available, bool ipv6, struct ip_view *view)
{
	view->ipv6 = ipv6;
	if (ipv6) {
		const struct ipv6hdr *ip = header;

		view->hops = ip->hop_limit;
		view->protocol = ip->nexthdr;
		view->traffic_class = ip->priority << 4 | ip->flow_lbl[0] >> 4;
		view->source = &ip->saddr;
		view->destination = &ip->daddr;
		return ip->version == 6 && bpf_ntohs(ip->payload_len) + sizeof(*ip) <= available;
	} else {
		const struct iphdr *ip = header;

		view->hops = ip->ttl;
		view->protocol = ip->protocol;
		view->traffic_class = ip->tos;
		view->source = &ip->saddr;
		view->destination = &ip->daddr;
		return ip->version == 4 && ip->ihl >= 5 && bpf_ntohs(ip->tot_len) >= ip->ihl * 4 &&
		       bpf_ntohs(ip->tot_len) <= available;
	}
}

/* RFC 1624 equation 3, for a 16-bit word that changes from `before` to `after`, all in network order. */
static __always_inline __sum16 checksum_replace(__sum16 checksum, __be16 before, __be16 after)
{
	__u32 sum = (__u16)~checksum + (__u16)~before + after;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* One router's step. The caller has seen that there are hops left. */
static __always_inline void spend_hop(void *header, bool ipv6)
{
	if (ipv6) {
		((struct ipv6hdr *)header)->hop_limit--;
	} else {
		struct iphdr *ip = header;
		/* TTL is the high byte of its word: RFC 1141's shortcut adds 0x0100 to the checksum, with end-around carry. */
		__u32 sum = ip->check + bpf_htons(0x0100);

		ip->check = sum + (sum >= 0xffff);
		ip->ttl--;
	}
}

/* Marks an ECN-capable packet as having met congestion. */
static __always_inline void mark_congestion(void *header, bool ipv6)
{
	if (ipv6) {
		((struct ipv6hdr *)header)->flow_lbl[0] |= ECN_CONGESTION << 4;
	} else {
		struct iphdr *ip = header;
		__be16 before = *(__be16 *)ip; /* version, length, traffic class */

		ip->tos |= ECN_CONGESTION;
		ip->check = checksum_replace(ip->check, before, *(__be16 *)ip);
	}
}

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
	return *(const __u32 *)a == *(const __u32 *)b && *(const __u16 *)(a + 4) == *(const __u16 *)(b + 4);
}

/* Writes the Ethernet header; protocol in network order. */
static __always_inline void write_ethernet(struct ethhdr *eth, const __u8 *to, const __u8 *from, __be16 protocol)
{
	__builtin_memcpy(eth->h_dest, to, ETH_ALEN);
	__builtin_memcpy(eth->h_source, from, ETH_ALEN);
	eth->h_proto = protocol;
}

#endif
