# SPDX-License-Identifier: GPL-2.0-or-later
# row: C3
# what: AF_SMC, IPPROTO_SMC, the ULP smc
# defences: socket_families route_guard
import socket

from attempt import WORLD4, cannot, has_socket, send

AF_SMC, IPPROTO_SMC, TCP_ULP = 43, 256, 31
missing = has_socket(AF_SMC, socket.SOCK_STREAM, 0)
if missing and has_socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_SMC):
    with socket.socket() as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"smc")
        except OSError as error:
            cannot(f"{missing}; ULP smc: {error.strerror}")
send(WORLD4, 443, protocol=IPPROTO_SMC)
send(WORLD4, 443, prepare=lambda sock: sock.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"smc"))
