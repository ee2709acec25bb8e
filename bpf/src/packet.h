/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packet under our hands: every bounds check, and every change of a field under a checksum, lives here. */
#ifndef CULVERT_PACKET_H
#define CULVERT_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PACKET_HOST        0      /* linux/if_packet.h: addressed to this interface */
#define IPV4_FRAGMENT      0x3fff /* "more fragments" or an offset; "don't fragment" left out */
#define IPV4_OFFSET        0x1fff /* where a fragment belongs; not 0 in all but the first */
#define IPV4_DONT_FRAGMENT 0x4000
#define MAX_IPV4_BYTES     0xffff

/*
 * skb->tc_index of what one of our programs hands to another on the same host, since nothing else tells it from what
 * the stack sends. A container may set it as well: it is asked for nothing that protects anybody.
 */
#define HANDED_ON 0x4356

/* RFC 792, RFC 4443. */
#define ICMP_DESTINATION_UNREACHABLE 3
#define ICMP_SOURCE_QUENCH           4
#define ICMP_REDIRECT                5
#define ICMP_TIME_EXCEEDED           11
#define ICMP_PARAMETER_PROBLEM       12
#define ICMP_HOST_UNREACHABLE        1 /* code */
#define ICMP_FRAGMENTATION_NEEDED    4 /* code */
#define ICMPV6_UNREACHABLE           1
#define ICMPV6_ADDRESS_UNREACHABLE   3 /* code */
#define ICMPV6_PACKET_TOO_BIG        2
#define ICMPV6_REDIRECT              137 /* RFC 4861 section 4.5 */
#define ICMP_HEADER_BYTES            8
#define ICMPV6_INFORMATIONAL         0x80 /* a bit of the type; without it the message is an error */

/* Whether an ICMP message of that type tells of an error (RFC 1122 section 3.2.2, RFC 4443 section 2.1), and so quotes
 * a packet. */
