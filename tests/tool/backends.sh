#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which backend holds, over the real kernel: what auto takes and why, and an account that goes from one to the other
# while it sends all the time.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_account agent2 2002

config() {
	mkdir -p /etc/egress
	cat >/etc/egress/egress.conf <<-END
		backend = "$1";
		profiles = { default = { proxy = [ "127.0.0.1:3128" ]; };
			kept = { proxy = [ "127.0.0.1:3129" ]; hold = "always"; }; };
		accounts = ( { user = "agent1"; }, { user = "agent2"; }, { uid = "20000-20999"; profile = "kept"; } );
	END
}
stands() { LAB_BACKEND=$1 held "$2"; }

# ---- auto --------------------------------------------------------------------------------------

takes_nftables() {
	config auto && run hold agent1 && ended_with 0 && stands nftables 2001 &&
		matches 0 '^# backend: nftables' check-config
}
case_ "auto: nobody uses legacy tables here: nftables" takes_nftables
stays() {
	iptables-legacy -A INPUT -j ACCEPT && run sync && ended_with 0 && stands nftables 2001 && stands nftables 20000-20999 &&
		run hold agent2 && ended_with 0 && stands nftables 2002 &&
		json_of 0 'd["backend"] == "nftables" and "held" in d["backend_reason"]' show agent1
}
case_ "auto: it stays, whoever uses legacy tables meanwhile" stays
all_go() {
	sed -i 's/, { uid = "20000-20999"; profile = "kept"; }//' /etc/egress/egress.conf
	run release agent1
	run release agent2
	run sync && no_rules
}
case_ "auto: nobody is held any more" all_go
takes_iptables() {
	run hold agent1 && ended_with 0 && stands iptables 2001 && run release agent1 && no_rules &&
		iptables-legacy -F INPUT
}
case_ "auto: legacy tables are in use: iptables" takes_iptables

# ---- from one to the other -----------------------------------------------------------------------

# Sends to the world for as long as it lives, by IPv4 and IPv6 in turn.
flood() {
	setpriv --reuid="$1" --regid=65534 --clear-groups python3 -I -c '
import socket, sys
ways = [(socket.AF_INET, sys.argv[1]), (socket.AF_INET6, sys.argv[2])]
ways = [(socket.socket(family, socket.SOCK_DGRAM), (address, 9999)) for family, address in ways]
while True:
    for sock, address in ways:
        try:
            sock.sendto(b"flood", address)
        except OSError:
            pass
' "$WORLD4" "$WORLD6" &
	floods+=($!)
}
floods=()
end_floods() {
	kill "${floods[@]}"
	wait "${floods[@]}" 2>/dev/null
	floods=()
}

control() {
	world_log_clear
	flood 2001
	wait_for 10 world_log_has flood
	local status=$?
	end_floods
	world_settle
	return "$status"
}
case_ "a sender that nothing holds is heard (control)" control

went_over() {
	config "$1" && run "${@:2}" && ended_with 0 && stands "$1" 2001 && stands "$1" 20000-20999
}
# goes_over CMD...: ten times there and back, with CMD; nothing arrives, nothing is left behind.
goes_over() {
	local i backend
	config iptables && run hold agent1 && ended_with 0 && run sync && ended_with 0 && stands iptables 2001 || return 1
	world_settle && world_log_clear
	flood 2001 && flood 20500
	for i in {1..10}; do
		for backend in nftables iptables; do
			if ! went_over "$backend" "$@"; then
				end_floods
				echo "$backend, round $i"
				return 1
			fi
		done
	done
	end_floods
	nothing_arrived && matches 0 '^kernel and plan agree$' verify
}
case_ "sync takes every account over, without a moment of openness" goes_over sync

# One account's open takes it along; the others wait for sync, and are told of.
one_by_one() {
	config iptables && run hold agent1 && run hold agent2 && run sync && stands iptables 2001 && stands iptables 2002 &&
		config nftables && run hold agent1 && ended_with 0 || return 1
	lab_rules_hold "$(lab_rules4)" 2002 && ! lab_rules4 | grep EGRESS-2001 &&
		python3 -I tests/lab_nft.py 2001 && matches 3 '^agent2: held by iptables, must be nftables' verify &&
		matches 0 '^agent2 .* iptables ' list && matches 0 '^agent1 .* nftables ' list || return 1
	run sync && ended_with 0 && stands nftables 2001 && stands nftables 2002 && stands nftables 20000-20999
}
case_ "an open takes its own account over, sync the others" one_by_one

# Released where it stands, whatever is configured by now.
goes_from_the_other() {
	config iptables && run release agent1 && run release agent2 && ! lab_rules | grep -e EGRESS-200 -e '{ 200[12]'
}
case_ "released from where it stands" goes_from_the_other
case_ "in the end no rule" all_go
lab_end
