#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes segments.txt: superpackets, and the packets that they are cut into, made by scapy and not by Culvert.

Run: /usr/bin/python3 segments.py > ../resources/segments.txt

A superpacket's transport checksum is the pseudo header's sum, as a kernel leaves it for the device (Linux's CHECKSUM_PARTIAL).
"""
import struct

from scapy.all import IP, IPv6, TCP, UDP, ICMP, Raw, fragment, raw

PAYLOAD = bytes((i * 7 + i // 251) % 256 for i in range(2500))
OPTIONS = [("NOP", None), ("NOP", None), ("Timestamp", (1000, 2000))]


def fold(total):
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def pseudo(packet, protocol, length):
    addresses = raw(packet)[12:20] if packet.version == 4 else raw(packet)[8:40]
    words = struct.unpack(f"!{len(addresses) // 2}H", addresses)
    return fold(sum(words) + protocol + length)


def show(name, gso, superpacket, segments):
    print(f"name: {name}\ngso: {gso}\nsuper: {raw(superpacket).hex()}")
    for segment in segments:
        print(f"segment: {raw(segment).hex()}")
    print()


def tcp(name, ip, gso, flags, size):
    def segment(offset, count, index, flags):
        head = ip.copy()
        if head.version == 4:
            head.id = 0xfffe + index & 0xffff
        return head / TCP(sport=40000, dport=80, seq=(0xfffffc00 + offset) & 0xffffffff, ack=77, flags=flags, window=501,
                          options=OPTIONS) / Raw(PAYLOAD[offset:offset + count])

    whole = segment(0, size, 0, flags)
    length = len(raw(whole)) - (20 if ip.version == 4 else 40)
    whole[TCP].chksum = pseudo(whole, 6, length)
    cut = []
    for index, offset in enumerate(range(0, size, gso)):
        last = offset + gso >= size
        left = flags if last else flags.replace("P", "").replace("F", "")
        cut.append(segment(offset, min(gso, size - offset), index, left if index == 0 else left.replace("C", "")))
    show(name, gso, whole, cut)


def udp(name, ip, gso, size):
    def datagram(offset, count, index):
        head = ip.copy()
        if head.version == 4:
            head.id = 9 + index
        return head / UDP(sport=5000, dport=6000) / Raw(PAYLOAD[offset:offset + count])

    whole = datagram(0, size, 0)
    whole[UDP].chksum = pseudo(whole, 17, size + 8)
    show(name, gso, whole, [datagram(o, min(gso, size - o), i) for i, o in enumerate(range(0, size, gso))])


IPV4 = IP(src="10.244.1.2", dst="10.244.2.2", ttl=63, flags="DF", tos=2)
IPV6 = IPv6(src="fd00:244:1::2", dst="fd00:244:2::2", hlim=63, tc=1, fl=0x12345)
tcp("tcp over ipv4, psh on the last", IPV4, 1000, "PA", 2500)
tcp("tcp over ipv6, equal segments", IPV6, 1250, "A", 2500)
tcp("tcp over ipv4, odd sizes", IPV4, 333, "A", 1001)
tcp("tcp over ipv4, fin and cwr", IPV4, 1000, "FAC", 2500)
udp("udp over ipv4", IPV4, 700, 2101)
udp("udp over ipv6", IPV6, 1200, 2400)

PING = IP(src="10.244.1.2", dst="10.244.2.2", ttl=63, id=77) / ICMP(id=1, seq=2) / Raw(PAYLOAD[:1400])
print(f"name: fragments of 576 bytes\ngso: 576\nsuper: {raw(PING).hex()}")
for part in fragment(IP(raw(PING)), fragsize=552):
    print(f"segment: {raw(part).hex()}")
print()
