#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch tells of denied packets as they happen: whose, where to, by which process; and of how many it cannot.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_account agent2 2002
lab_config
# What the route guard refuses never becomes a packet that could be told of.
sed -i 's/proxy = /log = { group = 9; rate = "10000\/second"; }; proxy = /' /etc/egress/egress.conf

as_agent1() { setpriv --reuid=2001 --regid=2001 --clear-groups "$@"; }

# start ARGS...: watch in the background, its words in watched.
start() {
	# For people a terminal, for scripts a file: each line is there at once.
	"$EGRESSCTL" "$@" watch >"$LAB/watched" 2>"$LAB/watch.err" &
	watcher=$!
	wait_for 10 bound || { cat "$LAB/watch.err"; return 1; }
}
bound() { awk '$1 == 9 { found = 1 } END { exit !found }' /proc/net/netfilter/nfnetlink_log; }
stop() { kill "$watcher"; wait "$watcher"; [ $? -eq 143 ]; }
told() { grep -Eq -e "$1" "$LAB/watched"; }

knock() { as_agent1 python3 -I -c '
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

case_ "nothing is set up for it but the hold" egressctl hold agent1
told_of_all() {
	local way
	for way in 'tcp +192\.0\.2\.2:4431' 'tcp +\[2001:db8::2\]:4431' 'udp +192\.0\.2\.2:4432' 'udp +\[2001:db8::2\]:4432'; do
		told "^20[0-9-]+T[0-9:]+Z  agent1 +$way +" || { cat "$LAB/watched"; echo "nothing of $way"; return 1; }
	done
}
text() {
	start || return
	knock
	wait_for 5 told_of_all
	told_of_all && told '^TIME +ACCOUNT +PROTO +DESTINATION +PROCESS$'
}
case_ "each denied packet is told: account, protocol, destination, in both families" text
case_ "with the process, where its socket is still there" told 'udp +192\.0\.2\.2:4432 +[0-9]+ python3'
second_listener() { fails_with 1 'NFLOG group 9: cannot listen: .*' watch; }
case_ "a second listener of the group gets one line" second_listener
case_ "it ends when it is told to" stop

as_json() {
	start --json && knock && wait_for 5 told '"port":4432' && stop && python3 -I -c '
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
keys = ["time", "account", "uid", "protocol", "destination", "port", "process"]
wanted = {(p, d, n) for p, n in (("tcp", 4431), ("udp", 4432)) for d in ("192.0.2.2", "2001:db8::2")}
assert all(list(e) == keys and e["account"] == "agent1" and e["uid"] == 2001 for e in events), events
assert wanted <= {(e["protocol"], e["destination"], e["port"]) for e in events}, events
assert any(e["process"] and e["process"]["name"] == "python3" and e["process"]["pid"] > 1 for e in events), events
' "$LAB/watched"
}
case_ "--json: a line an event, with stable keys" as_json

# A reader that does not read: the kernel runs out of room, and the numbers have a gap.
flood() { as_agent1 python3 -I -c '
import socket, time
s = socket.socket(type=socket.SOCK_DGRAM)
end = time.monotonic() + 4    # a rule tells of 10000 a second at most, and of few at once
while time.monotonic() < end:
    try:
        s.sendto(b"x" * 100, ("'"$WORLD4"'", 4433))
    except OSError:
        pass'; }
lost() {
	start --json && kill -STOP "$watcher" && flood && kill -CONT "$watcher" || return 1
	wait_for 60 settled && knock && wait_for 60 told '"lost":[0-9]+'
	local status=$?
	stop && return "$status"
}
settled() { local n; n=$(wc -l <"$LAB/watched"); sleep 0.5; [ "$(wc -l <"$LAB/watched")" -eq "$n" ]; }
case_ "what the kernel dropped is counted" lost

closed_pipe() {
	"$EGRESSCTL" watch 2>"$LAB/err" | head -n 1 >"$LAB/out" &
	wait_for 10 bound && knock && wait_for 5 not bound && silent err
}
case_ "a reader that has seen enough ends it without a word" closed_pipe
unprivileged() {
	WRAP=(setpriv --reuid=2001 --regid=2001 --clear-groups); fails_with 1 'NFLOG.*cannot listen: .*' watch
	local status=$?
	WRAP=()
	return "$status"
}
case_ "without privilege: one line" unprivileged
silent_profiles() { sed -i 's/log = {[^}]*};/log = false;/' /etc/egress/egress.conf; fails_with 3 'watch: nothing to see: each profile says log = false' watch; }
case_ "no profile logs: one line, exit 3" silent_profiles
case_ "too many arguments" fails_with 2 'watch: "x": one argument too many' watch x
lab_end
