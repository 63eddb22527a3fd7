/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "roster.h"

#include "person.h"
#include "util.h"

#include <string.h>

struct roster {
	const struct account **ranges; /* the uid entries, ascending; the parser lets no two overlap */
	size_t range_count;
	uid_t *named; /* that user entries lead to, ascending */
	size_t named_count;
	bool has_groups;
	bool is_partial; /* a name could not be looked up: it may be anybody's */
};

static int by_first(const void *a, const void *b)
{
	const uid_t x = (*(const struct account *const *)a)->uids.first;
	const uid_t y = (*(const struct account *const *)b)->uids.first;

	return x < y ? -1 : x > y;
}

static int by_uid(const void *a, const void *b)
{
	const uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

	return x < y ? -1 : x > y;
}

static int add_user(struct roster *roster, const char *name)
{
	AUTO_PERSON struct person person = { 0 };
	int r = person_by_name(name, NULL, &person);

	if (r == -ENOMEM)
		return r;
	if (r)
		roster->is_partial = true;
	else if (person.exists)
		roster->named[roster->named_count++] = person.uid;
	return 0;
}

static int add_entry(struct roster *roster, const struct account *account)
{
	switch (account->by) {
	case ACCOUNT_BY_USER:
		return add_user(roster, account->name);
	case ACCOUNT_BY_GROUP:
		roster->has_groups = true;
		return 0;
	case ACCOUNT_BY_UID:
		roster->ranges[roster->range_count++] = account;
		return 0;
	}
	return 0;
}

int roster_make(const struct conf *conf, struct roster **ret)
{
	struct roster *roster = calloc(1, sizeof(*roster));
	int r = 0;

	if (!roster)
		return -ENOMEM;
	roster->ranges = calloc(conf->account_count + 1, sizeof(const struct account *));
	roster->named = calloc(conf->account_count + 1, sizeof(*roster->named));
	if (!roster->ranges || !roster->named)
		r = -ENOMEM;
	for (size_t i = 0; !r && i < conf->account_count; i++)
		r = add_entry(roster, &conf->accounts[i]);
	if (r) {
		roster_free(roster);
		return r;
	}
	qsort(roster->ranges, roster->range_count, sizeof(const struct account *), by_first);
	qsort(roster->named, roster->named_count, sizeof(*roster->named), by_uid);
	*ret = roster;
	return 0;
}

void roster_free(struct roster *roster)
{
	if (!roster)
		return;
	free(roster->ranges);
	free(roster->named);
	free(roster);
}

bool roster_decides_nameless(const struct roster *roster, uid_t uid)
{
	return !roster->is_partial &&
	       !bsearch(&uid, roster->named, roster->named_count, sizeof(uid), by_uid);
}

bool roster_needs_person(const struct roster *roster, uid_t uid)
{
	return roster->has_groups || !roster_decides_nameless(roster, uid);
}

static int range_has(const void *key, const void *entry)
{
	const struct uid_range uids = (*(const struct account *const *)entry)->uids;
	uid_t uid = *(const uid_t *)key;

	return uid < uids.first ? -1 : uid > uids.last;
}

const struct account *roster_uid_entry(const struct roster *roster, uid_t uid)
{
	const struct account **entry =
		uid == 0 ? NULL
			 : bsearch(&uid, roster->ranges, roster->range_count, sizeof(*entry), range_has);

	return entry ? *entry : NULL;
}
