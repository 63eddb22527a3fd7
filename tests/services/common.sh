# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The stories that every service must live through. A service's script sets
#	label              what the results call it
#	service            its PAM service name, as the log shows it
#	pam_file           the file in /etc/pam.d that gets the line
#	enter ACCOUNT CMD                   runs CMD in a session of ACCOUNT; not 0 if there was none
#	enter_powerless ACCOUNT CMD         the same, by a service without CAP_NET_ADMIN
# and calls service_stories.

label='' service='' pam_file=''
uid=2001
ways="tcp4 tcp6 udp4 udp6 icmp4 icmp6 dns4 dns6"

services_start() {
	lab_account agent1 $uid
	lab_account alice 2002
	install -d -m 700 /root/.ssh
	install -m 600 "$LAB/key.pub" /root/.ssh/authorized_keys
	lab_config
}

# ---- what a session can reach ------------------------------------------------------------------

arrived() {
	case $1 in
	tcp?) world_log_has "^web${1#tcp} .* GET /$2 HTTP/1.0$" ;;
	udp?) world_log_has "^$1 .* $2$" ;;
	icmp4) world_log_has "^packet4 icmp .* type 8 $2$" ;;
	icmp6) world_log_has "^packet6 icmp .* type 128 $2$" ;;
	dns?) world_log_has "^$1 .* $2\.world\.test$" ;;
	esac
}

by_proxy() { world_log_has "GET [^ ]*/$1-by-proxy .* via a proxy$"; }

# all_reached FILE TAG: every way worked, and arrived.
all_reached() {
	local way
	for way in $ways; do
		grep -q "^$way reached " "$1" || { cat "$1"; echo "$way did not work"; return 1; }
		wait_for 2 arrived "$way" "$2" || { echo "$way did not arrive"; return 1; }
	done
}

# all_refused FILE: every way was refused, each within half a second.
all_refused() {
	local way
	for way in $ways; do
		awk -v way="$way" '$1 == way { found = $2 == "refused" && $4 < 500 } END { exit !found }' "$1" ||
			{ cat "$1"; echo "$way was not refused at once"; return 1; }
	done
}

# ---- open, use, close --------------------------------------------------------------------------

control() {
	lab_pam_off "$pam_file"
	world_log_clear
	enter agent1 "lab-reach control $ways proxy >/tmp/control" || return
	all_reached /tmp/control control && by_proxy control
}

# A session stays in between, so that it can be looked at from outside.
begin_use() {
	world_log_clear
	syslog_mark
	stay_forget used
	enter agent1 "lab-reach used $ways >/tmp/refused; lab-stay used; lab-reach used proxy >/tmp/proxy" &
	use_job=$!
	stay_wait used
}

end_use() {
	stay_end used
	wait "$use_job"
	grep -q '^proxy reached ' /tmp/proxy || { cat /tmp/proxy; return 1; }
	by_proxy used
}

logged() { wait_for 5 syslog_has "pam_egress\($service:session\): $1"; }
logged_open() { logged "open user=agent1 uid=$uid service=$service profile=default backend=$LAB_BACKEND sessions=$1"; }
logged_close() { logged "close user=agent1 uid=$uid service=$service .*sessions=$1"; }

open_use_close() {
	case_ "$label, $1: a session opens" begin_use || return
	case_ "$label, $1: it is held, in both families" held $uid
	case_ "$label, $1: all it tries is refused at once" all_refused /tmp/refused
	case_ "$label, $1: nothing of it arrives outside" nothing_arrived
	case_ "$label, $1: the page comes through the proxy" end_use
	case_ "$label, $1: after logout no rule and no state" wait_for 10 nothing_left
	case_ "$label, $1: the log tells of the open" logged_open 1
	case_ "$label, $1: the log tells of the close" logged_close 0
}

second_session() {
	stay_forget first
	stay_forget second
	syslog_mark
	enter agent1 "lab-stay first" &
	local first=$!
	stay_wait first || return
	enter agent1 "lab-stay second; lab-reach second $ways >/tmp/second" &
	local second=$!
	stay_wait second && logged_open 2 || return
	stay_end first
	wait $first
	logged_close 1 && held $uid || return
	world_log_clear
	stay_end second
	wait $second
	all_refused /tmp/second && nothing_arrived && wait_for 10 nothing_left
}

# ---- opens that fail ---------------------------------------------------------------------------

