/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan-compare.h"

#include "util.h"

#define LOG_TICKS 10000 /* a second, as the kernel's limit match counts */

static const sa_family_t families[] = { AF_INET, AF_INET6 };

const struct rule *plan_next_rule(const struct plan *plan, sa_family_t family, size_t *index)
{
	while (*index < plan->rule_count) {
		const struct rule *rule = &plan->rules[(*index)++];

		if (rule->family == AF_UNSPEC || rule->family == family)
			return rule;
	}
	return NULL;
}

static bool is_anywhere(const struct rule *rule)
{
	return rule->family == AF_UNSPEC || prefix_is_any(&rule->to);
}

static bool same_destination(const struct rule *a, const struct rule *b)
{
	if (is_anywhere(a) || is_anywhere(b))
		return is_anywhere(a) && is_anywhere(b);
	return prefix_equal(&a->to, &b->to);
}

static bool same_log(const struct log_rule *a, const struct log_rule *b)
{
	return a->group == b->group && a->rate && b->rate &&
	       (uint64_t)LOG_TICKS * a->period / a->rate ==
		       (uint64_t)LOG_TICKS * b->period / b->rate;
}

static bool same_rule(const struct plan *plan_a, const struct rule *a, const struct plan *plan_b,
		      const struct rule *b)
{
	return a->proto == b->proto && a->ports.first == b->ports.first &&
	       a->ports.last == b->ports.last && a->verdict == b->verdict && a->match == b->match &&
	       same_destination(a, b) &&
	       (a->verdict != VERDICT_LOG || same_log(&plan_a->log, &plan_b->log));
}

bool plan_has_family(const struct plan *plan, sa_family_t family)
{
	size_t index = 0;

	return plan_next_rule(plan, family, &index);
}

static bool same_family(const struct plan *a, const struct plan *b, sa_family_t family)
{
	const struct rule *rule_a, *rule_b;
	size_t i = 0, k = 0;

	do {
		rule_a = plan_next_rule(a, family, &i);
		rule_b = plan_next_rule(b, family, &k);
		if (rule_a && rule_b && !same_rule(a, rule_a, b, rule_b))
			return false;
	} while (rule_a && rule_b);
	return !rule_a && !rule_b;
}

bool plan_same_rules(const struct plan *wanted, const struct plan *stands)
{
	bool any = false;

	if (wanted->uids.first != stands->uids.first || wanted->uids.last != stands->uids.last)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (!plan_has_family(stands, families[i]))
			continue;
		if (!same_family(wanted, stands, families[i]))
			return false;
		any = true;
	}
	return any;
}
