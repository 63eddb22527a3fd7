#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""loopback_ear.py DEVICE LOG READY: what arrives on DEVICE for a loopback address; a line of LOG for each packet.

READY is made when it listens.
"""
import ipaddress
import os
import socket
import sys

ETH_P_ALL, PACKET_OUTGOING = 3, 4


def destination(frame):
    kind = frame[12:14]
    if kind == b"\x08\x00":
        return ipaddress.ip_address(frame[30:34])
    if kind == b"\x86\xdd":
        return ipaddress.ip_address(frame[38:54])
    return None


def main(device, log_path, ready_path):
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    ear.bind((device, 0))
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.close(os.open(ready_path, os.O_WRONLY | os.O_CREAT, 0o644))
    while True:
        frame, meta = ear.recvfrom(65535)
        to = destination(frame)
        if meta[2] != PACKET_OUTGOING and to and to.is_loopback:
            payload = "payload" if b"PAYLOAD-IN-THE-FIRST-PACKET" in frame else "bare"
            os.write(log, f"{to} {payload}\n".encode())


main(*sys.argv[1:])
