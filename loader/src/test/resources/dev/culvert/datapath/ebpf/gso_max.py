#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lets an interface have larger superpackets, of both families (BIG TCP): gso_max.py INTERFACE BYTES

iproute2 knows gso_ipv4_max_size since 6.3.
"""
import socket
import struct
import sys

RTM_NEWLINK, NLM_F_REQUEST_ACK, NETLINK_ROUTE = 16, 5, 0
IFLA_GSO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE = 41, 63

netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
for attribute in (IFLA_GSO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE):
    body = struct.pack("<BBHiII", 0, 0, 0, socket.if_nametoindex(sys.argv[1]), 0, 0) + struct.pack("<HHI", 8, attribute, int(sys.argv[2]))
    netlink.send(struct.pack("<IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST_ACK, 1, 0) + body)
    error = struct.unpack_from("<i", netlink.recv(4096), 16)[0]
    if error:
        sys.exit(f"the kernel refused attribute {attribute} with errno {-error}")
