# SPDX-License-Identifier: GPL-2.0-or-later
# row: B5
# what: a process that no PAM session started
# defences: always
# session: none
from attempt import WORLD4, send, send_to

send(WORLD4, 443)
send_to(WORLD4, 443)
