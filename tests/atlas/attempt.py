# SPDX-License-Identifier: GPL-2.0-or-later
"""What attempts have in common. An attempt is run as the account, with a token that must not arrive.

Its own word does not count, so errors are of no interest: every way is tried, and what arrives decides.
cannot(REASON) is for what this kernel does not have at all.
"""
import os
import socket
import sys

WORLD4, WORLD6, HOST4, HOST6 = "192.0.2.2", "2001:db8::2", "192.0.2.1", "2001:db8::1"
HOST_PORT = 8081
SECONDS = 1
TOKEN = sys.argv[1].encode()
PHASE = sys.argv[2] if len(sys.argv) > 2 else "session"


def cannot(reason):
    print(reason)
    sys.exit(77)


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def send(address, port, kind=socket.SOCK_STREAM, protocol=0, prepare=None, data=TOKEN):
    """Connects and sends; never raises because of what it was refused."""
    try:
        with socket.socket(family_of(address), kind, protocol) as sock:
            sock.settimeout(SECONDS)
            if prepare:
                prepare(sock)
            sock.connect((address, port))
            sock.sendall(data)
    except OSError as error:
        print(f"{address} port {port}: {error}")


def send_to(address, port, kind=socket.SOCK_DGRAM, protocol=0, prepare=None, data=TOKEN):
    """The same without a connection."""
    try:
        with socket.socket(family_of(address), kind, protocol) as sock:
            if prepare:
                prepare(sock)
            sock.sendto(data, (address, port))
    except OSError as error:
        print(f"{address} port {port}: {error}")


def has_socket(family, kind, protocol):
    """Does the kernel have such sockets? Asked where nothing forbids them: in the control."""
    try:
        socket.socket(family, kind, protocol).close()
    except OSError as error:
        return f"no socket({family}, {kind}, {protocol}): {os.strerror(error.errno)}"
    return ""


def ask_hypervisor(sock):
    """Who refuses a connection has heard of it."""
    VMADDR_CID_HOST, PORT = 2, 1
    sock.settimeout(SECONDS)
    try:
        sock.connect((VMADDR_CID_HOST, PORT))
    except ConnectionResetError:
        pass
    except OSError as error:
        cannot(f"the hypervisor does not answer: {error}")
    print("answer", TOKEN.decode())
