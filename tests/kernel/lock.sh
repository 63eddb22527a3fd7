#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The host's lock: ours and iptables' changes exclude each other.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/kernel.bash"

LOCK=/run/xtables.lock

# Holds the lock until "unlock", as iptables would.
lock() {
	rm -f /run/hold /run/locked
	mkfifo /run/hold
	(exec 9>>"$LOCK" && flock 9 && echo locked && read -r _ </run/hold) >/run/locked &
	holder=$!
	wait_for 10 grep -q locked /run/locked
}

unlock() {
	echo >/run/hold
	wait "$holder"
}

milliseconds() { echo $((${EPOCHREALTIME/./} / 1000)); }

busy_at_the_deadline() {
	local before started took verb
	hold 2002 && lock || return 1
	before=$(counted)
	for verb in "hold 2001" "remove 2002" list; do
		started=$(milliseconds)
		# shellcheck disable=SC2086  # a verb and its argument
		refused EBUSY "$LOCK: still locked" "$DRIVER" -d 300 $verb || return 1
		took=$(($(milliseconds) - started))
		echo "$verb: $took ms"
		[ $took -ge 300 ] && [ $took -lt 3000 ] || return 1
	done
	unlock
	unchanged "$before" "$(counted)"
}

waits_for_the_lock() {
	local waiter
	lock && { "$DRIVER" -d 20000 hold 2001 & waiter=$!; } || return 1
	# It waits with the lock file open; only then is the lock given back.
	wait_for 10 waits_on "$waiter" || return 1
	not grep EGRESS <(filters) || return 1
	unlock
	wait "$waiter" && verified 2001
}

waits_on() { find "/proc/$1/fd" -lname "$LOCK" | grep -q .; }

keeps_iptables_waiting() {
	rm -f /run/stay
	mkfifo /run/stay
	"$DRIVER" stay </run/stay >/run/open &
	local driver=$!
	exec 3>/run/stay
	wait_for 10 grep -q open /run/open || return 1
	not iptables-legacy -w 1 -A OUTPUT -j ACCEPT 2>/run/iptables || return 1
	grep -i lock /run/iptables || return 1
	exec 3>&-
	wait $driver
	iptables-legacy -w 10 -A OUTPUT -j ACCEPT
}

ignores_the_environment() {
	lock || return 1
	XTABLES_LOCKFILE=/run/other refused EBUSY "$LOCK" "$DRIVER" -d 50 hold 2001 &&
		not test -e /run/other
}

takes_no_link() {
	rm -f "$LOCK"
	ln -s /run/elsewhere "$LOCK"
	refused EIO "$LOCK: cannot open" "$DRIVER" hold 2001
	local status=$?
	rm "$LOCK"
	[ $status -eq 0 ] && not test -e /run/elsewhere && not grep EGRESS <(filters)
}

makes_the_lock() {
	rm -f "$LOCK"
	(umask 0 && hold 2001) && [ "$(stat -c '%a %u' "$LOCK")" = "600 0" ]
}

# A lock on a file that is gone excludes nobody: whoever comes next makes another.
locks_what_has_the_name() {
	local waiter
	lock && { "$DRIVER" -d 20000 hold 2001 & waiter=$!; } || return 1
	wait_for 10 waits_on "$waiter" || return 1
	mv "$LOCK" /run/gone
	rm -f /run/go
	(exec 9>>"$LOCK" && flock 9 && echo second && wait_for 30 test -e /run/go) >/run/second &
	local second=$!
	wait_for 10 grep -q second /run/second && unlock || return 1
	# The waiter got the first file's lock, and must not take that for the lock.
	wait_for 10 waits_on "$waiter"
	for _ in {1..20}; do
		waits_on "$waiter" && not grep EGRESS <(filters) || return 1
	done
	touch /run/go
	wait $second && wait "$waiter" && verified 2001
}

# Twenty of ours and twenty of iptables at once: nobody's rule is lost.
nobody_is_lost() {
	local i pids=()
	for i in $(seq 20); do
		"$DRIVER" -d 60000 hold $((3000 + i)) & pids+=($!)
		iptables-legacy -w 60 -A INPUT -m comment --comment "foreign $i" & pids+=($!)
		ip6tables-legacy -w 60 -A INPUT -m comment --comment "foreign $i" & pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || return 1
	done
	[ "$(filter4 | grep -c foreign)" -eq 20 ] && [ "$(filter6 | grep -c foreign)" -eq 20 ] &&
		[ "$(list_all | grep -c ^hold)" -eq 20 ] && not grep drift <(list_all)
}

case_ "a lock that is held past the deadline is EBUSY, and nothing changes" busy_at_the_deadline
case_ "a lock that is given back is waited for" waits_for_the_lock
case_ "iptables waits for us" keeps_iptables_waiting
case_ "the environment cannot choose another lock" ignores_the_environment
case_ "a link in the lock's place is not followed" takes_no_link
case_ "a missing lock is made, for root alone" makes_the_lock
case_ "a lock file that was replaced is not the lock" locks_what_has_the_name
case_ "forty programs at once lose no rule" nobody_is_lost
kernel_end
