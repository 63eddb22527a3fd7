#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP ports of this host, by every address that leads to them.

ports.py serve PORT LOG READY       answers whoever comes with a byte, over both families; a line of LOG for each
ports.py ask SOURCE PORT ADDRESS... asks from the port SOURCE (0: any); "ADDRESS answered|ERROR" for each
"""
import errno
import os
import socket
import sys

SECONDS = 0.5


def serve(port, log_path, ready_path):
    sock = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.close(os.open(ready_path, os.O_WRONLY | os.O_CREAT, 0o644))
    while True:
        peer, address = sock.accept()
        with peer:
            os.write(log, f"{port} from {address[0]}\n".encode())
            try:
                peer.send(b"x")
            except OSError:
                pass


def ask(address, port, source):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(SECONDS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # No TIME-WAIT: the source port is needed again.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if source:
            sock.bind(("::" if family == socket.AF_INET6 else "", source))
        try:
            sock.connect((address, port))
            return "answered" if sock.recv(1) else "closed"
        except socket.timeout:
            return "silent"
        except OSError as error:
            return errno.errorcode[error.errno]


if sys.argv[1] == "serve":
    serve(*sys.argv[2:])
for where in sys.argv[4:]:
    print(where, ask(where, int(sys.argv[3]), int(sys.argv[2])), flush=True)
