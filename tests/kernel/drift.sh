#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever somebody does to our rules, list says so, and the next hold puts it right.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/kernel.bash"

agent=(2001 proxy=127.0.0.1:3128 'proxy=[::1]:3128')
fleet=(20000-29999 drop)
pinned=(20005 nolog)

# drifts COMMAND LINE...: after COMMAND, agent 2001 is listed with exactly these lines of drift.
drifts() {
	local command=$1 good
	shift
	hold "${agent[@]}" + "${fleet[@]}" + "${pinned[@]}" &&
		verified "${agent[@]}" + "${fleet[@]}" || return 1
	good=$(filters)
	eval "$command" || return 1
	list 2001 >/run/list || return 1
	diff -u <(printf "drift: %s\n" "$@") <(grep '^drift: ' /run/list) || return 1
	list_all | sed -n '/^hold 2001$/,/^hold/p' | grep '^drift: ' |
		diff -u <(printf "drift: %s\n" "$@") - || return 1
	hold "${agent[@]}" && verified "${agent[@]}" || return 1
	unchanged "$good" "$(filters | grep -v -e '^-A OUTPUT -o lo')"
}

# with_log RATE UID CMD...: CMD with a log rule as we write it, of RATE packets a minute.
with_log() {
	local rate=$1 uid=$2
	shift 2
	"$@" -m limit --limit "$rate/min" -j NFLOG --nflog-group 9 --nflog-prefix "egress uid=$uid"
}

# No drift, but not the plan.
differs() {
	local good
	hold "${agent[@]}" || return 1
	good=$(filters)
	eval "$1" || return 1
	[ "$("$DRIVER" verify "${agent[@]}")" = "2001 differs" ] || return 1
	hold "${agent[@]}" && unchanged "$good" "$(filters)"
}

gone_from_a_family() {
	hold "${agent[@]}" && ip6tables-legacy -F && ip6tables-legacy -X || return 1
	diff -u - <(list 2001 | grep -e hold -e drift) <<-'END' || return 1
		hold 2001
		drift: ipv6: nothing jumps to EGRESS
		drift: ipv6: EGRESS-forged is missing
		drift: ipv6: EGRESS-2001 is missing
	END
	hold "${agent[@]}" && verified "${agent[@]}" &&
		iptables-legacy -F && iptables-legacy -X || return 1
	diff -u - <(list_all | grep -e hold -e drift) <<-'END'
		hold 2001
		drift: ipv4: nothing jumps to EGRESS
		drift: ipv4: EGRESS-forged is missing
		drift: ipv4: EGRESS-2001 is missing
	END
}

a_wider_branch_decides() {
	hold "${agent[@]}" + 1-9999 && ip6tables-legacy -R EGRESS 3 -m owner --uid-owner 2001 -g EGRESS-1-9999 ||
		return 1
	diff -u - <(list 2001 | grep drift) <<-'END' || return 1
		drift: ipv6: the dispatch leads to EGRESS-1-9999 before EGRESS-2001
	END
	not grep drift <(list 1-9999) && hold 1-9999 && verified "${agent[@]}" + 1-9999
}

a_range_has_a_hole() {
	hold "${fleet[@]}" + "${pinned[@]}" && iptables-legacy -D EGRESS 4 || return 1
	diff -u - <(list 20000-29999 | grep drift) <<-'END' || return 1
		drift: ipv4: no dispatch leads to EGRESS-20000-29999 for uid 20006-29999
	END
	hold "${fleet[@]}" && verified "${fleet[@]}" + "${pinned[@]}"
}

