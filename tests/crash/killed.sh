#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every operation, on every backend, is stopped at each of its system calls, and killed there. See crash.c.
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/crash/crash.bash
. "$(dirname "$0")/crash.bash"
crash_backends kill
