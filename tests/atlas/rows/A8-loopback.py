# SPDX-License-Identifier: GPL-2.0-or-later
# row: A8
# what: another account's service on loopback, by all of its names
# defences: hold
from attempt import HOST_PORT, send, send_to

for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "127.0.0.2"):
    send(address, HOST_PORT)
    send_to(address, HOST_PORT)
