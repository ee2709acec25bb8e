/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Into this host: who may send what, and where it goes. */
#ifndef CULVERT_DECAP_H
#define CULVERT_DECAP_H

#include <linux/bpf.h>
#include "config.h"
#include "counters.h"
#include "deliver.h"
#include "flows.h"
#include "maps.h"
#include "outer.h"
#include "packet.h"
#include "path.h"
#include "tables.h"
#include "vxlan.h"

/*
 * Flags of bpf_skb_adjust_room since kernel 6.3, not in older headers; older kernels refuse them: the slow path then.
 */
#define ADJ_ROOM_DECAP_L3_IPV4 (1ULL << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8)

/* Where a packet that has been found good goes on this host. */
struct destination {
	const struct endpoint *endpoint; /* a container of ours, or NULL: then */
	__u32 bridge;                    /* the bridge it is behind, or 0: the host itself */
};

/*
 * Whether an address in the subnet behind a bridge is the host's, on the bridge or elsewhere, and not a container's.
 * The kernel is asked, as a router would be on that bridge: addresses come and go without an agent.
 */
static __always_inline bool is_hosts_own(struct __sk_buff *skb, __u32 bridge, const void *address, bool ipv6)
{
	struct bpf_fib_lookup way = { .ifindex = bridge };

	if (ipv6) {
		way.family = AF_INET6;
		copy_address(way.ipv6_dst, address, true);
	} else {
		way.family = AF_INET;
		way.ipv4_dst = *(const __be32 *)address;
	}
	return bpf_fib_lookup(skb, &way, sizeof(way), 0) == BPF_FIB_LKUP_RET_NOT_FWDED;
}

/*
 * Whether a packet that has been found good, whose IP header is `at` bytes into the frame, is left to the stack: it is
 * for the host itself, or the stack answers "time exceeded", or translates it back.
 */
static __always_inline bool is_left_to_stack(struct __sk_buff *skb, __be32 vni, __u32 at, const struct destination *to,
                                             const struct ip_view *ip)
{
	if (!to->endpoint && (!to->bridge || is_hosts_own(skb, to->bridge, ip->destination, ip->ipv6)))
		return true;
	return ip->hops <= 1 || is_stacks(skb, vni, at, ip->ipv6);
}

/* Where what has no endpoint goes in a subnet of ours: behind its bridge, but the gateway's address is the host's. */
static __always_inline __u32 bridge_to(const struct subnet *own, const struct ip_view *ip)
{
	return is_gateway(own, ip->destination, ip->ipv6) ? 0 : own->ifindex;
}

/*
 * The ECN field that an inner packet leaves the tunnel with (RFC 6040 figure 4). The one combination that it asks to
 * drop, congestion outside and no ECN inside, is judge_inner()'s.
 */
static __always_inline __u8 combined_ecn(__u8 outer, __u8 inner)
{
	if (inner != ECN_NOT_CAPABLE && outer == ECN_CONGESTION)
		return ECN_CONGESTION;
	if (inner == ECN_CAPABLE_0 && outer == ECN_CAPABLE_1)
		return ECN_CAPABLE_1;
	return inner;
}

/* Whether that VTEP may send from that inner address: it must own the subnet, and the subnet must not be ours. */
static __always_inline bool allowed_sender(const struct tunnel *tunnel, const struct ip_view *inner)
{
	const struct subnet *owner = find_subnet(tunnel->vni, inner->source, inner->ipv6);

	if (!owner || (owner->flags & SUBNET_LOCAL) || !is_vtep(owner, tunnel->source, tunnel->ipv6))
		return false;
	tunnel->parties->from_vtep = owner->vtep_id;
	return true;
}

/* Judges an inner packet by the tables; VERDICT_DECAPSULATED with `to` filled, or the reason why not. */
static __always_inline enum verdict judge_inner(const struct tunnel *tunnel, const struct ip_view *inner,
                                                struct destination *to)
{
	const struct subnet *own;

