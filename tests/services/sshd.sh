#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The real sshd, with Debian's settings and key login, over the wire.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

label=sshd service=sshd
pam_file=sshd

enter() { as_agent_ssh "$1@" "$2"; }

enter_powerless() {
	local status
	lab_sshd_stop || return
	lab_sshd_under setpriv --bounding-set -net_admin
	enter "$@"
	status=$?
	lab_sshd_stop
	lab_sshd
	return "$status"
}

lab_start "$@"
lab_install
services_start
lab_sshd
service_stories
lock_story
lab_end
