#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends and counts UDP for SuperpacketsNetnsTest: Java has no UDP_SEGMENT.

traffic.py receive ADDRESS COUNT    prints "ready", then, once COUNT datagrams came and no more, or after five seconds of
                                    silence: datagrams, bytes, and one CRC-32 over all
traffic.py segment ADDRESS          20 superpackets of 20 x 1400 + 100 bytes, which the kernel cuts (UDP_SEGMENT)
traffic.py fragment ADDRESS         20 datagrams of 8000 to 8019 bytes, which IP cuts
"""
import ipaddress
import socket
import sys
import time
import zlib

PORT = 6000
UDP_SEGMENT = 103  # linux/udp.h
SO_RCVBUFFORCE = 33  # asm-generic/socket.h
EVERYTHING = 8 << 20  # bytes: all that a sender sends, should the receiver get no processor meanwhile


def udp(address):
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    return socket.socket(family, socket.SOCK_DGRAM)


def datagram(number, size):
    return bytes((number * 7 + i) % 251 for i in range(size))


def receive(address, expected):
    sock = udp(address)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, EVERYTHING)
    sock.bind((address, PORT))
    print("ready", flush=True)
    sock.settimeout(20)
    # Datagrams may overtake each other, so their checksums are summed.
    count = total = checksum = 0
    try:
        while True:
            data = sock.recv(70000)
            count, total, checksum = count + 1, total + len(data), checksum + zlib.crc32(data)
            sock.settimeout(5 if count < expected else 0.3)
    except TimeoutError:
        print(count, total, checksum)


def send(address, mode):
    sock = udp(address)
    sock.connect((address, PORT))
    count = total = checksum = 0
    if mode == "segment":
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1400)
    for number in range(20):
        data = datagram(number, 20 * 1400 + 100 if mode == "segment" else 8000 + number)
        sock.send(data)
        step = 1400 if mode == "segment" else len(data)
        for start in range(0, len(data), step):
            part = data[start:start + step]
            count, total, checksum = count + 1, total + len(part), checksum + zlib.crc32(part)
        time.sleep(0.02)  # the queues on the way hold a few superpackets only
    print(count, total, checksum)


if sys.argv[1] == "receive":
    receive(sys.argv[2], int(sys.argv[3]))
else:
    send(sys.argv[2], sys.argv[1])
