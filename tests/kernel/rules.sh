#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a hold is in the kernel, rule by rule, and that it goes without a trace.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/kernel.bash"

agent=(2001 proxy=127.0.0.1:3128 'proxy=[::1]:3128' 'allow=192.0.2.0/24,udp,53,8000-8010'
	'allow=2001:db8::/32,tcp' 'allow=192.0.2.7,icmp' 'allow=2001:db8::7,icmp'
	allow=198.51.100.1)

writes_both_families() {
	hold "${agent[@]}" &&
		rules_are filter4 <<-'END' && rules_are filter6 <<-'END'
		:EGRESS -
		:EGRESS-2001 -
		:EGRESS-forged -
		-A OUTPUT -j EGRESS
		-A EGRESS -m owner ! --uid-owner 2001 -j RETURN
		-A EGRESS -m owner --uid-owner 2001 -g EGRESS-2001
		-A EGRESS-2001 -j EGRESS-forged
		-A EGRESS-2001 -d 127.0.0.1/32 -o lo -p tcp -m tcp --dport 3128 -j RETURN
		-A EGRESS-2001 -d 192.0.2.0/24 -p udp -m udp --dport 53 -j RETURN
		-A EGRESS-2001 -d 192.0.2.0/24 -p udp -m udp --dport 8000:8010 -j RETURN
		-A EGRESS-2001 -d 192.0.2.7/32 -p icmp -j RETURN
		-A EGRESS-2001 -d 198.51.100.1/32 -j RETURN
		-A EGRESS-2001 -m limit --limit 10/min -j NFLOG --nflog-prefix "egress uid=2001" --nflog-group 9
		-A EGRESS-2001 -p tcp -j REJECT --reject-with tcp-reset
		-A EGRESS-2001 -j REJECT --reject-with icmp-admin-prohibited
		-A EGRESS-forged -m u32 --u32 "0x0>>0x18=0x46:0x4f" -j REJECT --reject-with icmp-admin-prohibited
	END
		:EGRESS -
		:EGRESS-2001 -
		:EGRESS-forged -
		-A OUTPUT -j EGRESS
		-A EGRESS -m owner ! --uid-owner 2001 -j RETURN
		-A EGRESS -m owner --uid-owner 2001 -g EGRESS-2001
		-A EGRESS-2001 -j EGRESS-forged
		-A EGRESS-2001 -d ::1/128 -o lo -p tcp -m tcp --dport 3128 -j RETURN
		-A EGRESS-2001 -d 2001:db8::/32 -p tcp -j RETURN
		-A EGRESS-2001 -d 2001:db8::7/128 -p ipv6-icmp -j RETURN
		-A EGRESS-2001 -m limit --limit 10/min -j NFLOG --nflog-prefix "egress uid=2001" --nflog-group 9
		-A EGRESS-2001 -p tcp -j REJECT --reject-with tcp-reset
		-A EGRESS-2001 -j REJECT --reject-with icmp6-adm-prohibited
		-A EGRESS-forged -m rt -j REJECT --reject-with icmp6-adm-prohibited
	END
}

reads_what_it_wrote() {
	hold "${agent[@]}" + 2002 drop nolog + 20000-29999 log=1:600:3600 || return 1
	verified "${agent[@]}" + 2002 drop nolog + 20000-29999 log=1:600:3600 || return 1
	diff -u - <(list 2001) <<-'END'
		hold 2001
		ipv4 reject any options with prohibited
		ipv4 allow tcp 127.0.0.1/32 port 3128
		ipv4 allow udp 192.0.2.0/24 port 53
		ipv4 allow udp 192.0.2.0/24 port 8000-8010
		ipv4 allow icmp 192.0.2.7/32
		ipv4 allow any 198.51.100.1/32
		ipv6 reject any routing-header with prohibited
		ipv6 allow tcp ::1/128 port 3128
		ipv6 allow tcp 2001:db8::/32
		ipv6 allow icmpv6 2001:db8::7/128
		both log group 9 rate 10/minute
		both reject tcp with reset
		both reject any with prohibited
		allowed 0 packets 0 bytes, denied 0 packets 0 bytes
	END
}

lists_ascending() {
	hold 20000-29999 + 20005 + 3000 + 2001 || return 1
	diff -u <(printf 'hold %s\n' 2001 3000 20000-29999 20005) <(list_all | grep '^hold')
}

