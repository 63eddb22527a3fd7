# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the scripts that run crash.c; to be sourced after lab.sh. crash_backends MODE: all backends that this kernel
# has, side by side. With TEST_ALL=yes everything is tried.

crash=${BUILD:?the tree to test}/tests/crash/crash

# A place of its own: nobody but us runs there, three accounts, no state.
place() {
	mount -t tmpfs -o mode=755 crash /run && mkdir -m 755 /run/crash && ip link set lo up || exit 2
	printf 'root:x:0:0::/:/bin/sh\n' >/run/crash/passwd
	printf '%s:x:%s:%s::/:/bin/sh\n' agent1 2001 2001 agent2 2002 2002 alice 2003 2003 >>/run/crash/passwd
	printf 'root:x:0:\nagent1:x:2001:\nagent2:x:2002:\nalice:x:2003:\n' >/run/crash/group
	printf 'passwd: files\ngroup: files\n' >/run/crash/nsswitch.conf
	for file in passwd group nsswitch.conf; do
		mount --bind "/run/crash/$file" "/etc/$file" || exit 2
	done
}

# in_place ARGS...: crash, in a place of its own.
in_place() {
	# shellcheck disable=SC2016  # the inner shell's own
	lab_box --net -- bash -c 'place=$1; shift; eval "$place"; place; "$@"' crash "$(declare -f place)" "$crash" "$@"
}

# One backend, in this process.
crash_one() {
	local all=()
	[ -z "${TEST_ALL-}" ] || all=(all)
	in_place "$CRASH_BACKEND" "$1" "${all[@]}"
	exit
}

# Each in a process of its own, which ends with this one.
crash_backends() {
	local backend backends pid pids=() worst=0
	if [ "$(id -u)" -ne 0 ]; then
		echo "not ok - $(basename "$0"): must be run as root"
		exit 1
	fi
	[ -z "${CRASH_BACKEND-}" ] || crash_one "$1"
	backends=$(in_place usable)
	if [ -z "$backends" ]; then
		echo "not ok - $(basename "$0"): no backend can be used"
		exit 1
	fi
	for backend in $backends; do
		CRASH_BACKEND=$backend setpriv --pdeathsig TERM bash "$0" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || worst=$?
	done
	exit "$worst"
}
