#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes path-packets.txt: what routers say of tunnel packets that were too big for them, made by scapy and not by Culvert.

Run: /usr/bin/python3 paths.py > ../resources/path-packets.txt

Each must pass from_underlay; "path" is the inner MTU that is to be known of the VTEP afterwards, 0 when the message must not
be believed. The tables stand in PacketWorld, the host's own address in "self".
"""
from scapy.all import Ether, IP, IPv6, UDP, ICMP, ICMPv6PacketTooBig, ICMPv6TimeExceeded, Raw, raw
from scapy.layers.vxlan import VXLAN

HOST = "00:00:00:00:00:00"
ROUTER = "02:bb:00:00:00:01"


def show(name, packet, path, own="10.17.2.2", vtep="10.18.2.2"):
    print(f"name: {name}\nprogram: from_underlay\nin: {raw(packet).hex()}\nverdict: PASSED\nself: {own}\nvtep: {vtep}\npath: {path}\n")


def sent(src="10.17.2.2", dst="10.18.2.2", sport=50000, dport=4789, size=1500, **ip):
    """A tunnel packet of ours as a router saw it: one hop on, checksum mended."""
    inner = UDP(sport=sport, dport=dport, chksum=0) / VXLAN(vni=1, flags="Instance") / Raw(b"i" * (size - 36))
    return IP(src=src, dst=dst, ttl=63, id=0, flags="DF", **ip) / inner


def needed(quoted, mtu, to="10.17.2.2", quoted_bytes=28, router="10.17.2.1", **icmp):
    return (
        Ether(dst=HOST, src=ROUTER)
        / IP(src=router, dst=to, ttl=64)
        / ICMP(**{"type": 3, "code": 4, "nexthopmtu": mtu, **icmp})
        / Raw(raw(quoted)[:quoted_bytes])
    )


def sent6(src="fd00:17::2", dst="fd00:18::2", sport=50000, dport=4789, size=1500):
    return IPv6(src=src, dst=dst, hlim=63) / UDP(sport=sport, dport=dport, chksum=0) / VXLAN(vni=1, flags="Instance") / Raw(b"i" * (size - 56))


def too_big6(quoted, mtu, to="fd00:17::2", error=None, router="fd00:17::1"):
    return (
        Ether(dst=HOST, src=ROUTER, type=0x86DD)
        / IPv6(src=router, dst=to, hlim=64)
        / (error or ICMPv6PacketTooBig(mtu=mtu))
        / Raw(raw(quoted)[:1232])
    )


def show6(name, packet, path):
    show(name, packet, path, own="fd00:17::2", vtep="fd00:18::2")


show("A router carries 1400 bytes and quotes the 28 bytes that RFC 792 asks for", needed(sent(), 1400), 1350)
show("A router that quotes as much as RFC 1812 asks for", needed(sent(), 1400, quoted_bytes=548), 1350)
show("A router from before RFC 1191 says no size", needed(sent(), 0), 526)
show("Less than any IPv4 way carries is not believed", needed(sent(), 68), 526)
show("Larger than the quoted packet: no router says that", needed(sent(size=1300), 1400), 0)
show("As large as the quoted packet: neither", needed(sent(size=1400), 1400), 0)
show("Another packet of this host, not a tunnel's", needed(sent(dport=53), 1400), 0)
show("A source port that we never use", needed(sent(sport=40000), 1400), 0)
show("A VTEP that we do not know", needed(sent(dst="10.99.2.2"), 1400), 0)
show("To this very host", needed(sent(dst="10.17.2.2"), 1400), 0)
show("Not our packet", needed(sent(src="10.17.2.9"), 1400), 0)
show("Our packet, but the message only passes through this host", needed(sent(), 1400, to="10.17.2.9"), 0)
show("Another's packet and another's message", needed(sent(src="10.17.2.9"), 1400, to="10.17.2.9"), 0)
show("A fragment, which ours never are", needed(IP(src="10.17.2.2", dst="10.18.2.2", frag=100, proto=17) / Raw(raw(sent())[20:]), 1400), 0)
show("TCP to the tunnel's port", needed(sent(proto=6), 1400), 0)
show("Host unreachable", needed(sent(), 1400, code=1), 0)
show("Time exceeded", needed(sent(), 1400, type=11, code=0), 0)
show("A quote that ends within the UDP header", needed(sent(), 1400, quoted_bytes=26), 0)
show("The VTEP itself is no router on the way to it: its container, masqueraded", needed(sent(), 1400, router="10.18.2.2"), 0)
show("Another VTEP may route for this one", needed(sent(), 1400, router="10.17.2.3"), 1350)
show("A container of a host on the same link", needed(sent(), 1400, router="10.244.3.4"), 0)
show6("IPv6: the VTEP itself", too_big6(sent6(), 1400, router="fd00:18::2"), 0)
show6("IPv6: packet too big", too_big6(sent6(), 1400), 1330)
show6("IPv6: less than 1280 is not believed", too_big6(sent6(), 1000), 1210)
show6("IPv6: larger than the quoted packet", too_big6(sent6(size=1300), 1400), 0)
show6("IPv6: a VTEP that we do not know", too_big6(sent6(dst="fd00:99::2"), 1400), 0)
show6("IPv6: not our packet", too_big6(sent6(src="fd00:17::9"), 1400), 0)
show6("IPv6: another port", too_big6(sent6(dport=53), 1400), 0)
show6("IPv6: time exceeded", too_big6(sent6(), 0, error=ICMPv6TimeExceeded()), 0)
