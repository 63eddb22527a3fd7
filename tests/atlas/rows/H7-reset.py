# SPDX-License-Identifier: GPL-2.0-or-later
# row: H7
# what: the reset of a connection that says it comes from somebody else, who gets it
# defences: socket_families
# arrives: reset
import socket

from attempt import SECONDS, TOKEN, WORLD6

IPV6_FREEBIND, IP_FREEBIND = 78, 15
PORT = 20000 + int(TOKEN[-4:], 16) % 10000
for level, option in ((socket.IPPROTO_IPV6, IPV6_FREEBIND), (socket.IPPROTO_IP, IP_FREEBIND)):
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.setsockopt(level, option, 1)
            sock.bind((WORLD6, PORT))
            sock.settimeout(SECONDS / 2)
            sock.connect(("2001:db8::55", 443))
    except OSError as error:
        print(error)
