/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan-decide.h"

static bool fits_destination(const struct rule *rule, const struct packet *packet)
{
	if (rule->family == AF_UNSPEC)
		return true;
	if (rule->family != packet->to.family || !prefix_contains(&rule->to, &packet->to))
		return false;
	return !(rule->verdict == VERDICT_ALLOW && rule_is_loopback(rule) && packet->by_card);
}

/* "Every port" is no match: it takes in what has none. */
static bool fits_port(struct port_range ports, uint16_t port)
{
	return (ports.first <= 1 && ports.last == UINT16_MAX) || (ports.first <= port && port <= ports.last);
}

/* The rule's addresses and ports are where it comes from. */
static bool fits_source(const struct rule *rule, const struct packet *packet)
{
	return packet->reply && !packet->by_card && rule->family == packet->from.family &&
	       prefix_contains(&rule->to, &packet->from) && fits_port(rule->ports, packet->source_port);
}

static bool fits(const struct rule *rule, const struct packet *packet)
{
	if (rule->proto != PROTO_ANY && rule->proto != packet->proto)
		return false;
	if (rule->match == MATCH_REPLIES)
		return fits_source(rule, packet);
	return (packet->forged || !rule_is_forged(rule)) && fits_destination(rule, packet) &&
	       fits_port(rule->ports, packet->port);
}

const struct rule *plan_decide(const struct plan *plan, const struct packet *packet)
{
	for (size_t i = 0; i < plan->rule_count; i++) {
		const struct rule *rule = &plan->rules[i];

		if (rule->verdict != VERDICT_LOG && fits(rule, packet))
			return rule;
	}
	return NULL;
}
