/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "export.h"
#include "output.h"

static const char *action_word(enum egress_action action)
{
	switch (action) {
	case EGRESS_RULE_ALLOW:
		return "allow";
	case EGRESS_RULE_LOG:
		return "log";
	case EGRESS_RULE_REJECT_RESET:
	case EGRESS_RULE_REJECT_PROHIBITED:
		return "reject";
	case EGRESS_RULE_DROP:
		break;
	}
	return "drop";
}

static json_t *with_json(enum egress_action action)
{
	if (action == EGRESS_RULE_REJECT_RESET)
		return json_string("reset");
	return action == EGRESS_RULE_REJECT_PROHIBITED ? json_string("prohibited") : json_null();
}

/* "replies": TO and PORTS are the source; see egress.h. */
static json_t *match_json(enum egress_match match)
{
	switch (match) {
	case EGRESS_MATCH_ALL:
		return json_null();
	case EGRESS_MATCH_REPLIES:
		return json_string("replies");
	case EGRESS_MATCH_OPTIONS:
		return json_string("options");
	case EGRESS_MATCH_ROUTING:
		break;
	}
	return json_string("routing-header");
}

static json_t *ports_json(const struct egress_rule *rule)
{
	if (!export_has_ports(rule))
		return json_null();
	return json_pack("[i, i]", (int)rule->port_first, (int)rule->port_last);
}

static json_t *rule_json(const struct egress_rule *rule)
{
	static const char *const families[] = { [AF_UNSPEC] = "both", [AF_INET] = "ipv4", [AF_INET6] = "ipv6" };
	char protocol[EXPORT_PROTOCOL_MAX];

	return json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:b}",
			 "family", families[rule->family],
			 "action", action_word(rule->action),
			 "with", with_json(rule->action),
			 "protocol", export_protocol(rule, protocol),
			 "to", *rule->to ? output_json_string(rule->to) : json_null(),
			 "ports", ports_json(rule),
			 "match", match_json(rule->match),
			 "interface", rule->loopback ? json_string("lo") : json_null(),
			 "proxy", rule->proxy);
}

static json_t *log_json(const struct egress_plan *plan)
{
	for (struct egress_rule **rule = plan->rules; *rule; rule++) {
		if ((*rule)->action == EGRESS_RULE_LOG)
			return json_pack("{s:I, s:I, s:I}", "group", (json_int_t)plan->log_group, "rate",
					 (json_int_t)plan->log_rate, "period", (json_int_t)plan->log_period);
	}
	return json_null();
}

enum exit_code export_json(const struct egress_plan *plan, FILE *out)
{
	json_t *rules = must(json_array());

	for (struct egress_rule **rule = plan->rules; *rule; rule++) {
		if (json_array_append_new(rules, rule_json(*rule)) < 0)
			must(NULL);
	}
	output_json(out, json_pack("{s:o, s:I, s:o, s:o, s:o, s:o}",
				   "account", output_json_string(plan->account),
				   "uid", (json_int_t)plan->uid_first,
				   "ranges", output_json_ranges(plan->ranges, plan->range_count),
				   "profile", output_json_string(plan->profile),
				   "log", log_json(plan),
				   "rules", rules));
	return EXIT_DONE;
}
