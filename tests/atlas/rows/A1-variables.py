# SPDX-License-Identifier: GPL-2.0-or-later
# row: A1
# what: a library that never looks at HTTPS_PROXY
# defences: hold
import os
import urllib.request

from attempt import TOKEN, SECONDS, WORLD4, WORLD6

for name in [name for name in os.environ if "proxy" in name.lower()]:
    del os.environ[name]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for host in (WORLD4, f"[{WORLD6}]"):
    try:
        opener.open(f"http://{host}/{TOKEN.decode()}", timeout=SECONDS)
    except OSError as error:
        print(error)
