/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * THE contract with Java: keys, values and maps. dev.culvert.datapath.table.Layouts mirrors the structs below, and a
 * unit test holds the mirror against this object's BTF: names, offsets, sizes, byte order.
 *
 * Numbers typed __be* are in network byte order; all others are in the host's. Addresses that may belong to either
 * family are 16 bytes, IPv4 written as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
 */
#ifndef CULVERT_MAPS_H
#define CULVERT_MAPS_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "verdict.h"

#define MAX_SUBNETS    65536
#define MAX_ENDPOINTS  16384
#define MAX_INTERFACES 16384

/* ---- subnets: who owns an inner address ---------------------------------------------------------------------- */

/* LPM key. prefix_length counts the 32 bits of the VNI too: 32 + 24 for a /24. */
struct subnet4_key {
	__u32 prefix_length;
	__be32 vni;
	__be32 address;
};
_Static_assert(sizeof(struct subnet4_key) == 12, "subnet4_key");

struct subnet6_key {
	__u32 prefix_length;
	__be32 vni;
	__u8 address[16];
};
_Static_assert(sizeof(struct subnet6_key) == 24, "subnet6_key");

enum subnet_flags {
	/*
	 * This host's own subnet. ifindex is the bridge that leads to its containers, or 0 when each has its own veth.
	 */
	SUBNET_LOCAL = 1,
	/* The VTEP is on the same link: no encapsulation. */
	SUBNET_DIRECT = 2,
	/* The underlay is IPv6: header holds 84 bytes and not 64. */
	SUBNET_UNDERLAY_IPV6 = 4,
	/* The VTEP is known, but there is no route to it at present. */
	SUBNET_UNREACHABLE = 8,
	/* Encapsulated to it, but taken as it is from it: the network changes. */
	SUBNET_BARE_TOO = 16,
};

#define OUTER_HEADER_BYTES_IPV4 64 /* Ethernet 14, IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14 */
#define OUTER_HEADER_BYTES_IPV6 84 /* Ethernet 14, IPv6 40, UDP 8, VXLAN 8, inner Ethernet 14 */

/* The VTEP behind a subnet, with all that a packet to it needs. Written as a whole, so readers never see a mixture. */
struct subnet {
	__u32 flags;     /* enum subnet_flags */
	__u32 ifindex;   /* underlay interface (or bridge, see SUBNET_LOCAL) */
	__u32 mtu_bytes; /* largest inner IP packet, header included, that reaches the VTEP whole */
	__u32 vtep_id;   /* index for the counters by VTEP */
	__u8 remote[16]; /* underlay address of the VTEP */
	/*
	 * Next hop on the underlay link: a router, or the VTEP itself. Of a SUBNET_LOCAL, the containers' gateway
	 * (inner).
	 */
	__u8 gateway[16];
	/*
	 * Template of all that goes before the inner IP header, ready but for: outer IP length and checksum (the
	 * template holds the checksum of the header with length 0), UDP source port and length, traffic class. The
	 * outer Ethernet header is a placeholder: the kernel's neighbour table writes it.
	 */
	__u8 header[88];
};
_Static_assert(sizeof(struct subnet) == 136, "subnet");
_Static_assert(__builtin_offsetof(struct subnet, header) % 8 == 0, "header is copied in words of 8 bytes");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, MAX_SUBNETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct subnet4_key);
	__type(value, struct subnet);
} subnets4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, MAX_SUBNETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct subnet6_key);
	__type(value, struct subnet);
} subnets6 SEC(".maps");

/*
 * Hosts lease subnets of one size as a rule, and a hash finds those in the same time whether there are two or 65,536; a
 * trie does not (docs/adr/0009). So a subnet of the usual size stands in exact4 or exact6 as well, unless a longer
 * prefix lies in it: the tries always know everything, and answer whatever a hash does not.
 */
struct exact4_key {
	__be32 vni;
	__be32 address;
};
_Static_assert(sizeof(struct exact4_key) == 8, "exact4_key");

struct exact6_key {
	__be32 vni;
	__u8 address[16];
};
_Static_assert(sizeof(struct exact6_key) == 20, "exact6_key");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SUBNETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct exact4_key);
	__type(value, struct subnet);
} exact4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SUBNETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct exact6_key);
	__type(value, struct subnet);
} exact6 SEC(".maps");

/* The usual size of a subnet, as the mask that takes an address to its subnet's; zero: there is none, ask the trie. */
struct subnet_masks {
	__be32 ipv4;
	__u8 pad[4];
	__u8 ipv6[16];
};
_Static_assert(sizeof(struct subnet_masks) == 24, "subnet_masks");
_Static_assert(__builtin_offsetof(struct subnet_masks, ipv6) % 8 == 0, "ipv6 is read in words of 8 bytes");

/* One entry, key 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct subnet_masks);
} masks SEC(".maps");

/* ---- vteps: whose underlay addresses are whose ---------------------------------------------------------------- */