static __always_inline bool is_icmp_error(__u8 type, bool ipv6)
{
	if (ipv6)
		return !(type & ICMPV6_INFORMATIONAL);
	return type == ICMP_DESTINATION_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

/*
 * How ICMP errors begin (RFC 792, RFC 4443 section 2.1); what they quote follows. Of "fragmentation needed" (RFC 1191
 * section 4) and "packet too big" (RFC 4443 section 3.2) the last word is the next hop's MTU; the former has 16 bits,
 * behind 16 that routers may use for something else (RFC 4884).
 */
struct icmp_error {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 mtu;
};
_Static_assert(sizeof(struct icmp_error) == 8, "RFC 792");

#define ECN_MASK        3 /* RFC 3168 section 5: the two low bits of the traffic class */
#define ECN_NOT_CAPABLE 0
#define ECN_CAPABLE_1   1
#define ECN_CAPABLE_0   2
#define ECN_CONGESTION  3

/*
 * skb->data and skb->data_end are 32 bits wide in C but pointers to the verifier. Read in plain C, clang may extend or
 * reuse them as numbers, and the verifier then knows them no longer; these loads it leaves alone.
 */
#define PACKET_POINTER(skb, field)                                                \
	({                                                                        \
		void *pointer;                                                    \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                             \
		             : "=r"(pointer)                                      \
		             : "r"(skb), "i"(offsetof(struct __sk_buff, field))); \
		pointer;                                                          \
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
	bool routed;        /* the stack has routed it, or made it here: it has spent its hop on this host */
	__u32 bytes;        /* length that the header claims, itself included */
	__u8 hops;          /* TTL or hop limit */
	__u8 traffic_class; /* DSCP and ECN */
	__u8 protocol;      /* what follows the header: IPPROTO_* (or an IPv6 extension header) */
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
	view->routed = false;
	if (ipv6) {
		const struct ipv6hdr *ip = header;

		view->bytes = bpf_ntohs(ip->payload_len) + sizeof(*ip);
		view->hops = ip->hop_limit;
		view->protocol = ip->nexthdr;
		view->traffic_class = ip->priority << 4 | ip->flow_lbl[0] >> 4;
		view->source = &ip->saddr;
		view->destination = &ip->daddr;
		return ip->version == 6 && view->bytes <= available;
	} else {
		const struct iphdr *ip = header;

		view->bytes = bpf_ntohs(ip->tot_len);
		if (!view->bytes && available > MAX_IPV4_BYTES)
			view->bytes =
				available; /* BIG TCP: a superpacket that is too large for the field, written as 0 */
		view->hops = ip->ttl;
		view->protocol = ip->protocol;
		view->traffic_class = ip->tos;
		view->source = &ip->saddr;
		view->destination = &ip->daddr;
		return ip->version == 4 && ip->ihl >= 5 && view->bytes >= ip->ihl * 4 && view->bytes <= available;
	}
}

/* The Internet checksum (RFC 1071) of a sum of 16-bit words. */
static __always_inline __sum16 checksum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* RFC 1624 equation 3, for a 16-bit word that changes from `before` to `after`, all in network order. */
static __always_inline __sum16 checksum_replace(__sum16 checksum, __be16 before, __be16 after)
{
	return checksum_fold((__u16)~checksum + (__u16)~before + after);
}

/* One router's step. The caller has seen that there are hops left. */
static __always_inline void spend_hop(void *header, bool ipv6)
{
	if (ipv6) {
		((struct ipv6hdr *)header)->hop_limit--;
	} else {
		struct iphdr *ip = header;
		/*
		 * TTL is the high byte of its word: RFC 1141's shortcut adds 0x0100 to the checksum, with end-around
		 * carry.
		 */
		__u32 sum = ip->check + bpf_htons(0x0100);

		ip->check = sum + (sum >= 0xffff);
		ip->ttl--;
	}
}

/* Where the destination stands in an IP header. */
static __always_inline const void *destination_of(const void *header, bool ipv6)
{
	return ipv6 ? (const void *)&((const struct ipv6hdr *)header)->daddr :
	              (const void *)&((const struct iphdr *)header)->daddr;
}

/*
 * A word of an IPv6 header has changed, which has no checksum: tells the sum that the NIC took of the whole packet,
 * where it did (CHECKSUM_COMPLETE). Changes of an IPv4 header cancel out there, with its checksum's.
 */
static __always_inline void tell_checksum(struct __sk_buff *skb, __be16 before, __be16 after)
{
	bpf_csum_update(skb, (__u16)~before + after);
}

/* One router's step of a packet that stays on this host, where its checksum may yet be verified. */
static __always_inline void spend_hop_here(struct __sk_buff *skb, void *header, bool ipv6)
{
	spend_hop(header, ipv6);
	if (ipv6)
		tell_checksum(skb, bpf_htons(1), 0); /* the hop limit is the low byte of its word */
}

static __always_inline __u8 ecn_of(const void *header, bool ipv6)
{
	return (ipv6 ? ((const struct ipv6hdr *)header)->flow_lbl[0] >> 4 : ((const struct iphdr *)header)->tos) &
	       ECN_MASK;
}

/* Replaces the ECN field of an IP header in the packet. */
static __always_inline void write_ecn(struct __sk_buff *skb, void *header, bool ipv6, __u8 ecn)
{
	__be16 before = *(__be16 *)header; /* version, and traffic class on either side of IPv4's header length */

	if (ipv6) {
		__u8 *flow_label = ((struct ipv6hdr *)header)->flow_lbl;

		flow_label[0] = (flow_label[0] & ~(ECN_MASK << 4)) | ecn << 4;
		tell_checksum(skb, before, *(__be16 *)header);
	} else {
		struct iphdr *ip = header;

		ip->tos = (ip->tos & ~ECN_MASK) | ecn;
		ip->check = checksum_replace(ip->check, before, *(__be16 *)ip);
	}
}

/*
 * Copies an IP address, by words: what is behind a void pointer may lie anywhere, so clang would copy it byte by byte.
 * Packets and maps may be read so, but on the stack the verifier wants words to be aligned: WORDS says so of an array
 * there.
 */
#define WORDS __attribute__((aligned(4)))

static __always_inline void copy_address(void *to, const void *from, bool ipv6)
{
	__u32 *t = to;
	const __u32 *f = from;

	t[0] = f[0];
	if (ipv6) {
		t[1] = f[1];
		t[2] = f[2];
		t[3] = f[3];
	}
}

static __always_inline bool same_address(const void *a, const void *b, bool ipv6)
{
	const __u32 *x = a, *y = b;

	return ipv6 ? x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3] : x[0] == y[0];
}

