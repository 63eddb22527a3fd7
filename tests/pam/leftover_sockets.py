#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets that outlive the session in which they were made.

leftover_sockets.py sink           a proxy that takes connections and reads nothing until /tmp/sink.read is there
leftover_sockets.py orphan         connects to it, writes until nothing more fits, closes, ends
leftover_sockets.py keep           takes a socket from whoever brings one, until /tmp/keep.go; then sends by it
leftover_sockets.py hand-over      a UDP socket with an address, to the keeper; ends
leftover_sockets.py abroad         takes a UDP socket along into a network namespace of its own, and stays
leftover_sockets.py euid UID       root's, with the effective uid of UID, until it is killed
"""
import ctypes
import os
import socket
import sys
import time

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SINK = ("127.0.0.1", 3129)
MEETING = "/tmp/meeting"
WORLD = ("192.0.2.2", 9999)


def tell(name):
    with open(f"/tmp/{name}", "w"):
        pass


def wait_for(name):
    while not os.path.exists(f"/tmp/{name}"):
        time.sleep(0.02)


def drain(peers):
    for peer in peers:
        peer.setblocking(True)
        while peer.recv(65536):
            pass
        peer.close()


def sink():
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(SINK)
        listener.listen(8)
        listener.settimeout(0.05)
        tell("sink.there")
        peers = []
        while True:
            try:
                peers.append(listener.accept()[0])
            except TimeoutError:
                pass
            if os.path.exists("/tmp/sink.read"):
                drain(peers)
                peers = []


def orphan():
    with socket.create_connection(SINK) as out:
        out.setblocking(False)
        try:
            while True:
                out.send(b"x" * 65536)
        except BlockingIOError:
            pass


def keep():
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(MEETING)
        os.chmod(MEETING, 0o666)
        listener.listen(1)
        tell("keep.there")
        giver = listener.accept()[0]
        fds = socket.recv_fds(giver, 16, 1)[1]
        giver.close()
        tell("keep.has")
        wait_for("keep.go")
        with socket.socket(fileno=fds[0]) as taken:
            try:
                taken.sendto(b"handed-over", WORLD)
            except OSError:
                pass


def hand_over():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as given, socket.socket(socket.AF_UNIX) as taker:
        given.bind(("0.0.0.0", 4444))
        taker.connect(MEETING)
        socket.send_fds(taker, [b"x"], [given.fileno()])
        taker.recv(1)


def abroad():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET):
            sys.exit("unshare")
        tell("abroad.there")
        while True:
            try:
                out.sendto(b"abroad", WORLD)
            except OSError:
                pass
            time.sleep(0.05)


def main():
    if sys.argv[1] == "euid":
        os.seteuid(int(sys.argv[2]))
        tell("euid.there")
        time.sleep(1000)
    {"sink": sink, "orphan": orphan, "keep": keep, "hand-over": hand_over, "abroad": abroad}[sys.argv[1]]()


main()