differs() { "$DRIVER" verify "$@" | grep 'differs$' || { echo "not told apart: $*"; return 1; }; }

tells_plans_apart() {
	hold "${agent[@]}" || return 1
	differs 2001 proxy=127.0.0.1:3128 && differs "${agent[@]}" log=9:11:60 &&
		differs "${agent[@]}" drop && differs 2002
}

writes_nothing_when_nothing_changes() {
	hold "${agent[@]}" + 2002 || return 1
	# Any write would fail.
	faulty v4:fail:EIO,v6:fail:EIO hold "${agent[@]}" && faults_happened ""
}

changes_a_plan_in_one_write() {
	hold "${agent[@]}" || return 1
	# "live" without an errno only counts the writes.
	faulty v4:live,v6:live hold 2001 proxy=127.0.0.1:3129 drop &&
		faults_happened "v4:live 1
v6:live 1" && rules_are filter4 <<-'END' && rules_are filter6 <<-'END'
		:EGRESS -
		:EGRESS-2001 -
		:EGRESS-forged -
		-A OUTPUT -j EGRESS
		-A EGRESS -m owner ! --uid-owner 2001 -j RETURN
		-A EGRESS -m owner --uid-owner 2001 -g EGRESS-2001
		-A EGRESS-2001 -j EGRESS-forged
		-A EGRESS-2001 -d 127.0.0.1/32 -o lo -p tcp -m tcp --dport 3129 -j RETURN
		-A EGRESS-2001 -m limit --limit 10/min -j NFLOG --nflog-prefix "egress uid=2001" --nflog-group 9
		-A EGRESS-2001 -j DROP
		-A EGRESS-forged -m u32 --u32 "0x0>>0x18=0x46:0x4f" -j REJECT --reject-with icmp-admin-prohibited
	END
		:EGRESS -
		:EGRESS-2001 -
		:EGRESS-forged -
		-A OUTPUT -j EGRESS
		-A EGRESS -m owner ! --uid-owner 2001 -j RETURN
		-A EGRESS -m owner --uid-owner 2001 -g EGRESS-2001
		-A EGRESS-2001 -j EGRESS-forged
		-A EGRESS-2001 -m limit --limit 10/min -j NFLOG --nflog-prefix "egress uid=2001" --nflog-group 9
		-A EGRESS-2001 -j DROP
		-A EGRESS-forged -m rt -j REJECT --reject-with icmp6-adm-prohibited
	END
}

holds_many_in_one_write() {
	faulty v4:live,v6:live hold 2001 + 2002 + 2003 && faults_happened "v4:live 1
v6:live 1" && faulty v4:live,v6:live remove 2001 2003 && faults_happened "v4:live 1
v6:live 1" && [ "$(list_all | grep -c '^hold')" -eq 1 ]
}

dispatch() { "$1" | sed -n 's/^-A \(EGRESS[^-]*\) -m owner/\1/p'; }

# dispatch_is: what is expected comes on standard input.
dispatch_is() {
	cat >/run/dispatch
	diff -u /run/dispatch <(dispatch filter4) && diff -u /run/dispatch <(dispatch filter6)
}

# Whatever the order in which they were held.
lets_narrower_ones_decide() {
	hold 20000-29999 && hold 2001 && hold 20000-20009 || return 1
	dispatch_is <<-'END' || return 1
		EGRESS ! --uid-owner 2001-29999 -j RETURN
		EGRESS --uid-owner 2001 -g EGRESS-2001
		EGRESS --uid-owner 20000-20009 -g EGRESS-20000-20009
		EGRESS --uid-owner 20010-29999 -g EGRESS-20000-29999
	END
	hold 20005 && verified 20000-29999 + 2001 + 20005 + 20000-20009
}

