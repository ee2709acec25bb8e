#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tunnel packets with any ECN outside and inside, for CongestionNetnsTest.

ecn.py listen                        prints "ready", then NAME and the ECN field of every UDP datagram to port 6667
ecn.py send INTERFACE OWN_MAC NEXT_MAC FROM_MAC TO_MAC
                                     reads "NAME OUTER INNER CHECKSUM IPV6" from standard input, sends such a packet to 10.244.1.2
                                     or fd00:244:1::2 as the VTEP 10.18.2.2, with an outer checksum or without; prints "sent NAME"
"""
import logging
import socket
import sys

PORT = 6667


def listen():
    # A socket for both families: IP_RECVTOS (linux/in.h) tells the field of IPv4, IPV6_RECVTCLASS (linux/in6.h) that of IPv6.
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    sock.bind(("::", PORT))
    print("ready", flush=True)
    while True:
        data, ancillary, _, _ = sock.recvmsg(2000, 1000)
        field = next(value[0] for _, kind, value in ancillary if kind in (socket.IP_TOS, socket.IPV6_TCLASS))
        print(data.decode(), field & 3, flush=True)


def send(interface, own, following, inner_source, inner_destination):
    logging.getLogger("scapy").setLevel(logging.ERROR)  # it misses an address on the loopback device
    from scapy.all import Ether, IP, IPv6, Raw, UDP
    from scapy.layers.vxlan import VXLAN

    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    for line in sys.stdin:
        name, outer, inner, checksum, ipv6 = line.split()
        if ipv6 == "true":
            packet = IPv6(src="fd00:244:2::2", dst="fd00:244:1::2", tc=int(inner))
        else:
            packet = IP(src="10.244.2.2", dst="10.244.1.2", tos=int(inner))
        packet = packet / UDP(sport=1, dport=PORT) / Raw(name)
        udp = UDP(sport=50000, dport=4789, **({} if checksum == "true" else {"chksum": 0}))
        frame = Ether(src=own, dst=following) / IP(src="10.18.2.2", dst="10.17.2.2", tos=int(outer)) / udp / VXLAN(
            vni=1, flags="Instance") / Ether(
            src=inner_source, dst=inner_destination) / packet
        sock.send(bytes(frame))
        print("sent " + name, flush=True)


if sys.argv[1] == "listen":
    listen()
else:
    send(*sys.argv[2:])
