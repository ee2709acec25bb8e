/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the host's stack has delivered to a container, or sent into the tunnel, it may have translated on its way: a
 * service address, a published port. Only the stack can translate the answers back, so they are left to it. The
 * programs see such packets where the fast path never passes: on the way out of the host's end of a container's veth,
 * and of culvert0.
 */
#ifndef CULVERT_FLOWS_H
#define CULVERT_FLOWS_H

#include <linux/bpf.h>
#include "maps.h"
#include "packet.h"
#include "tables.h"

#define ICMP_ECHO_REPLY   0
#define ICMP_ECHO         8
#define ICMPV6_ECHO       128
#define ICMPV6_ECHO_REPLY 129

#define TCP_FLAGS_OFFSET 13 /* RFC 9293 section 3.1 */
#define TCP_FIN          1
#define TCP_SYN          2
#define TCP_RST          4

/*
 * How long a flow is kept after its last packet. Never shorter than conntrack keeps its translation by default
 * (nf_conntrack_tcp_timeout_established, ..._time_wait, and the longest of the others): an answer to an older packet
 * than that could not be translated anyway.
 */
#define TCP_LIFETIME_NS        (432000 * 1000000000ULL)
#define TCP_ENDING_LIFETIME_NS (120 * 1000000000ULL)
#define OTHER_LIFETIME_NS      (600 * 1000000000ULL)
/* A lifetime is prolonged when so much of it has gone by, not with each packet. */
#define PROLONG_AFTER_NS       1000000000ULL

/* A packet's place in a flow, read from the packet itself. */
struct flow_packet {
	struct flow_key key; /* as the packet bears it; FLOW_WHOLE */
	__u8 tcp_flags;
	bool fragment;
	bool portless; /* a fragment without the ports: not the first */
	bool error;    /* an ICMP error: the key is the one that an answer to the quoted packet would bear */
};

static __always_inline void map_ipv4(__u8 *to, __be32 address)
{
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, sizeof(address));
}

/* Reads the IP header `at` bytes into the frame; payload says what is behind it. */
static __always_inline bool read_addresses(void *context, bool xdp, __u32 at, bool ipv6, struct flow_key *key,
                                           struct payload *payload)
{
	payload->first = true;
	payload->fragment = false;
	if (ipv6) {
		struct ipv6hdr ip;

		if (load_bytes(context, xdp, at, &ip, sizeof(ip)))
			return false;
		__builtin_memcpy(key->source, &ip.saddr, sizeof(key->source));
		__builtin_memcpy(key->destination, &ip.daddr, sizeof(key->destination));
		payload->protocol = ip.nexthdr;
		payload->offset = at + sizeof(ip);
		if (!find_payload6(context, xdp, payload))
			return false;
	} else {
		struct iphdr ip;

		if (load_bytes(context, xdp, at, &ip, sizeof(ip)))
			return false;
		map_ipv4(key->source, ip.saddr);
		map_ipv4(key->destination, ip.daddr);
		payload->protocol = ip.protocol;
		payload->offset = at + ip.ihl * 4;
		payload->fragment = ip.frag_off & bpf_htons(IPV4_FRAGMENT);
		payload->first = !(ip.frag_off & bpf_htons(IPV4_OFFSET));
	}
	key->protocol = payload->protocol;
	return true;
}

/* Reads the ports behind an IP header. Of what has none they stay 0. */
static __always_inline bool read_ports(void *context, bool xdp, const struct payload *payload, bool ipv6,
                                       struct flow_packet *packet)
{
	__be16 words[4] = {};