/* What follows an IP header's options or IPv6 extension headers. */
struct payload {
	__u8 protocol; /* IPPROTO_* */
	__u32 offset;  /* from the start of the frame */
	bool fragment;
	bool first; /* false in all but the first fragment: its start is not here */
};

#define MAX_EXTENSION_HEADERS 8

/* Copies bytes of the packet of a program at tc, or of the frame of one at XDP; 0 when they are all there. */
static __always_inline long load_bytes(void *context, bool xdp, __u32 offset, void *to, __u32 bytes)
{
	return xdp ? bpf_xdp_load_bytes(context, offset, to, bytes) : bpf_skb_load_bytes(context, offset, to, bytes);
}

/* Walks an IPv6 packet's extension headers; false when they end early or there are absurdly many. */
static __always_inline bool find_payload6(void *context, bool xdp, struct payload *payload)
{
	__u8 next[4]; /* next header, length, and a fragment's offset (RFC 8200 section 4.5) */
	int i;

	for (i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		switch (payload->protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_FRAGMENT:
		case IPPROTO_AH:
			break;
		default:
			return true;
		}
		if (load_bytes(context, xdp, payload->offset, next, sizeof(next)))
			return false;
		if (payload->protocol == IPPROTO_FRAGMENT) {
			payload->fragment = true;
			if (next[2] || next[3] & 0xf8)
				payload->first = false;
			payload->offset += 8;
		} else if (payload->protocol == IPPROTO_AH) {
			payload->offset += (next[1] + 2) * 4; /* RFC 4302 section 2.2 */
		} else {
			payload->offset += (next[1] + 1) * 8;
		}
		payload->protocol = next[0];
	}
	return false;
}

/* Finds what is behind the IP header at `header`, which read_ip() has found good; false when it cannot be said. */
static __always_inline bool find_payload(struct __sk_buff *skb, const void *header, bool ipv6, struct payload *payload)
{
	payload->first = true;
	if (ipv6) {
		payload->protocol = ((const struct ipv6hdr *)header)->nexthdr;
		payload->offset = ETH_HLEN + sizeof(struct ipv6hdr);
		payload->fragment = false;
		return find_payload6(skb, false, payload);
	} else {
		const struct iphdr *ip = header;

		payload->protocol = ip->protocol;
		payload->offset = ETH_HLEN + ip->ihl * 4;
		payload->fragment = ip->frag_off & bpf_htons(IPV4_FRAGMENT);
		payload->first = !(ip->frag_off & bpf_htons(IPV4_OFFSET));
		return true;
	}
}

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
	return *(const __u32 *)a == *(const __u32 *)b && *(const __u16 *)(a + 4) == *(const __u16 *)(b + 4);
}

/* By words, as copy_address(). */
static __always_inline void copy_mac(__u8 *to, const __u8 *from)
{
	*(__u32 *)to = *(const __u32 *)from;
	*(__u16 *)(to + 4) = *(const __u16 *)(from + 4);
}

/* Writes the Ethernet header; protocol in network order. */
static __always_inline void write_ethernet(struct ethhdr *eth, const __u8 *to, const __u8 *from, __be16 protocol)
{
	copy_mac(eth->h_dest, to);
	copy_mac(eth->h_source, from);
	eth->h_proto = protocol;
}

#endif