# crowd_drifts COMMAND 2001's-LINE 2005's-LINE: where the dispatch spreads over chains, packets of 2001 come
# through EGRESS.0/18 and EGRESS.2000/30, those of 2005 through the first of them. Lists agree; the next hold of
# anybody mends it.
crowd_drifts() {
	local good line
	hold 2000 + "${agent[@]}" + 2002 + 2003 + 2004 + 2005 + 30000 && verified 2000 + "${agent[@]}" + 2005 || return 1
	good=$(filters)
	eval "$1" || return 1
	for line in "2001:$2" "2005:$3"; do
		diff -u <(echo "${line#*:}" | grep .) <(list "${line%%:*}" | sed -n 's/^drift: //p') &&
			diff -u <(echo "${line#*:}" | grep .) <(list_all | sed -n "/^hold ${line%%:*}$/,/^hold/s/^drift: //p") ||
			return 1
	done
	hold 30000 && unchanged "$good" "$(filters)"
}

many_foreign_rules_are_few_lines() {
	local i
	hold "${agent[@]}" || return 1
	for i in $(seq 20); do
		iptables-legacy -A EGRESS -s "10.0.0.$i" -j ACCEPT || return 1
	done
	[ "$(list 2001 | grep -c 'EGRESS rule [0-9]* is not ours')" -eq 8 ]
}

case_ "our jump is not first" drifts 'iptables-legacy -I OUTPUT -o lo -j ACCEPT' \
	"ipv4: OUTPUT rule 2, not rule 1, jumps to EGRESS"
case_ "our jump is gone" drifts 'ip6tables-legacy -D OUTPUT 1' \
	"ipv6: nothing jumps to EGRESS"
case_ "our jump has a condition" drifts 'iptables-legacy -R OUTPUT 1 -o lo -j EGRESS' \
	"ipv4: nothing jumps to EGRESS"
case_ "our jump is a goto" \
	drifts 'iptables-legacy -D OUTPUT 1; iptables-legacy -I OUTPUT -o lo -g EGRESS' \
	"ipv4: nothing jumps to EGRESS"
case_ "our jump is there twice" drifts 'iptables-legacy -A OUTPUT -j EGRESS' \
	"ipv4: OUTPUT rule 2 jumps to EGRESS once more"
case_ "all was flushed" drifts 'iptables-legacy -F EGRESS; iptables-legacy -F EGRESS-2001' \
	"ipv4: EGRESS-2001 is empty" "ipv4: no dispatch leads to EGRESS-2001"
case_ "a foreign rule in the dispatch" drifts 'ip6tables-legacy -I EGRESS -p udp -j ACCEPT' \
	"ipv6: EGRESS rule 1 is not ours"
case_ "a branch for the wrong account" \
	drifts 'iptables-legacy -I EGRESS -m owner --uid-owner 2001 -g EGRESS-20005' \
	"ipv4: EGRESS rule 1 is not ours"
case_ "a branch that is a jump" \
	drifts 'iptables-legacy -R EGRESS 2 -m owner --uid-owner 2001 -j EGRESS-2001' \
	"ipv4: EGRESS rule 2 is not ours" "ipv4: no dispatch leads to EGRESS-2001"
case_ "a branch is gone" drifts 'ip6tables-legacy -D EGRESS 2' \
	"ipv6: no dispatch leads to EGRESS-2001"
case_ "a branch is there twice" \
	drifts 'iptables-legacy -A EGRESS -m owner --uid-owner 2001 -g EGRESS-2001' \
	"ipv4: EGRESS rule 6: an earlier one decides"
case_ "a wider branch decides" a_wider_branch_decides
case_ "a branch of a range is gone" a_range_has_a_hole
case_ "the guard is gone" drifts 'iptables-legacy -D EGRESS 1' "ipv4: EGRESS has no guard"
case_ "the guard is too narrow" \
	drifts 'ip6tables-legacy -R EGRESS 1 -m owner ! --uid-owner 2002-29999 -j RETURN' \
	"ipv6: no dispatch leads to EGRESS-2001"
case_ "the guard drops" drifts 'iptables-legacy -R EGRESS 1 -m owner ! --uid-owner 2001-29999 -j DROP' \
	"ipv4: EGRESS rule 1 is not ours" "ipv4: EGRESS has no guard"
case_ "a foreign rule in a chain of the dispatch" \
	crowd_drifts 'iptables-legacy -I EGRESS.2000/30 -p udp -j ACCEPT' \
	"ipv4: EGRESS.2000/30 rule 1 is not ours" ""
