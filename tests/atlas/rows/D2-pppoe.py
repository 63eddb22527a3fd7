# SPDX-License-Identifier: GPL-2.0-or-later
# row: D2
# what: PPPoE frames on a network card
# defences: socket_families
import ctypes
import os
import socket
import struct

from attempt import TOKEN, cannot, has_socket

AF_PPPOX, PX_PROTO_OE = 24, 0
if missing := has_socket(AF_PPPOX, socket.SOCK_STREAM, PX_PROTO_OE):
    cannot(missing)
libc = ctypes.CDLL(None, use_errno=True)
descriptor = libc.socket(AF_PPPOX, socket.SOCK_STREAM, PX_PROTO_OE)
address = struct.pack("=HIH6s16s", AF_PPPOX, PX_PROTO_OE, socket.htons(7), b"\xff" * 6, b"to-world")
libc.connect(descriptor, address, len(address))
os.write(descriptor, TOKEN)
