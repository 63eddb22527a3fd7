#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# doctor names the weak spots of the host, sshd, the proxy and deputies, none that is not there, and what mends each.
# shellcheck disable=SC2016,SC2317  # functions are called by case_, texts by eval
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
# shellcheck source=tests/tool/doctor.bash
. "$(dirname "$0")/doctor.bash"
lab_start "$@"
lab_install
doctor_lab
kernel=$(uname -r)
pam_everywhere

# ---- the host ------------------------------------------------------------------------------------------

setuid_copy() { install -m 4755 /bin/true "/usr/local/bin/$1"; }
for name in pppd mount.nfs exim4 lab-unknown; do
	trouble "setuid $name" warn program "/usr/local/bin/$name: setuid" setuid_copy "$name"
done
case_ "setuid: known to be harmless" eval 'setuid_copy newgrp && ! says warn program /usr/local/bin/newgrp'
private() { install -m 4750 /bin/true /usr/local/bin/lab-private && ! says warn program lab-private; }
case_ "setuid: not for this account" private
without_nnp() { setuid_copy qemu-bridge-helper && profile 'no_new_privs = false;'; }
case_ "setuid: a bridge helper" finds fail program qemu-bridge-helper without_nnp
lab_config
with_capability() { install -m 755 /bin/true /usr/local/bin/lab-caps && setcap cap_net_raw,cap_setuid+ep /usr/local/bin/lab-caps; }
trouble "a file capability" warn program 'lab-caps: cap_net_raw,cap_setuid' with_capability
rm -f /usr/local/bin/{newgrp,lab-private,qemu-bridge-helper,lab-caps}

has_module() { echo "kernel/net/$1/$1.ko.xz: kernel/x.ko" >>"/usr/lib/modules/$kernel/modules.dep"; }
for module in rxrpc smc rds tipc sctp dccp can pppoe; do
	trouble "module $module" warn module "^$module is loaded" has_module "$module"
done
case_ "a module that is blacklisted" eval 'has_module x25 && echo blacklist x25 >/etc/modprobe.d/lab.conf && ! says warn module ^x25'
case_ "a module whose install runs modprobe" finds warn module '^x25 ' \
	eval 'echo "install x25 /sbin/modprobe --ignore-install x25" >/etc/modprobe.d/lab.conf'
shipped() {
	mkdir -p /usr/lib/modprobe.d && echo blacklist ax25 >/usr/lib/modprobe.d/lab-shipped.conf && has_module ax25 &&
		! says warn module '^ax25 '
}
case_ "a module that is blacklisted in /usr" shipped
case_ "by a file that one in /etc replaces" finds warn module '^ax25 ' touch /etc/modprobe.d/lab-shipped.conf
case_ "a name that only begins so" eval 'has_module rose2 && ! says warn module "^rose "'
builtin_module() { echo kernel/net/netrom/netrom.ko >>"/usr/lib/modules/$kernel/modules.builtin"; }
case_ "a module that is built in" finds warn module '^netrom is in the kernel' builtin_module
case_ "no remedy for that" eval '[ -z "$(remedy_of module ^netrom)" ]'
any_family() { rm -f /etc/modprobe.d/egress-rds.conf && profile 'socket_families = "any";'; }
case_ "rds where sessions may have it" finds fail module '^rds ' any_family
lab_config

set_sysctl() { echo "$2" >"/proc/sys/${1//.//}"; }
sysctl_trouble() {
	local name=$1 good=$2 bad=$3 check=$4 old
	old=$(cat "/proc/sys/${name//.//}")
	set_sysctl "$name" "$good" || return
	says pass "$check" && set_sysctl "$name" "$bad" && says warn "$check" && mends "$check" .
	local result=$?
	set_sysctl "$name" "$old"
	return "$result"
}
# Of this network namespace only.
case_ "net.mptcp.enabled" sysctl_trouble net.mptcp.enabled 0 1 net.mptcp.enabled
case_ "ping_group_range" sysctl_trouble net.ipv4.ping_group_range "1 0" "0 2147483647" net.ipv4.ping_group_range
case_ "route_localnet" sysctl_trouble net.ipv4.conf.to-world.route_localnet 0 1 route-localnet
uring() {
	local value
	value=$(cat /proc/sys/kernel/io_uring_disabled) || { says skip kernel.io_uring_disabled; return; }
	case $value in 0) says warn kernel.io_uring_disabled ;; *) says pass kernel.io_uring_disabled ;; esac
}
case_ "io_uring as this kernel has it" uring
namespaces() {
	mount -t tmpfs lab /proc/sys/user && echo "$1" >/proc/sys/user/max_user_namespaces && says "$2" user-namespaces
	local result=$?
	umount /proc/sys/user
	return "$result"
}
case_ "user namespaces for everybody" namespaces 1000 warn
case_ "user namespaces for nobody" namespaces 0 pass

