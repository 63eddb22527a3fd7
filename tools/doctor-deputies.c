/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "util.h"

#define BUS "/run/dbus/system_bus_socket"

/* As the account: to connect takes the right to write. Connecting itself could start the service. */
static bool may_connect(const void *path)
{
	struct stat status;

	return access(path, W_OK) == 0 && stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

static const char *who(const struct doctor *doctor)
{
	return doctor->user ? "the account" : "everybody";
}

/* A group of the account's may be why; that is told among the groups. */
static void look_at_sockets(struct doctor *doctor)
{
	bool clean = true;

	for (const struct known_socket *known = doctor_sockets; known->path; known++) {
		bool absent = access(known->path, F_OK) < 0 && errno == ENOENT;
		int r = absent ? 0 : doctor_as_account(doctor, may_connect, known->path);

		if (r == 0)
			continue;
		clean = false;
		if (r < 0) {
			doctor_found(doctor, DOCTOR_SKIP, "socket",
				     "%s: whether %s may connect: needs root", known->path,
				     who(doctor));
			continue;
		}
		doctor_found(doctor, known->verdict, "socket", "%s may connect to %s: %s",
			     who(doctor), known->path,
			     known->what);
		if (doctor->user)
			doctor_remedy(doctor, "setfacl -m u:%s:- %s", doctor->quoted, known->path);
		else
			doctor_remedy(doctor, "chmod o-w %s", known->path);
	}
	if (clean)
		doctor_found(doctor, DOCTOR_PASS, "socket",
			     "%s may connect to no service that is known to act for others",
			     who(doctor));
}

static bool exists(const char *folder, const char *name, const char *end)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, end);
	return access(path, F_OK) == 0;
}

/* Can be called, running or not: it can be started, or has a policy by which it takes the name. */
static bool is_on_bus(const char *name)
{
	return exists("/usr/share/dbus-1/system-services", name, ".service") ||
	       exists("/usr/share/dbus-1/system.d", name, ".conf") ||
	       exists("/etc/dbus-1/system.d", name, ".conf");
}

/* Our own remedy: the last policy for a user decides. */
static bool is_denied(const struct doctor *doctor, const char *name)
{
	char path[128], rule[160];
	AUTO_FREE char *text = NULL;

	if (!doctor->user)
		return false;
	snprintf(path, sizeof(path), "/etc/dbus-1/system.d/egress-%u-%s.conf", doctor->ids.uid, name);
	snprintf(rule, sizeof(rule), "<policy user=\"%u\"><deny send_destination=\"%s\"/>",
		 doctor->ids.uid, name);
	text = doctor_read(path);
	return text && strstr(text, rule);
}

static void look_at_bus(struct doctor *doctor)
{
	int r = access(BUS, F_OK) < 0 ? 0 : doctor_as_account(doctor, may_connect, BUS);
	bool clean = true;

	if (r < 0) {
		doctor_found(doctor, DOCTOR_SKIP, "bus",
			     BUS ": whether %s may connect: needs root", who(doctor));
		return;
	}
	for (const struct known_bus_name *known = doctor_bus_names; r && known->name; known++) {
		if (!is_on_bus(known->name) || is_denied(doctor, known->name))
			continue;
		clean = false;
		doctor_found(doctor, known->verdict, "bus", "system bus: %s %s", known->name, known->why);
		if (doctor->user)
			doctor_remedy(doctor,
				      "echo '<busconfig><policy user=\"%u\"><deny send_destination=\"%s\"/></policy></busconfig>' "
				      ">/etc/dbus-1/system.d/egress-%u-%s.conf && systemctl reload dbus",
				      doctor->ids.uid, known->name, doctor->ids.uid, known->name);
		else
			doctor_remedy(doctor, "egressctl doctor USER");
	}
	if (clean)
		doctor_found(doctor, DOCTOR_PASS, "bus",
			     "no service of the system bus that is known to act for others");
}

static bool is_dns_upcall(char *line, void *data)
{
	(void)data;
	return line[0] != '#' && strstr(line, "dns_resolver");
}

/* An upcall to a program of root's, by any process: keyutils' request-key.conf says which. */
static void look_at_keys(struct doctor *doctor)
{
	AUTO_FREE char *text = doctor_read("/etc/request-key.conf");

	if ((text && doctor_lines(text, is_dns_upcall, NULL)) ||
	    exists("/etc/request-key.d", "dns_resolver", ".conf")) {
		doctor_found(doctor, DOCTOR_WARN, "request-key",
			     "request_key(\"dns_resolver\") asks for names as root");
		doctor_remedy(doctor, "sed -i '/dns_resolver/s/^/#/' /etc/request-key.conf; rm -f "
				      "/etc/request-key.d/dns_resolver.conf");
	} else {
		doctor_found(doctor, DOCTOR_PASS, "request-key", "keys cause no question for names");
	}
}

void doctor_deputies(struct doctor *doctor)
{
	look_at_sockets(doctor);
	look_at_bus(doctor);
	look_at_keys(doctor);
}
