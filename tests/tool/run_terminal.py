# SPDX-License-Identifier: GPL-2.0-or-later
"""run_terminal.py STORY UID: egressctl run under a shell with job control, on a terminal of its own."""
import os, pty, re, select, subprocess, sys, time

story, uid = sys.argv[1], sys.argv[2]


class Terminal:
    def __init__(self):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"],
                       dict(os.environ, PS1="ready> ", TERM="dumb"))
        self.expect("ready> ")

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                pass

    def expect(self, pattern):
        """Returns the match and forgets what was seen up to its end."""
        end = time.monotonic() + 15
        while time.monotonic() < end:
            match = re.search(pattern, self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return match
            self.read(0.1)
        sys.exit("never seen: %s; but: %r" % (pattern, self.seen[-300:]))

    def type(self, text):
        os.write(self.fd, text.encode())


def wait_for(what, why):
    end = time.monotonic() + 15
    while time.monotonic() < end:
        if what():
            return
        terminal.read(0.05)
    sys.exit("%s; terminal: %r" % (why, terminal.seen[-300:]))


def pids(*pattern):
    out = subprocess.run(["pgrep", *pattern], capture_output=True, text=True).stdout
    return [int(pid) for pid in out.split()]


def ours(name):
    return pids("-U", uid, "-x", name)


def state(pid):
    with open("/proc/%d/stat" % pid) as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def tool_pid(command_pid):
    with open("/proc/%d/stat" % command_pid) as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


def run_sleep():
    terminal.type("egressctl run agent1 -- sleep 1000\n")
    wait_for(lambda: ours("sleep"), "sleep does not run")
    sleep, = ours("sleep")
    return sleep, tool_pid(sleep)


def ends_with(status):
    terminal.type("echo status=$?.\n")
    got = terminal.expect(r"status=(\d+)\.").group(1)
    if int(got) != status:
        sys.exit("status %s instead of %d" % (got, status))


def interrupt():
    run_sleep()
    terminal.type("\x03")
    wait_for(lambda: not ours("sleep"), "^C does not end it")
    ends_with(130)


def suspend():
    sleep, tool = run_sleep()
    terminal.type("\x1a")
    wait_for(lambda: state(sleep) == "T" and state(tool) == "T", "^Z does not stop both")
    terminal.expect("Stopped")
    terminal.type("fg\n")
    wait_for(lambda: state(sleep) == "S" and state(tool) == "S", "fg does not continue both")
    terminal.type("\x03")
    wait_for(lambda: not ours("sleep"), "^C does not end it")
    ends_with(130)


def shell():
    """A shell with job control of its own, which stops itself."""
    terminal.type("egressctl run agent1 -- bash --norc --noprofile --noediting -i\n")
    terminal.expect(r"\$ ")
    bash, = ours("bash")
    tool = tool_pid(bash)
    terminal.type("suspend\n")
    wait_for(lambda: state(bash) == "T" and state(tool) == "T", "suspend does not stop both")
    terminal.expect("Stopped.*\r\nready> ")
    terminal.type("fg\n")
    wait_for(lambda: state(bash) == "S" and state(tool) == "S", "fg does not continue both")
    terminal.type("\nsleep 1000\n")
    wait_for(lambda: ours("sleep"), "sleep does not run")
    terminal.type("\x03")
    wait_for(lambda: not ours("sleep"), "^C does not end the shell's job")
    terminal.type("exit 9\n")
    terminal.expect("ready> ")
    ends_with(9)


def hangup():
    sleep, tool = run_sleep()
    os.close(terminal.fd)
    end = time.monotonic() + 15
    while ours("sleep") or os.path.exists("/proc/%d" % tool):
        if time.monotonic() > end:
            sys.exit("a hangup does not end it")
        time.sleep(0.05)


def notice():
    terminal.type("egressctl run agent1 -- true\n")
    terminal.expect("\r\negress: this account reaches only the proxy 127.0.0.1:3128; why: /usr/sbin/egressctl explain agent1 ")


PUSH = ("import fcntl, termios\nfor c in b'touch /tmp/pushed\\n':\n"
        " fcntl.ioctl(0, termios.TIOCSTI, bytes([c]))\n")


def pushes(before):
    with open("/tmp/push.py", "w") as file:
        file.write(PUSH)
    if os.path.exists("/tmp/pushed"):
        os.unlink("/tmp/pushed")
    terminal.type("%s python3 -I /tmp/push.py\n" % before)
    terminal.expect("ready> ")
    terminal.type("echo pushed=$(ls /tmp/pushed).\n")
    return "/tmp/pushed" in terminal.expect(r"pushed=(/.*)?\.\r").group(0)


def push_control():
    if not pushes("setpriv --reuid=%s --clear-groups" % uid):
        sys.exit("nothing was pushed")


def push():
    if pushes("egressctl run agent1 --"):
        sys.exit("the account typed a command into root's shell")


terminal = Terminal()
globals()[story]()
