# SPDX-License-Identifier: GPL-2.0-or-later
# row: A8
# what: the loopback proxy's address and port, by a network card
# defences: hold
import socket

from attempt import TOKEN, send

# route_localnet is not needed: who is bound to a card sends there whatever the address is.
send("127.0.0.1", 3128, prepare=lambda sock: sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"to-world"))
with socket.socket() as sock:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"to-world")
    sock.settimeout(0.3)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, 34, 1)
        sock.sendto(TOKEN, socket.MSG_FASTOPEN, ("127.0.0.1", 3128))
    except OSError as error:
        print(error)
