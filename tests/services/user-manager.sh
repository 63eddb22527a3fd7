#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# systemd's user manager: a session that root opens and that a process without privilege closes, or nobody.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

label="user manager" service=systemd-user
pam_file=systemd-user
manager=${BUILD:?the tree to test}/tests/services/user-manager
closer=user

enter() { "$manager" systemd-user "$1" "$closer" bash -c "$2"; }
enter_powerless() { setpriv --bounding-set -net_admin "$manager" systemd-user "$1" "$closer" bash -c "$2"; }

# As systemd ships it.
write_service() {
	printf '%s\n' 'auth required pam_deny.so' '@include common-account' \
		'session required pam_loginuid.so' 'session optional pam_keyinit.so force revoke' \
		'@include common-session-noninteractive' >/etc/pam.d/systemd-user
}

sd_pam() { sed -n 's/^pid //p' /tmp/sd-pam; }
closed_by() { grep -qx "uid $1 close 0" /tmp/sd-pam; }
state_is() { egressctl --json list | grep -Eq "\"state\": *\"$1\""; }

manager_start() {
	closer=$1
	stay_forget manager
	syslog_mark
	rm -f /tmp/sd-pam
	enter agent1 "lab-stay manager; lab-reach manager $ways >/tmp/manager" &
	manager_job=$!
	stay_wait manager && wait_for 5 grep -q '^pid ' /tmp/sd-pam && held "$uid" && state_is active
}

manager_end() {
	world_log_clear
	stay_end manager
	wait "$manager_job"
	all_refused /tmp/manager && nothing_arrived
}

# The usual end: first the manager is gone, then (sd-pam) closes what it has no right to close.
ends_unprivileged() {
	manager_start user && manager_end && wait_for 10 closed_by "$uid" || return
	held "$uid" && ! syslog_has 'sessions=0' && reaped
}

# (sd-pam) told to close while the manager lives on.
closed_early_by() {
	manager_start "$1" || return
	kill "$(sd_pam)"
	wait_for 10 closed_by "$2" && held "$uid" && state_is "$3"
	local status=$?
	manager_end && [ "$status" -eq 0 ] && wait_for 10 reaped
}

never_closed() {
	manager_start user && kill -KILL "$(sd_pam)" && wait_for 10 gone "$(sd_pam)" || return
	held "$uid" && egressctl reap && held "$uid" && state_is active && manager_end && held "$uid" && reaped
}

# (sd-pam) too, which runs as the account.
all_killed() {
	manager_start user && pkill -KILL -u agent1 || return
	wait "$manager_job"
	held "$uid" && wait_for 10 reaped
}

lab_start "$@"
lab_install
services_start
write_service
case_ "$label: without the module everything gets out (control)" control
lab_pam systemd-user requisite
case_ "$label: a session opens" begin_use
case_ "$label: it is held, in both families" held "$uid"
case_ "$label: all it tries is refused at once" all_refused /tmp/refused
case_ "$label: nothing of it arrives outside" nothing_arrived
case_ "$label: the page comes through the proxy" end_use
case_ "$label: the log tells of the open" logged_open 1
case_ "$label: the next reap lets it go" wait_for 10 reaped
case_ "$label: closed without privilege at its end: held until reap" ends_unprivileged
case_ "$label: closed without privilege while it runs: nothing happens" closed_early_by user $uid active
case_ "$label: closed by root while it runs: the session is over, the account is lingering (control)" \
	closed_early_by root 0 lingering
closer=user
case_ "$label: never closed: held until it is gone, and reaped" never_closed
case_ "$label: all of it killed: held until reap" all_killed
case_ "$label: broken configuration, no last good one: refused" broken_configuration
case_ "$label: no CAP_NET_ADMIN: refused" without_net_admin
others_pass
case_ "$label: in the end no rule and no state" wait_for 10 nothing_left
lab_end
