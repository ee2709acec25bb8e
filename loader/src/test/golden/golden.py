#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes golden-packets.txt: packets in, and what must come out, made by scapy and not by Culvert.

Run: /usr/bin/python3 golden.py > ../resources/golden-packets.txt

The tables that the packets meet stand in PacketWorld. Where a program chooses a UDP source port, the expected
packet has port 0: the test checks the range and then compares.
"""
from scapy.all import Ether, IP, IPOption_Router_Alert, IPv6, UDP, TCP, ICMP, ICMPv6EchoRequest, ARP, Raw, SCTP, Padding, raw
from scapy.all import ICMPv6DestUnreach, ICMPv6PacketTooBig
from scapy.all import Dot1AD, Dot1Q, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, IPOption_NOP, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.all import IPv6ExtHdrHopByHop
from scapy.layers.vxlan import VXLAN

HOST = "00:00:00:00:00:00"  # the loopback device, on which BPF_PROG_TEST_RUN runs
CONTAINER = "02:00:00:00:01:02"  # MAC of 10.244.1.2
NEIGHBOUR = "02:00:00:00:01:03"  # MAC of 10.244.1.3
NEIGHBOUR_VETH = "02:ff:00:00:01:03"  # the host's end of its veth
LOCAL_VTEP = "02:aa:00:00:00:01"
REMOTE_VTEP = "02:aa:00:00:00:02"
OWN_LINK_LOCAL = "fe80::ff:fe00:102"  # of CONTAINER: RFC 4291 appendix A


def show(name, program, packet, verdict, out=None, gso=0):
    print(f"name: {name}\nprogram: {program}\nin: {raw(packet).hex()}")
    if gso:
        print(f"gso: {gso}")
    print(f"verdict: {verdict}")
    if out is not None:
        print(f"out: {raw(out).hex()}")
    print()


def outer(inner, tos=0, inner_type=0x0800, vni=1, remote="10.18.2.2", **ip):
    """A tunnel packet of ours around an IP packet. The placeholder Ethernet header is all zero but for the type."""
    return (
        Ether(dst=HOST, src=HOST, type=0x0800)
        / IP(src="10.17.2.2", dst=remote, ttl=64, id=0, flags="DF", tos=tos, **ip)
        / UDP(sport=0, dport=4789, chksum=0)
        / VXLAN(vni=vni, flags="Instance")
        / Ether(dst=REMOTE_VTEP, src=LOCAL_VTEP, type=inner_type)
        / inner
    )


def outer6(inner, tc=0, inner_type=0x0800):
    return (
        Ether(dst=HOST, src=HOST, type=0x86DD)
        / IPv6(src="fd00:17::2", dst="fd00:18::2", hlim=64, tc=tc)
        / UDP(sport=0, dport=4789, chksum=0)
        / VXLAN(vni=1, flags="Instance")
        / Ether(dst=REMOTE_VTEP, src=LOCAL_VTEP, type=inner_type)
        / inner
    )


def arriving(inner, source="10.18.2.2", vni=1, port=4789, inner_type=0x0800, tos=0, chksum=0, flags="Instance", udp_len=None, **ip):
    return (
        Ether(dst=HOST, src="02:bb:00:00:00:01", type=0x0800)
        / IP(src=source, dst="10.17.2.2", ttl=63, id=7, flags=ip.pop("flags_", "DF"), tos=tos, **ip)
        / UDP(sport=50000, dport=port, chksum=chksum, len=udp_len)
        / VXLAN(vni=vni, flags=flags)
        / Ether(dst=LOCAL_VTEP, src=REMOTE_VTEP, type=inner_type)
        / inner
    )


def from_container(ip, src=CONTAINER, dst=HOST, type=0x0800):
    return Ether(dst=dst, src=src, type=type) / ip


def udp(src, dst, ttl=64, payload=b"culvert", **kw):
    return IP(src=src, dst=dst, ttl=ttl, id=1, **kw) / UDP(sport=1111, dport=2222) / Raw(payload)


def fragmentation_needed(packet, mtu, quoted=548):
    """RFC 1191 section 4, from the gateway; RFC 1812 section 4.3.2 says how much is quoted, and with which precedence."""
    return (
        Ether(dst=CONTAINER, src=HOST)
        / IP(src="10.244.1.1", dst="10.244.1.2", id=0, flags="DF", tos=0xC0, ttl=64)
        / ICMP(type=3, code=4, nexthopmtu=mtu)
        / Raw(raw(packet)[:quoted])
    )


def packet_too_big(packet, mtu):
    """RFC 4443 section 3.2: 1280 bytes in all."""
    return (
        Ether(dst=CONTAINER, src=HOST)
        / IPv6(src="fd00:244:1::1", dst="fd00:244:1::2", hlim=64)
        / ICMPv6PacketTooBig(mtu=mtu)
        / Raw(raw(packet)[:1232])
    )


# ---- out of a container

show(
    "UDP to a container on another host is wrapped and loses one hop",
    "from_container",
    from_container(udp("10.244.1.2", "10.244.2.4")),
    "ENCAPSULATED",
    outer(udp("10.244.1.2", "10.244.2.4", ttl=63)),
)
show(
    "TCP with options, DF and ECN: the outer header carries the inner ECN",
    "from_container",
    from_container(
        IP(src="10.244.1.2", dst="10.244.2.4", id=9, flags="DF", tos=0x02, ttl=64)
        / TCP(sport=1, dport=2, options=[("Timestamp", (1, 2))]) / Raw(b"x" * 1200)
    ),
    "ENCAPSULATED",
    outer(
        IP(src="10.244.1.2", dst="10.244.2.4", id=9, flags="DF", tos=0x02, ttl=63)
        / TCP(sport=1, dport=2, options=[("Timestamp", (1, 2))]) / Raw(b"x" * 1200),
        tos=0x02,
    ),
)
show(
    "Congestion experienced inside is copied outside; DSCP stays inside",
    "from_container",
    from_container(udp("10.244.1.2", "10.244.2.4", tos=0xBB)),
    "ENCAPSULATED",
    outer(udp("10.244.1.2", "10.244.2.4", ttl=63, tos=0xBB), tos=0x03),
)
show(
    "SCTP is as good as any",
    "from_container",
    from_container(IP(src="10.244.1.2", dst="10.244.2.4", ttl=2, id=5) / SCTP(sport=5, dport=6) / Raw(b"abcd")),
    "ENCAPSULATED",
    outer(IP(src="10.244.1.2", dst="10.244.2.4", ttl=1, id=5) / SCTP(sport=5, dport=6) / Raw(b"abcd")),
)
show(
    "ICMP echo, TTL 255: the checksum's carry",
    "from_container",
    from_container(IP(src="10.244.1.2", dst="10.244.2.4", ttl=255, id=0) / ICMP() / Raw(b"p" * 56)),
    "ENCAPSULATED",
    outer(IP(src="10.244.1.2", dst="10.244.2.4", ttl=254, id=0) / ICMP() / Raw(b"p" * 56)),
)
show(
    "An inner fragment is wrapped like any packet",
    "from_container",
    from_container(IP(src="10.244.1.2", dst="10.244.2.4", id=3, frag=185, proto=17) / Raw(b"tail of a datagram")),
    "ENCAPSULATED",
    outer(IP(src="10.244.1.2", dst="10.244.2.4", id=3, frag=185, proto=17, ttl=63) / Raw(b"tail of a datagram")),
)
show(
    "IPv6 inside IPv4",
    "from_container",
    from_container(IPv6(src="fd00:244:1::2", dst="fd00:244:2::4", hlim=64) / UDP(sport=1, dport=2) / Raw(b"six"), type=0x86DD),
    "ENCAPSULATED",
    outer(IPv6(src="fd00:244:1::2", dst="fd00:244:2::4", hlim=63) / UDP(sport=1, dport=2) / Raw(b"six"), inner_type=0x86DD),
)
show(
    "IPv4 inside IPv6",
    "from_container",
    from_container(udp("10.244.1.2", "10.244.6.4", tos=1)),
    "ENCAPSULATED",
    outer6(udp("10.244.1.2", "10.244.6.4", ttl=63, tos=1), tc=1),
)
show(
    "IPv6 inside IPv6",
    "from_container",
    from_container(IPv6(src="fd00:244:1::2", dst="fd00:244:6::4") / UDP(sport=1, dport=2) / Raw(b"six"), type=0x86DD),
    "ENCAPSULATED",
    outer6(IPv6(src="fd00:244:1::2", dst="fd00:244:6::4", hlim=63) / UDP(sport=1, dport=2) / Raw(b"six"), inner_type=0x86DD),
)
show(
    "To a container on the same host: new MACs, one hop less, nothing else",
    "from_container",
    from_container(udp("10.244.1.2", "10.244.1.3")),
    "DELIVERED_LOCALLY",
    Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / udp("10.244.1.2", "10.244.1.3", ttl=63),
)
show(
    "To a host on the same link: as it is",
    "from_container",
    from_container(udp("10.244.1.2", "10.244.3.4")),
    "ROUTED_DIRECTLY",
    from_container(udp("10.244.1.2", "10.244.3.4", ttl=63)),
)
show("To the world: the stack's", "from_container", from_container(udp("10.244.1.2", "192.0.2.7")), "PASSED",
     from_container(udp("10.244.1.2", "192.0.2.7")))
show("To the gateway: the host's own", "from_container", from_container(udp("10.244.1.2", "10.244.1.1")), "PASSED")
show("ARP: the stack answers", "from_container",
     Ether(dst="ff:ff:ff:ff:ff:ff", src=CONTAINER) / ARP(psrc="10.244.1.2", pdst="10.244.1.1", hwsrc=CONTAINER), "PASSED")
show("Broadcast is no overlay traffic", "from_container",
     from_container(udp("10.244.1.2", "10.244.2.4"), dst="ff:ff:ff:ff:ff:ff"), "PASSED")
show("Last hop: the stack answers time exceeded", "from_container", from_container(udp("10.244.1.2", "10.244.2.4", ttl=1)),
     "SLOW_PATH", from_container(udp("10.244.1.2", "10.244.2.4", ttl=1)))
show("Too large for the way, and may be cut: the stack does that", "from_container",
     from_container(udp("10.244.1.2", "10.244.2.4", payload=b"x" * (1451 - 28))), "SLOW_PATH")
show("Exactly as large as the way", "from_container",
     from_container(udp("10.244.1.2", "10.244.2.4", payload=b"x" * (1450 - 28))), "ENCAPSULATED",
     outer(udp("10.244.1.2", "10.244.2.4", ttl=63, payload=b"x" * (1450 - 28))))
show("A superpacket of a kind without tunnel support", "from_container",
     from_container(udp("10.244.1.2", "10.244.2.4", payload=b"x" * 1400)), "SLOW_PATH", gso=700)
show("Another's address", "from_container", from_container(udp("10.244.1.3", "10.244.2.4")), "DROPPED_INNER_SOURCE")
show("Another's address, IPv6", "from_container",
     from_container(IPv6(src="fd00:244:1::3", dst="fd00:244:2::4") / UDP(), type=0x86DD), "DROPPED_INNER_SOURCE")
show("Another's MAC", "from_container", from_container(udp("10.244.1.2", "10.244.2.4"), src=NEIGHBOUR), "DROPPED_INNER_MAC")
show("A container speaks VXLAN itself", "from_container",
     from_container(IP(src="10.244.1.2", dst="10.18.2.2") / UDP(sport=1, dport=4789) / VXLAN(vni=1) / Ether(dst=REMOTE_VTEP, src=LOCAL_VTEP) / IP(src="10.244.1.2", dst="10.244.2.4")),
     "DROPPED_TUNNEL_FROM_CONTAINER")
show("Total length beyond the packet", "from_container",
     from_container(IP(src="10.244.1.2", dst="10.244.2.4", len=200) / UDP() / Raw(b"x")), "DROPPED_MALFORMED")
show("Header length below five words", "from_container",
     from_container(IP(src="10.244.1.2", dst="10.244.2.4", ihl=4) / UDP() / Raw(b"x")), "DROPPED_MALFORMED")
show("Version 6 in an IPv4 packet", "from_container",
     from_container(IP(src="10.244.1.2", dst="10.244.2.4", version=6) / UDP() / Raw(b"x")), "DROPPED_MALFORMED")

# ---- too large for the way: the container's gateway answers

LARGE_UDP = udp("10.244.1.2", "10.244.2.4", flags="DF", payload=b"x" * (1451 - 28))
show(
    "UDP that must not be cut: fragmentation needed, with as much of it as 576 bytes hold",
    "from_container",
    from_container(LARGE_UDP),
    "DROPPED_TOO_BIG",
    fragmentation_needed(LARGE_UDP, 1450),
)
LARGE_TCP = (
    IP(src="10.244.1.2", dst="10.244.2.4", id=4, flags="DF", tos=2)
    / TCP(sport=1, dport=2, seq=12345, options=[("Timestamp", (1, 2)), ("NOP", None), ("NOP", None)])
    / Raw(b"y" * 2800)
)
show(
    "A TCP superpacket whose segments are a byte too large: 20 bytes of IP, 32 of TCP with options",
    "from_container",
    from_container(LARGE_TCP),
    "DROPPED_TOO_BIG",
    fragmentation_needed(LARGE_TCP, 1450),
    gso=1399,
)
LARGE6 = IPv6(src="fd00:244:1::2", dst="fd00:244:2::4") / UDP(sport=1, dport=2) / Raw(b"z" * (1451 - 48))
show(
    "IPv6: packet too big, with as much of it as 1280 bytes hold",
    "from_container",
    from_container(LARGE6, type=0x86DD),
    "DROPPED_TOO_BIG",
    packet_too_big(LARGE6, 1450),
)
LARGE66 = IPv6(src="fd00:244:1::2", dst="fd00:244:6::4") / TCP(sport=1, dport=2, seq=7) / Raw(b"z" * (1431 - 60))
show(
    "IPv6 inside IPv6: 70 bytes of overhead",
    "from_container",
    from_container(LARGE66, type=0x86DD),
    "DROPPED_TOO_BIG",
    packet_too_big(LARGE66, 1430),
)
OPTIONS = IP(src="10.244.1.2", dst="10.244.2.4", flags="DF", options=[IPOption_Router_Alert()]) / UDP() / Raw(b"o" * 1500)
show("IP options are quoted too", "from_container", from_container(OPTIONS), "DROPPED_TOO_BIG", fragmentation_needed(OPTIONS, 1450))
ECHO = IP(src="10.244.1.2", dst="10.244.2.4", flags="DF") / ICMP() / Raw(b"p" * 1500)
show("A large echo request is answered", "from_container", from_container(ECHO), "DROPPED_TOO_BIG", fragmentation_needed(ECHO, 1450))
for name, error in [
    ("An ICMP error is never answered", IP(src="10.244.1.2", dst="10.244.2.4", flags="DF") / ICMP(type=3, code=1) / Raw(b"e" * 1500)),
    ("Nor is a fragment but the first", IP(src="10.244.1.2", dst="10.244.2.4", flags="DF", frag=185, proto=17) / Raw(b"f" * 1500)),
]:
    show(name, "from_container", from_container(error), "DROPPED_TOO_BIG", from_container(error))
ERROR6 = IPv6(src="fd00:244:1::2", dst="fd00:244:2::4") / ICMPv6DestUnreach() / Raw(b"e" * 1500)
show("An ICMPv6 error is never answered", "from_container", from_container(ERROR6, type=0x86DD), "DROPPED_TOO_BIG",
     from_container(ERROR6, type=0x86DD))

# ---- into this host

show(
    "A tunnel packet for our container: stripped, readdressed, one hop less",
    "from_underlay",
    arriving(udp("10.244.2.4", "10.244.1.3")),
    "DECAPSULATED",
    Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / udp("10.244.2.4", "10.244.1.3", ttl=63),
)
show(
    "Congestion met on the underlay is marked inside",
    "from_underlay",
    arriving(udp("10.244.2.4", "10.244.1.3", tos=0x02), tos=0x03),
    "DECAPSULATED",
    Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / udp("10.244.2.4", "10.244.1.3", ttl=63, tos=0x03),
)
show("Congestion met by a packet that cannot say so", "from_underlay",
     arriving(udp("10.244.2.4", "10.244.1.3"), tos=0x03), "DROPPED_CONGESTION_LOST")
show("Outer source is another VTEP than the owner of the inner source", "from_underlay",
     arriving(udp("10.244.2.4", "10.244.1.3"), source="10.19.2.2"), "DROPPED_OUTER_SOURCE")
show("Inner source is ours: nobody may send it to us", "from_underlay",
     arriving(udp("10.244.1.2", "10.244.1.3")), "DROPPED_OUTER_SOURCE")
show("Inner source is outside the overlay", "from_underlay",
     arriving(udp("192.0.2.1", "10.244.1.3")), "DROPPED_OUTER_SOURCE")
show("Another network's VNI", "from_underlay", arriving(udp("10.244.2.4", "10.244.1.3"), vni=2), "DROPPED_UNKNOWN_VNI")
show("For a subnet of another host", "from_underlay", arriving(udp("10.244.2.4", "10.244.4.4")), "DROPPED_NOT_LOCAL")
show("For the host itself: the kernel's device takes it", "from_underlay", arriving(udp("10.244.2.4", "10.244.1.1")), "SLOW_PATH",
     arriving(udp("10.244.2.4", "10.244.1.1")))
show("Last hop on arrival", "from_underlay", arriving(udp("10.244.2.4", "10.244.1.3", ttl=1)), "SLOW_PATH")
show("Outer UDP checksum: the stack verifies it", "from_underlay",
     arriving(udp("10.244.2.4", "10.244.1.3"), chksum=0x1234), "SLOW_PATH")
show("An outer fragment", "from_underlay",
     arriving(udp("10.244.2.4", "10.244.1.3"), flags_="MF"), "PASSED")
show("Another port", "from_underlay", arriving(udp("10.244.2.4", "10.244.1.3"), port=4790), "PASSED")
show("No VNI flag", "from_underlay", arriving(udp("10.244.2.4", "10.244.1.3"), flags=0), "DROPPED_MALFORMED")
show("ARP inside: the overlay carries IP", "from_underlay",
     arriving(ARP(psrc="10.244.2.4", pdst="10.244.1.3", hwsrc=REMOTE_VTEP), inner_type=0x0806), "DROPPED_MALFORMED")
show("Inner length beyond the packet", "from_underlay",
     arriving(IP(src="10.244.2.4", dst="10.244.1.3", len=999) / UDP() / Raw(b"x")), "DROPPED_MALFORMED")
show(
    "IPv6 inside IPv4 on arrival",
    "from_underlay",
    arriving(IPv6(src="fd00:244:2::4", dst="fd00:244:1::3", hlim=64) / UDP(sport=1, dport=2) / Raw(b"six"), inner_type=0x86DD),
    "DECAPSULATED",
    Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / IPv6(src="fd00:244:2::4", dst="fd00:244:1::3", hlim=63) / UDP(sport=1, dport=2) / Raw(b"six"),
)
show(
    "A bare packet from a host on the same link",
    "from_underlay",
    Ether(dst=HOST, src="02:bb:00:00:00:03") / udp("10.244.3.4", "10.244.1.3"),
    "RECEIVED_DIRECTLY",
    Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / udp("10.244.3.4", "10.244.1.3", ttl=63),
)
show("A bare packet of a host that must encapsulate", "from_underlay",
     Ether(dst=HOST, src="02:bb:00:00:00:03") / udp("10.244.2.4", "10.244.1.3"), "DROPPED_OUTER_SOURCE")
show("A bare packet with an address of ours as source", "from_underlay",
     Ether(dst=HOST, src="02:bb:00:00:00:03") / udp("10.244.1.2", "10.244.1.3"), "DROPPED_OUTER_SOURCE")
show("A tunnel packet that only passes through this host", "from_underlay",
     Ether(dst=HOST, src="02:bb:00:00:00:01") / IP(src="10.99.0.1", dst="10.99.0.2") / UDP(sport=50000, dport=4789, chksum=0)
     / VXLAN(vni=77, flags="Instance") / Ether(dst=LOCAL_VTEP, src=REMOTE_VTEP) / udp("10.244.2.4", "10.244.1.3"), "PASSED")
show("The underlay's own traffic", "from_underlay",
     Ether(dst=HOST, src="02:bb:00:00:00:01") / udp("10.17.2.1", "10.17.2.2"), "PASSED")

# ---- hidden from a hasty look

tunnel = UDP(sport=1, dport=4789) / VXLAN(vni=1) / Ether(dst=REMOTE_VTEP, src=LOCAL_VTEP) / udp("10.244.1.3", "10.244.2.4")
show("A container's VXLAN behind IP options", "from_container",
     from_container(IP(src="10.244.1.2", dst="10.18.2.2", options=[IPOption_NOP()] * 4) / tunnel), "DROPPED_TUNNEL_FROM_CONTAINER")
show("A container's VXLAN, first fragment", "from_container",
     from_container(IP(src="10.244.1.2", dst="10.18.2.2", flags="MF", proto=17) / raw(tunnel)[:16]), "DROPPED_TUNNEL_FROM_CONTAINER")
show("Without its first fragment a VXLAN packet is nothing", "from_container",
     from_container(IP(src="10.244.1.2", dst="10.18.2.2", frag=2, proto=17) / raw(tunnel)[16:]), "PASSED")
six = IPv6(src="fd00:244:1::2", dst="fd00:18::2")
show("A container's VXLAN over IPv6", "from_container", from_container(six / tunnel, type=0x86DD), "DROPPED_TUNNEL_FROM_CONTAINER")
show("A container's VXLAN behind IPv6 extension headers", "from_container",
     from_container(six / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrFragment(m=1) / tunnel, type=0x86DD),
     "DROPPED_TUNNEL_FROM_CONTAINER")
show("Without its first fragment a VXLAN packet over IPv6 is nothing", "from_container",
     from_container(six / IPv6ExtHdrFragment(offset=2, nh=17) / raw(tunnel)[16:], type=0x86DD), "PASSED")
show("More extension headers than anybody needs", "from_container",
     from_container(IPv6(src="fd00:244:1::2", dst="fd00:18::2", nh=60) / (raw(IPv6ExtHdrDestOpt(nh=60)) * 9), type=0x86DD),
     "DROPPED_TUNNEL_FROM_CONTAINER")
show("Another port, behind extension headers", "from_container",
     from_container(six / IPv6ExtHdrHopByHop() / UDP(sport=1, dport=53) / Raw(b"x"), type=0x86DD), "PASSED")
show("A container's VXLAN from a link-local address", "from_container",
     from_container(IPv6(src=OWN_LINK_LOCAL, dst="fd00:17::2") / tunnel, type=0x86DD), "DROPPED_TUNNEL_FROM_CONTAINER")
show("Neighbour discovery is the link's own", "from_container",
     from_container(IPv6(src=OWN_LINK_LOCAL, dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt="fd00:244:1::1"), dst="33:33:ff:00:00:01", type=0x86DD),
     "PASSED")
show("Duplicate address detection has no source yet", "from_container",
     from_container(IPv6(src="::", dst="ff02::1:ff00:2", hlim=255) / ICMPv6ND_NS(tgt=OWN_LINK_LOCAL), dst="33:33:ff:00:00:02", type=0x86DD), "PASSED")
show("A container plays router", "from_container",
     from_container(IPv6(src=OWN_LINK_LOCAL, dst="ff02::1", hlim=255) / ICMPv6ND_RA(), dst="33:33:00:00:00:01", type=0x86DD),
     "DROPPED_ROUTER_ADVERTISEMENT")
show("A container plays router behind an extension header", "from_container",
     from_container(IPv6(src=OWN_LINK_LOCAL, dst="ff02::1", hlim=255) / IPv6ExtHdrHopByHop() / ICMPv6ND_RA(), dst="33:33:00:00:00:01", type=0x86DD),
     "DROPPED_ROUTER_ADVERTISEMENT")
show("A container redirects its host", "from_container",
     from_container(IPv6(src=OWN_LINK_LOCAL, dst="fe80::1", hlim=255) / ICMPv6ND_Redirect(tgt=OWN_LINK_LOCAL, dst="fd00:244:2::4"), type=0x86DD),
     "DROPPED_ROUTER_ADVERTISEMENT")
show("fe90 is link-local too, but not of this MAC", "from_container",
     from_container(IPv6(src="fe90::2", dst="fd00:244:2::4") / UDP(), type=0x86DD), "DROPPED_INNER_SOURCE")
show("A VLAN tag", "from_container",
     Ether(dst=HOST, src=CONTAINER) / Dot1Q(vlan=0) / udp("10.244.1.2", "10.244.2.4"), "DROPPED_VLAN")
show("A broadcast frame with another's address", "from_container",
     from_container(udp("10.18.2.2", "10.17.2.2"), dst="ff:ff:ff:ff:ff:ff"), "DROPPED_INNER_SOURCE")
show("A bare packet as from our container, for another host", "from_underlay",
     Ether(dst=HOST, src="02:bb:00:00:00:03") / udp("10.244.1.2", "10.244.2.4"), "DROPPED_OUTER_SOURCE")
show("A bare packet from another host's container to the underlay is the stack's", "from_underlay",
     Ether(dst=HOST, src="02:bb:00:00:00:03") / udp("10.244.2.4", "10.17.2.2"), "PASSED")
show("A bare packet from a host on the same link for a third host", "from_underlay",
     Ether(dst=HOST, src="02:bb:00:00:00:03") / udp("10.244.3.4", "10.244.2.4"), "DROPPED_NOT_LOCAL")
inner = udp("10.244.2.4", "10.244.1.3")
show("UDP length beyond the outer packet", "from_underlay", arriving(inner, udp_len=8 + 8 + 14 + len(inner) + 1), "DROPPED_MALFORMED")
show("UDP length too short for the inner packet", "from_underlay", arriving(inner, udp_len=8 + 8 + 14 + len(inner) - 1), "DROPPED_MALFORMED")
show("UDP length too short for VXLAN", "from_underlay", arriving(inner, udp_len=8), "DROPPED_MALFORMED")
show("An inner packet that lives on the frame's padding", "from_underlay",
     arriving(IP(src="10.244.2.4", dst="10.244.1.3", len=60) / UDP(sport=1, dport=2) / Raw(b"x")) / Padding(b"p" * 40), "DROPPED_MALFORMED")
show("Padding behind the outer packet stays behind the inner one", "from_underlay", arriving(inner) / Padding(b"pad"), "DECAPSULATED",
     Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / udp("10.244.2.4", "10.244.1.3", ttl=63) / Padding(b"pad"))

# ---- ECN, all of RFC 6040: figure 3 (normal mode) on the way out, figure 4 on the way in

ECN = ["Not-ECT", "ECT(1)", "ECT(0)", "CE"]
for field in range(4):
    show(f"ECN on the way out: {ECN[field]}", "from_container", from_container(udp("10.244.1.2", "10.244.2.4", tos=0xB8 | field)),
         "ENCAPSULATED", outer(udp("10.244.1.2", "10.244.2.4", ttl=63, tos=0xB8 | field), tos=field))
FIGURE_4 = [[0, 0, 0, None], [1, 1, 1, 3], [2, 1, 2, 3], [3, 3, 3, 3]]  # inner, then outer, in the order of ECN
for inside, row in enumerate(FIGURE_4):
    for outside, result in enumerate(row):
        name = f"ECN on the way in: {ECN[inside]} inside, {ECN[outside]} outside"
        packet = arriving(udp("10.244.2.4", "10.244.1.3", tos=0xB8 | inside), tos=0x28 | outside)
        if result is None:
            show(name, "from_underlay", packet, "DROPPED_CONGESTION_LOST")
        else:
            show(name, "from_underlay", packet, "DECAPSULATED",
                 Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / udp("10.244.2.4", "10.244.1.3", ttl=63, tos=0xB8 | result))
show("ECN on the way in, IPv6 inside", "from_underlay",
     arriving(IPv6(src="fd00:244:2::4", dst="fd00:244:1::3", tc=0x12, fl=0xabcde) / UDP(sport=1, dport=2), inner_type=0x86DD, tos=1),
     "DECAPSULATED",
     Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / IPv6(src="fd00:244:2::4", dst="fd00:244:1::3", tc=0x11, fl=0xabcde, hlim=63)
     / UDP(sport=1, dport=2))

# ---- over an IPv6 underlay


def arriving6(inner, source="fd00:18::2", inner_type=0x0800, tc=0, vni=1, chksum=0, udp_len=None):
    return (
        Ether(dst=HOST, src="02:bb:00:00:00:01", type=0x86DD)
        / IPv6(src=source, dst="fd00:17::2", hlim=63, tc=tc)
        / UDP(sport=50000, dport=4789, chksum=chksum, len=udp_len)
        / VXLAN(vni=vni, flags="Instance")
        / Ether(dst=LOCAL_VTEP, src=REMOTE_VTEP, type=inner_type)
        / inner
    )


def six(tc=0, hlim=64):
    return IPv6(src="fd00:244:6::4", dst="fd00:244:1::3", tc=tc, hlim=hlim) / UDP(sport=1, dport=2) / Raw(b"six")


show("IPv4 inside IPv6 on arrival", "from_underlay", arriving6(udp("10.244.6.4", "10.244.1.3")), "DECAPSULATED",
     Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / udp("10.244.6.4", "10.244.1.3", ttl=63))
show("IPv6 inside IPv6 on arrival", "from_underlay", arriving6(six(), inner_type=0x86DD), "DECAPSULATED",
     Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / six(hlim=63))
show("An outer checksum over IPv6 is the stack's to verify", "from_underlay", arriving6(six(), inner_type=0x86DD, chksum=None), "SLOW_PATH")
show("A wrong outer checksum over IPv6 too", "from_underlay", arriving6(six(), inner_type=0x86DD, chksum=0x1234), "SLOW_PATH")
show("An outer source of IPv6 that does not own the subnet", "from_underlay",
     arriving6(six(), inner_type=0x86DD, source="fd00:19::2"), "DROPPED_OUTER_SOURCE")
show("An unknown network over IPv6", "from_underlay", arriving6(six(), inner_type=0x86DD, vni=77), "DROPPED_UNKNOWN_VNI")
show("IPv6 inside IPv6 on arrival, congestion met", "from_underlay", arriving6(six(tc=2), inner_type=0x86DD, tc=3), "DECAPSULATED",
     Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / six(tc=3, hlim=63))
show("Outer source over IPv6 is nobody's", "from_underlay",
     arriving6(udp("10.244.6.4", "10.244.1.3"), source="fd00:18::3"), "DROPPED_OUTER_SOURCE")
show("UDP length too short for the inner packet, over IPv6", "from_underlay",
     arriving6(udp("10.244.6.4", "10.244.1.3"), udp_len=40), "DROPPED_MALFORMED")

# ---- one address in two networks: the VNI decides

show("10.244.2.4 is another host's in VNI 1", "from_underlay",
     arriving(udp("10.244.3.4", "10.244.2.4"), source="10.17.2.3", vni=1), "DROPPED_NOT_LOCAL")
show("10.244.2.4 is a container of ours in VNI 3", "from_underlay",
     arriving(udp("10.244.1.3", "10.244.2.4"), source="10.17.2.2", vni=3), "DECAPSULATED",
     Ether(dst="02:00:00:00:02:04", src="02:ff:00:00:02:04") / udp("10.244.1.3", "10.244.2.4", ttl=63))
show("What VNI 3 allows, VNI 1 does not: the same packet, that network's VTEP, our own source", "from_underlay",
     arriving(udp("10.244.1.2", "10.244.1.3"), source="10.17.2.2", vni=1), "DROPPED_OUTER_SOURCE")
show("10.244.1.3 is nobody's container in VNI 3", "from_underlay",
     arriving(udp("10.244.1.2", "10.244.1.3"), source="10.17.2.2", vni=3), "DROPPED_NOT_LOCAL")

# ---- tags (IEEE 802.1Q): VLAN 0 is no VLAN, any other is somebody else's network


def tagged(frame, *tags):
    packet = Ether(dst=frame.dst, src=frame.src)
    for tag in tags:
        packet = packet / tag
    return packet / frame.payload


PRIORITY, SERVICE_PRIORITY = Dot1Q(vlan=0, prio=5), Dot1AD(vlan=0)
for name, tags in [
    ("a priority tag", [PRIORITY]), ("a service priority tag", [SERVICE_PRIORITY]), ("two priority tags", [PRIORITY, Dot1Q(vlan=0)]),
    ("a service priority tag before a priority tag", [SERVICE_PRIORITY, PRIORITY]), ("four priority tags", [Dot1Q(vlan=0)] * 4),
]:
    show(f"A forged bare packet behind {name}", "from_underlay",
         tagged(Ether(dst=HOST, src="02:bb:00:00:00:01") / udp("10.244.2.4", "10.244.1.3"), *tags), "DROPPED_OUTER_SOURCE")
    show(f"A tunnel packet behind {name} is as good as without", "from_underlay",
         tagged(arriving(udp("10.244.2.4", "10.244.1.3")), *tags), "DECAPSULATED",
         Ether(dst=NEIGHBOUR, src=NEIGHBOUR_VETH) / udp("10.244.2.4", "10.244.1.3", ttl=63))
show("A forged bare packet without a tag", "from_underlay", Ether(dst=HOST, src="02:bb:00:00:00:01") / udp("10.244.2.4", "10.244.1.3"),
     "DROPPED_OUTER_SOURCE")
show("Nobody has a reason for five priority tags", "from_underlay",
     tagged(arriving(udp("10.244.2.4", "10.244.1.3")), *[Dot1Q(vlan=0)] * 5), "DROPPED_VLAN")
show("A tunnel packet in a VLAN is that VLAN's", "from_underlay",
     tagged(arriving(udp("10.244.2.4", "10.244.1.3")), Dot1Q(vlan=5)), "PASSED",
     tagged(arriving(udp("10.244.2.4", "10.244.1.3")), Dot1Q(vlan=5)))
show("In a VLAN behind a priority tag", "from_underlay",
     tagged(Ether(dst=HOST, src="02:bb:00:00:00:01") / udp("10.244.2.4", "10.244.1.3"), PRIORITY, Dot1Q(vlan=5)), "PASSED")

# ---- what a host keeps of its containers: only what they say of themselves


def arp(src=CONTAINER, **kw):
    return Ether(dst="ff:ff:ff:ff:ff:ff", src=src) / ARP(**{"psrc": "10.244.1.2", "pdst": "10.244.1.1", "hwsrc": CONTAINER, **kw})


show("An ARP reply about itself", "from_container", arp(op=2), "PASSED", arp(op=2))
show("An ARP probe (RFC 5227) has no sender yet", "from_container", arp(psrc="0.0.0.0"), "PASSED")
show("ARP of an invented sender", "from_container", arp(psrc="11.0.0.1"), "DROPPED_INNER_SOURCE")
show("ARP as the gateway", "from_container", arp(psrc="10.244.1.1", op=2), "DROPPED_INNER_SOURCE")
show("ARP with another's MAC inside", "from_container", arp(hwsrc=NEIGHBOUR), "DROPPED_INNER_MAC")
show("ARP from another's MAC", "from_container", arp(src=NEIGHBOUR), "DROPPED_INNER_MAC")
show("ARP of another kind of network", "from_container", arp(hwtype=6), "DROPPED_MALFORMED")
show("A neighbour solicitation of an invented sender", "from_container",
     from_container(IPv6(src="fe80::1234", dst="fd00:244:1::1", hlim=255) / ICMPv6ND_NS(tgt="fd00:244:1::1"), type=0x86DD),
     "DROPPED_INNER_SOURCE")
show("Another's link-local address", "from_container",
     from_container(IPv6(src="fe80::ff:fe00:103", dst="fe80::1") / UDP(sport=1, dport=2), type=0x86DD), "DROPPED_INNER_SOURCE")

# ---- a container is no router: what it says of tunnels is not for the hosts

QUOTED = IP(src="10.18.2.2", dst="10.17.2.2", ttl=63, id=0, flags="DF", len=1500) / UDP(sport=50000, dport=4789, chksum=0, len=1480)
QUOTED6 = IPv6(src="fd00:18::2", dst="fd00:17::2", hlim=63, plen=1460) / UDP(sport=50000, dport=4789, chksum=0, len=1460)
show("A container says that a tunnel packet was too big", "from_container",
     from_container(IP(src="10.244.1.2", dst="10.18.2.2") / ICMP(type=3, code=4, nexthopmtu=600) / Raw(raw(QUOTED))),
     "DROPPED_TUNNEL_FROM_CONTAINER")
show("The same over IPv6", "from_container",
     from_container(IPv6(src="fd00:244:1::2", dst="fd00:18::2") / ICMPv6PacketTooBig(mtu=1280) / Raw(raw(QUOTED6)), type=0x86DD),
     "DROPPED_TUNNEL_FROM_CONTAINER")
show("A container says that anything else was too big", "from_container",
     from_container(IP(src="10.244.1.2", dst="192.0.2.7") / ICMP(type=3, code=4, nexthopmtu=600)
                    / IP(src="192.0.2.7", dst="10.244.1.2", len=1500) / UDP(sport=53, dport=5353, chksum=0, len=1480)), "PASSED")