# A sixth is one too many for a chain; without it, it is one again.
spreads_over_chains() {
	hold 2001 + 2002 + 2003 + 2004 && hold 3000 && hold 20000-29999 || return 1
	dispatch_is <<-'END' || return 1
		EGRESS ! --uid-owner 2001-29999 -j RETURN
		EGRESS --uid-owner 2001-3000 -g EGRESS.0/18
		EGRESS --uid-owner 20000-29999 -g EGRESS-20000-29999
		EGRESS.0/18 --uid-owner 2001-2004 -g EGRESS.0/21
		EGRESS.0/18 --uid-owner 3000 -g EGRESS-3000
		EGRESS.0/21 --uid-owner 2001 -g EGRESS-2001
		EGRESS.0/21 --uid-owner 2002 -g EGRESS-2002
		EGRESS.0/21 --uid-owner 2003 -g EGRESS-2003
		EGRESS.0/21 --uid-owner 2004 -g EGRESS-2004
	END
	verified 2001 + 2002 + 2003 + 2004 + 3000 + 20000-29999 &&
		remove 2002 3000 && dispatch_is <<-'END' || return 1
		EGRESS ! --uid-owner 2001-29999 -j RETURN
		EGRESS --uid-owner 2001 -g EGRESS-2001
		EGRESS --uid-owner 2003 -g EGRESS-2003
		EGRESS --uid-owner 2004 -g EGRESS-2004
		EGRESS --uid-owner 20000-29999 -g EGRESS-20000-29999
	END
	not grep ':EGRESS\.' <(filters) && verified 2001 + 2003 + 2004 + 20000-29999
}

# Held one by one and at once, and what is left of more: the same tables.
does_not_depend_on_how_it_came_about() {
	local uid uids=(2005 2001 30000 20007 2003 2002 20000 2004 20001 4294967294 1) at_once
	for uid in "${uids[@]}"; do at_once+=" + $uid"; done
	# shellcheck disable=SC2086  # words
	hold 20000-29999 $at_once && at_once=$(dispatch filter4; dispatch filter6) || return 1
	remove 20000-29999 "${uids[@]}" && not grep EGRESS <(filters) || return 1
	hold 2006 && hold 500 + 20003 || return 1
	for uid in "${uids[@]}"; do hold "$uid" || return 1; done
	hold 20000-29999 && remove 500 && remove 2006 20003 || return 1
	unchanged "$at_once" "$(dispatch filter4; dispatch filter6)"
}

leaves_nothing() {
	local before
	before=$(filters)
	hold "${agent[@]}" + 20000-29999 && remove 2001 || return 1
	rules_are filter4 <<-'END' || return 1
		:EGRESS -
		:EGRESS-20000-29999 -
		:EGRESS-forged -
		-A OUTPUT -j EGRESS
		-A EGRESS -m owner ! --uid-owner 20000-29999 -j RETURN
		-A EGRESS -m owner --uid-owner 20000-29999 -g EGRESS-20000-29999
		-A EGRESS-20000-29999 -j EGRESS-forged
		-A EGRESS-20000-29999 -m limit --limit 10/min -j NFLOG --nflog-prefix "egress uid=20000-29999" --nflog-group 9
		-A EGRESS-20000-29999 -p tcp -j REJECT --reject-with tcp-reset
		-A EGRESS-20000-29999 -j REJECT --reject-with icmp-admin-prohibited
		-A EGRESS-forged -m u32 --u32 "0x0>>0x18=0x46:0x4f" -j REJECT --reject-with icmp-admin-prohibited
	END
	remove 20000-29999 && unchanged "$before" "$(filters)"
}

removes_what_is_absent() {
	local before
	hold 2001 || return 1
	before=$(filters)
	faulty v4:fail:EIO,v6:fail:EIO remove 2002 && unchanged "$before" "$(filters)" || return 1
	remove 2001 2002 && faulty v4:fail:EIO,v6:fail:EIO remove 2001
}

removes_leftovers_of_one_family() {
	local before
	before=$(filters)
	hold 2001 && iptables-legacy -F && iptables-legacy -X || return 1
	remove 2001 && unchanged "$before" "$(filters)" || return 1
	hold 2001 && ip6tables-legacy -F && ip6tables-legacy -X || return 1
	remove 2001 && unchanged "$before" "$(filters)"
}

# Both at the ends of what is allowed; iptables itself cannot hold 1/day with its own default burst.
takes_every_rate() {
	local rate
	for rate in 1:1 10000:1 1:60 10000:60 1:3600 10000:3600 1:86400 2:86400 10000:86400; do
		echo "rate $rate"
		hold 2001 "log=9:$rate" && verified 2001 "log=9:$rate" || return 1
	done
}

takes_the_longest_name() {
	hold 4294967293-4294967294 && verified 4294967293-4294967294 || return 1
	filter6 | grep -q -- '-g EGRESS-4294967293-4294967294$' && remove 4294967293-4294967294
}

