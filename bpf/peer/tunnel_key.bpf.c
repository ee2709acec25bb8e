/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A contestant of the benchmarks: encapsulation as Cilium does it (bpf/lib/encap.h, bpf/bpf_lxc.c, bpf/bpf_overlay.c of
 * cilium/cilium). A program tells the kernel's collect_md tunnel device where to send a packet, and the device wraps
 * it; at the other end a program at the device's ingress delivers what the device has unwrapped. Only the carrying of
 * packets is here: no policy, no connection tracking, no services, which Cilium does besides. The same for VXLAN and
 * Geneve.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "../src/packet.h"

#define TUNNEL_ID 2 /* any, the same on all hosts */

/* Key 0: the tunnel device. A map and no constant, so that bpftool can fill it in (docs/benchmarks.md). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tunnel_device SEC(".maps");

/* Longest prefix, as Cilium's ipcache; an address in network order. */
struct remote_key {
	__u32 prefix_length;
	__be32 address;
};

/* Host order, as bpf_skb_set_tunnel_key wants it. */
struct remote {
	__u32 tunnel_endpoint;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 131072);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct remote_key);
	__type(value, struct remote);
} remotes SEC(".maps");

struct container {
	__u32 ifindex; /* the host's end of its veth */
	__u8 mac[6];
	__u8 host_mac[6];
};

/* Key: the container's address, network order. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __be32);
	__type(value, struct container);
} containers SEC(".maps");

/* tc ingress of the host's end of a container's veth. */
SEC("tc")
int to_tunnel(struct __sk_buff *skb)
{
	struct ethhdr *eth = packet_start(skb, ETH_HLEN + sizeof(struct iphdr));
	struct bpf_tunnel_key key = { .tunnel_id = TUNNEL_ID };
	struct remote_key destination = { .prefix_length = 32 };
	const struct remote *remote;
	const __u32 *tunnel;
	__u32 zero = 0;

	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	destination.address = ((struct iphdr *)(eth + 1))->daddr;
	remote = bpf_map_lookup_elem(&remotes, &destination);
	if (!remote)
		return TC_ACT_OK;
	key.remote_ipv4 = remote->tunnel_endpoint;
	if (bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_ZERO_CSUM_TX))
		return TC_ACT_SHOT;
	tunnel = bpf_map_lookup_elem(&tunnel_device, &zero);
	return tunnel ? bpf_redirect(*tunnel, 0) : TC_ACT_SHOT;
}

/* tc ingress of the tunnel device. */
SEC("tc")
int from_tunnel(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = {};
	const struct container *to;
	struct ethhdr *eth;
	struct iphdr *ip;

	if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0) || key.tunnel_id != TUNNEL_ID)
		return TC_ACT_SHOT;
	eth = packet_start(skb, ETH_HLEN + sizeof(struct iphdr));
	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	ip = (struct iphdr *)(eth + 1);
	to = bpf_map_lookup_elem(&containers, &ip->daddr);
	if (!to || ip->ttl <= 1)
		return TC_ACT_OK;
	spend_hop(ip, false);
	write_ethernet(eth, to->mac, to->host_mac, bpf_htons(ETH_P_IP));
	return bpf_redirect_peer(to->ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
