/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "exit.h"
#include "kmod.h"
#include "util.h"

static bool is_word_of(const char *word, const char *words)
{
	size_t length = strlen(word);

	for (const char *at = words; length > 0 && (at = strstr(at, word)); at++) {
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	}
	return false;
}

static void look_at_sysctl(struct doctor *doctor, const struct known_sysctl *known)
{
	char text[64];
	int error = doctor_sysctl(known->name, text);

	if (error) {
		doctor_found(doctor, DOCTOR_SKIP, known->name, "%s: %s", known->name,
			     error == -ENOENT ? "this kernel has no such switch" : strerror(-error));
	} else if (is_word_of(text, known->good)) {
		doctor_found(doctor, DOCTOR_PASS, known->name, "%s = %s", known->name, text);
	} else {
		doctor_found(doctor, DOCTOR_WARN, known->name, "%s = %s: %s", known->name, text, known->why);
		doctor_remedy(doctor, "echo %s=%.*s >>/etc/sysctl.d/egress.conf && sysctl -p /etc/sysctl.d/egress.conf",
			      known->name, (int)strcspn(known->good, " "), known->good);
	}
}

/* Any of three switches shuts user namespaces, which make subordinate uids and whole networks of one's own. */
static void look_at_user_namespaces(struct doctor *doctor)
{
	char most[64] = "", clone[64] = "", apparmor[64] = "";

	doctor_sysctl("user.max_user_namespaces", most);
	doctor_sysctl("kernel.unprivileged_userns_clone", clone);
	doctor_sysctl("kernel.apparmor_restrict_unprivileged_userns", apparmor);
	if (strcmp(most, "0") == 0 || strcmp(clone, "0") == 0 || strcmp(apparmor, "1") == 0) {
		doctor_found(doctor, DOCTOR_PASS, "user-namespaces", "user namespaces are for root only");
		return;
	}
	doctor_found(doctor, DOCTOR_WARN, "user-namespaces",
		     "everybody makes user namespaces: far more of the kernel is within reach");
	doctor_remedy(doctor, "echo user.max_user_namespaces=0 >>/etc/sysctl.d/egress.conf && sysctl -p "
			      "/etc/sysctl.d/egress.conf");
}

/* Echo sockets are held like all others, but are not seen when it is asked what is left of an account. */
static void look_at_ping(struct doctor *doctor)
{
	unsigned long first = 1, last = 0;
	char text[64] = "";
	int error = doctor_sysctl("net.ipv4.ping_group_range", text);

	if (error || sscanf(text, "%lu %lu", &first, &last) != 2) {
		doctor_found(doctor, DOCTOR_SKIP, "net.ipv4.ping_group_range",
			     "net.ipv4.ping_group_range: cannot be read");
		return;
	}
	for (size_t i = 0; i < doctor->ids.group_count; i++) {
		if (doctor->ids.groups[i] < first || doctor->ids.groups[i] > last)
			continue;
		doctor_found(doctor, DOCTOR_WARN, "net.ipv4.ping_group_range",
			     "net.ipv4.ping_group_range: ICMP sockets, which are not seen among what a session leaves behind");
		doctor_remedy(doctor, "echo 'net.ipv4.ping_group_range=1 0' >>/etc/sysctl.d/egress.conf && sysctl -p "
				      "/etc/sysctl.d/egress.conf");
		return;
	}
	doctor_found(doctor, DOCTOR_PASS, "net.ipv4.ping_group_range", "no ICMP sockets without privilege");
}

/* With route_localnet 127.0.0.0/8 comes in from, and goes out to, the wire. */
static void look_at_localnet(struct doctor *doctor)
{
	DIR *folder = opendir("/proc/sys/net/ipv4/conf");
	struct dirent *entry;
	bool clean = true;

	while (folder && (entry = readdir(folder))) {
		AUTO_FREE char *name = NULL;
		AUTO_FREE char *text = NULL;

		if (entry->d_name[0] == '.' ||
		    asprintf(&name, "/proc/sys/net/ipv4/conf/%s/route_localnet", entry->d_name) < 0)
			continue;
		text = doctor_read(name);
		if (!text || text[0] != '1')
			continue;
		clean = false;
		doctor_found(doctor, DOCTOR_WARN, "route-localnet",
			     "net.ipv4.conf.%s.route_localnet: the wire reaches a proxy on 127.0.0.1, and is reached by it",
			     entry->d_name);
		doctor_remedy(doctor, "echo 0 >%s", name);
	}
	if (folder)
		closedir(folder);
	if (clean)
		doctor_found(doctor, DOCTOR_PASS, "route-localnet", "127.0.0.0/8 stays on loopback");
}

void doctor_sysctls(struct doctor *doctor)
{
	for (const struct known_sysctl *known = doctor_known_sysctls; known->name; known++)
		look_at_sysctl(doctor, known);
	look_at_user_namespaces(doctor);
	if (doctor->user)
		look_at_ping(doctor);
	look_at_localnet(doctor);
}

