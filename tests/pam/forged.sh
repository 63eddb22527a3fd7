#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is addressed to an allowed destination, and then to another, is refused.
# shellcheck disable=SC2015,SC2119,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

lab_start "$@"
lab_install
lab_account agent1 2001
lab_config "allow = ( { to = \"$WORLD4\"; proto = \"udp\"; ports = \"9999\"; },
	{ to = \"$WORLD6\"; proto = \"udp\"; ports = \"9999\"; } );"
install -m 755 "$lab_source/tests/pam/forged.py" /usr/local/bin/forged

tries() {
	world_log_clear
	su agent1 -c "forged 9999 $WORLD4 $WORLD6 >/tmp/forged" </dev/null && world_settle
}
said() { grep -x "$1" /tmp/forged; }

gets_out() {
	tries && world_log_has "^packet4 udp $HOST4 > $WORLD4 port 9999" &&
		world_log_has "^packet6 protocol 43 $HOST6 > $WORLD6" || { cat /tmp/forged; world_arrivals; return 1; }
}
gets_nothing_out() {
	tries && ! world_arrivals && said 'record-route EPERM' && said 'segments EPERM' || { cat /tmp/forged; return 1; }
}
plain_gets_out() {
	world_log_clear
	su agent1 -c "lab-reach plain udp4 udp6" </dev/null >/tmp/plain
	world_settle && world_log_has "^udp4 .*plain" && world_log_has "^udp6 .*plain" || { cat /tmp/plain; return 1; }
}
counted() {
	egressctl --json list >/tmp/list && /usr/bin/python3 -I -c 'import json
(held,) = json.load(open("/tmp/list"))
assert held["denied"]["packets"] == 2 and held["allowed"]["packets"] == 0, held'
}
stay() {
	su agent1 -c "lab-stay held" </dev/null &
	stay_wait held
}

case_ "without the module they arrive where they are addressed to first (control)" gets_out
if grep -q '^loose-route unavailable EPERM' /tmp/forged; then
	skip "a source route over IPv4" "this kernel lets nobody without CAP_NET_RAW set one; tests/wire does"
fi
lab_pam su
case_ "a session stays" stay
case_ "of a held account nothing arrives" gets_nothing_out
case_ "they are counted as denied" counted
case_ "without a route they arrive (control)" plain_gets_out
stay_end held
lab_end
