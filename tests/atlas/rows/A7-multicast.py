# SPDX-License-Identifier: GPL-2.0-or-later
# row: A7
# what: multicast and broadcast
# defences: hold
import socket

from attempt import HOST4, send_to


def by_network_card(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(HOST4))


for address in ("239.1.2.3", "224.0.0.251", "192.0.2.255", "255.255.255.255"):
    send_to(address, 5353, prepare=by_network_card)
index = socket.if_nametoindex("to-world")
for group in ("ff02::1", "ff02::fb", "ff05::2"):
    send_to(f"{group}%{index}", 5353)
