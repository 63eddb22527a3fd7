#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever the kernel or another program does: both families or neither, and no false word.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/kernel.bash"

agent=(2001 proxy=127.0.0.1:3128 'proxy=[::1]:3128')

# A table with a life of its own, and an account that is held already.
furnish() {
	iptables-legacy -A OUTPUT -p icmp -j ACCEPT &&
		ip6tables-legacy -A OUTPUT -p udp -j ACCEPT && hold 2002 'allow=127.0.0.1,udp,9' &&
		sends 2002 127.0.0.1 9 && not sends 2002 127.0.0.1 10
}

# fails_without_a_trace ENAME FAULTS ARGUMENTS...: that error, and tables and counters as before.
fails_without_a_trace() {
	local before name=$1
	shift
	before=$(counted)
	refused "$name" "" faulty "$@" && unchanged "$before" "$(counted)"
}

ipv4_cannot_be_written() {
	furnish && fails_without_a_trace ENOMEM v4:fail:ENOMEM hold "${agent[@]}" &&
		faults_happened "v4:fail:ENOMEM 1" &&
		fails_without_a_trace ENOMEM v4:fail:ENOMEM remove 2002 &&
		verified 2002 'allow=127.0.0.1,udp,9'
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
	# Even what somebody did to our rules, and a jump in the wrong place, is put back as it was.
	iptables-legacy -I EGRESS-2001 3 -m comment --comment "by hand" -p udp -j ACCEPT
	iptables-legacy -I OUTPUT -o lo -j ACCEPT
	iptables-legacy -A OUTPUT -j EGRESS
	iptables-legacy -A EGRESS -m owner --uid-owner 5000 -g EGRESS-2001
	fails_without_a_trace ENOMEM v6:fail:ENOMEM hold 2001 drop + 3000 + 20005 &&
		grep -q "ipv6: cannot write" /run/refused
}

# Chains of the dispatch are cut, and made one again.
a_change_of_the_dispatch_is_undone() {
	furnish && hold 2000 + 2001 + 2003 + 2004 + 2005 + 20000-29999 && not sends 2000 127.0.0.1 10 || return 1
	fails_without_a_trace ENOMEM v6:fail:ENOMEM hold 2006 + 2007 + 2008 + 20001 + 3000-3999 &&
		fails_without_a_trace ENOMEM v6:fail:ENOMEM remove 2000 2001 2003 &&
		fails_without_a_trace ENOMEM v6:fail:ENOMEM remove 2000 2001 2002 2003 2004 2005 20000-29999
}

a_removal_is_undone() {
	hold "${agent[@]}" 'allow=127.0.0.1,udp,9' && sends 2001 127.0.0.1 9 || return 1
	fails_without_a_trace ENOMEM v6:fail:ENOMEM remove 2001 &&
		fails_without_a_trace ENOMEM v4:fail:ENOMEM remove 2001 &&
		verified "${agent[@]}" 'allow=127.0.0.1,udp,9' &&
		list 2001 | grep -q '^allowed 1 packets'
}

the_undo_is_tried_again() {
	furnish || return 1
	fails_without_a_trace ENOMEM v6:fail:ENOMEM,v4:fail:EAGAIN@2-3 hold "${agent[@]}" &&
		faults_happened "v6:fail:ENOMEM 1
v4:fail:EAGAIN@2-3 2
v4:fail:EAGAIN@2-3 3"
}

the_undo_fails() {
	furnish || return 1
	refused EIO "ipv6: .*; ipv4 could not be undone: kernel state unknown" \
		faulty v6:fail:ENOMEM,v4:fail:ENOMEM@2 hold "${agent[@]}" || return 1
	# What stands is told as it is.
	list 2001 | grep -q '^drift: ipv6: EGRESS-2001 is missing$' &&
		hold "${agent[@]}" && verified "${agent[@]}"
}

# Somebody without the lock got in between: what stands where our rule was is not ours to delete.
the_undo_finds_another_table() {
	local command='iptables-legacy -I OUTPUT -j ACCEPT; ip6tables-legacy -A INPUT -j DROP'
	hold 2001 && iptables-legacy -D OUTPUT 1 && ip6tables-legacy -D OUTPUT 1 || return 1
	EGRESS_SHIM_COMMAND=$command refused EIO "kernel state unknown" \
		faulty v6:race@1,v6:fail:ENOMEM@2 hold 2001 || return 1
	echo "a foreign rule is gone"
	filter4 | grep -q '^-A OUTPUT -j ACCEPT$'
}

