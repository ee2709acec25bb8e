/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a router owes the sender of a packet that it cannot pass on: ICMP "fragmentation needed" (RFC 792, RFC 1191
 * section 4) or ICMPv6 "packet too big" (RFC 4443 section 3.2) where it does not fit, "host unreachable" (RFC 792, RFC
 * 1812 section 5.2.7.1) or "address unreachable" (RFC 4443 section 3.1) where nobody has its destination. The packet
 * itself is made into the answer and goes back through the interface that it came from.
 */
#ifndef CULVERT_ICMP_H
#define CULVERT_ICMP_H

#include <linux/bpf.h>
#include "config.h"
#include "encap.h"
#include "maps.h"
#include "packet.h"
#include "path.h"
#include "tables.h"

/* How much an answer quotes at most: RFC 1812 section 4.3.2.3 (576 bytes in all) and RFC 4443 section 2.4 (c) (1280).
 */
#define QUOTE_IPV4 548
#define QUOTE_IPV6 1232

#define ICMP_ERROR_TTL           64
#define TOS_INTERNETWORK_CONTROL 0xc0 /* RFC 1812 section 4.3.2.5 */

/* How many answers of the kind that is limited may go out at once; as IcmpErrors of the user-space datapath. */
#define ANSWERS_AT_ONCE 50

/* What is to be told, of how much of the packet, and whom it comes from. */
struct answer {
	__u8 type;
	__u8 code;
	__u32 mtu_bytes; /* 0: that is not the matter */
	__u32 quoted_bytes;
	__u8 from[16] WORDS; /* IPv4 in the last 4 bytes */
};

#define SUMMED_AT_ONCE 64

/*
 * Adds `bytes` of the packet, from `at` on, to a sum of 16-bit words. A global function, verified once: it takes any
 * number, where bpf_csum_diff() alone wants a multiple of 4 and, before Linux 6.13, no more than 512.
 */
__noinline __u32 sum_packet(struct __sk_buff *skb, __u32 at, __u32 bytes, __u32 sum)
{
	__u8 part[SUMMED_AT_ONCE] WORDS;
	__u32 done;

#pragma clang loop unroll(disable)
	for (done = 0; done < QUOTE_IPV6 + ICMP_HEADER_BYTES && done < bytes; done += SUMMED_AT_ONCE) {
		__u64 last = bytes - done - 1ULL; /* see describe() in trace.h */

		if (last >= SUMMED_AT_ONCE)
			last = SUMMED_AT_ONCE - 1;
		asm volatile("" : "+r"(last));
		__builtin_memset(part, 0, sizeof(part));
		if (last >= SUMMED_AT_ONCE || bpf_skb_load_bytes(skb, at + done, part, last + 1))
			return sum;
		sum = bpf_csum_diff(NULL, 0, (__be32 *)part, sizeof(part), sum);
	}
	return sum;
}

/*
 * Cuts the packet down to what is quoted, and makes room in front of it for the answer's headers. NULL when that fails.
 */
static __always_inline void *quote(struct __sk_buff *skb, __u32 header_bytes, __u32 quoted_bytes)
{
	__u8 container[ETH_ALEN] WORDS, host[ETH_ALEN] WORDS;
	struct ethhdr *eth;

	/* Trimming also makes an ordinary packet of a superpacket. */
	if (bpf_skb_change_tail(skb, ETH_HLEN + quoted_bytes, 0) ||
	    bpf_skb_adjust_room(skb, header_bytes, BPF_ADJ_ROOM_MAC, 0))
		return NULL;
	eth = packet_start(skb, ETH_HLEN + header_bytes);
	if (!eth)
		return NULL;
	copy_mac(container, eth->h_source);
	copy_mac(host, eth->h_dest);
	write_ethernet(eth, container, host, eth->h_proto);
	return eth + 1;
}

static __always_inline void write_icmp(struct icmp_error *icmp, const struct answer *answer)
{
	icmp->type = answer->type;
	icmp->code = answer->code;
	icmp->checksum = 0;
	icmp->mtu = bpf_htonl(answer->mtu_bytes);
}

/* Writes the sum into the answer, which is complete but for that. */
static __always_inline bool seal(struct __sk_buff *skb, __u32 icmp_at, __u32 icmp_bytes, __u32 sum)
{
	struct icmp_error *icmp;
	void *data;

	sum = sum_packet(skb, icmp_at, icmp_bytes, sum);
	data = packet_start(skb, icmp_at + sizeof(*icmp));
	if (!data)
		return false;
	icmp = data + icmp_at;
	icmp->checksum = checksum_fold(sum);
	return true;
}

