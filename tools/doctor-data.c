/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "doctor.h"

#define WARN DOCTOR_WARN
#define FAIL DOCTOR_FAIL
#define PASS DOCTOR_PASS

const struct known_group doctor_groups[] = {
	{ "root", FAIL, "writes what root runs" },
	{ "docker", FAIL, "containers are root, with a network of their own" },
	{ "podman", FAIL, "containers are root, with a network of their own" },
	{ "lxd", FAIL, "containers are root, with a network of their own" },
	{ "incus", FAIL, "containers have a network of their own" },
	{ "incus-admin", FAIL, "containers are root, with a network of their own" },
	{ "libvirt", FAIL, "machines are root's, with a network of their own" },
	{ "libvirt-qemu", FAIL, "machines have a network of their own" },
	{ "vboxusers", FAIL, "machines have a network of their own" },
	{ "sudo", FAIL, "becomes root" },
	{ "wheel", FAIL, "becomes root" },
	{ "admin", FAIL, "becomes root" },
	{ "disk", FAIL, "writes the disks, and so becomes root" },
	{ "shadow", FAIL, "reads the passwords of others" },
	{ "staff", FAIL, "writes /usr/local, which root runs" },
	{ "dip", FAIL, "dials by pppd" },
	{ "wireshark", FAIL, "sends whole frames by dumpcap's capabilities" },
	{ "netdev", FAIL, "changes networks by NetworkManager or avahi" },
	{ "network", FAIL, "changes networks by NetworkManager" },
	{ "kvm", WARN, "machines of its own; with a bridge helper they have a network" },
	{ "adm", WARN, "reads logs, which have tokens of others" },
	{ "dialout", WARN, "modems and serial lines" },
	{ "uucp", WARN, "modems and serial lines" },
	{ "bluetooth", WARN, "Bluetooth is no IP" },
	{ "lpadmin", WARN, "printers are network addresses of its choice" },
	{ "plugdev", WARN, "USB devices, network cards among them" },
	{ NULL, PASS, NULL },
};

/* What socket(2) alone loads, and whose packets have no owner or are no IP. */
const struct known_module doctor_known_modules[] = {
	{ "rds", "RDS", FAIL, "a kernel worker sends as root: no rule sees it" },
	{ "rds_tcp", NULL, FAIL, "a kernel worker sends as root: no rule sees it" },
	{ "rxrpc", "RXRPC", FAIL, "UDP from a socket of the kernel's, to anywhere" },
	{ "smc", "SMC", FAIL, "its handshake is sent by a socket of the kernel's" },
	{ "tipc", "TIPC", WARN, "no IP: other machines on the segment" },
	{ "sctp", "SCTP", WARN, "seldom needed; associations outlive their sockets" },
	{ "dccp", "DCCP", WARN, "seldom needed; unmaintained" },
	{ "vsock", "AF_VSOCK", WARN, "no IP: the hypervisor" },
	{ "bluetooth", "BT", WARN, "no IP: the air" },
	{ "can", NULL, WARN, "no IP: what is attached" },
	{ "pppox", "PPPOX", WARN, "no IP: PPPoE frames on any card" },
	{ "pppoe", NULL, WARN, "no IP: PPPoE frames on any card" },
	{ "l2tp_ip", "L2TP/IP", WARN, "tunnels" },
	{ "l2tp_ip6", "L2TP/IPv6", WARN, "tunnels" },
	{ "qrtr", "QIPCRTR", WARN, "no IP: modems" },
	{ "x25", "X25", WARN, "no IP" },
	{ "ax25", "AX25", WARN, "no IP" },
	{ "netrom", "NETROM", WARN, "no IP" },
	{ "rose", "ROSE", WARN, "no IP" },
	{ "appletalk", "DDP", WARN, "no IP" },
	{ "atm", "ATM", WARN, "no IP" },
	{ "llc2", "LLC", WARN, "no IP" },
	{ "phonet", "PHONET", WARN, "no IP: modems" },
	{ "caif_socket", NULL, WARN, "no IP: modems" },
	{ "ieee802154_socket", NULL, WARN, "no IP: the air" },
	{ "nfc", NULL, WARN, "no IP: the air" },
	{ "mctp", "MCTP", WARN, "no IP" },
	{ NULL, NULL, PASS, NULL },
};

