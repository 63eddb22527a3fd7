/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_XT_EDIT_H
#define EGRESS_XT_EDIT_H

/*
 * What the iptables backend makes of one family's table, in memory: the accounts' chains, the
 * dispatch and the entry point. Everything is compared first, so that what is right already is not
 * edited and keeps its counters; the journal stays empty if nothing had to be done.
 */
#include "dispatch.h"
#include "xt-table.h"

struct xt_change {
	const struct plan *plans;     /* to make stand, or NULL */
	const struct uid_range *gone; /* to remove, or NULL */
	size_t count;                 /* of either */
};

/* Errors: -ENOMEM; -EPERM foreign rules lead to a chain that must go; -EINVAL. */
int xt_apply(struct xt_table *table, const struct xt_change *change, struct fault *fault);

/*
 * The subjects whose chains stand in TABLE and are ours, ascending: all of them, or ONLY that one if
 * not NULL. DISPATCH is what was read of TABLE, for the uids of ONLY at least. *ret is malloced.
 * -ENOMEM.
 */
int xt_subjects(const struct xt_table *table, const struct dispatch *dispatch, const struct uid_range *only,
		struct uid_range **ret, size_t *ret_count);
/* The blocks of the dispatch's chains but EGRESS, those among them that nothing leads to. The same. */
int xt_blocks(const struct xt_table *table, const struct dispatch *dispatch, struct uid_range **ret,
	      size_t *ret_count);

#endif
