/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For tests alone: the datapath's programs, and entry points for what BPF_PROG_TEST_RUN cannot give a packet, a tunnel
 * key, XDP metadata, and a VLAN tag that the NIC or the kernel has taken off. The context brings them: cb[0] is the
 * VNI, cb[1] and so on the outer source or the tag, mark 6 says that this is IPv6.
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

/*
 * from_underlay on a frame whose outermost tag, cb[1], was taken off; cb[2] says whether strip_at_xdp has stripped it.
 * What passes with its tag as it was gives TC_ACT_PIPE.
 */
SEC("tc")
int fuzz_tag_taken_off(struct __sk_buff *skb)
{
	__u16 tag_before = skb->cb[1];
	struct parties parties = { .vni = skb->cb[0] };
	struct priority_tag tag = {};
	enum verdict verdict;
	int action;

	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), tag_before))
		return TC_ACT_STOLEN;
	verdict = underlay_frame(skb, skb->cb[2], &tag, &parties);
	action = conclude(skb, PROGRAM_FROM_UNDERLAY, verdict, &parties, skb->len);
	if (action != TC_ACT_UNSPEC)
		return action;
	put_priority_tag_back(skb, &tag);
	return skb->vlan_present && skb->vlan_tci == tag_before ? TC_ACT_PIPE : TC_ACT_UNSPEC;
}
