#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules, chains and counters of others are theirs.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/kernel.bash"

# A firewall of somebody else's, with every kind of thing that a table can hold.
foreign_rules() {
	local tool
	for tool in iptables-legacy ip6tables-legacy; do
		$tool -N AAA && $tool -N FGH && $tool -N EGRESS-other && $tool -N zzz || return 1
		$tool -A INPUT -i lo -j ACCEPT
		$tool -A OUTPUT -o lo -m comment --comment "the host's own" -j FGH
		$tool -A FGH -p udp -m multiport --dports 7,9 -j AAA
		$tool -A FGH -m owner --uid-owner 1234 -j MARK --set-mark 7
		$tool -A AAA -m state --state NEW
		$tool -A AAA -m string --algo bm --string "x" -g zzz
		$tool -A EGRESS-other -j DROP
		$tool -P FORWARD DROP
	done
}

packets() {
	sends 1234 127.0.0.1 9 && sends 1234 ::1 9 && sends 0 127.0.0.1 7 && sends 0 ::1 7
}

# Everything but what is ours, with counters.
foreign_part() {
	counted | grep -v -e 'OUTPUT -j EGRESS$' -e '-A EGRESS ' -e 'EGRESS-2' -e 'EGRESS-forged' -e ':EGRESS '
}

keeps_foreign_rules_and_counters() {
	local before
	foreign_rules && packets || return 1
	before=$(foreign_part)
	# Packets that pass our jump are counted by the host's rules as before.
	grep -q '^\[[1-9].* OUTPUT -o lo' <<<"$before" || return 1
	hold 2001 proxy=127.0.0.1:3128 + 20000-29999 &&
		unchanged "$before" "$(foreign_part)" || return 1
	hold 2001 drop && hold 2002 && unchanged "$before" "$(foreign_part)" || return 1
	remove 2001 && remove 2002 20000-29999 && unchanged "$before" "$(foreign_part)" &&
		unchanged "$before" "$(counted)"
}

counters_of() { list "$1" | grep '^allowed'; }

counters_of_all() {
	counters_of 2001
	counters_of 20000-29999
	counted | grep -e '-A EGRESS-.*2001'
}

keeps_counters_of_other_accounts() {
	local before
	hold 2001 allow=127.0.0.1,udp,9 allow=::1,udp,9 + 20000-29999 || return 1
	echo "packets went wrong"
	sends 2001 127.0.0.1 9 && sends 2001 ::1 9 && not sends 2001 127.0.0.1 10 &&
		not sends 20001 ::1 10 || return 1
	[ "$(counters_of 2001)" = "allowed 2 packets 78 bytes, denied 1 packets 29 bytes" ] ||
		{ counters_of 2001; return 1; }
	before=$(counters_of_all)
	hold 2002 && hold 20005 + 1999 && remove 20005 && hold 2002 drop && remove 2002 || return 1
	unchanged "$before" "$(counters_of_all)"
}

# Its own counters too, as far as its rules stay.
keeps_counters_of_unchanged_rules() {
	hold 2001 allow=127.0.0.1,udp,9 allow=127.0.0.2,udp,9 || return 1
	sends 2001 127.0.0.1 9 && sends 2001 127.0.0.2 9 && not sends 2001 127.0.0.1 10
	hold 2001 allow=127.0.0.1,udp,9 allow=127.0.0.2,udp,9 || return 1
	counters_of 2001
	counters_of 2001 | grep -q '^allowed 2 packets .* denied 1 ' || return 1
	hold 2001 allow=127.0.0.3,udp,9 allow=127.0.0.2,udp,9 || return 1
	counters_of 2001
	counters_of 2001 | grep -q '^allowed 1 packets .* denied 1 '
}

first_output_rules() {
	filter4 | grep -m 1 '^-A OUTPUT'
	filter6 | grep -m 1 '^-A OUTPUT'
}

jumps_first() {
	diff -u - <(first_output_rules) <<-'END' || return 1
		-A OUTPUT -j EGRESS
		-A OUTPUT -j EGRESS
	END
	[ "$(filters | grep -c '^-A OUTPUT -j EGRESS$')" -eq 2 ]
}

stays_first() {
	hold 2001 && jumps_first || return 1
	iptables-legacy -I OUTPUT -o lo -j ACCEPT
	ip6tables-legacy -I OUTPUT 1 -m owner --uid-owner 2001 -j ACCEPT
	sends 2001 127.0.0.1 9 || { echo "the foreign rule does nothing"; return 1; }
	hold 2001 && jumps_first && not sends 2001 127.0.0.1 9 && not sends 2001 ::1 9
}

