#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""forged.py PORT ADDRESS4 ADDRESS6: UDP that is addressed to one of them first, and then to somewhere else.

A line for each attempt: what it was, and "sent" or the error.
"""
import errno
import socket
import sys

LAST4, LAST6 = "198.51.100.9", "2001:db8:ffff::9"
IP_OPTIONS = 4


def loose_route(first):
    return bytes([1, 131, 7, 4]) + socket.inet_aton(first)


def record_route(_):
    return bytes([1, 7, 7, 4]) + bytes(4)


def segments(first):
    """One segment left of two; the kernel fills in the last one."""
    return bytes([0, 4, 4, 1, 1, 0, 0, 0]) + bytes(16) + socket.inet_pton(socket.AF_INET6, first)


def attempt(name, family, level, option, value, to):
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(level, option, value)
        except OSError as error:
            print(name, "unavailable", errno.errorcode[error.errno])
            return
        try:
            sock.sendto(b"forged", to)
            print(name, "sent")
        except OSError as error:
            print(name, errno.errorcode[error.errno])


port, first4, first6 = int(sys.argv[1]), sys.argv[2], sys.argv[3]
attempt("loose-route", socket.AF_INET, socket.IPPROTO_IP, IP_OPTIONS, loose_route(first4), (LAST4, port))
attempt("record-route", socket.AF_INET, socket.IPPROTO_IP, IP_OPTIONS, record_route(first4), (first4, port))
attempt("segments", socket.AF_INET6, socket.IPPROTO_IPV6, socket.IPV6_RTHDR, segments(first6), (LAST6, port))
