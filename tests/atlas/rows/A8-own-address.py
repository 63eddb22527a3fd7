# SPDX-License-Identifier: GPL-2.0-or-later
# row: A8
# what: another account's service on the host's own addresses
# defences: hold
from attempt import HOST4, HOST6, HOST_PORT, send, send_to

for address in (HOST4, HOST6, "::ffff:" + HOST4):
    send(address, HOST_PORT)
    send_to(address, HOST_PORT)
