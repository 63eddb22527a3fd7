# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a program and stops at each process that it forks, before that has done anything (ptrace)."""
import ctypes
import os
import signal

TRACEME, CONT, SETOPTIONS = 0, 7, 0x4200
# Fork, vfork and clone are followed; what is traced dies with its tracer.
OPTIONS = 0x2 | 0x4 | 0x8 | 0x100000
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, pid, data=0):
    if libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request} of {pid}")


def become(words, output):
    try:
        os.dup2(output, 1)
        ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execvp(words[0], words)
    finally:
        os._exit(127)


def follow(pid, at_fork):
    """The wait status of PID; there must be no other children."""
    known = {pid}
    while True:
        who, status = os.waitpid(-1, WALL)
        if not os.WIFSTOPPED(status):
            if who == pid:
                return status
            continue
        passed_on = os.WSTOPSIG(status)
        if who not in known:  # its first stop
            known.add(who)
            at_fork()
            passed_on = 0
        elif passed_on == signal.SIGTRAP:  # of ptrace's own, as at a fork
            passed_on = 0
        ptrace(CONT, who, passed_on)


def run(words, at_fork):
    """(exit status, standard output)"""
    output = os.memfd_create("output")
    pid = os.fork()
    if pid == 0:
        become(words, output)
    os.waitpid(pid, WALL)
    ptrace(SETOPTIONS, pid, OPTIONS)
    ptrace(CONT, pid)
    status = os.waitstatus_to_exitcode(follow(pid, at_fork))
    with os.fdopen(output, "rb") as file:
        file.seek(0)
        return status, file.read().decode()