struct vtep_key {
	__u8 address[16];
};
_Static_assert(sizeof(struct vtep_key) == 16, "vtep_key");

enum vtep_flags {
	/* One of this host's own addresses: tunnel packets to any other only pass through this host. */
	VTEP_SELF = 1,
};

struct vtep {
	__u32 flags;   /* enum vtep_flags */
	__u32 vtep_id; /* index for the counters by VTEP, and of its path; 0 for this host's own */
};
_Static_assert(sizeof(struct vtep) == 8, "vtep");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SUBNETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vtep_key);
	__type(value, struct vtep);
} vteps SEC(".maps");

/* ---- paths: what routers said of the ways to VTEPs ------------------------------------------------------------- */

struct path {
	__u64 expires_ns; /* as bpf_ktime_get_ns() counts: from then on the way is tried again */
	__u32 mtu_bytes;  /* largest inner IP packet that the way carries; 0 when nobody said */
	__u32 pad;
};
_Static_assert(sizeof(struct path) == 16, "path");

/* Key: vtep_id. Written by from_underlay, so that it works while no agent lives. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SUBNETS);
	__type(key, __u32);
	__type(value, struct path);
} paths SEC(".maps");

/* ---- answers: how often senders are told that nobody is there -------------------------------------------------- */

/* Key: 0. When the next answer would be due if they went out evenly, as bpf_ktime_get_ns() counts; see icmp.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} answer_due_ns SEC(".maps");

/* ---- endpoints: the containers of this host ------------------------------------------------------------------ */

struct endpoint4_key {
	__be32 vni;
	__be32 address;
};
_Static_assert(sizeof(struct endpoint4_key) == 8, "endpoint4_key");

struct endpoint6_key {
	__be32 vni;
	__u8 address[16];
};
_Static_assert(sizeof(struct endpoint6_key) == 20, "endpoint6_key");

enum endpoint_flags {
	/* ifindex is a veth whose other end is in the container: deliver straight into its namespace. */
	ENDPOINT_PEER = 1,
};

struct endpoint {
	__u32 ifindex;     /* the host's end */
	__u32 flags;       /* enum endpoint_flags */
	__u32 endpoint_id; /* index for the counters by endpoint */
	__u8 mac[6];       /* the container's interface */
	__u8 host_mac[6];  /* the host's end: source of what we deliver */
};
_Static_assert(sizeof(struct endpoint) == 24, "endpoint");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENDPOINTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct endpoint4_key);
	__type(value, struct endpoint);
} endpoints4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENDPOINTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct endpoint6_key);
	__type(value, struct endpoint);
} endpoints6 SEC(".maps");

/* ---- interfaces: what may enter the overlay through an interface that from_container is attached to ----------- */

enum interface_flags {
	/* The sender's Ethernet address must be mac. */
	INTERFACE_CHECK_MAC = 1,
	/* The interface is a port of a bridge that lends it headroom and is to see no packet. */
	INTERFACE_LENT_ROOM = 2,
};

/* Key: ifindex (__u32). A source is allowed when mask is not zero and (source & mask) equals source4 or source6. */
struct interface {
	__be32 vni;
	__u32 flags; /* enum interface_flags */
	__u32 endpoint_id;
	__be32 source4;
	__be32 source4_mask;
	__u8 mac[6];
	__u8 pad[2];
	__u8 source6[16];
	__u8 source6_mask[16];
};
_Static_assert(sizeof(struct interface) == 60, "interface");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_INTERFACES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct interface);
} interfaces SEC(".maps");

/* ---- flows: what the host's stack has carried, so that answers go back the same way ------------------------------ */

/* A flow takes one entry, and one for the fragments between its two parties. The least recently used gives way. */
#define MAX_FLOWS 65536

enum flow_kind {
	FLOW_WHOLE = 0,
	/* Of fragments all but the first bear no ports: any between two parties of a flow go its way. The ports are 0.
	 */
	FLOW_FRAGMENTS = 1,
};

/* A flow as its answers bear it: from whom the stack has delivered to. */
struct flow_key {
	__be32 vni;
	__u8 protocol; /* IPPROTO_* */
	__u8 kind;     /* enum flow_kind */
	__u8 pad[2];
	__u8 source[16];
	__u8 destination[16];
	__be16 source_port; /* of ICMP echo the identifier, of what has no ports 0 */
	__be16 destination_port;
};
_Static_assert(sizeof(struct flow_key) == 44, "flow_key");

enum flow_flags {
	/* TCP has said FIN or RST. */
	FLOW_ENDING = 1,
};

struct flow {
	__u64 expires_ns; /* as bpf_ktime_get_ns() counts */
	__u32 flags;      /* enum flow_flags */
	__u32 pad;
};
_Static_assert(sizeof(struct flow) == 16, "flow");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_FLOWS);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

/*
 * Key: 0. Whether there are flows: all that a packet costs while there are none is a look at this number. Set by the
 * programs, taken back by the agent when all have expired.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} flows_kept SEC(".maps");

/* ---- device: culvert0, for what the programs hand to it --------------------------------------------------------- */

