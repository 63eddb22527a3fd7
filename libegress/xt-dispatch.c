/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xt-dispatch.h"

#include "util.h"

#include <string.h>

#define FLAWS_MAX 8 /* of one chain; more would not tell more */

void xt_dispatch_clear(struct xt_dispatch *read)
{
	dispatch_clear(&read->dispatch);
	free(read->flaws);
	*read = (struct xt_dispatch){ 0 };
}

void xt_dispatch_encode(const struct xt_family *family, const struct dispatch_rule *rule,
			struct xt_blob *ret)
{
	char target[PLAN_CHAIN_MAX];

	switch (rule->kind) {
	case DISPATCH_GUARD:
		xt_branch_encode(family, rule->uids, NULL, ret);
		break;
	case DISPATCH_CHAIN:
		xt_branch_encode(family, rule->uids, dispatch_chain_name(rule->to, target), ret);
		break;
	case DISPATCH_SUBJECT:
		xt_branch_encode(family, rule->uids, plan_chain_name(rule->to, target), ret);
		break;
	}
}

/* Only into a part of BLOCK, so that no two chains lead to the same one and none to itself. */
static bool belongs(struct uid_range block, const struct dispatch_rule *rule)
{
	bool in_block = block.first <= rule->uids.first && rule->uids.first <= block.last;

	if (rule->kind == DISPATCH_SUBJECT)
		return in_block && rule->to.first > 0 && dispatch_contains(rule->to, rule->uids);
	return in_block && rule->to.first <= rule->uids.first && rule->uids.first <= rule->to.last &&
	       dispatch_contains(block, rule->to) && uid_range_compare(block, rule->to) != 0;
}

bool xt_dispatch_decode(const struct xt_family *family, struct uid_range block, const struct xt_item *item,
			struct dispatch_rule *ret)
{
	struct dispatch_rule rule = { .kind = DISPATCH_GUARD };

	if (xt_branch_decode(family, item->entry, item->target, &rule.uids)) {
		if (plan_parse_chain_name(item->target, &rule.to) == 0)
			rule.kind = DISPATCH_SUBJECT;
		else if (dispatch_parse_chain_name(item->target, &rule.to) == 0)
			rule.kind = DISPATCH_CHAIN;
		if (rule.kind == DISPATCH_GUARD || !belongs(block, &rule))
			return false;
	} else if (uid_range_compare(block, DISPATCH_ROOT) != 0 ||
		   !xt_guard_decode(family, item->entry, item->target, &rule.uids)) {
		return false;
	}
	*ret = rule;
	return true;
}

/* --- Reading --- */

/* A chain to read, and whose packets come to it. */
struct visit {
	struct uid_range block, reach;
};

struct reading {
	const struct xt_table *table;
	struct uid_range uids;
	struct xt_dispatch *read;
	struct visit *visits; /* owned; grows while it is worked off */
	size_t count, room;
};

/* Room for one more of SIZE bytes behind COUNT. */
static int make_room(void *array, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return 0;
	grown = reallocarray(*(void **)array, wanted, size);
	if (!grown)
		return -ENOMEM;
	*(void **)array = grown;
	*room = wanted;
	return 0;
}

static int add_visit(struct reading *reading, struct uid_range block, struct uid_range reach)
{
	int error = make_room(&reading->visits, reading->count, &reading->room,
			      sizeof(*reading->visits));

	if (!error)
		reading->visits[reading->count++] = (struct visit){ block, reach };
	return error;
}

static int add_flaw(struct xt_dispatch *read, struct xt_flaw flaw, size_t *of_chain)
{
	int error;

	if (++*of_chain > FLAWS_MAX)
		return 0;
	error = make_room(&read->flaws, read->flaw_count, &read->flaw_room, sizeof(*read->flaws));
	if (!error)
		read->flaws[read->flaw_count++] = flaw;
	return error;
}

static bool comes_too_late(const struct dispatch *dispatch, const struct dispatch_chain *chain,
			   const struct dispatch_rule *rule)
{
	if (rule->kind == DISPATCH_GUARD)
		return chain->count > 0;
	for (size_t i = 0; i < chain->count; i++) {
		const struct dispatch_rule *earlier = &dispatch->rules[chain->first + i];

		if (earlier->kind == DISPATCH_GUARD)
			continue;
		if (dispatch_overlap(earlier->uids, rule->uids) ||
		    (earlier->kind == DISPATCH_CHAIN && rule->kind == DISPATCH_CHAIN &&
		     dispatch_overlap(earlier->to, rule->to)))
			return true;
	}
	return false;
}

