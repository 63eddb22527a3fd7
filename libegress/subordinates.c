/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "subordinates.h"

#include "conf-check.h"
#include "util.h"

#define PLACE_MAX 256

static int refuse(const struct subordinates *who, const struct subuid_owner *owner, struct fault *fault)
{
	char place[PLACE_MAX];

	if (!subuid_names(who->subuid, owner, place, sizeof(place)))
		return 0;
	return fault_set(fault, -EPERM, "%s: uid %u has subordinate ids, which profile \"%s\" refuses", place,
			 owner->uid, who->account->profile->name);
}

/* A range that is held as one is a subject by itself. */
static int check_always(const struct conf *conf, struct uid_range range, struct fault *fault)
{
	char text[UID_RANGE_TEXT_MAX];

	for (size_t i = 0; conf && i < conf->account_count; i++) {
		const struct account *account = &conf->accounts[i];

		if (account->by != ACCOUNT_BY_UID || account->profile->hold != HOLD_ALWAYS ||
		    !uid_ranges_overlap(account->uids, range))
			continue;
		return fault_set(fault, -EBADMSG, "subordinate ids %s: overlap the uids that %s:%u holds always",
				 addr_print_uid_range(range, text), account->origin.file, account->origin.line);
	}
	return 0;
}

static int check(const struct subordinates *who, struct uid_range range, struct fault *fault)
{
	int r = check_always(who->conf, range, fault);

	return r || !who->conf ? r : conf_check_proxies(who->conf, range, fault);
}

/* By each of its names, and by its uid. */
static int read_ranges(const struct subordinates *who, struct fault *fault, struct uid_ranges *ranges)
{
	AUTO_PERSON_NAMES struct person_names names = { 0 };
	struct subuid_owner owner = { .uid = who->person->uid };
	int r = person_names_find(who->person, fault, &names);

	if (r)
		return r;
	owner.names = names.names;
	owner.name_count = names.count;
	if (who->account->profile->subordinate_ids == SUBORDINATE_REFUSE)
		return refuse(who, &owner, fault);
	return subuid_find(who->subuid, &owner, fault, ranges);
}

int subordinates_find(const struct subordinates *who, struct fault *fault, struct uid_ranges *ret)
{
	AUTO_RANGES struct uid_ranges ranges = { 0 };
	int r;

	if (who->account->profile->subordinate_ids == SUBORDINATE_IGNORE)
		return 0;
	r = read_ranges(who, fault, &ranges);
	for (size_t i = 0; !r && i < ranges.count; i++)
		r = check(who, ranges.items[i], fault);
	if (r)
		return r;
	*ret = ranges;
	ranges = (struct uid_ranges){ 0 };
	return 0;
}

int subordinates_read(const struct subuid_paths *paths, struct subordinates *who, struct fault *fault,
		      struct uid_ranges *ret)
{
	int r;

	if (who->account->profile->subordinate_ids == SUBORDINATE_IGNORE)
		return 0;
	r = subuid_load(paths, fault, &who->subuid);
	if (!r)
		r = subordinates_find(who, fault, ret);
	subuid_free(who->subuid);
	who->subuid = NULL;
	return r;
}
