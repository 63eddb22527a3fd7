#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For each profile of tests/golden, held by egressctl: what explain and probe say of a packet is what becomes of it.
# See verbs.py.
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
lab_start "$@"
lab_install
lab_account agent1 2001
mkdir -p /etc/egress

# The card of place.bash instead of the lab's, whose links would want to know who has an address. Its other end answers
# for all of them: a connection that gets there is refused at once, and none waits for an answer.
ip link del to-world
# shellcheck source=tests/wire/place.bash
. "$lab_source/tests/wire/place.bash"
ip link set far netns world
# Without ARP a packet is for the sender's own address.
ip link set wire address 02:00:00:00:00:99
ip -n world link set far address 02:00:00:00:00:99 arp off up
ip -n world route add 10.99.0.0/24 dev far
ip -n world route add fd00:99::/64 dev far
ip -n world route add local default dev lo
ip -n world -6 route add local 2000::/3 dev lo
# A resolver that one of the profiles allows.
echo "nameserver 192.0.2.53" >/etc/resolv.conf

/usr/bin/python3 -I "$lab_source/tests/wire/verbs.py" "$LAB_BACKEND" "$lab_source/tests/golden" || exit 1
lab_end
