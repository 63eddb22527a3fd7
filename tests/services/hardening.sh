#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a session gives up and what it is told, in real sessions of ssh, su and sudo: what is refused, each beside a
# session that is not hardened; what programs need; and the variables, with the programs that read them.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"

service=sshd pam_file=sshd
WEB4=http://$WORLD4

by_ssh() { as_agent_ssh "$1"; }
by_su() { su agent1 -c "$1"; }
by_su_login() { su - agent1 -c "$1"; }
by_sudo() { sudo -n -u agent1 -- bash -c "$1"; }

# profile KEYS: agent1's, besides its proxy.
profile() { lab_config "$1"; }

# modules ARGS: of the module, in all services.
modules() {
	local file
	# /etc/pam.d/su-l includes the session lines of su.
	for file in sshd su sudo sudo-i; do
		# shellcheck disable=SC2086  # words
		lab_pam $file required $1
	done
}

lab_start "$@"
lab_install
services_start
modules ""
lab_sshd
cc -O1 -o /usr/local/bin/sockets tests/services/sockets.c || fail "sockets.c" "does not compile"
cc -O1 -o /usr/local/bin/without-seccomp tests/services/without-seccomp.c ||
	fail "without-seccomp.c" "does not compile"

# ---- what a session got ------------------------------------------------------------------------

# status ENTER NO-NEW-PRIVS SECCOMP FILTERS
has_status() {
	local got
	got=$("$1" "awk '/^(NoNewPrivs|Seccomp|Seccomp_filters):/ { printf \"%s \", \$2 }' /proc/self/status") || return
	[ "$got" = "$2 $3 $4 " ] || { echo "no_new_privs, seccomp, filters: $got"; return 1; }
	wait_for 10 nothing_left
}
for enter in by_ssh by_su by_su_login by_sudo; do
	case_ "$enter: no_new_privs and one filter, and the close leaves nothing" has_status $enter 1 2 1
done
modules harden=no
for enter in by_ssh by_su by_sudo; do
	case_ "$enter: harden=no: neither (control)" has_status $enter 0 0 0
done
modules ""
profile 'no_new_privs = false;'
case_ "no_new_privs = false: a filter only" has_status by_ssh 0 2 1
profile 'socket_families = "any";'
case_ "socket_families = any: no_new_privs only" has_status by_ssh 1 0 0
profile ''

# ---- sockets that no rule sees -----------------------------------------------------------------

ways_beside="vsock vsock_io_uring vsock_i386 mptcp"
sockets() { "$1" "sockets $ways_beside tcp" >/tmp/sockets || { cat /tmp/sockets; return 1; }; }
way_says() { grep -q "^$1 $2\$" /tmp/sockets || { grep "^$1 " /tmp/sockets; return 1; }; }
refusal_of() {
	case $1 in
	mptcp) echo EPROTONOSUPPORT ;;
	vsock_io_uring) echo ENOSYS ;;
	*) echo EAFNOSUPPORT ;;
	esac
}

modules harden=no
sockets by_ssh
given=
for way in $ways_beside; do
	if way_says "$way" given >/dev/null; then
		pass "without hardening $way is given (control)"
		given="$given $way"
	else
		skip "without hardening $way is given (control)" "this kernel has none: $(grep "^$way " /tmp/sockets)"
	fi
done
modules ""
for enter in by_ssh by_su by_sudo; do
	case_ "$enter: sockets can be tried" sockets $enter
	for way in $given; do
		case_ "$enter: $way is refused" way_says "$way" "$(refusal_of "$way")"
	done
	case_ "$enter: TCP is given" way_says tcp given
done
profile 'socket_families = "any";'
case_ "socket_families = any: sockets can be tried" sockets by_ssh
for way in $given; do
	case_ "socket_families = any: $way is given" way_says "$way" given
done

# ---- through setuid programs -------------------------------------------------------------------

install -m 4755 /usr/local/bin/sockets /usr/local/bin/sockets-setuid
setuid_sockets() { "$1" "sockets-setuid $ways_beside tcp" >/tmp/sockets; }
profile 'no_new_privs = false;'
case_ "a setuid program: sockets can be tried" setuid_sockets by_ssh
case_ "a setuid program is root without no_new_privs (control)" way_says euid 0
for way in $given; do
	case_ "a setuid program: $way is refused" way_says "$way" "$(refusal_of "$way")"
done
profile ''
case_ "no_new_privs: a setuid program can be run" setuid_sockets by_ssh
case_ "no_new_privs: a setuid program stays the account" way_says euid "$uid"

