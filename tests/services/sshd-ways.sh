#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What else sshd gives an account: sftp alone, forwarding without a command, several channels in one connection.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

service=sshd pam_file=sshd
control_path=$LAB/ssh-control

# In place of the shell, so that in the background it can be ended.
agent_ssh() { exec nsenter --net=/run/netns/world ssh "${client[@]}" "$@" "agent1@$HOST4"; }
client=(-F none -i "$LAB/key" -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=no -o ConnectTimeout=15
	-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR)

# ---- forwarding without a command ---------------------------------------------------------------

# One connection with all of them: to the world directly, by SOCKS, and to the proxy.
forward_start() {
	world_log_clear
	syslog_mark
	agent_ssh -N -o ExitOnForwardFailure=yes -L "8004:$WORLD4:80" -L "8006:[$WORLD6]:80" -L 3128:127.0.0.1:3128 \
		-D 1080 2>"$LAB/forward.err" &
	forward=$!
	wait_for 15 in_world bash -c '(: </dev/tcp/127.0.0.1/1080) 2>/dev/null' || { cat "$LAB/forward.err"; return 1; }
}

forward_end() {
	kill "$forward"
	wait "$forward"
	wait_for 10 nothing_left
}

fetch() { in_world curl --http1.0 --silent --show-error --max-time 5 "$@"; }

# forwarded TAG: each way brings the page; prints those that did.
forwarded() {
	fetch "http://127.0.0.1:8004/$1-4" >/dev/null && echo 4
	fetch "http://127.0.0.1:8006/$1-6" >/dev/null && echo 6
	fetch --socks5 127.0.0.1:1080 "http://$WORLD4/$1-socks4" >/dev/null && echo socks4
	fetch --socks5 127.0.0.1:1080 "http://[$WORLD6]/$1-socks6" >/dev/null && echo socks6
}

# The socket is made by the user's own sshd process.
forward_control() {
	lab_pam_off sshd
	forward_start || return
	[ "$(forwarded control | paste -sd,)" = 4,6,socks4,socks6 ] && arrived tcp4 control-4 && arrived tcp6 control-6 &&
		arrived tcp4 control-socks4 && arrived tcp6 control-socks6
	local status=$?
	forward_end && return "$status"
}

# The client's own connections to its ends of the tunnels are in the world, too.
nothing_from_here() { world_settle && ! world_arrivals | grep -v ' 127\.0\.0\.1 > 127\.0\.0\.1 '; }
nothing_forwarded() { ! forwarded held | grep . && nothing_from_here; }

proxy_forwarded() {
	fetch --proxy http://127.0.0.1:3128 "http://$WORLD4/forward-by-proxy" | grep -q 'the page of the world' && by_proxy forward
}

# Nobody but the session itself: there is no command and no channel.
one_session() { logged_open 1 && held "$uid"; }

# The client listens, or has given up.
forward_is_decided() { gone "$forward" || in_world bash -c '(: </dev/tcp/127.0.0.1/8004) 2>/dev/null'; }

forward_refused() {
	lab_config_broken
	syslog_mark
	agent_ssh -N -o ExitOnForwardFailure=yes -L "8004:$WORLD4:80" 2>"$LAB/forward.err" &
	forward=$!
	logged "deny user=agent1 service=sshd" && wait_for 15 forward_is_decided && nothing_through
	local status=$?
	kill "$forward" 2>/dev/null
	wait "$forward"
	lab_config
	[ "$status" -eq 0 ] && nothing_left
}

nothing_through() {
	world_log_clear
	! fetch "http://127.0.0.1:8004/refused" && nothing_from_here
}

# ---- sftp alone --------------------------------------------------------------------------------

sftp_only() {
	printf 'Match User agent1\n\tForceCommand internal-sftp\n' >/etc/ssh/sshd_config.d/sftp.conf
	lab_sshd_stop
	lab_sshd
}

# A client that takes its commands one by one.
sftp_start() {
	rm -f "$LAB/sftp" "$LAB/sftp.out"
	mkfifo "$LAB/sftp"
	syslog_mark
	in_world sftp "${client[@]}" -b - "agent1@$HOST4" <"$LAB/sftp" >"$LAB/sftp.out" 2>&1 &
	sftp=$!
	exec 9>"$LAB/sftp"
	echo pwd >&9
	wait_for 15 grep -q '/home/agent1' "$LAB/sftp.out" || { cat "$LAB/sftp.out"; return 1; }
}

