#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""vxlan6.py right|zero|wrong OUTER-SOURCE OUTER-DESTINATION INNER-SOURCE INNER-DESTINATION

Sends ICMPv6 echo requests in VXLAN (RFC 7348, VNI 1) over IPv6, their outer UDP checksum right, zero or wrong, until an answer
comes; prints "answered" or "silent".
"""
import ipaddress
import socket
import struct
import sys

PORT = 4789
TIMES = 8  # the first ones may wait for neighbours
IPV6_CHECKSUM = 7  # linux/in6.h: -1 leaves the checksum alone
UDP_NO_CHECK6_RX = 102  # linux/udp.h
mode, *addresses = sys.argv[1:]
outer_source, outer_destination, inner_source, inner_destination = (ipaddress.IPv6Address(a).packed for a in addresses)


def checksum(source, destination, protocol, payload):
    """RFC 8200 section 8.1, over a pseudo-header and a payload whose checksum field is zero."""
    data = source + destination + struct.pack("!IHBB", len(payload), 0, 0, protocol) + payload + bytes(len(payload) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff or 0xffff


echo = struct.pack("!BBHHH", 128, 0, 0, 7, 1) + b"culvert"
echo = echo[:2] + struct.pack("!H", checksum(inner_source, inner_destination, 58, echo)) + echo[4:]
inner = struct.pack("!IHBB", 6 << 28, len(echo), 58, 64) + inner_source + inner_destination + echo
frame = bytes.fromhex("02aa00000001" "02aa00000002" "86dd") + inner
vxlan = struct.pack("!II", 8 << 24, 1 << 8) + frame
udp = struct.pack("!HHHH", 50000, PORT, 8 + len(vxlan), 0) + vxlan
value = {"zero": 0, "wrong": 0x1234, "right": checksum(outer_source, outer_destination, 17, udp)}[mode]
udp = udp[:6] + struct.pack("!H", value) + udp[8:]

answers = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
answers.bind((addresses[0], PORT))
answers.settimeout(0.3)
answers.setsockopt(socket.IPPROTO_UDP, UDP_NO_CHECK6_RX, 1)  # our answers carry no checksum
sender = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
sender.setsockopt(socket.IPPROTO_IPV6, IPV6_CHECKSUM, -1)
sender.bind((addresses[0], 0))
for attempt in range(TIMES):
    sender.sendto(udp, (addresses[1], 0))
    try:
        while True:
            answer = answers.recv(2000)
            # VXLAN 8, Ethernet 14, IPv6 40: then the ICMPv6 type, 129 for an echo reply.
            if len(answer) > 62 and answer[62] == 129:
                print("answered")
                sys.exit()
    except TimeoutError:
        pass
print("silent")
