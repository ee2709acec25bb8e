#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes flow-packets.txt: a packet that the host's stack carries, and one that answers it or does not, made by scapy.

Run: /usr/bin/python3 flows.py > ../resources/flow-packets.txt

"carried" goes through the program "carrier": to_container as the stack delivers to 10.244.1.2, or from_host as it sends into
the tunnel what came in through a container's interface. Then "in" goes through "program". "fast" is its verdict while nothing
is remembered, "verdict" the one that it must have now. The tables stand in PacketWorld.
"""
from scapy.all import Ether, IP, IPv6, UDP, TCP, ICMP, SCTP, GRE, Raw, raw, fragment, fragment6
from scapy.all import ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig
from scapy.all import IPOption_NOP, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN
from scapy.layers.vxlan import VXLAN

HOST = "00:00:00:00:00:00"
CONTAINER = "02:00:00:00:01:02"
LOCAL_VTEP = "02:aa:00:00:00:01"
REMOTE_VTEP = "02:aa:00:00:00:02"

BESIDE, OTHER_HOST, OUTSIDE, GATEWAY = "10.244.1.3", "10.244.2.4", "192.0.2.1", "10.244.1.1"
BESIDE6, OTHER_HOST6, OUTSIDE6, GATEWAY6 = "fd00:244:1::3", "fd00:244:2::4", "2001:db8::1", "fd00:244:1::1"
OWN, OWN6 = "10.244.1.2", "fd00:244:1::2"


def ip(src, dst, **kw):
    return IPv6(src=src, dst=dst, hlim=64) if ":" in src else IP(src=src, dst=dst, ttl=64, id=1, **kw)


def ether(packet, src, dst):
    return Ether(src=src, dst=dst, type=0x86DD if packet.version == 6 else 0x0800) / packet


def show(name, carried, answer, verdict, fast, carrier="to_container", program="from_container"):
    print(f"name: {name}\ncarrier: {carrier}\ncarried: {raw(carried).hex()}")
    print(f"program: {program}\nin: {raw(answer).hex()}\nfast: {fast}\nverdict: {verdict}\n")


def to_own(packet):
    return ether(packet, HOST, CONTAINER)


def by_own(packet):
    return ether(packet, CONTAINER, HOST)


def arriving(inner, source="10.18.2.2"):
    return (
        Ether(dst=HOST, src="02:bb:00:00:00:01", type=0x0800)
        / IP(src=source, dst="10.17.2.2", ttl=63, id=7, flags="DF")
        / UDP(sport=50000, dport=4789, chksum=0)
        / VXLAN(vni=1, flags="Instance")
        / Ether(dst=LOCAL_VTEP, src=REMOTE_VTEP, type=0x86DD if inner.version == 6 else 0x0800)
        / inner
    )


def tcp(sport, dport, flags="S"):
    return TCP(sport=sport, dport=dport, flags=flags, seq=1)


def udp(sport, dport, payload=b"culvert"):
    return UDP(sport=sport, dport=dport) / Raw(payload)


for family, own, beside, other, outside, gateway in (
    ("IPv4", OWN, BESIDE, OTHER_HOST, OUTSIDE, GATEWAY),
    ("IPv6", OWN6, BESIDE6, OTHER_HOST6, OUTSIDE6, GATEWAY6),
):
    beside_request, other_request = to_own(ip(beside, own) / tcp(40000, 8080)), to_own(ip(other, own) / udp(40000, 53))
    show(
        f"{family}: TCP of a container beside", beside_request, by_own(ip(own, beside) / tcp(8080, 40000, "SA")),
        "PASSED", "DELIVERED_LOCALLY",
    )
    show(
        f"{family}: the same from another port is no answer", beside_request, by_own(ip(own, beside) / tcp(8081, 40000, "SA")),
        "DELIVERED_LOCALLY", "DELIVERED_LOCALLY",
    )
    show(
        f"{family}: the same to another port is none either", beside_request, by_own(ip(own, beside) / tcp(8080, 40001, "SA")),
        "DELIVERED_LOCALLY", "DELIVERED_LOCALLY",
    )
    show(
        f"{family}: nor is another protocol with the same ports", beside_request, by_own(ip(own, beside) / udp(8080, 40000)),
        "DELIVERED_LOCALLY", "DELIVERED_LOCALLY",
    )
    show(
        f"{family}: nor is one to another host", beside_request, by_own(ip(own, other) / tcp(8080, 40000, "SA")),
        "ENCAPSULATED", "ENCAPSULATED",
    )
    show(
        f"{family}: UDP of a container on another host", other_request, by_own(ip(own, other) / udp(53, 40000)),
        "PASSED", "ENCAPSULATED",
    )
    show(
        f"{family}: what the container sends in the same direction is no answer", other_request,
        by_own(ip(own, other) / udp(40000, 53)), "ENCAPSULATED", "ENCAPSULATED",
    )
    show(
        f"{family}: of somebody outside nothing need be remembered", to_own(ip(outside, own) / udp(40000, 53)),
        by_own(ip(own, outside) / udp(53, 40000)), "PASSED", "PASSED",
    )
    show(
        f"{family}: nor of the host itself", to_own(ip(gateway, own) / udp(40000, 53)),
        by_own(ip(own, gateway) / udp(53, 40000)), "PASSED", "PASSED",
    )
    show(
        f"{family}: SCTP", to_own(ip(other, own) / SCTP(sport=5, dport=6) / Raw(b"chunks")),
        by_own(ip(own, other) / SCTP(sport=6, dport=5) / Raw(b"chunks")), "PASSED", "ENCAPSULATED",
    )
    show(
        f"{family}: GRE has no ports, so the addresses tell", to_own(ip(other, own) / GRE() / Raw(b"x" * 20)),
        by_own(ip(own, other) / GRE() / Raw(b"y" * 20)), "PASSED", "ENCAPSULATED",
    )
    # The stack puts fragments together before it translates, and cuts them anew.
    big = ip(other, own) / udp(40000, 53, b"x" * 2000)
    first = (fragment6(IPv6(src=other, dst=own, hlim=64) / IPv6ExtHdrFragment(id=3) / udp(40000, 53, b"x" * 2000), 1280)
             if family == "IPv6" else fragment(big, fragsize=1200))[0]
    answers = (fragment6(IPv6(src=own, dst=other, hlim=64) / IPv6ExtHdrFragment(id=4) / udp(53, 40000, b"y" * 2000), 1280)
               if family == "IPv6" else fragment(ip(own, other) / udp(53, 40000, b"y" * 2000), fragsize=1200))
    show(f"{family}: the first fragment of an answer", other_request, by_own(answers[0]), "PASSED", "ENCAPSULATED")
    show(f"{family}: its last fragment", other_request, by_own(answers[-1]), "PASSED", "ENCAPSULATED")
    show(
        f"{family}: a whole answer to what came in fragments", to_own(first), by_own(ip(own, other) / udp(53, 40000)),
        "PASSED", "ENCAPSULATED",
    )
    show(f"{family}: a fragment for somebody else", beside_request, by_own(answers[-1]), "ENCAPSULATED", "ENCAPSULATED")
    # The stack sends into the tunnel, and the answer comes out of it.
    sent = by_own(ip(beside, other) / tcp(40000, 80))
    show(
        f"{family}: TCP to a container on another host", sent, arriving(ip(other, beside) / tcp(80, 40000, "SA")),
        "SLOW_PATH", "DECAPSULATED", "from_host", "from_underlay",
    )
    show(
        f"{family}: and what comes from another port of it", sent, arriving(ip(other, beside) / tcp(81, 40000, "SA")),
        "DECAPSULATED", "DECAPSULATED", "from_host", "from_underlay",
    )
    show(
        f"{family}: nobody but its VTEP can answer", sent, arriving(ip(other, beside) / tcp(80, 40000, "SA"), "10.19.2.2"),
        "DROPPED_OUTER_SOURCE", "DROPPED_OUTER_SOURCE", "from_host", "from_underlay",
    )

    show(
        f"{family}: the host's own is not remembered", by_own(ip(gateway, other) / tcp(40000, 80)),
        arriving(ip(other, beside) / tcp(80, 40000, "SA")), "DECAPSULATED", "DECAPSULATED", "from_host", "from_underlay",
    )

show(
    "An answer on the same link, as it is", by_own(ip(BESIDE, "10.244.3.4") / tcp(40000, 80)),
    Ether(dst=HOST, src="02:bb:00:00:00:01") / ip("10.244.3.4", BESIDE) / tcp(80, 40000, "SA"),
    "SLOW_PATH", "RECEIVED_DIRECTLY", "from_host", "from_underlay",
)
show(
    "Echo: the reply has the request's identifier", to_own(ip(OTHER_HOST, OWN) / ICMP(type=8, id=7, seq=1)),
    by_own(ip(OWN, OTHER_HOST) / ICMP(type=0, id=7, seq=1)), "PASSED", "ENCAPSULATED",
)
show(
    "Echo: another identifier", to_own(ip(OTHER_HOST, OWN) / ICMP(type=8, id=7, seq=1)),
    by_own(ip(OWN, OTHER_HOST) / ICMP(type=0, id=8, seq=1)), "ENCAPSULATED", "ENCAPSULATED",
)
show(
    "IPv6 echo: the reply has the request's identifier", to_own(ip(OTHER_HOST6, OWN6) / ICMPv6EchoRequest(id=7, seq=1)),
    by_own(ip(OWN6, OTHER_HOST6) / ICMPv6EchoReply(id=7, seq=1)), "PASSED", "ENCAPSULATED",
)
# Errors quote what they are about, as it was delivered.
asked, asked6 = ip(OTHER_HOST, OWN) / udp(40000, 53), ip(OTHER_HOST6, OWN6) / udp(40000, 53)
show(
    "Port unreachable, about what was delivered", to_own(asked), by_own(ip(OWN, OTHER_HOST) / ICMP(type=3, code=3) / asked),
    "PASSED", "ENCAPSULATED",
)
show(
    "Port unreachable, quoting no more than RFC 792 asks for", to_own(asked),
    by_own(ip(OWN, OTHER_HOST) / ICMP(type=3, code=3) / Raw(raw(asked)[:28])), "PASSED", "ENCAPSULATED",
)
show(
    "Port unreachable, about something else", to_own(asked),
    by_own(ip(OWN, OTHER_HOST) / ICMP(type=3, code=3) / (ip(OTHER_HOST, OWN) / udp(40000, 54))), "ENCAPSULATED", "ENCAPSULATED",
)
show(
    "IPv6 port unreachable, about what was delivered", to_own(asked6),
    by_own(ip(OWN6, OTHER_HOST6) / ICMPv6DestUnreach(code=4) / asked6), "PASSED", "ENCAPSULATED",
)
show(
    "IPv6 packet too big, about what was delivered", to_own(asked6),
    by_own(ip(OWN6, OTHER_HOST6) / ICMPv6PacketTooBig(mtu=1300) / asked6), "PASSED", "ENCAPSULATED",
)
show(
    "IPv6 with destination options before UDP", to_own(asked6),
    by_own(IPv6(src=OWN6, dst=OTHER_HOST6, hlim=64) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / udp(53, 40000)),
    "PASSED", "ENCAPSULATED",
)
show(
    "IP options before UDP", to_own(asked), by_own(ip(OWN, OTHER_HOST, options=[IPOption_NOP()] * 4) / udp(53, 40000)),
    "PASSED", "ENCAPSULATED",
)
