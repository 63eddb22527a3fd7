#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The atlas: every known way out of an account's rules, each with its control.
#
#	atlas.sh [--table|--json] [ROW...]
#
# A row is a file in rows/, run as the account in a real ssh session; its head says
#	# row: B1                      its number
#	# what: ...                    in words
#	# defences: A B                what closes it; each alone must, and without all of them it must get out
# and, where that is so,
#	# before: yes                  a part of it runs before the account is held
#	# after: yes                   it goes on after logout
#	# session: none                nobody logs in
#	# arrives: arp                 what it says is in a question, not in a packet
#	# arrives: reset               what it says is in the ports of what refuses it
#	# arrives: answer              nobody here can hear it: that it was answered is its own word
# What decides is what arrived: in the world across the wire, at other accounts' services on the host.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

lab_start "$@"
format=tap
case ${1-} in
--table | --json)
	format=${1#--}
	shift ;;
esac

here=$lab_source/tests/atlas
arrivals=$LAB/arrivals
uid=2001
lib=/usr/local/lib/atlas

# ---- the place ---------------------------------------------------------------------------------

record() {
	local role=$1
	shift
	"$@" /usr/bin/python3 -I "$here/recorder.py" "$role" "$arrivals" "/tmp/recorder-$role" 2>"$LAB/recorder-$role.err" &
	wait_for 10 test -e "/tmp/recorder-$role"
}

# A setuid-root program that sends a datagram, which is all that the old ones do that matter here.
make_setuid_program() {
	cat >/tmp/send.c <<-'END'
		#include <arpa/inet.h>
		#include <string.h>
		#include <sys/socket.h>
		int main(int argc, char **argv)
		{
			struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(443) };
			return argc != 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
			       sendto(socket(AF_INET, SOCK_DGRAM, 0), argv[2], strlen(argv[2]), 0, (void *)&to, sizeof(to)) < 0;
		}
	END
	gcc -o $lib/setuid-send /tmp/send.c && chmod 4755 $lib/setuid-send
}

