#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One TCP stream, and a checksum at each end.

tcp.py receive ADDRESS          prints "ready", then bytes and CRC-32 of one connection
tcp.py send ADDRESS BYTES       sends that many bytes, prints the same
"""
import socket
import sys
import zlib

PORT = 6001


def receive(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, PORT), family=family) as server:
        server.settimeout(20)
        print("ready", flush=True)
        connection, _ = server.accept()
        connection.settimeout(20)
        total = checksum = 0
        while data := connection.recv(1 << 16):
            total, checksum = total + len(data), zlib.crc32(data, checksum)
        print(total, checksum)


def send(address, size):
    data = bytes(i * 7 % 251 for i in range(251)) * (size // 251 + 1)
    data = data[:size]
    with socket.create_connection((address, PORT), timeout=20) as connection:
        connection.sendall(data)
    print(len(data), zlib.crc32(data))


if sys.argv[1] == "receive":
    receive(sys.argv[2])
else:
    send(sys.argv[2], int(sys.argv[3]))
