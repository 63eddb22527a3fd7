/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend-iptables.h"

#include "dispatch.h"
#include "util.h"
#include "xt-rule.h"

#include <string.h>

/* Lines about one family that concern everybody who is held; more would not tell more. */
#define COMMON_DRIFT_MAX 8

/* What one family's table says about all subjects. */
struct family_view {
	struct xt_table table; /* handle NULL: the family exists, its table does not */
	bool exists;
	struct uid_range *subjects; /* by dispatch_order */
	size_t subject_count;
	struct dispatch_branch *branches; /* of ours, as they stand */
	size_t branch_count;
	bool in_order; /* the branches are those that dispatch_make wants */
	struct standing common; /* only the drift */
};

/* The rules of one chain, and what they counted. */
struct chain_rules {
	struct rule *rules;
	size_t count;
};

static const char *view_name(const struct family_view *view)
{
	return view->table.family->name;
}

static void view_clear(struct family_view *view)
{
	xt_table_clear(&view->table);
	free(view->subjects);
	free(view->branches);
	for (char **line = view->common.drift; line && *line; line++)
		free(*line);
	free(view->common.drift);
}

/* --- What concerns everybody: the entry point and the dispatch. --- */

/* Rule NUMBER of OUTPUT is our jump; JUMPS came before it. */
static int add_jump(struct family_view *view, size_t number, size_t jumps)
{
	const char *name = view_name(view);

	if (jumps > 0)
		return standing_add_drift(&view->common,
					  "%s: OUTPUT rule %zu jumps to %s once more", name, number,
					  XT_CHAIN_ENTRY);
	if (number == 1)
		return 0;
	return standing_add_drift(&view->common, "%s: OUTPUT rule %zu, not rule 1, jumps to %s",
				  name, number, XT_CHAIN_ENTRY);
}

static int read_output(struct family_view *view)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct xt_items output;
	size_t jumps = 0;
	int error = xt_table_rules(&view->table, XT_CHAIN_OUTPUT, &output);

	if (error)
		return error;
	owned = output.items;
	for (size_t i = 0; i < output.count && !error && jumps < COMMON_DRIFT_MAX; i++) {
		const struct xt_item *item = &output.items[i];

		if (xt_is_jump(view->table.family, item->entry, item->target))
			error = add_jump(view, i + 1, jumps++);
	}
	if (jumps == 0 && !error)
		error = standing_add_drift(&view->common, "%s: nothing jumps to " XT_CHAIN_ENTRY,
					   view_name(view));
	return error;
}

static bool read_branch(const struct family_view *view, const struct xt_item *item,
			struct dispatch_branch *ret)
{
	plan_chain_name((struct uid_range){ 0 }, ret->target);
	return xt_branch_decode(view->table.family, item->entry, item->target, &ret->uids) &&
	       strcmp(plan_chain_name(ret->uids, ret->target), item->target) == 0;
}

static int read_branches(struct family_view *view)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct xt_items items;
	size_t foreign = 0;
	int error = xt_table_rules(&view->table, XT_CHAIN_ENTRY, &items);

	if (error)
		return error;
	owned = items.items;
	view->branches = calloc(items.count + 1, sizeof(*view->branches));
	if (!view->branches)
		return -ENOMEM;
	for (size_t i = 0; i < items.count && !error; i++) {
		if (read_branch(view, &items.items[i], &view->branches[view->branch_count]))
			view->branch_count++;
		else if (foreign++ < COMMON_DRIFT_MAX)
			error = standing_add_drift(&view->common,
						   "%s: " XT_CHAIN_ENTRY " rule %zu is not ours",
						   view_name(view), i + 1);
	}
	return error;
}

static int check_order(struct family_view *view)
{
	AUTO_FREE struct dispatch_branch *wanted = NULL;
	size_t count, i = 0;
	int error = dispatch_make(view->subjects, view->subject_count, &wanted, &count);

	if (error)
		return error;
	while (i < count && i < view->branch_count &&
	       dispatch_order(wanted[i].uids, view->branches[i].uids) == 0)
		i++;
	view->in_order = i == count && i == view->branch_count;
	return 0;
}

static int view_read_table(struct family_view *view, struct fault *fault)
{
	int error = xt_table_read(&view->table, view->table.family, fault);

	if (!error)
		error = xt_subjects(&view->table, &view->subjects, &view->subject_count);
	if (!error)
		error = read_output(view);
	if (!error)
		error = read_branches(view);
	return error ? error : check_order(view);
}