sftp_end() {
	echo "put $LAB/key.pub sent" >&9
	exec 9>&-
	wait "$sftp" && [ -s /home/agent1/sent ] && logged_close 0 && wait_for 10 nothing_left
}

no_command() { as_agent_ssh touch /tmp/commanded </dev/null; [ ! -e /tmp/commanded ]; }

sftp_refused() {
	lab_config_broken
	syslog_mark
	! in_world sftp "${client[@]}" -b - "agent1@$HOST4" <<<pwd && logged "deny user=agent1 service=sshd" && nothing_left
	local status=$?
	lab_config
	return "$status"
}

sftp_control() {
	lab_pam_off sshd
	sftp_start && no_rules && syslog_mark
	local status=$?
	exec 9>&-
	wait "$sftp" && return "$status"
}

# ---- several channels --------------------------------------------------------------------------

# Never by a connection of its own.
by_master() { in_world ssh "${client[@]}" -S "$control_path" -o ProxyCommand=false "$@"; }
channel() { by_master "agent1@$HOST4" "$1"; }
sessions() { find /run/egress -mindepth 3 -type f | grep -cE '/[0-9a-f]{16,}$'; }

master_start() {
	syslog_mark
	agent_ssh -M -N -S "$control_path" 2>"$LAB/master.err" &
	master=$!
	wait_for 15 by_master -O check "agent1@$HOST4"
}

master_exit() {
	by_master -O exit "agent1@$HOST4"
	wait "$master" || :
}

two_channels() {
	stay_forget one
	stay_forget two
	channel "lab-stay one" &
	one=$!
	stay_wait one || return
	channel "lab-stay two; lab-reach channel $ways >/tmp/channel" &
	two=$!
	stay_wait two && [ "$(sessions)" = 1 ] && held "$uid" && logged_open 1 && ! syslog_has sessions=2
}

first_ends() {
	stay_end one
	wait "$one" && held "$uid" && [ "$(sessions)" = 1 ]
}

second_ends() {
	world_log_clear
	stay_end two
	wait "$two" && all_refused /tmp/channel && nothing_arrived && held "$uid" && egressctl reap && [ "$(sessions)" = 1 ]
}

master_ends() {
	master_exit && logged_close 0 && wait_for 10 nothing_left
}

outlives_the_connection() {
	stay_forget left
	master_start && channel "setsid lab-stay left >/dev/null 2>&1 </dev/null &" && stay_wait left && master_exit || return
	logged_close 0 && held "$uid" && egressctl reap && held "$uid" || return
	stay_end left
	wait_for 10 reaped
}

# ---- all of it ---------------------------------------------------------------------------------

lab_start "$@"
lab_install
services_start
lab_sshd
case_ "ssh -N: without the module -L and -D bring the page (control)" forward_control
lab_pam sshd requisite
case_ "ssh -N: forwarding begins without a command" forward_start
case_ "ssh -N: it is one session, and held" one_session
case_ "ssh -N: -L and -D reach nothing outside, in both families" nothing_forwarded
case_ "ssh -N: -L reaches the proxy" proxy_forwarded
case_ "ssh -N: at its end no rule and no state" forward_end
case_ "ssh -N: broken configuration, no last good one: nothing is forwarded" forward_refused

case_ "one connection, several channels: the first" master_start
case_ "one connection, several channels: it is one session" two_channels
case_ "one connection, several channels: one channel ends, the rules stay" first_ends
case_ "one connection, several channels: the last one is held to its end" second_ends
case_ "one connection, several channels: when the connection ends no rule and no state" master_ends
case_ "one connection, several channels: who outlives it stays held" outlives_the_connection

sftp_only
case_ "sftp alone: without the module nothing is held (control)" sftp_control
lab_pam sshd requisite
case_ "sftp alone: a session opens" sftp_start
case_ "sftp alone: it is held, in both families" held "$uid"
case_ "sftp alone: no other command is run" no_command
case_ "sftp alone: files are sent; at its end no rule and no state" sftp_end
case_ "sftp alone: forwarding beside it" forward_start
case_ "sftp alone: -L and -D reach nothing outside, in both families" nothing_forwarded
case_ "sftp alone: at its end no rule and no state" forward_end
case_ "sftp alone: broken configuration, no last good one: refused" sftp_refused
lab_end
