/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When two plans do the same, and in which order subjects branch off. */
#include "dispatch.h"
#include "plan-compare.h"
#include "unit.h"
#include "util.h"

#define ANY { 1, 65535 }
#define V4(a, b, c, d) { .addr = { AF_INET, .v4 = { __builtin_bswap32(0x##a##b##c##d) } }, .length = 32 }
#define V6 { .addr = { AF_INET6, .v6 = IN6ADDR_LOOPBACK_INIT }, .length = 128 }

static const struct rule allow4 = { AF_INET, V4(7f, 00, 00, 01), IPPROTO_TCP, { 1, 1 }, VERDICT_ALLOW };
static const struct rule other4 = { AF_INET, V4(7f, 00, 00, 02), IPPROTO_TCP, { 1, 1 }, VERDICT_ALLOW };
static const struct rule allow6 = { AF_INET6, V6, IPPROTO_TCP, { 1, 1 }, VERDICT_ALLOW };
static const struct rule drop_all = { .ports = ANY, .verdict = VERDICT_DROP };
static const struct rule drop4 = { AF_INET, { .addr = { .family = AF_INET } }, 0, ANY, VERDICT_DROP };
static const struct rule drop6 = { AF_INET6, { .addr = { .family = AF_INET6 } }, 0, ANY, VERDICT_DROP };
static const struct rule log_all = { .ports = ANY, .verdict = VERDICT_LOG };
static const struct rule allow_tcp_ports = { .proto = 6, .ports = { 1, 2 }, .verdict = VERDICT_ALLOW };
static const struct rule allow_udp_ports = { .proto = 17, .ports = { 1, 2 }, .verdict = VERDICT_ALLOW };
static const struct rule allow_tcp_more = { .proto = 6, .ports = { 1, 3 }, .verdict = VERDICT_ALLOW };

#define LOG_10_A_MINUTE { true, 9, 10, 60 }
#define LOG_600_AN_HOUR { true, 9, 600, 3600 }
#define LOG_11_A_MINUTE { true, 9, 11, 60 }
#define LOG_OTHER_GROUP { true, 8, 10, 60 }

struct side {
	const struct rule *rules[5];
	struct log_rule log;
	uid_t uid;
};

#define RULES(...) { .rules = { __VA_ARGS__ } }

static const struct {
	const char *name;
	struct side wanted, stands;
	bool same;
} cases[] = {
	{ "equal", RULES(&allow4, &drop_all), RULES(&allow4, &drop_all), true },
	{ "families interleaved otherwise",
	  RULES(&allow6, &allow4, &other4, &drop_all), RULES(&allow4, &other4, &allow6, &drop_all), true },
	{ "order within a family",
	  RULES(&allow4, &other4, &drop_all), RULES(&other4, &allow4, &drop_all), false },
	{ "one rule for both, or two", RULES(&drop_all), RULES(&drop6, &drop4), true },
	{ "one rule for both, or one", RULES(&allow6, &drop_all), RULES(&allow6, &drop6, &allow4), false },
	{ "IPv6 is open", RULES(&drop_all), RULES(&allow6, &drop4, &drop6), false },
	{ "a rule is missing", RULES(&allow4, &drop_all), RULES(&drop_all), false },
	{ "a rule too many", RULES(&drop_all), RULES(&drop_all, &allow4), false },
	{ "nothing stands", RULES(&drop_all), RULES(NULL), false },
	{ "nothing wanted", RULES(NULL), RULES(&drop_all), false },
	{ "a kernel without IPv6", RULES(&allow6, &allow4, &drop_all), RULES(&allow4, &drop4), true },
	{ "another uid", RULES(&drop_all), { .rules = { &drop_all }, .uid = 5 }, false },
	{ "another protocol", RULES(&allow_tcp_ports), RULES(&allow_udp_ports), false },
	{ "other ports", RULES(&allow_tcp_ports), RULES(&allow_tcp_more), false },
	{ "the same rate in other words",
	  { .rules = { &log_all }, .log = LOG_600_AN_HOUR }, { .rules = { &log_all }, .log = LOG_10_A_MINUTE }, true },
	{ "another rate", { .rules = { &log_all }, .log = LOG_11_A_MINUTE }, { .rules = { &log_all }, .log = LOG_10_A_MINUTE }, false },
	{ "another group", { .rules = { &log_all }, .log = LOG_OTHER_GROUP }, { .rules = { &log_all }, .log = LOG_10_A_MINUTE }, false },
	{ "a rate that nothing uses", { .rules = { &drop_all }, .log = LOG_11_A_MINUTE }, RULES(&drop_all), true },
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

START_TEST(narrower_subjects_branch_off_first)
{
	static const struct uid_range subjects[] = {
		{ 20000, 29999 }, { 2001, 2001 }, { 1, 4294967294 }, { 20005, 20005 },
		{ 20000, 20009 }, { 2001, 2001 }, { 30000, 39999 },
	};
	static const char *const targets[] = {
		"EGRESS-2001",	      "EGRESS-20005",	    "EGRESS-20000-20009",
		"EGRESS-20000-29999", "EGRESS-30000-39999", "EGRESS-1-4294967294",
	};
	struct dispatch_branch *branches;
	size_t count;

	ck_assert_int_eq(dispatch_make(subjects, ARRAY_SIZE(subjects), &branches, &count), 0);
	ck_assert_uint_eq(count, ARRAY_SIZE(targets));
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(branches[i].target, targets[i]);
	free(branches);
}
END_TEST

START_TEST(nobody_needs_no_dispatch)
{
	struct dispatch_branch *branches = (void *)1;
	size_t count = 1;

	ck_assert_int_eq(dispatch_make(NULL, 0, &branches, &count), 0);
	ck_assert_ptr_null(branches);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(ranges_overlap_at_their_ends)
{
	const struct uid_range a = { 10, 20 };

	ck_assert(dispatch_overlap(a, (struct uid_range){ 20, 30 }));
	ck_assert(dispatch_overlap(a, (struct uid_range){ 1, 10 }));
	ck_assert(dispatch_overlap(a, (struct uid_range){ 12, 13 }));
	ck_assert(!dispatch_overlap(a, (struct uid_range){ 21, 30 }));
	ck_assert(!dispatch_overlap(a, (struct uid_range){ 1, 9 }));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compare");
	TCase *tests = tcase_create("compare");

	tcase_add_loop_test(tests, plans_are_the_same_if_they_do_the_same, 0, ARRAY_SIZE(cases));
	tcase_add_test(tests, narrower_subjects_branch_off_first);
	tcase_add_test(tests, nobody_needs_no_dispatch);
	tcase_add_test(tests, ranges_overlap_at_their_ends);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
