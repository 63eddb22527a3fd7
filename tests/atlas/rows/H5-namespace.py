# SPDX-License-Identifier: GPL-2.0-or-later
# row: H5
# what: sockets of network namespaces of one's own, and AF_PACKET in them
# defences: hold
import subprocess

from attempt import TOKEN, WORLD4, send

PROGRAM = f"""
import socket
for way in (lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).bind(("to-world", 0)),
            lambda: socket.create_connection(("{WORLD4}", 443), 1).send(b"{TOKEN.decode()}"),
            lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 253).sendto(b"{TOKEN.decode()}", ("{WORLD4}", 0))):
    try:
        way()
    except OSError as error:
        print(error)
"""
for new in (["unshare", "--user", "--map-root-user"], ["unshare", "--user", "--map-root-user", "--net"], []):
    subprocess.run([*new, "python3", "-Ic", PROGRAM], check=False)
send(WORLD4, 443)    # what gets out without a hold is this; the others never do