static __always_inline bool answer_ipv4(struct __sk_buff *skb, const struct answer *answer)
{
	struct iphdr *ip = quote(skb, sizeof(*ip) + sizeof(struct icmp_error), answer->quoted_bytes);
	__u32 icmp_bytes = sizeof(struct icmp_error) + answer->quoted_bytes;
	struct icmp_error *icmp = (void *)(ip + 1);
	__be32 to;

	if (!ip || bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(*ip) + sizeof(*icmp) + offsetof(struct iphdr, saddr), &to,
	                              sizeof(to)))
		return false;
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = TOS_INTERNETWORK_CONTROL;
	ip->tot_len = bpf_htons(sizeof(*ip) + icmp_bytes);
	ip->frag_off = bpf_htons(IPV4_DONT_FRAGMENT);
	ip->ttl = ICMP_ERROR_TTL;
	ip->protocol = IPPROTO_ICMP;
	copy_address(&ip->saddr, answer->from + 12, false);
	ip->daddr = to;
	ip->check = checksum_fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	write_icmp(icmp, answer);
	return seal(skb, ETH_HLEN + sizeof(*ip), icmp_bytes, 0);
}

static __always_inline bool answer_ipv6(struct __sk_buff *skb, const struct answer *answer)
{
	struct ipv6hdr *ip = quote(skb, sizeof(*ip) + sizeof(struct icmp_error), answer->quoted_bytes);
	__u32 icmp_bytes = sizeof(struct icmp_error) + answer->quoted_bytes;
	struct icmp_error *icmp = (void *)(ip + 1);
	struct in6_addr to;
	__u32 sum;

	if (!ip || bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(*ip) + sizeof(*icmp) + offsetof(struct ipv6hdr, saddr),
	                              &to, sizeof(to)))
		return false;
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(icmp_bytes);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = ICMP_ERROR_TTL;
	copy_address(&ip->saddr, answer->from, true);
	copy_address(&ip->daddr, &to, true);
	write_icmp(icmp, answer);
	/* RFC 8200 section 8.1: addresses, length and protocol count too; the last two go in first, being small. */
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&ip->saddr, 2 * sizeof(ip->saddr),
	                    bpf_htonl(icmp_bytes + IPPROTO_ICMPV6));
	return seal(skb, ETH_HLEN + sizeof(*ip), icmp_bytes, sum);
}

/* Whether an address is a single sender's or receiver's: neither unspecified, nor loopback, nor many (RFC 1122). */
static __always_inline bool is_single(const void *address, bool ipv6)
{
	__u8 first = *(const __u8 *)address;

	if (ipv6) {
		const __u32 *words = address;

		return first != 0xff && (words[0] || words[1] || words[2]);
	}
	return first && first != 127 && first < 224;
}

/*
 * Nobody answers an ICMP error, a redirect, any fragment but the first, or what is from or to many (RFC 1122 section
 * 3.2.2, RFC 4443 section 2.4 (e)).
 */
