# SPDX-License-Identifier: GPL-2.0-or-later
# row: B4
# what: a background process after logout
# defences: lingering
# after: yes
import os
import time

from attempt import WORLD4, send, send_to

if os.fork():
    os._exit(0)
os.setsid()
null = os.open("/dev/null", os.O_RDWR)
for descriptor in range(3):
    os.dup2(null, descriptor)
while not os.path.exists("/tmp/atlas-go"):
    time.sleep(0.02)
send(WORLD4, 443)
send_to(WORLD4, 443)
