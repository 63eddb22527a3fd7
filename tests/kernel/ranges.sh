#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever comes and goes, each uid of ranges that lie apart, beside, within and across each other is decided by the plan
# that must: what is read and written alone because it lies apart leaves the others right. See ranges.py; SEED=N begins
# elsewhere.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/kernel.bash"

random_changes() { python3 -I "$(dirname "$(realpath "$0")")/ranges.py" "$DRIVER" "${SEED:-1}" "$@"; }

nft flush ruleset
case_ "random changes of uids and ranges: each uid by the plan that must decide" random_changes 12 20
case_ "with somebody else who changes the table in between: nobody is let out, and sync mends it" random_changes 12 20 drift
nft flush ruleset
kernel_end
