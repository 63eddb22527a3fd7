#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The other ends of the lab.

lab_server.py world LOG READY    a web server, a UDP echo, a name server, and an ear on the wire;
                                 every arrival becomes one line of LOG
lab_server.py syslog LOG READY   /dev/log; every message becomes one line of LOG
READY is made when everything listens. Needs python3-minimal only.
"""
import os
import re
import socket
import struct
import sys
import threading

PAGE = b"This is the page of the world.\n"
ADDRESS4, ADDRESS6 = "192.0.2.2", "2001:db8::2"
UDP_PORT = 9999
ETH_P_ALL, PACKET_HOST = 3, 0
SSH_PORT = 22
SETTLE_PORT = 7777
ICMP_UNREACHABLE, ICMP6_UNREACHABLE = 3, 1


class Log:
    """Appends whole lines of plain ASCII, so that nobody ever reads half of one."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, line):
        clean = "".join(c for c in line if " " <= c <= "~")
        os.write(self.fd, (clean + "\n").encode())


def text(data):
    return data.decode("ascii", "replace").rstrip("\n")


def in_thread(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()


def listener(family, kind, port):
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("", port))
    if kind == socket.SOCK_STREAM:
        sock.listen(64)
    return sock


def answer_web(conn, peer, name, log):
    with conn:
        conn.settimeout(10)
        request = b""
        try:
            while b"\r\n\r\n" not in request and len(request) < 65536:
                piece = conn.recv(4096)
                if not piece:
                    break
                request += piece
            head = text(request).split("\r\n")
            via = " via a proxy" if re.search(r"(?im)^via:", text(request)) else ""
            log.write(f"{name} {peer[0]} {head[0]}{via}")
            conn.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
                         % len(PAGE) + PAGE)
        except OSError as error:
            log.write(f"{name} {peer[0]} connected, then {error}")


def serve_web(sock, name, log):
    while True:
        conn, peer = sock.accept()
        in_thread(answer_web, conn, peer, name, log)


def serve_echo(sock, name, log):
    while True:
        data, peer = sock.recvfrom(65535)
        log.write(f"{name} {peer[0]} {text(data)}")
        sock.sendto(data, peer)


def dns_question(data):
    """The name, its type, and where the question ends."""
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("ascii", "replace"))
        at += 1 + data[at]
    return ".".join(labels), struct.unpack_from("!H", data, at + 1)[0], at + 5


def dns_answer(data, kind, end):
    """Every name there is has the world's addresses."""
    address = {1: socket.inet_pton(socket.AF_INET, ADDRESS4),
               28: socket.inet_pton(socket.AF_INET6, ADDRESS6)}.get(kind)
    head = data[:2] + struct.pack("!5H", 0x8180, 1, 1 if address else 0, 0, 0)
    if not address:
        return head + data[12:end]
    return head + data[12:end] + struct.pack("!HHHIH", 0xc00c, kind, 1, 1, len(address)) + address


def serve_dns(sock, name, log):
    while True:
        data, peer = sock.recvfrom(4096)
        try:
            asked, kind, end = dns_question(data)
        except (IndexError, struct.error):
            log.write(f"{name} {peer[0]} not a question: {text(data)}")
            continue
        log.write(f"{name} {peer[0]} {asked}")
        sock.sendto(dns_answer(data, kind, end), peer)


def ip_packet(frame):
    """(version, protocol, source, destination, payload) of what follows the Ethernet header, or None."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    packet = frame[14:]
    if kind == 0x0800:
        return (4, packet[9], socket.inet_ntop(socket.AF_INET, packet[12:16]),
                socket.inet_ntop(socket.AF_INET, packet[16:20]), packet[(packet[0] & 15) * 4:])
    if kind == 0x86dd:
        return (6, packet[6], socket.inet_ntop(socket.AF_INET6, packet[8:24]),
                socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[40:])
    return None


def arrival(version, protocol, source, destination, payload):
    """The line for one packet; None for the kernel's own housekeeping and for ssh's answers.

    What is sent to SETTLE_PORT tells a test that all earlier packets have been logged."""
    to = f"{source} > {destination}"
    if protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP, 136) and len(payload) >= 4:
        name = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}.get(protocol, "udplite")
        from_port, to_port = struct.unpack_from("!HH", payload)
        if name == "tcp" and from_port == SSH_PORT:
            return None
        if name == "udp" and to_port == SETTLE_PORT:
            return f"settled {text(payload[8:])}"
        return f"packet{version} {name} {to} port {to_port}"
    if (version, protocol) == (4, socket.IPPROTO_ICMP):
        if payload[0] == ICMP_UNREACHABLE:
            return None
        return f"packet4 icmp {to} type {payload[0]} {text(payload[8:])}"
    if (version, protocol) == (6, socket.IPPROTO_ICMPV6):
        if payload[0] == ICMP6_UNREACHABLE or payload[0] >= 130:    # listeners, neighbours, routers
            return None
        return f"packet6 icmp {to} type {payload[0]} {text(payload[8:])}"
    if (version, protocol) in ((4, 2), (6, 0)):    # IGMP; MLD behind a hop-by-hop header
        return None
    return f"packet{version} protocol {protocol} {to}"


def listen_to_the_wire(sock, log):
    while True:
        frame, meta = sock.recvfrom(65535)
        if meta[2] != PACKET_HOST:
            continue
        try:
            packet = ip_packet(frame)
            line = arrival(*packet) if packet else None
        except (IndexError, struct.error, ValueError):
            line = f"packet unreadable {frame.hex()}"
        if line:
            log.write(line)


def world(log):
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    in_thread(listen_to_the_wire, ear, log)
    for family, digit in ((socket.AF_INET, "4"), (socket.AF_INET6, "6")):
        in_thread(serve_web, listener(family, socket.SOCK_STREAM, 80), "web" + digit, log)
        in_thread(serve_echo, listener(family, socket.SOCK_DGRAM, UDP_PORT), "udp" + digit, log)
        in_thread(serve_dns, listener(family, socket.SOCK_DGRAM, 53), "dns" + digit, log)


def collect_syslog(sock, log):
    while True:
        message = text(sock.recv(65535)).rstrip("\0")
        log.write(re.sub(r"^<\d+>", "", message))


def syslog(log):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    in_thread(collect_syslog, sock, log)


def main(role, log_path, ready_path):
    {"world": world, "syslog": syslog}[role](Log(log_path))
    with open(ready_path, "w", encoding="ascii"):
        pass
    threading.Event().wait()


main(*sys.argv[1:])
