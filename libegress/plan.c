/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan.h"

#include "util.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define CHAIN_PREFIX "EGRESS-"
#define CHAIN_USABLE 28 /* what iptables leaves of XT_EXTENSION_MAXNAMELEN */

#define FORGED_RULES 2
#define TAIL_MAX 3 /* log, and at most two rules that refuse */

_Static_assert(sizeof(CHAIN_PREFIX "4294967294-4294967294") - 1 <= CHAIN_USABLE,
	       "the longest chain name fits iptables");

static const struct port_range every_port = { .first = 1, .last = 65535 };

static uint8_t resolve_proto(uint8_t proto, sa_family_t family)
{
	return proto == IPPROTO_ICMP && family == AF_INET6 ? IPPROTO_ICMPV6 : proto;
}

static struct rule allow_rule(const struct prefix *to, uint8_t proto, struct port_range ports,
			      struct origin origin)
{
	return (struct rule){
		.family = to->addr.family,
		.to = *to,
		.proto = resolve_proto(proto, to->addr.family),
		.ports = ports,
		.verdict = VERDICT_ALLOW,
		.origin = origin,
	};
}

static struct rule both_rule(uint8_t proto, enum verdict verdict)
{
	return (struct rule){
		.family = AF_UNSPEC,
		.proto = proto,
		.ports = every_port,
		.verdict = verdict,
	};
}

/* Before any rule that allows; answered whatever the profile says, so that one rule in the kernel serves all. */
static size_t put_forged_rules(struct rule *rules)
{
	static const struct {
		sa_family_t family;
		enum match match;
	} forged[FORGED_RULES] = { { AF_INET, MATCH_OPTIONS }, { AF_INET6, MATCH_ROUTING } };

	for (size_t i = 0; i < FORGED_RULES; i++)
		rules[i] = (struct rule){
			.family = forged[i].family,
			.to.addr.family = forged[i].family,
			.ports = every_port,
			.verdict = VERDICT_REJECT_PROHIBITED,
			.match = forged[i].match,
		};
	return FORGED_RULES;
}

static size_t count_allow_rules(const struct profile *profile)
{
	size_t count = profile->proxy_count, i;

	for (i = 0; i < profile->allow_count; i++)
		count += profile->allows[i].port_count ? profile->allows[i].port_count : 1;
	return count;
}

static size_t put_allow_rules(const struct profile *profile, struct rule *rules)
{
	size_t count = 0, i, k;

	for (i = 0; i < profile->proxy_count; i++) {
		const struct endpoint *proxy = &profile->proxies[i].endpoint;
		struct prefix to = prefix_of_host(&proxy->addr);

		rules[count++] = allow_rule(&to, IPPROTO_TCP,
					    (struct port_range){ proxy->port, proxy->port },
					    profile->proxies[i].origin);
	}
	for (i = 0; i < profile->allow_count; i++) {
		const struct allow *allow = &profile->allows[i];

		for (k = 0; k < allow->port_count; k++)
			rules[count++] = allow_rule(&allow->to, allow->proto, allow->ports[k], allow->origin);
		if (allow->port_count == 0)
			rules[count++] = allow_rule(&allow->to, allow->proto, every_port, allow->origin);
	}
	return count;
}

/*
 * A service on loopback may be the account's own. What it answers can be told by its port, but for UDP; with every
 * port listed it cannot be told from a client's.
 */
static size_t put_reply_rules(const struct rule *allows, size_t allow_count, struct rule *rules)
{
	size_t count = 0;

	for (size_t i = 0; i < allow_count; i++) {
		if (!rule_is_loopback(&allows[i]) || allows[i].proto != IPPROTO_TCP ||
		    (allows[i].ports.first <= 1 && allows[i].ports.last == UINT16_MAX))
			continue;
		rules[count] = allows[i];
		rules[count++].match = MATCH_REPLIES;
	}
	return count;
}

static size_t put_tail(const struct profile *profile, struct rule *rules)
{
	size_t count = 0;

	if (profile->log.enabled)
		rules[count++] = both_rule(PROTO_ANY, VERDICT_LOG);
	if (profile->reject == REJECT_DROP) {
		rules[count++] = both_rule(PROTO_ANY, VERDICT_DROP);
	} else {
		rules[count++] = both_rule(IPPROTO_TCP, VERDICT_REJECT_RESET);
		rules[count++] = both_rule(PROTO_ANY, VERDICT_REJECT_PROHIBITED);
	}
	return count;
}

#define COMPARE(a, b)                                                                              \
	do {                                                                                       \
		if ((a) != (b))                                                                    \
			return (a) < (b) ? -1 : 1;                                                 \
	} while (0)

static int compare_prefixes(const struct prefix *a, const struct prefix *b)
{
	COMPARE(a->length, b->length);
	if (a->addr.family == AF_INET6)
		return memcmp(&a->addr.v6, &b->addr.v6, sizeof(a->addr.v6));
	return memcmp(&a->addr.v4, &b->addr.v4, sizeof(a->addr.v4));
}

static int compare_rules(const struct rule *a, const struct rule *b)
{
	COMPARE(a->verdict, b->verdict);
	COMPARE(a->match, b->match);
	COMPARE(a->family, b->family);
	COMPARE(a->proto, b->proto);
	COMPARE(a->ports.first, b->ports.first);
	COMPARE(a->ports.last, b->ports.last);
	return a->family == AF_UNSPEC ? 0 : compare_prefixes(&a->to, &b->to);
}

