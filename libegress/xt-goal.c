/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xt-goal.h"

#include "util.h"

/*
 * How far ahead to look for a rule that stands already: further on it is written anew, and its
 * counters start at zero. Looking all the way would take minutes where somebody replaced 100,000
 * rules.
 */
#define LOOK_AHEAD 64

/* 0: ITEM is what INDEX asks for; <0: ITEM is in the way; >0: INDEX comes before ITEM. */
static int relate(const struct xt_goal *goal, const struct xt_item *item, size_t index)
{
	struct xt_blob blob;

	for (size_t ahead = 0; ahead < LOOK_AHEAD && index + ahead < goal->count; ahead++) {
		goal->encode(goal, index + ahead, &blob);
		if (xt_entry_same(goal->family, blob.bytes, item->entry, item->target))
			return (int)ahead;
	}
	return -1;
}

static int insert_goal(struct xt_table *table, const char *chain, size_t position,
		       const struct xt_goal *goal, size_t index)
{
	struct xt_blob blob;

	goal->encode(goal, index, &blob);
	return xt_table_insert(table, chain, position, blob.bytes);
}

int xt_reach_goal(struct xt_table *table, const char *chain, const struct xt_goal *goal)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct xt_items old;
	size_t k = 0, index = 0, position = 0;
	int error = xt_table_rules(table, chain, &old);

	if (error)
		return error;
	owned = old.items;
	while (!error && (k < old.count || index < goal->count)) {
		int relation = index == goal->count ? -1
			       : k == old.count     ? 1
						    : relate(goal, &old.items[k], index);

		if (relation < 0) {
			error = xt_table_delete(table, chain, position, &old.items[k++]);
			continue;
		}
		if (relation > 0)
			error = insert_goal(table, chain, position, goal, index);
		else
			k++;
		index++;
		position++;
	}
	return error;
}

int xt_empty_chain(struct xt_table *table, const char *chain)
{
	struct xt_goal nothing = { .family = table->family };

	return xt_reach_goal(table, chain, &nothing);
}

int xt_ensure_chain(struct xt_table *table, const char *chain)
{
	return xt_table_has_chain(table, chain) ? 0 : xt_table_create_chain(table, chain);
}
