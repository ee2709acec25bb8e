/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For the fuzz test alone: the datapath's programs, and two entry points for what BPF_PROG_TEST_RUN cannot give a packet, a
 * tunnel key and XDP metadata. The context brings them: cb[0] is the VNI, cb[1] and so on the outer source, mark 6 says that
 * this is IPv6.
 */
#include "../src/culvert.bpf.c"

/* from_tunnel, once it has read the key. */
SEC("tc")
int fuzz_tunnel(struct __sk_buff *skb)
{
	__u32 source[4] = { skb->cb[1], skb->cb[2], skb->cb[3], skb->cb[4] };
	struct tunnel tunnel = { .vni = skb->cb[0], .ipv6 = skb->mark == 6 };
	__u32 bytes = skb->len;

	__builtin_memcpy(tunnel.source, source, sizeof(source));
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return conclude(device_received(skb, &tunnel, false), bytes);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return conclude(device_received(skb, &tunnel, true), bytes);
	return conclude(VERDICT_DROPPED_MALFORMED, bytes);
}

/* from_underlay, once it has found the mark of strip_at_xdp. */
SEC("tc")
int fuzz_stripped(struct __sk_buff *skb)
{
	__be32 vni = skb->cb[0];

	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return conclude(receive_stripped(skb, vni, true), skb->len);
	return conclude(receive_stripped(skb, vni, false), skb->len);
}
