/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_DISPATCH_H
#define EGRESS_DISPATCH_H

/*
 * How a packet finds its account's chain: the branches of the chain EGRESS, computed from the
 * subjects that stand. Pure. Of several subjects with the same uid the narrowest decides, so it
 * branches off first.
 */
#include "plan.h"

struct dispatch_branch {
	struct uid_range uids;
	char target[PLAN_CHAIN_MAX];
};

/* <0 if A branches off before B, 0 if they are the same. */
int dispatch_order(struct uid_range a, struct uid_range b);
bool dispatch_overlap(struct uid_range a, struct uid_range b);

/* *ret is malloced, NULL if there are none. Subjects may come in any order, and twice. -ENOMEM. */
int dispatch_make(const struct uid_range *subjects, size_t count, struct dispatch_branch **ret,
		  size_t *ret_count);

#endif