const struct known_socket doctor_sockets[] = {
	{ "/run/docker.sock", FAIL, "docker: containers are root, with a network of their own" },
	{ "/run/containerd/containerd.sock", FAIL, "containerd: containers are root" },
	{ "/run/crio/crio.sock", FAIL, "cri-o: containers are root" },
	{ "/run/podman/podman.sock", FAIL, "podman: containers are root" },
	{ "/run/buildkit/buildkitd.sock", FAIL, "buildkit: builds have a network of their own" },
	{ "/var/lib/lxd/unix.socket", FAIL, "lxd: containers are root" },
	{ "/var/snap/lxd/common/lxd/unix.socket", FAIL, "lxd: containers are root" },
	{ "/var/lib/incus/unix.socket", FAIL, "incus: containers are root" },
	{ "/run/incus/unix.socket", FAIL, "incus: containers are root" },
	{ "/run/libvirt/libvirt-sock", FAIL, "libvirt: machines are root's" },
	{ "/run/libvirt/virtqemud-sock", FAIL, "libvirt: machines are root's" },
	{ "/run/libvirt/virtnetworkd-sock", FAIL, "libvirt: networks" },
	{ "/run/systemd/resolve/io.systemd.Resolve", FAIL, "systemd-resolved asks for names on one's behalf" },
	{ "/run/nscd/socket", FAIL, "nscd asks for names on one's behalf" },
	{ "/run/unscd/socket", FAIL, "unscd asks for names on one's behalf" },
	{ "/run/avahi-daemon/socket", FAIL, "avahi asks for and announces names" },
	{ "/run/systemd/io.systemd.NamespaceResource", FAIL, "nsresourced leases ranges of uids" },
	{ "/run/systemd/machine/io.systemd.Machine", FAIL, "machined starts machines and shells" },
	{ "/run/systemd/io.systemd.Network", WARN, "networkd" },
	{ "/run/snapd.socket", WARN, "snapd downloads" },
	{ "/run/cups/cups.sock", WARN, "cups prints to addresses of one's choice" },
	{ "/run/pcscd/pcscd.comm", WARN, "pcscd: card readers" },
	{ "/run/postgresql/.s.PGSQL.5432", WARN, "a database may connect (dblink, COPY PROGRAM)" },
	{ "/run/mysqld/mysqld.sock", WARN, "a database may connect (federated tables)" },
	{ "/run/sssd/nss", WARN, "sssd asks a directory on one's behalf" },
	{ "/var/lib/sss/pipes/nss", WARN, "sssd asks a directory on one's behalf" },
	{ "/var/spool/postfix/public/pickup", WARN, "postfix sends mail" },
	{ NULL, PASS, NULL },
};

const struct known_bus_name doctor_bus_names[] = {
	{ "org.freedesktop.resolve1", FAIL, "asks for names on one's behalf" },
	{ "org.freedesktop.machine1", FAIL, "starts machines and shells" },
	{ "org.freedesktop.Avahi", FAIL, "asks for and announces names" },
	{ "org.freedesktop.PolicyKit1", WARN, "lets accounts do root's work by its rules" },
	{ "org.freedesktop.systemd1", WARN, "systemd-run, as far as polkit lets it" },
	{ "org.freedesktop.PackageKit", WARN, "downloads" },
	{ "org.freedesktop.NetworkManager", WARN, "changes networks, as far as polkit lets it" },
	{ "org.freedesktop.network1", WARN, "changes networks, as far as polkit lets it" },
	{ "org.freedesktop.fwupd", WARN, "downloads" },
	{ "org.freedesktop.ModemManager1", WARN, "dials" },
	{ "org.bluez", WARN, "Bluetooth is no IP" },
	{ "fi.w1.wpa_supplicant1", WARN, "joins networks" },
	{ NULL, PASS, NULL },
};

