#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The real login on a pseudoterminal, and login's stack through pamtester.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

label=login service=login
pam_file=login

# login gives no way to pass a command, so a shell of our own takes it from a file.
make_shell() {
	cat >/usr/local/bin/lab-shell <<-'END'
		#!/bin/bash
		command=$(cat "/tmp/command.$LAB_SESSION")
		bash -c "$command"
		echo $? >"/tmp/status.$LAB_SESSION"
	END
	chmod 755 /usr/local/bin/lab-shell
	usermod --shell /usr/local/bin/lab-shell agent1
	usermod --shell /usr/local/bin/lab-shell alice
	usermod --shell /usr/local/bin/lab-shell root
}

enter_under() {
	local id=$BASHPID.$RANDOM
	printf '%s\n' "$3" >"/tmp/command.$id"
	LAB_SESSION=$id script -qefc "$1 login -p -f $2" /dev/null </dev/null
	[ -e "/tmp/status.$id" ] && return "$(cat "/tmp/status.$id")"
}

enter() { enter_under "" "$@"; }
enter_powerless() { enter_under "setpriv --bounding-set -net_admin" "$@"; }

lab_start "$@"
lab_install
services_start
make_shell
service_stories
lock_story

# pamtester has no child: between open and close it waits for the password that "authenticate" asks
# for, and the account's own processes are started beside it.
as_agent() { setpriv --reuid agent1 --regid agent1 --init-groups "$@"; }

pamtester_open() {
	mkfifo /tmp/password
	syslog_mark
	pamtester login agent1 open_session authenticate close_session </tmp/password >/tmp/pamtester 2>&1 &
	pamtester_job=$!
	exec 9>/tmp/password
	wait_for 10 grep -q Password /tmp/pamtester || { cat /tmp/pamtester; return 1; }
	held "$uid"
}

pamtester_use() {
	world_log_clear
	# shellcheck disable=SC2086  # a list of words
	as_agent lab-reach pamtester $ways >/tmp/refused
	all_refused /tmp/refused && nothing_arrived || return
	as_agent lab-reach pamtester proxy && by_proxy pamtester
}

pamtester_close() {
	echo agent1 >&9
	exec 9>&-
	wait "$pamtester_job" || { cat /tmp/pamtester; return 1; }
	logged_close 0 && nothing_left
}

enter() { pamtester login "$1" open_session; }
enter_powerless() { setpriv --bounding-set -net_admin pamtester login "$1" open_session; }

case_ "pamtester login: a session opens and is held" pamtester_open
case_ "pamtester login: only the proxy is reached" pamtester_use
case_ "pamtester login: after close no rule and no state" pamtester_close
case_ "pamtester login: broken configuration: refused" broken_configuration
case_ "pamtester login: no CAP_NET_ADMIN: refused" without_net_admin
lab_end
