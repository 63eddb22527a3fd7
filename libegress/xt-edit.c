/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xt-edit.h"

#include "util.h"
#include "xt-dispatch.h"
#include "xt-goal.h"
#include "xt-passage.h"

#include <stdio.h>
#include <string.h>

/* --- An account's chain --- */

struct account_goal {
	const struct plan *plan;
	const struct rule **rules; /* those that apply to the family */
};

static void account_encode(const struct xt_goal *goal, size_t index, struct xt_blob *ret)
{
	const struct account_goal *account = goal->context;

	xt_rule_encode(goal->family, account->plan, account->rules[index], ret);
}

static int read_passage(const struct xt_table *table, const char *chain, struct uid_range uids,
			struct xt_passage *passage)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct xt_items items;
	int error = xt_table_rules(table, chain, &items);

	if (error)
		return error;
	owned = items.items;
	*passage = (struct xt_passage){ 0 };
	for (size_t i = 0; i < items.count; i++) {
		const struct xt_item *item = &items.items[i];
		struct rule rule;
		struct log_rule log;
		bool ours = xt_rule_decode(table->family, uids, item->entry, item->target, &rule, &log);

		xt_passage_add(passage, ours ? &rule : NULL, xt_entry_counters(table->family, item->entry));
	}
	return 0;
}

/* The first rule, which sends packets to the chain that all share, is written anew: as if it had counted PACKETS. */
static int set_passage(struct xt_table *table, const char *chain, const struct xt_goal *goal,
		       const struct xt_counters *packets)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct xt_items items;
	struct xt_blob blob;
	int error = xt_table_rules(table, chain, &items);

	if (error)
		return error;
	owned = items.items;
	error = xt_table_delete(table, chain, 0, &items.items[0]);
	goal->encode(goal, 0, &blob);
	memcpy(blob.bytes + table->family->layout.counters, packets, sizeof(*packets));
	return error ? error : xt_table_insert(table, chain, 0, blob.bytes);
}

/* Rules that go take what they counted with them: what passed them was not refused. */
static int reach_account(struct xt_table *table, const char *chain, struct uid_range uids,
			 const struct xt_goal *goal)
{
	struct xt_passage before, after;
	struct xt_counters refused;
	const struct account_goal *account = goal->context;
	bool judges = goal->count > 0 && rule_is_forged(account->rules[0]);
	size_t edits = table->journal.count;
	int error = read_passage(table, chain, uids, &before);

	if (!error)
		error = xt_reach_goal(table, chain, goal);
	if (error || table->journal.count == edits || !judges)
		return error;
	error = read_passage(table, chain, uids, &after);
	refused = xt_passage_refused(&before);
	refused.pcnt += after.out.pcnt;
	refused.bcnt += after.out.bcnt;
	if (error || (refused.pcnt == after.in.pcnt && refused.bcnt == after.in.bcnt))
		return error;
	return set_passage(table, chain, goal, &refused);
}

static int apply_plan(struct xt_table *table, const struct plan *plan)
{
	AUTO_FREE const struct rule **rules = calloc(plan->rule_count + 1, sizeof(*rules));
	struct account_goal account = { .plan = plan, .rules = rules };
	struct xt_goal goal = {
		.family = table->family,
		.context = &account,
		.encode = account_encode,
	};
	char chain[PLAN_CHAIN_MAX];
	int error;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < plan->rule_count; i++) {
		if (xt_rule_applies(table->family, &plan->rules[i]))
			rules[goal.count++] = &plan->rules[i];
	}
	plan_chain_name(plan->uids, chain);
	error = xt_ensure_chain(table, chain);
	return error ? error : reach_account(table, chain, plan->uids, &goal);
}

/* --- What could be forged: one chain for all --- */

static void forged_encode(const struct xt_goal *goal, size_t index, struct xt_blob *ret)
{
	(void)index;
	xt_forged_encode(goal->family, ret);
}

