# SPDX-License-Identifier: GPL-2.0-or-later
# row: A9
# what: MPTCP's first subflow
# defences: hold socket_families
import socket

from attempt import WORLD4, cannot, has_socket, send

IPPROTO_MPTCP = 262
if missing := has_socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP):
    cannot(missing)
send(WORLD4, 8444, protocol=IPPROTO_MPTCP)
