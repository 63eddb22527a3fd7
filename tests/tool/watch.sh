#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch tells of denied packets as they happen: whose, where to, by which process; and of how many it cannot.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
# shellcheck source=tests/tool/watch.bash
. "$(dirname "$0")/watch.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_account agent2 2002
lab_config '' 'user = "agent1";' 'user = "agent2";'
# What the route guard refuses never becomes a packet that could be told of.
sed -i 's/proxy = /log = { group = 9; rate = "10000\/second"; }; proxy = /' /etc/egress/egress.conf

# By newuidmap, which is what gives an account its subordinate uids; and by root, of somebody who has none.
as_subordinate() { as_agent1 unshare --user --map-auto --setuid 5 --setgid 0 "$@"; }
as_uid() { setpriv --reuid="$1" --regid=2001 --clear-groups "${@:2}"; }
printf '%s\n' agent1:100000:65536 agent2:200000:65536 >/etc/subuid
cp /etc/subuid /etc/subgid

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
second_listener() { fails_with 1 'NFLOG group 9: cannot listen: another program does .*' watch; }
case_ "a second listener of the group gets one line" second_listener
case_ "it ends when it is told to" stop

as_json() {
	start --json && knock && wait_for 5 told '"port":4432' && stop && document fits watch "$LAB/watched" '
		all(list(e) == ["time", "account", "uid", "protocol", "destination", "port", "process"] for e in d)
		and all(e["account"] == "agent1" and e["uid"] == 2001 for e in d)
		and {(p, to, n) for p, n in (("tcp", 4431), ("udp", 4432)) for to in ("192.0.2.2", "2001:db8::2")}
			<= {(e["protocol"], e["destination"], e["port"]) for e in d}
		and any(e["process"] and e["process"]["name"] == "python3" and e["process"]["pid"] > 1 for e in d)'
}
case_ "--json: a line an event, with stable keys" as_json

# ---- subordinate uids ------------------------------------------------------------------------------

# How often the library is asked for all that is held.
cat >/tmp/looks.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

int egress_list(void *ctx, void *ret)
{
	int (*list)(void *, void *) = (int (*)(void *, void *))dlsym(RTLD_NEXT, "egress_list");
	int file = open("/tmp/looks", O_WRONLY | O_APPEND | O_CLOEXEC);

	if (write(file, "look\n", 5) != 5)
		_exit(99);
	close(file);
	return list(ctx, ret);
}
END
cc -shared -fPIC -o /tmp/looks.so /tmp/looks.c
counted() {
	local WRAP=(env LD_PRELOAD=/tmp/looks.so)
	: >/tmp/looks
	"$@"
}
looks() { wc -l </tmp/looks; }
# ended STATUS: of what was tried while it watched.
ended() { stop && return "$1"; }

by_name() {
	counted start && knock as_subordinate && wait_for 5 told_of_all
	told_of_all && told 'udp +192\.0\.2\.2:4432 +[0-9]+ python3' && [ "$(looks)" = 1 ]
	ended $?
}
case_ "a subordinate uid is told as its account, by one look at what is held" by_name
by_name_json() {
	start --json && knock as_subordinate && wait_for 5 told '"account":"agent1","uid":100005,.*"port":4432'
	ended $?
}
case_ "--json: the account, and the uid that it was" by_name_json
held_later() {
	start || return
	egressctl hold agent2 >/dev/null && knock as_uid 200007 && knock as_uid 200007 && wait_for 5 told '  agent2  '
	ended $?
}
case_ "one that is held since is found when it comes" held_later
# Of whom nobody knows anything: somebody else's rule, with our prefix.
nft 'table inet strange { chain output { type filter hook output priority 0;
	meta skuid 300001 log prefix "egress " group 9 drop; }; }'
strangers() {
	local began=$SECONDS
	counted start || return
	as_uid 300001 python3 -I -c '
import socket, time
s = socket.socket(type=socket.SOCK_DGRAM)
for _ in range(150):
    try:
        s.sendto(b"x", ("'"$WORLD4"'", 4434))
    except OSError:
        pass
    time.sleep(0.02)'
	wait_for 5 all_strangers && few_looks $((SECONDS - began + 2))
	ended $?
}
few_looks() {
	local count
	count=$(looks)
	[ "$count" -ge 2 ] && [ "$count" -le "$1" ] && return
	echo "$count looks, of which 2 to $1 should be"
	return 1
}
all_strangers() { [ "$(grep -c '  uid 300001  ' "$LAB/watched")" = 150 ]; }
case_ "a uid of nobody stays a number, and costs no look a packet" strangers
nft delete table inet strange
# With the capability, but not root.
numbers() {
	local WRAP=(setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=+net_admin --ambient-caps=+net_admin)
	start && knock as_subordinate && wait_for 5 told '  uid 100005  ' &&
		[ "$(cat "$LAB/watch.err")" = "egressctl: watch: subordinate uids stay numbers for now: privilege: effective uid 0 is needed" ]
	ended $?
}
case_ "who may not look at what is held sees numbers, and is told" numbers

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
	stop && document fits watch "$LAB/watched" && return "$status"
}
settled() { local n; n=$(wc -l <"$LAB/watched"); sleep 0.5; [ "$(wc -l <"$LAB/watched")" -eq "$n" ]; }
case_ "what the kernel dropped is counted" lost

closed_pipe() {
	rm -f /tmp/status
	{ "$EGRESSCTL" watch 2>"$LAB/err"; echo $? >/tmp/status; } | head -n 1 >"$LAB/out" &
	wait_for 10 bound && knock && wait_for 5 test -s /tmp/status && silent err && [ "$(cat /tmp/status)" = 1 ]
}
case_ "a reader that has seen enough ends it without a word" closed_pipe
unprivileged() {
	WRAP=(setpriv --reuid=2001 --regid=2001 --clear-groups); fails_with 1 'NFLOG group 9: cannot listen: needs root' watch
	local status=$?
	WRAP=()
	return "$status"
}
case_ "without privilege: one line" unprivileged
silent_profiles() { sed -i 's/log = {[^}]*};/log = false;/' /etc/egress/egress.conf; fails_with 3 'watch: nothing to see: each profile says log = false' watch; }
case_ "no profile logs: one line, exit 3" silent_profiles
case_ "too many arguments" fails_with 2 'watch: "x": one argument too many' watch x
lab_end
