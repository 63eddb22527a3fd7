/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file for nft -f: one table of its own, made anew by each load. */
#include "config.h"

#include "export.h"

#define LOG_BURST 5

static void print_address(const struct egress_rule *rule, FILE *out)
{
	if (rule->family != AF_UNSPEC)
		fprintf(out, "meta nfproto %s ", rule->family == AF_INET ? "ipv4" : "ipv6");
	if (export_has_address(rule))
		fprintf(out, "%s %s %s ", rule->family == AF_INET ? "ip" : "ip6",
			rule->match == EGRESS_MATCH_REPLIES ? "saddr" : "daddr", rule->to);
}

static void print_protocol(const struct egress_rule *rule, FILE *out)
{
	char protocol[EXPORT_PROTOCOL_MAX];

	if (rule->protocol == 0)
		return;
	export_protocol(rule, protocol);
	if (!export_has_ports(rule)) {
		fprintf(out, "meta l4proto %s ", protocol);
		return;
	}
	fprintf(out, "%s %s %u", protocol, rule->match == EGRESS_MATCH_REPLIES ? "sport" : "dport", rule->port_first);
	if (rule->port_last > rule->port_first)
		fprintf(out, "-%u", rule->port_last);
	putc(' ', out);
}

static void print_match(enum egress_match match, FILE *out)
{
	switch (match) {
	case EGRESS_MATCH_ALL:
		break;
	case EGRESS_MATCH_REPLIES:
		fputs("tcp flags & (syn | ack) != syn ", out);
		break;
	case EGRESS_MATCH_OPTIONS:
		fputs("ip hdrlength > 5 ", out);
		break;
	case EGRESS_MATCH_ROUTING:
		fputs("exthdr rt exists ", out);
		break;
	}
}

static void print_action(const struct egress_plan *plan, const struct egress_rule *rule, FILE *out)
{
	switch (rule->action) {
	case EGRESS_RULE_ALLOW:
		fputs("return", out);
		break;
	case EGRESS_RULE_LOG:
		fprintf(out, "limit rate %u/%s burst %u packets log prefix \"egress \" group %u", plan->log_rate,
			export_period(plan), LOG_BURST, plan->log_group);
		break;
	case EGRESS_RULE_REJECT_RESET:
		fputs("reject with tcp reset", out);
		break;
	case EGRESS_RULE_REJECT_PROHIBITED:
		fputs("reject with icmpx type admin-prohibited", out);
		break;
	case EGRESS_RULE_DROP:
		fputs("drop", out);
		break;
	}
}

static void print_rule(const struct egress_plan *plan, const struct egress_rule *rule, FILE *out)
{
	fputs("\t\t", out);
	print_address(rule, out);
	print_protocol(rule, out);
	print_match(rule->match, out);
	if (rule->loopback)
		fputs("oifname \"lo\" ", out);
	print_action(plan, rule, out);
	putc('\n', out);
}

/*
 * A goto: "return" then ends in the policy of the base chain, and the tables of others go on. A rule a range: an interval
 * set that is made and first used in one transaction misses packets right after (112 in 547 loads).
 */
static void print_entries(const struct egress_plan *plan, FILE *out)
{
	char range[TEXT_RANGE_MAX];

	for (size_t i = 0; i < plan->range_count; i++)
		fprintf(out, "\t\tmeta skuid %s goto plan\n", text_range(&plan->ranges[i], range));
}

enum exit_code export_nft(const struct egress_plan *plan, FILE *out)
{
	char uids[TEXT_RANGE_MAX];

	export_uids(plan, uids);
	export_header(plan, out);
	fprintf(out,
		"# Load: nft -f FILE. Take away: nft delete table inet egress-export-%s\n"
		"table inet egress-export-%s\n"
		"delete table inet egress-export-%s\n"
		"table inet egress-export-%s {\n"
		"\tchain output {\n"
		"\t\ttype filter hook output priority filter - 5; policy accept;\n",
		uids, uids, uids, uids);
	print_entries(plan, out);
	fputs("\t}\n"
	      "\tchain plan {\n",
	      out);
	for (struct egress_rule **rule = plan->rules; *rule; rule++)
		print_rule(plan, *rule, out);
	fputs("\t}\n}\n", out);
	return EXIT_DONE;
}
