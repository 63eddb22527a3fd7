# SPDX-License-Identifier: GPL-2.0-or-later
# row: H3
# what: a UDP socket that the kernel encapsulates: ESP in UDP, L2TP
# defences: hold
import socket

from attempt import WORLD4, WORLD6, send, send_to

IPPROTO_L2TP, UDP_ENCAP, UDP_ENCAP_ESPINUDP, UDP_ENCAP_L2TPINUDP = 115, 100, 2, 3
for address in (WORLD4, WORLD6):
    send(address, 0, socket.SOCK_DGRAM, IPPROTO_L2TP)
    for kind in (UDP_ENCAP_ESPINUDP, UDP_ENCAP_L2TPINUDP):
        send_to(address, 4500, prepare=lambda sock, kind=kind: sock.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, kind))
