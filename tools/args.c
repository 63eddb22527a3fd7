/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "args.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSWD_MAX (1U << 20)

/* One entry of the user database: by NAME, or by UID if NAME is NULL. */
struct lookup {
	const char *name;
	uid_t uid;
	struct passwd passwd;
	char *buffer;
};

/* 0, -ENOENT, or another negative errno. The caller frees lookup->buffer in each case. */
static int look_up(struct lookup *lookup)
{
	struct passwd *found = NULL;
	size_t size;
	int error = ERANGE;

	for (size = 1024; error == ERANGE && size <= PASSWD_MAX; size *= 2) {
		lookup->buffer = must(realloc(lookup->buffer, size));
		error = lookup->name ? getpwnam_r(lookup->name, &lookup->passwd, lookup->buffer,
						  size, &found)
				     : getpwuid_r(lookup->uid, &lookup->passwd, lookup->buffer,
						  size, &found);
	}
	if (error)
		return -error;
	return found ? 0 : -ENOENT;
}

bool args_user_exists(const char *name)
{
	struct lookup lookup = { .name = name };
	int error = look_up(&lookup);

	free(lookup.buffer);
	return error != -ENOENT;
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static enum exit_code name_of_uid(const char *number, char **ret)
{
	struct lookup lookup = { .name = NULL };
	unsigned long uid;
	int error;

	errno = 0;
	uid = strtoul(number, NULL, 10);
	if (errno || uid >= (uid_t)-1) {
		complain("\"%s\": not a uid: out of range", number);
		return EXIT_FAILED;
	}
	lookup.uid = (uid_t)uid;
	error = look_up(&lookup);
	if (!error)
		*ret = must(strdup(lookup.passwd.pw_name));
	else if (error == -ENOENT)
		*ret = must(strdup(number)); /* it may be held all the same */
	else
		complain("\"%s\": cannot look up the user: %s", number, strerror(-error));
	free(lookup.buffer);
	return error && error != -ENOENT ? EXIT_FAILED : EXIT_DONE;
}

enum exit_code args_user(const char *user, char **ret)
{
	if (!*user)
		return exit_usage("\"\": not a user: empty");
	if (is_number(user))
		return name_of_uid(user, ret);
	*ret = must(strdup(user));
	return EXIT_DONE;
}

enum exit_code args_config(struct egress_ctx *ctx, const char *file)
{
	char *folder = NULL;
	char *path = NULL;
	int error;

	if (!*file)
		return exit_usage("\"\": not a file: empty");
	if (*file != '/') {
		folder = getcwd(NULL, 0);
		if (!folder) {
			complain("\"%s\": cannot find the working directory: %s", file, strerror(errno));
			return EXIT_FAILED;
		}
	}
	if (asprintf(&path, "%s%s%s", folder ? folder : "", folder ? "/" : "", file) < 0)
		must(NULL);
	error = egress_ctx_set_config(ctx, path, EGRESS_CONFIG_TRIAL);
	free(path);
	free(folder);
	return error ? exit_failed(ctx, error) : EXIT_DONE;
}
