#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A container that wants its host to keep more and more.

flood.py fragments COUNT DEVICE GATEWAY-MAC FROM TO   first fragments of as many datagrams, whose rest never comes
flood.py datagrams COUNT DEVICE GATEWAY-MAC FROM TO   UDP over IPv4, each between other ports
Prints how many were sent.
"""
import socket
import struct
import sys

from scapy.all import IP, UDP, Ether, IPv6, IPv6ExtHdrFragment, Raw


def checksummed(header):
    """RFC 1071, of an IPv4 header whose checksum field is 0."""
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return header[:10] + struct.pack("!H", ~total & 0xFFFF) + header[12:]


def fragments(source, destination):
    payload = Raw(bytes(1200))
    if ":" in source:
        packet = bytes(IPv6(src=source, dst=destination) / IPv6ExtHdrFragment(m=1, nh=17) / UDP(dport=9) / payload)
        return lambda i: packet[:44] + struct.pack("!I", i + 1) + packet[48:]
    packet = bytes(IP(src=source, dst=destination, flags="MF", chksum=0) / UDP(dport=9) / payload)
    return lambda i: checksummed(packet[:4] + struct.pack("!H", i & 0xFFFF) + packet[6:20]) + packet[20:]


def datagrams(source, destination):
    packet = bytes(IP(src=source, dst=destination) / UDP(dport=80, chksum=0) / Raw(bytes(18)))
    # 60,000 source ports; then the next destination port.
    return lambda i: packet[:20] + struct.pack("!HH", 1024 + i % 60000, 80 + i // 60000) + packet[24:]


kind, count, device, gateway, source, destination = sys.argv[1:]
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind((device, 0))
ethernet = bytes(Ether(src=":".join(f"{b:02x}" for b in link.getsockname()[4]), dst=gateway))[:12]
ethernet += b"\x86\xdd" if ":" in source else b"\x08\x00"
packet = {"fragments": fragments, "datagrams": datagrams}[kind](source, destination)
for number in range(int(count)):
    link.send(ethernet + packet(number))
print(count)
