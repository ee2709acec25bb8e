#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Puts frames on a wire, for TunnelPacketsNetnsTest.

frames.py INTERFACE chatter|leaks|tunneled    prints "MAC NAME" for each; the MAC is the frame's source address
"""
import logging
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import (  # noqa: E402
    ARP, Ether, ICMP, ICMPv6EchoRequest, ICMPv6MLDone, ICMPv6MLQuery, ICMPv6MLQuery2, ICMPv6MLReport, ICMPv6MLReport2,
    ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6ND_Redirect, IP, IPv6, IPv6ExtHdrHopByHop, Raw,
    RouterAlert, TCP, UDP, VXLAN, sendp)
from scapy.contrib.igmp import IGMP  # noqa: E402
from scapy.contrib.igmpv3 import IGMPv3, IGMPv3mr  # noqa: E402
from scapy.contrib.lldp import (  # noqa: E402
    LLDPDU, LLDPDUChassisID, LLDPDUEndOfLLDPDU, LLDPDUPortID, LLDPDUTimeToLive)

LINK_LOCAL, ALL_NODES = "fe80::ff:fe00:1", "ff02::1"
HOSTS = {"src": "10.17.2.2", "dst": "10.18.2.2"}
CONTAINERS = {"src": "10.244.1.4", "dst": "10.244.2.4"}
CONTAINERS6 = {"src": "fd00:10:244:1::4", "dst": "fd00:10:244:2::4"}


def discovery(message, hop_limit=255):
    return Ether(type=0x86DD) / IPv6(src=LINK_LOCAL, dst=ALL_NODES, hlim=hop_limit) / message


def listener(message, hop_limit=1):
    return (Ether(type=0x86DD) / IPv6(src=LINK_LOCAL, dst="ff02::16", hlim=hop_limit)
            / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / message)


def igmp(message, ttl=1):
    return Ether(type=0x800) / IP(src=HOSTS["src"], dst="224.0.0.22", ttl=ttl, proto=2) / message


CHATTER = {
    "ARP request": Ether() / ARP(op=1, psrc=HOSTS["src"], pdst="10.17.2.1"),
    "ARP reply": Ether() / ARP(op=2, psrc=HOSTS["src"], pdst="10.17.2.1"),
    "LLDP": Ether(type=0x88CC) / LLDPDUChassisID(subtype=4, id=b"\2\0\0\0\0\1") / LLDPDUPortID(subtype=5, id=b"eth0")
    / LLDPDUTimeToLive(ttl=120) / LLDPDUEndOfLLDPDU(),
    "IGMPv2 report": igmp(IGMP(type=0x16, gaddr="224.0.0.251")),
    "IGMPv3 report": igmp(IGMPv3(type=0x22) / IGMPv3mr()),
    "router solicitation": discovery(ICMPv6ND_RS()),
    "router advertisement": discovery(ICMPv6ND_RA()),
    "neighbour solicitation": discovery(ICMPv6ND_NS(tgt="fd00:10:17:2::1")),
    "neighbour advertisement": discovery(ICMPv6ND_NA(tgt="fd00:10:17:2::1")),
    "redirect": discovery(ICMPv6ND_Redirect(tgt=LINK_LOCAL, dst="fd00::1")),
    "MLD query": listener(ICMPv6MLQuery()),
    "MLD report": listener(ICMPv6MLReport(mladdr="ff02::fb")),
    "MLD done": listener(ICMPv6MLDone(mladdr="ff02::fb")),
    "MLDv2 query": listener(ICMPv6MLQuery2()),
    "MLDv2 report": listener(ICMPv6MLReport2()),
}
LEAKS = {
    "bare ICMP": Ether() / IP(**CONTAINERS) / ICMP(),
    "bare TCP": Ether() / IP(**CONTAINERS) / TCP(dport=80),
    "bare ICMPv6 echo": Ether() / IPv6(**CONTAINERS6) / ICMPv6EchoRequest(),
    "bare ICMPv6 echo with a router alert": Ether() / IPv6(**CONTAINERS6)
    / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6EchoRequest(),
    "bare UDP over IPv6": Ether() / IPv6(**CONTAINERS6) / UDP(dport=5000),
    "neighbour discovery that was forwarded": discovery(ICMPv6ND_NS(tgt="fd00:10:17:2::1"), hop_limit=254),
    "multicast report that was forwarded": listener(ICMPv6MLReport2(), hop_limit=64),
    "IGMP that was forwarded": igmp(IGMP(type=0x16, gaddr="239.1.1.1"), ttl=64),
    "NAT": Ether() / IP(**HOSTS) / TCP(dport=80),
    "VXLAN of others": Ether() / IP(**HOSTS) / UDP(dport=4789) / VXLAN(vni=1) / Ether() / IP(dst="10.244.9.9") / ICMP(),
    "an unknown protocol": Ether(type=0x9000) / Raw(bytes(46)),
}
TUNNEL = Ether() / IP(**HOSTS) / UDP(sport=50000, dport=4789, chksum=0) / VXLAN(vni=1)
TUNNELED = {
    "ICMP": TUNNEL / Ether() / IP(**CONTAINERS) / ICMP(),
    "TCP": TUNNEL / Ether() / IP(**CONTAINERS) / TCP(dport=80),
}

# Each kind's frames, and the last byte of the first one's source address.
KINDS = {"chatter": (CHATTER, 0x10), "leaks": (LEAKS, 0x80), "tunneled": (TUNNELED, 0xF0)}
frames, first = KINDS[sys.argv[2]]
for number, (name, frame) in enumerate(frames.items()):
    frame[Ether].src = "02:00:00:00:00:%02x" % (first + number)
    frame[Ether].dst = "02:00:00:00:00:02"
    sendp(frame, iface=sys.argv[1], verbose=False)
    print(frame[Ether].src, name)
