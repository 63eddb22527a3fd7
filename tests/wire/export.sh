#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What egressctl export writes for nft and iptables-restore loads, and packets meet what the plan says. See export.py.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/../kernel/kernel.bash"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/wire/place.bash
. "$here/place.bash"
# shellcheck source=tests/tool/tool.bash
. "$here/../tool/tool.bash"
# Where a configuration may lie.
chmod 755 /run
program=$(built_egressctl) || exit 1
exec /usr/bin/python3 -I "$here/export.py" "$DRIVER" "$program" "$here/../golden"
