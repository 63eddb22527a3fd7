/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend-iptables.h"

#include "ip-family.h"

#include "util.h"
#include "xt-dispatch.h"
#include "xt-passage.h"

#include <string.h>

/* Lines about one family that concern everybody who is held; more would not tell more. */
#define COMMON_DRIFT_MAX 8

/* What one family's table says about the subjects that are looked at. */
struct family_view {
	struct xt_table table; /* handle NULL: the family exists, its table does not */
	bool exists;
	struct xt_dispatch read;
	struct uid_range *subjects; /* ascending */
	size_t subject_count;
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
	xt_dispatch_clear(&view->read);
	free(view->subjects);
	for (char **line = view->common.drift; line && *line; line++)
		free(*line);
	free(view->common.drift);
}

/* --- What concerns everybody: the entry point --- */

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

static int read_forged(struct family_view *view)
{
	AUTO_FREE struct xt_item *owned = NULL;
	struct xt_items rules;
	const char *what = "is missing";
	int error = xt_table_rules(&view->table, XT_CHAIN_FORGED, &rules);

	if (error)
		return error;
	owned = rules.items;
	if (rules.count == 1 &&
	    xt_is_forged(view->table.family, rules.items[0].entry, rules.items[0].target))
		return 0;
	if (xt_table_has_chain(&view->table, XT_CHAIN_FORGED))
		what = rules.count ? "has other rules than ours" : "is empty";
	return standing_add_drift(&view->common, "%s: " XT_CHAIN_FORGED " %s", view_name(view), what);
}

static int view_read_table(struct family_view *view, const struct uid_range *only, struct fault *fault)
{
	int error = xt_table_read(&view->table, view->table.family, fault);

	if (!error)
		error = xt_dispatch_read(&view->table, only ? *only : DISPATCH_ROOT, &view->read);
	if (!error)
		error = xt_subjects(&view->table, &view->read.dispatch, only, &view->subjects,
				    &view->subject_count);
	if (!error)
		error = read_output(view);
	return error ? error : read_forged(view);
}

static int view_read(struct family_view *view, const struct xt_family *family,
		     const struct uid_range *only, struct fault *fault)
{
	enum xt_table_state state;
	int error;

	view->table.family = family;
	view->exists = ip_family_exists(family->family);
	if (!view->exists)
		return 0;
	error = iptables_table_state(family, false, fault, &state);
	if (error)
		return error;
	if (state == XT_TABLE_PRESENT)
		error = view_read_table(view, only, fault);
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

	if (rule->verdict == VERDICT_LOG || rule_is_forged(rule))
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
	struct xt_passage passage = { 0 };
	struct xt_counters refused;
	int error = 0;

	for (size_t i = 0; i < items->count && !error; i++) {
		const struct xt_item *item = &items->items[i];
		const struct xt_counters *counters = xt_entry_counters(view->table.family, item->entry);
		struct rule *rule = &account->rules[account->count];
		struct log_rule log;

		if (!xt_rule_decode(view->table.family, standing->plan.uids, item->entry,
				    item->target, rule, &log)) {
			error = standing_add_drift(standing, "%s: %s rule %zu is not ours",
						   view_name(view), chain, i + 1);
			xt_passage_add(&passage, NULL, counters);
			continue;
		}
		account->count++;
		xt_passage_add(&passage, rule, counters);
		add_counters(standing, rule, counters);
		if (rule->verdict == VERDICT_LOG)
			error = add_log(view, standing, &log, chain, i + 1);
	}
	refused = xt_passage_refused(&passage);
	standing->denied.packets += refused.pcnt;
	standing->denied.bytes += refused.bcnt;
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

/* --- The way of its packets --- */

static int add_flaw(const struct family_view *view, const struct xt_flaw *flaw, struct standing *standing)
{
	char chain[PLAN_CHAIN_MAX];

	dispatch_chain_name(flaw->block, chain);
	switch (flaw->what) {
	case XT_FLAW_FOREIGN:
		return standing_add_drift(standing, "%s: %s rule %zu is not ours", view_name(view), chain,
					  flaw->number);
	case XT_FLAW_LATE:
		return standing_add_drift(standing, "%s: %s rule %zu: an earlier one decides",
					  view_name(view), chain, flaw->number);
	case XT_FLAW_NO_GUARD:
		return standing_add_drift(standing, "%s: %s has no guard", view_name(view), chain);
	}
	return -EINVAL;
}

static int add_flaws(const struct family_view *view, struct standing *standing)
{
	int error = 0;

	for (size_t i = 0; i < view->read.flaw_count && !error; i++)
		if (dispatch_overlap(view->read.flaws[i].reach, standing->plan.uids))
			error = add_flaw(view, &view->read.flaws[i], standing);
	return error;
}

/* Where the dispatch leads a subject's packets, as far as it should not: the first of each kind. */
struct way {
	struct uid_range uids;
	bool is_open, has_wider;
	struct uid_range open, wider;
};

static int see_way(void *context, struct uid_range uids, const struct uid_range *subject)
{
	struct way *way = context;

	if (!subject && !way->is_open) {
		way->is_open = true;
		way->open = uids;
	} else if (subject && dispatch_order(*subject, way->uids) > 0 && !way->has_wider) {
		way->has_wider = true;
		way->wider = *subject;
	}
	return 0;
}

/* Narrower ones decide in its place, wider ones may not. */
static int check_dispatch(const struct family_view *view, const char *chain, struct standing *standing)
{
	struct way way = { .uids = standing->plan.uids };
	char text[UID_RANGE_TEXT_MAX], wider[PLAN_CHAIN_MAX];
	int error;

	dispatch_walk(&view->read.dispatch, way.uids, see_way, &way);
	error = way.has_wider ? standing_add_drift(standing, "%s: the dispatch leads to %s before %s",
						   view_name(view), plan_chain_name(way.wider, wider), chain)
			      : 0;
	if (error || !way.is_open)
		return error;
	if (uid_range_compare(way.open, way.uids) == 0)
		return standing_add_drift(standing, "%s: no dispatch leads to %s", view_name(view), chain);
	return standing_add_drift(standing, "%s: no dispatch leads to %s for uid %s", view_name(view), chain,
				  addr_print_uid_range(way.open, text));
}

static int view_read_subject(const struct family_view *view, struct standing *standing,
			     struct chain_rules *account)
{
	char chain[PLAN_CHAIN_MAX];
	int error = 0;

	for (char **line = view->common.drift; line && *line && !error; line++)
		error = standing_add_drift(standing, "%s", *line);
	if (!error)
		error = add_flaws(view, standing);
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
	       a->verdict == b->verdict && a->match == b->match;
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

/* The subjects that stand in any family, ascending, each once. */
static int collect_subjects(const struct family_view *views, struct uid_range **ret, size_t *ret_count)
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
		for (size_t k = 0; k < views[i].subject_count; k++)
			all[count++] = views[i].subjects[k];
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

static int read_all(const struct family_view *views, struct standing **ret, size_t *ret_count)
{
	AUTO_FREE struct uid_range *subjects = NULL;
	struct standing *standing;
	size_t count;
	int error = collect_subjects(views, &subjects, &count);

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
		error = view_read(&views[i], &xt_families[i], only, fault);
	if (!error) {
		error = read_all(views, ret, ret_count);
		if (error)
			fault_set(fault, error, "iptables: out of memory");
	}
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		view_clear(&views[i]);
	return error;
}
