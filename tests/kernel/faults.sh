#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever the kernel or another program does in between: both families or neither, and no false word.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/kernel.bash"

agent=(2001 proxy=127.0.0.1:3128 'proxy=[::1]:3128')

# A table with a life of its own, and an account that is held already.
furnish() {
	iptables-legacy -A OUTPUT -p icmp -j ACCEPT && ip6tables-legacy -A OUTPUT -p udp -j ACCEPT &&
		hold 2002 'allow=127.0.0.1,udp,9' && sends 2002 127.0.0.1 9 && not sends 2002 127.0.0.1 10
}

# fails_without_a_trace ENAME FAULTS ARGUMENTS...: that error, and tables as before, with their counters.
fails_without_a_trace() {
	local before name=$1
	shift
	before=$(counted)
	refused "$name" "" faulty "$@" && unchanged "$before" "$(counted)"
}

ipv4_cannot_be_written() {
	furnish && fails_without_a_trace ENOMEM v4:fail:ENOMEM hold "${agent[@]}" &&
		faults_happened "v4:fail:ENOMEM 1" &&
		fails_without_a_trace ENOMEM v4:fail:ENOMEM remove 2002 && verified 2002 'allow=127.0.0.1,udp,9'
}

ipv6_cannot_be_written() {
	furnish && fails_without_a_trace ENOMEM v6:fail:ENOMEM hold "${agent[@]}" &&
		faults_happened "v6:fail:ENOMEM 1" && grep -q "ipv6: cannot write" /run/refused
}

ipv6_cannot_be_written_where_nothing_was() {
	fails_without_a_trace EINVAL v6:fail:EINVAL hold "${agent[@]}"
}

a_change_is_undone() {
	furnish && hold "${agent[@]}" + 20000-29999 || return 1
	# Rules of ours that somebody edited, and a jump in the wrong place, are put back as they were.
	iptables-legacy -I EGRESS-2001 2 -m comment --comment "by hand" -p udp -j ACCEPT
	iptables-legacy -I OUTPUT -o lo -j ACCEPT
	iptables-legacy -A OUTPUT -j EGRESS
	iptables-legacy -A EGRESS -m owner --uid-owner 5000 -g EGRESS-2001
	fails_without_a_trace ENOMEM v6:fail:ENOMEM hold 2001 drop + 3000 + 20005 &&
		grep -q "ipv6: cannot write" /run/refused
}

a_removal_is_undone() {
	hold "${agent[@]}" 'allow=127.0.0.1,udp,9' && sends 2001 127.0.0.1 9 || return 1
	fails_without_a_trace ENOMEM v6:fail:ENOMEM remove 2001 &&
		fails_without_a_trace ENOMEM v4:fail:ENOMEM remove 2001 &&
		verified "${agent[@]}" 'allow=127.0.0.1,udp,9' &&
		list 2001 | grep -q '^allowed 1 packets'
}

the_undo_is_tried_again() {
	furnish && fails_without_a_trace ENOMEM v6:fail:ENOMEM,v4:fail:EAGAIN@2-3 hold "${agent[@]}" &&
		faults_happened "v6:fail:ENOMEM 1
v4:fail:EAGAIN@2-3 2
v4:fail:EAGAIN@2-3 3"
}

the_undo_fails() {
	furnish || return 1
	refused EIO "ipv6: .*; ipv4 could not be undone: kernel state unknown" \
		faulty v6:fail:ENOMEM,v4:fail:ENOMEM@2 hold "${agent[@]}" || return 1
	# What stands is told as it is.
	list 2001 | grep -q '^drift: ipv6: EGRESS-2001 is missing$' && hold "${agent[@]}" && verified "${agent[@]}"
}

# Somebody without the lock got in between: what stands where our rule was is not ours to delete.
the_undo_finds_another_table() {
	EGRESS_SHIM_COMMAND='iptables-legacy -I OUTPUT -p icmp -j ACCEPT; ip6tables-legacy -A INPUT -j DROP' \
		refused EIO "kernel state unknown" faulty v6:race@1,v6:fail:ENOMEM@2 hold 2001 + 2003 || return 1
	filter4 | grep -q '^-A OUTPUT -p icmp -j ACCEPT$' || { echo "a foreign rule is gone"; return 1; }
}

others_get_in_between() {
	furnish || return 1
	EGRESS_SHIM_COMMAND='iptables-legacy -A INPUT -p tcp -j DROP' faulty v4:race@1 hold "${agent[@]}" &&
		faults_happened "v4:race@1 1" && verified "${agent[@]}" || return 1
	filter4 | grep -q '^-A INPUT -p tcp -j DROP$' || { echo "the other's rule is lost"; return 1; }
	EGRESS_SHIM_COMMAND='ip6tables-legacy -A INPUT -p tcp -j DROP; ip6tables-legacy -I OUTPUT -j ACCEPT' \
		faulty v6:race@1 hold "${agent[@]}" drop && verified "${agent[@]}" drop || return 1
	filter6 | grep -q '^-A INPUT -p tcp -j DROP$' || { echo "the other's rule is lost"; return 1; }
	list 2002 | grep -q '^allowed 1 packets .* denied 1 packets' || { echo "counters are lost"; return 1; }
}

