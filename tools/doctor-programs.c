/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <fts.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "doctor.h"
#include "exit.h"
#include "util.h"

/* Where programs are; data that cannot be run takes most of /usr, and is left out. */
static char *const roots[] = { (char *)"/usr", (char *)"/opt", (char *)"/bin", (char *)"/sbin",
			      (char *)"/lib", NULL };
static const char *const left_out[] = { "/usr/share", "/usr/include", "/usr/src", "/usr/lib/modules", "/usr/lib/firmware" };

static const struct {
	unsigned int number;
	const char *name;
} capabilities[] = {
	{ CAP_NET_RAW, "cap_net_raw" },	      { CAP_NET_ADMIN, "cap_net_admin" }, { CAP_SETUID, "cap_setuid" },
	{ CAP_SETGID, "cap_setgid" },	      { CAP_SYS_ADMIN, "cap_sys_admin" }, { CAP_SYS_PTRACE, "cap_sys_ptrace" },
	{ CAP_DAC_OVERRIDE, "cap_dac_override" },
};

/* Names of the capabilities that matter, of those that the file gives: "" for none. */
static void read_capabilities(const char *path, char text[160])
{
	struct vfs_ns_cap_data data = { .magic_etc = 0 };
	uint64_t permitted;

	text[0] = '\0';
	if (lgetxattr(path, "security.capability", &data, sizeof(data)) < (ssize_t)XATTR_CAPS_SZ_1)
		return;
	permitted = le32toh(data.data[0].permitted) | (uint64_t)le32toh(data.data[1].permitted) << 32;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		size_t length = strlen(text);

		if (permitted >> capabilities[i].number & 1)
			snprintf(text + length, 160 - length, "%s%s", length ? "," : "",
				 capabilities[i].name);
	}
}

static const struct known_program *find_program(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	for (const struct known_program *known = doctor_known_programs; known->name; known++) {
		if (strcmp(known->name, name) == 0)
			return known;
	}
	return NULL;
}

/* May the account run it? By mode alone: an ACL may say otherwise, but hardly does. */
static bool may_run(const struct doctor *doctor, const struct stat *status)
{
	if (status->st_mode & S_IXOTH)
		return true;
	for (size_t i = 0; i < doctor->ids.group_count; i++) {
		if (doctor->ids.groups[i] == status->st_gid)
			return status->st_mode & S_IXGRP;
	}
	return false;
}

static void tell(struct doctor *doctor, const char *path, const char *how,
		 const struct known_program *known, bool caps)
{
	bool disarmed = doctor->profile && doctor->profile->no_new_privs;
	enum doctor_verdict verdict = known && known->kind == PROGRAM_FORWARDS && !disarmed ? DOCTOR_FAIL : DOCTOR_WARN;
	AUTO_FREE char *quoted = doctor_quote(path);

	doctor_found(doctor, verdict, "program", "%s: %s: %s%s", path, how,
		     known && known->why ? known->why : "not known to be harmless",
		     disarmed ? "; disarmed in sessions" : "");
	if (caps)
		doctor_remedy(doctor, "setcap -r %s", quoted);
	else
		doctor_remedy(doctor, "dpkg-statoverride --update --add root root 0755 %s", quoted);
}

static bool look_at_file(struct doctor *doctor, const FTSENT *file)
{
	const struct known_program *known = find_program(file->fts_path);
	bool setuid = file->fts_statp->st_mode & S_ISUID;
	char caps[160];

	if (!may_run(doctor, file->fts_statp))
		return false;
	read_capabilities(file->fts_path, caps);
	if ((!setuid && !caps[0]) || (known && known->kind <= PROGRAM_ASKS))
		return false;
	tell(doctor, file->fts_path, setuid ? "setuid" : caps, known, !setuid);
	return true;
}

static bool is_left_out(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++) {
		if (strcmp(path, left_out[i]) == 0)
			return true;
	}
	return false;
}

void doctor_programs(struct doctor *doctor)
{
	FTS *walk = must(fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL));
	unsigned int unread = 0;
	bool clean = true;
	FTSENT *file;

	while ((file = fts_read(walk))) {
		if (file->fts_info == FTS_D && is_left_out(file->fts_path))
			fts_set(walk, file, FTS_SKIP);
		else if (file->fts_info == FTS_DNR)
			unread++;
		else if (file->fts_info == FTS_F && look_at_file(doctor, file))
			clean = false;
	}
	fts_close(walk);
	if (clean)
		doctor_found(doctor, DOCTOR_PASS, "program",
			     "no program with rights of its own that is known to send");
	if (unread > 0)
		doctor_found(doctor, DOCTOR_SKIP, "program",
			     "folders with programs that could not be read: %u", unread);
}