const struct known_program doctor_known_programs[] = {
	{ "passwd", PROGRAM_HARMLESS, NULL },
	{ "chfn", PROGRAM_HARMLESS, NULL },
	{ "chsh", PROGRAM_HARMLESS, NULL },
	{ "chage", PROGRAM_HARMLESS, NULL },
	{ "gpasswd", PROGRAM_HARMLESS, NULL },
	{ "newgrp", PROGRAM_HARMLESS, NULL },
	{ "umount", PROGRAM_HARMLESS, NULL },
	{ "fusermount", PROGRAM_HARMLESS, NULL },
	{ "fusermount3", PROGRAM_HARMLESS, NULL },
	{ "unix_chkpwd", PROGRAM_HARMLESS, NULL },
	{ "ssh-keysign", PROGRAM_HARMLESS, NULL },
	{ "dbus-daemon-launch-helper", PROGRAM_HARMLESS, NULL },
	{ "polkit-agent-helper-1", PROGRAM_HARMLESS, NULL },
	/* Root by rules that others look at, or a session with its PAM stack, which is looked at too. */
	{ "sudo", PROGRAM_ASKS, NULL },
	{ "su", PROGRAM_ASKS, NULL },
	{ "mount", PROGRAM_ASKS, NULL },
	{ "at", PROGRAM_ASKS, NULL },
	{ "crontab", PROGRAM_ASKS, NULL },
	{ "newuidmap", PROGRAM_ASKS, NULL },
	{ "newgidmap", PROGRAM_ASKS, NULL },
	/* File capabilities: the socket is still the account's. */
	{ "ping", PROGRAM_HARMLESS, NULL },
	{ "ping4", PROGRAM_HARMLESS, NULL },
	{ "ping6", PROGRAM_HARMLESS, NULL },
	{ "pkexec", PROGRAM_SENDS, "runs as root what polkit's rules allow" },
	{ "doas", PROGRAM_SENDS, "runs as root what its rules allow" },
	{ "mount.nfs", PROGRAM_SENDS, "connects to a server as root" },
	{ "mount.cifs", PROGRAM_SENDS, "connects to a server as root" },
	{ "mount.davfs", PROGRAM_SENDS, "connects to a server as root" },
	{ "exim4", PROGRAM_SENDS, "sends mail" },
	{ "exim", PROGRAM_SENDS, "sends mail" },
	{ "sendmail", PROGRAM_SENDS, "sends mail" },
	{ "pppd", PROGRAM_SENDS, "dials" },
	{ "traceroute6.iputils", PROGRAM_SENDS, "sends as root" },
	{ "traceroute", PROGRAM_SENDS, "sends as root" },
	{ "mtr-packet", PROGRAM_SENDS, "sends raw packets" },
	{ "dumpcap", PROGRAM_SENDS, "packet sockets send whole frames" },
	{ "ntfs-3g", PROGRAM_SENDS, "runs as root" },
	{ "snap-confine", PROGRAM_SENDS, "runs as root" },
	{ "lxc-user-nic", PROGRAM_FORWARDS, "gives out a network card on a bridge" },
	{ "qemu-bridge-helper", PROGRAM_FORWARDS, "gives out a network card on a bridge" },
	{ NULL, PROGRAM_HARMLESS, NULL },
};

const struct known_service doctor_services[] = {
	{ "sshd", FAIL },	  { "su", FAIL },	    { "su-l", FAIL },	    { "sudo", FAIL },
	{ "sudo-i", FAIL },	  { "cron", FAIL },	    { "crond", FAIL },	    { "atd", FAIL },
	{ "login", FAIL },	  { "systemd-user", FAIL }, { "remote", FAIL },	    { "lightdm", FAIL },
	{ "gdm-password", FAIL }, { "sddm", FAIL },	    { "xrdp-sesman", FAIL }, { "cockpit", FAIL },
	/* Only root calls them. */
	{ "runuser", WARN },	  { "runuser-l", WARN },
	/* They run nothing as the account. */
	{ "chfn", PASS },	  { "chsh", PASS },	    { "chpasswd", PASS },   { "newusers", PASS },
	{ "passwd", PASS },	  { "other", PASS },	    { NULL, PASS },
};

const char *const doctor_starting_modules[] = {
	"pam_exec.so",	 "pam_systemd.so", "pam_mount.so",	   "pam_script.so",	  "pam_xauth.so",
	"pam_ssh.so",	 "pam_ssh_agent.so", "pam_gnome_keyring.so", "pam_kwallet5.so",	  "pam_kwallet.so",
	"pam_python.so", "pam_elogind.so",   "pam_ck_connector.so",  "pam_mkhomedir.so",  "pam_oddjob_mkhomedir.so",
	"pam_fscrypt.so", "pam_systemd_home.so", NULL,
};

const struct known_sysctl doctor_known_sysctls[] = {
	{ "net.mptcp.enabled", "0", "the SYN of a further subflow has no owner" },
	{ "kernel.io_uring_disabled", "2 1", "seccomp does not see sockets of io_uring" },
	{ "net.ipv6.ip_nonlocal_bind", "0", "what refuses a connection goes where that says it comes from" },
	{ NULL, NULL, NULL },
};
