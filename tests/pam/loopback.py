#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""loopback.py DEVICE: TCP to the proxy's loopback addresses by way of a network card.

Once with the payload in the first packet (TCP fast open without a cookie), once by a plain connect.
What got out is for the other end of the wire to say.
"""
import socket
import sys

PROXIES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
PORT = 3128
SECONDS = 0.3
TCP_FASTOPEN_NO_COOKIE = 34
PAYLOAD = b"PAYLOAD-IN-THE-FIRST-PACKET"


def fast_open(sock, address):
    sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1)
    sock.sendto(PAYLOAD, socket.MSG_FASTOPEN, address)


def plain(sock, address):
    sock.connect(address)


for family, host in PROXIES:
    for way in (fast_open, plain):
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.settimeout(SECONDS)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
            try:
                way(sock, (host, PORT))
                print(way.__name__, host, "done")
            except OSError as error:
                print(way.__name__, host, error)
