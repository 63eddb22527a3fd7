#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The variables of a session by a proxy that opens TLS with a CA of its own: in sessions of ssh, su, sudo, cron and
# egressctl run, programs that know nothing but their environment reach https:// through it.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/services/jobs.bash
. "$(dirname "$0")/jobs.bash"
# shellcheck source=tests/services/cron.bash
. "$(dirname "$0")/cron.bash"

WEBS=https://$WORLD4
by_ssh() { as_agent_ssh "$1"; }
by_su() { su agent1 -c "$1"; }
by_sudo() { sudo -n -u agent1 -- bash -c "$1"; }
by_cron() { cron_enter "" agent1 "$1"; }
by_run() { egressctl run agent1 -- bash -c "$1"; }

# profile KEYS: agent1's, besides its proxy.
profile() {
	cat >/etc/egress/egress.conf <<-END
		backend = "$LAB_BACKEND";
		profiles = { default = { proxy = [ "127.0.0.1:3129" ]; $1 }; };
		accounts = ( { user = "agent1"; } );
	END
}

proxy_files() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=lab CA" -addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign -keyout /tmp/ca.key -out /etc/egress/ca.pem &&
		openssl req -newkey rsa:2048 -nodes -subj "/CN=$WORLD4" -keyout "$LAB/tls.key" -out /tmp/tls.csr &&
		openssl x509 -req -in /tmp/tls.csr -days 2 -CA /etc/egress/ca.pem -CAkey /tmp/ca.key -CAcreateserial \
			-extfile <(echo "subjectAltName=IP:$WORLD4") -out "$LAB/tls.pem" &&
		chmod 644 /etc/egress/ca.pem && chgrp lab-proxy "$LAB/tls.key" && chmod 640 "$LAB/tls.key"
}
proxy_start() {
	install -d -o lab-proxy /tmp/proxy
	setpriv --reuid=lab-proxy --regid="$(id -g lab-proxy)" --clear-groups \
		python3 -I tests/services/intercept.py 3129 "$LAB/tls.pem" "$LAB/tls.key" /tmp/proxy/ready 2>"$LAB/proxy.err" &
	wait_for 10 test -e /tmp/proxy/ready
}

# asks ENTER TAG CMD: CMD reads https://.../TAG; what arrives in the world has been in clear at the proxy.
asks() {
	world_log_clear
	"$1" "timeout 20 $3" >/tmp/said 2>&1 </dev/null
	wait_for 3 world_log_has "GET /$2[^ ]* .* via a proxy\$" || { tail -n 5 /tmp/said; return 1; }
	world_settle && ! world_arrivals | grep -v -e 'via a proxy$' -e '^packet4 tcp .* port 80$'
}
asks_in_vain() { ! asks "$@" && nothing_arrived; }

lab_start "$@"
lab_install
services_start
rm -f /etc/crontab /etc/cron.d/*
for file in sshd su sudo cron; do lab_pam "$file"; done
# shellcheck disable=SC2119  # nothing is taken from it
lab_sshd
case_ "a CA, and a certificate of it" proxy_files
case_ "a proxy that opens TLS" proxy_start

write_node_client
declare -A commands=(
	[curl]="curl -sS $WEBS/curl"
	[python]="/usr/bin/python3 -I -c 'import urllib.request as u; u.urlopen(\"$WEBS/python\")'"
	[git]="git ls-remote $WEBS/git"
	[pip]="/usr/bin/python3 -m pip download -d /tmp/pip --no-deps --retries 0 -i $WEBS/pip nothing"
	[node]="node /tmp/ask.js $WEBS/node"
)
there() {
	case $1 in
	pip) /usr/bin/python3 -m pip --version ;;
	python) true ;;
	*) command -v "$1" ;;
	esac >/dev/null 2>&1
}
for name in curl python git pip node; do
	if ! there $name; then
		skip "$name" "it is not installed"
		continue
	fi
	profile ''
	case_ "$name does not trust the proxy without ca_file (control)" asks_in_vain by_ssh $name "${commands[$name]}"
	profile 'ca_file = "/etc/egress/ca.pem";'
	for enter in by_ssh by_su by_sudo by_cron by_run; do
		case_ "$enter: $name reaches https:// through the proxy" asks $enter $name "${commands[$name]}"
	done
done
profile 'ca_file = "/etc/egress/ca.pem"; env = false;'
case_ "env = false: curl finds no way (control)" asks_in_vain by_run curl "${commands[curl]}"
case_ "in the end nothing is left" wait_for 10 nothing_left
lab_end
