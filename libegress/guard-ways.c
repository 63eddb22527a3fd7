/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that lead a uid to its section: the directory's and the buckets'. */
#include "guard-model.h"

#include "uid-ranges.h"
#include "util.h"

#include <errno.h>
#include <stdlib.h>

static struct guard_rule way_rule(uint32_t pref, struct uid_range uids, uint32_t target)
{
	return (struct guard_rule){ .pref = pref, .action = GUARD_GOTO, .has_uids = true, .uids = uids,
				    .target = target };
}

int guard_model_directory(const struct guard_model *model, struct guard_rule **ret, size_t *ret_count)
{
	struct guard_rule *rules = calloc(model->bucket_count + 1, sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < model->bucket_count; i++)
		rules[i] = way_rule(GUARD_DIRECTORY, model->buckets[i].span, model->buckets[i].pref);
	*ret = rules;
	*ret_count = model->bucket_count;
	return 0;
}

int guard_model_singles(const struct guard_bucket *bucket, struct guard_rule **ret, size_t *ret_count)
{
	struct guard_rule *rules = calloc(bucket->count + 1, sizeof(*rules));
	size_t count = 0;

	if (!rules)
		return -ENOMEM;
	/* A jump to where no rule is goes nowhere: there is one even while all singles are gone. */
	rules[count++] = (struct guard_rule){ .pref = bucket->pref, .action = GUARD_NOP };
	for (size_t i = 0; i < bucket->count; i++) {
		const struct guard_member *member = &bucket->members[i];

		if (member->uids.first == member->uids.last)
			rules[count++] = way_rule(bucket->pref, member->uids, member->section);
	}
	*ret = rules;
	*ret_count = count;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct guard_member *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return uid_range_compare(x->uids, y->uids);
}

static bool is_narrower(struct uid_range a, struct uid_range b)
{
	uid_t width_a = a.last - a.first, width_b = b.last - b.first;

	return width_a != width_b ? width_a < width_b : a.first < b.first;
}

static int by_width(const void *a, const void *b)
{
	const struct guard_member *x = a, *y = b;

	return is_narrower(x->uids, y->uids) ? -1 : is_narrower(y->uids, x->uids);
}

static bool decides_well(const struct guard_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++)
			if (uid_ranges_overlap(members[i].uids, members[k].uids) &&
			    is_narrower(members[k].uids, members[i].uids))
				return false;
	return true;
}

int guard_model_ranges(const struct guard_bucket *bucket, struct guard_rule **ret, size_t *ret_count)
{
	AUTO_FREE struct guard_member *ranges = calloc(bucket->count + 1, sizeof(*ranges));
	struct guard_rule *rules = calloc(bucket->count + 1, sizeof(*rules));
	size_t count = 0;

	if (!ranges || !rules) {
		free(rules);
		return -ENOMEM;
	}
	for (size_t i = 0; i < bucket->count; i++)
		if (bucket->members[i].uids.first != bucket->members[i].uids.last)
			ranges[count++] = bucket->members[i];
	/* As they stand, the new ones behind; only where a narrower one would not be heard, all anew. */
	qsort(ranges, count, sizeof(*ranges), by_place);
	if (!decides_well(ranges, count))
		qsort(ranges, count, sizeof(*ranges), by_width);
	for (size_t i = 0; i < count; i++)
		rules[i] = way_rule(bucket->pref + 1, ranges[i].uids, ranges[i].section);
	*ret = rules;
	*ret_count = count;
	return 0;
}