echo 'agent1 ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers
sudo_inside() { by_ssh 'sudo -n id -u' >/tmp/said 2>&1; }
sudo_is_refused() { ! sudo_inside && grep -q 'no new privileges' /tmp/said; }
sudo_works() { sudo_inside && [ "$(cat /tmp/said)" = 0 ]; }
case_ "sudo inside a session is refused" sudo_is_refused
echo 'agent1:100000:65536' >/etc/subuid
echo 'agent1:100000:65536' >/etc/subgid
mapped() { by_ssh 'unshare --user --map-auto --map-root-user true' >/tmp/said 2>&1; }
case_ "newuidmap inside a session is refused" not mapped
modules harden=no
case_ "harden=no: sudo inside a session works (control)" sudo_works
case_ "harden=no: newuidmap inside a session works (control)" mapped
modules ""
# An administrator who came that way has the filter on: upkeep needs raw sockets, netlink and libsubid, which stay.
inside="sudo -n env PATH=$PATH"
upkeep_inside() {
	by_ssh "grep '^Seccomp:.*2' /proc/self/status && $inside egressctl sync && $inside egressctl verify &&
		$inside egressctl hold agent1 && $inside egressctl release agent1 && $inside egressctl reap" >/tmp/said 2>&1 ||
		{ cat /tmp/said; return 1; }
	wait_for 10 nothing_left
}
flushed_inside() {
	by_ssh "$inside /tmp/flush && { ! $inside egressctl verify; } && $inside egressctl sync && $inside egressctl verify" \
		>/tmp/said 2>&1 || { cat /tmp/said; return 1; }
}
profile 'no_new_privs = false;'
{ echo '#!/bin/bash'; declare -p LAB_BACKEND; declare -f lab_flush; echo lab_flush; } >/tmp/flush && chmod 755 /tmp/flush
case_ "root inside a session: upkeep works" upkeep_inside
case_ "root inside a session: sync mends after a flush" flushed_inside
profile ''
: >/etc/subuid
: >/etc/subgid

# ---- programs ----------------------------------------------------------------------------------

# through_proxy TAG CMD: by each kind of session, with the variables that it got; TAG is in the path.
through_proxy() {
	world_log_clear
	"$1" "$3" >/tmp/said 2>&1
	wait_for 5 world_log_has "GET [^ ]*/$2[^ ]* .* via a proxy\$" || { cat /tmp/said; cat "$WORLD_LOG"; return 1; }
	world_settle && ! world_arrivals | grep -v 'via a proxy$' | grep '^web'
}
for enter in by_ssh by_su by_su_login by_sudo; do
	case_ "$enter: curl goes through the proxy" through_proxy $enter curl "curl -sS $WEB4/curl"
done
case_ "curl with a host name" through_proxy by_ssh name "curl -sS http://$WORLD4.nip.test/name; curl -sS $WEB4/name"
case_ "Python's urllib goes through the proxy" through_proxy by_ssh python \
	"/usr/bin/python3 -I -c 'import urllib.request as u; print(u.urlopen(\"$WEB4/python\").status)'"
# optional PROGRAM NAME WAY...: where the machine has the program.
optional() {
	if command -v "$1" >/dev/null; then
		case_ "${@:2}"
	else
		skip "$2" "$1 is not installed"
	fi
}
optional git "git goes through the proxy" through_proxy by_ssh git "git ls-remote $WEB4/git"
optional wget "wget goes through the proxy" through_proxy by_ssh wget "wget -qO- --tries=1 $WEB4/wget"
optional pip3 "pip goes through the proxy" through_proxy by_ssh pip \
	"/usr/bin/python3 -m pip download --no-deps --retries 0 --trusted-host $WORLD4 -i $WEB4/pip nothing"
write_node_client
# Its CONNECT leaves no trace in the request: that it was the proxy who asked stands in the proxy's log.
node_tunnels() {
	world_log_clear
	by_ssh "node /tmp/ask.js $WEB4/node" >/tmp/said 2>&1
	wait_for 5 world_log_has 'GET /node ' && grep "CONNECT $WORLD4:80" "$LAB/tinyproxy.log" && return
	cat /tmp/said "$WORLD_LOG"
	return 1
}
if node_heeds_environment; then
	case_ "node goes through the proxy" node_tunnels
else
	skip "node goes through the proxy" "there is none, or it is older than NODE_USE_ENV_PROXY (24, 22.21)"
fi

