#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""su_caller.py HOW WHEN FOLDER: somebody who calls su, and then would rather stop it.

HOW   stop, kill, term: a signal; suspend, interrupt, quit: a key; hangup: the terminal goes away
WHEN  prompt: where su asks for the password; inside: when FOLDER/strike is there

Says in FOLDER/pid whom it called and in FOLDER/struck, when it is done, whether the signal was permitted.
Stays until FOLDER/done is there, so that its death is not what ends su.
"""
import os
import pty
import signal
import sys
import time

SIGNALS = {"stop": signal.SIGSTOP, "kill": signal.SIGKILL, "term": signal.SIGTERM}
KEYS = {"suspend": b"\x1a", "interrupt": b"\x03", "quit": b"\x1c"}
PATIENCE = 30


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit("su_caller: waited in vain")
        time.sleep(0.01)


def say(folder, name, text):
    with open(f"{folder}/{name}.new", "w") as file:
        file.write(text)
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}")


def strike(how, pid, terminal):
    if how in SIGNALS:
        try:
            os.kill(pid, SIGNALS[how])
        except PermissionError:
            return "not permitted"
    elif how in KEYS:
        os.write(terminal, KEYS[how])
    else:
        os.close(terminal)
    return "done"


def read_until(terminal, text):
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 1024)


def be_shell(folder):
    """A key stops only what has somebody in its session who could continue it: su must be a shell's job."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv("/usr/bin/su", ["su", "agent1", "-c", "lab-stay session"])
    say(folder, "pid", str(pid))
    while os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]):
        pass
    os._exit(0)


def main():
    how, when, folder = sys.argv[1:]
    shell, terminal = pty.fork()
    if shell == 0:
        be_shell(folder)
    wait_for(lambda: os.path.exists(f"{folder}/pid"))
    with open(f"{folder}/pid") as file:
        pid = int(file.read())
    read_until(terminal, b"assword: ")
    if when == "inside":
        os.write(terminal, b"agent1\n")
        wait_for(lambda: os.path.exists(f"{folder}/strike"))
    say(folder, "struck", strike(how, pid, terminal))
    wait_for(lambda: os.path.exists(f"{folder}/done"))


main()
