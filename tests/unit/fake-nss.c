/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake-nss.h"

#include "util.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#define AGENTS (NSS_FIRST + 100)

int fake_nss_error;

static const struct {
	const char *name;
	uid_t uid;
} users[] = {
	{ "root", 0 }, { "agent1", AGENT1 }, { "agent2", AGENT2 }, { "alice", ALICE }, { "twin", AGENT1 },
};

static int find(const char *name, uid_t uid, struct passwd *entry, struct passwd **result)
{
	*result = NULL;
	if (fake_nss_error)
		return fake_nss_error;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		if (name ? strcmp(users[i].name, name) != 0 : users[i].uid != uid)
			continue;
		*entry = (struct passwd){ .pw_name = (char *)users[i].name,
					  .pw_uid = users[i].uid,
					  .pw_gid = users[i].uid };
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

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **result)
{
	static char *members[] = { "agent2", NULL };

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