static int view_read(struct family_view *view, const struct xt_family *family, struct fault *fault)
{
	enum xt_table_state state;
	int error;

	view->table.family = family;
	view->exists = xt_family_exists(family);
	if (!view->exists)
		return 0;
	error = iptables_table_state(family, false, fault, &state);
	if (error)
		return error;
	if (state == XT_TABLE_PRESENT)
		error = view_read_table(view, fault);
	else
		error = standing_add_drift(&view->common, "%s: nothing jumps to " XT_CHAIN_ENTRY,
					   family->name);
	return error ? fault_set(fault, error, "%s: cannot list the filter table", family->name)
		     : 0;
}

/* --- One subject in one family --- */

static void add_counters(struct standing *standing, const struct rule *rule,
			 const struct xt_counters *counters)
{
	struct traffic *traffic = &standing->denied;

	if (rule->verdict == VERDICT_LOG)
		return;
	if (rule->verdict == VERDICT_ALLOW)
		traffic = &standing->allowed;
	traffic->packets += counters->pcnt;
	traffic->bytes += counters->bcnt;
}

static bool same_log(const struct log_rule *a, const struct log_rule *b)
{
	return a->group == b->group && a->rate == b->rate && a->period == b->period;
}

/* A plan has one meaning of "log". */
static int add_log(const struct family_view *view, struct standing *standing, const struct log_rule *log,
		   const char *chain, size_t number)
{
	if (!standing->plan.log.enabled)
		standing->plan.log = *log;
	if (same_log(&standing->plan.log, log))
		return 0;
	return standing_add_drift(standing, "%s: %s rule %zu logs unlike another rule",
				  view_name(view), chain, number);
}

static int read_account(const struct family_view *view, const char *chain, const struct xt_items *items,
			struct standing *standing, struct chain_rules *account)
{
	int error = 0;

	for (size_t i = 0; i < items->count && !error; i++) {
		const struct xt_item *item = &items->items[i];
		struct rule *rule = &account->rules[account->count];
		struct log_rule log;

		if (!xt_rule_decode(view->table.family, standing->plan.uids, item->entry,
				    item->target, rule, &log)) {
			error = standing_add_drift(standing, "%s: %s rule %zu is not ours",
						   view_name(view), chain, i + 1);
			continue;
		}
		account->count++;
		add_counters(standing, rule, xt_entry_counters(view->table.family, item->entry));
		if (rule->verdict == VERDICT_LOG)
			error = add_log(view, standing, &log, chain, i + 1);
	}
	return error;
}

static int read_chain(const struct family_view *view, const char *chain, struct standing *standing,
		      struct chain_rules *account)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct xt_items items;
	int error;

	if (!view->table.handle || !xt_table_has_chain(&view->table, chain))
		return standing_add_drift(standing, "%s: %s is missing", view_name(view), chain);
	error = xt_table_rules(&view->table, chain, &items);
	if (error)
		return error;
	owned = items.items;
	account->rules = calloc(items.count + 1, sizeof(*account->rules));
	if (!account->rules)
		return -ENOMEM;
	if (items.count == 0)
		return standing_add_drift(standing, "%s: %s is empty", view_name(view), chain);
	return read_account(view, chain, &items, standing, account);
}

/* A wider range that branches off first decides in the subject's place. */
static int check_dispatch(const struct family_view *view, const char *chain, struct standing *standing)
{
	struct uid_range uids = standing->plan.uids;
	size_t found = 0;
	int error = 0;

	if (view->in_order)
		return 0;
	for (size_t i = 0; i < view->branch_count && !error; i++) {
		const struct dispatch_branch *branch = &view->branches[i];
		int order = dispatch_order(branch->uids, uids);

		if (order == 0)
			found++;
		else if (order > 0 && !found && dispatch_overlap(branch->uids, uids))
			error = standing_add_drift(standing,
						   "%s: the dispatch leads to %s before %s",
						   view_name(view), branch->target, chain);
	}
	if (found == 0 && !error)
		error = standing_add_drift(standing, "%s: no dispatch leads to %s", view_name(view),
					   chain);
	else if (found > 1 && !error)
		error = standing_add_drift(standing, "%s: the dispatch leads to %s %zu times",
					   view_name(view), chain, found);
	return error;
}

static int view_read_subject(const struct family_view *view, struct standing *standing,
			     struct chain_rules *account)
{
	char chain[PLAN_CHAIN_MAX];
	int error = 0;

	for (char **line = view->common.drift; line && *line && !error; line++)
		error = standing_add_drift(standing, "%s", *line);
	plan_chain_name(standing->plan.uids, chain);
	if (!error)
		error = read_chain(view, chain, standing, account);
	if (!error && account->rules)
		error = check_dispatch(view, chain, standing);
	return error;
}

/* --- One plan of two chains --- */

static bool is_for_both(const struct rule *a, const struct rule *b)
{
	return prefix_is_any(&a->to) && prefix_is_any(&b->to) && a->proto == b->proto &&
	       a->ports.first == b->ports.first && a->ports.last == b->ports.last &&
	       a->verdict == b->verdict;
}

