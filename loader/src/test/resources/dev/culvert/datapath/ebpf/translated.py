#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Both ends of flows that a host translates between, for TranslationNetnsTest.

translated.py serve            prints "ready"; on port 8080 of every address, answers each with the sender's address and an echo;
                               prints what short datagrams say
translated.py ask ADDRESS PORT TCP with a stream that is echoed, and UDP in fragments; prints whom the server has seen
translated.py refused ADDRESS PORT   UDP to where nobody listens; prints "refused" when the error came back
translated.py forge ADDRESS SOURCE   "forged" by UDP to port 8080, whole and in fragments, from an address that is not ours
translated.py tell ADDRESS     "honest" to the same port
"""
import errno
import ipaddress
import selectors
import socket
import sys
import threading
import time

SERVED = 8080
PATIENCE = 8
STREAM = bytes(i * i % 251 for i in range(400_000))
DATAGRAM = STREAM[:4000]


def family(address):
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


def seen(peer):
    return peer[0].removeprefix("::ffff:").encode() + b" "


def serve():
    selector = selectors.DefaultSelector()
    tcp = socket.create_server(("::", SERVED), family=socket.AF_INET6, dualstack_ipv6=True)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    udp.bind(("::", SERVED))
    for server in (tcp, udp):
        selector.register(server, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is udp:
                data, called, _, peer = udp.recvmsg(70000, 200)
                if data in (b"honest", b"forged") or data.startswith(b"forgedforged"):
                    print(data[:6].decode(), flush=True)
                # From the address that was called: the host may have several.
                udp.sendmsg([seen(peer) + data], [(level, kind, value[:16] + bytes(4)) for level, kind, value in called], 0, peer)
            else:
                threading.Thread(target=echo, args=tcp.accept(), daemon=True).start()


def echo(stream, peer):
    stream.settimeout(PATIENCE)
    with stream:
        stream.sendall(seen(peer))
        while data := stream.recv(1 << 16):
            stream.sendall(data)


def split(answer, sent):
    who, _, data = answer.partition(b" ")
    return who.decode() if data == sent else f"{len(data)} bytes of {len(sent)}"


def ask_tcp(address, port):
    with socket.create_connection((address, port), PATIENCE) as stream:
        threading.Thread(target=stream.sendall, args=(STREAM,), daemon=True).start()
        answer = b""
        while not answer.endswith(STREAM[-1000:]) or len(answer) < len(STREAM):
            data = stream.recv(1 << 16)
            if not data:
                break
            answer += data
        return split(answer, STREAM)


def datagram(address, port, data):
    with socket.socket(family(address), socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.connect((address, port))
        end = time.monotonic() + PATIENCE
        while True:
            try:
                sock.send(data)
                return sock.recv(70000)
            except OSError as lost:
                # Too large for IPv6 as it was: the kernel has learnt how large it may be.
                if time.monotonic() > end or not isinstance(lost, TimeoutError) and lost.errno != errno.EMSGSIZE:
                    raise


def ask(address, port):
    print(ask_tcp(address, port), split(datagram(address, port, DATAGRAM), DATAGRAM))


def refused(address, port):
    try:
        datagram(address, port, b"anybody")
        print("answered")
    except ConnectionRefusedError:
        print("refused")


def forge(address, source):
    from scapy.all import IP, IPv6, IPv6ExtHdrFragment, Raw, UDP, fragment, fragment6, send

    datagram = UDP(sport=9, dport=SERVED) / Raw(b"forged")
    if ipaddress.ip_address(address).version == 6:
        send(IPv6(src=source, dst=address) / datagram, verbose=False)
        large = UDP(sport=9, dport=SERVED) / Raw(b"forged" * 500)
        send(fragment6(IPv6(src=source, dst=address) / IPv6ExtHdrFragment(id=5) / large, 1280), verbose=False)
    else:
        send(IP(src=source, dst=address) / datagram, verbose=False)
        send(fragment(IP(src=source, dst=address, id=5) / UDP(sport=9, dport=SERVED) / Raw(b"forged" * 500), 1200), verbose=False)
    print("sent")


def tell(address):
    print(datagram(address, SERVED, b"honest").decode())


try:
    {"serve": serve, "ask": ask, "refused": refused, "forge": forge, "tell": tell}[sys.argv[1]](
        *(int(word) if word.isdigit() else word for word in sys.argv[2:]))
except OSError as e:
    print(e)
