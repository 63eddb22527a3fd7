# SPDX-License-Identifier: GPL-2.0-or-later
# row: A7
# what: data in the SYN: TCP fast open, with a cookie and without
# defences: hold
import socket

from attempt import SECONDS, TOKEN, WORLD4

TCP_FASTOPEN_NO_COOKIE = 34
for cookie in (0, 1):
    with socket.socket() as sock:
        sock.settimeout(SECONDS)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, cookie)
            sock.sendto(TOKEN, socket.MSG_FASTOPEN, (WORLD4, 443))
        except OSError as error:
            print(error)
