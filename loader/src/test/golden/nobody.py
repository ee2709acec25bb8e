#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes nobody-packets.txt: packets to whom nobody has, and what their senders are told, made by scapy and not by Culvert.

Run: /usr/bin/python3 nobody.py > ../resources/nobody-packets.txt

The tables stand in PacketWorld. What says no "out" is not answered.
"""
from scapy.all import Ether, IP, IPOption_Router_Alert, IPv6, UDP, TCP, ICMP, ICMPv6EchoRequest, Raw, raw
from scapy.all import ICMPv6DestUnreach, ICMPv6ND_Redirect, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment

HOST = "00:00:00:00:00:00"  # the loopback device, on which BPF_PROG_TEST_RUN runs
CONTAINER = "02:00:00:00:01:02"
DEVICE = "02:aa:00:00:00:01"  # culvert0's MAC, from which the stack sends to itself


def show(name, program, packet, verdict, out=None):
    print(f"name: {name}\nprogram: {program}\nin: {raw(packet).hex()}\nverdict: {verdict}")
    if out is not None:
        print(f"out: {raw(out).hex()}")
    print()


def sent(ip, source=DEVICE):
    return Ether(dst=HOST, src=source, type=0x86DD if IPv6 in ip else 0x0800) / ip


def unreachable(ip, teller, back=DEVICE):
    """RFC 792 type 3 code 1, RFC 4443 type 1 code 3; quotes what fits into 576 and 1280 bytes."""
    if IPv6 in ip:
        told = IPv6(src=teller, dst=ip.src, hlim=64) / ICMPv6DestUnreach(code=3) / Raw(raw(ip)[:1232])
    else:
        told = IP(src=teller, dst=ip.src, id=0, flags="DF", tos=0xC0, ttl=64) / ICMP(type=3, code=1) / Raw(raw(ip)[:548])
    return Ether(dst=back, src=HOST, type=0x86DD if IPv6 in ip else 0x0800) / told


def told(name, ip, verdict):
    show(name, "from_host", sent(ip), verdict, unreachable(ip, ip.dst))


def silent(name, ip, verdict):
    show(name, "from_host", sent(ip), verdict)


# ---- no such container, no such subnet: in the name of whom was called, to the host's stack

SYN = TCP(sport=40000, dport=80, flags="S", seq=7, options=[("MSS", 1410), ("Timestamp", (1, 0))])
told("The host calls a container of its own that is not there", IP(src="10.244.1.1", dst="10.244.1.99", id=1, flags="DF") / SYN, "DROPPED_NO_ENDPOINT")
told("The stack sends what a container calls", IP(src="10.244.1.2", dst="10.244.1.99", id=1, flags="DF", ttl=63) / SYN, "DROPPED_NO_ENDPOINT")
told("Another host's container calls", IP(src="10.244.2.4", dst="10.244.1.99", id=1, ttl=62) / ICMP() / Raw(b"p" * 56), "DROPPED_NO_ENDPOINT")
told("No such subnet", IP(src="10.244.1.2", dst="10.244.77.1", id=1) / UDP(sport=1, dport=2) / Raw(b"x"), "DROPPED_NO_SUBNET")
told("The first fragment tells of all", IP(src="10.244.1.2", dst="10.244.77.1", id=1, flags="MF") / UDP(sport=1, dport=2) / Raw(b"x" * 24), "DROPPED_NO_SUBNET")
told("Options are quoted too", IP(src="10.244.1.2", dst="10.244.77.1", options=[IPOption_Router_Alert()]) / UDP(sport=1, dport=2), "DROPPED_NO_SUBNET")
told("As much as 576 bytes hold", IP(src="10.244.1.2", dst="10.244.77.1") / UDP(sport=1, dport=2) / Raw(b"y" * 1000), "DROPPED_NO_SUBNET")
told("A header alone", IP(src="10.244.1.2", dst="10.244.77.1", proto=99), "DROPPED_NO_SUBNET")
told("IPv6: no such container", IPv6(src="fd00:244:1::2", dst="fd00:244:1::99") / SYN, "DROPPED_NO_ENDPOINT")
told("IPv6: no such subnet", IPv6(src="fd00:244:1::2", dst="fd00:244:77::1") / ICMPv6EchoRequest(data=b"p" * 57), "DROPPED_NO_SUBNET")
told("IPv6: as much as 1280 bytes hold", IPv6(src="fd00:244:1::2", dst="fd00:244:77::1") / UDP(sport=1, dport=2) / Raw(b"z" * 1300), "DROPPED_NO_SUBNET")
told("IPv6: the first fragment", IPv6(src="fd00:244:1::2", dst="fd00:244:77::1") / IPv6ExtHdrFragment(m=1, nh=17) / UDP(sport=1, dport=2) / Raw(b"x" * 8), "DROPPED_NO_SUBNET")

# ---- no way to the VTEP: by the gateway, to the container

NO_WAY = IP(src="10.244.1.2", dst="10.244.4.4", id=1) / UDP(sport=1111, dport=2222) / Raw(b"culvert")
show("No way to the VTEP", "from_container", sent(NO_WAY, CONTAINER), "DROPPED_UNREACHABLE", unreachable(NO_WAY, "10.244.1.1", CONTAINER))
told("No way to the VTEP, for what the host sends", IP(src="10.244.1.1", dst="10.244.4.4") / UDP(), "DROPPED_UNREACHABLE")

# ---- who is not told

silent("An ICMP error", IP(src="10.244.1.2", dst="10.244.77.1") / ICMP(type=3, code=3) / Raw(b"e" * 28), "DROPPED_NO_SUBNET")
silent("A source quench", IP(src="10.244.1.2", dst="10.244.77.1") / ICMP(type=4) / Raw(b"e" * 28), "DROPPED_NO_SUBNET")
silent("A redirect", IP(src="10.244.1.2", dst="10.244.77.1") / ICMP(type=5) / Raw(b"e" * 28), "DROPPED_NO_SUBNET")
silent("A later fragment", IP(src="10.244.1.2", dst="10.244.77.1", frag=3, proto=17) / Raw(b"f" * 24), "DROPPED_NO_SUBNET")
silent("From no address", IP(src="0.0.0.0", dst="10.244.77.1") / UDP(), "DROPPED_NO_SUBNET")
silent("From the loopback", IP(src="127.0.0.1", dst="10.244.77.1") / UDP(), "DROPPED_NO_SUBNET")
silent("From many", IP(src="224.0.0.5", dst="10.244.77.1") / UDP(), "DROPPED_NO_SUBNET")
silent("To many", IP(src="10.244.1.2", dst="239.1.2.3") / UDP(), "DROPPED_NO_SUBNET")
silent("To all", IP(src="10.244.1.2", dst="255.255.255.255") / UDP(), "DROPPED_NO_SUBNET")
silent("IPv6: an error", IPv6(src="fd00:244:1::2", dst="fd00:244:77::1") / ICMPv6DestUnreach() / Raw(b"e" * 48), "DROPPED_NO_SUBNET")
silent("IPv6: an error behind an extension header", IPv6(src="fd00:244:1::2", dst="fd00:244:77::1") / IPv6ExtHdrDestOpt() / ICMPv6DestUnreach(), "DROPPED_NO_SUBNET")
silent("IPv6: a redirect", IPv6(src="fd00:244:1::2", dst="fd00:244:77::1") / ICMPv6ND_Redirect(), "DROPPED_NO_SUBNET")
silent("IPv6: a later fragment", IPv6(src="fd00:244:1::2", dst="fd00:244:77::1") / IPv6ExtHdrFragment(offset=3, nh=17) / Raw(b"f" * 16), "DROPPED_NO_SUBNET")
silent("IPv6: from no address", IPv6(src="::", dst="fd00:244:77::1") / UDP(), "DROPPED_NO_SUBNET")
silent("IPv6: from many", IPv6(src="ff02::1", dst="fd00:244:77::1") / UDP(), "DROPPED_NO_SUBNET")