static int apply_forged(struct xt_table *table)
{
	struct xt_goal goal = { .family = table->family, .count = 1, .encode = forged_encode };
	int error = xt_ensure_chain(table, XT_CHAIN_FORGED);

	return error ? error : xt_reach_goal(table, XT_CHAIN_FORGED, &goal);
}

/* Nothing in it but our rule, or nothing at all. */
static int forged_is_ours(const struct xt_table *table, bool *ret)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct xt_items items;
	int error = xt_table_rules(table, XT_CHAIN_FORGED, &items);
	bool ours = true;

	if (error)
		return error;
	owned = items.items;
	for (size_t i = 0; i < items.count; i++)
		ours = ours && xt_is_forged(table->family, items.items[i].entry, items.items[i].target);
	*ret = ours;
	return 0;
}

/* --- The dispatch --- */

static void dispatch_encode(const struct xt_goal *goal, size_t index, struct xt_blob *ret)
{
	const struct dispatch_rule *rules = goal->context;

	xt_dispatch_encode(goal->family, &rules[index], ret);
}

static bool stands(const struct dispatch *standing, const struct dispatch *wanted,
		   const struct dispatch_chain *chain)
{
	const struct dispatch_chain *there = dispatch_find_chain(standing, chain->block);

	return there && dispatch_same_chain(standing, there, wanted, chain);
}

static int write_chain(struct xt_table *table, const struct dispatch *wanted,
		       const struct dispatch_chain *chain)
{
	struct xt_goal goal = {
		.family = table->family,
		.count = chain->count,
		.context = &wanted->rules[chain->first],
		.encode = dispatch_encode,
	};
	char name[PLAN_CHAIN_MAX];

	return xt_reach_goal(table, dispatch_chain_name(chain->block, name), &goal);
}

/* First all are made: a rule can only lead to a chain that is there. */
static int write_chains(struct xt_table *table, const struct dispatch *standing,
			const struct dispatch *wanted)
{
	char name[PLAN_CHAIN_MAX];
	int error = 0;

	for (size_t i = 0; i < wanted->chain_count && !error; i++)
		if (!dispatch_find_chain(standing, wanted->chains[i].block))
			error = xt_ensure_chain(table, dispatch_chain_name(wanted->chains[i].block, name));
	for (size_t i = 0; i < wanted->chain_count && !error; i++)
		if (!stands(standing, wanted, &wanted->chains[i]))
			error = write_chain(table, wanted, &wanted->chains[i]);
	return error;
}

/*
 * Foreign rules that lead to one keep it from being deleted; empty, it does them no harm and nothing of ours
 * depends on it.
 */
static int delete_unless_used(struct xt_table *table, const char *chain)
{
	unsigned int references = 0;
	xt_chainlabel label;

	snprintf(label, sizeof(label), "%s", chain);
	if (!table->family->get_references(&references, label, table->handle))
		return -EINVAL;
	return references ? 0 : xt_table_delete_chain(table, chain);
}

/* First all are emptied: they lead to each other. */
static int delete_blocks(struct xt_table *table, const struct dispatch *standing,
			 const struct dispatch *wanted)
{
	AUTO_FREE struct uid_range *blocks = NULL;
	char name[PLAN_CHAIN_MAX];
	size_t count = 0, gone = 0;
	int error = xt_blocks(table, standing, &blocks, &count);

	for (size_t i = 0; i < count && !error; i++) {
		if (dispatch_find_chain(wanted, blocks[i]))
			continue;
		blocks[gone++] = blocks[i];
		error = xt_empty_chain(table, dispatch_chain_name(blocks[i], name));
	}
	for (size_t i = 0; i < gone && !error; i++)
		error = delete_unless_used(table, dispatch_chain_name(blocks[i], name));
	return error;
}

/* --- The entry point: one jump, the first rule of OUTPUT. --- */

