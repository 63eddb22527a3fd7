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
# Where a configuration may lie, and the files of the host with subordinate uids that the test knows.
chmod 755 /run
mkdir /run/etc /run/work && mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work overlay /etc &&
	printf '%s\n' 2001:100000:65536 2001:165536:10 >/etc/subuid || exit 1
program=$(built_egressctl) || exit 1
exec /usr/bin/python3 -I "$here/export.py" "$DRIVER" "$program" "$here/../golden"