repairs_the_entry_point() {
	hold 2001 || return 1
	iptables-legacy -D OUTPUT 1
	ip6tables-legacy -A OUTPUT -j EGRESS
	ip6tables-legacy -A OUTPUT -j EGRESS
	hold 2001 && jumps_first && verified 2001 || return 1
	# Another account's hold repairs it as well, and so does another's removal.
	iptables-legacy -D OUTPUT 1 && hold 2002 && jumps_first && verified 2001 + 2002 || return 1
	ip6tables-legacy -D OUTPUT 1 && remove 2002 && jumps_first && verified 2001
}

repairs_what_was_edited() {
	local good
	hold 2001 proxy=127.0.0.1:3128 + 20000-29999 || return 1
	good=$(filters)
	iptables-legacy -I EGRESS-2001 -j ACCEPT
	iptables-legacy -D EGRESS-2001 3
	iptables-legacy -A EGRESS-2001 -p tcp -j REJECT --reject-with tcp-reset
	ip6tables-legacy -F EGRESS-2001
	iptables-legacy -I EGRESS -p udp -j ACCEPT
	iptables-legacy -I EGRESS -m owner --uid-owner 20000-29999 -g EGRESS-20000-29999
	ip6tables-legacy -F EGRESS
	hold 2001 proxy=127.0.0.1:3128 && unchanged "$good" "$(filters)"
}

leaves_a_chain_of_the_same_name() {
	iptables-legacy -N EGRESS && iptables-legacy -A EGRESS -p icmp -j ACCEPT || return 1
	local theirs
	theirs=$(filters)
	remove 2001 && unchanged "$theirs" "$(filters)" && [ -z "$(list_all)" ] || return 1
	refused EPERM "ipv4: chain EGRESS: is there and not ours" hold 2001 &&
		unchanged "$theirs" "$(filters)" || return 1
	iptables-legacy -F EGRESS && hold 2001 && verified 2001 && remove 2001 &&
		not grep EGRESS <(filters)
}

# A rule of theirs that leads to our entry chain keeps it alive, empty; nothing fails.
keeps_a_chain_that_others_jump_to() {
	hold 2001 && iptables-legacy -A OUTPUT -o lo -p udp -j EGRESS &&
		hold 2001 && jumps_first || return 1
	remove 2001 && rules_are filter4 <<-'END' || return 1
		:EGRESS -
		-A OUTPUT -o lo -p udp -j EGRESS
	END
	hold 2001 && jumps_first && verified 2001 && remove 2001
}

# To empty the account's chain would open whoever is sent through it.
refuses_to_open_others() {
	local before
	hold 2001 + 2002 &&
		ip6tables-legacy -A OUTPUT -m owner --uid-owner 5000 -g EGRESS-2001 || return 1
	before=$(filters)
	refused EPERM "ipv6: chain EGRESS-2001: rules of others lead to it" remove 2001 &&
		unchanged "$before" "$(filters)" && verified 2001 + 2002 && remove 2002 || return 1
	ip6tables-legacy -D OUTPUT -m owner --uid-owner 5000 -g EGRESS-2001
	remove 2001 && not grep EGRESS <(filters)
}

# Chains that lead to each other, by hand, and go together.
removes_chains_that_lead_to_each_other() {
	hold 2001 + 2002 && iptables-legacy -I EGRESS-2001 -j EGRESS-2002 && remove 2002 2001 &&
		not grep EGRESS <(filters)
}

case_ "foreign rules and their counters stay" keeps_foreign_rules_and_counters
case_ "counters of other accounts stay" keeps_counters_of_other_accounts
case_ "counters of unchanged rules stay" keeps_counters_of_unchanged_rules
case_ "our jump is first again although others insert before it" stays_first
case_ "a missing or repeated jump is repaired" repairs_the_entry_point
case_ "what somebody edited is repaired" repairs_what_was_edited
leaves_a_shared_chain_of_the_same_name() {
	ip6tables-legacy -N EGRESS-forged && ip6tables-legacy -A EGRESS-forged -p udp -j ACCEPT || return 1
	local theirs
	theirs=$(filters)
	refused EPERM "ipv6: chain EGRESS-forged: is there and not ours" hold 2001 && remove 2001 &&
		unchanged "$theirs" "$(filters)" || return 1
	ip6tables-legacy -F EGRESS-forged && hold 2001 && verified 2001 && remove 2001 &&
		not grep EGRESS <(filters)
}

case_ "somebody else's chain EGRESS-forged is theirs: nothing is held beside it" \
	leaves_a_shared_chain_of_the_same_name
case_ "somebody else's chain EGRESS is theirs: nothing is held beside it" \
	leaves_a_chain_of_the_same_name
case_ "EGRESS stays, empty, while foreign rules jump to it" keeps_a_chain_that_others_jump_to
case_ "an account's chain stays while foreign rules lead to it" refuses_to_open_others
case_ "chains that lead to each other go together" removes_chains_that_lead_to_each_other
kernel_end