/* Deletes our jumps except one that is first already; *ret_first says whether it is. */
static int delete_jumps(struct xt_table *table, bool keep_first, bool *ret_first)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct xt_items output;
	int error = xt_table_rules(table, XT_CHAIN_OUTPUT, &output);
	bool first = false;

	if (error)
		return error;
	owned = output.items;
	for (size_t i = output.count; i > 0 && !error; i--) {
		const struct xt_item *item = &output.items[i - 1];

		if (!xt_is_jump(table->family, item->entry, item->target))
			continue;
		if (i == 1 && keep_first)
			first = true;
		else
			error = xt_table_delete(table, XT_CHAIN_OUTPUT, i - 1, item);
	}
	*ret_first = first;
	return error;
}

static int apply_jump(struct xt_table *table)
{
	struct xt_blob jump;
	bool first;
	int error = delete_jumps(table, true, &first);

	if (error || first)
		return error;
	xt_jump_encode(table->family, &jump);
	return xt_table_insert(table, XT_CHAIN_OUTPUT, 0, jump.bytes);
}

/* --- Who stands --- */

/* What the table held before the change. */
struct before {
	struct xt_dispatch read;
	struct uid_range *subjects; /* ascending */
	size_t count;
};

static void before_clear(struct before *before)
{
	xt_dispatch_clear(&before->read);
	free(before->subjects);
}

static int before_read(const struct xt_table *table, struct before *before)
{
	int error = xt_dispatch_read(table, DISPATCH_ROOT, &before->read);

	return error ? error
		     : xt_subjects(table, &before->read.dispatch, NULL, &before->subjects,
				   &before->count);
}

static int compare_subjects(const void *a, const void *b)
{
	return uid_range_compare(*(const struct uid_range *)a, *(const struct uid_range *)b);
}

static bool has(const struct uid_range *ascending, size_t count, struct uid_range uids)
{
	return count && bsearch(&uids, ascending, count, sizeof(uids), compare_subjects);
}

static bool was_held(const struct before *before, struct uid_range uids)
{
	return has(before->subjects, before->count, uids);
}

/* Who is held after the change. *ret is malloced. */
static int subjects_after(const struct before *before, const struct xt_change *change,
			  struct uid_range **ret, size_t *ret_count)
{
	size_t gone_count = change->gone ? change->count : 0, count = 0;
	AUTO_FREE struct uid_range *gone = calloc(gone_count + 1, sizeof(*gone));
	struct uid_range *after = calloc(before->count + change->count + 1, sizeof(*after));

	if (!gone || !after) {
		free(after);
		return -ENOMEM;
	}
	for (size_t i = 0; i < gone_count; i++)
		gone[i] = change->gone[i];
	qsort(gone, gone_count, sizeof(*gone), compare_subjects);
	for (size_t i = 0; i < before->count; i++)
		if (!has(gone, gone_count, before->subjects[i]))
			after[count++] = before->subjects[i];
	for (size_t i = 0; change->plans && i < change->count; i++)
		after[count++] = change->plans[i].uids;
	*ret = after;
	*ret_count = count;
	return 0;
}

/* --- Removal --- */

static int delete_account_chain(struct xt_table *table, const char *chain, struct fault *fault)
{
	int error = xt_table_delete_chain(table, chain);

	if (error == -EBUSY)
		return fault_set(fault, -EPERM,
				 "%s: chain %s: rules of others lead to it: delete them first",
				 table->family->name, chain);
	return error;
}

/* First all are emptied: one account's chain, edited by hand, may lead to another's. */
static int delete_accounts(struct xt_table *table, const struct before *before,
			   const struct xt_change *change, struct fault *fault)
{
	char chain[PLAN_CHAIN_MAX];
	int error = 0;

	for (size_t i = 0; i < change->count && !error; i++)
		if (was_held(before, change->gone[i]))
			error = xt_empty_chain(table, plan_chain_name(change->gone[i], chain));
	for (size_t i = 0; i < change->count && !error; i++) {
		plan_chain_name(change->gone[i], chain);
		if (was_held(before, change->gone[i]) && xt_table_has_chain(table, chain))
			error = delete_account_chain(table, chain, fault);
	}
	return error;
}

