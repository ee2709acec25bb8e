/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Measuring at XDP: the packet as it was, and an encapsulation that the datapath does not have. */
#ifndef CULVERT_COST_XDP_H
#define CULVERT_COST_XDP_H

#include "../src/encap.h"
#include "../src/xdp.h"
#include "cost.h"

static __always_inline bool was_stripped(struct xdp_md *xdp)
{
	const struct stripped *mark = mark_of(xdp);

	return mark && mark->magic == STRIPPED_MAGIC;
}

/*
 * After strip_at_xdp: the outer headers still lie in front of the packet, but for the end of the UDP header and the
 * VXLAN header of network 1, over which the mark was moved.
 */
static __always_inline bool put_back(struct xdp_md *xdp)
{
	struct vxlan_header *vxlan;
	void *data;

	if (bpf_xdp_adjust_head(xdp, -(int)OVERHEAD_BYTES(false)) || bpf_xdp_adjust_meta(xdp, sizeof(struct stripped)))
		return false;
	data = frame_start(xdp, ETH_HLEN + OVERHEAD_BYTES(false));
	if (!data)
		return false;
	vxlan = data + OVERHEAD_BYTES(false) - sizeof(*vxlan);
	((struct udphdr *)vxlan - 1)->len = bpf_htons(bpf_xdp_get_buff_len(xdp) - ETH_HLEN - sizeof(struct iphdr));
	((struct udphdr *)vxlan - 1)->check = 0;
	*(__u32 *)vxlan = VXLAN_FLAG_VNI; /* little-endian, as the object is: the flags come first */
	vxlan->vni_and_reserved = bpf_htonl(1 << 8);
	return true;
}

static __always_inline bool xdp_choose_destination(struct xdp_md *xdp)
{
	struct cost_state *state = state_of_cost();
	void *data = frame_start(xdp, ETH_HLEN + sizeof(struct iphdr));

	if (!state || !data)
		return false;
	if (state->subnets > 1)
		write_destination(data + ETH_HLEN, state);
	return true;
}

/* The kernel gives no flow hash here: addresses, protocol and ports, mixed as murmur3 ends (Appleby, public domain). */
static __always_inline __u32 flow_hash(const struct iphdr *ip)
{
	__u32 hash = ip->saddr ^ ip->daddr * 0x9e3779b1 ^ ip->protocol ^ *(const __u32 *)(ip + 1);

	hash = (hash ^ hash >> 16) * 0x85ebca6b;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35;
	return hash ^ hash >> 16;
}

static __always_inline void fill_in(void *data, const struct subnet *to, __u32 udp_bytes, __u32 hash, __u8 ecn)
{
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);

	spend_hop(data + OUTER_HEADER_BYTES_IPV4, false);
	copy_template(data, to->header, OUTER_HEADER_BYTES_IPV4);
	ip->tot_len = bpf_htons(udp_bytes + sizeof(*ip));
	ip->tos |= ecn;
	ip->check = checksum_fold((__u16)~ip->check + ip->tot_len + bpf_htons(ecn));
	udp->source = source_port(hash);
	udp->len = bpf_htons(udp_bytes);
}

/*
 * The same questions and the same header as from_container at tc, up to where the kernel would look for the neighbour's
 * MAC: whose interface, whose source, whose destination, room, template, checksum, port.
 */
static __always_inline bool xdp_encapsulate(struct xdp_md *xdp)
{
	void *data = frame_start(xdp, ETH_HLEN + sizeof(struct iphdr) + 4);
	__u32 ifindex = xdp->ingress_ifindex, bytes = bpf_xdp_get_buff_len(xdp);
	const struct interface *in = bpf_map_lookup_elem(&interfaces, &ifindex);
	const struct subnet *to;
	struct ip_view ip;
	__u32 hash;

	if (!data || !in || !read_ip(data + ETH_HLEN, bytes - ETH_HLEN, false, &ip))
		return false;
	if (((in->flags & INTERFACE_CHECK_MAC) && !same_mac(((struct ethhdr *)data)->h_source, in->mac)) ||
	    !owns_source(in, ip.source, false) || ip.hops <= 1)
		return false;
	to = find_subnet(in->vni, ip.destination, false);
	if (!to || (to->flags & (SUBNET_LOCAL | SUBNET_UNREACHABLE | SUBNET_DIRECT | SUBNET_UNDERLAY_IPV6)) ||
	    bytes - ETH_HLEN > to->mtu_bytes)
		return false;
	hash = flow_hash(data + ETH_HLEN);
	if (bpf_xdp_adjust_head(xdp, -(int)OVERHEAD_BYTES(false)))
		return false;
	data = frame_start(xdp, OUTER_HEADER_BYTES_IPV4 + sizeof(struct iphdr));
	if (!data)
		return false;
	fill_in(data, to, bytes + OVERHEAD_BYTES(false) - ETH_HLEN - sizeof(struct iphdr), hash,
	        ip.traffic_class & ECN_MASK);
	count(VERDICT_ENCAPSULATED, bytes);
	return true;
}

/* After xdp_encapsulate: the outer headers off, TTL and MACs as they were. */
static __always_inline bool unwrap_again(struct xdp_md *xdp)
{
	__u32 ifindex = xdp->ingress_ifindex;
	const struct interface *in = bpf_map_lookup_elem(&interfaces, &ifindex);
	struct ethhdr *eth;
	struct iphdr *ip;

	if (bpf_xdp_adjust_head(xdp, OVERHEAD_BYTES(false)))
		return false;
	eth = frame_start(xdp, ETH_HLEN + sizeof(*ip));
	if (!eth || !in)
		return false;
	write_ethernet(eth, in->mac, in->mac, bpf_htons(ETH_P_IP));
	ip = (void *)(eth + 1);
	ip->check = checksum_replace(ip->check, bpf_htons(ip->ttl << 8), bpf_htons(64 << 8));
	ip->ttl = 64;
	return true;
}

#endif