static bool matches(const char *pattern)
{
	glob_t found;
	bool any = glob(pattern, 0, NULL, &found) == 0;

	if (any)
		globfree(&found);
	return any;
}

static void look_at_unit(struct doctor *doctor, const char *unit, const char *does)
{
	char pattern[128];

	snprintf(pattern, sizeof(pattern), "/etc/systemd/system/*.wants/%s", unit);
	if (matches(pattern)) {
		doctor_found(doctor, DOCTOR_PASS, unit, "%s is enabled", unit);
		return;
	}
	doctor_found(doctor, DOCTOR_WARN, unit, "%s is not enabled: nobody %s", unit, does);
	doctor_remedy(doctor, "systemctl enable --now %s", unit);
}

struct networkd_setting {
	bool decided, kept;
};

static bool take_setting(char *line, void *data)
{
	struct networkd_setting *setting = data;
	char value[16];

	if (sscanf(line, " ManageForeignRoutingPolicyRules = %15s", value) == 1) {
		setting->decided = true;
		setting->kept = is_word_of(value, "no n false f off 0");
	}
	return false;
}

/* The last of them decides. */
static bool networkd_keeps_rules(void)
{
	static const char *const patterns[] = {
		"/etc/systemd/networkd.conf", "/usr/lib/systemd/networkd.conf.d/*.conf",
		"/usr/local/lib/systemd/networkd.conf.d/*.conf", "/run/systemd/networkd.conf.d/*.conf",
		"/etc/systemd/networkd.conf.d/*.conf",
	};
	struct networkd_setting setting = { .decided = false };

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++) {
			AUTO_FREE char *text = doctor_read(found.gl_pathv[k]);

			if (text)
				doctor_lines(text, take_setting, &setting);
		}
		globfree(&found);
	}
	return setting.decided && setting.kept;
}

static void look_at_networkd(struct doctor *doctor)
{
	if (doctor->profile && !doctor->profile->route_guard)
		return;
	if (!matches("/etc/systemd/system/*.wants/systemd-networkd.service") &&
	    access("/run/systemd/netif/state", F_OK) < 0) {
		doctor_found(doctor, DOCTOR_PASS, "networkd", "systemd-networkd is not in use");
	} else if (networkd_keeps_rules()) {
		doctor_found(doctor, DOCTOR_PASS, "networkd", "systemd-networkd leaves routing rules alone");
	} else {
		doctor_found(doctor, DOCTOR_WARN, "networkd",
			     "systemd-networkd deletes routing rules, the route guard's too");
		doctor_remedy(doctor, "mkdir -p /etc/systemd/networkd.conf.d && printf "
				      "'[Network]\\nManageForeignRoutingPolicyRules=no\\n' "
				      ">/etc/systemd/networkd.conf.d/egress.conf && systemctl restart systemd-networkd");
	}
}

/* Layers that a kernel may lack: without them it is the rules alone. */
static void look_at_layers(struct doctor *doctor)
{
	static const char *const modules[] = { "tcp_diag", "udp_diag", "raw_diag" };

	if (access("/proc/sys/kernel/seccomp/actions_avail", F_OK) == 0)
		doctor_found(doctor, DOCTOR_PASS, "seccomp", "the kernel has seccomp");
	else
		doctor_found(doctor, DOCTOR_WARN, "seccomp",
			     "the kernel has no seccomp: socket families are not filtered");
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		if (kmod_is_there(modules[i]))
			continue;
		doctor_found(doctor, DOCTOR_WARN, "sock-diag",
			     "%s is not loaded: sockets that a session leaves behind are not seen", modules[i]);
		doctor_remedy(doctor, "echo %s >>/etc/modules-load.d/egress.conf && modprobe %s",
			      modules[i], modules[i]);
		return;
	}
	doctor_found(doctor, DOCTOR_PASS, "sock-diag", "sockets that a session leaves behind are seen");
}

void doctor_upkeep(struct doctor *doctor)
{
	char *name = NULL, *reason = NULL;

	look_at_unit(doctor, "egress-sync.service", "holds accounts from boot on");
	look_at_unit(doctor, "egress-reap.timer", "releases what nothing needs");
	look_at_networkd(doctor);
	look_at_layers(doctor);
	if (!doctor->root) {
		doctor_found(doctor, DOCTOR_SKIP, "backend", "which backend holds: needs root");
	} else if (egress_backend(doctor->ctx, &name, &reason) == 0) {
		doctor_found(doctor, DOCTOR_PASS, "backend", "%s (%s)", name, reason);
		free(name);
		free(reason);
	} else {
		doctor_found(doctor, DOCTOR_FAIL, "backend", "%s", egress_ctx_error(doctor->ctx));
		doctor_remedy(doctor, "modprobe nf_tables; egressctl check-config");
	}
}
