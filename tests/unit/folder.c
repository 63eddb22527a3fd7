/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "folder.h"

#include "safe-read.h"
#include "unit.h"
#include "util.h"

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char top[PATH_MAX / 8]; /* of the program; each test makes one in it */
static char folder[PATH_MAX / 4];
static int folder_descriptor = -1;

/* Root has /run; everybody else what XDG gave, or a home. */
static const char *find_parent(void)
{
	const char *const parents[] = { "/run", getenv("XDG_RUNTIME_DIR"), getenv("HOME") };

	for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
		int fd = -1;

		if (!parents[i] || strlen(parents[i]) > sizeof(top) / 2 || access(parents[i], W_OK))
			continue;
		if (!safe_open_dir(parents[i], NULL, &fd)) {
			close(fd);
			return parents[i];
		}
	}
	return NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static int skip(const char *program, const char *reason, Suite *suite)
{
	srunner_free(srunner_create(suite)); /* which owns the suite */
	printf("skip - %s: %s\n", program, reason);
	return EXIT_SUCCESS;
}

int folder_run(const char *program, Suite *suite)
{
	const char *parent = find_parent();
	int status;

	if (!parent)
		return skip(program, "no folder whose parents nobody else may write to", suite);
	snprintf(top, sizeof(top), "%s/egress-unit-XXXXXX", parent);
	if (!mkdtemp(top)) {
		perror(top);
		return EXIT_FAILURE;
	}
	status = unit_run(suite);
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}

int folder_run_as_root(const char *program, Suite *suite)
{
	return geteuid() == 0 ? folder_run(program, suite) : skip(program, "needs uid 0", suite);
}

void folder_make(void)
{
	snprintf(folder, sizeof(folder), "%s/XXXXXX", top);
	ck_assert_msg(mkdtemp(folder), "%s: %m", folder);
	ck_assert_int_eq(safe_open_dir(folder, NULL, &folder_descriptor), 0);
}

int folder_fd(void)
{
	return folder_descriptor;
}

const char *folder_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

void folder_mkdir(const char *name, mode_t mode)
{
	ck_assert_msg(mkdir(folder_path(name), 0700) == 0, "%s: %m", name);
	ck_assert_int_eq(chmod(folder_path(name), mode), 0);
}

void folder_write_bytes(const char *name, const void *bytes, size_t size)
{
	int fd = open(folder_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_msg(fd >= 0, "%s: %m", name);
	ck_assert_int_eq(write(fd, bytes, size), size);
	close(fd);
}

void folder_write(const char *name, const char *text)
{
	folder_write_bytes(name, text, strlen(text));
}

bool folder_holds(const char *name, const char *text)
{
	FILE *file = fopen(folder_path(name), "re");
	char *is = NULL;
	size_t room = 0;
	bool holds;

	ck_assert_msg(file, "%s: %m", name);
	holds = getdelim(&is, &room, '\0', file) < 0 ? *text == '\0' : strcmp(is, text) == 0;
	fclose(file);
	free(is);
	return holds;
}

bool folder_has(const char *name)
{
	struct stat st;

	return lstat(folder_path(name), &st) == 0;
}

size_t folder_glob(const char *pattern, char **ret)
{
	glob_t found = { 0 };
	size_t count = 0;

	if (glob(folder_path(pattern), 0, NULL, &found) == 0)
		count = found.gl_pathc;
	if (count && ret)
		*ret = strdup(found.gl_pathv[0] + strlen(folder) + 1);
	globfree(&found);
	return count;
}
