# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# watch in the background, and something for it to tell; sourced after tool.bash.

as_agent1() { setpriv --reuid=2001 --regid=2001 --clear-groups "$@"; }

# start ARGS...: watch in the background, its words in watched.
start() {
	# For people a terminal, for scripts a file: each line is there at once.
	"${WRAP[@]}" "$EGRESSCTL" "$@" watch >"$LAB/watched" 2>"$LAB/watch.err" &
	watcher=$!
	wait_for 10 bound || { cat "$LAB/watch.err"; return 1; }
}
bound() { awk '$1 == 9 { found = 1 } END { exit !found }' /proc/net/netfilter/nfnetlink_log; }
stop() { kill "$watcher"; wait "$watcher"; [ $? -eq 143 ]; }
told() { grep -Eq -e "$1" "$LAB/watched"; }

# knock [AS...]: four packets.
knock() { "${@:-as_agent1}" python3 -I -c '
import socket, time
for kind, port in ((socket.SOCK_STREAM, 4431), (socket.SOCK_DGRAM, 4432)):
    for family, address in ((socket.AF_INET, "'"$WORLD4"'"), (socket.AF_INET6, "'"$WORLD6"'")):
        try:
            s = socket.socket(family, kind); s.connect((address, port)); s.send(b"x")
        except OSError as error:
            pass
        if kind == socket.SOCK_DGRAM:
            keep = s, globals().get("keep")
time.sleep(1)'; }
