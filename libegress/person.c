/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "person.h"

#include "util.h"

#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>

#define NSS_BUFFER_FIRST 4096
#define NSS_BUFFER_MAX (4U << 20) /* groups with very many members */
#define GROUPS_MAX 65536          /* NGROUPS_MAX of the kernel */

/* One look-up with a buffer that grows. LOOKUP returns an errno; *found says whether there is one. */
typedef int nss_lookup_fn(const void *key, void *entry, char *buffer, size_t size, bool *found);

static int nss_lookup(nss_lookup_fn *lookup, const void *key, void *entry, char **ret_buffer)
{
	AUTO_FREE char *buffer = NULL;
	bool found = false;

	for (size_t size = NSS_BUFFER_FIRST; size <= NSS_BUFFER_MAX; size *= 4) {
		char *grown = realloc(buffer, size);
		int error;

		if (!grown)
			return -ENOMEM;
		buffer = grown;
		error = lookup(key, entry, buffer, size, &found);
		if (error == ERANGE)
			continue;
		if (!found)
			return error == 0 || error == ENOENT || error == ESRCH ? 0 : -error;
		*ret_buffer = util_steal(buffer);
		return 1;
	}
	return -ERANGE;
}

static int user_by_name(const void *key, void *entry, char *buffer, size_t size, bool *found)
{
	struct passwd *result = NULL;
	int error = getpwnam_r(key, entry, buffer, size, &result);

	*found = result != NULL;
	return error;
}

static int user_by_uid(const void *key, void *entry, char *buffer, size_t size, bool *found)
{
	struct passwd *result = NULL;
	int error = getpwuid_r(*(const uid_t *)key, entry, buffer, size, &result);

	*found = result != NULL;
	return error;
}

static int group_by_name(const void *key, void *entry, char *buffer, size_t size, bool *found)
{
	struct group *result = NULL;
	int error = getgrnam_r(key, entry, buffer, size, &result);

	*found = result != NULL;
	return error;
}

void person_clear(struct person *person)
{
	free(person->login);
	free(person->canonical);
	memset(person, 0, sizeof(*person));
}

static int lookup_failed(struct fault *fault, const char *what, const char *name, int error)
{
	return fault_set(fault, error == -ENOMEM ? -ENOMEM : -EIO, "%s \"%s\": look-up: %s", what, name,
			 strerror(-error));
}

/* The second way round: a uid can have another name than the one that was used to log in. */
static int find_canonical(struct person *person)
{
	AUTO_FREE char *buffer = NULL;
	struct passwd entry;
	int r = nss_lookup(user_by_uid, &person->uid, &entry, &buffer);

	if (r <= 0 || strcmp(entry.pw_name, person->login) == 0)
		return r < 0 ? r : 0;
	person->canonical = strdup(entry.pw_name);
	return person->canonical ? 0 : -ENOMEM;
}

/* "#20005": how PAM is told of a uid that has no name. */
static int parse_nameless(const char *login, struct person *person)
{
	unsigned long uid;

	if (login[0] != '#' || addr_parse_number(login + 1, (uid_t)-2, &uid))
		return 0;
	person->exists = true;
	person->uid = (uid_t)uid;
	person->gid = (gid_t)-1;
	return find_canonical(person);
}

int person_by_name(const char *login, struct fault *fault, struct person *ret)
{
	AUTO_PERSON struct person person = { .login = strdup(login), .uid = (uid_t)-1 };
	AUTO_FREE char *buffer = NULL;
	struct passwd entry;
	int r;

	if (!person.login)
		return lookup_failed(fault, "user", login, -ENOMEM);
	r = nss_lookup(user_by_name, login, &entry, &buffer);
	if (r > 0) {
		person.exists = true;
		person.uid = entry.pw_uid;
		person.gid = entry.pw_gid;
		r = find_canonical(&person);
	}
	if (r == 0 && !person.exists)
		r = parse_nameless(login, &person);
	if (r < 0)
		return lookup_failed(fault, "user", login, r);
	*ret = person;
	memset(&person, 0, sizeof(person));
	return 0;
}

int person_by_uid(uid_t uid, struct fault *fault, struct person *ret)
{
	AUTO_PERSON struct person person = { .uid = uid, .gid = (gid_t)-1 };
	AUTO_FREE char *buffer = NULL;
	struct passwd entry;
	int r = nss_lookup(user_by_uid, &uid, &entry, &buffer);

	if (r > 0) {
		person.exists = true;
		person.gid = entry.pw_gid;
		person.login = strdup(entry.pw_name);
		r = person.login ? 0 : -ENOMEM;
	}
	if (r < 0)
		return fault_set(fault, r == -ENOMEM ? -ENOMEM : -EIO, "uid %u: look-up: %s", uid,
				 strerror(-r));
	*ret = person;
	memset(&person, 0, sizeof(person));
	return 0;
}

static void add_name(struct person_names *names, const char *name)
{
	for (size_t i = 0; name && i < names->count; i++)
		if (strcmp(names->names[i], name) == 0)
			return;
	if (name)
		names->names[names->count++] = name;
}

