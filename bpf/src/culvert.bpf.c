/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Culvert's entry points at tc:
 *
 *   from_container  ingress of the host's end of a container's veth, or of a bridge that leads to containers
 *   from_underlay   ingress of the underlay interface
 *   from_host       egress of culvert0: what the host itself, or its stack as the slow path, sends into the overlay
 *   from_tunnel     ingress of culvert0: what the kernel's own VXLAN device has unwrapped for us
 *   to_container    egress of where from_container is: what the stack delivers, never what we deliver
 *
 * on a route:
 *
 *   judge_routed    the IPv6 route to culvert0: before the host's firewall gives packets another source
 *
 * and at XDP:
 *
 *   strip_at_xdp    the underlay interface: takes outer headers off early; from_underlay delivers what it stripped
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "container.h"
#include "decap.h"
#include "host.h"
#include "icmp.h"
#include "maps.h"
#include "slowpath.h"
#include "tables.h"
#include "trace.h"
#include "underlay.h"
#include "verdict.h"
#include "xdp.h"

/*
 * Keep enums and structs that no map is made of in the object's BTF, where LayoutsTest holds their Java mirrors against
 * them.
 */
const enum verdict first_verdict SEC(".rodata") = VERDICT_PASSED;
const enum program first_program SEC(".rodata") = PROGRAM_FROM_CONTAINER;
const struct trace_event *const no_event SEC(".rodata") = NULL;

/* Notes a verdict and turns it into what tc understands. A handed-on packet has its redirect set up already. */
static __always_inline int conclude(struct __sk_buff *skb, enum program program, enum verdict verdict,
                                    const struct parties *parties, __u32 bytes)
{
	account(skb, program, verdict, parties, bytes);
	if (is_drop(verdict))
		return TC_ACT_SHOT;
	if (is_handed_on(verdict))
		return TC_ACT_REDIRECT;
	return TC_ACT_UNSPEC; /* the next program's or the stack's */
}

static __always_inline int container_packet(struct __sk_buff *skb, const struct interface *in, bool ipv6)
{
	__u32 bytes = skb->len;
	struct parties parties = {};
	enum verdict verdict = container_sends(skb, in, ipv6, &parties);
	int action = conclude(skb, PROGRAM_FROM_CONTAINER, verdict, &parties, bytes);

	if (is_told(verdict) && answer_sender(skb, in->vni, verdict, false))
		return TC_ACT_REDIRECT; /* what was the packet goes back as the answer */
	if (verdict == VERDICT_SLOW_PATH && hand_to_device(skb, in->vni, ipv6))
		return TC_ACT_REDIRECT;
	return action;
}

static __always_inline int container_frame(struct __sk_buff *skb, const struct interface *in)
{
	enum verdict verdict = VERDICT_PASSED;
	struct parties parties = { .vni = in->vni };

	if (is_tagged(skb))
		verdict = tagged_sends(skb, in);
	else if (skb->protocol == bpf_htons(ETH_P_ARP))
		verdict = arp_sends(skb, in); /* the stack answers for the gateway */
	else if (skb->protocol == bpf_htons(ETH_P_IP))
		return container_packet(skb, in, false);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return container_packet(skb, in, true);
	return conclude(skb, PROGRAM_FROM_CONTAINER, verdict, &parties, skb->len);
}

static __always_inline int host_packet(struct __sk_buff *skb, __be32 vni, bool ipv6)
{
	__u32 bytes = skb->len;
	struct parties parties = {};
	enum verdict verdict = host_sends(skb, vni, ipv6, &parties);
	int action = conclude(skb, PROGRAM_FROM_HOST, verdict, &parties, bytes);

	if (is_told(verdict) && answer_sender(skb, vni, verdict, true))
		return TC_ACT_REDIRECT;
	return action;
}

SEC("tc")
int from_container(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct interface *in = bpf_map_lookup_elem(&interfaces, &ifindex);
	const struct parties nobody = {};
	int action;

	if (!in)
		return conclude(skb, PROGRAM_FROM_CONTAINER, VERDICT_PASSED, &nobody, skb->len);
	action = container_frame(skb, in);
	if (action == TC_ACT_UNSPEC)
		pass_the_bridge(skb, in);
	return action;
}