	to->bridge = 0;
	to->endpoint = find_endpoint(tunnel->vni, inner->destination, inner->ipv6);
	if (to->endpoint) {
		tunnel->parties->to_endpoint = to->endpoint->endpoint_id;
	} else {
		own = find_subnet(tunnel->vni, inner->destination, inner->ipv6);
		if (!own)
			return find_subnet(tunnel->vni, inner->source, inner->ipv6) ? VERDICT_DROPPED_NOT_LOCAL :
			                                                              VERDICT_DROPPED_UNKNOWN_VNI;
		if (!(own->flags & SUBNET_LOCAL))
			return VERDICT_DROPPED_NOT_LOCAL;
		to->bridge = bridge_to(own, inner);
	}
	if (!allowed_sender(tunnel, inner))
		return VERDICT_DROPPED_OUTER_SOURCE;
	if (tunnel->ecn == ECN_CONGESTION && (inner->traffic_class & ECN_MASK) == ECN_NOT_CAPABLE)
		return VERDICT_DROPPED_CONGESTION_LOST; /* RFC 6040 section 4.2 */
	return VERDICT_DECAPSULATED;
}

/*
 * Delivers a packet that starts with its Ethernet header, and came with that ECN outside (ECN_NOT_CAPABLE changes
 * nothing). The last act: pointers into the packet die here.
 */
static __always_inline enum verdict hand_over(struct __sk_buff *skb, const struct destination *to, bool ipv6,
                                              __u8 outer_ecn, enum verdict verdict)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	void *header = eth + 1;
	__u8 inner_ecn, ecn;

	if (!eth)
		return VERDICT_DROPPED_NO_MEMORY;
	inner_ecn = ecn_of(header, ipv6);
	ecn = combined_ecn(outer_ecn, inner_ecn);
	if (ecn != inner_ecn)
		write_ecn(skb, header, ipv6, ecn);
	spend_hop_here(skb, header, ipv6);
	if (to->endpoint) {
		deliver_to_endpoint(eth, to->endpoint, ipv6, true);
	} else {
		skb->tc_index = HANDED_ON;
		deliver_to_bridge(to->bridge, destination_of(header, ipv6), ipv6);
	}
	return verdict;
}

/*
 * A bare packet. From an overlay address to another it is direct routing when it comes from a host on the same link,
 * and a forgery otherwise: passed on, the stack would route it to a container, or into the tunnel as if it were ours.
 * From anywhere else, or to anywhere else, it is the stack's.
 */
static __always_inline enum verdict receive_bare(struct __sk_buff *skb, bool ipv6, struct parties *parties)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	__be32 vni = bpf_htonl(bare_vni);
	const struct subnet *owner, *own;
	struct destination to = {};
	struct ip_view ip;

	if (!eth || bare_vni == NO_BARE_NETWORK || !read_ip(eth + 1, skb->len - ETH_HLEN, ipv6, &ip))
		return VERDICT_PASSED;
	owner = find_subnet(vni, ip.source, ipv6);
	if (!owner)
		return VERDICT_PASSED;
	parties->vni = vni;
	parties->from_vtep = owner->vtep_id;
	if (owner->flags & SUBNET_LOCAL)
		return VERDICT_DROPPED_OUTER_SOURCE; /* our own addresses come from nowhere else */
	own = find_subnet(vni, ip.destination, ipv6);
	if (!own)
		return VERDICT_PASSED;
	if (!(owner->flags & (SUBNET_DIRECT | SUBNET_BARE_TOO)) || owner->ifindex != skb->ifindex)
		return VERDICT_DROPPED_OUTER_SOURCE;
	if (!(own->flags & SUBNET_LOCAL))
		return VERDICT_DROPPED_NOT_LOCAL;
	to.endpoint = find_endpoint(vni, ip.destination, ipv6);
	if (to.endpoint)
		parties->to_endpoint = to.endpoint->endpoint_id;
	else
		to.bridge = bridge_to(own, &ip);
	if (is_left_to_stack(skb, vni, ETH_HLEN, &to, &ip))
		return VERDICT_SLOW_PATH;
	return hand_over(skb, &to, ipv6, ECN_NOT_CAPABLE, VERDICT_RECEIVED_DIRECTLY);
}

