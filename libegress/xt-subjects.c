/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose chains stand in a table, and are ours: others may use our names. */
#include "xt-edit.h"

#include "dispatch.h"
#include "util.h"
#include "xt-rule.h"

#include <stdio.h>
#include <string.h>

static int compare_subjects(const void *a, const void *b)
{
	return dispatch_order(*(const struct uid_range *)a, *(const struct uid_range *)b);
}

/* The uids that rules of our own branch off for, ascending. */
struct branches {
	struct uid_range *uids;
	size_t count;
};

static int compare_ranges(const void *a, const void *b)
{
	return uid_range_compare(*(const struct uid_range *)a, *(const struct uid_range *)b);
}

static int read_branches(const struct xt_table *table, struct branches *ret)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct branches branches = { 0 };
	struct xt_items items;
	int error = xt_table_rules(table, XT_CHAIN_ENTRY, &items);

	if (error)
		return error;
	owned = items.items;
	branches.uids = calloc(items.count + 1, sizeof(*branches.uids));
	if (!branches.uids)
		return -ENOMEM;
	for (size_t i = 0; i < items.count; i++) {
		struct uid_range *uids = &branches.uids[branches.count];
		char chain[PLAN_CHAIN_MAX];

		if (xt_branch_decode(table->family, items.items[i].entry, items.items[i].target, uids) &&
		    strcmp(plan_chain_name(*uids, chain), items.items[i].target) == 0)
			branches.count++;
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
 * Others may call a chain EGRESS-2001 too, and it is theirs: 1 if CHAIN is ours, 0, or an error. EGRESS-0 is
 * not ours, whoever made it: root is never held.
 */
static int is_subject(const struct xt_table *table, const struct branches *branches, const char *chain,
		      struct uid_range *ret)
{
	if (plan_parse_chain_name(chain, ret) != 0 || ret->first == 0)
		return 0;
	if (branches->count && bsearch(ret, branches->uids, branches->count, sizeof(*ret), compare_ranges))
		return 1;
	return looks_ours(table, chain, *ret);
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

/* libiptc walks chains and rules by one cursor each: the names are taken first, then looked at. */
static int read_chains(const struct xt_table *table, char (**ret)[PLAN_CHAIN_MAX], size_t *ret_count)
{
	const struct xtc_ops *ops = table->family->ops;
	char(*chains)[PLAN_CHAIN_MAX] = calloc(count_chains(table) + 1, sizeof(*chains));
	size_t count = 0;

	if (!chains)
		return -ENOMEM;
	for (const char *chain = ops->first_chain(table->handle); chain;
	     chain = ops->next_chain(table->handle))
		snprintf(chains[count++], sizeof(*chains), "%s", chain);
	*ret = chains;
	*ret_count = count;
	return 0;
}

static int find_subjects(const struct xt_table *table, const struct branches *branches,
			 struct uid_range *subjects, size_t *ret_count)
{
	AUTO_FREE char(*chains)[PLAN_CHAIN_MAX] = NULL;
	size_t chain_count = 0, count = 0;
	int r = read_chains(table, &chains, &chain_count);

	for (size_t i = 0; r >= 0 && i < chain_count; i++) {
		r = is_subject(table, branches, chains[i], &subjects[count]);
		if (r > 0)
			count++;
	}
	*ret_count = count;
	return r < 0 ? r : 0;
}

int xt_subjects(const struct xt_table *table, struct uid_range **ret, size_t *ret_count)
{
	AUTO_FREE struct uid_range *subjects = calloc(count_chains(table) + 1, sizeof(*subjects));
	AUTO_FREE struct uid_range *owned = NULL;
	struct branches branches;
	size_t count = 0;
	int error = subjects ? read_branches(table, &branches) : -ENOMEM;

	if (error)
		return error;
	owned = branches.uids;
	error = find_subjects(table, &branches, subjects, &count);
	if (error)
		return error;
	qsort(subjects, count, sizeof(*subjects), compare_subjects);
	*ret = util_steal(subjects);
	*ret_count = count;
	return 0;
}
