#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's cron: jobs that are due at the start (@reboot) of a cron that is started for each.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/services/jobs.bash
. "$(dirname "$0")/jobs.bash"
# shellcheck source=tests/services/cron.bash
. "$(dirname "$0")/cron.bash"

label=cron service=cron
pam_file=cron

enter() { cron_enter "" "$@"; }
enter_powerless() { cron_enter "setpriv --bounding-set -net_admin" "$@"; }

# ---- what is cron's own ------------------------------------------------------------------------

# Two crontabs, one start.
side_by_side() {
	local of_agent of_alice job job_status
	job_write "lab-reach of-agent $ways >/tmp/of-agent"
	of_agent=$job
	job_write "lab-reach of-alice $ways >/tmp/of-alice"
	of_alice=$job
	world_log_clear
	crontab_of agent1 "$of_agent" && crontab_of alice "$of_alice" && cron_round || return
	crontab -u agent1 -r
	crontab -u alice -r
	all_refused /tmp/of-agent && all_reached /tmp/of-alice of-alice || return
	! grep of-agent "$WORLD_LOG" && wait_for 10 nothing_left
}

# What a session module puts into PAM's environment; cronie builds the job's before it opens the session.
environment_arrives() {
	local pam
	pam=$(cat /etc/pam.d/cron)
	echo 'LAB_WORD=of-pam' >/tmp/words
	echo 'session optional pam_env.so envfile=/tmp/words' >>/etc/pam.d/cron
	# shellcheck disable=SC2016  # the job's own variables
	enter agent1 'echo "$LAB_WORD, $SHELL, $HOME, $LOGNAME" >/tmp/environment'
	cat >/etc/pam.d/cron <<<"$pam"
	cat /tmp/environment
	grep -qx 'of-pam, /bin/sh, /home/agent1, agent1' /tmp/environment
}

# A job is hardened like a session that somebody types in, and has its proxy.
job_is_hardened() {
	world_log_clear
	enter agent1 "curl -s http://$WORLD4/of-cron; grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status >/tmp/environment"
	wait_for 5 world_log_has 'GET [^ ]*/of-cron .* via a proxy$' || return
	cat /tmp/environment
	[ "$(tr -d '\n\t' </tmp/environment)" = "NoNewPrivs:1Seccomp:2" ]
}

# By name, in the crontab as it is written there: the last word is the administrator's or the account's own.
crontab_overrides() {
	local job job_status
	# shellcheck disable=SC2016  # the job's own variables
	job_write 'echo "$HTTPS_PROXY" >/tmp/environment'
	crontab -u agent1 - <<-END
		HTTPS_PROXY=http://of.crontab
		@reboot $job
	END
	cron_round && job_result && grep -qx http://of.crontab /tmp/environment
	local status=$?
	crontab -u agent1 -r
	return "$status"
}

# A process that its job does not wait for, and that cron does not either: nothing of it is a pipe to cron.
outlives_its_job() {
	stay_forget daemon
	enter agent1 'setsid lab-stay daemon >/dev/null 2>&1 </dev/null &' && stay_wait daemon || return
	logged_close 0 && held "$uid" && egressctl reap && held "$uid" || return
	stay_end daemon
	wait_for 10 reaped
}

# ---- all of it ---------------------------------------------------------------------------------

lab_start "$@"
lab_install
services_start
rm -f /etc/crontab /etc/cron.d/*
service_stories
lock_story
syslog_mark
case_ "cron: of two crontabs only the covered account's jobs are held" side_by_side
case_ "cron: PAM's environment reaches the job (Debian's cron)" environment_arrives
case_ "cron: a job is hardened, and curl in it goes through the proxy" job_is_hardened
case_ "cron: a line of the crontab sets a variable over it" crontab_overrides
syslog_mark
case_ "cron: who outlives the job stays held until it is gone" outlives_its_job
lab_end