case_ "a foreign rule further up" crowd_drifts 'ip6tables-legacy -A EGRESS.0/18 -j ACCEPT' \
	"ipv6: EGRESS.0/18 rule 4 is not ours" "ipv6: EGRESS.0/18 rule 4 is not ours"
case_ "a chain of the dispatch is gone" \
	crowd_drifts 'iptables-legacy -D EGRESS.0/18 1 && iptables-legacy -F EGRESS.2000/30 &&
		iptables-legacy -X EGRESS.2000/30' \
	"ipv4: no dispatch leads to EGRESS-2001" ""
case_ "a chain of the dispatch is bypassed" \
	crowd_drifts 'iptables-legacy -R EGRESS.0/18 1 -m owner --uid-owner 2000-2003 -g EGRESS-2003' \
	"ipv4: EGRESS.0/18 rule 1 is not ours
ipv4: no dispatch leads to EGRESS-2001" "ipv4: EGRESS.0/18 rule 1 is not ours"
case_ "a chain too many in the dispatch" \
	crowd_drifts 'iptables-legacy -N EGRESS.2000/31 && iptables-legacy -N EGRESS.4096/20 &&
		iptables-legacy -A EGRESS.2000/30 -m owner --uid-owner 2001 -g EGRESS.2000/31' \
	"ipv4: EGRESS.2000/30 rule 5: an earlier one decides" ""
case_ "all chains of the dispatch were flushed" \
	crowd_drifts 'iptables-legacy -F EGRESS; iptables-legacy -F EGRESS.0/18' \
	"ipv4: no dispatch leads to EGRESS-2001" "ipv4: no dispatch leads to EGRESS-2005"
case_ "a foreign rule in the account's chain" drifts 'iptables-legacy -I EGRESS-2001 -j ACCEPT' \
	"ipv4: EGRESS-2001 rule 1 is not ours"
case_ "an allowed port with a condition" \
	drifts 'iptables-legacy -R EGRESS-2001 2 -o ex -d 127.0.0.1 -p tcp --dport 3128 -j RETURN' \
	"ipv4: EGRESS-2001 rule 2 is not ours"
case_ "a log for another account" \
	drifts 'with_log 10 2002 ip6tables-legacy -R EGRESS-2001 3' \
	"ipv6: EGRESS-2001 rule 3 is not ours"
case_ "families that log differently" \
	drifts 'with_log 11 2001 ip6tables-legacy -R EGRESS-2001 3' \
	"ipv6: EGRESS-2001 rule 3 logs unlike another rule"
case_ "a family is gone" gone_from_a_family
case_ "many foreign rules are few lines" many_foreign_rules_are_few_lines
case_ "a rule that the plan does not have" \
	differs 'iptables-legacy -I EGRESS-2001 -d 192.0.2.1 -j RETURN'
case_ "a rule that only the plan has" differs 'ip6tables-legacy -D EGRESS-2001 2'
case_ "what could be forged is not looked at" differs 'iptables-legacy -D EGRESS-2001 1'
case_ "the chain of what could be forged was flushed" drifts 'ip6tables-legacy -F EGRESS-forged' \
	"ipv6: EGRESS-forged is empty"
case_ "a way past what could be forged" drifts 'iptables-legacy -I EGRESS-forged -s 10.0.0.1 -j RETURN' \
	"ipv4: EGRESS-forged has other rules than ours"
case_ "what could be forged is told otherwise" \
	drifts 'iptables-legacy -R EGRESS-forged 1 -m u32 --u32 "0>>24=0x47:0x4f" -j REJECT --reject-with icmp-admin-prohibited' \
	"ipv4: EGRESS-forged has other rules than ours"
case_ "rules in another order" \
	differs 'iptables-legacy -D EGRESS-2001 3; with_log 10 2001 iptables-legacy -I EGRESS-2001'
case_ "the last rule is gone" differs 'ip6tables-legacy -D EGRESS-2001 5'
kernel_end
