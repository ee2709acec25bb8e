/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The device culvert0: what the host itself sends through it, and what the kernel has unwrapped there. */
#ifndef CULVERT_HOST_H
#define CULVERT_HOST_H

#include <linux/bpf.h>
#include "counters.h"
#include "decap.h"
#include "deliver.h"
#include "encap.h"
#include "maps.h"
#include "packet.h"
#include "tables.h"

/*
 * Hands a packet to the kernel's VXLAN device: tells it the VTEP, and gives the inner Ethernet header its addresses.
 * `whole`: the outer packet must not be cut on its way either; any other may be, for its sender need not know.
 */
static __always_inline bool use_device(struct __sk_buff *skb, const struct subnet *to, __be32 vni, bool whole)
{
	bool underlay_ipv6 = to->flags & SUBNET_UNDERLAY_IPV6;
	const __u8 *inner_ethernet = to->header + BEFORE_INNER_ETHERNET(underlay_ipv6);
	struct bpf_tunnel_key key = { .tunnel_id = bpf_ntohl(vni), .tunnel_ttl = 64 };
	struct ethhdr *eth = packet_start(skb, ETH_HLEN);
	__u64 flags = underlay_ipv6 ? BPF_F_TUNINFO_IPV6 : 0;

	if (!eth)
		return false;
	if (!underlay_ipv6 || !udp_checksum6)
		flags |= BPF_F_ZERO_CSUM_TX;
	if (whole && !underlay_ipv6)
		flags |= BPF_F_DONT_FRAGMENT;
	write_ethernet(eth, inner_ethernet, inner_ethernet + ETH_ALEN, eth->h_proto);
	/* The source too: the route's own choice may be another address of this host, which the VTEP would not know. */
	if (underlay_ipv6) {
		__builtin_memcpy(key.local_ipv6, to->header + ETH_HLEN + offsetof(struct ipv6hdr, saddr),
		                 sizeof(key.local_ipv6));
		__builtin_memcpy(key.remote_ipv6, to->remote, sizeof(key.remote_ipv6));
	} else {
		key.local_ipv4 = bpf_ntohl(*(const __be32 *)(to->header + ETH_HLEN + offsetof(struct iphdr, saddr)));
		key.remote_ipv4 = bpf_ntohl(*(const __be32 *)(to->remote + 12));
	}
	return !bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags);
}

/*
 * Whether the stack routed a packet here that came in somewhere else than through an interface of ours, with an address
 * of the overlay's as its source: nobody has judged it, and encapsulated it would look like our container's.
 */
static __always_inline bool is_foreign_forgery(const struct __sk_buff *skb, __be32 vni, const struct ip_view *ip)
{
	__u32 came_in = skb->ingress_ifindex; /* 0: the host's own */

	return came_in && !bpf_map_lookup_elem(&interfaces, &came_in) && find_subnet(vni, ip->source, ip->ipv6);
}

static __always_inline enum verdict host_sends(struct __sk_buff *skb, __be32 vni, bool ipv6, struct parties *parties)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	const struct endpoint *endpoint;
	const struct subnet *subnet;
	enum verdict verdict;
	struct ip_view ip;
	bool whole;

	parties->vni = vni;
	if (!eth || !read_ip(eth + 1, skb->len - ETH_HLEN, ipv6, &ip))
		return VERDICT_DROPPED_MALFORMED;
	/*
	 * Reports of multicast groups (RFC 3810): the overlay has none, and the device, told no VTEP, lets them fall.
	 */
	if (ipv6 && *(const __u8 *)ip.destination == 0xff)
		return VERDICT_PASSED;
	if (is_foreign_forgery(skb, vni, &ip))
		return VERDICT_DROPPED_INNER_SOURCE;
	endpoint = find_endpoint(vni, ip.destination, ipv6);
	if (endpoint) {
		parties->to_endpoint = endpoint->endpoint_id;
		deliver_to_endpoint(eth, endpoint, ipv6, false);
		return VERDICT_DELIVERED_LOCALLY;
	}
	subnet = find_subnet(vni, ip.destination, ipv6);
	if (!subnet)
		return VERDICT_DROPPED_NO_SUBNET;
	if (subnet->flags & SUBNET_LOCAL)
		return VERDICT_DROPPED_NO_ENDPOINT;
	parties->to_vtep = subnet->vtep_id;
	whole = !may_be_cut(subnet, eth + 1, &ip, wire_bytes(skb, eth + 1, &ip));
	ip.routed = true;
	verdict = send_to_subnet(skb, subnet, eth + 1, &ip);
	if (verdict == VERDICT_SLOW_PATH && !use_device(skb, subnet, vni, whole))
		return VERDICT_DROPPED_NO_MEMORY;
	return verdict;
}

static __always_inline enum verdict device_received(struct __sk_buff *skb, const struct tunnel *tunnel, bool ipv6)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + ip_header_bytes(ipv6));
	struct destination to;
	struct ip_view inner;
	enum verdict verdict;

	if (!eth || !read_ip(eth + 1, skb->len - ETH_HLEN, ipv6, &inner))
		return VERDICT_DROPPED_MALFORMED;
	verdict = judge_inner(tunnel, &inner, &to);
	if (verdict != VERDICT_DECAPSULATED)
		return verdict;
	if ((!to.endpoint && !to.bridge) || inner.hops <= 1)
		return VERDICT_SLOW_PATH;
	return hand_over(skb, &to, ipv6, ECN_NOT_CAPABLE /* the device has seen to it */, VERDICT_DECAPSULATED);
}

#endif
