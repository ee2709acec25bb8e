/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The device culvert0: what the host itself sends through it, and what the kernel has unwrapped there. */
#ifndef CULVERT_HOST_H
#define CULVERT_HOST_H

#include <linux/bpf.h>
#include "counters.h"
#include "decap.h"
#include "deliver.h"
#include "encap.h"
#include "flows.h"
#include "maps.h"
#include "packet.h"
#include "tables.h"

/*
 * Hands a packet to the kernel's VXLAN device: tells it the VTEP, and gives the inner Ethernet header its addresses.
 * `whole`: the outer packet must not be cut on its way either; any other may be, for its sender need not know.
 */
static __always_inline bool use_device(struct __sk_buff *skb, const struct subnet *to, bool whole)
{
	bool underlay_ipv6 = to->flags & SUBNET_UNDERLAY_IPV6;
	const __u8 *inner_ethernet = to->header + BEFORE_INNER_ETHERNET(underlay_ipv6);
	const struct vxlan_header *vxlan = (const void *)(inner_ethernet - sizeof(*vxlan));
	struct bpf_tunnel_key key = { .tunnel_id = bpf_ntohl(vxlan_vni(vxlan)), .tunnel_ttl = 64 };
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
 * Whether the stack may send from that address into the overlay. What came in through an interface that is not ours
 * nobody has judged, and encapsulated it would look like our container's. From the gateway's address it is masqueraded:
 * IPv4 accepts no such source from outside (fib_validate_source()), and for IPv6 judge_routed sees to that.
 */
static __always_inline bool may_send(const struct subnet *from, __u32 came_in, const struct ip_view *ip)
{
	if (!came_in)
		return true; /* the host's own */
	if (is_gateway(from, ip->source, ip->ipv6) && (!ip->ipv6 || does_route_judge()))
		return true;
	return bpf_map_lookup_elem(&interfaces, &came_in);
}

/* Looks at what the stack sends here: false when it is a forgery. What it has carried for a container is remembered. */
static __always_inline bool judge_stack(struct __sk_buff *skb, __be32 vni, const struct ip_view *ip)
{
	const struct subnet *from = find_subnet(vni, ip->source, ip->ipv6);

	if (!from)
		return true;
	if (!may_send(from, skb->ingress_ifindex, ip))
		return false;
	/* Not by ingress_ifindex: the stack forgets it of IPv6 packets that it cuts. */
	if (skb->tc_index != HANDED_ON && (from->flags & SUBNET_LOCAL) && !is_gateway(from, ip->source, ip->ipv6))
		remember_flow(skb, vni, ip->ipv6);
	return true;
}

/*
 * Whether a packet that the stack forwards over IPv6 has an overlay address that is not its sender's. Here it is still
 * whole, and has the source and the interface that it came with: the firewall translates later, and what the stack cuts
 * (ip6_copy_metadata()) no longer says where it came in.
 */
static __always_inline bool is_routed_forgery(struct __sk_buff *skb)
{
	__u32 came_in = skb->ingress_ifindex;
	const struct subnet *from;
	struct ipv6hdr ip;

	if (!came_in || bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.version != 6)
		return false;
	from = find_subnet(bpf_htonl(bare_vni), &ip.saddr, true);
	return from && (is_gateway(from, &ip.saddr, true) || !bpf_map_lookup_elem(&interfaces, &came_in));
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
	if (!judge_stack(skb, vni, &ip))
		return VERDICT_DROPPED_INNER_SOURCE;
	skb->tc_index = 0;
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
	if (verdict == VERDICT_SLOW_PATH && !use_device(skb, subnet, whole))
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
	if (is_left_to_stack(skb, tunnel->vni, ETH_HLEN, &to, &inner))
		return VERDICT_SLOW_PATH;
	return hand_over(skb, &to, ipv6, ECN_NOT_CAPABLE /* the device has seen to it */, VERDICT_DECAPSULATED);
}

#endif
