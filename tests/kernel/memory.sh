#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory runs out at each allocation in turn, of either backend and of the libraries below it: an error that
# changed nothing, or a success that is one.
# shellcheck source=tests/kernel/kernel.bash
# shellcheck disable=SC2317  # the cases call what stands here
. "$(dirname "$0")/kernel.bash"

for MALLOC_SHIM in "$BUILD/tests/shim/.libs/malloc-shim.so" "$BUILD/tests/shim/malloc-shim.so"; do
	[ ! -e "$MALLOC_SHIM" ] || break
done
driver() { "$DRIVER" -b "$backend" "$@"; }
# shimmed N ARGUMENTS...: the Nth allocation fails; 0: none does.
shimmed() {
	local nth=$1
	shift
	EGRESS_MALLOC_COUNT=/run/allocations EGRESS_MALLOC_FAIL=$nth LD_PRELOAD=$MALLOC_SHIM driver "$@" \
		>/run/said 2>/run/error
}

all=(2001 2002 20000-29999 20000-20009)
before_hold() { driver remove "${all[@]}" && driver hold 3000 drop; }
before_remove() { before_hold && driver hold 2001 proxy=127.0.0.1:3128 + 2002 + 20000-29999 + 20000-20009 drop; }
after_hold() { driver verify 2001 proxy=127.0.0.1:3128 + 2002 drop + 20000-29999 >/run/verified && ! grep differs /run/verified; }
after_remove() { [ -z "$(driver list 2001)$(driver list 20000-20009)" ] && driver list 20000-29999 | grep -q hold; }
after_list() { [ "$(cat /run/said)" = "$(driver list)" ]; }

# A failure says why and changes nothing; or, between the two transactions of nftables, says that it changed by half.
check_failure() {
	[ "$1" -eq 1 ] || { echo "status $1"; return 1; }
	if grep -q '^EIO: .* not enough memory .* changed by half: kernel state unknown' /run/error; then
		not sends 20000 127.0.0.1 9 && not sends 20010 127.0.0.1 9 && not sends 2002 127.0.0.1 9
		return
	fi
	grep -q '^ENOMEM: ' /run/error || { cat /run/error; echo "not ENOMEM"; return 1; }
	unchanged "$2" "$(driver list)"
}

# runs_out BEFORE AFTER ARGUMENTS...
runs_out() {
	local before=$1 after=$2 nth total standing status failed=0
	shift 2
	"$before" && shimmed 0 "$@" && total=$(cat /run/allocations) && [ "$total" -gt 10 ] || return 1
	"$before" && standing=$(driver list) || return 1
	for ((nth = 1; nth <= total; nth++)); do
		shimmed "$nth" "$@"
		status=$?
		if [ "$status" -eq 0 ]; then
			"$after" || { echo "allocation $nth: success that is none"; return 1; }
			"$before" || return 1
		else
			failed=$((failed + 1))
			check_failure "$status" "$standing" || { echo "allocation $nth: $(tail -n 1 /run/error)"; return 1; }
			! grep -q '^EIO' /run/error || "$before" || return 1
		fi
	done
	echo "$failed of $total"
	[ "$failed" -gt $((total / 2)) ] # or the shim does nothing
}

for backend in $(backends); do
	case_ "$backend: hold" runs_out before_hold after_hold hold 2001 proxy=127.0.0.1:3128 + 2002 drop + 20000-29999
	case_ "$backend: remove" runs_out before_remove after_remove remove 2001 20000-20009
	case_ "$backend: list" runs_out before_remove after_list list
	nft flush ruleset
done
kernel_end
