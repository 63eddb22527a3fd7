/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "exit.h"
#include "passwd.h"
#include "util.h"

static bool is_member(const struct doctor *doctor, gid_t gid)
{
	for (size_t i = 0; i < doctor->ids.group_count; i++) {
		if (doctor->ids.groups[i] == gid)
			return true;
	}
	return false;
}

static void look_at_groups(struct doctor *doctor)
{
	bool clean = true;

	for (const struct known_group *known = doctor_groups; known->name; known++) {
		const struct group *group = getgrnam(known->name);

		if (!group || !is_member(doctor, group->gr_gid))
			continue;
		clean = false;
		doctor_found(doctor, known->verdict, "groups", "member of %s: %s", known->name, known->why);
		if (group->gr_gid == doctor->ids.gid)
			doctor_remedy(doctor, "usermod -g nogroup %s", doctor->quoted);
		else
			doctor_remedy(doctor, "gpasswd -d %s %s", doctor->quoted, known->name);
	}
	if (clean)
		doctor_found(doctor, DOCTOR_PASS, "groups",
			     "member of no group with rights over the network or the host");
}

static bool names_a_command(char *line, void *data)
{
	(void)data;
	return strstr(line, " may run the following commands") != NULL;
}

static void look_at_sudo(struct doctor *doctor)
{
	char *command[] = { (char *)"/usr/bin/sudo", (char *)"-n", (char *)"-l", (char *)"-U",
			   (char *)doctor->user, NULL };
	bool disarmed = doctor->profile && doctor->profile->no_new_privs;
	AUTO_FREE char *text = NULL;
	int status;

	if (access(command[0], X_OK) < 0) {
		doctor_found(doctor, DOCTOR_PASS, "sudo-rules", "sudo is not installed");
		return;
	}
	status = doctor->root ? doctor_run(command, true, &text) : -EPERM;
	if (status < 0) {
		doctor_found(doctor, DOCTOR_SKIP, "sudo-rules", "the rules of sudo: %s", strerror(-status));
		return;
	}
	if (!doctor_lines(text, names_a_command, NULL)) {
		doctor_found(doctor, DOCTOR_PASS, "sudo-rules", "sudo lets it run nothing");
		return;
	}
	doctor_found(doctor, disarmed ? DOCTOR_WARN : DOCTOR_FAIL, "sudo-rules",
		     "sudo lets it run commands%s",
		     disarmed ? "; not in sessions, which have no_new_privs" : " as others");
	doctor_remedy(doctor, "sudo -l -U %s; visudo", doctor->quoted);
}

struct subordinate {
	const struct doctor *doctor;
	char number[16];
	char range[96];
};

/* "agent1:100000:65536", by name or uid */
static bool is_range_of(char *line, void *data)
{
	struct subordinate *wanted = data;
	char *rest = strchr(line, ':');

	if (!rest)
		return false;
	*rest++ = '\0';
	if (strcmp(line, wanted->doctor->user) != 0 && strcmp(line, wanted->number) != 0)
		return false;
	snprintf(wanted->range, sizeof(wanted->range), "%s:%s", line, rest);
	return true;
}

/* An always held range is held without them, whoever of it has some. */
static void tell_subordinate_ids(struct doctor *doctor, const char *range)
{
	const struct profile *profile = doctor->profile;
	enum subordinate_ids policy = profile ? profile->subordinate_ids : SUBORDINATE_IGNORE;
	enum doctor_verdict verdict = DOCTOR_FAIL;
	const char *why = "a way out by unshare --map-auto";

	if (policy == SUBORDINATE_REFUSE) {
		verdict = DOCTOR_WARN;
		why = "its sessions are refused";
	} else if (policy == SUBORDINATE_HOLD && doctor->in_range && profile->hold == HOLD_ALWAYS) {
		why = "a way out until its first session, unlike its own uid";
	} else if (policy == SUBORDINATE_HOLD) {
		verdict = DOCTOR_PASS;
		why = "held with the account";
	}
	doctor_found(doctor, verdict, "subordinate-ids", "subordinate uids %s: %s", range, why);
	if (verdict != DOCTOR_PASS)
		doctor_remedy(doctor, "usermod --del-subuids 0-4294967294 --del-subgids 0-4294967294 %s",
			      doctor->quoted);
}