never_holds_root() {
	local before
	before=$(filters)
	refused EINVAL "uid 0-5: never held" hold 0-5 && unchanged "$before" "$(filters)" || return 1
	# Nor if somebody else made the chain.
	iptables-legacy -N EGRESS-0-5 && hold 2001 || return 1
	not grep -e '-g EGRESS-0' <(filter4)
}

survives_save_and_restore() {
	hold "${agent[@]}" + 2002 log=9:10000:60 + 2003 log=9:1:86400 || return 1
	iptables-legacy-save | iptables-legacy-restore &&
		ip6tables-legacy-save | ip6tables-legacy-restore &&
		verified "${agent[@]}" + 2002 log=9:10000:60 + 2003 log=9:1:86400
}

# Nothing of ours is asked to make a table that nobody needs.
looks_without_making_tables() {
	# shellcheck disable=SC2016  # for the shell inside
	unshare --net bash -c '
		"$1" probe && "$1" list && "$1" remove 2001 || exit 1
		if [ -n "$(cat /proc/net/ip_tables_names /proc/net/ip6_tables_names)" ]; then
			echo "there is a table now"
			exit 1
		fi
		"$1" hold 2001 && "$1" verify 2001' bash "$DRIVER" | grep '^2001 same$'
}

# in_a_user_namespace MAP CMD...: CMD as its root, in a network namespace that it owns.
in_a_user_namespace() {
	local map=$1 pid status
	shift
	unshare --user --net sleep 60 &
	pid=$!
	wait_for 5 is_another_user_namespace "$pid" || return 1
	# One write each, or the kernel takes the first line for all of it.
	printf %b "$map" >/run/map && cat /run/map >"/proc/$pid/uid_map" && echo 0 0 1 >"/proc/$pid/gid_map" || return 1
	nsenter --target "$pid" --user --net --setuid 0 --setgid 0 -- "$@"
	status=$?
	kill "$pid"
	return "$status"
}
is_another_user_namespace() { [ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]; }

# Owner matches compare the uids outside: between two of a range, others may lie.
needs_uids_that_ascend() {
	in_a_user_namespace '0 0 1\n10 2000 1\n20 3000 1\n' "$DRIVER" hold 10 + 20 || return 1
	refused EOPNOTSUPP "map of this user namespace does not ascend" \
		in_a_user_namespace '0 0 1\n10 3000 1\n20 2000 1\n' "$DRIVER" hold 10 + 20 || return 1
	in_a_user_namespace '0 0 1\n10 3000 1\n20 2000 1\n' "$DRIVER" -b nftables hold 10 + 20
}

leaves_no_descriptor_to_children() {
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -f -o /run/trace \
		-e trace=socket,openat,open,fcntl,dup,dup2,dup3 "$DRIVER" hold 2001 || return 1
	cat /run/trace
	# libiptc sets close-on-exec by a second call; everything else is born with it.
	awk '/socket\(/ && !/CLOEXEC/ { raw++ } /F_SETFD, FD_CLOEXEC/ { set++ }
		/xtables.lock|tables_names/ && !/O_CLOEXEC/ { bad = 1; print }
		END { exit bad || raw != set || raw < 2 }' /run/trace
}

case_ "a hold is a jump, a branch and a chain, in both families" writes_both_families
case_ "list reads back what hold wrote" reads_what_it_wrote
case_ "list is ascending by uid" lists_ascending
case_ "verify tells another plan" tells_plans_apart
case_ "holding again writes nothing" writes_nothing_when_nothing_changes
case_ "a changed plan is one write a family" changes_a_plan_in_one_write
case_ "many accounts are one write a family" holds_many_in_one_write
case_ "narrower ranges decide before wider ones" lets_narrower_ones_decide
case_ "many accounts spread over chains, few are one again" spreads_over_chains
case_ "the same accounts are the same chains, however they came about" does_not_depend_on_how_it_came_about
case_ "remove leaves nothing" leaves_nothing
case_ "removing what is absent succeeds and writes nothing" removes_what_is_absent
case_ "leftovers of one family are removed" removes_leftovers_of_one_family
case_ "every log rate of the configuration is taken" takes_every_rate
case_ "the longest chain name fits" takes_the_longest_name
case_ "root is never held" never_holds_root
case_ "rules that were saved and restored are still ours" survives_save_and_restore
case_ "probe, list and remove make no table" looks_without_making_tables
case_ "a user namespace whose uids do not ascend is refused" needs_uids_that_ascend
case_ "every descriptor is close-on-exec" leaves_no_descriptor_to_children
kernel_end