/* Nobody is held any more. */
static int remove_entry_point(struct xt_table *table)
{
	bool ignored;
	int error = delete_jumps(table, false, &ignored);

	if (!error)
		error = xt_empty_chain(table, XT_CHAIN_ENTRY);
	return error ? error : delete_unless_used(table, XT_CHAIN_ENTRY);
}

/* The last account's chain is gone. What was not ours before we held anybody is not ours. */
static int remove_forged(struct xt_table *table, const struct before *before)
{
	bool ours = true;
	int error = 0;

	if (!xt_table_has_chain(table, XT_CHAIN_FORGED))
		return 0;
	if (before->count == 0)
		error = forged_is_ours(table, &ours);
	if (error || !ours)
		return error;
	error = xt_empty_chain(table, XT_CHAIN_FORGED);
	return error ? error : delete_unless_used(table, XT_CHAIN_FORGED);
}

/* Emptied by somebody, or no rule in it but ours. */
static bool is_leftover(const struct before *before)
{
	const struct dispatch_chain *entry =
		dispatch_find_chain(&before->read.dispatch, DISPATCH_ROOT);

	return entry && entry->foreign == 0;
}

/* --- All of it --- */

static int apply_dispatch(struct xt_table *table, const struct before *before,
			  const struct dispatch *wanted)
{
	const struct dispatch *standing = &before->read.dispatch;
	int error = write_chains(table, standing, wanted);

	if (error)
		return error;
	if (wanted->chain_count > 0)
		error = apply_jump(table);
	/*
	 * With nothing of ours around, a chain that somebody called EGRESS and filled is not ours.
	 */
	else if ((before->count && xt_table_has_chain(table, XT_CHAIN_ENTRY)) || is_leftover(before))
		error = remove_entry_point(table);
	return error ? error : delete_blocks(table, standing, wanted);
}

/* *ret: is anybody held after it? */
static int apply_entry_point(struct xt_table *table, const struct before *before,
			     const struct xt_change *change, bool *ret)
{
	AUTO_FREE struct uid_range *after = NULL;
	struct dispatch wanted = { 0 };
	size_t count;
	int error = subjects_after(before, change, &after, &count);

	if (!error)
		error = dispatch_make(after, count, &wanted);
	if (!error)
		error = apply_dispatch(table, before, &wanted);
	*ret = wanted.chain_count > 0;
	dispatch_clear(&wanted);
	return error;
}

/* Somebody else's chain of that name, made before we held anybody: to take it would be to lose his rules. */
static int refuse_foreign(const struct xt_table *table, const struct before *before,
			  const struct xt_change *change, struct fault *fault)
{
	const char *name = table->family->name, *taken = NULL;
	bool ours = true;
	int error = 0;

	if (!change->plans || before->count > 0)
		return 0;
	if (xt_table_has_chain(table, XT_CHAIN_ENTRY) && !is_leftover(before))
		taken = XT_CHAIN_ENTRY;
	else if (xt_table_has_chain(table, XT_CHAIN_FORGED))
		error = forged_is_ours(table, &ours);
	if (!ours)
		taken = XT_CHAIN_FORGED;
	return taken ? fault_set(fault, -EPERM, "%s: chain %s: is there and not ours: rename it", name, taken)
		     : error;
}

int xt_apply(struct xt_table *table, const struct xt_change *change, struct fault *fault)
{
	struct before before = { 0 };
	bool held = true;
	int error = before_read(table, &before);

	if (!error)
		error = refuse_foreign(table, &before, change, fault);
	if (!error && change->plans)
		error = apply_forged(table);
	for (size_t i = 0; change->plans && i < change->count && !error; i++)
		error = apply_plan(table, &change->plans[i]);
	if (!error)
		error = apply_entry_point(table, &before, change, &held);
	if (!error && change->gone)
		error = delete_accounts(table, &before, change, fault);
	if (!error && !held)
		error = remove_forged(table, &before);
	before_clear(&before);
	if (error)
		fault_set(fault, error, "%s: cannot edit the filter table", table->family->name);
	return error;
}