	switch (payload->protocol) {
	case IPPROTO_TCP:
		/* A quoted packet may end before its flags. */
		load_bytes(context, xdp, payload->offset + TCP_FLAGS_OFFSET, &packet->tcp_flags,
		           sizeof(packet->tcp_flags));
		/* fallthrough */
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		if (load_bytes(context, xdp, payload->offset, words, 4))
			return false;
		packet->key.source_port = words[0];
		packet->key.destination_port = words[1];
		return true;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (load_bytes(context, xdp, payload->offset, words, ICMP_HEADER_BYTES))
			return false;
		/* Type and code; the code of echo is 0. Behind the checksum comes the identifier. */
		if (words[0] == bpf_htons((ipv6 ? ICMPV6_ECHO : ICMP_ECHO) << 8) ||
		    words[0] == bpf_htons((ipv6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY) << 8))
			packet->key.source_port = packet->key.destination_port = words[2];
		return true;
	default:
		return true;
	}
}

static __always_inline void reverse(struct flow_key *key)
{
	struct flow_key other = *key;

	__builtin_memcpy(key->source, other.destination, sizeof(key->source));
	__builtin_memcpy(key->destination, other.source, sizeof(key->destination));
	key->source_port = other.destination_port;
	key->destination_port = other.source_port;
}

/* Whether the payload is an ICMP error; `at` is then moved to the IP header that it quotes. */
static __always_inline bool find_quoted(void *context, bool xdp, const struct payload *payload, bool ipv6, __u32 *at)
{
	__u8 type;

	if (payload->protocol != (ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) || payload->fragment ||
	    load_bytes(context, xdp, payload->offset, &type, sizeof(type)) || !is_icmp_error(type, ipv6))
		return false;
	*at = payload->offset + ICMP_HEADER_BYTES;
	return true;
}

/*
 * Reads which flow a packet belongs to, whose IP header is `at` bytes into the frame. False when it cannot be said. An
 * ICMP error belongs to the flow of the packet that it quotes, as conntrack sees it too.
 */
static __always_inline bool read_flow(void *context, bool xdp, __be32 vni, __u32 at, bool ipv6,
                                      struct flow_packet *packet)
{
	struct payload payload;

	packet->key.vni = vni;
	if (!read_addresses(context, xdp, at, ipv6, &packet->key, &payload))
		return false;
	packet->error = find_quoted(context, xdp, &payload, ipv6, &at);
	if (packet->error && !read_addresses(context, xdp, at, ipv6, &packet->key, &payload))
		return false;
	packet->fragment = payload.fragment;
	packet->portless = !payload.first;
	if (payload.first && !read_ports(context, xdp, &payload, ipv6, packet))
		return false;
	if (packet->error)
		reverse(&packet->key);
	return true;
}

/* Lets a flow live on, now that a packet of it has been seen. Whether there was a need to. */
static __always_inline bool prolong(struct flow *flow, const struct flow_key *key, __u8 tcp_flags, __u64 now_ns)
{
	__u32 flags = flow->flags;
	__u64 until_ns;

	if (tcp_flags & TCP_SYN)
		flags = 0;
	else if (tcp_flags & (TCP_FIN | TCP_RST))
		flags |= FLOW_ENDING;
	if (key->protocol != IPPROTO_TCP || key->kind == FLOW_FRAGMENTS)
		until_ns = now_ns + OTHER_LIFETIME_NS;
	else
		until_ns = now_ns + (flags & FLOW_ENDING ? TCP_ENDING_LIFETIME_NS : TCP_LIFETIME_NS);
	if (flags == flow->flags && until_ns < flow->expires_ns + PROLONG_AFTER_NS)
		return false;
	flow->flags = flags;
	flow->expires_ns = until_ns;
	return true;
}

/* From a flow's key to that of the fragments between its two parties. */
static __always_inline void ask_for_fragments(struct flow_key *key)
{
	key->kind = FLOW_FRAGMENTS;
	key->source_port = key->destination_port = 0;
}

static __always_inline void keep(const struct flow_key *key, __u64 expires_ns, __u32 flags)
{
	struct flow fresh = { .expires_ns = expires_ns, .flags = flags };

	bpf_map_update_elem(&flows, key, &fresh, BPF_ANY);
}

