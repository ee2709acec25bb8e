#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Moves data for MatrixNetnsTest, and says whether it arrived as it was.

matrix.py serve    listens on TCP 6000, UDP 6000, and UDP 6010 with UDP_GRO, for as long as it runs
matrix.py client   reads commands from standard input, one a line, and answers each with one line, "ok ..." or what was wrong:
    tcp ADDRESS OFFSET SOURCE BYTES        so many bytes each way; answers with retransmissions (client's, server's)
    udp ADDRESS OFFSET SOURCE KIND         datagrams: plain, segment (UDP_SEGMENT), gro (the same to a UDP_GRO socket), fragment

OFFSET is added to every port: a container that forwards tells by it where to. SOURCE is the address that the server must see.
"""
import hashlib
import os
import socket
import struct
import sys
import threading
import time
import zlib

PORT, GRO_PORT = 6000, 6010
UDP_SEGMENT, UDP_GRO = 103, 104  # linux/udp.h
TOTAL_RETRANS = 100  # offset of tcpi_total_retrans in struct tcp_info (linux/tcp.h)
BLOCK = os.urandom(1 << 16)
STALL_SECONDS = 20


def retransmissions(sock):
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return struct.unpack_from("=I", info, TOTAL_RETRANS)[0]


def send_bytes(sock, count):
    digest = hashlib.sha256()
    for at in range(0, count, len(BLOCK)):
        part = struct.pack("!Q", at) + BLOCK[8:min(len(BLOCK), count - at)]
        sock.sendall(part)
        digest.update(part)
    return digest.hexdigest()


def receive_bytes(stream, count):
    digest = hashlib.sha256()
    while count:
        part = stream.read(min(count, 1 << 20))
        if not part:
            return "ended early"
        digest.update(part)
        count -= len(part)
    return digest.hexdigest()


class Datagrams:
    """What a UDP socket got: they may overtake each other, so their checksums are summed."""

    def __init__(self, port, gro):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        if gro:
            self.sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        self.sock.bind(("0.0.0.0", port))
        self.clear()
        threading.Thread(target=self.run, daemon=True).start()

    def clear(self):
        self.count = self.total = self.checksum = 0
        self.source = ""

    def run(self):
        while True:
            data, control, _, peer = self.sock.recvmsg(1 << 17, 64)
            step = len(data)
            for level, kind, value in control:
                if (level, kind) == (socket.IPPROTO_UDP, UDP_GRO):
                    step = struct.unpack("=i", value)[0]
            for at in range(0, len(data), step or 1):
                part = data[at:at + step]
                self.total += len(part)
                self.checksum += zlib.crc32(part)
                self.count += 1
            self.source = peer[0]

    def report(self, count):
        deadline = time.monotonic() + 2
        while self.count < count and time.monotonic() < deadline:
            time.sleep(0.002)
        said = f"{self.count} {self.total} {self.checksum} {self.source}"
        self.clear()
        return said


def answer(sock, peer, udp):
    stream = sock.makefile("rb")
    words = stream.readline().split()
    if words[0] == b"tcp":
        count = int(words[1])
        got = receive_bytes(stream, count)
        sock.sendall(f"{got} {peer[0]}\n".encode())
        sent = send_bytes(sock, count)
        stream.readline()  # the client has all
        sock.sendall(f"{sent} {retransmissions(sock)}\n".encode())
    else:
        sock.sendall((udp[int(words[1])].report(int(words[2])) + "\n").encode())


def handle(sock, peer, udp):
    with sock:
        sock.settimeout(STALL_SECONDS)
        try:
            answer(sock, peer, udp)
        except (OSError, IndexError, ValueError):
            pass  # the client has seen it too, and says so


def serve():
    udp = {PORT: Datagrams(PORT, False), GRO_PORT: Datagrams(GRO_PORT, True)}
    listener = socket.create_server(("0.0.0.0", PORT), backlog=16)
    print("ready", flush=True)
    while True:
        sock, peer = listener.accept()
        threading.Thread(target=handle, args=(sock, peer, udp), daemon=True).start()


def ask(address, port, line):
    with socket.create_connection((address, port), timeout=STALL_SECONDS) as sock:
        sock.sendall(line.encode())
        return sock.makefile("r").readline().split()


def tcp(address, offset, source, count):
    with socket.create_connection((address, PORT + offset), timeout=STALL_SECONDS) as sock:
        stream = sock.makefile("rb")
        sock.sendall(b"tcp %d\n" % count)
        sent = send_bytes(sock, count)
        got, seen = stream.readline().decode().split()
        if got != sent:
            return "other bytes arrived"
        if seen != source:
            return "came from " + seen
        back = receive_bytes(stream, count)
        sock.sendall(b"\n")
        their, retransmitted = stream.readline().decode().split()
        return f"ok {retransmissions(sock)} {retransmitted}" if back == their else "other bytes came back"


def datagrams(kind):
    """Payloads, and the size of the datagrams that they are to become."""
    if kind == "plain":
        return [(BLOCK[i:i + 1372], 1372) for i in range(200)]
    if kind == "fragment":
        return [(BLOCK[i:i + 8000 + i], 8000 + i) for i in range(20)]
    return [(BLOCK[i:i + 20 * 1300 + 100], 1300) for i in range(20)]


def udp(address, offset, source, kind):
    port = GRO_PORT if kind == "gro" else PORT
    count = total = checksum = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((address, port + offset))
        if kind == "fragment":
            sock.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: IP_PMTUDISC_DONT
        if kind in ("segment", "gro"):
            sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1300)
        for number, (data, step) in enumerate(datagrams(kind)):
            sock.send(data)
            for at in range(0, len(data), step):
                part = data[at:at + step]
                count, total, checksum = count + 1, total + len(part), checksum + zlib.crc32(part)
            if number % 10 == 9:
                time.sleep(0.001)
    got = ask(address, PORT + offset, f"udp {port} {count}\n")
    want = [str(count), str(total), str(checksum), source]
    return "ok" if got == want else f"sent {' '.join(want)}, arrived {' '.join(got)}"


def client():
    print("ready", flush=True)
    for line in sys.stdin:
        protocol, address, offset, source, what = line.split()
        try:
            if protocol == "tcp":
                print(tcp(address, int(offset), source, int(what)), flush=True)
            else:
                print(udp(address, int(offset), source, what), flush=True)
        except (OSError, ValueError) as e:
            print(f"{type(e).__name__}: {e}", flush=True)


serve() if sys.argv[1] == "serve" else client()
