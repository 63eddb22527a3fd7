# SPDX-License-Identifier: GPL-2.0-or-later
# row: A6
# what: IPv6: TCP, UDP
# defences: hold
from attempt import WORLD6, send, send_to

send(WORLD6, 443)
send_to(WORLD6, 443)