static __always_inline void note_that_flows_are_kept(void)
{
	__u32 zero = 0, *kept = bpf_map_lookup_elem(&flows_kept, &zero);

	if (kept && !*kept)
		*kept = 1;
}

/*
 * Remembers the flow of a packet that the stack sends to a container or into the tunnel, so that its answers will be
 * left to the stack. A global function, verified once. Always 0.
 */
__noinline int remember_flow(struct __sk_buff *skb, __be32 vni, __u32 ipv6)
{
	__u64 now_ns = bpf_ktime_get_ns();
	struct flow_packet packet = {};
	struct flow fresh = {}, *flow;

	if (!read_flow(skb, false, vni, ETH_HLEN, ipv6, &packet) || packet.portless || packet.error)
		return 0;
	reverse(&packet.key);
	flow = bpf_map_lookup_elem(&flows, &packet.key);
	if (prolong(flow ?: &fresh, &packet.key, packet.tcp_flags, now_ns)) {
		if (!flow)
			keep(&packet.key, fresh.expires_ns, fresh.flags);
		ask_for_fragments(&packet.key);
		keep(&packet.key, now_ns + OTHER_LIFETIME_NS, 0);
	}
	note_that_flows_are_kept();
	return 0;
}

/* Whether there is such a flow; it then lives on. */
static __always_inline bool lives(const struct flow_key *key, __u8 tcp_flags, __u64 now_ns)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);

	if (!flow || flow->expires_ns <= now_ns)
		return false;
	prolong(flow, key, tcp_flags, now_ns);
	return true;
}

static __always_inline bool answers(void *context, bool xdp, __be32 vni, __u32 at, bool ipv6)
{
	__u64 now_ns = bpf_ktime_get_ns();
	struct flow_packet packet = {};
	bool known = false;

	if (!read_flow(context, xdp, vni, at, ipv6, &packet))
		return false;
	if (!packet.portless)
		known = lives(&packet.key, packet.tcp_flags, now_ns);
	if (!packet.fragment)
		return known;
	ask_for_fragments(&packet.key);
	return lives(&packet.key, 0, now_ns);
}

/* Whether a packet answers one that the stack has delivered. `at`: where its IP header begins. A global function, as
 * above. */
__noinline int is_answer(struct __sk_buff *skb, __be32 vni, __u32 at, __u32 ipv6)
{
	return answers(skb, false, vni, at, ipv6);
}

__noinline int is_answer_at_xdp(struct xdp_md *xdp, __be32 vni, __u32 at, __u32 ipv6)
{
	return answers(xdp, true, vni, at, ipv6);
}

static __always_inline bool are_flows_kept(void)
{
	__u32 zero = 0;
	const __u32 *kept = bpf_map_lookup_elem(&flows_kept, &zero);

	return kept && *kept;
}

/* Whether a packet is the stack's to deliver. */
static __always_inline bool is_stacks(struct __sk_buff *skb, __be32 vni, __u32 at, bool ipv6)
{
	return are_flows_kept() && is_answer(skb, vni, at, ipv6);
}

static __always_inline bool is_stacks_at_xdp(struct xdp_md *xdp, __be32 vni, __u32 at, bool ipv6)
{
	return are_flows_kept() && is_answer_at_xdp(xdp, vni, at, ipv6);
}

/*
 * A packet that the stack sends to a container through one of its interfaces. Its answer needs the stack where the fast
 * path would take it: to another container of ours, or to another host.
 */
static __always_inline void to_container_packet(struct __sk_buff *skb, __be32 vni, bool ipv6)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	const struct subnet *from;
	struct ip_view ip;

	if (!eth || !read_ip(eth + 1, skb->len - ETH_HLEN, ipv6, &ip))
		return;
	from = find_subnet(vni, ip.source, ipv6);
	if (from && (!(from->flags & SUBNET_LOCAL) || find_endpoint(vni, ip.source, ipv6)))
		remember_flow(skb, vni, ipv6);
}

#endif
