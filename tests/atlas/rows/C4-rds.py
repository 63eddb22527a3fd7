# SPDX-License-Identifier: GPL-2.0-or-later
# row: C4
# what: AF_RDS over TCP
# defences: socket_families
import socket

from attempt import cannot, has_socket

AF_RDS = 21
if missing := has_socket(AF_RDS, socket.SOCK_SEQPACKET, 0):
    cannot(missing)
raise NotImplementedError("this kernel has AF_RDS: the attempt is to be written")