/* Takes the outer headers off and delivers; `inner_ipv6` is the family of what is inside. */
static __always_inline enum verdict unwrap(struct __sk_buff *skb, struct tunnel *tunnel, bool inner_ipv6)
{
	__u32 before_inner = BEFORE_INNER_IP(tunnel->ipv6);
	void *data = packet_start(skb, before_inner + ip_header_bytes(inner_ipv6));
	struct destination to;
	struct ip_view inner;
	enum verdict verdict;
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;

	if (!data || !read_ip(data + before_inner, tunnel->inner_bytes, inner_ipv6, &inner))
		return VERDICT_DROPPED_MALFORMED;
	verdict = judge_inner(tunnel, &inner, &to);
	if (verdict != VERDICT_DECAPSULATED)
		return verdict;
	if (is_left_to_stack(skb, tunnel->vni, before_inner, &to, &inner))
		return VERDICT_SLOW_PATH;
	/*
	 * A superpacket keeps its SKB_GSO_UDP_TUNNEL mark, which bpf_skb_adjust_room cannot clear. TCP does not look at
	 * it, but a UDP socket cuts the superpacket up by it and would lose it; the kernel's device clears the mark.
	 */
	if (skb->gso_size && inner.protocol != IPPROTO_TCP)
		return VERDICT_SLOW_PATH;
	if (inner_ipv6 != tunnel->ipv6)
		flags |= inner_ipv6 ? ADJ_ROOM_DECAP_L3_IPV6 : ADJ_ROOM_DECAP_L3_IPV4;
	if (bpf_skb_adjust_room(skb, -(__s32)OVERHEAD_BYTES(tunnel->ipv6), BPF_ADJ_ROOM_MAC, flags))
		return VERDICT_SLOW_PATH;
	return hand_over(skb, &to, inner_ipv6, tunnel->ecn, VERDICT_DECAPSULATED);
}

/* A packet that is_tunnel(): reads its outer headers into `tunnel` and goes on inside. */
static __always_inline enum verdict receive_tunnel(struct __sk_buff *skb, struct tunnel *tunnel)
{
	void *data = packet_start(skb, BEFORE_INNER_IP(tunnel->ipv6));
	enum verdict verdict;
	__be16 protocol;

	if (!data)
		return VERDICT_DROPPED_MALFORMED;
	verdict = read_outer(data, skb->len - ETH_HLEN, tunnel);
	if (verdict != VERDICT_DECAPSULATED)
		return verdict;
	tunnel->parties->vni = tunnel->vni;
	protocol = inner_protocol(data, tunnel->ipv6);
	if (protocol == bpf_htons(ETH_P_IP))
		return unwrap(skb, tunnel, false);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return unwrap(skb, tunnel, true);
	return VERDICT_DROPPED_MALFORMED; /* IP is all that we carry */
}

/*
 * What is left to the stack must find the device, which has the one port alone. The checksum, where there is one, is
 * kept right.
 */
static __always_inline void to_device_port(struct __sk_buff *skb, bool ipv6)
{
	__u32 at = ETH_HLEN + ip_header_bytes(ipv6);
	__be16 port = bpf_htons(tunnel_port), other = bpf_htons(other_port);
	void *data = packet_start(skb, before_vxlan(ipv6));
	const struct udphdr *udp = data + at;

	if (port == other || !data || udp->dest != other)
		return;
	if (udp->check)
		bpf_l4_csum_replace(skb, at + offsetof(struct udphdr, check), other, port,
		                    sizeof(port) | BPF_F_MARK_MANGLED_0);
	bpf_skb_store_bytes(skb, at + offsetof(struct udphdr, dest), &port, sizeof(port), 0);
}

/* A packet from the underlay, of the given family: ours when it goes to the tunnel's port. */
static __always_inline enum verdict receive(struct __sk_buff *skb, bool ipv6, struct parties *parties)
{
	struct tunnel tunnel = { .ipv6 = ipv6, .parties = parties };
	void *data = packet_start(skb, before_vxlan(ipv6));
	enum verdict verdict;

	if (!data || !is_tunnel(data, ipv6)) {
		learn_path(skb, ipv6);
		return receive_bare(skb, ipv6, parties);
	}
	verdict = receive_tunnel(skb, &tunnel);
	if (verdict == VERDICT_SLOW_PATH)
		to_device_port(skb, ipv6);
	if (!is_drop(verdict))
		return verdict;
	/* Before we drop it: is it for us at all? This host may be a router for other hosts' tunnels. */
	data = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	if (data && !is_self(destination_of(data + ETH_HLEN, ipv6), ipv6))
		return VERDICT_PASSED;
	return verdict;
}

#endif
