#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# su and su - by root, and su by somebody who knows the password.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

powerless() { setpriv --bounding-set -net_admin "$@"; }
by_alice() { setpriv --reuid alice --regid alice --init-groups "$@"; }

lab_start "$@"
lab_install
services_start

pam_file=su

label=su service=su
enter() { su "$1" -c "$2"; }
enter_powerless() { powerless su "$1" -c "$2"; }
service_stories
lock_story

# /etc/pam.d/su-l includes the session lines of su.
label="su -" service=su-l
enter() { su - "$1" -c "$2"; }
enter_powerless() { powerless su - "$1" -c "$2"; }
service_stories

# Another caller: the module then runs with his real uid.
label="su by alice" service=su
enter() { echo "$1" | by_alice su "$1" -c "$2"; }
enter_powerless() { echo "$1" | powerless setpriv --reuid alice --regid alice --init-groups su "$1" -c "$2"; }
open_use_close required
case_ "$label: the first of two sessions closes, the rules stay" second_session
case_ "$label: broken configuration, no last good one: refused" broken_configuration
case_ "$label: no CAP_NET_ADMIN: refused" without_net_admin
lab_end