# ends_soon SECONDS PATTERN CMD: fails, says so, and does not hang.
ends_soon() {
	local limit=$1 pattern=$2
	SECONDS=0
	by_ssh "timeout 20 $3" >/tmp/said 2>&1 </dev/null && { cat /tmp/said; echo "it worked"; return 1; }
	[ "$SECONDS" -le "$limit" ] || { echo "took $SECONDS s"; return 1; }
	grep -Eq -e "$pattern" /tmp/said || { cat /tmp/said; return 1; }
}
# Debian's ping has ping sockets (ping_group_range) where it may not have raw ones.
case_ "ping is refused, and says so" ends_soon 10 '[Pp]rohibited|not permitted|100% packet loss' "ping -c 1 -W 1 $WORLD4"
case_ "the ssh client is refused, and says so" ends_soon 10 'refused|prohibited' \
	"ssh -o BatchMode=yes -o StrictHostKeyChecking=no $WORLD4 true"
case_ "a name cannot be looked up, which does not take long" ends_soon 10 '^status 2$' \
	"getent hosts nowhere.world.test; echo status \$?; false"
case_ "getent finds local names" by_ssh "getent hosts localhost && getent passwd agent1" >/dev/null

# ---- TLS by the proxy's own CA -------------------------------------------------------------------

tls_files() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=lab" -addext "subjectAltName=IP:$WORLD4" \
		-keyout /tmp/tls.key -out /etc/egress/ca.pem 2>/tmp/said && chmod 644 /etc/egress/ca.pem
}
tls_server() {
	in_world /usr/bin/python3 -I - >/tmp/tls.log 2>&1 <<-END &
		import http.server, ssl
		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        open("/tmp/tls.seen", "a").write(self.path + "\n")
		        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
		server = http.server.ThreadingHTTPServer(("$WORLD4", 8443), Handler)
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain("/etc/egress/ca.pem", "/tmp/tls.key")
		server.socket = context.wrap_socket(server.socket, server_side=True)
		open("/tmp/tls.ready", "w")
		server.serve_forever()
	END
	wait_for 10 test -e /tmp/tls.ready
}
# by_tls TAG CMD: CMD reads https://.../TAG; asked of the server, not of CMD.
by_tls() {
	by_ssh "timeout 20 $2" >/tmp/said 2>&1
	wait_for 3 grep "^/$1" /tmp/tls.seen || { tail -n 5 /tmp/said; return 1; }
}
if command -v openssl >/dev/null; then
	case_ "a certificate" tls_files
	: >/tmp/tls.seen
	tls_server
	WEBS=https://$WORLD4:8443
	case_ "without ca_file curl trusts nobody (control)" not by_tls control "curl -sS $WEBS/control"
	profile 'ca_file = "/etc/egress/ca.pem";'
	case_ "ca_file, curl" by_tls curl "curl -sS $WEBS/curl"
	case_ "ca_file, Python's ssl" by_tls python \
		"/usr/bin/python3 -I -c 'import urllib.request as u; u.urlopen(\"$WEBS/python\")'"
	optional git "ca_file, git" by_tls git "git ls-remote $WEBS/git"
	optional pip3 "ca_file, pip" by_tls pip \
		"/usr/bin/python3 -m pip download --no-deps --retries 0 -i $WEBS/pip nothing"
	optional node "ca_file, node" by_tls node "node /tmp/ask.js $WEBS/node"
	profile ''
else
	skip "ca_file" "openssl is not installed"
fi

# ---- variables -----------------------------------------------------------------------------------

policy="this account reaches only the proxy 127.0.0.1:3128; why: /usr/sbin/egressctl explain agent1 DESTINATION"
has_variables() {
	"$1" "env" >/tmp/env || return
	local name line
	for name in HTTP_PROXY http_proxy HTTPS_PROXY https_proxy ALL_PROXY all_proxy; do
		grep -qx "$name=$PROXY_URL" /tmp/env || { echo "$name: $(grep "^$name=" /tmp/env)"; return 1; }
	done
	for line in NO_PROXY= no_proxy= NODE_USE_ENV_PROXY=1 "EGRESS_POLICY=$policy"; do
		grep -Fqx -e "$line" /tmp/env || { grep -i -e proxy -e egress /tmp/env; return 1; }
	done
}
for enter in by_ssh by_su by_su_login by_sudo; do
	case_ "$enter: the variables are there" has_variables $enter