# A session is a file named by its token. Notes about an account whose rules could not be read may
# stay until the reaper could.
no_session_record() { ! find /run/egress -mindepth 3 -type f | grep -E '/[0-9a-f]{16,}$'; }
reaped() { egressctl reap && nothing_left; }

# refused_open ENTER WHY: no session, and a log line that says why.
refused_open() {
	rm -f /tmp/entered
	syslog_mark
	SECONDS=0
	if "$1" agent1 "touch /tmp/entered" </dev/null || [ -e /tmp/entered ]; then
		echo "there was a session"
		return 1
	fi
	refused_after=$SECONDS
	logged "deny user=agent1( uid=$uid)? service=$service: .*$2" || { syslog_new; return 1; }
	no_session_record || { echo "a session record is left"; return 1; }
}

# Holds the lock, as another administrator's command would.
hold_lock() {
	stay_forget lock
	flock "$(lab_lock_file)" lab-stay lock &
	lock_job=$!
	stay_wait lock
}

drop_lock() {
	stay_end lock
	wait "$lock_job"
}

broken_configuration() {
	lab_config_broken
	refused_open enter 'egress\.conf' && nothing_left
	local status=$?
	lab_config
	return $status
}

lock_held_too_long() {
	local status
	hold_lock || return
	refused_open enter 'lock'
	status=$?
	drop_lock
	[ $status -eq 0 ] || return
	if [ "$refused_after" -lt 9 ] || [ "$refused_after" -gt 12 ]; then
		echo "refused after $refused_after s instead of 10"
		return 1
	fi
	reaped
}

without_net_admin() { refused_open enter_powerless '[Pp]ermi' && no_rules && reaped; }

# ---- the others --------------------------------------------------------------------------------

# passes ACCOUNT: logs in quickly and is free, however broken the rest is.
passes() {
	local start=${EPOCHREALTIME/./} took
	rm -f /tmp/passed
	enter "$1" "lab-reach $1 tcp4 udp6 >/tmp/passed; true" || { echo "no session"; return 1; }
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	[ "$(grep -c ' reached ' /tmp/passed)" = 2 ] || { cat /tmp/passed; return 1; }
	[ $took -lt 3000 ] || { echo "took $took ms"; return 1; }
}

others_pass() {
	lab_config_broken
	rm -rf /run/egress
	hold_lock || return
	case_ "$label: an account that nothing covers logs in, all else broken" passes alice
	case_ "$label: root logs in, all else broken" passes root
	drop_lock
	lab_config
}

# ---- all of it ---------------------------------------------------------------------------------

# Ten seconds each: one service of a script is enough.
lock_story() { case_ "$label: lock held by another past the deadline: refused" lock_held_too_long; }

service_stories() {
	case_ "$label: without the module everything gets out (control)" control
	lab_pam "$pam_file" requisite
	open_use_close requisite
	case_ "$label, requisite: broken configuration, no last good one: refused" broken_configuration
	lab_pam "$pam_file"
	open_use_close required
	case_ "$label: the first of two sessions closes, the rules stay" second_session
	case_ "$label: broken configuration, no last good one: refused" broken_configuration
	case_ "$label: no CAP_NET_ADMIN: refused" without_net_admin
	others_pass
	case_ "$label: afterwards a session opens and closes as ever" open_and_close
	case_ "$label: in the end no rule and no state" wait_for 10 nothing_left
}

open_and_close() { enter agent1 true && wait_for 10 nothing_left; }

# A client in node: /tmp/ask.js URL. By NODE_USE_ENV_PROXY where node knows it (24, 22.21), which is asked for nothing
# else; an older one is told the proxy by this program, and only the trust in its CA is its own.
node_heeds_environment() { node -e 'process.exit(process.allowedNodeEnvironmentFlags.has("--use-env-proxy") ? 0 : 1)' 2>/dev/null; }
write_node_client() {
	cat >/tmp/ask.js <<-'END'
		const url = new URL(process.argv[2]), http = require("http"), tls = require("tls");
		if (process.allowedNodeEnvironmentFlags.has("--use-env-proxy")) {
			fetch(url).then((answer) => answer.text());
		} else {
			const proxy = new URL(process.env.HTTPS_PROXY);
			http.request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: `${url.hostname}:${url.port || 443}` })
				.on("connect", (answer, socket) => {
					const inside = tls.connect({ socket, host: url.hostname }, () =>
						inside.write(`GET ${url.pathname} HTTP/1.0\r\n\r\n`));
					inside.on("data", () => {});
				}).end();
		}
	END
	chmod 644 /tmp/ask.js
}
