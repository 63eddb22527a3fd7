# SPDX-License-Identifier: GPL-2.0-or-later
# row: D1
# what: AF_VSOCK
# defences: socket_families
# arrives: answer
import socket

from attempt import ask_hypervisor, cannot, has_socket

if missing := has_socket(socket.AF_VSOCK, socket.SOCK_STREAM, 0):
    cannot(missing)
ask_hypervisor(socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM))
