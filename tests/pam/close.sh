#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pam_close_session always succeeds; the rules go when it brings its token, and not before.
# shellcheck disable=SC2015,SC2119,SC2120,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/pam/common.sh
. "$(dirname "$0")/common.sh"
matrix_start "$@"

without_open() { run "$1" close && said close ok && logged_nothing && nothing_left; }
for user in agent1 alice root nosuch; do
	case_ "close without open: $user" without_open $user
done

twice() {
	run agent1 open close close && said open ok close ok close ok && nothing_left || return
	[ "$(syslog_new | grep -c 'close user=agent1')" -eq 1 ] || { syslog_new; return 1; }
}
case_ "close twice: the second does nothing" twice

another_handle() {
	begin agent1 open wait close || return
	run agent1 close && said close ok && held "$uid" && records_are 1
	local status=$?
	finish && nothing_left && return "$status"
}
case_ "close of a handle that opened nothing leaves another's session" another_handle

opened_twice() {
	begin agent1 open open close wait close || return
	held "$uid" && records_are 1
	local status=$?
	finish && said open ok open ok close ok close ok && nothing_left && return "$status"
}
case_ "a handle opens twice and closes twice" opened_twice

another_round() {
	run agent1 open close end open close && said open ok close ok open ok close ok && nothing_left
}
case_ "a second handle of the same process" another_round

# ---- children ----------------------------------------------------------------------------------

child_ends() {
	begin agent1 open child-end wait close || return
	held "$uid" && records_are 1
	local status=$?
	finish && said open ok close ok && nothing_left && return "$status"
}
case_ "a child ends its copy of the handle: the session stays" child_ends

child_closes() {
	run agent1 open child-close && said open ok child-close ok && nothing_left
}
case_ "a child closes: the session ends" child_closes

child_and_parent_close() {
	run agent1 open child-close close && said open ok child-close ok close ok && nothing_left
}
case_ "a child closes, then the parent: no error" child_and_parent_close

# ---- privilege ---------------------------------------------------------------------------------

unprivileged() {
	begin agent1 open euid=2002 close wait euid=0 close || return
	held "$uid" && records_are 1
	local status=$?
	finish && said open ok close ok close ok && nothing_left && return "$status"
}
case_ "close without privilege: nothing is done; with it again: closed" unprivileged

left_unprivileged() {
	run agent1 open euid=2002 close && said open ok close ok && held "$uid" && reaped
}
case_ "close without privilege only: the reaper finishes" left_unprivileged

as_cron() { run agent1 open ruid=2001 close && said open ok close ok && nothing_left; }
case_ "close with the account's real uid, as cron does" as_cron

without_capability() {
	run agent1 open no-net-admin close && said open ok close ok && held "$uid" && records_are 0 || return
	logged_once_each && reaped
}
logged_once_each() {
	logged "open user=agent1" && logged "close user=agent1 uid=$uid service=$service: left to egressctl reap: "
}
case_ "close without CAP_NET_ADMIN: success, told, the reaper finishes" without_capability

# ---- the configuration is another one by now -----------------------------------------------------

with_conf() {
	begin agent1 open wait close || return
	"$@"
	echo >&5
	wait "$job" || return
	exec 5>&-
	cat "$results" >>"$all_results"
	said open ok close ok
}
other_conf() { sed -i "s/agent1/agent9/; s/3128/3129/" /etc/egress/egress.conf; }
dropped() { with_conf other_conf && nothing_left; }
case_ "out of the configuration while held: closed by its token" dropped
lab_config

broken() {
	with_conf sed -i 's/^profiles/profile/' /etc/egress/egress.conf && nothing_left
}
case_ "broken meanwhile, last good one: closed" broken
lab_config

no_last_good() {
	with_conf lab_config_broken && held "$uid" && records_are 0 && logged "close user=agent1 .*sessions=0 held" || return
	lab_config
	reaped
}
case_ "broken meanwhile, no last good one: the session ends, the rules stay until it is mended" no_last_good
lab_config

lose_conf() { rm -rf /etc/egress /var/lib/egress; }
no_conf() {
	with_conf lose_conf && held "$uid" && records_are 0 || return
	lab_config
	reaped
}
case_ "removed meanwhile: the same" no_conf
lab_config

lose_state() { rm -rf /run/egress; }
no_state_folder() {
	with_conf lose_state && egressctl reap >/dev/null && no_rules
}
case_ "the state folder is lost meanwhile: success, the reaper finishes" no_state_folder

odd_state() {
	rm -rf /run/egress
	touch /run/egress
}
state_is_a_file() {
	with_conf odd_state && logged "close user=agent1 .*left to egressctl reap: /run/egress: " || return
	rm /run/egress
	reaped
}
case_ "the state folder is a file meanwhile: success, told" state_is_a_file

damage_records() {
	local file
	find /run/egress -regex '.*/[0-9a-f]+' -type f | while read -r file; do head -c 20 "$file" >"$file.cut"; done
	find /run/egress -name '*.cut' | while read -r file; do mv "$file" "${file%.cut}"; done
}
damaged() { with_conf damage_records && nothing_left; }
case_ "the record is damaged meanwhile: closed by its token" damaged

# ---- locks and leftovers -------------------------------------------------------------------------

locked() {
	begin agent1 open wait close || return
	take_lock "$1" || { finish; return 1; }
	SECONDS=0
	finish
	local status=$?
	drop_lock
	said open ok close ok && [ "$SECONDS" -ge 9 ] && [ "$SECONDS" -le 13 ] || { echo "after $SECONDS s"; return 1; }
	logged "close user=agent1 .*left to egressctl reap: $1: still locked" && held "$uid" && reaped && return "$status"
}
case_ "the ledger's lock is held past the deadline: success, told" locked /run/egress/lock
case_ "iptables' lock is held past the deadline: success, told" locked /run/xtables.lock

leftover() {
	setpriv --reuid="$uid" --regid="$uid" --clear-groups lab-stay leftover &
	local pid=$!
	stay_wait leftover
	run agent1 open close && said open ok close ok && held "$uid" && logged "close user=agent1 .*sessions=0 held"
	local status=$?
	stay_end leftover
	wait "$pid"
	reaped && return "$status"
}
stay_forget leftover
case_ "a process of the account is left: the rules stay, the reaper finishes" leftover

killed() {
	begin agent1 open wait close || return
	kill -KILL "$job"
	exec 5>&-
	wait "$job"
	held "$uid" && records_are 1 && reaped
}
case_ "the opener is killed: the reaper finishes" killed

cannot_remove() {
	shimmed "$1:fail:ENOMEM@2-" run agent1 open close && said open ok close ok || return
	logged "close user=agent1 .*left to egressctl reap: " && held "$uid" && reaped
}
case_ "IPv4 cannot be removed: success, told, the reaper finishes" cannot_remove v4
case_ "IPv6 cannot be removed: success, told, the reaper finishes" cannot_remove v6

case_ "in the end no rule and no state" nothing_left
matrix_end
