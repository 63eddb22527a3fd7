#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends the probes that standard input names (JSON), with sockets of the caller's own.

Prints, as JSON, what each got: "sent", or the name of the error; for TCP "silent" if nothing came.
"""
import errno
import json
import select
import socket
import struct
import sys

TCP_SECONDS = 0.15
NUMBERS = {"tcp": 6, "udp": 17, "udplite": 136, "sctp": 132, "gre": 47}


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def echo(probe, payload):
    payload += b"\0" * (len(payload) % 2)
    kind = 128 if probe["family"] == 6 else 8
    head = struct.pack("!BBHHH", kind, 0, 0, 7, 1)
    # For IPv6, and for ping sockets, the kernel fills the sum in.
    return struct.pack("!BBHHH", kind, 0, checksum(head + payload), 7, 1) + payload


def message(probe, mark):
    if probe["proto"] in ("icmp", "ping"):
        return echo(probe, mark)
    if probe["proto"] == "sctp":
        # Ports, tag, checksum (unchecked on the way out), a DATA chunk.
        return struct.pack("!HHIIBBH", 9, probe["port"], 1, 0, 0, 3, 4 + len(mark)) + mark
    if probe["proto"] == "gre":
        return struct.pack("!HH", 0, 0x0800) + mark
    return mark


OTHER_STOP = {4: "100.64.7.8", 6: "2001:db9::78"}


def forge(sock, probe):
    """The header will say probe["to"], which is to send it on to where the socket is told to send."""
    if probe["family"] == 4:
        # Loose source route, one stop.
        sock.setsockopt(socket.IPPROTO_IP, 4, bytes([1, 131, 7, 4]) + socket.inet_aton(probe["to"]))
    else:
        # Segment routing, one segment left of two; the kernel fills in the last one.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, bytes([0, 4, 4, 1, 1, 0, 0, 0]) + bytes(16)
                        + socket.inet_pton(socket.AF_INET6, probe["to"]))


def open_socket(probe):
    family = socket.AF_INET6 if probe["family"] == 6 or probe["mapped"] else socket.AF_INET
    icmp = 58 if probe["family"] == 6 else 1
    kind, number = {
        "tcp": (socket.SOCK_STREAM, 6),
        "udp": (socket.SOCK_DGRAM, 17),
        "udplite": (socket.SOCK_DGRAM, 136),
        "icmp": (socket.SOCK_RAW, icmp),
        "ping": (socket.SOCK_DGRAM, icmp),
        "sctp": (socket.SOCK_RAW, 132),
        "gre": (socket.SOCK_RAW, 47),
    }[probe["proto"]]
    sock = socket.socket(family, kind, number)
    if probe["forged"]:
        forge(sock, probe)
    if probe["device"]:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, probe["device"].encode())
    return sock


def address_of(probe):
    if probe["forged"]:
        return (OTHER_STOP[probe["family"]], probe["port"])
    to = "::ffff:" + probe["to"] if probe["mapped"] else probe["to"]
    # A raw socket takes no port; that of SCTP stands in the message.
    return (to, probe["port"] if probe["proto"] in ("tcp", "udp", "udplite") else 0)


def send(probe, mark):
    with open_socket(probe) as sock:
        try:
            sock.sendto(message(probe, mark), address_of(probe))
        except OSError as error:
            return errno.errorcode[error.errno]
    return "sent"


def start(probe):
    sock = open_socket(probe)
    sock.setblocking(False)
    # What is connected ends with a reset: the next of this source finds nothing of it.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.bind(("", probe["source"]))
    return sock, sock.connect_ex(address_of(probe))


def ends(started):
    """How the attempts to connect went, waiting for all of them together."""
    poll = select.poll()
    for sock, error in started.values():
        if error == errno.EINPROGRESS:
            poll.register(sock, select.POLLOUT)
    ready = {fd for fd, _ in poll.poll(TCP_SECONDS * 1000)}
    # What the first poll did not wait for.
    select.select([], [], [], TCP_SECONDS)
    ready |= {fd for fd, _ in poll.poll(0)}
    for number, (sock, error) in started.items():
        if sock.fileno() in ready:
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        yield number, "silent" if error == errno.EINPROGRESS else errno.errorcode.get(error, "connected")


def main():
    probes = json.load(sys.stdin)
    got, started = {}, {}
    for number, probe in enumerate(probes):
        if probe["proto"] == "tcp":
            started[number] = start(probe)
        else:
            got[number] = send(probe, probe["mark"].encode())
    got.update(ends(started))
    json.dump([got[number] for number in range(len(probes))], sys.stdout)


main()
