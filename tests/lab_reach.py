#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a session can reach: one line for each way out, tried with the caller's own sockets.

lab_reach.py TAG [WAY...]    prints "WAY reached|refused|silent DETAIL MILLISECONDS"
TAG goes along in every message, so that the world's log shows whose attempt arrived.
"refused" is the kernel's own answer here; "silent" is none within a second.
"""
import errno
import socket
import struct
import sys
import time

WORLD4, WORLD6 = "192.0.2.2", "2001:db8::2"
PROXY = ("127.0.0.1", 3128)
UDP_PORT = 9999
SECONDS = 1


def ask_web(address, url, host):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(SECONDS)
        sock.connect(address)
        sock.sendall(f"GET {url} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        answer = b""
        while piece := sock.recv(4096):
            answer += piece
    return b"the page of the world" in answer


def tcp4(tag):
    return ask_web((WORLD4, 80), f"/{tag}", WORLD4)


def tcp6(tag):
    return ask_web((WORLD6, 80), f"/{tag}", f"[{WORLD6}]")


def proxy(tag):
    return ask_web(PROXY, f"http://{WORLD4}/{tag}-by-proxy", WORLD4)


def exchange(family, kind, protocol, address, message):
    with socket.socket(family, kind, protocol) as sock:
        sock.settimeout(SECONDS)
        # Connected, because a ping socket over IPv6 does not learn otherwise: sendto() succeeds.
        sock.connect(address)
        sock.send(message)
        return bool(sock.recv(4096))


def udp4(tag):
    return exchange(socket.AF_INET, socket.SOCK_DGRAM, 0, (WORLD4, UDP_PORT), tag.encode())


def udp6(tag):
    return exchange(socket.AF_INET6, socket.SOCK_DGRAM, 0, (WORLD6, UDP_PORT), tag.encode())


def question(tag):
    labels = b"".join(bytes([len(label)]) + label for label in (tag.encode(), b"world", b"test"))
    return struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


def dns4(tag):
    return exchange(socket.AF_INET, socket.SOCK_DGRAM, 0, (WORLD4, 53), question(tag))


def dns6(tag):
    return exchange(socket.AF_INET6, socket.SOCK_DGRAM, 0, (WORLD6, 53), question(tag))


def icmp4(tag):
    return exchange(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP, (WORLD4, 0),
                    struct.pack("!BBHHH", 8, 0, 0, 0, 1) + tag.encode())


def icmp6(tag):
    return exchange(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6, (WORLD6, 0),
                    struct.pack("!BBHHH", 128, 0, 0, 0, 1) + tag.encode())


WAYS = {way.__name__: way for way in
        (tcp4, tcp6, udp4, udp6, icmp4, icmp6, dns4, dns6, proxy)}


def attempt(way, tag):
    try:
        return ("reached", "-") if WAYS[way](tag) else ("silent", "no-page")
    except socket.timeout:
        return "silent", "timeout"
    except OSError as error:
        return "refused", errno.errorcode.get(error.errno, str(error.errno))


def main(tag, *ways):
    for way in ways or WAYS:
        start = time.monotonic()
        verdict, detail = attempt(way, tag)
        print(way, verdict, detail, int((time.monotonic() - start) * 1000), flush=True)


main(*sys.argv[1:])