enum device_flags {
	/* Its IPv6 route runs judge_routed, so that a packet from the gateway's address is the host's own, or
	   masqueraded. */
	DEVICE_ROUTE_JUDGES = 1,
};

struct device {
	__u32 ifindex; /* 0: there is none yet */
	__u32 flags;   /* enum device_flags */
};
_Static_assert(sizeof(struct device) == 8, "device");

/* Key: 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct device);
} devices SEC(".maps");

/* ---- counters ------------------------------------------------------------------------------------------------- */

struct counter {
	__u64 packets; /* as the program saw them: a superpacket counts once */
	__u64 bytes;   /* Ethernet header included, before encapsulation and after decapsulation */
};
_Static_assert(sizeof(struct counter) == 16, "counter");

/* Key: enum verdict. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VERDICT_COUNT);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

/*
 * How many are counted one by one. Room is taken for each on every CPU, whether it is used or not: 384 KiB a CPU in
 * all. What has no number of its own has number 0, and is not counted.
 */
#define MAX_COUNTED_VTEPS     8192
#define MAX_COUNTED_ENDPOINTS 4096

/* Both directions, as this host sees the other party. Units as in struct counter. */
struct traffic {
	__u64 sent_packets; /* by us to a VTEP; by a container */
	__u64 sent_bytes;
	__u64 received_packets; /* by us from a VTEP; by a container */
	__u64 received_bytes;
};
_Static_assert(sizeof(struct traffic) == 32, "traffic");

/* Key: vtep_id. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_COUNTED_VTEPS);
	__type(key, __u32);
	__type(value, struct traffic);
} vtep_traffic SEC(".maps");

/* Key: endpoint_id. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_COUNTED_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct traffic);
} endpoint_traffic SEC(".maps");

/* ---- tracing: who wants to see packets, and which --------------------------------------------------------------- */

#define MAX_TRACERS      8
#define TRACE_RING_BYTES (256 * 1024)
/* Enough for TCP's flags in IPv6 in an IPv6 underlay: 14 + 40 + 8 + 8 + 14 + 40 + 14 is 138. */
#define TRACED_BYTES     144

enum trace_flags {
	TRACE_DROPS = 1,
	/* What was handed on or left to the slow path. */
	TRACE_FLOWS = 2,
	/*
	 * The one packet that bears the tracer's mark, whatever becomes of it. It is not counted, and nobody else sees
	 * it.
	 */
	TRACE_MARKED = 4,
};

/*
 * Key: 0. Flags that any living tracer has set: all that a packet costs while nobody traces is a look at this number.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} trace_wanted SEC(".maps");

/* One who traces. It renews until_ns while it lives; the entry of one that has died means nothing after that time. */
struct tracer {
	__u64 until_ns; /* CLOCK_MONOTONIC */
	__u64 owner;    /* random: tells the tracer whether the entry is still its own */
	__u32 flags;    /* enum trace_flags */
	__u32 sample;   /* one packet out of so many, at random */
	__u32 mark;     /* for TRACE_MARKED */
	__u32 pad;
};
_Static_assert(sizeof(struct tracer) == 32, "tracer");

/* Key of this and the next two: the tracer's place, 0 to MAX_TRACERS - 1. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_TRACERS);
	__type(key, __u32);
	__type(value, struct tracer);
} tracers SEC(".maps");

/* Events that a tracer had no room for. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_TRACERS);
	__type(key, __u32);
	__type(value, __u64);
} trace_lost SEC(".maps");

struct trace_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TRACE_RING_BYTES);
};

/*
 * Each tracer brings a ring of its own, so that tracers do not read each other's events; there is none while nobody
 * traces.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_TRACERS);
	__type(key, __u32);
	__array(values, struct trace_ring);
} trace_rings SEC(".maps");

/* Which program an event comes from. */
enum program {
	PROGRAM_FROM_CONTAINER = 0,
	PROGRAM_FROM_UNDERLAY = 1,
	PROGRAM_FROM_HOST = 2,
	PROGRAM_FROM_TUNNEL = 3,
};

/* What a tracer gets: the packet's first bytes as they were when the program ended. */
struct trace_event {
	__u64 time_ns;        /* CLOCK_MONOTONIC */
	__u32 program;        /* enum program */
	__u32 verdict;        /* enum verdict */
	__u32 ifindex;        /* the interface that the program is on */
	__u32 length_bytes;   /* of the whole packet, Ethernet header included */
	__u32 captured_bytes; /* of `packet` that are valid */
	__u32 mark;
	__be32 vni; /* 0 where the program did not learn it */
	__u32 pad;
	__u8 outer_source[16]; /* for from_tunnel alone, whose packets have lost their outer headers */
	__u8 packet[TRACED_BYTES];
};
_Static_assert(sizeof(struct trace_event) == 200, "trace_event");

#endif
