# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015  # && and || are meant
# For the PAM return matrix: the real module in a stack of its own, the real kernel, a caller that goes step by
# step (matrix.c). To be sourced after lab.sh; the script then calls matrix_start "$@".

matrix=${BUILD:?the tree to test}/tests/pam/matrix
stacks=/run/matrix.d
service=matrix
uid=2001
results='' noise='' all_results=''

for shim in "$BUILD/tests/shim/.libs/fault-shim.so" "$BUILD/tests/shim/fault-shim.so"; do
	[ ! -e "$shim" ] || break
done

matrix_start() {
	lab_start "$@"
	lab_install
	lab_account agent1 $uid
	lab_account alice 2002
	mkdir $stacks
	results=$LAB/results noise=$LAB/noise all_results=$LAB/all-results
	: >"$all_results"
	printf '%s required pam_deny.so\n' auth account password session >$stacks/other
	lab_config
	stack required
}

# stack CONTROL [ARGS...]: the module alone. more_stack adds another line. matrix opens many sessions in one process,
# and looks whether it is as it was: harden=no. hardened_stack is without.
stack() { hardened_stack "$1" harden=no "${@:2}"; }
hardened_stack() {
	: >$stacks/$service
	more_stack "$1" "pam_egress.so ${*:2}"
}
more_stack() { echo "session $1 ${*:2}" >>$stacks/$service; }

# The end of every script: whatever went wrong, sudo must never have been told "go on".
matrix_end() {
	case_ "never PAM_SESSION_ERR" never_session_err
	lab_end
}
never_session_err() { [ -s "$all_results" ] && ! grep PAM_SESSION_ERR "$all_results"; }

# run USER STEP...: the module prints nothing; what the steps said stands in $results.
run() {
	syslog_mark
	"${under[@]}" "$matrix" $stacks $service "$@" 3>"$results" >"$noise" 2>&1
	local status=$?
	cat "$results" >>"$all_results"
	cat "$results"
	[ "$status" -eq 0 ] || { cat "$noise"; echo "matrix: status $status"; return 1; }
	quiet
}
under=(env)

quiet() {
	[ ! -s "$noise" ] || { echo "on standard output or error: $(head -n 1 "$noise")"; return 1; }
}

# begin USER STEP...: until the step "wait"; finish: the rest.
begin() {
	syslog_mark
	rm -f "$LAB/go"
	mkfifo "$LAB/go"
	: >"$results"
	"${under[@]}" "$matrix" $stacks $service "$@" 3>"$results" >"$noise" 2>&1 <"$LAB/go" &
	job=$!
	exec 5<>"$LAB/go" # read as well: a job that is gone must not break our pipe
	wait_for 30 is_waiting && grep -q waiting "$results"
}
is_waiting() { grep -q waiting "$results" || gone "$job"; }

finish() {
	echo >&5
	exec 5>&-
	wait "$job" || return
	cat "$results" >>"$all_results"
	quiet
}

# said WORDS...: these were the results, in order; "ok" for PAM_SUCCESS.
said() {
	local is
	is=$(grep -v waiting "$results" | sed 's/PAM_SUCCESS/ok/' | tr '\n' ' ')
	[ "$is" = "$* " ] || { echo "said \"${is% }\", not \"$*\""; return 1; }
}

logged() { wait_for 5 syslog_has "pam_egress\($service:session\): $1" || { syslog_new; return 1; }; }
logged_nothing() { world_settle && ! syslog_new | grep pam_egress; }

# Not a second line, whatever the name was.
logged_once() {
	logged "$1" || return
	[ "$(syslog_new | grep -c pam_egress)" -eq 1 ] || { syslog_new; echo "more than one line"; return 1; }
}

# passes USER: success, and the module has not touched anything.
passes() {
	run "$1" open close same && said open ok close ok same && no_rules
}

# denied CODE WHY [STEP...]: agent1 gets no session, the log says why, nothing is left.
denied() {
	local code=$1 why=$2
	shift 2
	run agent1 "$@" open && said open "$code" || return
	logged_once "deny user=agent1 (uid=$uid )?service=$service: .*$why" && nothing_left
}

opens() { run agent1 "$@" open close && said open ok close ok && nothing_left; }

# Holds FILE's lock until drop_lock.
take_lock() {
	stay_forget lock
	flock "$1" lab-stay lock &
	lock_job=$!
	stay_wait lock
}

drop_lock() {
	stay_end lock
	wait "$lock_job"
}

# with_lock FILE CMD...: CMD, which must take as long as the deadline is.
with_lock() {
	local file=$1 status
	shift
	take_lock "$file" || return
	SECONDS=0
	"$@"
	status=$?
	drop_lock
	[ "$status" -eq 0 ] || return
	[ "$SECONDS" -ge 9 ] && [ "$SECONDS" -le 13 ] || { echo "took $SECONDS s, not 10"; return 1; }
}

# shimmed FAULTS CMD...: the kernel's answers are changed, see tests/shim/fault-shim.c.
shimmed() {
	local faults=$1 status
	shift
	rm -f "$LAB/shim.log"
	under=(env "LD_PRELOAD=$shim" "EGRESS_SHIM=$faults" "EGRESS_SHIM_LOG=$LAB/shim.log")
	"$@"
	status=$?
	under=(env)
	[ -s "$LAB/shim.log" ] || { echo "no fault happened"; return 1; }
	return "$status"
}

records() { find /run/egress -regex '.*/[0-9a-f]+' -type f 2>/dev/null | wc -l; }
records_are() { [ "$(records)" -eq "$1" ] || { echo "$(records) records, not $1"; return 1; }; }

# Whoever left without closing: the reaper ends it.
reaped() { egressctl reap >/dev/null && nothing_left; }
