# SPDX-License-Identifier: GPL-2.0-or-later
# row: A2
# what: raw TCP to any port, IPv4-mapped too
# defences: hold
from attempt import WORLD4, send

for port in (443, 2222, 8443):
    send(WORLD4, port)
send("::ffff:" + WORLD4, 443)
