#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For each plan of tests/golden: the same packets meet the same verdict with every backend, and it is the
# one that the plan says. See wire.py.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/../kernel/kernel.bash"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/wire/place.bash
. "$here/place.bash"
exec /usr/bin/python3 -I "$here/wire.py" "$DRIVER" "$here/../golden"
