# SPDX-License-Identifier: GPL-2.0-or-later
# row: A4
# what: the stub resolver at 127.0.0.53
# defences: hold
from attempt import send_to

send_to("127.0.0.53", 53)