done
no_variables() { by_ssh env >/tmp/env && ! grep -i -e _proxy -e EGRESS /tmp/env; }
modules harden=no
case_ "harden=no: the variables are there, they are the session's alone" has_variables by_ssh
modules ""
profile 'env = false;'
case_ "env = false: no variable" no_variables
profile 'proxy_url = "http://proxy.example:8080";'
# shellcheck disable=SC2016  # the session's own
other_url() { by_ssh 'echo $https_proxy' | grep -qx http://proxy.example:8080; }
case_ "proxy_url: the variables say it" other_url
profile ''

# ---- the line at login -----------------------------------------------------------------------------

notice="egress: $policy"
SSH=(ssh -F none -i "$LAB/key" -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=no
	-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR)
on_terminal() { timeout 20 script -qec "$1" /dev/null 2>&1 <<<'exit' | tr -d '\r'; }
says_notice() { "$@" >/tmp/said; grep -Fqx -e "$notice" /tmp/said || { cat /tmp/said; return 1; }; }
says_nothing() { "$@" >/tmp/said 2>&1; ! grep -F 'egress:' /tmp/said; }
no_line_by() { says_nothing on_terminal "$1" && grep -Fqx -e "$policy" /tmp/said; }
ssh_terminal() { in_world "${SSH[@]}" -tt "agent1@$HOST4" 2>&1 <<<'exit' | tr -d '\r'; }
case_ "ssh, a terminal: the line" says_notice ssh_terminal
# Both ask modules to be silent where it is no login (sudo 1.9.13): egress.conf(5) says so.
case_ "su - on a terminal: the line" says_notice on_terminal "su - agent1"
case_ "sudo -i on a terminal: the line" says_notice on_terminal "sudo -i -u agent1"
for enter in su "sudo -u"; do
	command="printenv EGRESS_POLICY"
	[ "$enter" != su ] || command="-c '$command'"
	case_ "$enter on a terminal: a session, and no line" no_line_by "$enter agent1 $command"
done
for enter in by_ssh by_su by_su_login by_sudo; do
	exactly() { [ "$($enter 'echo word' 2>&1)" = word ]; }
	case_ "$enter without a terminal: nothing but what the command says" exactly
done
head -c 300000 /dev/urandom >/tmp/bytes
chmod 644 /tmp/bytes
copies() { rm -f /tmp/copied; "$@" && cmp /tmp/bytes /tmp/copied; }
by_cat() { as_agent_ssh "cat /tmp/bytes" >/tmp/copied; }
by_scp() { in_world scp -q "${SSH[@]:1}" "agent1@$HOST4:/tmp/bytes" /tmp/copied; }
by_old_scp() { in_world scp -O -q "${SSH[@]:1}" "agent1@$HOST4:/tmp/bytes" /tmp/copied; }
by_sftp() { in_world sftp -q "${SSH[@]:1}" -b - "agent1@$HOST4" >/dev/null <<<'get /tmp/bytes /tmp/copied'; }
case_ "ssh cat: byte for byte" copies by_cat
case_ "scp: byte for byte" copies by_scp
case_ "scp -O: byte for byte" copies by_old_scp
case_ "sftp: byte for byte" copies by_sftp
modules quiet
case_ "quiet: no line" says_nothing ssh_terminal
modules ""
profile 'notice = false;'
case_ "notice = false: no line" says_nothing ssh_terminal
profile ''

# ---- what show tells, and kernels without ----------------------------------------------------------

show_has() {
	stay_forget shown
	by_ssh "lab-stay shown" &
	local job=$!
	stay_wait shown
	egressctl --json show agent1 >/tmp/shown
	stay_end shown
	wait "$job"
	/usr/bin/python3 -I -c 'import json, sys; d = json.load(open("/tmp/shown"))
assert d["sessions"][0]["hardening"] == sys.argv[1].split(), d["sessions"]' "$1" 2>&1
}
case_ "show tells what the session got" show_has "no_new_privs seccomp"
modules harden=no
case_ "show tells that a session got nothing" show_has ""
modules ""

lacking() {
	without-seccomp egressctl --json show agent1 >/tmp/shown
	grep -q '"seccomp: no filters"' /tmp/shown || { cat /tmp/shown; return 1; }
}
by_su_without() { without-seccomp su agent1 -c "$1"; }
optional_layer() {
	syslog_mark
	by_su_without 'sockets vsock tcp' >/tmp/sockets && way_says tcp given && [ "$(status_without)" = 1 ] &&
		wait_for 5 syslog_has 'seccomp: this kernel lacks it: user agent1'
}
status_without() { by_su_without "awk '/^NoNewPrivs:/ { print \$2 }' /proc/self/status"; }
case_ "a kernel without seccomp, optional: a session, and a line in the log" optional_layer
case_ "a kernel without seccomp: show says so" lacking
profile 'required = [ "seccomp" ];'
service=su pam_file=su
enter_su() { by_su "$2"; }
enter_without() { by_su_without "$2"; }
case_ "a kernel without seccomp, required: refused, and named" \
	refused_open enter_without 'seccomp: required by profile "default": this kernel lacks it'
case_ "nothing is left of it" nothing_left
case_ "required, and there: a session" has_status by_su 1 2 1
modules harden=no
case_ "required, but harden=no: refused" refused_open enter_su 'seccomp: required by profile "default"'
modules ""
profile ''
case_ "in the end nothing is left" wait_for 10 nothing_left
lab_end
