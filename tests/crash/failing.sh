#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every system call of every operation fails, on every backend: with the errno that is likely, or with TEST_ALL=yes
# with each of seven. See crash.c.
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/crash/crash.bash
. "$(dirname "$0")/crash.bash"
crash_backends fail
