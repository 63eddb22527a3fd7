/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose chains stand in a table, and are ours: others may use our names. */
#include "xt-edit.h"

#include "util.h"
#include "xt-dispatch.h"

/* Those whose chains rules of our own branch off to, ascending. */
struct branches {
	struct uid_range *uids;
	size_t count;
};

static int compare_ranges(const void *a, const void *b)
{
	return uid_range_compare(*(const struct uid_range *)a, *(const struct uid_range *)b);
}

static int find_branches(const struct dispatch *dispatch, struct branches *ret)
{
	struct branches branches = { .uids = calloc(dispatch->rule_count + 1, sizeof(*branches.uids)) };

	if (!branches.uids)
		return -ENOMEM;
	for (size_t i = 0; i < dispatch->rule_count; i++) {
		if (dispatch->rules[i].kind == DISPATCH_SUBJECT)
			branches.uids[branches.count++] = dispatch->rules[i].to;
	}
	qsort(branches.uids, branches.count, sizeof(*branches.uids), compare_ranges);
	*ret = branches;
	return 0;
}

static bool ends_it_all(const struct rule *rule)
{
	return prefix_is_any(&rule->to) && rule->proto == PROTO_ANY &&
	       (rule->verdict == VERDICT_REJECT_PROHIBITED || rule->verdict == VERDICT_DROP);
}

/*
 * Emptied by somebody; or with the log rule that names its uids; or as a plan without one is: rules of our
 * own, more than one, to an end that nothing passes.
 */
static int looks_ours(const struct xt_table *table, const char *chain, struct uid_range uids)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct rule rule = { 0 };
	struct xt_items rules;
	size_t ours = 0;
	int error = xt_table_rules(table, chain, &rules);

	if (error)
		return error;
	owned = rules.items;
	for (size_t i = 0; i < rules.count; i++) {
		const struct xt_item *item = &rules.items[i];
		struct log_rule log;

		if (!xt_rule_decode(table->family, uids, item->entry, item->target, &rule, &log))
			continue;
		if (rule.verdict == VERDICT_LOG)
			return 1;
		ours++;
	}
	return rules.count == 0 || (ours == rules.count && ours > 1 && ends_it_all(&rule));
}

/*
 * Others may call a chain EGRESS-2001 too, and it is theirs: 1 if the chain of UIDS is ours, 0, or an error.
 * EGRESS-0 is not ours, whoever made it: root is never held.
 */
static int is_subject(const struct xt_table *table, const struct branches *branches, struct uid_range uids)
{
	char chain[PLAN_CHAIN_MAX];

	if (uids.first == 0)
		return 0;
	if (branches->count &&
	    bsearch(&uids, branches->uids, branches->count, sizeof(uids), compare_ranges))
		return 1;
	return looks_ours(table, plan_chain_name(uids, chain), uids);
}

static size_t count_chains(const struct xt_table *table)
{
	const struct xtc_ops *ops = table->family->ops;
	size_t count = 0;

	for (const char *chain = ops->first_chain(table->handle); chain;
	     chain = ops->next_chain(table->handle))
		count++;
	return count;
}

/*
 * What PARSE makes of the names of all chains. libiptc walks chains and rules by one cursor each: names are
 * taken first, then looked at.
 */
static int parse_names(const struct xt_table *table, int (*parse)(const char *name, struct uid_range *ret),
		       struct uid_range **ret, size_t *ret_count)
{
	const struct xtc_ops *ops = table->family->ops;
	struct uid_range *ranges = calloc(count_chains(table) + 1, sizeof(*ranges));
	size_t count = 0;

	if (!ranges)
		return -ENOMEM;
	for (const char *chain = ops->first_chain(table->handle); chain;
	     chain = ops->next_chain(table->handle))
		if (parse(chain, &ranges[count]) == 0)
			count++;
	*ret = ranges;
	*ret_count = count;
	return 0;
}

static int parse_name_of(const struct xt_table *table, struct uid_range only, struct uid_range **ret,
			 size_t *ret_count)
{
	char chain[PLAN_CHAIN_MAX];

	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	**ret = only;
	*ret_count = xt_table_has_chain(table, plan_chain_name(only, chain));
	return 0;
}

int xt_subjects(const struct xt_table *table, const struct dispatch *dispatch, const struct uid_range *only,
		struct uid_range **ret, size_t *ret_count)
{
	AUTO_FREE struct uid_range *subjects = NULL, *owned = NULL;
	struct branches branches = { 0 };
	size_t named, count = 0;
	int r = only ? parse_name_of(table, *only, &subjects, &named)
		     : parse_names(table, plan_parse_chain_name, &subjects, &named);

	if (!r)
		r = find_branches(dispatch, &branches);
	owned = branches.uids;
	for (size_t i = 0; r >= 0 && i < named; i++) {
		r = is_subject(table, &branches, subjects[i]);
		if (r > 0)
			subjects[count++] = subjects[i];
	}
	if (r < 0)
		return r;
	qsort(subjects, count, sizeof(*subjects), compare_ranges);
	*ret = util_steal(subjects);
	*ret_count = count;
	return 0;
}

/* One that nothing leads to any more is ours if nothing but rules of ours is in it. */
static int is_block(const struct xt_table *table, const struct dispatch *dispatch, struct uid_range block)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct dispatch_rule rule;
	char chain[PLAN_CHAIN_MAX];
	struct xt_items items;
	int error;

	if (dispatch_find_chain(dispatch, block))
		return 1;
	error = xt_table_rules(table, dispatch_chain_name(block, chain), &items);
	if (error)
		return error;
	owned = items.items;
	for (size_t i = 0; i < items.count; i++)
		if (!xt_dispatch_decode(table->family, block, &items.items[i], &rule))
			return 0;
	return 1;
}

int xt_blocks(const struct xt_table *table, const struct dispatch *dispatch, struct uid_range **ret,
	      size_t *ret_count)
{
	AUTO_FREE struct uid_range *blocks = NULL;
	size_t named = 0, count = 0;
	int r = parse_names(table, dispatch_parse_chain_name, &blocks, &named);

	for (size_t i = 0; r >= 0 && i < named; i++) {
		r = is_block(table, dispatch, blocks[i]);
		if (r > 0)
			blocks[count++] = blocks[i];
	}
	if (r < 0)
		return r;
	*ret = util_steal(blocks);
	*ret_count = count;
	return 0;
}