static int add_rule(struct reading *reading, struct dispatch_chain *chain, struct visit visit,
		    const struct dispatch_rule *rule)
{
	struct xt_dispatch *read = reading->read;
	struct uid_range reach = rule->uids;
	int error = make_room(&read->dispatch.rules, read->dispatch.rule_count, &read->rule_room,
			      sizeof(*rule));

	if (error)
		return error;
	read->dispatch.rules[read->dispatch.rule_count++] = *rule;
	chain->count++;
	if (rule->kind != DISPATCH_CHAIN || !dispatch_overlap(reach, reading->uids) ||
	    !dispatch_overlap(reach, visit.reach))
		return 0;
	reach.first = reach.first > visit.reach.first ? reach.first : visit.reach.first;
	reach.last = reach.last < visit.reach.last ? reach.last : visit.reach.last;
	return add_visit(reading, rule->to, reach);
}

static int read_rules(struct reading *reading, struct visit visit, const struct xt_items *items,
		      struct dispatch_chain *chain)
{
	struct xt_flaw flaw = { .block = visit.block, .reach = visit.reach };
	struct xt_dispatch *read = reading->read;
	size_t flaws = 0;
	int error = 0;

	for (size_t i = 0; i < items->count && !error; i++) {
		struct dispatch_rule rule;

		flaw.number = i + 1;
		flaw.what = XT_FLAW_FOREIGN;
		if (chain->count < DISPATCH_RULES_MAX &&
		    xt_dispatch_decode(reading->table->family, visit.block, &items->items[i], &rule)) {
			if (!comes_too_late(&read->dispatch, chain, &rule)) {
				error = add_rule(reading, chain, visit, &rule);
				continue;
			}
			flaw.what = XT_FLAW_LATE;
		}
		chain->foreign++;
		error = add_flaw(read, flaw, &flaws);
	}
	return error;
}

static int check_guard(struct reading *reading, const struct dispatch_chain *chain)
{
	const struct dispatch *dispatch = &reading->read->dispatch;
	struct xt_flaw flaw = { chain->block, DISPATCH_ROOT, 1, XT_FLAW_NO_GUARD };
	size_t none = 0;

	if (uid_range_compare(chain->block, DISPATCH_ROOT) != 0 || chain->count == 0 ||
	    dispatch->rules[chain->first].kind == DISPATCH_GUARD)
		return 0;
	return add_flaw(reading->read, flaw, &none);
}

static int read_chain(struct reading *reading, struct visit visit)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct dispatch *dispatch = &reading->read->dispatch;
	struct dispatch_chain chain = { .block = visit.block, .first = dispatch->rule_count };
	char name[PLAN_CHAIN_MAX];
	struct xt_items items;
	int error = xt_table_rules(reading->table, dispatch_chain_name(visit.block, name), &items);

	if (error)
		return error;
	owned = items.items;
	error = read_rules(reading, visit, &items, &chain);
	if (!error)
		error = check_guard(reading, &chain);
	if (!error)
		error = make_room(&dispatch->chains, dispatch->chain_count, &reading->read->room,
				  sizeof(chain));
	if (!error)
		dispatch->chains[dispatch->chain_count++] = chain;
	return error;
}

int xt_dispatch_read(const struct xt_table *table, struct uid_range uids, struct xt_dispatch *ret)
{
	struct reading reading = { .table = table, .uids = uids, .read = ret };
	int error = 0;

	if (xt_table_has_chain(table, XT_CHAIN_ENTRY))
		error = add_visit(&reading, DISPATCH_ROOT, DISPATCH_ROOT);
	for (size_t i = 0; i < reading.count && !error; i++)
		error = read_chain(&reading, reading.visits[i]);
	free(reading.visits);
	if (ret->dispatch.chain_count > 0)
		qsort(ret->dispatch.chains, ret->dispatch.chain_count, sizeof(*ret->dispatch.chains),
		      dispatch_chain_order);
	return error;
}