set_up() {
	install -d $lib
	install -m 644 "$here"/attempt.py "$here"/rows/*.py $lib
	make_setuid_program
	lab_account agent1 $uid
	lab_account alice 2002
	printf 'agent1 ALL=(alice) NOPASSWD: ALL\n' >>/etc/sudoers
	useradd --system --no-create-home lab-service
	: >"$arrivals"
	chmod 666 "$arrivals"
	sysctl -qw net.ipv4.ip_unprivileged_port_start=0 net.ipv4.tcp_fastopen=3 net.ipv4.tcp_syncookies=2
	record world in_world
	record host setpriv --reuid lab-service --regid lab-service --clear-groups
	# Nobody answers for 127.0.0.1 on the wire, but a router that forwards it has an address of its own.
	ip neigh replace 127.0.0.1 dev to-world nud permanent lladdr "$(ip -n world -br link show to-host | awk '{ print $3 }')"
	lab_pam sshd requisite
	lab_sshd
}

# ---- a configuration with some defences ----------------------------------------------------------

has() { [[ " $active " == *" $1 "* ]]; }
choose() { if has "$1"; then echo "$2"; else echo "$3"; fi; }

# What the row names as its defences are off unless active; the hold is what all others stand beside.
is_held() { [[ " $defences " != *" hold "* ]] || [ -n "$active" ]; }

lets_go() { [[ " $defences " == *" lingering "* ]] && ! has lingering; }

configure() {
	local user=nobody-at-all
	is_held && user=agent1
	cat >/etc/egress/egress.conf <<-END
		backend = "$LAB_BACKEND";
		profiles = { default = {
			proxy = [ "127.0.0.1:3128" ];
			allow = ( { to = "$WORLD4/32"; proto = "udp"; ports = "4443"; }, { to = "$WORLD6/128"; proto = "udp"; ports = "4443"; } );
			hold = "$(choose always always session)";
			on_last_close = "$(lets_go && echo release || echo hold)";
			subordinate_ids = "$(choose subordinate_ids hold ignore)";
			no_new_privs = $(choose no_new_privs true false);
			socket_families = "$(choose socket_families ip any)";
			existing_sockets = "$(choose existing_sockets destroy keep)";
			route_guard = $(choose route_guard true false);
			notice = false;
		}; };
		accounts = ( { user = "$user"; } );
	END
	chmod 644 /etc/egress/egress.conf
}

# Another layer alone: the rules are gone, as after a firewall's reload.
flush_for_layer_alone() { ! { [[ " $defences " == *" hold "* ]] && [ -n "$active" ] && ! has hold; } || lab_flush; }

# ---- one attempt ---------------------------------------------------------------------------------

as_agent() { setpriv --reuid agent1 --regid agent1 --init-groups "$@"; }
python_row() { echo "PYTHONPATH=$lib python3 $lib/$file.py $token $1"; }

before() {
	as_agent bash -c "$(python_row before)" >/tmp/atlas-before 2>&1 &
	wait_for 10 test -e /tmp/atlas-ready
}

in_session() {
	if [ "$session" = none ]; then
		egressctl sync >/dev/null
		as_agent bash -c "$(python_row session)"
		return
	fi
	as_agent_ssh "touch /tmp/atlas-in; until [ -e /tmp/atlas-try ]; do sleep 0.02; done; $(python_row session)" &
	local job=$!
	wait_for 15 test -e /tmp/atlas-in || { wait $job; return 1; }
	flush_for_layer_alone
	touch /tmp/atlas-try
	wait $job
}

has_arrived() {
	case $arrives in
	answer) grep -qx "answer $token" "$LAB/said-by-it" ;;
	arp) grep -qx "arp $((100 + 16#${token: -4} % 155))" "$arrivals" ;;
	reset) grep -qx "reset $((20000 + 16#${token: -4} % 10000))" "$arrivals" ;;
	*) grep -q "^$token" "$arrivals" ;;
	esac
}

put_back() {
	pkill -KILL -u $uid
	wait_for 10 not pgrep -u $uid >/dev/null
	# The world's other ends may still be waiting for a window.
	touch /tmp/recorder-world.open
	# What a process has closed with data to send keeps its account held.
	ss -K "( dport = :9009 or sport = :8090 )" >/dev/null 2>&1
	egressctl reap >/dev/null 2>&1
	printf 'profiles = { default = { proxy = "127.0.0.1:3128"; }; };\naccounts = ();\n' >/etc/egress/egress.conf
	egressctl sync >/dev/null 2>&1
	wait_for 10 nothing_left
}

new_token() { echo "atlas$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')"; }

# What goes on after logout has ended, and root's own words after it have come in at all the ears.
all_is_heard() {
	local mark
	mark=$(new_token)
	[ -z "$after" ] || wait_for 10 not pgrep -u $uid >/dev/null || return
	echo "$mark" >/dev/udp/$WORLD4/443
	echo "$mark" >/dev/udp/127.0.0.1/8081
	wait_for 5 heard_twice "$mark"
}
heard_twice() { [ "$(grep -c "^$1" "$arrivals")" -ge 2 ]; }

# try DEFENCE...: 0 if it arrived, 1 if not; without a defence 77 if it cannot be made here, with one that is how it
# was stopped. The reason stands in $LAB/said-by-it.
try() {
	active="$*"
	token=$(new_token)
	rm -f /tmp/atlas-* /tmp/recorder-world.open
	: >"$arrivals"
	configure
	[ -z "$before" ] || before || return 3
	in_session >"$LAB/said-by-it" 2>&1
	local status=$?
	[ -z "$after" ] || touch /tmp/atlas-go
	touch /tmp/recorder-world.open
	if [ $status -ne 77 ] || [ $# -gt 0 ]; then
		if [ $# -eq 0 ]; then wait_for 3 has_arrived; else all_is_heard; fi
		has_arrived
		status=$?
	fi
	put_back || return 3
	return $status
}

# ---- a row ---------------------------------------------------------------------------------------

head_of() { sed -n "s/^# $1: //p" "$here/rows/$file.py"; }

read_row() {
	what=$(head_of what) defences=$(head_of defences) arrives=$(head_of arrives)
	before=$(head_of before) after=$(head_of after) session=$(head_of session)
}

control_worked() { [ "$control" -eq 0 ] || { cat "$LAB/said-by-it"; echo "it does not get out even without a defence"; return 1; }; }
is_stopped() {
	try "$@"
	local status=$?
	[ "$status" -eq 1 ] && return
	cat "$LAB/said-by-it"
	sort -u "$arrivals"
	echo "status $status: it got out"
	return 1
}

run_row() {
	local name defence
	read_row
	name="$file, $what"
	rows+=("$file")
	try >"$LAB/said" 2>&1
	control=$?
	if [ "$control" -eq 77 ]; then
		why=$(tail -n 1 "$LAB/said-by-it")
		verdict[$file]="not here: $why"
		skip "$file cannot be tried here" "$why"
		return
	fi
	case_ "$name: gets out without a defence" control_worked || { verdict[$file]="no control"; return; }
	verdict[$file]=PASS
	for defence in $defences; do
		case_ "$name: stopped by $defence alone" is_stopped "$defence" || verdict[$file]="ESCAPED $defence"
	done
	# shellcheck disable=SC2086  # a list of words
	[ "${defences/ /}" = "$defences" ] || case_ "$name: stopped" is_stopped $defences || verdict[$file]=ESCAPED
}

# ---- all of them ---------------------------------------------------------------------------------

# Each row's number, attempt, defences and verdict, between tabs; then those that are tests of their own.
print_rows() {
	local file
	for file in "${rows[@]}"; do
		printf '%s\t%s\t%s\t%s\n' "$file" "$(head_of what)" "$(head_of defences)" "${verdict[$file]}"
	done
	[ -n "${chosen-}" ] || awk -F '\t' -v OFS='\t' '!/^#/ { print $1, $2, "", "see tests/" $3 }' "$here/elsewhere"
}

print_table() {
	printf '\n'
	{ printf 'ROW\tATTEMPT\tDEFENCES\t%s\n' "${LAB_BACKEND^^}" && print_rows; } |
		awk -F '\t' '{ printf "%-18s %-72.72s %-30s %s\n", $1, $2, $3, $4 }'
}

print_json() {
	print_rows | /usr/bin/python3 -Ic '
import json, sys
names = ("row", "attempt", "defences", "verdict")
rows = [dict(zip(names, line.rstrip("\n").split("\t")), backend=sys.argv[1]) for line in sys.stdin]
print(json.dumps([dict(row, defences=row["defences"].split()) for row in rows], indent=1))' "$LAB_BACKEND"
}

tested_elsewhere() {
	local number what where
	while IFS=$'\t' read -r number what where; do
		[[ $number == "#"* ]] || case_ "$number, $what: there is tests/$where" test -e "$lab_source/tests/$where"
	done <"$here/elsewhere"
}

declare -A verdict
rows=()
chosen=$*
lab_install
set_up
for path in "$here"/rows/*.py; do
	file=$(basename "$path" .py)
	[ $# -eq 0 ] || [[ " $* " == *" $file "* ]] || continue
	if [ "$format" = tap ]; then run_row; else run_row >&2; fi
done
if [ "$format" = tap ]; then [ -n "$chosen" ] || tested_elsewhere; else "print_$format"; fi
lab_end