static void look_at_subordinate_ids(struct doctor *doctor)
{
	AUTO_FREE char *text = doctor_read("/etc/subuid");
	struct subordinate wanted = { .doctor = doctor };

	snprintf(wanted.number, sizeof(wanted.number), "%u", doctor->ids.uid);
	if (!text && errno != ENOENT) {
		doctor_found(doctor, DOCTOR_SKIP, "subordinate-ids", "/etc/subuid: %s", strerror(errno));
		return;
	}
	if (!text || !doctor_lines(text, is_range_of, &wanted)) {
		doctor_found(doctor, DOCTOR_PASS, "subordinate-ids", "no subordinate uids in /etc/subuid");
		return;
	}
	tell_subordinate_ids(doctor, wanted.range);
}

static void look_at_names(struct doctor *doctor)
{
	struct passwd_names names = { .count = 0 };
	int error = passwd_names_read(PASSWD_PATH, doctor->ids.uid, &names);
	size_t i;

	if (error) {
		doctor_found(doctor, DOCTOR_SKIP, "names", PASSWD_PATH ": %s", strerror(-error));
		return;
	}
	for (i = 0; i < names.count && strcmp(names.items[i].name, doctor->user) == 0; i++)
		;
	if (i < names.count) {
		AUTO_FREE char *other = doctor_quote(names.items[i].name);

		doctor_found(doctor, DOCTOR_WARN, "names",
			     "uid %u is %s, too: who is held is the uid", doctor->ids.uid,
			     names.items[i].name);
		doctor_remedy(doctor, "usermod -u NEW_UID %s", other);
	} else {
		doctor_found(doctor, DOCTOR_PASS, "names", "uid %u has one name", doctor->ids.uid);
	}
	passwd_names_clear(&names);
}

static void look_at_linger(struct doctor *doctor)
{
	char *path = NULL;

	if (strchr(doctor->user, '/') || asprintf(&path, "/var/lib/systemd/linger/%s", doctor->user) < 0)
		return;
	if (access(path, F_OK) == 0) {
		doctor_found(doctor, DOCTOR_WARN, "linger",
			     "lingers: its systemd starts at boot, without a login");
		doctor_remedy(doctor, "loginctl disable-linger %s", doctor->quoted);
	} else if (errno == ENOENT) {
		doctor_found(doctor, DOCTOR_PASS, "linger", "does not linger");
	} else {
		doctor_found(doctor, DOCTOR_SKIP, "linger", "%s: %s", path, strerror(errno));
	}
	free(path);
}

/* A line of cron.allow and the like. */
static bool is_name(char *line, void *data)
{
	line += strspn(line, " \t");
	line[strcspn(line, " \t\r")] = '\0';
	return strcmp(line, data) == 0;
}

static bool lists(const char *path, const char *user, bool *ret_exists)
{
	AUTO_FREE char *text = doctor_read(path);

	*ret_exists = text || errno != ENOENT;
	return text && doctor_lines(text, is_name, (void *)user);
}

/* crontab(1) and at(1): listed in allow; without that file, not listed in deny. */
static bool may_schedule(const char *allow, const char *deny, const char *user, bool *ret_allowed)
{
	bool exists;

	*ret_allowed = lists(allow, user, &exists);
	return exists ? *ret_allowed : !lists(deny, user, &exists);
}

struct scheduler {
	const char *name, *check, *program, *daemon, *service;
};

