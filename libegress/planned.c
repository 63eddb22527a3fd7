/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "planned.h"

#include "coverage.h"
#include "drift.h"
#include "plan.h"
#include "subids.h"
#include "subordinates.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whose plan it is, and why. */
struct planned {
	struct uid_range uids;
	struct person person;          /* of a single uid */
	const struct account *account; /* of the configuration */
	struct uid_ranges ranges;      /* the subordinate ones */
};

static void planned_clear(struct planned *planned)
{
	person_clear(&planned->person);
	uid_ranges_clear(&planned->ranges);
}
#define AUTO_PLANNED __attribute__((cleanup(planned_clear)))

/* --- From a plan to the structs of egress.h --- */

static enum egress_action action_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ALLOW:
		return EGRESS_RULE_ALLOW;
	case VERDICT_LOG:
		return EGRESS_RULE_LOG;
	case VERDICT_REJECT_RESET:
		return EGRESS_RULE_REJECT_RESET;
	case VERDICT_REJECT_PROHIBITED:
		return EGRESS_RULE_REJECT_PROHIBITED;
	case VERDICT_DROP:
		break;
	}
	return EGRESS_RULE_DROP;
}

static enum egress_match match_of(enum match match)
{
	switch (match) {
	case MATCH_ALL:
		return EGRESS_MATCH_ALL;
	case MATCH_REPLIES:
		return EGRESS_MATCH_REPLIES;
	case MATCH_OPTIONS:
		return EGRESS_MATCH_OPTIONS;
	case MATCH_ROUTING:
		break;
	}
	return EGRESS_MATCH_ROUTING;
}

static bool is_to_proxy(const struct rule *rule, const struct profile *profile)
{
	if (rule->verdict != VERDICT_ALLOW || rule->match != MATCH_ALL || rule->proto != IPPROTO_TCP)
		return false;
	for (size_t i = 0; i < profile->proxy_count; i++) {
		const struct endpoint *proxy = &profile->proxies[i].endpoint;
		const struct prefix to = prefix_of_host(&proxy->addr);

		if (prefix_equal(&rule->to, &to) && rule->ports.first == proxy->port &&
		    rule->ports.last == proxy->port)
			return true;
	}
	return false;
}

static int tell_rule(const struct rule *rule, const struct profile *profile, struct egress_rule **ret)
{
	struct egress_rule *told = calloc(1, sizeof(*told));
	char to[PREFIX_TEXT_MAX] = "";

	if (!told)
		return -ENOMEM;
	*ret = told; /* owned by the plan from here on, whole or not */
	told->family = rule->family;
	told->action = action_of(rule->verdict);
	told->match = match_of(rule->match);
	told->protocol = rule->proto;
	told->port_first = rule->ports.first;
	told->port_last = rule->ports.last;
	told->loopback = rule->verdict == VERDICT_ALLOW && rule_is_loopback(rule);
	told->proxy = is_to_proxy(rule, profile);
	if (rule->family != AF_UNSPEC && !rule_is_forged(rule))
		addr_print_prefix(&rule->to, to);
	told->to = strdup(to);
	return told->to ? 0 : -ENOMEM;
}

static int tell_rules(const struct plan *plan, const struct profile *profile, struct egress_plan *told)
{
	int r = 0;

	told->uid_first = plan->uids.first;
	told->uid_last = plan->uids.last;
	told->log_group = plan->log.group;
	told->log_rate = plan->log.rate;
	told->log_period = plan->log.period;
	told->rules = calloc(plan->rule_count + 1, sizeof(*told->rules));
	if (!told->rules)
		return -ENOMEM;
	for (size_t i = 0; !r && i < plan->rule_count; i++)
		r = tell_rule(&plan->rules[i], profile, &told->rules[i]);
	return r;
}

static int tell_ranges(const struct planned *planned, struct egress_plan *told)
{
	told->ranges = calloc(planned->ranges.count + 1, sizeof(*told->ranges));
	if (!told->ranges)
		return -ENOMEM;
	told->ranges[told->range_count++] = (struct egress_uid_range){ planned->uids.first, planned->uids.last };
	for (size_t i = 0; i < planned->ranges.count; i++)
		told->ranges[told->range_count++] =
			(struct egress_uid_range){ planned->ranges.items[i].first, planned->ranges.items[i].last };
	return 0;
}