/* Equal rules lie together, in the order of the plan. */
static int compare_places(const void *a, const void *b)
{
	const struct rule *x = *(struct rule *const *)a, *y = *(struct rule *const *)b;
	int order = compare_rules(x, y);

	if (order)
		return order;
	return x < y ? -1 : x > y;
}

/*
 * Keeps the first of equal rules. By sorting: a profile of a megabyte may hold a hundred thousand.
 * *count is what is left. Errors: -ENOMEM.
 */
static int drop_duplicates(struct rule *rules, size_t *count)
{
	AUTO_FREE struct rule **places = calloc(*count, sizeof(*places));
	AUTO_FREE bool *again = calloc(*count, sizeof(*again));
	size_t kept = 0, i;

	if (!places || !again)
		return -ENOMEM;
	for (i = 0; i < *count; i++)
		places[i] = &rules[i];
	qsort(places, *count, sizeof(*places), compare_places);
	for (i = 1; i < *count; i++)
		again[places[i] - rules] = rule_equal(places[i - 1], places[i]);
	for (i = 0; i < *count; i++) {
		if (!again[i])
			rules[kept++] = rules[i];
	}
	*count = kept;
	return 0;
}

int plan_compile(const struct profile *profile, struct uid_range uids, struct plan *ret)
{
	AUTO_FREE struct rule *rules = NULL;
	size_t count, listed;

	rules = calloc(FORGED_RULES + 2 * count_allow_rules(profile) + TAIL_MAX, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	count = put_forged_rules(rules);
	listed = count + profile->proxy_count;
	count += put_allow_rules(profile, rules + count);
	/* Nobody held runs the proxy. */
	count += put_reply_rules(rules + listed, count - listed, rules + count);
	count += put_tail(profile, rules + count);
	if (drop_duplicates(rules, &count) < 0)
		return -ENOMEM;
	*ret = (struct plan){
		.uids = uids,
		.rules = util_steal(rules),
		.rule_count = count,
		.log = profile->log,
		.guard = profile->route_guard,
		.guard_required = profile->route_guard && (profile->required & LAYER_ROUTE_GUARD),
	};
	return 0;
}

int plans_compile(const struct profile *profile, const struct uid_ranges *uids, struct plan **ret)
{
	struct plan *plans = calloc(uids->count + 1, sizeof(*plans));
	int r = plans ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < uids->count; i++)
		r = plan_compile(profile, uids->items[i], &plans[i]);
	if (r) {
		plans_free(plans, uids->count);
		return r;
	}
	*ret = plans;
	return 0;
}

void plans_free(struct plan *plans, size_t count)
{
	for (size_t i = 0; plans && i < count; i++)
		plan_clear(&plans[i]);
	free(plans);
}

void plan_clear(struct plan *plan)
{
	free(plan->rules);
	*plan = (struct plan){ 0 };
}

#define LOOPBACK_NET 127
#define LOOPBACK_NET_LENGTH 8

bool rule_is_loopback(const struct rule *rule)
{
	const struct addr *addr = &rule->to.addr;

	if (rule->family == AF_INET)
		return rule->to.length >= LOOPBACK_NET_LENGTH &&
		       ntohl(addr->v4.s_addr) >> 24 == LOOPBACK_NET;
	return rule->family == AF_INET6 && rule->to.length == addr_bits(AF_INET6) &&
	       IN6_IS_ADDR_LOOPBACK(&addr->v6);
}

bool rule_is_forged(const struct rule *rule)
{
	return rule->match == MATCH_OPTIONS || rule->match == MATCH_ROUTING;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	return compare_rules(a, b) == 0;
}

/* 60 a minute is 1 a second. */
static bool log_equal(const struct log_rule *a, const struct log_rule *b)
{
	return a->group == b->group &&
	       (uint64_t)a->rate * b->period == (uint64_t)b->rate * a->period;
}

bool plan_equal(const struct plan *a, const struct plan *b)
{
	bool logs = false;
	size_t i;

	if (a->uids.first != b->uids.first || a->uids.last != b->uids.last ||
	    a->rule_count != b->rule_count)
		return false;
	for (i = 0; i < a->rule_count; i++) {
		if (!rule_equal(&a->rules[i], &b->rules[i]))
			return false;
		logs = logs || a->rules[i].verdict == VERDICT_LOG;
	}
	return !logs || log_equal(&a->log, &b->log);
}

char *plan_chain_name(struct uid_range uids, char name[PLAN_CHAIN_MAX])
{
	char text[UID_RANGE_TEXT_MAX];

	snprintf(name, PLAN_CHAIN_MAX, CHAIN_PREFIX "%s", addr_print_uid_range(uids, text));
	return name;
}

int plan_parse_chain_name(const char *name, struct uid_range *ret)
{
	size_t length = strlen(CHAIN_PREFIX);
	struct uid_range uids;

	if (strncmp(name, CHAIN_PREFIX, length) != 0 ||
	    addr_parse_uid_range(name + length, &uids) < 0)
		return -EINVAL;
	/* "EGRESS-5-5" reads as a range, but is not how we write uid 5. */
	if (uids.first == uids.last && strchr(name + length, '-'))
		return -EINVAL;
	*ret = uids;
	return 0;
}
