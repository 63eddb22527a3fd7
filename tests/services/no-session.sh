#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What opens no session (setpriv here; units with User=, docker exec, dropbear, gosu): hold = "always" holds it.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

label="no session"
enter() { setpriv --reuid "$1" --regid "$1" --init-groups bash -c "$2"; }

gets_out() {
	world_log_clear
	syslog_mark
	enter agent1 "lab-reach free $ways proxy >/tmp/free" && all_reached /tmp/free free && by_proxy free &&
		! syslog_has pam_egress
}

always() {
	sed -i 's/default = {/default = { hold = "always";/' /etc/egress/egress.conf
	egressctl sync && held "$uid"
}

is_held() {
	world_log_clear
	enter agent1 "lab-reach always $ways >/tmp/refused" && all_refused /tmp/refused && nothing_arrived &&
		enter agent1 "lab-reach always proxy" && by_proxy always && held "$uid"
}

no_longer() {
	lab_config
	egressctl sync && nothing_left
}

lab_start "$@"
lab_install
services_start
case_ "$label: everything gets out, and nobody is asked (control)" gets_out
case_ "$label: hold = \"always\" and sync: held" always
case_ "$label: all it tries is refused, but for the proxy" is_held
case_ "$label: taken out of the configuration, no rule and no state" no_longer
case_ "$label: everything gets out again (control)" gets_out
lab_end