static __always_inline bool may_be_answered(struct __sk_buff *skb, const void *header, const struct ip_view *ip)
{
	struct payload payload;
	__u8 type = 0;

	if (!is_single(ip->source, ip->ipv6) || !is_single(ip->destination, ip->ipv6) ||
	    !find_payload(skb, header, ip->ipv6, &payload) || !payload.first)
		return false;
	if (payload.protocol != (ip->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return true;
	bpf_skb_load_bytes(skb, payload.offset, &type, sizeof(type));
	return !is_icmp_error(type, ip->ipv6) && !(ip->ipv6 && type == ICMPV6_REDIRECT);
}

/*
 * Whom the answer to a packet comes from: a container's gateway. What the stack sends it has to hear itself, also for
 * others, since it translates what the answer quotes back; it would believe none of its own addresses from outside, and
 * hears it from the packet's destination.
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
 * Whether one more answer may go out now (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 (f)). Kept is when the next
 * one would be due if they came evenly; two CPUs at once may both find it in time, so that at worst each of them has
 * its share.
 */
static __always_inline bool is_in_time(void)
{
	__u64 now_ns = bpf_ktime_get_ns(), due_ns;
	__u32 zero = 0;
	__u64 *kept = bpf_map_lookup_elem(&answer_due_ns, &zero);

	if (!kept)
		return false;
	due_ns = *kept;
	if (due_ns < now_ns)
		due_ns = now_ns;
	if (due_ns - now_ns > (ANSWERS_AT_ONCE - 1) * unreachable_interval_ns)
		return false;
	*kept = due_ns + unreachable_interval_ns;
	return true;
}

/* Fills in what is to be told of a packet, which ended in that verdict; false when there is nothing. */
static __always_inline bool tells(struct __sk_buff *skb, __be32 vni, enum verdict verdict, const struct ip_view *ip,
                                  struct answer *answer)
{
	const struct subnet *to;

	answer->type = ip->ipv6 ? ICMPV6_UNREACHABLE : ICMP_DESTINATION_UNREACHABLE;
	answer->code = ip->ipv6 ? ICMPV6_ADDRESS_UNREACHABLE : ICMP_HOST_UNREACHABLE;
	answer->quoted_bytes = ip->ipv6 ? QUOTE_IPV6 : QUOTE_IPV4;
	if (answer->quoted_bytes > ip->bytes)
		answer->quoted_bytes = ip->bytes;
	if (verdict != VERDICT_DROPPED_TOO_BIG)
		return is_in_time();
	to = find_subnet(vni, ip->destination, ip->ipv6);
	if (!to)
		return false;
	answer->mtu_bytes = way_mtu(to, skb->len - ETH_HLEN);
	if (ip->ipv6) {
		answer->type = ICMPV6_PACKET_TOO_BIG;
		answer->code = 0;
		if (answer->mtu_bytes < LEAST_MTU_IPV6)
			answer->mtu_bytes = LEAST_MTU_IPV6;
	} else {
		answer->code = ICMP_FRAGMENTATION_NEEDED;
	}
	return true;
}

/* Whether a packet's sender is told of that verdict. */
static __always_inline bool is_told(enum verdict verdict)
{
	return verdict == VERDICT_DROPPED_TOO_BIG || verdict == VERDICT_DROPPED_UNREACHABLE ||
	       verdict == VERDICT_DROPPED_NO_ENDPOINT || verdict == VERDICT_DROPPED_NO_SUBNET;
}

static __always_inline bool answer_family(struct __sk_buff *skb, __be32 vni, enum verdict verdict, bool to_host,
                                          bool ipv6)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	struct answer answer = {};
	struct ip_view ip;

	if (!eth || !read_ip(eth + 1, skb->len - ETH_HLEN, ipv6, &ip) || !may_be_answered(skb, eth + 1, &ip) ||
	    !answers_from(vni, &ip, to_host, answer.from) || !tells(skb, vni, verdict, &ip, &answer))
		return false;
	return ipv6 ? answer_ipv6(skb, &answer) : answer_ipv4(skb, &answer);
}

/*
 * Turns a packet, whose verdict is_told(), into the answer and redirects that back where the packet came from: out of
 * the container's interface, or into the host's stack. 0: there is no answer, and the packet is to be dropped. A global
 * function, out of the way of those packets that need none.
 */
__noinline int answer_sender(struct __sk_buff *skb, __be32 vni, __u32 verdict, __u32 to_host)
{
	bool answered = skb->protocol == bpf_htons(ETH_P_IPV6) ? answer_family(skb, vni, verdict, to_host, true) :
	                                                         answer_family(skb, vni, verdict, to_host, false);

	if (answered)
		bpf_redirect(skb->ifindex, to_host ? BPF_F_INGRESS : 0);
	return answered;
}

/*
 * The same for the copy of a container's IPv4 packet that ask_for_less() has sent into culvert0. The answer goes out of
 * the interface that leads to its sender. The copy bears the Ethernet addresses of the link that it came over.
 */
__noinline int answer_copy(struct __sk_buff *skb, __be32 vni)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + sizeof(struct iphdr));
	const struct endpoint *endpoint;
	const struct subnet *own;
	struct ip_view ip;
	__u32 ifindex;

	if (!eth || !read_ip(eth + 1, skb->len - ETH_HLEN, false, &ip))
		return 0;
	endpoint = find_endpoint(vni, ip.source, false);
	own = find_subnet(vni, ip.source, false);
	ifindex = endpoint ? endpoint->ifindex : own ? own->ifindex : 0; /* a bridge's, if need be */
	if (!ifindex || !answer_family(skb, vni, VERDICT_DROPPED_TOO_BIG, false, false))
		return 0;
	bpf_redirect(ifindex, 0);
	return 1;
}

#endif
