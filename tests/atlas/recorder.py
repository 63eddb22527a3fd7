#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What arrives of an attempt: every token that comes in becomes one line of the log.

recorder.py world LOG READY    an ear on the wire, and listeners for TCP to talk to
recorder.py host LOG READY     other accounts' services on this host, and a vsock listener
A token is "atlas" and twelve hexadecimal digits; PORT_SHUT's listener reads nothing until the file
READY.open is there.
"""
import os
import re
import socket
import sys
import threading
import time

TOKEN = re.compile(rb"atlas[0-9a-f]{12}")
WORLD_PORTS = (443, 2222, 8443)
MPTCP_PORT, PORT_SHUT = 8444, 9009
PORT_CALLED, PORT_CALLED_FAST = 8090, 8091
TCP_FASTOPEN_NO_COOKIE = 34
IPPROTO_MPTCP = 262
HOST_PORT = 8081
HOST4, HOST6 = "192.0.2.1", "2001:db8::1"
ETH_P_ALL = 3
PACKET_OUTGOING = 4


class Log:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def look_for_tokens(self, data, how):
        for token in TOKEN.findall(data):
            os.write(self.fd, token + b" " + how.encode() + b"\n")


def in_thread(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()


def ear(log):
    """All that this side of the wire gets, whatever it is: no list of protocols to forget one in."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    while True:
        frame, meta = sock.recvfrom(65535)
        if meta[2] != PACKET_OUTGOING:
            log.look_for_tokens(frame, "frame")
            look_for_arp(frame, log)
            look_for_reset(frame, log)


def look_for_arp(frame, log):
    """Who asks for 192.0.2.100 to 192.0.2.254 tells a number, and that is a message."""
    if frame[12:14] == b"\x08\x06" and frame[38:41] == bytes((192, 0, 2)) and frame[41] >= 100:
        os.write(log.fd, b"arp %d\n" % frame[41])


def look_for_reset(frame, log):
    """To whom it goes, and by its source and ports what is said, is for whoever was refused to choose."""
    if frame[12:14] == b"\x86\xdd" and frame[20] == socket.IPPROTO_TCP and len(frame) >= 74 and frame[67] & 4:
        os.write(log.fd, b"reset %d\n" % int.from_bytes(frame[56:58], "big"))


def read_all(conn, log, how):
    data = b""
    with conn:
        while piece := conn.recv(65536):
            data = data[-32:] + piece
            log.look_for_tokens(data, how)


def serve(sock, log, how):
    sock.listen(64)
    while True:
        conn, _ = sock.accept()
        in_thread(read_all, conn, log, how)


def serve_shut(sock, log, ready):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.listen(64)
    while True:
        conn, _ = sock.accept()
        in_thread(read_when_open, conn, log, ready)


def read_when_open(conn, log, ready):
    while not os.path.exists(ready + ".open"):
        time.sleep(0.02)
    read_all(conn, log, "shut")


def call(log):
    """Whoever listens on the host is called, and may say something."""
    while True:
        time.sleep(0.05)
        try:
            read_all(socket.create_connection((HOST4, PORT_CALLED), 1), log, "called")
        except OSError:
            pass


def call_fast(log):
    """The same with a first word in the SYN."""
    while True:
        time.sleep(0.05)
        try:
            sock = socket.socket()
            sock.settimeout(1)
            sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1)
            sock.sendto(b"hello", socket.MSG_FASTOPEN, (HOST4, PORT_CALLED_FAST))
            read_all(sock, log, "called")
        except OSError:
            pass


def bound(family, kind, address, protocol=0):
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(address)
    return sock


def read_datagrams(sock, log, how):
    while True:
        log.look_for_tokens(sock.recv(65535), how)


def world(log, ready):
    in_thread(ear, log)
    in_thread(call, log)
    in_thread(call_fast, log)
    for port in WORLD_PORTS:
        for family in (socket.AF_INET, socket.AF_INET6):
            in_thread(serve, bound(family, socket.SOCK_STREAM, ("", port)), log, "tcp")
    in_thread(serve, bound(socket.AF_INET, socket.SOCK_STREAM, ("", MPTCP_PORT), IPPROTO_MPTCP), log, "mptcp")
    in_thread(serve_shut, bound(socket.AF_INET, socket.SOCK_STREAM, ("", PORT_SHUT)), log, ready)


def host(log, _ready):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, HOST4), (socket.AF_INET6, "::1"),
                            (socket.AF_INET6, HOST6)):
        in_thread(serve, bound(family, socket.SOCK_STREAM, (address, HOST_PORT)), log, address)
        in_thread(read_datagrams, bound(family, socket.SOCK_DGRAM, (address, HOST_PORT)), log, address)
    in_thread(read_datagrams, bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.53", 53)), log, "stub")
    try:
        vsock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        vsock.bind((socket.VMADDR_CID_ANY, HOST_PORT))
    except OSError:
        return    # this kernel has none; the attempt says so
    in_thread(serve, vsock, log, "vsock")


def main(role, log_path, ready):
    {"world": world, "host": host}[role](Log(log_path), ready)
    with open(ready, "w", encoding="ascii"):
        pass
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
