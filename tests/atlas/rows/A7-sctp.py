# SPDX-License-Identifier: GPL-2.0-or-later
# row: A7
# what: SCTP
# defences: hold
import socket

from attempt import WORLD4, cannot, has_socket, send

KIND, PROTOCOL = socket.SOCK_STREAM, 132
if missing := has_socket(socket.AF_INET, KIND, PROTOCOL):
    cannot(missing)
send(WORLD4, 443, KIND, PROTOCOL)
