/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One file for both iptables-restore and ip6tables-restore: each passes over the lines that begin with the
 * other's -6 or -4, see iptables(8).
 */
#include "config.h"

#include <stdint.h>

#include "export.h"

/* "EXPORT-4294967294-4294967294" is as long as a chain's name may be. */
#define CHAIN "EXPORT-"

#define LOG_BURST 5
/* The kernel saves up no more than 2^32 / 32,000 seconds' worth of packets, and refuses a rule that says so. */
#define BURST_SECONDS 134217

static unsigned int burst_of(const struct egress_plan *plan)
{
	uint64_t most = (uint64_t)BURST_SECONDS * plan->log_rate / plan->log_period;

	return most < 1 ? 1 : most < LOG_BURST ? (unsigned int)most : LOG_BURST;
}

static void print_family(int family, FILE *out)
{
	if (family != AF_UNSPEC)
		fputs(family == AF_INET ? "-4 " : "-6 ", out);
}

static void print_ports(const struct egress_rule *rule, const char *protocol, FILE *out)
{
	if (!export_has_ports(rule))
		return;
	fprintf(out, " -m %s %s %u", protocol, rule->match == EGRESS_MATCH_REPLIES ? "--sport" : "--dport",
		rule->port_first);
	if (rule->port_last > rule->port_first)
		fprintf(out, ":%u", rule->port_last);
}

static void print_match(enum egress_match match, FILE *out)
{
	switch (match) {
	case EGRESS_MATCH_ALL:
		break;
	case EGRESS_MATCH_REPLIES:
		fputs(" -m tcp ! --tcp-flags SYN,ACK SYN", out);
		break;
	case EGRESS_MATCH_OPTIONS: /* more than five words of header, in the first byte's lower half */
		fputs(" -m u32 --u32 0x0>>0x18=0x46:0x4f", out);
		break;
	case EGRESS_MATCH_ROUTING:
		fputs(" -m rt", out);
		break;
	}
}

static void print_matches(const struct egress_rule *rule, FILE *out)
{
	char protocol[EXPORT_PROTOCOL_MAX];

	if (export_has_address(rule))
		fprintf(out, " %s %s", rule->match == EGRESS_MATCH_REPLIES ? "-s" : "-d", rule->to);
	if (rule->loopback)
		fputs(" -o lo", out);
	if (rule->protocol != 0) {
		export_protocol(rule, protocol);
		fprintf(out, " -p %s", protocol);
		print_ports(rule, protocol, out);
	}
	print_match(rule->match, out);
}

static void print_rule(const struct egress_rule *rule, int family, const char *uids, const char *target,
		       FILE *out)
{
	print_family(family, out);
	fprintf(out, "-A " CHAIN "%s", uids);
	print_matches(rule, out);
	fprintf(out, " %s\n", target);
}

static void print_log(const struct egress_plan *plan, const struct egress_rule *rule, const char *uids, FILE *out)
{
	char target[160];

	snprintf(target, sizeof(target),
		 "-m limit --limit %u/%s --limit-burst %u -j NFLOG --nflog-group %u --nflog-prefix \"egress uid=%s\"",
		 plan->log_rate, export_period(plan), burst_of(plan), plan->log_group, uids);
	print_rule(rule, rule->family, uids, target, out);
}

/* The families have words of their own for it. */
static void print_prohibited(const struct egress_rule *rule, const char *uids, FILE *out)
{
	if (rule->family != AF_INET6)
		print_rule(rule, AF_INET, uids, "-j REJECT --reject-with icmp-admin-prohibited", out);
	if (rule->family != AF_INET)
		print_rule(rule, AF_INET6, uids, "-j REJECT --reject-with icmp6-adm-prohibited", out);
}

static void print_action(const struct egress_plan *plan, const struct egress_rule *rule, const char *uids, FILE *out)
{
	switch (rule->action) {
	case EGRESS_RULE_ALLOW:
		print_rule(rule, rule->family, uids, "-j RETURN", out);
		break;
	case EGRESS_RULE_LOG:
		print_log(plan, rule, uids, out);
		break;
	case EGRESS_RULE_REJECT_RESET:
		print_rule(rule, rule->family, uids, "-j REJECT --reject-with tcp-reset", out);
		break;
	case EGRESS_RULE_REJECT_PROHIBITED:
		print_prohibited(rule, uids, out);
		break;
	case EGRESS_RULE_DROP:
		print_rule(rule, rule->family, uids, "-j DROP", out);
		break;
	}
}

static void print_take_away(const struct egress_plan *plan, const char *uids, FILE *out)
{
	char range[TEXT_RANGE_MAX];

	fputs("# Take away, with both: ", out);
	for (size_t i = 0; i < plan->range_count; i++)
		fprintf(out, "-D OUTPUT -m owner --uid-owner %s -j " CHAIN "%s, ", text_range(&plan->ranges[i], range),
			uids);
	fprintf(out, "-F " CHAIN "%s, -X " CHAIN "%s\n", uids, uids);
}

/* A jump, no goto: RETURN then leads back to the host's own rules. */
static void print_entries(const struct egress_plan *plan, const char *uids, FILE *out)
{
	char range[TEXT_RANGE_MAX];

	for (size_t i = 0; i < plan->range_count; i++)
		fprintf(out, "-I OUTPUT 1 -m owner --uid-owner %s -j " CHAIN "%s\n",
			text_range(&plan->ranges[i], range), uids);
}

enum exit_code export_iptables(const struct egress_plan *plan, FILE *out)
{
	char uids[TEXT_RANGE_MAX];

	export_uids(plan, uids);
	export_header(plan, out);
	fputs("# Load once: iptables-restore --noflush FILE && ip6tables-restore --noflush FILE\n", out);
	print_take_away(plan, uids, out);
	fprintf(out,
		"*filter\n"
		":" CHAIN "%s - [0:0]\n",
		uids);
	print_entries(plan, uids, out);
	for (struct egress_rule **rule = plan->rules; *rule; rule++)
		print_action(plan, *rule, uids, out);
	fputs("COMMIT\n", out);
	return EXIT_DONE;
}
