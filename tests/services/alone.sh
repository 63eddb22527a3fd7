#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pam_egress as the only session module of a service, required and requisite.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

service=egress-alone

lab_start "$@"
lab_install
services_start

# "authenticate" keeps pamtester busy between open and close.
write_service() {
	lab_pam_alone "$service" "$1"
	sed -i 's|^auth.*|auth required pam_exec.so /usr/local/bin/lab-stay alone|' /etc/pam.d/$service
}

open_close() {
	stay_forget alone
	syslog_mark
	pamtester "$service" agent1 open_session authenticate close_session >/tmp/pamtester 2>&1 &
	local job=$! status
	stay_wait alone && held "$uid"
	status=$?
	stay_end alone
	wait "$job" || { cat /tmp/pamtester; return 1; }
	[ "$status" -eq 0 ] && nothing_left && logged_open 1 && logged_close 0
}

passes_alone() {
	lab_config_broken
	pamtester "$service" "$1" open_session close_session
	local status=$?
	lab_config
	return "$status"
}

enter() { pamtester "$service" "$1" open_session; }

for control in required requisite; do
	write_service $control
	case_ "alone, $control: opens, holds, closes" open_close
	case_ "alone, $control: broken configuration: refused" broken_configuration
	case_ "alone, $control: an account that nothing covers opens and closes" passes_alone alice
	case_ "alone, $control: root opens and closes" passes_alone root
done
lab_end
