#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Senders that look for the size of a way as RFC 1191 and RFC 8201 have it, for NarrowWayNetnsTest.

narrow.py serve ADDRESS           prints "ready"; echoes datagrams, and answers each TCP stream with its length and CRC-32
narrow.py tcp ADDRESS BYTES       sends so many bytes; prints "sent" when the other side got them all as they were
narrow.py udp ADDRESS BYTES       datagrams of so many bytes of IP, never to be cut, until one comes back; sends smaller ones as
                                  the kernel learns; prints the size of the one that came back
narrow.py whole ADDRESS BYTES     the same size again and again, whatever the kernel has learnt; prints the size
narrow.py cut ADDRESS BYTES       a datagram that may be cut, until it comes back; prints its size
narrow.py cuttcp ADDRESS BYTES    as tcp, in packets that may be cut
"""
import ipaddress
import selectors
import socket
import sys
import time
import zlib

PORT = 6001
PATIENCE = 30
# linux/in.h and linux/in6.h: level, IP_MTU_DISCOVER, IP_MTU, headers' bytes
OPTIONS = {4: (socket.IPPROTO_IP, 10, 14, 28), 6: (socket.IPPROTO_IPV6, 23, 24, 48)}
DONT, WANT, DO, PROBE = range(4)


def family(address):
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


def serve(address):
    selector = selectors.DefaultSelector()
    udp = socket.socket(family(address), socket.SOCK_DGRAM)
    udp.bind((address, PORT))
    tcp = socket.create_server((address, PORT), family=family(address))
    selector.register(udp, selectors.EVENT_READ)
    selector.register(tcp, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is udp:
                data, peer = udp.recvfrom(70000)
                try:
                    udp.sendto(data, peer)
                except OSError:
                    pass  # too big for the way back: the peer sends again
            else:
                answer(tcp.accept()[0])


def answer(stream):
    total = checksum = 0
    stream.settimeout(PATIENCE)
    with stream:
        while data := stream.recv(1 << 16):
            total, checksum = total + len(data), zlib.crc32(data, checksum)
        stream.sendall(f"{total} {checksum}".encode())


def send_tcp(address, total, discovery):
    data = bytes(i * i % 251 for i in range(1 << 16)) * (total >> 16)
    level, discover, _, _ = OPTIONS[ipaddress.ip_address(address).version]
    with socket.socket(family(address)) as stream:
        stream.settimeout(PATIENCE)
        stream.setsockopt(level, discover, discovery)
        stream.connect((address, PORT))
        stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)
        reply = stream.recv(100).decode()
    print("sent" if reply == f"{len(data)} {zlib.crc32(data)}" else "the other side got " + reply)


def send_udp(address, size, discovery):
    level, discover, mtu, headers = OPTIONS[ipaddress.ip_address(address).version]
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
    sock.setsockopt(level, discover, discovery)
    sock.connect((address, PORT))
    sock.settimeout(0.3)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if discovery == DO:
            size = min(size, sock.getsockopt(level, mtu))
        try:
            sock.send(b"u" * (size - headers))
            if len(sock.recv(70000)) == size - headers:
                print(size)
                return
        except OSError:
            pass  # lost, or the kernel has just learnt that it is too big
    print("nothing came back")


if sys.argv[1] == "serve":
    serve(sys.argv[2])
elif sys.argv[1].endswith("tcp"):
    send_tcp(sys.argv[2], int(sys.argv[3]), {"tcp": WANT, "cuttcp": DONT}[sys.argv[1]])
else:
    send_udp(sys.argv[2], int(sys.argv[3]), {"udp": DO, "whole": PROBE, "cut": DONT}[sys.argv[1]])