enable() { mkdir -p "/etc/systemd/system/$1.wants" && ln -sf "/usr/lib/systemd/system/$2" "/etc/systemd/system/$1.wants/$2"; }
case_ "sync at boot" finds pass egress-sync.service enabled enable multi-user.target egress-sync.service
case_ "the reaper" finds pass egress-reap.timer enabled enable timers.target egress-reap.timer
case_ "no networkd" says pass networkd 'not in use'
case_ "networkd" finds warn networkd deletes enable multi-user.target systemd-networkd.service
keep_rules() { mkdir -p /etc/systemd/networkd.conf.d && printf '[Network]\nManageForeignRoutingPolicyRules=no\n' >/etc/systemd/networkd.conf.d/egress.conf; }
case_ "networkd that keeps rules" finds pass networkd 'leaves' keep_rules

if mknod -m 600 /dev/tun c 10 200 && mkdir -p /dev/net && mv /dev/tun /dev/net/tun && ip tuntap add dev lab-tap0 mode tap user bystander; then
	case_ "a tap of another's" says pass tap
	of_account() { ip tuntap add dev lab-tap1 mode tap user agent1; }
	trouble "a tap of the account's" fail tap lab-tap1 of_account
	of_nobody() { ip tuntap add dev lab-tap2 mode tap; }
	trouble "a tap of nobody's" fail tap lab-tap2 of_nobody
	of_group() { ip tuntap add dev lab-tap3 mode tap group agent1; }
	trouble "a tap of its group" fail tap lab-tap3 of_group
else
	skip "a tap" "this kernel makes none"
fi

# ---- sshd ----------------------------------------------------------------------------------------------

match() { printf 'Match User %s\n\t%s\nMatch all\n' "$1" "$2" >>/etc/ssh/sshd_config; }
sshd_trouble() { # NAME SETTING-THAT-PASSES
	cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
	match bystander "$2"
	says warn "$1" || return
	match agent1 "$2"
	says pass "$1" || return
	cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
	says warn "$1" && local command && command=$(remedy_of "$1") && bash -c "${command%% && systemctl*}" && says pass "$1"
}
case_ "AllowTcpForwarding" sshd_trouble allowtcpforwarding "AllowTcpForwarding no"
case_ "AllowStreamLocalForwarding" sshd_trouble allowstreamlocalforwarding "AllowStreamLocalForwarding no"
case_ "AllowAgentForwarding" sshd_trouble allowagentforwarding "AllowAgentForwarding no"
disable() { match agent1 "DisableForwarding yes" && says pass allowtcpforwarding && said pass allowstreamlocalforwarding && said warn allowagentforwarding; }
cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
case_ "DisableForwarding, but not of the agent" disable
cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
case_ "PermitTunnel" finds warn permittunnel . match agent1 "PermitTunnel yes"
case_ "PermitUserEnvironment" finds warn permituserenvironment . sed -i '1i PermitUserEnvironment yes' /etc/ssh/sshd_config
case_ "UsePAM" finds fail usepam . sed -i '1i UsePAM no' /etc/ssh/sshd_config
case_ "a configuration that sshd does not take" finds skip sshd 'sshd -T' sed -i '1i Nonsense yes' /etc/ssh/sshd_config
cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config

# ---- the proxy -----------------------------------------------------------------------------------------

