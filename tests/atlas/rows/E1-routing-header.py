# SPDX-License-Identifier: GPL-2.0-or-later
# row: E1
# what: IPv6 routing headers: the first hop is allowed, the destination is not
# defences: hold
import socket
import struct

from attempt import WORLD6, send_to

IPV6_RTHDR = 57
FINAL = socket.inet_pton(socket.AF_INET6, "2001:db8:1::7")
# RFC 6275, type 2; RFC 8754, type 4 (segments are listed backwards: the last one is the first hop).
TYPE2 = struct.pack("=BBBBI", 0, 2, 2, 1, 0) + FINAL
TYPE4 = struct.pack("=BBBBBBH", 0, 4, 4, 1, 1, 0, 0) + FINAL + socket.inet_pton(socket.AF_INET6, WORLD6)
for header in (TYPE2, TYPE4):
    send_to(WORLD6, 4443, prepare=lambda sock, header=header: sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RTHDR, header))
