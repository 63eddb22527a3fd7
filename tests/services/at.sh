#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# at and atd: jobs that the account hands in itself and that are due at once.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/services/jobs.bash
. "$(dirname "$0")/jobs.bash"

label=atd service=atd
pam_file=atd
matrix=${BUILD:?the tree to test}/tests/pam/matrix
spool=/var/spool/cron/atjobs

atd_start() {
	"$@" atd -f 2>$LAB/atd.err &
	atd=$!
	wait_for 10 daemon_is_idle $atd
}

atd_stop() {
	kill "$atd"
	wait "$atd" 2>/dev/null
	rm -f "$spool"/*
}

as_account() { setpriv --reuid "$1" --regid "$1" --init-groups env -i "PATH=$PATH" "${@:2}"; }

# Handed in and run: atd has taken it and has no child.
taken() { ! find "$spool" -type f -name 'a*' | grep . && daemon_is_idle "$atd"; }

enter() {
	local job job_status
	job_write "$2"
	as_account "$1" at now <<<"$job" 2>/tmp/at.said || { cat /tmp/at.said; return 1; }
	# With one more that runs, atd is not idle: then what counts is how this one ended.
	wait_for 60 eval "[ -e $job_status ] || taken"
	job_result
}

enter_powerless() {
	local status
	atd_stop
	atd_start setpriv --bounding-set -net_admin
	enter "$@"
	status=$?
	atd_stop
	atd_start
	return "$status"
}

# ---- what is at's own --------------------------------------------------------------------------

sessions_are() { egressctl --json list | grep -Eq '"service": *"atd"' && [ "$(find /run/egress -mindepth 3 -type f | grep -cE '/[0-9a-f]{16,}$')" = "$1" ]; }

# While a job runs, somebody opens and closes sessions of the account as at(1) does: at once, at anyone's word, with
# and without an open before, as root and as the user "daemon".
during_a_job() {
	stay_forget live
	enter agent1 "lab-stay live; lab-reach live $ways >/tmp/live" &
	local entered=$!
	stay_wait live && held "$uid" || return
	"$@"
	local status=$?
	held "$uid" && egressctl reap && held "$uid" && sessions_are 1 || status=1
	world_log_clear
	stay_end live
	wait "$entered"
	[ "$status" -eq 0 ] && all_refused /tmp/live && nothing_arrived && wait_for 10 nothing_left
}

hand_in_and_withdraw() {
	local number
	as_account agent1 at now + 1 hour <<<true || return
	number=$(as_account agent1 atq | awk '$7 == "a" { print $1 }')
	as_account agent1 atrm "$number"
}

steps() { "$matrix" /etc/pam.d atd agent1 "$@" 3>&1 | tee /tmp/steps; }

# A job whose session was refused stands there as taken, and atd does not run it later.
refused_is_not_run_later() {
	local job job_status
	lab_config_broken
	rm -f "$spool"/[a-z=]*
	enter agent1 'touch /tmp/entered'
	lab_config
	kill -HUP "$atd"
	enter alice true && [ ! -e /tmp/entered ] && find "$spool" -type f -name '=*' | grep .
}

# The status of matrix is its own; what the module answered stands in the lines.
close_alone() { steps close && [ "$(cat /tmp/steps)" = "close PAM_SUCCESS" ]; }
close_alone_as_daemon() { steps euid=1 close && [ "$(tail -n 1 /tmp/steps)" = "close PAM_SUCCESS" ]; }
open_and_close_at_once() { steps open close && [ "$(paste -sd, /tmp/steps)" = "open PAM_SUCCESS,close PAM_SUCCESS" ]; }
# at(1) is setuid "daemon" here: it could not hold the account.
open_as_daemon() { steps euid=1 open && grep -qx 'open PAM_PERM_DENIED' /tmp/steps; }

# A job has what at(1) found in its caller's environment, and nothing of what PAM says.
environment_of_the_caller() {
	local pam job job_status
	pam=$(cat /etc/pam.d/atd)
	printf 'LAB_WORD=of-pam\nLAB_ONLY=of-pam\n' >/tmp/words
	echo 'session optional pam_env.so envfile=/tmp/words' >>/etc/pam.d/atd
	# shellcheck disable=SC2016  # the job's own variables
	job_write 'echo "$LAB_WORD, $LAB_ONLY" >/tmp/environment'
	LAB_WORD=of-at setpriv --reuid agent1 --regid agent1 --init-groups at now <<<"$job"
	wait_for 10 test -e "$job_status"
	cat >/etc/pam.d/atd <<<"$pam"
	cat /tmp/environment
	grep -qx 'of-at, ' /tmp/environment && wait_for 10 nothing_left
}

# ---- all of it ---------------------------------------------------------------------------------

lab_start "$@"
lab_install
services_start
rm -f "$spool"/[a-z=]*
atd_start
service_stories
lock_story
case_ "atd: a job that was refused is not run later" refused_is_not_run_later
case_ "at: handing in and withdrawing a job changes nothing for a live session" during_a_job hand_in_and_withdraw
case_ "at: a close without an open changes nothing for a live session" during_a_job close_alone
case_ "at: nor does one by the user daemon" during_a_job close_alone_as_daemon
case_ "at: an open and its own close change nothing for a live session" during_a_job open_and_close_at_once
case_ "at: an open by the user daemon is refused, and changes nothing" during_a_job open_as_daemon
case_ "atd: a job has the environment of at(1), and not PAM's" environment_of_the_caller
atd_stop
lab_end
