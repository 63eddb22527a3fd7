#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# runuser, with a shell (-c), a login shell (-l) and without a shell (-u): all open sessions.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

powerless() { setpriv --bounding-set -net_admin "$@"; }

lab_start "$@"
lab_install
services_start
pam_file=runuser

label=runuser service=runuser
enter() { runuser "$1" -c "$2"; }
enter_powerless() { powerless runuser "$1" -c "$2"; }
service_stories

# /etc/pam.d/runuser-l includes the session lines of runuser.
label="runuser -l" service=runuser-l
enter() { runuser -l "$1" -c "$2"; }
enter_powerless() { powerless runuser -l "$1" -c "$2"; }
service_stories

label="runuser -u" service=runuser
enter() { runuser -u "$1" -- bash -c "$2"; }
enter_powerless() { powerless runuser -u "$1" -- bash -c "$2"; }
open_use_close required
case_ "$label: broken configuration, no last good one: refused" broken_configuration
case_ "$label: no CAP_NET_ADMIN: refused" without_net_admin
lab_end
