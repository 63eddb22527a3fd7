#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that are there before their account is held.

connections.py peer            in the world: takes connections, shuts its window; at /tmp/window it opens that, and
                               writes how each ended to /tmp/peer.log: "FAMILY BYTES-SINCE eof|reset", BYTES-SINCE
                               those that were not there yet at /tmp/mark
connections.py orphan KIND     connects to it, writes until nothing more fits, closes, ends; KIND: 4, 6 or mapped
connections.py stay            stays with a connection to the proxy, one to the world, a connected UDP socket and a
                               listener; at /tmp/speak it tells in /tmp/stay.log what each of them still does
connections.py syn HARDWARE    in the world: a first packet to that listener from an address that will never answer;
                               HARDWARE is the host's address
"""
import array
import errno
import fcntl
import os
import socket
import struct
import sys
import termios
import time

PORT, UDP_PORT, OWN_PORT = 4000, 9999, 5000
WORLD = {"4": (socket.AF_INET, "192.0.2.2"), "6": (socket.AF_INET6, "2001:db8::2"),
         "mapped": (socket.AF_INET6, "::ffff:192.0.2.2")}
PROXY = ("127.0.0.1", 3128)


def tell(name, text=""):
    with open(f"/tmp/{name}.new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(f"/tmp/{name}.new", f"/tmp/{name}")


def wait_for(name):
    while not os.path.exists(f"/tmp/{name}"):
        time.sleep(0.02)


def queued(peer):
    count = array.array("i", [0])
    fcntl.ioctl(peer, termios.FIONREAD, count)
    return count[0]


def listener(family, port):
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.bind(("", port))
    sock.listen(8)
    return sock


def end_of(peer):
    total = 0
    try:
        while data := peer.recv(65536):
            total += len(data)
    except ConnectionResetError:
        return total, "reset"
    return total, "eof"


def serve():
    listeners = [listener(socket.AF_INET, PORT), listener(socket.AF_INET6, PORT)]
    tell("peer.there")
    peers = []
    while not os.path.exists("/tmp/mark"):
        for sock in listeners:
            sock.settimeout(0.02)
            try:
                peers.append(sock.accept()[0])
            except TimeoutError:
                pass
    before = [queued(peer) for peer in peers]
    tell("marked")
    wait_for("window")
    lines = []
    for peer, had in zip(peers, before):
        peer.setblocking(True)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        total, end = end_of(peer)
        lines.append(f"{4 if peer.family == socket.AF_INET else 6} {total - had} {end}\n")
    tell("peer.log", "".join(lines))


def fill(sock):
    sock.setblocking(False)
    try:
        while True:
            sock.send(b"x" * 65536)
    except BlockingIOError:
        pass


def connect(kind, port, sort=socket.SOCK_STREAM):
    family, address = WORLD[kind]
    sock = socket.socket(family, sort)
    sock.connect((address, port))
    return sock


def orphan(kind):
    with connect(kind, PORT) as out:
        fill(out)


def ask(sock):
    """What a web server, or a proxy, says."""
    try:
        sock.sendall(b"GET http://192.0.2.2/ HTTP/1.0\r\n\r\n")
        return sock.recv(4096).split(b"\r\n")[0].decode("ascii") or "eof"
    except OSError as error:
        return errno.errorcode[error.errno]


def send(sock):
    try:
        sock.send(b"udp")
        return "sent"
    except OSError as error:
        return errno.errorcode[error.errno]


def stay():
    proxy = socket.create_connection(PROXY)
    web = connect("4", 80)
    udp = connect("mapped", UDP_PORT, socket.SOCK_DGRAM)
    own = listener(socket.AF_INET, OWN_PORT)
    tell("stay.there")
    wait_for("speak")
    tell("stay.log", f"proxy {ask(proxy)}\nweb {ask(web)}\nudp {send(udp)}\n")
    own.settimeout(1000)
    try:
        own.accept()
    except OSError:
        pass


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack("!H", ~total & 0xffff)


def syn(hardware):
    addresses = socket.inet_aton("192.0.2.3") + socket.inet_aton("192.0.2.1")
    tcp = struct.pack("!HHIIBBHHH", 6000, OWN_PORT, 1, 0, 5 << 4, 2, 1024, 0, 0)
    tcp = tcp[:16] + checksum(addresses + struct.pack("!HH", 6, len(tcp)) + tcp) + tcp[18:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + addresses
    head = head[:10] + checksum(head) + head[12:]
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as card:
        card.sendto(head + tcp, ("to-host", 0x0800, 0, 0, bytes.fromhex(hardware.replace(":", ""))))


def main():
    {"peer": serve, "orphan": orphan, "stay": stay, "syn": syn}[sys.argv[1]](*sys.argv[2:])


main()
