# SPDX-License-Identifier: GPL-2.0-or-later
# row: E1
# what: IPv4 source routing: the first hop is allowed, the destination is not
# defences: hold
import socket

from attempt import WORLD4, cannot, send_to

# A loose and a strict source route of one hop, after a NOP; sendto names where it ends.
LSRR = b"\x01\x83\x07\x04" + socket.inet_aton(WORLD4)


def by_way_of(option):
    return lambda sock: sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, option)


try:
    by_way_of(LSRR)(socket.socket(type=socket.SOCK_DGRAM))
except PermissionError:
    cannot("this kernel gives source routes to the privileged only")
for route in (LSRR, b"\x01\x89" + LSRR[2:]):
    send_to("198.51.100.7", 4443, prepare=by_way_of(route))
