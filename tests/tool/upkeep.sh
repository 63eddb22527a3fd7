#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What sync, reap, release, list, show and verify promise when accounts leave, names vanish, others interfere, or the
# configuration is no use.
# shellcheck disable=SC2015,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_account agent2 2002
lab_account alice 2003
lab_account proxy1 20005

service=egress-alone
conf=/etc/egress/egress.conf
printf '%s required pam_deny.so\n' auth account password session >/etc/pam.d/other

# "authenticate" keeps pamtester busy, as in a session.
lab_pam_alone "$service"
sed -i 's|^auth.*|auth required pam_exec.so /usr/local/bin/lab-stay session|' "/etc/pam.d/$service"

# write_conf ACCOUNT...: entries of the list; profiles "default", and "always" that always holds.
write_conf() {
	mkdir -p /etc/egress
	cat >"$conf" <<-END
		backend = "$LAB_BACKEND";
		profiles = {
			default = { proxy = [ "127.0.0.1:3128" ]; $more_default };
			always = { proxy = [ "127.0.0.1:3128" ]; hold = "always"; $more_always };
		};
		accounts = (
	END
	more_default='' more_always=''
	printf '\t%s\n' "$@" >>"$conf"
	echo ');' >>"$conf"
}
more_default='' more_always=''
both='{ user = "agent1"; }, { user = "agent2"; }'

# Its number in the configuration, of the first line that has TEXT.
line_of() { grep -n -F -m 1 -e "$1" "$conf" | cut -d : -f 1; }

told() { grep -Eq -e "^egressctl: .*$1" "$LAB/err" || { cat "$LAB/err"; echo "not told: $1"; return 1; }; }

# does STATUS VERB...: no matter what it prints.
does() {
	local want=$1
	shift
	run "$@"
	ended_with "$want"
}

flush() { lab_flush && no_rules; }

not_held() { ! lab_rules | grep -e "$1"; }

enter() { pamtester "$service" "$1" open_session; }

refused() {
	syslog_mark
	! enter "$1" || { echo "$1 got a session"; return 1; }
	wait_for 5 syslog_has "deny user=$1 .*$2" || { syslog_new; return 1; }
}

# A session that lasts until end_session.
begin_session() {
	stay_forget session
	pamtester "$service" "$1" open_session authenticate close_session >"$LAB/session" 2>&1 &
	session=$!
	stay_wait session
}
end_session() {
	stay_end session
	wait "$session" || { cat "$LAB/session"; return 1; }
}

# Whatever the last case has left, nothing is held, and the ledger is as on the first day.
fresh() { flush && rm -rf /run/egress /var/lib/egress; }

# after RESULT CMD...: cleans up, which must succeed, but does not hide what went wrong before.
after() {
	[ "$1" -ne 0 ] || { "${@:2}"; return; }
	"${@:2}" >/dev/null 2>&1
	return "$1"
}

# What can be expected to end all holds.
reaped() { does 0 reap && nothing_left; }
synced() { write_conf '{ user = "nobody-of-the-tests"; }' && does 0 sync && nothing_left; }
released() { write_conf "$both" && does 0 sync && does 0 release agent1 && nothing_left; }

# ---- who leaves the configuration ----------------------------------------------------------------

# Always held, it runs something, its entry goes, and so do all rules: sync makes them again.
stays_while_it_runs() {
	local process result
	fresh && write_conf "$1" && does 0 sync && held 2001 || return
	setpriv --reuid=2001 --regid=2001 --clear-groups sleep 300 &
	process=$!
	wait_for 5 grep -q '^Uid:.2001' "/proc/$process/status"
	write_conf '{ user = "agent2"; }' && flush && does 0 sync && held 2001 && does 0 reap && held 2001
	result=$?
	kill "$process"
	wait "$process" 2>/dev/null
	after "$result" json_of 0 'd["released"] == 1' reap && nothing_left
}
case_ "an always-held user that left and runs is held again after a flush, until it ends" \
	stays_while_it_runs '{ user = "agent1"; profile = "always"; }'
case_ "the same by its uid" stays_while_it_runs '{ uid = "2001"; profile = "always"; }'

# ---- a proxy that would be held --------------------------------------------------------------------

invalid_at() { fails_with 1 ".*$conf:$1: .*proxy1.*" check-config; }

# proxy_by_range PROFILE: the range is not held and that is told; the other entries are; proxy1 gets no session.
proxy_by_range() {
	local line
	fresh || return
	declare "more_$1=proxy_user = \"proxy1\";"
	write_conf '{ user = "agent1"; profile = "always"; },' '{ uid = "20000-29999"; profile = "always"; },' \
		'{ uid = "30000-30999"; profile = "always"; }'
	line=$(line_of 20000-29999)
	invalid_at "$line" && does 0 sync && told "$conf:$line: not held: .*proxy1" && not_held 20000 &&
		held 2001 && held 30000-30999 && refused proxy1 'proxy_user of profile' && not_held 20005
	after $? synced
}
case_ "a range covers the proxy_user of another profile: refused, the others are held" proxy_by_range default
case_ "a range covers the proxy_user of its own profile: refused, the others are held" proxy_by_range always

proxy_by_group() {
	fresh || return
	declare "more_$1=proxy_user = \"proxy1\";"
	write_conf '{ user = "agent1"; profile = "always"; },' '{ group = "proxy1"; }'
	invalid_at "$(line_of group)" && does 0 sync && held 2001 && refused proxy1 'proxy_user of profile' &&
		not_held 20005
	after $? synced
}
case_ "a group covers the proxy_user of another profile: refused, the others are held" proxy_by_group always
case_ "a group covers the proxy_user of its own profile: refused, the others are held" proxy_by_group default

# ---- a name that is gone ---------------------------------------------------------------------------

deleted() {
	fresh && useradd --uid 2005 agent5 && write_conf '{ user = "agent5"; }' && does 0 hold agent5 || return
	userdel --force agent5
	held 2005 && does 0 show 2005 && grep -q '^state  *pinned$' "$LAB/out" && does 0 list &&
		does 0 release 2005 && nothing_left
}
case_ "whose passwd entry was deleted while pinned is shown and released by number" deleted

# The pin was for somebody else.
given_away() {
	local status
	fresh && useradd --uid 2005 agent5 && write_conf '{ user = "agent5"; }' && does 0 hold agent5 || return
	userdel --force agent5
	useradd --uid 2005 bob5
	held 2005 && does 0 reap && nothing_left
	status=$?
	userdel --force bob5
	return "$status"
}
case_ "deleted while pinned, its uid given away: the new account is free at the next reap" given_away

nobody_is_told() {
	local user group
	fresh && write_conf '{ user = "agent1"; profile = "always"; },' '{ user = "missing-user"; },' \
		'{ group = "missing-group"; }'
	user="$conf:$(line_of missing-user): user \"missing-user\" does not exist"
	group="$conf:$(line_of missing-group): group \"missing-group\" does not exist"
	does 0 check-config && told "$user" && told "$group" && does 0 sync && told "$user" && told "$group" && held 2001
	after $? synced
}
case_ "a user and a group that do not exist are told of by file and line" nobody_is_told

# ---- no configuration ------------------------------------------------------------------------------

broken() {
	fresh && write_conf "$both" && does 0 hold agent1 || return
	sed -i 's/^profiles = {/profiles = {{/' "$conf"
	rm -rf /var/lib/egress
	does 0 list && told "$conf:.*no last good configuration" && grep -Eq '^agent1 +2001 +pinned ' "$LAB/out" &&
		does 0 show agent1 && told "$conf:.*no last good configuration" && grep -q 'port 3128$' "$LAB/out" &&
		does 0 verify && told "$conf:.*no last good configuration" &&
		iptables-legacy -F EGRESS-2001 && does 3 verify && grep -q agent1 "$LAB/out"
	after $? released
}
case_ "a broken configuration and no last good one: list, show and verify tell what stands" broken

# ---- one account whose record cannot be written ----------------------------------------------------

# All are held again before anything is written down.
rules_before_records() {
	local folder
	fresh && write_conf '{ user = "agent1"; profile = "always"; }, { user = "agent2"; profile = "always"; }' &&
		does 0 sync && held 2001 && held 2002 || return
	folder=$(echo /run/egress/net-*/2001)
	rm "$folder/profile" && mkdir "$folder/profile" && flush && does 1 sync && held 2001 && held 2002
	local status=$?
	rm -rf "$folder/profile"
	after "$status" synced
}
case_ "a record that cannot be written: sync fails, but all are held again" rules_before_records

# ---- two names of one uid --------------------------------------------------------------------------

# twin stands behind agent1 in passwd: the uid's own name is not the one that the entry has.
by_the_other_name() {
	fresh && echo 'twin:x:2001:2001::/:/bin/sh' >>/etc/passwd &&
		write_conf '{ user = "twin"; profile = "always"; }' && does 0 sync && held 2001 &&
		pamtester "$service" agent1 open_session close_session && held 2001 && does 0 reap && held 2001
	after $? synced
}
case_ "always held by one name: a login by the other, its end and reap leave it" by_the_other_name

# The first entry says what is reached, any that is always says for how long.
first_match_decides() {
	fresh && more_always='allow = ( { to = "192.0.2.77"; ports = "77"; } );' &&
		write_conf '{ user = "agent1"; }, { uid = "2001"; profile = "always"; }' &&
		does 0 sync && held 2001 && ! lab_rules | grep -q 192.0.2.77 &&
		pamtester "$service" agent1 open_session close_session && held 2001 &&
		! lab_rules | grep -q 192.0.2.77 && does 0 verify
	local status=$?
	more_always=
	sed -i '/^twin:/d' /etc/passwd
	after "$status" synced
}
case_ "a session entry before one that always holds: its rules, held always" first_match_decides

# ---- another pid namespace -------------------------------------------------------------------------

elsewhere() { unshare --pid --fork --mount-proc "$@"; }
ledger() { echo /run/egress/net-*; }
all_state() { lab_rules; find /run/egress -type f ! -name lock | sort; }

elsewhere_while_held() {
	local before
	fresh && write_conf "$both" && begin_session agent1 || return
	before=$(all_state)
	syslog_mark
	! elsewhere pamtester "$service" agent2 open_session &&
		wait_for 5 syslog_has "deny user=agent2 .*$(ledger)/pidns: .*another pid namespace" &&
		! elsewhere egressctl reap && [ "$before" = "$(all_state)" ] && held 2001
	after $? ended_session
}
ended_session() { end_session && nothing_left; }
case_ "in another pid namespace while accounts are held: refused, and what is held stays" elsewhere_while_held

# as_guest CMD...: as in a container that has a /run and processes of its own, but this network.
as_guest() {
	# shellcheck disable=SC2016  # the inner shell's own
	elsewhere sh -c 'mount -t tmpfs -o mode=700 lab /run/egress && '"$first_network"' && "$@"' sh "$@"
}
# What tells the host's network from others: the sysctls that only the first has.
first_network='mount -t tmpfs lab /proc/sys/net/core && : >/proc/sys/net/core/dev_weight'

guest_lets_go() {
	fresh && write_conf "$both" && begin_session agent1 && held 2001 || return
	first_network=true as_guest egressctl reap >/dev/null && no_rules
	after $? end_session
}
guest_lets_nobody_go() {
	fresh && write_conf "$both" && begin_session agent1 || return
	! as_guest egressctl reap && as_guest egressctl sync && held 2001 &&
		! as_guest pamtester "$service" agent2 open_session && held 2001 && not held 2002
	after $? ended_session
}
case_ "a ledger of its own beside processes that it cannot see: lets go (control)" guest_lets_go
case_ "the same with the host's network: nobody is let go, nobody gets in" guest_lets_nobody_go

# Whoever comes when the ledger is empty has it: the others, and then we again.
elsewhere_when_empty() {
	fresh && write_conf "$both" && elsewhere pamtester "$service" agent2 open_session close_session && nothing_left &&
		pamtester "$service" agent1 open_session close_session && nothing_left &&
		elsewhere pamtester "$service" agent2 open_session close_session && nothing_left &&
		enter agent1 && held 2001 && json_of 0 'd["ended"] == 1 and d["released"] == 1' reap && nothing_left
}
case_ "in another pid namespace when nobody is held: opens and closes, and so do we again" elsewhere_when_empty

# ---- syslog that hangs -----------------------------------------------------------------------------

# Takes the place of /dev/log, is full at once, and reads nothing until there is something in the FIFO of $2.
full_log() {
	python3 -I - "$@" <<-'END'
		import os, socket, sys
		path, fifo, ready = sys.argv[1:]
		full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		full.bind(path)
		senders = []
		while True: # a sender of its own for each, so that it is not the sender who is full
		    senders.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
		    senders[-1].setblocking(False)
		    senders[-1].connect(path)
		    try:
		        senders[-1].send(b"x")
		    except BlockingIOError:
		        break
		os.close(os.open(ready, os.O_CREAT | os.O_WRONLY))
		open(fifo).read()
		while True:
		    full.recv(65535)
	END
}

hangs_in_syslog() { [ "$(cat "/proc/$1/wchan")" = unix_wait_for_peer ]; }
is_free() { flock -w 3 "$1" true || { echo "$1 is locked"; return 1; }; }

hangs() {
	local reader opener result
	fresh && write_conf "$both" && install -d -m 777 /var/lib/egress && mv /dev/log /dev/log.lab || return
	rm -f "$LAB/drain" "$LAB/full"
	mkfifo "$LAB/drain"
	full_log /dev/log "$LAB/drain" "$LAB/full" &
	reader=$!
	wait_for 10 test -e "$LAB/full" || return
	pamtester "$service" agent1 open_session >"$LAB/session" 2>&1 &
	opener=$!
	wait_for 10 hangs_in_syslog "$opener" && is_free /run/xtables.lock && is_free /run/egress/lock && held 2001 &&
		hangs_in_syslog "$opener"
	result=$?
	echo go >"$LAB/drain"
	wait "$opener" || { cat "$LAB/session"; result=1; }
	kill "$reader"
	wait "$reader" 2>/dev/null
	mv /dev/log.lab /dev/log
	after "$result" reaped
}
case_ "syslog hangs while a session is opened: no lock is held, and it opens when syslog goes on" hangs

# ---- others' rules and files -----------------------------------------------------------------------

foreign_chain_goes() { iptables-legacy -F FOREIGN && iptables-legacy -X FOREIGN && reaped; }

foreign_chain() {
	fresh && write_conf "$both" && enter agent1 && enter agent2 && held 2001 && held 2002 || return
	iptables-legacy -N FOREIGN && iptables-legacy -A FOREIGN -j EGRESS-2001 || return
	does 1 reap && told 'uid 2001: stays held' && not_held 2002 && held 2001 && does 0 list &&
		grep -q '^agent1 ' "$LAB/out" && ! grep '^agent2 ' "$LAB/out"
	after $? foreign_chain_goes
}
case_ "others' rules lead to an account's chain: it stays held, the next one does not" foreign_chain

foreign_file_goes() { rm "$1" && reaped; }

foreign_file() {
	local file
	fresh && write_conf "$both" && enter agent1 && held 2001 || return
	file=$(ledger)/2001/notes
	echo mine >"$file"
	does 0 reap && told "$(ledger)/2001: .*left alone" && [ "$(cat "$file")" = mine ] && no_rules
	after $? foreign_file_goes "$file"
}
case_ "others' file in an account's folder is left alone, its rules go" foreign_file

case_ "in the end no rule and no state" nothing_left
lab_end
