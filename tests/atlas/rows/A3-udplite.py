# SPDX-License-Identifier: GPL-2.0-or-later
# row: A3
# what: UDP-Lite
# defences: hold
import socket

from attempt import WORLD4, WORLD6, cannot, has_socket, send_to

IPPROTO_UDPLITE = 136
if missing := has_socket(socket.AF_INET, socket.SOCK_DGRAM, IPPROTO_UDPLITE):
    cannot(missing)
for address in (WORLD4, WORLD6):
    send_to(address, 443, socket.SOCK_DGRAM, IPPROTO_UDPLITE)
