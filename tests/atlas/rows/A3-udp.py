# SPDX-License-Identifier: GPL-2.0-or-later
# row: A3
# what: UDP, as QUIC and connected
# defences: hold
import socket

from attempt import WORLD4, send, send_to

for port in (443, 4000):
    send_to(WORLD4, port)
    send(WORLD4, port, socket.SOCK_DGRAM)