static int tell(const char *name, const struct planned *planned, struct egress_plan **ret)
{
	const struct profile *profile = planned->account->profile;
	struct egress_plan *told = calloc(1, sizeof(*told));
	struct plan plan = { 0 };
	int r = told ? plan_compile(profile, planned->uids, &plan) : -ENOMEM;

	if (!r)
		r = tell_rules(&plan, profile, told);
	plan_clear(&plan);
	if (!r)
		r = tell_ranges(planned, told);
	if (!r) {
		told->account = strdup(name);
		told->profile = strdup(profile->name);
		r = told->account && told->profile ? 0 : -ENOMEM;
	}
	if (r) {
		egress_plan_free(told);
		return r;
	}
	*ret = told;
	return 0;
}

/* --- Whose --- */

/* A range that the configuration names as such. 1, 0. */
static int match_range(const struct conf *conf, struct uid_range uids, const struct account **ret)
{
	for (size_t i = 0; i < conf->account_count; i++) {
		const struct account *account = &conf->accounts[i];

		if (account->by == ACCOUNT_BY_UID && uid_range_compare(account->uids, uids) == 0) {
			*ret = account;
			return 1;
		}
	}
	return 0;
}

/* 1, 0, or a negative errno. */
static int match(struct egress_ctx *ctx, const char *user, const struct conf *conf, struct planned *planned)
{
	int r;

	if (planned->uids.first != planned->uids.last)
		return match_range(conf, planned->uids, &planned->account);
	r = subject_person(ctx, user, &planned->person);
	return r ? r : person_match(&planned->person, conf, &ctx->fault, &planned->account);
}

/* As an open finds them. What sync had from a name service root alone can read: for others that is asked again. */
static int find_ranges(struct egress_ctx *ctx, const struct conf *conf, struct planned *planned)
{
	struct subordinates who = { .conf = conf, .account = planned->account, .person = &planned->person };
	struct subuid_paths paths = ctx->subuid;
	AUTO_FREE char *asked = NULL;
	int r = 0;

	if (planned->uids.first != planned->uids.last ||
	    planned->account->profile->subordinate_ids == SUBORDINATE_IGNORE)
		return 0;
	if (geteuid() != 0 && ctx->subids) {
		r = subids_tell(ctx, &planned->person, &asked);
		paths.libdir = NULL;
		paths.asked = asked;
	}
	return r ? r : subordinates_read(&paths, &who, &ctx->fault, &planned->ranges);
}

int planned_find(struct egress_ctx *ctx, const char *user, struct egress_plan **ret)
{
	AUTO_PLANNED struct planned planned = { .account = NULL };
	struct conf_view view = { 0 };
	int r = subject_parse(ctx, user, &planned.uids);

	if (!r)
		r = coverage_load(ctx, &view);
	if (!r)
		r = match(ctx, user, view.conf, &planned);
	if (r == 0 && view.conf)
		r = fault_set(&ctx->fault, -ENOENT, "user \"%s\": nothing covers it", user);
	if (r > 0)
		r = find_ranges(ctx, view.conf, &planned);
	if (r == 0)
		r = tell(user, &planned, ret);
	if (r == -ENOMEM)
		fault_set(&ctx->fault, r, "plan: no memory");
	conf_view_clear(&view);
	return r;
}

/* --- Names --- */

static int add_account(const struct account *account, char ***lines)
{
	char uids[UID_RANGE_TEXT_MAX];

	switch (account->by) {
	case ACCOUNT_BY_USER:
		return lines_add(lines, "%s", account->name);
	case ACCOUNT_BY_UID:
		return lines_add(lines, "%s", addr_print_uid_range(account->uids, uids));
	case ACCOUNT_BY_GROUP: /* who is in it only a name service knows, and not always */
		break;
	}
	return 0;
}

int planned_names(struct egress_ctx *ctx, enum egress_names_of of, char ***ret)
{
	char **lines = calloc(1, sizeof(char *));
	struct conf_view view = { 0 };
	int r = lines ? coverage_load(ctx, &view) : -ENOMEM;

	for (size_t i = 0; !r && of == EGRESS_NAMES_ACCOUNTS && i < view.conf->account_count; i++)
		r = add_account(&view.conf->accounts[i], &lines);
	for (size_t i = 0; !r && of == EGRESS_NAMES_PROFILES && i < view.conf->profile_count; i++)
		r = lines_add(&lines, "%s", view.conf->profiles[i]->name);
	conf_view_clear(&view);
	if (r) {
		egress_lines_free(lines);
		return r == -ENOMEM ? fault_set(&ctx->fault, r, "names: no memory") : r;
	}
	*ret = lines;
	return 0;
}
