/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* VXLAN as RFC 7348 section 5 has it, and what it costs. */
#ifndef CULVERT_VXLAN_H
#define CULVERT_VXLAN_H

#include <linux/if_ether.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include "config.h"

#define VXLAN_FLAG_VNI 0x08 /* "the VNI is valid"; all other flags are reserved */

struct vxlan_header {
	__u8 flags;
	__u8 reserved[3];
	__be32 vni_and_reserved; /* VNI in the upper 24 bits */
};
_Static_assert(sizeof(struct vxlan_header) == 8, "RFC 7348 section 5");

/* What we put between the outer Ethernet header and the inner IP header. */
#define OVERHEAD_BYTES(underlay_ipv6) \
	(((underlay_ipv6) ? 40 : 20) + sizeof(struct udphdr) + sizeof(struct vxlan_header) + ETH_HLEN)

/* Where a tunnel packet's inner headers begin, from the start of the frame. */
#define BEFORE_INNER_IP(underlay_ipv6)       (ETH_HLEN + OVERHEAD_BYTES(underlay_ipv6))
#define BEFORE_INNER_ETHERNET(underlay_ipv6) (BEFORE_INNER_IP(underlay_ipv6) - ETH_HLEN)

static __always_inline __be32 vxlan_vni(const struct vxlan_header *vxlan)
{
	return bpf_htonl(bpf_ntohl(vxlan->vni_and_reserved) >> 8);
}

/* No VNI has more than 24 bits, so no map knows this one. */
#define NO_NETWORK bpf_htonl(0xffffffff)

/* The network that a VNI on the wire stands for. */
static __always_inline __be32 network_of(__be32 on_wire)
{
	if (wire_vni == AS_IT_IS)
		return on_wire;
	if (on_wire == bpf_htonl(wire_vni) || on_wire == bpf_htonl(other_wire_vni))
		return bpf_htonl(bare_vni);
	return on_wire == bpf_htonl(bare_vni) ? NO_NETWORK : on_wire;
}

static __always_inline bool is_tunnel_port(const struct udphdr *udp)
{
	return udp->dest == bpf_htons(tunnel_port) || udp->dest == bpf_htons(other_port);
}

#endif
