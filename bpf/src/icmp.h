/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a router owes the sender of a packet that it cannot pass on whole: ICMP "fragmentation needed" (RFC 792, RFC
 * 1191 section 4) or ICMPv6 "packet too big" (RFC 4443 section 3.2). The packet itself is made into the answer and goes
 * back through the interface that it came from.
 */
#ifndef CULVERT_ICMP_H
#define CULVERT_ICMP_H

#include <linux/bpf.h>
#include "encap.h"
#include "maps.h"
#include "packet.h"
#include "path.h"
#include "tables.h"

/*
 * How much an answer quotes: RFC 1812 section 4.3.2.3 (576 bytes in all) and RFC 4443 section 2.4 (c) (1280).
 * Constants, since a packet is only too big when it is larger; but the narrowest IPv4 underlay carries only 526 bytes.
 */
#define QUOTE_IPV4        548
#define QUOTE_IPV4_NARROW 524
#define QUOTE_IPV6        1232

#define ICMP_ERROR_TTL           64
#define TOS_INTERNETWORK_CONTROL 0xc0 /* RFC 1812 section 4.3.2.5 */
#define CHECKSUM_AT_ONCE         512  /* the most that bpf_csum_diff takes before Linux 6.13 */

/* Adds `bytes` of packet to a sum; a constant and a multiple of 4. */
static __always_inline __u32 checksum_add(const void *from, __u32 bytes, __u32 sum)
{
	__u32 done;

#pragma unroll
	for (done = 0; done + CHECKSUM_AT_ONCE <= bytes; done += CHECKSUM_AT_ONCE)
		sum = bpf_csum_diff(NULL, 0, (void *)from + done, CHECKSUM_AT_ONCE, sum);
	return bpf_csum_diff(NULL, 0, (void *)from + done, bytes - done, sum);
}

/*
 * Cuts the packet down to what is quoted, and makes room in front of it for the answer's headers. NULL when that fails.
 */
static __always_inline void *quote(struct __sk_buff *skb, __u32 header_bytes, __u32 quote_bytes)
{
	__u8 container[ETH_ALEN] WORDS, host[ETH_ALEN] WORDS;
	struct ethhdr *eth;

	/* Trimming also makes an ordinary packet of a superpacket. */
	if (bpf_skb_change_tail(skb, ETH_HLEN + quote_bytes, 0) ||
	    bpf_skb_adjust_room(skb, header_bytes, BPF_ADJ_ROOM_MAC, 0))
		return NULL;
	eth = packet_start(skb, ETH_HLEN + header_bytes + quote_bytes);
	if (!eth)
		return NULL;
	copy_mac(container, eth->h_source);
	copy_mac(host, eth->h_dest);
	write_ethernet(eth, container, host, eth->h_proto);
	return eth + 1;
}

static __always_inline bool answer_ipv4(struct __sk_buff *skb, __be32 from, __u32 mtu_bytes, __u32 quote_bytes)
{
	struct iphdr *ip = quote(skb, sizeof(*ip) + sizeof(struct icmp_too_big), quote_bytes);
	struct icmp_too_big *icmp = (void *)(ip + 1);

	if (!ip)
		return false;
	__builtin_memset(ip, 0, sizeof(*ip) + sizeof(*icmp));
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = TOS_INTERNETWORK_CONTROL;
	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(*icmp) + quote_bytes);
	ip->frag_off = bpf_htons(IPV4_DONT_FRAGMENT);
	ip->ttl = ICMP_ERROR_TTL;
	ip->protocol = IPPROTO_ICMP;
	ip->saddr = from;
	ip->daddr = ((const struct iphdr *)(icmp + 1))->saddr;
	ip->check = checksum_fold(checksum_add(ip, sizeof(*ip), 0));
	icmp->type = ICMP_DESTINATION_UNREACHABLE;
	icmp->code = ICMP_FRAGMENTATION_NEEDED;
	icmp->mtu = bpf_htonl(mtu_bytes);
	icmp->checksum = checksum_fold(checksum_add(icmp, sizeof(*icmp) + quote_bytes, 0));
	return true;
}

