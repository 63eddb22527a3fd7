# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What cron and at have in common: nobody waits for a job, so what it was given and how it ended are files.

job='' job_status=''

# job_write CMD: a program that runs CMD and says how that ended. cron's PATH has no /usr/local.
job_write() {
	local id=$BASHPID.$RANDOM
	job=/tmp/job.$id job_status=/tmp/status.$id
	printf '#!/bin/bash\nPATH=%q\nbash -c %q\necho $? >%q\n' "$PATH" "$1" "$job_status" >"$job"
	chmod 755 "$job"
}

# How it ended; 1 if it never ran.
job_result() {
	[ -e "$job_status" ] || return 1
	return "$(cat "$job_status")"
}

# Sleeps in its main loop, and none of its jobs is left.
daemon_is_idle() { grep -Eq 'nanosleep|pause|sigsuspend' "/proc/$1/wchan" && ! pgrep -P "$1" >/dev/null; }
