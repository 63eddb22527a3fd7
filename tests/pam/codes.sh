#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What pam_open_session and pam_close_session return: who is covered, arguments, shapes of the stack, names.
# shellcheck disable=SC2015,SC2119,SC2120,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/pam/common.sh
. "$(dirname "$0")/common.sh"
matrix_start "$@"

# ---- who is covered ----------------------------------------------------------------------------

untouched() {
	rm -rf /run/egress
	passes "$1" && logged_nothing && ! test -e /run/egress
}
case_ "uid 0 passes, nothing is done" untouched root
case_ "an account that nothing covers passes, nothing is done" untouched alice
case_ "a user who does not exist and is not named passes" untouched nosuch

held_meanwhile() {
	local ended
	begin agent1 tty=pts/7 rhost=192.0.2.7 open wait close || return
	said open ok && held "$uid" && records_are 1 || { finish; return 1; }
	logged_once "open user=agent1 uid=$uid service=$service profile=default backend=$LAB_BACKEND sessions=1$"
	ended=$?
	syslog_mark
	finish && [ "$ended" -eq 0 ] && said open ok close ok && nothing_left || return
	logged_once "close user=agent1 uid=$uid service=$service sessions=0$"
}
case_ "a covered account is held while the session is open, in both families" held_meanwhile

shows_session() {
	begin agent1 tty=pts/7 rhost=192.0.2.7 open wait close || return
	egressctl --json show agent1 >"$LAB/shown"
	finish
	grep -q '"tty": *"pts/7"' "$LAB/shown" && grep -q '"rhost": *"192.0.2.7"' "$LAB/shown" &&
		grep -q "\"service\": *\"$service\"" "$LAB/shown" || { cat "$LAB/shown"; return 1; }
}
case_ "the record tells service, terminal and host" shows_session

two_handles() {
	begin agent1 open wait close || return
	run agent1 open close && said open ok close ok || { finish; return 1; }
	logged "open user=agent1 .*sessions=2$" && logged "close user=agent1 .*sessions=1$" && held "$uid" &&
		records_are 1 || { finish; return 1; }
	finish && nothing_left
}
case_ "the first of two sessions closes, the rules stay" two_handles

named_but_missing() {
	sed -i 's/"agent1"/"nosuch"/' /etc/egress/egress.conf
	run nosuch open && said open PAM_PERM_DENIED && nothing_left || return
	logged_once "deny user=nosuch .*does not exist"
}
case_ "a user who does not exist and is named is denied" named_but_missing
lab_config

no_name() { run "" open && said open PAM_SYSTEM_ERR && logged_once "deny user= .*no user name" && nothing_left; }
case_ "no user name is an error" no_name

# ---- arguments ---------------------------------------------------------------------------------

bad_argument() {
	stack required "$1"
	run agent1 open && said open PAM_PERM_DENIED && logged "unknown argument \"$1\"" && nothing_left &&
		passes alice && passes root
}
case_ "an unknown argument denies covered accounts only" bad_argument colour=blue
case_ "config= with a relative path is one" bad_argument config=etc/egress/egress.conf
case_ "harden is no argument yet" bad_argument hardens=no

other_config() {
	sed 's/agent1/alice/' /etc/egress/egress.conf >/etc/egress/other.conf
	stack required config=/etc/egress/other.conf
	passes agent1 || return
	begin alice open wait close || return
	held 2002
	local status=$?
	finish && said open ok close ok && nothing_left && return "$status"
}
case_ "config= names another file" other_config

bad_config() {
	stack required config=/etc/egress/none.conf
	syslog_mark
	passes alice && logged "/etc/egress/none.conf: open: No such file" || return
	echo 'x = "agent1"' >/etc/egress/bad.conf
	stack required config=/etc/egress/bad.conf
	denied PAM_PERM_DENIED "/etc/egress/bad.conf" && passes alice && passes root
}
case_ "config= with a bad file denies whom it names" bad_config

debug() {
	stack required debug
	run alice open && said open ok && logged_once "nothing covers the user" || return
	opens && logged "open user=agent1"
}
case_ "debug tells who is not covered" debug

keeps_quiet() {
	stack required quiet
	opens && logged_nothing || return
	lab_config_broken
	denied PAM_PERM_DENIED "egress.conf"
}
case_ "quiet: nothing is told but denials" keeps_quiet
lab_config

# ---- shapes of the stack -----------------------------------------------------------------------

control_alone() {
	stack "$1"
	opens && passes alice && passes root || return
	lab_config_broken
	denied PAM_PERM_DENIED "egress.conf" && passes alice && passes root
	local status=$?
	lab_config
	return "$status"
}
for control in required requisite; do
	case_ "$control, alone in the stack" control_alone $control
done

# Whether or not the modules behind it are asked, the module's own code is what the caller gets.
with_others() {
	stack "$1"
	more_stack required pam_permit.so
	opens && passes alice || return
	lab_config_broken
	denied PAM_PERM_DENIED "egress.conf"
	local status=$?
	lab_config
	return "$status"
}
for control in required requisite; do
	case_ "$control, before others" with_others $control
done

twice() {
	stack required
	more_stack required pam_egress.so
	begin agent1 open wait close || return
	held "$uid" && records_are 2
	local status=$?
	finish && said open ok close ok && nothing_left && return "$status"
}
case_ "twice in the stack: two records, and both are closed" twice

# A later module says no: the service never closes, the opener is gone, the reaper finishes.
later_denies() {
	stack required
	more_stack required pam_debug.so open_session=perm_denied
	run agent1 open && said open PAM_PERM_DENIED && reaped
}
case_ "a later module denies: nothing is left after the reaper" later_denies
stack required

# ---- names -------------------------------------------------------------------------------------

odd_name() {
	local name=$1 shown=$2
	lab_config_broken
	printf '"%s"\n' "$name" >>/etc/egress/egress.conf
	run "$name" open && said open PAM_PERM_DENIED && logged_once "deny user=$shown.* it names \"$3"
	local status=$?
	lab_config
	return "$status"
}
case_ "a newline in a name makes no second line" odd_name $'agent1\nopen' 'agent1\\x0aopen service=' 'agent1[?]open'
case_ "an escape in a name is shown as such" odd_name $'a\e[2Jgent' 'a\\x1b\[2Jgent service=' 'a[?].2Jgent'
case_ "a blank in a name is shown as such" odd_name 'agent1 uid=0' 'agent1\\x20uid=0 service=' 'agent1 uid=0'
long=$(printf 'n%.0s' {1..300})
case_ "a name of 300 bytes is cut" odd_name "$long" 'n{200,256} service=' nnnn

odd_account() {
	cp /etc/passwd "$LAB/passwd"
	printf '%s:x:2005:2005::/:/bin/sh\n' "$1" >>/etc/passwd
	sed -i 's/accounts = (/& { uid = "2005"; },/' /etc/egress/egress.conf
	begin "$1" open wait close && held 2005 && logged_once "open user=$2 uid=2005 service="
	local status=$?
	finish && said open ok close ok && nothing_left || status=1
	cp "$LAB/passwd" /etc/passwd
	lab_config
	return "$status"
}
case_ "an account with an escape in its name is held" odd_account $'a\egent' 'a\\x1bgent'
case_ "an account with a name of 300 bytes is held" odd_account "$long" 'n{200,256}'
case_ "an account with a quote in its name is held" odd_account "a'g\"ent" "a'g\"ent"

case_ "in the end no rule and no state" nothing_left
matrix_end