others_get_in_between() {
	furnish || return 1
	local command='iptables-legacy -A INPUT -p tcp -j DROP'
	EGRESS_SHIM_COMMAND=$command faulty v4:race@1 hold "${agent[@]}" &&
		faults_happened "v4:race@1 1" && verified "${agent[@]}" || return 1
	command='ip6tables-legacy -A INPUT -p tcp -j DROP; ip6tables-legacy -I OUTPUT -j ACCEPT'
	EGRESS_SHIM_COMMAND=$command faulty v6:race@1 hold "${agent[@]}" drop &&
		verified "${agent[@]}" drop || return 1
	echo "the other's rule is lost"
	filter4 | grep -q '^-A INPUT -p tcp -j DROP$' &&
		filter6 | grep -q '^-A INPUT -p tcp -j DROP$' || return 1
	echo "counters are lost"
	list 2002 | grep -q '^allowed 1 packets .* denied 1 packets'
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
			faulty $family:count:ENOMEM hold "${agent[@]}" drop &&
			verified "${agent[@]}" drop &&
			faulty $family:live:ENOMEM remove 2001 &&
			not grep EGRESS <(filters) || return 1
	done
}

# ...and then the other family fails: what is live is undone.
a_late_failure_is_undone() {
	fails_without_a_trace ENOMEM v4:live:EIO@1,v6:fail:ENOMEM hold "${agent[@]}"
}

nobody_can_say_what_stands() {
	refused EIO "kernel state unknown" \
		faulty v4:live:ENOMEM,v4:read:ENOMEM@2 hold "${agent[@]}" &&
		faulty v4:live,v6:live hold "${agent[@]}" && verified "${agent[@]}"
}

# The commit says yes and has done nothing: only reading back shows it.
a_commit_lies() {
	echo "hold notices the lie itself"
	faulty v4:swallow,v6:swallow hold "${agent[@]}" || return 1
	echo "list says what was never written"
	[ -z "$(list_all)" ] || return 1
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
	not grep EGRESS <(filter6) || return 1
	faulty v6:absent verify "${agent[@]}" | grep '^2001 same$' || return 1
	not grep drift <(faulty v6:absent list) || return 1
	# The same table with the family there is not held.
	list 2001 | grep -q '^drift: ipv6: EGRESS-2001 is missing$' &&
		faulty v6:absent remove 2001 && not grep EGRESS <(filters)
}

# A sandbox that hides the family's sockets hides no family: what it left alone could still be used.
a_sandbox_without_ipv6() {
	fails_without_a_trace EOPNOTSUPP v6:socket:EAFNOSUPPORT hold "${agent[@]}" || return 1
	hold "${agent[@]}" &&
		fails_without_a_trace EOPNOTSUPP v6:socket:EAFNOSUPPORT remove 2001 &&
		fails_without_a_trace EOPNOTSUPP v6:socket:EAFNOSUPPORT list
}

# in_a_proc_with DIRECTORY CMD...: CMD sees a /proc of which only that directory, empty, is left.
in_a_proc_with() {
	# shellcheck disable=SC2016  # arguments of the inner shell
	unshare --mount bash -c '
		mkdir -p /run/proc && mount --rbind /proc /run/proc && mount -t tmpfs tmpfs /proc &&
			ln -s /run/proc/self /proc/self && mkdir -p "/proc/$1" || exit 9
		shift
		ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 exec "$@"' bash "$@"
}

a_kernel_without_tables() {
	local verb
	for verb in probe "hold 2001"; do
		# shellcheck disable=SC2086  # a verb and its argument
		refused EOPNOTSUPP 'ipv4: this kernel has no iptables .* "modprobe ip_tables"' \
			in_a_proc_with thread-self/net "$DRIVER" $verb || return 1
	done
	in_a_proc_with thread-self/net "$DRIVER" remove 2001 &&
		[ -z "$(in_a_proc_with thread-self/net "$DRIVER" list)" ]
}

# That no table can be seen does not mean that there is none.
no_proc_to_ask() {
	local verb
	hold 2001 || return 1
	for verb in probe "hold 2001" "remove 2001" list; do
		# shellcheck disable=SC2086  # a verb and its argument
		refused EIO "cannot ask the kernel" in_a_proc_with nothing "$DRIVER" $verb || return 1
	done
	verified 2001
}

case_ "IPv4 cannot be written: nothing changes" ipv4_cannot_be_written
case_ "IPv6 cannot be written: IPv4 is undone" ipv6_cannot_be_written
case_ "IPv6 cannot be written: nothing is left where nothing was" \
	ipv6_cannot_be_written_where_nothing_was
case_ "a change is undone to the last hand-made rule" a_change_is_undone
case_ "a change of the dispatch's chains is undone" a_change_of_the_dispatch_is_undone
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
case_ "a sandbox without IPv6 is not a kernel without IPv6" a_sandbox_without_ipv6
case_ "a kernel without legacy tables: EOPNOTSUPP and a remedy" a_kernel_without_tables
case_ "no /proc to ask is an error, not an empty table" no_proc_to_ask
kernel_end
