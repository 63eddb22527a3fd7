/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What golden files cannot say about plans: names, comparisons, sizes. (t-golden.c has the rest.)
 */
#include "plan.h"

#include "render.h"
#include "unit.h"
#include "util.h"

#include <string.h>

static const struct {
	const char *name;
	struct uid_range uids;
} chains[] = {
	{ "EGRESS-1", { 1, 1 } },
	{ "EGRESS-2001", { 2001, 2001 } },
	{ "EGRESS-20000-29999", { 20000, 29999 } },
	{ "EGRESS-4294967294", { 4294967294, 4294967294 } },
	{ "EGRESS-4294967293-4294967294", { 4294967293, 4294967294 } },
};

START_TEST(chain_names_go_both_ways)
{
	char name[PLAN_CHAIN_MAX];
	struct uid_range uids;

	ck_assert_str_eq(plan_chain_name(chains[_i].uids, name), chains[_i].name);
	ck_assert_uint_le(strlen(name), 28);
	ck_assert_int_eq(plan_parse_chain_name(name, &uids), 0);
	ck_assert_uint_eq(uids.first, chains[_i].uids.first);
	ck_assert_uint_eq(uids.last, chains[_i].uids.last);
}
END_TEST

static const char *const foreign_chains[] = {
	"",
	"EGRESS",
	"EGRESS-",
	"EGRESS-x",
	"EGRESS-02001",
	"EGRESS-2001-",
	"EGRESS-2001x",
	"EGRESS-2001-2001",
	"EGRESS-2002-2001",
	"EGRESS-2001-02002",
	"EGRESS-1-2-3",
	"EGRESS-4294967295",
	"EGRESS-4294967296",
	"EGRESS-1-4294967295",
	"EGRESS--1",
	"EGRESS-+1",
	"EGRESS- 1",
	"egress-2001",
	"XEGRESS-2001",
	"EGRESS-2001 ",
	"EGRESS_2001",
	"EGRESS-99999999999",
};

START_TEST(foreign_chain_names_are_not_ours)
{
	struct uid_range uids = { 77, 77 };

	ck_assert_int_eq(plan_parse_chain_name(foreign_chains[_i], &uids), -EINVAL);
	ck_assert(uids.first == 77 && uids.last == 77);
}
END_TEST

static struct rule some_rule(const char *to)
{
	struct rule rule = { .proto = IPPROTO_TCP, .ports = { 443, 443 } };

	ck_assert_int_eq(addr_parse_prefix(to, &rule.to), 0);
	rule.family = rule.to.addr.family;
	return rule;
}

static void change_family(struct rule *rule)
{
	rule->family = AF_UNSPEC;
}

static void change_address(struct rule *rule)
{
	*rule = some_rule("2001:db8::2");
}

static void change_length(struct rule *rule)
{
	rule->to.length--;
}

static void change_proto(struct rule *rule)
{
	rule->proto = IPPROTO_UDP;
}

static void change_first_port(struct rule *rule)
{
	rule->ports.first--;
}

static void change_last_port(struct rule *rule)
{
	rule->ports.last++;
}

static void change_verdict(struct rule *rule)
{
	rule->verdict = VERDICT_DROP;
}

static void change_match(struct rule *rule)
{
	rule->match = MATCH_REPLIES;
}

static void (*const rule_changes[])(struct rule *) = {
	change_match,
	change_family,	change_address,	   change_length,    change_proto,
	change_verdict, change_first_port, change_last_port,
};

START_TEST(every_part_of_a_rule_counts)
{
	struct rule a = some_rule("2001:db8::1"), b = a;

	ck_assert(rule_equal(&a, &b));
	rule_changes[_i](&b);
	ck_assert(!rule_equal(&a, &b));
	ck_assert(!rule_equal(&b, &a));
}
END_TEST

START_TEST(the_destination_counts_only_with_a_family)
{
	struct rule a = some_rule("192.0.2.1"), b = some_rule("192.0.2.2");

	ck_assert(!rule_equal(&a, &b));
	a.family = AF_UNSPEC;
	b.family = AF_UNSPEC;
	ck_assert(rule_equal(&a, &b));
}
END_TEST

/* A profile over ALLOWS; nothing in it is to be freed. */
static struct profile some_profile(struct proxy *proxy, struct allow *allows, size_t count)
{
	struct profile profile;

	profile_init(&profile);
	ck_assert_int_eq(addr_parse_endpoint("127.0.0.1:3128", &proxy->endpoint), 0);
	profile.proxies = proxy;
	profile.proxy_count = 1;
	profile.allows = allows;
	profile.allow_count = count;
	return profile;
}