static void look_at_jobs(struct doctor *doctor, const struct scheduler *of)
{
	char allow[32], deny[32];
	bool allowed;

	snprintf(allow, sizeof(allow), "/etc/%s.allow", of->name);
	snprintf(deny, sizeof(deny), "/etc/%s.deny", of->name);
	if (access(of->program, F_OK) < 0 && access(of->daemon, F_OK) < 0)
		doctor_found(doctor, DOCTOR_PASS, of->check, "%s is not installed", of->name);
	else if (!may_schedule(allow, deny, doctor->user, &allowed))
		doctor_found(doctor, DOCTOR_PASS, of->check, "may not use %s", of->name);
	else if (doctor_pam_holds(of->service, egress_ctx_config(doctor->ctx)))
		doctor_found(doctor, DOCTOR_PASS, of->check, "jobs of %s are held", of->name);
	else if (doctor->profile && doctor->profile->hold == HOLD_ALWAYS)
		doctor_found(doctor, DOCTOR_PASS, of->check,
			     "jobs of %s open no held session, but it is held always", of->name);
	else {
		doctor_found(doctor, DOCTOR_FAIL, of->check,
			     "jobs of %s run without a hold: no pam_egress.so in %s", of->name, of->service);
		if (allowed)
			doctor_remedy(doctor, "sed -i '/^%s$/d' %s", doctor->user, allow);
		else
			doctor_remedy(doctor, "echo %s >>%s", doctor->quoted, deny);
	}
}

static void look_at_profile(struct doctor *doctor)
{
	const struct profile *profile = doctor->profile;

	if (!profile)
		return;
	if (profile->last_close == LAST_CLOSE_RELEASE) {
		doctor_found(doctor, DOCTOR_WARN, "last-close",
			     "on_last_close = \"release\": what outlives a session is free");
		doctor_remedy(doctor, "sed -i '/on_last_close/d' %s && egressctl sync",
			      profile->origin.file ? profile->origin.file : egress_ctx_config(doctor->ctx));
	} else {
		doctor_found(doctor, DOCTOR_PASS, "last-close", "what outlives a session stays held");
	}
	if (!profile->no_new_privs) {
		doctor_found(doctor, DOCTOR_WARN, "no-new-privs",
			     "no_new_privs = false: setuid programs work in sessions");
		doctor_remedy(doctor, "sed -i '/no_new_privs/d' %s && egressctl sync",
			      profile->origin.file ? profile->origin.file : egress_ctx_config(doctor->ctx));
	} else {
		doctor_found(doctor, DOCTOR_PASS, "no-new-privs",
			     "setuid programs are disarmed in sessions");
	}
	if (profile->socket_families == FAMILIES_ANY) {
		doctor_found(doctor, DOCTOR_WARN, "socket-families",
			     "socket_families = \"any\": not all of it is IP");
		doctor_remedy(doctor, "sed -i '/socket_families/d' %s && egressctl sync",
			      profile->origin.file ? profile->origin.file : egress_ctx_config(doctor->ctx));
	} else {
		doctor_found(doctor, DOCTOR_PASS, "socket-families",
			     "sessions make IP, unix and netlink sockets only");
	}
}

static void look_at_drift(struct doctor *doctor)
{
	char **differences;
	int error;

	if (!doctor->root) {
		doctor_found(doctor, DOCTOR_SKIP, "drift", "whether kernel and plan agree: needs root");
		return;
	}
	error = egress_verify(doctor->ctx, doctor->user, &differences);
	if (error == -ENOENT) {
		doctor_found(doctor, DOCTOR_PASS, "drift", "not held just now");
		return;
	}
	if (error) {
		doctor_found(doctor, DOCTOR_SKIP, "drift", "%s", egress_ctx_error(doctor->ctx));
		return;
	}
	if (*differences) {
		doctor_found(doctor, DOCTOR_FAIL, "drift", "kernel and plan differ: %s", *differences);
		doctor_remedy(doctor, "egressctl sync");
	} else {
		doctor_found(doctor, DOCTOR_PASS, "drift", "kernel and plan agree");
	}
	egress_lines_free(differences);
}

void doctor_account(struct doctor *doctor)
{
	static const struct scheduler schedulers[] = {
		{ "cron", "cron-jobs", "/usr/sbin/cron", "/usr/sbin/crond", "cron" },
		{ "at", "at-jobs", "/usr/bin/at", "/usr/sbin/atd", "atd" },
	};

	look_at_profile(doctor);
	look_at_drift(doctor);
	look_at_names(doctor);
	look_at_groups(doctor);
	look_at_sudo(doctor);
	look_at_subordinate_ids(doctor);
	look_at_linger(doctor);
	for (size_t i = 0; i < ARRAY_SIZE(schedulers); i++)
		look_at_jobs(doctor, &schedulers[i]);
}
