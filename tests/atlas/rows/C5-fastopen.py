# SPDX-License-Identifier: GPL-2.0-or-later
# row: C5
# what: somebody outside connects with data in the SYN, and is answered when the connection is nobody's
# defences: hold route_guard socket_families
import socket

from attempt import SECONDS, TOKEN

PORT = 8091    # the recorder in the world calls it so
TCP_FASTOPEN, TCP_FASTOPEN_NO_COOKIE = 23, 34
try:
    with socket.create_server(("", PORT)) as listener:
        listener.settimeout(SECONDS)
        listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
        listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1)
        for _ in range(3):
            conn, _ = listener.accept()
            conn.sendall(TOKEN)
            conn.close()
except OSError as error:
    print(error)