START_TEST(plans_are_compared_whole)
{
	struct uid_range uids = { 2001, 2001 };
	struct profile profile;
	struct proxy proxy;
	struct plan a, b;

	profile = some_profile(&proxy, NULL, 0);
	ck_assert_int_eq(plan_compile(&profile, uids, &a), 0);
	ck_assert_int_eq(plan_compile(&profile, uids, &b), 0);
	ck_assert(plan_equal(&a, &b));
	b.uids.last++;
	ck_assert(!plan_equal(&a, &b));
	b.uids.last--;
	b.rule_count--;
	ck_assert(!plan_equal(&a, &b));
	ck_assert(!plan_equal(&b, &a));
	b.rule_count++;
	b.rules[0].ports.last++;
	ck_assert(!plan_equal(&a, &b));
	b.rules[0].ports.last--;
	b.log.group++;
	ck_assert(!plan_equal(&a, &b));
	b.log.group--;
	ck_assert(plan_equal(&a, &b));
	plan_clear(&a);
	plan_clear(&b);
}
END_TEST

START_TEST(rates_are_compared_by_what_they_let_through)
{
	struct uid_range uids = { 2001, 2001 };
	struct profile profile;
	struct proxy proxy;
	struct plan a, b;

	profile = some_profile(&proxy, NULL, 0);
	profile.log.rate = 60;
	ck_assert_int_eq(plan_compile(&profile, uids, &a), 0);
	profile.log.rate = 1;
	profile.log.period = 1;
	ck_assert_int_eq(plan_compile(&profile, uids, &b), 0);
	ck_assert(plan_equal(&a, &b));
	b.log.rate = 2;
	ck_assert(!plan_equal(&a, &b));
	plan_clear(&a);
	plan_clear(&b);
}
END_TEST

START_TEST(a_plan_without_log_ignores_its_rate)
{
	struct uid_range uids = { 2001, 2001 };
	struct profile profile;
	struct proxy proxy;
	struct plan a, b;

	profile = some_profile(&proxy, NULL, 0);
	profile.log.enabled = false;
	ck_assert_int_eq(plan_compile(&profile, uids, &a), 0);
	ck_assert_int_eq(plan_compile(&profile, uids, &b), 0);
	b.log = (struct log_rule){ 0 };
	ck_assert(plan_equal(&a, &b));
	plan_clear(&a);
	plan_clear(&b);
}
END_TEST

#define MANY 65535

/* Each port twice, the second time backwards. With a comparison of each with each: minutes. */
START_TEST(duplicates_among_many_are_dropped_in_time)
{
	struct port_range *ports = calloc(2 * MANY, sizeof(*ports));
	struct allow allow = { .proto = IPPROTO_UDP, .ports = ports, .port_count = 2 * MANY };
	struct uid_range uids = { 2001, 2001 };
	struct profile profile;
	struct proxy proxy;
	struct plan plan;
	size_t i;

	ck_assert_ptr_nonnull(ports);
	ck_assert_int_eq(addr_parse_prefix("2001:db8::/32", &allow.to), 0);
	for (i = 0; i < MANY; i++) {
		ports[i] = (struct port_range){ (uint16_t)(i + 1), (uint16_t)(i + 1) };
		ports[2 * MANY - 1 - i] = ports[i];
	}
	profile = some_profile(&proxy, &allow, 1);
	ck_assert_int_eq(plan_compile(&profile, uids, &plan), 0);
	ck_assert_uint_eq(plan.rule_count, 2 + 1 + MANY + 3);
	for (i = 0; i < MANY; i++)
		ck_assert_uint_eq(plan.rules[2 + 1 + i].ports.first, i + 1);
	plan_clear(&plan);
	free(ports);
}
END_TEST

START_TEST(what_no_profile_makes_is_rendered_too)
{
	struct rule rule = { .proto = 132, .ports = { 1, 65535 }, .verdict = VERDICT_ALLOW };
	struct log_rule log = { .enabled = true, .group = 3, .rate = 7, .period = 11 };
	char text[RULE_TEXT_MAX];

	ck_assert_str_eq(render_rule(&rule, &log, text), "both allow protocol 132");
	rule.ports.first = 2;
	ck_assert_str_eq(render_rule(&rule, &log, text), "both allow protocol 132 port 2-65535");
	rule = (struct rule){ .ports = { 1, 65535 }, .verdict = VERDICT_LOG };
	ck_assert_str_eq(render_rule(&rule, &log, text), "both log group 3 rate 7 in 11 s");
	rule.proto = IPPROTO_UDP;
	ck_assert_str_eq(render_rule(&rule, &log, text), "both log udp group 3 rate 7 in 11 s");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tcase = tcase_create("plan");

	tcase_add_loop_test(tcase, chain_names_go_both_ways, 0, ARRAY_SIZE(chains));
	tcase_add_loop_test(tcase, foreign_chain_names_are_not_ours, 0, ARRAY_SIZE(foreign_chains));
	tcase_add_loop_test(tcase, every_part_of_a_rule_counts, 0, ARRAY_SIZE(rule_changes));
	tcase_add_test(tcase, the_destination_counts_only_with_a_family);
	tcase_add_test(tcase, plans_are_compared_whole);
	tcase_add_test(tcase, rates_are_compared_by_what_they_let_through);
	tcase_add_test(tcase, a_plan_without_log_ignores_its_rate);
	tcase_add_test(tcase, duplicates_among_many_are_dropped_in_time);
	tcase_add_test(tcase, what_no_profile_makes_is_rendered_too);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
