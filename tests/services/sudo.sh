#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sudo -u. It takes PAM_SESSION_ERR for success, so the module must never answer that.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

label=sudo service=sudo
pam_file=sudo
enter() { sudo -n -u "$1" -- bash -c "$2"; }
enter_powerless() { setpriv --bounding-set -net_admin sudo -n -u "$1" -- bash -c "$2"; }

lab_start "$@"
lab_install
services_start
service_stories
lock_story
lab_end
