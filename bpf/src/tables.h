/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Questions to the maps, for either family. */
#ifndef CULVERT_TABLES_H
#define CULVERT_TABLES_H

#include "maps.h"
#include "packet.h"

/* The subnet of the usual size that an inner address lies in, or NULL: then there is none, or the trie knows better. */
static __always_inline const struct subnet *find_exact(__be32 vni, const void *address, bool ipv6)
{
	__u32 zero = 0;
	const struct subnet_masks *usual = bpf_map_lookup_elem(&masks, &zero);

	if (!usual)
		return NULL;
	if (ipv6) {
		const __u32 *mask = (const __u32 *)usual->ipv6, *from = address;
		struct exact6_key key = { .vni = vni };
		__u32 *to = (__u32 *)key.address;

		if (!mask[0])
			return NULL;
		to[0] = from[0] & mask[0];
		to[1] = from[1] & mask[1];
		to[2] = from[2] & mask[2];
		to[3] = from[3] & mask[3];
		return bpf_map_lookup_elem(&exact6, &key);
	} else {
		struct exact4_key key = { .vni = vni, .address = *(const __be32 *)address & usual->ipv4 };

		return usual->ipv4 ? bpf_map_lookup_elem(&exact4, &key) : NULL;
	}
}

/* The subnet that an inner address lies in, or NULL. */
static __always_inline const struct subnet *find_subnet(__be32 vni, const void *address, bool ipv6)
{
	const struct subnet *exact = find_exact(vni, address, ipv6);

	if (exact)
		return exact;
	if (ipv6) {
		struct subnet6_key key = { .prefix_length = 32 + 128, .vni = vni };

		copy_address(key.address, address, true);
		return bpf_map_lookup_elem(&subnets6, &key);
	} else {
		struct subnet4_key key = { .prefix_length = 32 + 32, .vni = vni, .address = *(const __be32 *)address };

		return bpf_map_lookup_elem(&subnets4, &key);
	}
}

/* The container of this host that has an inner address, or NULL. */
static __always_inline const struct endpoint *find_endpoint(__be32 vni, const void *address, bool ipv6)
{
	if (ipv6) {
		struct endpoint6_key key = { .vni = vni };

		copy_address(key.address, address, true);
		return bpf_map_lookup_elem(&endpoints6, &key);
	} else {
		struct endpoint4_key key = { .vni = vni, .address = *(const __be32 *)address };

		return bpf_map_lookup_elem(&endpoints4, &key);
	}
}

/* Whether a container behind this interface may send from that address. */
static __always_inline bool owns_source(const struct interface *in, const void *source, bool ipv6)
{
	if (ipv6) {
		const __u64 *s = source, *own = (const __u64 *)in->source6, *mask = (const __u64 *)in->source6_mask;

		return mask[0] && (s[0] & mask[0]) == own[0] && (s[1] & mask[1]) == own[1];
	} else {
		return in->source4_mask && (*(const __be32 *)source & in->source4_mask) == in->source4;
	}
}

/* Whether an inner address is this host's own in one of its subnets. */
static __always_inline bool is_gateway(const struct subnet *subnet, const void *address, bool ipv6)
{
	return (subnet->flags & SUBNET_LOCAL) &&
	       same_address(ipv6 ? subnet->gateway : subnet->gateway + 12, address, ipv6);
}

/* Whether the next hop is an IPv6 address: over IPv4 it may be one, too (RFC 8950). */
static __always_inline bool is_next_hop_ipv6(const struct subnet *to)
{
	const __u32 *words = (const __u32 *)to->gateway;

	return words[0] || words[1] || words[2] != bpf_htonl(0xffff);
}

/* The VTEP's address, in the underlay's family. */
static __always_inline bool is_vtep(const struct subnet *subnet, const void *outer_source, bool underlay_ipv6)
{
	if (!!(subnet->flags & SUBNET_UNDERLAY_IPV6) != underlay_ipv6)
		return false;
	if (underlay_ipv6) {
		const __u32 *a = (const __u32 *)subnet->remote, *b = outer_source;

		return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
	}
	return *(const __be32 *)(subnet->remote + 12) == *(const __be32 *)outer_source;
}

/* What is known of an underlay address, or NULL. */
static __always_inline const struct vtep *find_vtep(const void *address, bool underlay_ipv6)
{
	struct vtep_key key WORDS = {};

	if (underlay_ipv6) {
		copy_address(key.address, address, true);
	} else {
		key.address[10] = key.address[11] = 0xff;
		copy_address(key.address + 12, address, false);
	}
	return bpf_map_lookup_elem(&vteps, &key);
}

/* Whether an underlay address is one of this host's own VTEP addresses. */
static __always_inline bool is_self(const void *address, bool underlay_ipv6)
{
	const struct vtep *vtep = find_vtep(address, underlay_ipv6);

	return vtep && (vtep->flags & VTEP_SELF);
}

/* culvert0, or NULL before it is there. */
static __always_inline const struct device *find_device(void)
{
	__u32 zero = 0;
	const struct device *device = bpf_map_lookup_elem(&devices, &zero);

	return device && device->ifindex ? device : NULL;
}

static __always_inline bool does_route_judge(void)
{
	const struct device *device = find_device();

	return device && (device->flags & DEVICE_ROUTE_JUDGES);
}

#endif