static __always_inline bool answer_ipv6(struct __sk_buff *skb, const __u8 *from, __u32 mtu_bytes)
{
	__u32 payload_bytes = sizeof(struct icmp_too_big) + QUOTE_IPV6;
	struct ipv6hdr *ip = quote(skb, sizeof(*ip) + sizeof(struct icmp_too_big), QUOTE_IPV6);
	struct icmp_too_big *icmp = (void *)(ip + 1);
	__u32 sum;

	if (!ip)
		return false;
	__builtin_memset(ip, 0, sizeof(*ip) + sizeof(*icmp));
	ip->version = 6;
	ip->payload_len = bpf_htons(payload_bytes);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = ICMP_ERROR_TTL;
	copy_address(&ip->saddr, from, true);
	ip->daddr = ((const struct ipv6hdr *)(icmp + 1))->saddr;
	icmp->type = ICMPV6_PACKET_TOO_BIG;
	icmp->mtu = bpf_htonl(mtu_bytes);
	/*
	 * RFC 8200 section 8.1: addresses, length and protocol count too. The last two are added beforehand, being
	 * small.
	 */
	sum = checksum_add(&ip->saddr, 2 * sizeof(ip->saddr), bpf_htonl(payload_bytes + IPPROTO_ICMPV6));
	icmp->checksum = checksum_fold(checksum_add(icmp, payload_bytes, sum));
	return true;
}

/* Nobody answers an ICMP error, or any fragment but the first (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)). */
static __always_inline bool may_be_answered(struct __sk_buff *skb, const void *header, bool ipv6)
{
	struct payload payload;
	__u8 type = 0;

	if (!find_payload(skb, header, ipv6, &payload) || !payload.first)
		return false;
	if (payload.protocol != (ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return true;
	bpf_skb_load_bytes(skb, payload.offset, &type, sizeof(type));
	return !is_icmp_error(type, ipv6);
}

/*
 * Whom the answer to a packet comes from: a container's gateway. The host's own sender would not believe one of its own
 * addresses, and hears it from the packet's destination.
 */
static __always_inline bool answers_from(__be32 vni, const struct ip_view *ip, bool to_host, __u8 *from)
{
	const struct subnet *own;

	if (to_host) {
		copy_address(ip->ipv6 ? from : from + 12, ip->destination, ip->ipv6);
		return true;
	}
	own = find_subnet(vni, ip->source, ip->ipv6);
	if (!own || !(own->flags & SUBNET_LOCAL))
		return false;
	copy_address(from, own->gateway, true);
	return true;
}

/*
 * Turns a packet, which was found too big for the way, into the answer and redirects that back where the packet came
 * from: out of the container's interface, or into the host's stack. False: there is no answer, and the packet is to be
 * dropped.
 */
static __always_inline bool answer_too_big(struct __sk_buff *skb, __be32 vni, bool ipv6, bool to_host)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	__u32 bytes = skb->len - ETH_HLEN, mtu_bytes;
	const struct subnet *to;
	__u8 from[16] WORDS = {};
	struct ip_view ip;
	bool answered;

	if (!eth || !read_ip(eth + 1, bytes, ipv6, &ip) || !may_be_answered(skb, eth + 1, ipv6))
		return false;
	to = find_subnet(vni, ip.destination, ipv6);
	if (!to || !answers_from(vni, &ip, to_host, from))
		return false;
	mtu_bytes = way_mtu(to, bytes);
	if (ipv6)
		answered = bytes >= QUOTE_IPV6 &&
		           answer_ipv6(skb, from, mtu_bytes < LEAST_MTU_IPV6 ? LEAST_MTU_IPV6 : mtu_bytes);
	else if (bytes >= QUOTE_IPV4)
		answered = answer_ipv4(skb, *(const __be32 *)(from + 12), mtu_bytes, QUOTE_IPV4);
	else
		answered = bytes >= QUOTE_IPV4_NARROW &&
		           answer_ipv4(skb, *(const __be32 *)(from + 12), mtu_bytes, QUOTE_IPV4_NARROW);
	if (answered)
		bpf_redirect(skb->ifindex, to_host ? BPF_F_INGRESS : 0);
	return answered;
}

#endif
