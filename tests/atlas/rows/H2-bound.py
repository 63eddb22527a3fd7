# SPDX-License-Identifier: GPL-2.0-or-later
# row: H2
# what: by a network card of one's choice, by link-local addresses
# defences: hold
import socket

from attempt import WORLD4, send, send_to

IP_UNICAST_IF, IPV6_UNICAST_IF = 50, 76
INDEX = socket.if_nametoindex("to-world")


def to_device(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"to-world")


def by_unicast_if(sock):
    sock.setsockopt(socket.IPPROTO_IP, IP_UNICAST_IF, socket.htonl(INDEX))


for prepare in (to_device, by_unicast_if):
    send(WORLD4, 443, prepare=prepare)
    send_to(WORLD4, 443, prepare=prepare)
send_to(f"ff02::1%{INDEX}", 443, prepare=to_device)
