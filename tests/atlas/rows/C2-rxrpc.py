# SPDX-License-Identifier: GPL-2.0-or-later
# row: C2
# what: AF_RXRPC: UDP from a socket of the kernel's
# defences: socket_families route_guard
import socket

from attempt import cannot, has_socket

AF_RXRPC = 33
if missing := has_socket(AF_RXRPC, socket.SOCK_DGRAM, 2):
    cannot(missing)
raise NotImplementedError("this kernel has AF_RXRPC: the attempt is to be written")
