# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the scripts that run crash.c; to be sourced after lab.sh. crash_backends MODE: the backend of this run,
# or all that this kernel has, and parts of the scenes, side by side. With TEST_ALL=yes everything is tried.

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

# A point is little work and much waiting for the kernel: so many parts of the scenes are played at once.
crash_parts=4

# The parts' points together.
sum_points() {
	awk '/^# [a-z]+: [0-9]+ points tried$/ { points[$2] += $3; next }
		{ print; fflush() }
		END { for (backend in points) print "#", backend, points[backend], "points tried" }'
}

# Each part of each backend in a process of its own, which ends with this one.
crash_all_parts() {
	local backend backends part pid pids=() worst=0 wanted=".*"
	# lab.sh has set LAB_BACKEND, asked for or not.
	[ -z "$lab_prefix" ] || wanted=$LAB_BACKEND
	backends=$(in_place usable | grep -x "$wanted")
	if [ -z "$backends" ]; then
		echo "not ok - $(basename "$0"): no backend can be used"
		return 1
	fi
	for backend in $backends; do
		for ((part = 1; part <= crash_parts; part++)); do
			CRASH_BACKEND=$backend CRASH_PART=$part/$crash_parts setpriv --pdeathsig TERM bash "$0" &
			pids+=($!)
		done
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || worst=$?
	done
	return "$worst"
}

crash_backends() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "not ok - $(basename "$0"): must be run as root"
		exit 1
	fi
	[ -z "${CRASH_BACKEND-}" ] || crash_one "$1"
	crash_all_parts | sum_points
	exit "${PIPESTATUS[0]}"
}
