/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For the fuzz test alone: the datapath's programs, and two entry points for what BPF_PROG_TEST_RUN cannot give a
 * packet, a tunnel key and XDP metadata. The context brings them: cb[0] is the VNI, cb[1] and so on the outer source,
 * mark 6 says that this is IPv6.
 */
#include "../src/culvert.bpf.c"

/* from_tunnel, once it has read the key. */
SEC("tc")
int fuzz_tunnel(struct __sk_buff *skb)
{
	__u32 source[4] = { skb->cb[1], skb->cb[2], skb->cb[3], skb->cb[4] };
	struct parties parties = { .vni = skb->cb[0] };
	struct tunnel tunnel = { .vni = skb->cb[0], .ipv6 = skb->mark == 6, .parties = &parties };

	__builtin_memcpy(tunnel.source, source, sizeof(source));
	return tunnel_packet(skb, &tunnel);
}

/* from_underlay, once it has found the mark of strip_at_xdp. */
SEC("tc")
int fuzz_stripped(struct __sk_buff *skb)
{
	struct parties parties = { .vni = skb->cb[0] };
	enum verdict verdict;

	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		verdict = receive_stripped(skb, true, &parties);
	else
		verdict = receive_stripped(skb, false, &parties);
	return conclude(skb, PROGRAM_FROM_UNDERLAY, verdict, &parties, skb->len);
}
