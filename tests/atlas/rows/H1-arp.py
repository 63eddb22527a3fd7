# SPDX-License-Identifier: GPL-2.0-or-later
# row: H1
# what: whom the host asks for by ARP and neighbour discovery: a number a question
# defences: hold route_guard
# arrives: arp
from attempt import TOKEN, send, send_to

NUMBER = 100 + int(TOKEN[-4:], 16) % 155
send_to(f"192.0.2.{NUMBER}", 443)
send(f"192.0.2.{NUMBER}", 443)