others_always_get_in_between() {
	furnish && fails_without_a_trace EAGAIN v4:fail:EAGAIN hold "${agent[@]}" &&
		fails_without_a_trace EAGAIN v6:fail:EAGAIN hold "${agent[@]}" &&
		fails_without_a_trace EAGAIN v6:fail:EAGAIN remove 2002 || return 1
	# A few tries, and all of them on the first family before the second is touched.
	[ "$(wc -l </run/shim.log)" -ge 4 ] && [ "$(wc -l </run/shim.log)" -le 20 ]
}

gives_up_at_the_deadline() {
	furnish && fails_without_a_trace EAGAIN v4:fail:EAGAIN -d 0 hold "${agent[@]}" &&
		faults_happened "v4:fail:EAGAIN 1"
}

# iptc_commit says no, although the rules are live.
a_commit_fails_too_late() {
	local family
	for family in v4 v6; do
		echo "$family"
		faulty $family:live:ENOMEM hold "${agent[@]}" && verified "${agent[@]}" &&
			faulty $family:count:ENOMEM hold "${agent[@]}" drop && verified "${agent[@]}" drop &&
			faulty $family:live:ENOMEM remove 2001 && not grep EGRESS <(filters) || return 1
	done
}

# ...and then the other family fails: what is live is undone.
a_late_failure_is_undone() {
	fails_without_a_trace ENOMEM v4:live:EIO@1,v6:fail:ENOMEM hold "${agent[@]}"
}

nobody_can_say_what_stands() {
	refused EIO "kernel state unknown" faulty v4:live:ENOMEM,v4:read:ENOMEM@2 hold "${agent[@]}" &&
		faulty v4:live,v6:live hold "${agent[@]}" && verified "${agent[@]}"
}

# The commit says yes and has done nothing: only reading back shows it.
a_commit_lies() {
	faulty v4:swallow,v6:swallow hold "${agent[@]}" || { echo "the lie was noticed too early"; return 1; }
	[ -z "$(list_all)" ] || { echo "list says what was never written"; return 1; }
	faulty v6:swallow hold "${agent[@]}" && list 2001 >/run/list || return 1
	cat /run/list
	grep -q '^drift: ipv6: EGRESS-2001 is missing$' /run/list &&
		grep -q '^drift: ipv6: nothing jumps to EGRESS$' /run/list || return 1
	faulty v4:swallow,v6:swallow remove 2001 && [ -n "$(list_all)" ]
}

a_table_cannot_be_read() {
	furnish || return 1
	local fault
	for fault in v4:read:ENOMEM v6:read:ENOMEM; do
		fails_without_a_trace ENOMEM $fault hold "${agent[@]}" &&
			fails_without_a_trace ENOMEM $fault remove 2002 &&
			fails_without_a_trace ENOMEM $fault list || return 1
	done
}

# setpriv leaves root without the one capability that it takes.
without_privilege() {
	furnish || return 1
	local before verb
	before=$(counted)
	for verb in "hold 2001" "remove 2002" list; do
		# shellcheck disable=SC2086  # a verb and its argument
		refused EPERM "ipv4: " setpriv --bounding-set=-net_admin "$DRIVER" $verb || return 1
	done
	unchanged "$before" "$(counted)"
}

# Known by its absence, never by a failure.
a_kernel_without_ipv6() {
	faulty v6:absent probe && faulty v6:absent hold "${agent[@]}" || return 1
	not grep EGRESS <(filter6) && faulty v6:absent verify "${agent[@]}" | grep '^2001 same$' || return 1
	not grep drift <(faulty v6:absent list) || return 1
	# The same table with the family there is not held.
	list 2001 | grep -q '^drift: ipv6: EGRESS-2001 is missing$' && faulty v6:absent remove 2001 &&
		not grep EGRESS <(filters)
}

case_ "IPv4 cannot be written: nothing changes" ipv4_cannot_be_written
case_ "IPv6 cannot be written: IPv4 is undone" ipv6_cannot_be_written
case_ "IPv6 cannot be written: nothing is left where nothing was" ipv6_cannot_be_written_where_nothing_was
case_ "a change is undone to the last hand-made rule" a_change_is_undone
case_ "a removal is undone, counters included" a_removal_is_undone
case_ "an undo that is overtaken is tried again" the_undo_is_tried_again
case_ "an undo that fails is \"state unknown\"" the_undo_fails
case_ "an undo never deletes a rule of others" the_undo_finds_another_table
case_ "another writer gets in between: neither's rules are lost" others_get_in_between
case_ "other writers always get in between: nothing changes" others_always_get_in_between
case_ "no try after the deadline" gives_up_at_the_deadline
case_ "a commit that fails after the fact is a success" a_commit_fails_too_late
case_ "a commit that failed after the fact is undone too" a_late_failure_is_undone
case_ "a commit that fails and cannot be checked is \"state unknown\"" nobody_can_say_what_stands
case_ "a commit that lies is found by list" a_commit_lies
case_ "a table that cannot be read is an error, not an empty one" a_table_cannot_be_read
case_ "no CAP_NET_ADMIN is EPERM" without_privilege
case_ "a kernel without IPv6 needs no IPv6 rules" a_kernel_without_ipv6
kernel_end
