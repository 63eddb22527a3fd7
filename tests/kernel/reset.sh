#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What refuses a connection stays on this host, whatever card the socket names and whatever address it has bound.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
lab_start "$@"
lab_install
lab_account agent1 2001
ip link add other type veth peer name far && ip addr add 10.1.1.1/24 dev other && ip link set other up && ip link set far up
ip route add default via $WORLD4

# What comes to the world from 203.0.113.77, or goes to it.
in_world python3 -I -c '
import socket
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
sock.bind(("to-host", 0))
open("/run/lab/ear", "w").close()
while True:
    frame, meta = sock.recvfrom(2000)
    if meta[2] != 4 and frame[12:14] == b"\x08\x00" and bytes((203, 0, 113, 77)) in (frame[26:30], frame[30:34]):
        with open("/run/lab/came", "a") as log:
            log.write("%s to %s, protocol %d\n" % (socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]), frame[23]))
' &
wait_for 10 test -e $LAB/ear

# knocks FROM: as the account.
knocks() {
	: >"$LAB/came"
	setpriv --reuid=2001 --regid=2001 --clear-groups python3 -I -c '
import socket, sys
sock = socket.socket()
sock.settimeout(0.5)
if sys.argv[1]:
    sock.bind((sys.argv[1], 0))
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"to-world")
try:
    sock.connect(("203.0.113.77", 4444))
except OSError:
    pass' "$1"
	ping -c 1 -W 1 "$WORLD4"
	cat "$LAB/came"
}
nothing_came() { knocks "$1" && [ ! -s "$LAB/came" ]; }
came() { knocks "" && [ -s "$LAB/came" ]; }

case_ "who is not held gets there (control)" came
for keys in "" "route_guard = false;"; do
	lab_config "$keys"
	egressctl hold agent1 >"$LAB/out" && egressctl sync >"$LAB/out"
	case_ "${keys:-by default}: bound to a card: nothing leaves" nothing_came ""
done
# The reset goes to an address of this host, and by the card that the socket names: README, "A reset by a network card".
lab_config "reject = \"drop\";"
egressctl sync >"$LAB/out"
case_ "with the address of another one: nothing leaves, where nothing is answered" nothing_came 10.1.1.1
lab_end
