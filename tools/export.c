/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "export.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

char *export_uids(const struct egress_plan *plan, char text[TEXT_RANGE_MAX])
{
	return text_range(&(struct egress_uid_range){ plan->uid_first, plan->uid_last }, text);
}

/* The first one is the account's own. */
static void print_subordinate(const struct egress_plan *plan, FILE *out)
{
	char range[TEXT_RANGE_MAX];

	for (size_t i = 1; i < plan->range_count; i++)
		fprintf(out, "%s%s", i == 1 ? "# Subordinate uids: " : ", ", text_range(&plan->ranges[i], range));
	if (plan->range_count > 1)
		putc('\n', out);
}

void export_header(const struct egress_plan *plan, FILE *out)
{
	char *account = text_escape(plan->account, TEXT_ASCII), *profile = text_escape(plan->profile, TEXT_ASCII);
	char uids[TEXT_RANGE_MAX];

	fprintf(out,
		"# egress: account %s, uid %s, profile %s\n"
		"# Made by \"egressctl export\" of the configuration and /etc/subuid; a change of them needs another export.\n"
		"# Packets alone: no sessions, hardening of processes, or sockets that were open before.\n",
		account, export_uids(plan, uids), profile);
	print_subordinate(plan, out);
	free(account);
	free(profile);
}

bool export_has_ports(const struct egress_rule *rule)
{
	return rule->port_first > 1 || rule->port_last < UINT16_MAX;
}

bool export_has_address(const struct egress_rule *rule)
{
	const char *slash = strchr(rule->to, '/');

	return slash && strcmp(slash, "/0") != 0;
}

char *export_protocol(const struct egress_rule *rule, char text[EXPORT_PROTOCOL_MAX])
{
	static const struct {
		unsigned int number;
		const char *name;
	} names[] = {
		{ 0, "any" },
		{ IPPROTO_TCP, "tcp" },
		{ IPPROTO_UDP, "udp" },
		{ IPPROTO_ICMP, "icmp" },
		{ IPPROTO_ICMPV6, "ipv6-icmp" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == rule->protocol) {
			snprintf(text, EXPORT_PROTOCOL_MAX, "%s", names[i].name);
			return text;
		}
	}
	snprintf(text, EXPORT_PROTOCOL_MAX, "%u", rule->protocol);
	return text;
}

const char *export_period(const struct egress_plan *plan)
{
	switch (plan->log_period) {
	case 1:
		return "second";
	case 60:
		return "minute";
	case 3600:
		return "hour";
	default:
		return "day";
	}
}
