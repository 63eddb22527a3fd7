/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kmod.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MODULE_NAME_MAX 64

/* By the effective uid: su's real one is its caller's. IN_DOUBT is the answer where that cannot be known. */
static bool is_there(const char *path, bool in_doubt)
{
	if (faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
		return true;
	return errno != ENOENT && in_doubt;
}

/* "kernel/net/netfilter/nf_tables.ko" */
static bool lists(FILE *file, const char *name)
{
	char line[256], wanted[MODULE_NAME_MAX + 8];

	snprintf(wanted, sizeof(wanted), "/%s.ko", name);
	while (fgets(line, sizeof(line), file))
		if (strstr(line, wanted))
			return true;
	return false;
}

/* Part of the kernel itself, where others are modules. */
static bool is_built_in(const char *name)
{
	struct utsname system;
	char path[128];
	FILE *file;
	bool found;

	if (uname(&system) < 0)
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", system.release);
	file = fopen(path, "re");
	if (!file)
		return true; /* in a container, say */
	found = lists(file, name) || ferror(file);
	fclose(file);
	return found;
}

bool kmod_is_there(const char *name)
{
	char path[MODULE_NAME_MAX + 16];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	/* A kernel without /proc/modules cannot load any. */
	return is_there(path, true) || (is_there("/proc/self", true) && !is_there("/proc/modules", false)) ||
	       is_built_in(name);
}
