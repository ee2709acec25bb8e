#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends what nobody may send, for SpoofingNetnsTest. Every innermost payload is the attack's name, so a victim can tell.

attacks.py listen                                    prints the payload of every UDP datagram to port 6666; sends one from there
                                                     to port 1 of each address that it reads from standard input
attacks.py send INTERFACE OWN_MAC NEXT_MAC OTHER_MAC reads names from standard input, sends, and prints "sent NAME"

Addresses are those of TwoHosts: containers 10.244.1.2 (the attacker), 10.244.1.3 (its neighbour) and 10.244.2.2, VTEPs
10.17.2.2 and 10.18.2.2.
"""
import logging
import socket
import sys
import threading

PORT = 6666
VTEP_1, VTEP_2 = "10.17.2.2", "10.18.2.2"
VTEP_1_MAC = "02:aa:00:00:00:01"
OWN, NEIGHBOUR, REMOTE = "10.244.1.2", "10.244.1.3", "10.244.2.2"


def listen():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("0.0.0.0", PORT))
    threading.Thread(target=request, args=(sock,), daemon=True).start()
    print("ready", flush=True)
    while True:
        print(sock.recv(2000).decode(errors="replace"), flush=True)


def request(sock):
    for line in sys.stdin:
        sock.sendto(b"request", (line.strip(), 1))


def builder(own, following, other):
    logging.getLogger("scapy").setLevel(logging.ERROR)  # it misses an address on the loopback device
    from scapy.all import ARP, Dot1AD, Dot1Q, Ether, ICMP, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6NDOptSrcLLAddr, ICMPv6NDOptPrefixInfo, IP, IPOption_NOP, IPv6
    from scapy.all import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN, Raw, UDP, fragment
    from scapy.layers.vxlan import VXLAN

    def eth(**kw):
        return Ether(**{"src": own, "dst": following, **kw})

    def datagram(name, source, destination):
        return IP(src=source, dst=destination) / UDP(sport=1, dport=PORT) / Raw(name)

    def vxlan(inner, vni=1):
        return UDP(sport=50000, dport=4789, chksum=0) / VXLAN(vni=vni, flags="Instance") / Ether(src=other, dst=VTEP_1_MAC) / inner

    def tunnel(inner, source, destination, vni=1, **ip):
        return IP(src=source, dst=destination, **ip) / vxlan(inner, vni)

    def advertisement():
        return IPv6(src="fe80::bad", dst="ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=1800) / ICMPv6NDOptPrefixInfo(
            prefix="fd00:bad::", prefixlen=64)

    def frames(name):
        forged = datagram(name, NEIGHBOUR, REMOTE)  # as if the neighbour sent it
        arriving = datagram(name, REMOTE, NEIGHBOUR)  # as if the other host's container sent it
        multicast = {"dst": "33:33:00:00:00:01", "type": 0x86DD}
        tcp_ip = tunnel(forged, OWN, VTEP_2)
        return {
            # ---- a container's
            "own": lambda: [eth() / datagram(name, OWN, REMOTE)],
            "address": lambda: [eth() / forged],
            "address to neighbour": lambda: [eth() / datagram(name, "10.244.1.4", NEIGHBOUR)],
            "address and MAC": lambda: [eth(src=other) / forged],
            "tunnel": lambda: [eth() / tcp_ip],
            "tunnel with options": lambda: [eth() / tunnel(forged, OWN, VTEP_2, options=[IPOption_NOP()] * 4)],
            "tunnel in fragments": lambda: [eth() / part for part in fragment(tcp_ip, 24)],
            "tunnel to the gateway": lambda: [eth() / tunnel(arriving, OWN, "10.244.1.1")],
            "tunnel as the other VTEP": lambda: [eth() / tunnel(arriving, VTEP_2, VTEP_1)],
            "broadcast as the other VTEP": lambda: [eth(dst="ff:ff:ff:ff:ff:ff") / tunnel(arriving, VTEP_2, VTEP_1)],
            "link-local tunnel": lambda: [eth(type=0x86DD) / IPv6(src="fe80::2", dst="fd00:18::2") / vxlan(forged)],
            "link-local tunnel behind an extension header": lambda: [
                eth(type=0x86DD) / IPv6(src="fe80::2", dst="fd00:18::2") / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])
                / IPv6ExtHdrFragment(m=1, id=7) / vxlan(forged)],
            "tag": lambda: [eth() / Dot1Q(vlan=5) / datagram(name, OWN, REMOTE)],
            "priority tag": lambda: [eth() / Dot1Q(vlan=0) / forged],
            "two priority tags": lambda: [eth() / Dot1Q(vlan=0) / Dot1Q(vlan=0) / forged],
            "QinQ": lambda: [eth() / Dot1AD(vlan=5) / Dot1Q(vlan=6) / forged],
            "router advertisement": lambda: [eth(**multicast) / advertisement()],
            "ARP as another": lambda: [Ether(src=own, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=own, psrc="10.244.1.99", pdst="10.244.1.1")],
            "neighbour solicitation as another": lambda: [
                eth(type=0x86DD) / IPv6(src="fe80::1234", dst="fd00:244:1::1", hlim=255) / ICMPv6ND_NS(tgt="fd00:244:1::1")
                / ICMPv6NDOptSrcLLAddr(lladdr=own)],
            "a router's word on the tunnel": lambda: [
                eth() / IP(src=OWN, dst=VTEP_2) / ICMP(type=3, code=4, nexthopmtu=600)
                / IP(src=VTEP_2, dst=VTEP_1, len=1500, flags="DF") / UDP(sport=50000, dport=4789, len=1480)],
            # ---- the underlay's
            "good": lambda: [eth() / tunnel(arriving, VTEP_2, VTEP_1)],
            "outer source": lambda: [eth() / tunnel(arriving, "10.18.2.9", VTEP_1)],
            "inner source is ours": lambda: [eth() / tunnel(datagram(name, OWN, NEIGHBOUR), VTEP_2, VTEP_1)],
            "inner source is nobody's": lambda: [eth() / tunnel(datagram(name, "192.0.2.1", NEIGHBOUR), VTEP_2, VTEP_1)],
            "VNI": lambda: [eth() / tunnel(arriving, VTEP_2, VTEP_1, vni=2)],
            "outer source in fragments": lambda: [eth() / p for p in fragment(tunnel(arriving, "10.18.2.9", VTEP_1), 24)],
            "outer source with options": lambda: [
                eth() / tunnel(arriving, "10.18.2.9", VTEP_1, options=[IPOption_NOP()] * 4)],
            "in a VLAN of the underlay": lambda: [eth() / Dot1Q(vlan=5) / tunnel(arriving, VTEP_2, VTEP_1)],
            "bare": lambda: [eth() / arriving],
            "bare behind a priority tag": lambda: [eth() / Dot1Q(vlan=0, prio=5) / arriving],
            "bare behind a service priority tag and another": lambda: [eth() / Dot1AD(vlan=0) / Dot1Q(vlan=0) / arriving],
            "behind five priority tags": lambda: [
                eth() / Dot1Q(vlan=0) / Dot1Q(vlan=0) / Dot1Q(vlan=0) / Dot1Q(vlan=0) / Dot1Q(vlan=0) / arriving],
            "bare, as ours, to the other host": lambda: [eth() / forged],
            "bare, as ours, to a container": lambda: [eth() / datagram(name, OWN, NEIGHBOUR)],
        }[name]()

    return frames


def send(interface, own, following, other):
    frames = builder(own, following, other)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    for line in sys.stdin:
        name = line.strip()
        for frame in frames(name):
            sock.send(bytes(frame))
        print("sent " + name, flush=True)


if sys.argv[1] == "listen":
    listen()
else:
    send(*sys.argv[2:])
