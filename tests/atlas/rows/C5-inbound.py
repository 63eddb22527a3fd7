# SPDX-License-Identifier: GPL-2.0-or-later
# row: C5
# what: somebody outside connects to a listener of the account's, by SYN cookies, and is answered
# defences: hold route_guard
import socket

from attempt import SECONDS, TOKEN

PORT = 8090    # the recorder in the world calls it again and again
with socket.create_server(("", PORT)) as listener:
    listener.settimeout(SECONDS)
    try:
        conn, _ = listener.accept()
        conn.sendall(TOKEN)
        conn.close()
    except OSError as error:
        print(error)
