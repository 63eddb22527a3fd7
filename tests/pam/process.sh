#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The process that opens and closes is as it was: environment, umask, folder, signals, uids, limits, descriptors.
# shellcheck disable=SC2015,SC2119,SC2120,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/pam/common.sh
. "$(dirname "$0")/common.sh"
matrix_start "$@"

as_before() { run agent1 "$@" open same close same && said open ok same close ok same; }
case_ "after open and close" as_before
case_ "with another real uid, as in su" as_before ruid=2002
case_ "with a CPU limit" as_before cpu=100
case_ "with both" as_before cpu=100 ruid=2002

cpu_of_su() {
	run agent1 cpu=1 open close same && said open ok close ok same
}
case_ "a CPU limit comes back" cpu_of_su

odd_caller() {
	cd /tmp || return
	(
		umask 0
		trap '' TERM USR1
		export LD_LIBRARY_PATH=/nowhere XTABLES_LIBDIR=/nowhere XTABLES_LOCKFILE=/tmp/lock EGRESS_CONFIG=/tmp/x
		as_before
	)
	local status=$?
	cd "$lab_source" || return
	[ ! -e /tmp/lock ] || { echo "the environment chose the lock"; return 1; }
	return "$status"
}
case_ "with an odd umask, environment and signals" odd_caller
private() { [ -z "$(find /run/egress /var/lib/egress -type f -perm /077)" ]; }
case_ "whatever the umask, the state is root's alone" private

after_denials() {
	lab_config_broken
	run agent1 open same && said open PAM_PERM_DENIED same || return
	lab_config
	run agent1 no-net-admin open same && said open PAM_PERM_DENIED same || return
	shimmed v6:fail:ENOMEM@1 run agent1 open same && said open PAM_BUF_ERR same
}
case_ "after denials" after_denials

after_deadline() { with_lock /run/xtables.lock run agent1 ruid=2002 open same && said open PAM_PERM_DENIED same; }
case_ "after the deadline has passed" after_deadline

rounds() { run "$1" rounds=50 same && said open ok close ok same && nothing_left; }
case_ "fifty rounds leave no descriptor" rounds agent1
case_ "nor with an account that nothing covers" rounds alice

# What the modules open is closed on exec; PAM's own files and the loader's are not ours.
close_on_exec() {
	under=(strace -f -o "$LAB/trace" -e "trace=openat,open,openat2,creat,socket,socketpair,pipe,pipe2,dup,dup2,dup3,accept,accept4,fcntl,memfd_create,eventfd2,epoll_create1,inotify_init1,signalfd4,timerfd_create")
	run agent1 open close
	local status=$?
	under=(env)
	[ "$status" -eq 0 ] && said open ok close ok || return 1
	grep -q '/run/egress' "$LAB/trace" && grep -q 'xtables.lock' "$LAB/trace" || { echo "nothing was traced"; return 1; }
	# libiptc sets the flag of its raw sockets by a second call; libpam asks the audit system.
	awk '/matrix\.d|NETLINK_AUDIT|cap_last_cap/ { next }
		/socket\(AF_INET6?, SOCK_RAW/ && / = [0-9]+$/ { raw++; open[$NF] = $0; next }
		/fcntl\([0-9]+, F_SETFD, FD_CLOEXEC/ { split($0, part, /[(,]/); delete open[part[2]]; next }
		/(open|openat|openat2|creat|socket|pipe2?|memfd_create|eventfd2|dup)\(/ && / = [0-9]+$/ && !/CLOEXEC/ {
			bad = 1
			print
		}
		END { for (fd in open) { bad = 1; print open[fd] }; exit bad || raw < 2 }' "$LAB/trace"
}
case_ "every descriptor is close-on-exec" close_on_exec

runs_no_program() {
	under=(strace -f -o "$LAB/trace" -e "trace=%process,rt_sigaction,alarm,setitimer,umask,chdir,setrlimit")
	run agent1 open close
	local status=$?
	under=(env)
	[ "$status" -eq 0 ] || return
	# The second execve is matrix itself, by env.
	[ "$(grep -c 'execve(.* = 0' "$LAB/trace")" -le 1 ] || { grep execve "$LAB/trace"; return 1; }
	! grep -E '(v?fork|clone3?|rt_sigaction|alarm|setitimer|chdir)\(' "$LAB/trace" | grep -v 'rt_sigaction.*NULL,'
}
case_ "no program, no thread, no signal handler, no alarm" runs_no_program

# What nobody can take back is all that an open leaves in its process, and the close comes after it.
hardened() {
	hardened_stack required
	run agent1 "$@" open same close && nothing_left &&
		said open ok was no-new-privs 0 dumpable 1, is no-new-privs 1 dumpable 1 close ok
	local status=$?
	stack required
	return "$status"
}
case_ "hardened: new privileges are gone, and nothing else changed" hardened
case_ "hardened, with another real uid, as in su" hardened ruid=2002 cpu=100

matrix_end
