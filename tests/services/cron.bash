# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A command as a job of Debian's cron; sourced after jobs.bash.

# cron_round [CMD...]: starts cron, under CMD, and waits until the jobs that are there have ended. Its pid file is its
# own, since two may run at once.
cron_round() {
	local pid status
	rm -f /run/crond.reboot
	# shellcheck disable=SC2016  # the inner shell's own pid
	"$@" unshare --mount bash -c 'touch "/tmp/crond.$$" /run/crond.pid &&
		mount --bind "/tmp/crond.$$" /run/crond.pid && exec cron -f' &
	pid=$!
	wait_for 60 daemon_is_idle "$pid"
	status=$?
	kill "$pid"
	wait "$pid" 2>/dev/null
	return "$status"
}

crontab_of() { crontab -u "$1" - <<<"@reboot $2"; }

# cron_enter UNDER ACCOUNT CMD: as a job of a cron that is started under the words UNDER.
cron_enter() {
	# shellcheck disable=SC2034  # of jobs.bash
	local job job_status
	job_write "$3"
	crontab_of "$2" "$job" || return
	# shellcheck disable=SC2086  # words
	cron_round $1 && job_result
	local status=$?
	crontab -u "$2" -r 2>/dev/null
	return "$status"
}
