/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When two plans do the same, and in which order subjects branch off. */
#include "plan-compare.h"
#include "unit.h"
#include "util.h"

#define ALLOW VERDICT_ALLOW
#define DROP VERDICT_DROP
#define LOG VERDICT_LOG

/* Addresses are as good as their last byte here. */
#define V4(last) { .addr = { AF_INET, .v4 = { 127 | last << 24 } }, .length = 32 }
#define V6(last) { .addr = { AF_INET6, .v6 = { { { [15] = last } } } }, .length = 128 }
#define ANY4 { .addr = { .family = AF_INET } }
#define ANY6 { .addr = { .family = AF_INET6 } }
#define ANYWHERE { .length = 0 }
#define EVERY { 1, 65535 }

static const struct rule allow4 = { AF_INET, V4(1), IPPROTO_TCP, { 1, 1 }, .verdict = ALLOW };
static const struct rule other4 = { AF_INET, V4(2), IPPROTO_TCP, { 1, 1 }, .verdict = ALLOW };
static const struct rule allow6 = { AF_INET6, V6(1), IPPROTO_TCP, { 1, 1 }, .verdict = ALLOW };
static const struct rule drop4 = { AF_INET, ANY4, PROTO_ANY, EVERY, .verdict = DROP };
static const struct rule drop6 = { AF_INET6, ANY6, PROTO_ANY, EVERY, .verdict = DROP };
static const struct rule drop_all = { AF_UNSPEC, ANYWHERE, PROTO_ANY, EVERY, .verdict = DROP };
static const struct rule log_all = { AF_UNSPEC, ANYWHERE, PROTO_ANY, EVERY, .verdict = LOG };
static const struct rule allow_tcp_ports = { AF_UNSPEC, ANYWHERE, IPPROTO_TCP, { 1, 2 }, .verdict = ALLOW };
static const struct rule allow_udp_ports = { AF_UNSPEC, ANYWHERE, IPPROTO_UDP, { 1, 2 }, .verdict = ALLOW };
static const struct rule allow_tcp_more = { AF_UNSPEC, ANYWHERE, IPPROTO_TCP, { 1, 3 }, .verdict = ALLOW };

struct side {
	const struct rule *rules[5];
	struct log_rule log;
	uid_t uid;
};

#define RULES(...) { .rules = { __VA_ARGS__ } }
#define LOGS(group, rate, period) { .rules = { &log_all }, .log = { true, group, rate, period } }

static const struct {
	const char *name;
	struct side wanted, stands;
	bool same;
} cases[] = {
	{ "equal", RULES(&allow4, &drop_all), RULES(&allow4, &drop_all), true },
	{ "another address", RULES(&allow4, &drop_all), RULES(&other4, &drop_all), false },
	{ "families interleaved otherwise", RULES(&allow6, &allow4, &other4, &drop_all),
	  RULES(&allow4, &other4, &allow6, &drop_all), true },
	{ "order within a family", RULES(&allow4, &other4, &drop_all),
	  RULES(&other4, &allow4, &drop_all), false },
	{ "one rule for both, or two", RULES(&drop_all), RULES(&drop6, &drop4), true },
	{ "one rule for both, or one", RULES(&allow6, &drop_all), RULES(&allow6, &drop6, &allow4),
	  false },
	{ "IPv6 is open", RULES(&drop_all), RULES(&allow6, &drop4, &drop6), false },
	{ "a rule is missing", RULES(&allow4, &drop_all), RULES(&drop_all), false },
	{ "a rule too many", RULES(&drop_all), RULES(&drop_all, &allow4), false },
	{ "nothing stands", RULES(&drop_all), RULES(NULL), false },
	{ "nothing wanted", RULES(NULL), RULES(&drop_all), false },
	{ "a kernel without IPv6", RULES(&allow6, &allow4, &drop_all), RULES(&allow4, &drop4),
	  true },
	{ "another uid", RULES(&drop_all), { .rules = { &drop_all }, .uid = 5 }, false },
	{ "another protocol", RULES(&allow_tcp_ports), RULES(&allow_udp_ports), false },
	{ "other ports", RULES(&allow_tcp_ports), RULES(&allow_tcp_more), false },
	{ "another verdict", RULES(&drop_all), LOGS(9, 10, 60), false },
	{ "the same rate in other words", LOGS(9, 600, 3600), LOGS(9, 10, 60), true },
	{ "another rate", LOGS(9, 11, 60), LOGS(9, 10, 60), false },
	{ "another group", LOGS(8, 10, 60), LOGS(9, 10, 60), false },
	{ "a rate that nothing uses", { .rules = { &drop_all }, .log = { true, 9, 11, 60 } },
	  RULES(&drop_all), true },
};

static struct plan make_plan(const struct side *side)
{
	struct plan plan = { .uids = { side->uid, side->uid }, .log = side->log };

	plan.rules = calloc(ARRAY_SIZE(side->rules), sizeof(*plan.rules));
	while (side->rules[plan.rule_count]) {
		plan.rules[plan.rule_count] = *side->rules[plan.rule_count];
		plan.rule_count++;
	}
	return plan;
}

START_TEST(plans_are_the_same_if_they_do_the_same)
{
	struct plan wanted = make_plan(&cases[_i].wanted), stands = make_plan(&cases[_i].stands);

	ck_assert_msg(plan_same_rules(&wanted, &stands) == cases[_i].same, "%s", cases[_i].name);
	plan_clear(&wanted);
	plan_clear(&stands);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compare");
	TCase *tests = tcase_create("compare");

	tcase_add_loop_test(tests, plans_are_the_same_if_they_do_the_same, 0, ARRAY_SIZE(cases));
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