SEC("tc")
int from_underlay(struct __sk_buff *skb)
{
	struct priority_tag tag = {};
	struct parties parties = {};
	bool stripped = is_stripped(skb, &parties);
	enum verdict verdict = underlay_frame(skb, stripped, &tag, &parties);
	int action = conclude(skb, PROGRAM_FROM_UNDERLAY, verdict, &parties, skb->len);

	if (action == TC_ACT_UNSPEC)
		put_priority_tag_back(skb, &tag);
	return action;
}

SEC("tc")
int from_host(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct interface *in = bpf_map_lookup_elem(&interfaces, &ifindex);
	enum verdict verdict = VERDICT_DROPPED_MALFORMED; /* no ARP, no VLAN: the overlay carries IP */
	struct parties parties = {};

	if (!in)
		verdict = VERDICT_DROPPED_UNKNOWN_VNI;
	else if (skb->protocol == bpf_htons(ETH_P_IP) && !skb->vlan_present)
		return host_packet(skb, in->vni, false);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6) && !skb->vlan_present)
		return host_packet(skb, in->vni, true);
	return conclude(skb, PROGRAM_FROM_HOST, verdict, &parties, skb->len);
}

/* What the tunnel device has unwrapped; parties->vni is filled already. */
static __always_inline int tunnel_packet(struct __sk_buff *skb, const struct tunnel *tunnel)
{
	enum verdict verdict = VERDICT_DROPPED_MALFORMED;
	__u32 bytes = skb->len;

	if (skb->protocol == bpf_htons(ETH_P_IP) && !skb->vlan_present)
		verdict = device_received(skb, tunnel, false);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6) && !skb->vlan_present)
		verdict = device_received(skb, tunnel, true);
	return conclude(skb, PROGRAM_FROM_TUNNEL, verdict, tunnel->parties, bytes);
}

/*
 * What comes into culvert0 and not from the tunnel: answers of from_host's to the stack, and copies of packets that
 * from_container has left to the stack. Nobody else sends anything this way round.
 */
static __always_inline int sent_back(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct interface *in = bpf_map_lookup_elem(&interfaces, &ifindex);
	const struct parties nobody = {};

	if (skb->tc_index != HANDED_ON)
		return conclude(skb, PROGRAM_FROM_TUNNEL, VERDICT_PASSED, &nobody, skb->len);
	return in && answer_copy(skb, in->vni) ? TC_ACT_REDIRECT : TC_ACT_SHOT; /* it has been counted */
}

SEC("tc")
int from_tunnel(struct __sk_buff *skb)
{
	struct parties parties = {};
	struct tunnel tunnel = { .parties = &parties };
	struct bpf_tunnel_key key = {};

	if (!bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0)) {
		__be32 source = bpf_htonl(key.remote_ipv4);

		__builtin_memcpy(tunnel.source, &source, sizeof(source));
	} else if (!bpf_skb_get_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6)) {
		tunnel.ipv6 = true;
		__builtin_memcpy(tunnel.source, key.remote_ipv6, sizeof(tunnel.source));
	} else {
		return sent_back(skb);
	}
	tunnel.vni = parties.vni = network_of(bpf_htonl(key.tunnel_id));
	return tunnel_packet(skb, &tunnel);
}

SEC("tc")
int to_container(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct interface *to = bpf_map_lookup_elem(&interfaces, &ifindex);

	if (!to)
		return TC_ACT_UNSPEC;
	if (skb->tc_index == HANDED_ON)
		skb->tc_index = 0; /* ours, by way of a bridge */
	else if (skb->protocol == bpf_htons(ETH_P_IP))
		to_container_packet(skb, to->vni, false);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		to_container_packet(skb, to->vni, true);
	return TC_ACT_UNSPEC;
}

/* Where a packet that is routed to culvert0 still has the source that it came with; may_send() builds on it. */
SEC("lwt_out")
int judge_routed(struct __sk_buff *skb)
{
	if (!is_routed_forgery(skb))
		return BPF_OK;
	count(VERDICT_DROPPED_INNER_SOURCE, skb->len);
	return BPF_DROP;
}

SEC("xdp.frags")
int strip_at_xdp(struct xdp_md *xdp)
{
	const struct ethhdr *eth = frame_start(xdp, ETH_HLEN);

	/* tc leaves broadcast and multicast to the stack, which must not meet them stripped. */
	if (!eth || (eth->h_dest[0] & 1))
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return strip_family(xdp, false);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return strip_family(xdp, true);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
