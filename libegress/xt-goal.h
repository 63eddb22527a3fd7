/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_XT_GOAL_H
#define EGRESS_XT_GOAL_H

/* Making a chain equal to what it should be. Errors: those of xt_table's edits. */
#include "xt-rule.h"
#include "xt-table.h"

struct xt_goal {
	const struct xt_family *family;
	size_t count;
	const void *context;
	void (*encode)(const struct xt_goal *goal, size_t index, struct xt_blob *ret);
};

/* Edits what differs: rules that stand already keep their counters. */
int xt_reach_goal(struct xt_table *table, const char *chain, const struct xt_goal *goal);
int xt_empty_chain(struct xt_table *table, const char *chain);
int xt_ensure_chain(struct xt_table *table, const char *chain);

#endif
