/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dispatch.h"

#include "util.h"

int dispatch_order(struct uid_range a, struct uid_range b)
{
	uid_t width_a = a.last - a.first, width_b = b.last - b.first;

	if (width_a != width_b)
		return width_a < width_b ? -1 : 1;
	return a.first < b.first ? -1 : a.first > b.first;
}

bool dispatch_overlap(struct uid_range a, struct uid_range b)
{
	return a.first <= b.last && b.first <= a.last;
}

static int compare_branches(const void *a, const void *b)
{
	return dispatch_order(((const struct dispatch_branch *)a)->uids,
			      ((const struct dispatch_branch *)b)->uids);
}

static size_t drop_repeated(struct dispatch_branch *branches, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || compare_branches(&branches[kept - 1], &branches[i]) != 0)
			branches[kept++] = branches[i];
	}
	return kept;
}

int dispatch_make(const struct uid_range *subjects, size_t count, struct dispatch_branch **ret,
		  size_t *ret_count)
{
	struct dispatch_branch *branches = NULL;

	if (count > 0) {
		branches = calloc(count, sizeof(*branches));
		if (!branches)
			return -ENOMEM;
		for (size_t i = 0; i < count; i++) {
			branches[i].uids = subjects[i];
			plan_chain_name(subjects[i], branches[i].target);
		}
		qsort(branches, count, sizeof(*branches), compare_branches);
		count = drop_repeated(branches, count);
	}
	*ret = branches;
	*ret_count = count;
	return 0;
}
