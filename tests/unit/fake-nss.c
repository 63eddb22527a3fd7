/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake-nss.h"

#include "passwd.h"
#include "util.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#define AGENTS (nss_first + 99)

int fake_nss_error, fake_passwd_error;
uid_t nss_first;

/* A hundred for each program that runs now. */
__attribute__((constructor)) static void choose_uids(void)
{
	nss_first = 2800000000U + (uid_t)getpid() * 100;
}

static const struct {
	const char *name;
	bool is_root;
	unsigned int number; /* from nss_first */
} users[] = {
	{ "root", true, 0 },   { "agent1", false, 0 }, { "agent2", false, 1 },
	{ "alice", false, 2 }, { "twin", false, 0 },
	{ "alice2", false, 2 }, { "alice3", false, 2 },
};

static int find(const char *name, uid_t uid, struct passwd *entry, struct passwd **result)
{
	*result = NULL;
	if (fake_nss_error)
		return fake_nss_error;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		const uid_t is = users[i].is_root ? 0 : nss_first + users[i].number;

		if (name ? strcmp(users[i].name, name) != 0 : is != uid)
			continue;
		*entry = (struct passwd){ .pw_name = (char *)users[i].name, .pw_uid = is, .pw_gid = is };
		*result = entry;
		return 0;
	}
	return 0;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
	       struct passwd **result)
{
	(void)buffer;
	(void)size;
	return find(name, 0, entry, result);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **result)
{
	(void)buffer;
	(void)size;
	return find(NULL, uid, entry, result);
}

/* All of them, where getpwuid_r has one. */
int passwd_names_read(const char *path, uid_t uid, struct passwd_names *ret)
{
	struct passwd_names names = { .items = calloc(ARRAY_SIZE(users), sizeof(*names.items)) };

	(void)path;
	if (fake_passwd_error || !names.items) {
		free(names.items);
		return fake_passwd_error ? fake_passwd_error : -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		if ((users[i].is_root ? 0 : nss_first + users[i].number) == uid)
			names.items[names.count++] = (struct passwd_name){ strdup(users[i].name), uid };
	*ret = names;
	return 0;
}

/* Theirs, whatever the file is. */
int passwd_each_uid(const char *path, int (*visit)(uid_t uid, void *data), void *data)
{
	int r = fake_passwd_error;

	(void)path;
	for (size_t i = 0; !r && i < ARRAY_SIZE(users); i++)
		r = visit(users[i].is_root ? 0 : nss_first + users[i].number, data);
	return r;
}

void passwd_names_clear(struct passwd_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].name);
	free(names->items);
	*names = (struct passwd_names){ 0 };
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **result)
{
	static char *members[] = { "agent2", "alice3", NULL };

	(void)buffer;
	(void)size;
	*result = NULL;
	if (fake_nss_error || strcmp(name, "agents") != 0)
		return fake_nss_error;
	*entry = (struct group){ .gr_name = "agents", .gr_gid = AGENTS, .gr_mem = members };
	*result = entry;
	return 0;
}

int getgrouplist(const char *user, gid_t group, gid_t *groups, int *count)
{
	(void)user;
	groups[0] = group;
	*count = 1;
	return 1;
}