listen() {
	"${@:2}" python3 -I -c '
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(); time.sleep(600)' "$1" &
	wait_for 10 port_open "$1"
}
at_port() { lab_config && sed -i "s/127.0.0.1:3128/$1/" /etc/egress/egress.conf; }
case_ "a proxy that answers" says pass answer
case_ "a port that root listens on" said pass port
case_ "a proxy that does not answer" finds fail answer 'does not answer: Connection refused' at_port 127.0.0.1:4001
case_ "whose port everybody may bind" said fail port 'everybody'
listen 4001 setpriv --reuid=2001 --regid=2001 --clear-groups
listener=$!
case_ "the account listens in the proxy's place" says fail port 'account itself'
kill $listener
listen 4002 setpriv --reuid=2002 --regid=2002 --clear-groups
listener=$!
case_ "another account listens" finds warn port 'bound by uid 2002' at_port 127.0.0.1:4002
its_user() { sed -i 's/127.0.0.1:4002" \]; /&proxy_user = "bystander"; /' /etc/egress/egress.conf; }
case_ "which is the proxy's own" finds pass port 'uid 2002' its_user
kill $listener
case_ "a port below 1024" finds pass port 'only root' at_port 127.0.0.1:809
case_ "a proxy in IPv6" finds fail port '\[::1\]:4003: everybody' at_port '[::1]:4003'
case_ "a proxy on an address of the host's" finds warn address 'to the wire' at_port "$HOST4:3128"
lab_config
case_ "a proxy on loopback" eval '! says warn address'
case_ "no translation" says pass translation
translate() { iptables-legacy -t nat -A OUTPUT -p tcp -d 192.0.2.9 --dport 3128 -j DNAT --to 127.0.0.1:1; }
case_ "DNAT of the proxy's port" finds warn translation DNAT translate
case_ "DNAT of a longer port" eval 'iptables-legacy -t nat -F OUTPUT && iptables-legacy -t nat -A OUTPUT -p tcp --dport 31280 -j DNAT --to 127.0.0.1:1 && says pass translation'
iptables-legacy -t nat -F OUTPUT
nft_translate() { nft 'table ip lab { chain output { type nat hook output priority -100; tcp dport 3128 redirect to :1; }; }'; }
case_ "nftables: a redirection" finds warn translation redirect nft_translate
nft delete table ip lab

# ---- deputies ------------------------------------------------------------------------------------------

unix_socket() { # PATH MODE GROUP
	mkdir -p "$(dirname "$1")"
	rm -f "$1"
	python3 -I -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1"
	chgrp "$3" "$1" && chmod "$2" "$1"
}
case_ "no deputies" says pass socket
for path in /run/docker.sock /run/libvirt/libvirt-sock /run/systemd/resolve/io.systemd.Resolve /run/nscd/socket; do
	trouble "a socket for everybody: $path" fail socket "$path" unix_socket "$path" 666 root
	rm -f "$path"
done
case_ "snapd" finds warn socket /run/snapd.socket unix_socket /run/snapd.socket 666 root
case_ "everybody's, without a name" host_says warn socket 'everybody may connect to /run/snapd.socket'
rm -f /run/snapd.socket
case_ "a socket of root's" eval 'unix_socket /run/docker.sock 660 root && says pass socket'
by_group() { groupadd -f docker && unix_socket /run/docker.sock 660 docker && gpasswd -a agent1 docker; }
case_ "a socket of its group" finds fail socket docker.sock by_group
case_ "which is nothing to everybody" host_says pass socket
gpasswd -d agent1 docker >/dev/null
behind() { unix_socket /run/lab-shut/x 666 root && chmod 700 /run/lab-shut && mkdir -p /run/podman && unix_socket /run/podman/podman.sock 666 root && chmod 700 /run/podman && says pass socket; }
case_ "a socket in a folder that is shut" behind
rm -rf /run/docker.sock /run/podman

on_bus() { unix_socket /run/dbus/system_bus_socket 666 root && : >/usr/share/dbus-1/system-services/org.freedesktop.resolve1.service; }
mkdir -p /etc/dbus-1/system.d /usr/share/dbus-1/system-services
case_ "no bus" says pass bus
case_ "the bus" finds fail bus resolve1 on_bus
bus_denied() { local command && command=$(remedy_of bus resolve1) && bash -c "${command%% && systemctl*}" && ! says fail bus resolve1; }
case_ "the bus: the remedy helps" bus_denied
case_ "not for everybody" host_says fail bus resolve1
rm -f /run/dbus/system_bus_socket
upcall() { echo 'create dns_resolver * * /sbin/key.dns_resolver %k' >/etc/request-key.conf; }
rm -rf /etc/request-key.conf /etc/request-key.d
trouble "request_key" warn request-key . upcall

lab_end