int person_names_find(const struct person *person, struct fault *fault, struct person_names *ret)
{
	AUTO_PERSON_NAMES struct person_names names = { 0 };
	int r = person->exists ? passwd_names_read(PASSWD_PATH, person->uid, &names.others) : 0;

	if (r)
		return fault_set(fault, util_is_scarce(-r) ? -ENOMEM : -EIO, PASSWD_PATH ": read: %s", strerror(-r));
	names.names = calloc(names.others.count + 2, sizeof(const char *));
	if (!names.names)
		return fault_set(fault, -ENOMEM, "names: no memory");
	add_name(&names, person->login);
	add_name(&names, person->canonical);
	for (size_t i = 0; i < names.others.count; i++)
		add_name(&names, names.others.items[i].name);
	*ret = names;
	memset(&names, 0, sizeof(names));
	return 0;
}

void person_names_clear(struct person_names *names)
{
	free(names->names);
	passwd_names_clear(&names->others);
	memset(names, 0, sizeof(*names));
}

int person_group_exists(const char *name)
{
	AUTO_FREE char *buffer = NULL;
	struct group group;

	return nss_lookup(group_by_name, name, &group, &buffer);
}

int person_each_member(const char *group, int (*visit)(const char *name, void *data), void *data)
{
	AUTO_FREE char *buffer = NULL;
	struct group entry;
	int r = nss_lookup(group_by_name, group, &entry, &buffer);

	if (r <= 0)
		return r == 0 || r == -ENOMEM ? r : -EIO;
	r = 0;
	for (char **member = entry.gr_mem; !r && *member; member++)
		r = visit(*member, data);
	return r;
}

static bool lists_member(const struct group *group, const struct person_names *names)
{
	for (char **member = group->gr_mem; *member; member++)
		for (size_t i = 0; i < names->count; i++)
			if (strcmp(*member, names->names[i]) == 0)
				return true;
	return false;
}

/* Each name has a primary group of its own. */
static bool is_primary(gid_t gid, const struct person *person, const struct person_names *names)
{
	for (size_t i = 0; i < names->others.count; i++)
		if (names->others.items[i].gid == gid)
			return true;
	return person->gid == gid;
}

/* Name services may know memberships that the group's own list does not show. */
static int initgroups_has(const char *name, gid_t primary, gid_t gid)
{
	AUTO_FREE gid_t *groups = calloc(GROUPS_MAX, sizeof(*groups));
	int count = GROUPS_MAX;

	if (!groups)
		return -ENOMEM;
	if (getgrouplist(name, primary, groups, &count) < 0)
		return -EIO;
	for (int i = 0; i < count; i++)
		if (groups[i] == gid)
			return 1;
	return 0;
}

struct membership {
	const struct person *person;
	const struct person_names *names;
	struct fault *fault;
};

static int in_group(const char *name, void *data)
{
	const struct membership *membership = data;
	const struct person *person = membership->person;
	const struct person_names *names = membership->names;
	AUTO_FREE char *buffer = NULL;
	struct group group;
	int r = nss_lookup(group_by_name, name, &group, &buffer);

	if (r > 0) {
		if (is_primary(group.gr_gid, person, names) || lists_member(&group, names))
			return 1;
		r = 0;
		for (size_t i = 0; person->exists && !r && i < names->count; i++)
			r = initgroups_has(names->names[i], person->gid, group.gr_gid);
	}
	return r < 0 ? lookup_failed(membership->fault, "group", name, r) : r;
}

/* A range is held as one, beside which its uids come and go. */
static int entry_is_of(const struct account *account, uid_t uid, struct fault *fault)
{
	AUTO_PERSON struct person person = { 0 };
	int r;

	if (account->profile->hold != HOLD_ALWAYS || account->by == ACCOUNT_BY_GROUP)
		return 0;
	if (account->by == ACCOUNT_BY_UID)
		return account->uids.first == uid && account->uids.last == uid;
	r = person_by_name(account->name, fault, &person);
	return r ? r : person.exists && person.uid == uid;
}

int person_always(uid_t uid, const struct conf *conf, struct fault *fault, const struct account **ret)
{
	int r = 0;

	for (size_t i = 0; uid != 0 && !r && i < conf->account_count; i++) {
		r = entry_is_of(&conf->accounts[i], uid, fault);
		if (r > 0)
			*ret = &conf->accounts[i];
	}
	return r;
}

int person_match(const struct person *person, const struct conf *conf, struct fault *fault,
		 const struct account **ret)
{
	AUTO_PERSON_NAMES struct person_names names = { 0 };
	int r = person->uid == 0 ? 0 : person_names_find(person, fault, &names);
	struct membership membership = { person, &names, fault };
	struct identity who = { .uid = person->uid,
				.names = names.names,
				.name_count = names.count,
				.in_group = in_group,
				.in_group_data = &membership };

	if (!r)
		r = conf_match(conf, &who, ret);
	return r || !person->exists ? r : person_always(person->uid, conf, fault, ret);
}
