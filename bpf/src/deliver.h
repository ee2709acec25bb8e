/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last step on this host: into a container, or on to the next host. */
#ifndef CULVERT_DELIVER_H
#define CULVERT_DELIVER_H

#include <linux/bpf.h>
#include "maps.h"
#include "packet.h"

/* linux/socket.h is not for user space; these two numbers are ABI. */
#define AF_INET  2
#define AF_INET6 10

/* Address family and next hop in the form that bpf_redirect_neigh wants, from 16 bytes with IPv4 mapped. */
static __always_inline void send_to_neighbour(__u32 ifindex, const __u8 *address, bool ipv6)
{
	struct bpf_redir_neigh next = {};

	if (ipv6) {
		next.nh_family = AF_INET6;
		__builtin_memcpy(next.ipv6_nh, address, sizeof(next.ipv6_nh));
	} else {
		next.nh_family = AF_INET;
		next.ipv4_nh = *(const __be32 *)(address + 12);
	}
	bpf_redirect_neigh(ifindex, &next, sizeof(next), 0);
}

/*
 * Sends on what the stack has routed to culvert0. It bears that route still, and while the next hop's MAC is unknown
 * the kernel keeps it, then asks its route for the MAC: culvert0's. So the kernel looks for the way itself, and the
 * packet gets that route.
 */
static __always_inline void send_routed(__u32 ifindex)
{
	bpf_redirect_neigh(ifindex, NULL, 0, 0);
}

/* Whether the kernel has yet to ask for the MAC of a next hop, by 16 bytes as above. */
static __always_inline bool is_neighbour_unknown(struct __sk_buff *skb, __u32 ifindex, const __u8 *address, bool ipv6)
{
	struct bpf_fib_lookup way = { .ifindex = ifindex };

	if (ipv6) {
		way.family = AF_INET6;
		copy_address(way.ipv6_dst, address, true);
	} else {
		way.family = AF_INET;
		way.ipv4_dst = *(const __be32 *)(address + 12);
	}
	return bpf_fib_lookup(skb, &way, sizeof(way), BPF_FIB_LOOKUP_DIRECT | BPF_FIB_LOOKUP_OUTPUT) ==
	       BPF_FIB_LKUP_RET_NO_NEIGH;
}

/*
 * Redirects a packet, whose Ethernet header is at `eth`, into a container. `at_ingress`: redirect_peer works there
 * only.
 */
static __always_inline void deliver_to_endpoint(struct ethhdr *eth, const struct endpoint *to, bool ipv6,
                                                bool at_ingress)
{
	write_ethernet(eth, to->mac, to->host_mac, ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	if (at_ingress && (to->flags & ENDPOINT_PEER))
		bpf_redirect_peer(to->ifindex, 0);
	else
		bpf_redirect(to->ifindex, 0);
}

/* Redirects a packet to a container behind a bridge: its address is its own next hop there. */
static __always_inline void deliver_to_bridge(__u32 ifindex, const void *destination, bool ipv6)
{
	__u8 address[16] WORDS = {};

	copy_address(ipv6 ? address : address + 12, destination, ipv6);
	send_to_neighbour(ifindex, address, ipv6);
}

#endif