/* Where RULE stands in ACCOUNT from FROM on; its count if nowhere. */
static size_t find_for_both(const struct chain_rules *account, size_t from, const struct rule *rule)
{
	while (from < account->count && !is_for_both(&account->rules[from], rule))
		from++;
	return from;
}

static void plan_add(struct plan *plan, const struct rule *rule, sa_family_t family)
{
	struct rule *added = &plan->rules[plan->rule_count++];

	*added = *rule;
	added->family = family;
	if (family == AF_UNSPEC)
		added->to = (struct prefix){ 0 };
}

/*
 * Each family's order is kept; a rule that both have becomes one. Where the kernel cannot tell
 * which family came first, the first does: see plan_same_rules.
 */
static int merge(const struct chain_rules *first, const struct chain_rules *second, struct plan *plan)
{
	size_t k = 0;

	plan->rules = calloc(first->count + second->count + 1, sizeof(*plan->rules));
	if (!plan->rules)
		return -ENOMEM;
	for (size_t i = 0; i < first->count; i++) {
		const struct rule *rule = &first->rules[i];
		size_t same = prefix_is_any(&rule->to) ? find_for_both(second, k, rule)
						       : second->count;

		if (same == second->count) {
			plan_add(plan, rule, rule->family);
			continue;
		}
		for (; k < same; k++)
			plan_add(plan, &second->rules[k], second->rules[k].family);
		plan_add(plan, rule, AF_UNSPEC);
		k++;
	}
	for (; k < second->count; k++)
		plan_add(plan, &second->rules[k], second->rules[k].family);
	return 0;
}

static int read_standing(const struct family_view *views, struct uid_range uids, struct standing *standing)
{
	struct chain_rules accounts[XT_FAMILY_COUNT] = { 0 };
	int error = 0;

	_Static_assert(XT_FAMILY_COUNT == 2, "merge takes two");
	standing->plan.uids = uids;
	for (size_t i = 0; i < XT_FAMILY_COUNT && !error; i++) {
		if (views[i].exists)
			error = view_read_subject(&views[i], standing, &accounts[i]);
	}
	if (!error)
		error = merge(&accounts[0], &accounts[1], &standing->plan);
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		free(accounts[i].rules);
	return error;
}

/* --- All subjects --- */

static int compare_uids(const void *a, const void *b)
{
	return uid_range_compare(*(const struct uid_range *)a, *(const struct uid_range *)b);
}

static bool is_wanted(const struct uid_range *uids, const struct uid_range *only)
{
	return !only || compare_uids(uids, only) == 0;
}

/* The subjects that stand in any family, ascending, each once. */
static int collect_subjects(const struct family_view *views, const struct uid_range *only,
			    struct uid_range **ret, size_t *ret_count)
{
	size_t count = 0, kept = 0;
	struct uid_range *all;

	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		count += views[i].subject_count;
	all = calloc(count + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	count = 0;
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++) {
		for (size_t k = 0; k < views[i].subject_count; k++) {
			if (is_wanted(&views[i].subjects[k], only))
				all[count++] = views[i].subjects[k];
		}
	}
	qsort(all, count, sizeof(*all), compare_uids);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || compare_uids(&all[kept - 1], &all[i]) != 0)
			all[kept++] = all[i];
	}
	*ret = all;
	*ret_count = kept;
	return 0;
}

static int read_all(const struct family_view *views, const struct uid_range *only, struct standing **ret,
		    size_t *ret_count)
{
	AUTO_FREE struct uid_range *subjects = NULL;
	struct standing *standing;
	size_t count;
	int error = collect_subjects(views, only, &subjects, &count);

	if (error)
		return error;
	standing = calloc(count + 1, sizeof(*standing));
	if (!standing)
		return -ENOMEM;
	for (size_t i = 0; i < count && !error; i++)
		error = read_standing(views, subjects[i], &standing[i]);
	if (error) {
		standing_free(standing, count);
		return error;
	}
	*ret = standing;
	*ret_count = count;
	return 0;
}

int iptables_list(struct backend *backend, const struct uid_range *only, struct fault *fault,
		  struct standing **ret, size_t *ret_count)
{
	struct family_view views[XT_FAMILY_COUNT] = { 0 };
	int error = 0;

	(void)backend; /* holding it is holding the lock */
	for (size_t i = 0; i < XT_FAMILY_COUNT && !error; i++)
		error = view_read(&views[i], &xt_families[i], fault);
	if (!error) {
		error = read_all(views, only, ret, ret_count);
		if (error)
			fault_set(fault, error, "iptables: out of memory");
	}
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		view_clear(&views[i]);
	return error;
}
