/* SPDX-License-Identifier: GPL-2.0-or-later */
/* egress_plan and egress_names: by the configuration alone, whatever kernel and ledger say. */
#include "engine-lab.h"

#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PROFILES                                                                                       \
	"profiles = { default = { proxy = [ \"127.0.0.1:3128\" ]; allow = (\n"                         \
	"{ to = \"127.0.0.1\"; ports = \"8080\"; }, { to = \"2001:db8::/32\"; proto = \"any\"; } ); };\n" \
	"quiet = { proxy = \"192.0.2.1:80\"; log = false; reject = \"drop\"; }; };\n"
#define CONF                                                                                           \
	PROFILES "accounts = ( { user = \"agent1\"; }, { group = \"agents\"; profile = \"quiet\"; },\n" \
		 "{ uid = \"3000000-3000009\"; profile = \"quiet\"; } );\n"

static struct egress_plan *plan_of(const char *user)
{
	struct egress_plan *plan = NULL;

	ck_assert_msg(egress_plan(lab.ctx, user, &plan) == 0, "%s", egress_ctx_error(lab.ctx));
	return plan;
}

static size_t count_rules(const struct egress_plan *plan)
{
	size_t count = 0;

	while (plan->rules[count])
		count++;
	return count;
}

START_TEST(rules_are_told_in_their_order)
{
	struct egress_plan *plan;

	lab_conf(CONF);
	plan = plan_of("agent1");
	ck_assert_str_eq(plan->account, "agent1");
	ck_assert_str_eq(plan->profile, "default");
	ck_assert_uint_eq(plan->uid_first, AGENT1);
	ck_assert_uint_eq(plan->uid_last, AGENT1);
	ck_assert_uint_eq(count_rules(plan), 9);
	ck_assert_int_eq(plan->rules[0]->match, EGRESS_MATCH_OPTIONS);
	ck_assert_int_eq(plan->rules[1]->match, EGRESS_MATCH_ROUTING);
	ck_assert_int_eq(plan->rules[1]->action, EGRESS_RULE_REJECT_PROHIBITED);
	ck_assert_str_eq(plan->rules[1]->to, "");
	ck_assert(plan->rules[2]->proxy && plan->rules[2]->loopback);
	ck_assert_str_eq(plan->rules[2]->to, "127.0.0.1/32");
	ck_assert_uint_eq(plan->rules[2]->port_first, 3128);
	ck_assert(!plan->rules[3]->proxy && plan->rules[3]->loopback);
	ck_assert_int_eq(plan->rules[4]->family, AF_INET6);
	ck_assert_uint_eq(plan->rules[4]->protocol, 0);
	ck_assert_uint_eq(plan->rules[4]->port_last, 65535);
	ck_assert_int_eq(plan->rules[5]->match, EGRESS_MATCH_REPLIES);
	ck_assert_int_eq(plan->rules[6]->action, EGRESS_RULE_LOG);
	ck_assert_uint_eq(plan->log_period, 60);
	ck_assert_int_eq(plan->rules[7]->action, EGRESS_RULE_REJECT_RESET);
	ck_assert_int_eq(plan->rules[8]->family, AF_UNSPEC);
	egress_plan_free(plan);
}
END_TEST

START_TEST(groups_ranges_and_uids)
{
	struct egress_plan *plan;

	lab_conf(CONF);
	plan = plan_of("agent2");
	ck_assert_str_eq(plan->profile, "quiet");
	ck_assert_int_eq(plan->rules[count_rules(plan) - 1]->action, EGRESS_RULE_DROP);
	egress_plan_free(plan);
	plan = plan_of("uid 3000000-3000009");
	ck_assert_uint_eq(plan->uid_first, 3000000);
	ck_assert_uint_eq(plan->uid_last, 3000009);
	egress_plan_free(plan);
	plan = plan_of("3000005");
	ck_assert_uint_eq(plan->uid_last, 3000005);
	egress_plan_free(plan);
}
END_TEST

START_TEST(who_is_not_covered_has_none)
{
	struct egress_plan *plan = NULL;

	lab_conf(CONF);
	ck_assert_int_eq(egress_plan(lab.ctx, "root", &plan), -ENOENT);
	ck_assert_int_eq(egress_plan(lab.ctx, "nobody-of-this-name", &plan), -ENOENT);
	ck_assert_int_eq(egress_plan(lab.ctx, "3000000-3000008", &plan), -ENOENT);
	ck_assert_int_eq(egress_plan(lab.ctx, NULL, &plan), -EINVAL);
	ck_assert_int_eq(egress_plan(lab.ctx, "agent1", NULL), -EINVAL);
	lab_conf(LAB_CONF);
	ck_assert_int_eq(egress_plan(lab.ctx, "alice", &plan), -ENOENT); /* who was covered by her group */
	fake_nss_error = EIO;
	ck_assert_int_eq(egress_plan(lab.ctx, "agent1", &plan), -EIO);
	fake_nss_error = 0;
	ck_assert_ptr_null(plan);
	egress_plan_free(NULL);
}
END_TEST

START_TEST(what_is_held_is_not_asked)
{
	struct egress_plan *plan = NULL;

	lab_conf(CONF);
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), 0);
	lab_conf(PROFILES "accounts = ( { user = \"agent2\"; } );\n");
	ck_assert_int_eq(egress_plan(lab.ctx, "agent1", &plan), -ENOENT);
	ck_assert_ptr_null(plan);
	ck_assert_int_eq(egress_release(lab.ctx, "agent1"), 0);
}
END_TEST

/* agent1 has four, as /etc/subuid would say: by a name, by its other name, by its uid. */
static void give_ranges(void)
{
	char text[256];

	snprintf(text, sizeof(text), "agent1:%u:10\ntwin:%u:10\n%u:%u:1\nalice:%u:10\n", nss_first + 70, nss_first + 60,
		 AGENT1, nss_first + 90, nss_first + 80);
	folder_write("subuid", text);
}

static void conf_with(const char *keys)
{
	char text[1024];

	snprintf(text, sizeof(text), "profiles = { default = { proxy = \"127.0.0.1:3128\"; %s }; };\n"
		 "accounts = ( { user = \"agent1\"; }, { uid = \"3000000-3000009\"; } );\n", keys);
	lab_conf(text);
}

static void ranges_are(const char *user, const struct egress_uid_range *ranges, size_t count)
{
	struct egress_plan *plan = plan_of(user);

	ck_assert_uint_eq(plan->range_count, count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(plan->ranges[i].first, ranges[i].first);
		ck_assert_uint_eq(plan->ranges[i].last, ranges[i].last);
	}
	egress_plan_free(plan);
}

START_TEST(subordinate_uids_are_told)
{
	const struct egress_uid_range all[] = { { AGENT1, AGENT1 }, { nss_first + 60, nss_first + 69 },
						{ nss_first + 70, nss_first + 79 }, { nss_first + 90, nss_first + 90 } },
				      range = { 3000000, 3000009 };

	give_ranges();
	conf_with("");
	ranges_are("agent1", all, ARRAY_SIZE(all));
	ranges_are("twin", all, ARRAY_SIZE(all));
	ranges_are("3000000-3000009", &range, 1);
	conf_with("subordinate_ids = \"ignore\";");
	ranges_are("agent1", all, 1);
}
END_TEST

/* As an open: who gets no session has no plan. */
START_TEST(subordinate_uids_that_deny)
{
	struct egress_plan *plan = NULL;

	give_ranges();
	conf_with("subordinate_ids = \"refuse\";");
	ck_assert_int_eq(egress_plan(lab.ctx, "agent1", &plan), -EPERM);
	lab_deny("agent1", -EPERM);
	folder_write("subuid", "agent1:many:10\n");
	conf_with("");
	ck_assert_int_eq(egress_plan(lab.ctx, "agent1", &plan), -EBADMSG);
	lab_deny("agent1", -EBADMSG);
	ck_assert_int_eq(chmod(folder_path("subuid"), 0666), 0);
	ck_assert_int_eq(egress_plan(lab.ctx, "agent1", &plan), -EPERM);
	ck_assert_ptr_null(plan);
}
END_TEST

START_TEST(names_stand_in_their_order)
{
	static const char *const accounts[] = { "agent1", "3000000-3000009" }, *const profiles[] = { "default", "quiet" };
	char **names = NULL;

	lab_conf(CONF);
	ck_assert_int_eq(egress_names(lab.ctx, EGRESS_NAMES_ACCOUNTS, &names), 0);
	for (size_t i = 0; i < ARRAY_SIZE(accounts); i++)
		ck_assert_str_eq(names[i], accounts[i]);
	ck_assert_ptr_null(names[ARRAY_SIZE(accounts)]);
	egress_lines_free(names);
	ck_assert_int_eq(egress_names(lab.ctx, EGRESS_NAMES_PROFILES, &names), 0);
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
		ck_assert_str_eq(names[i], profiles[i]);
	ck_assert_ptr_null(names[ARRAY_SIZE(profiles)]);
	egress_lines_free(names);
	names = NULL;
	ck_assert_int_eq(egress_names(lab.ctx, (enum egress_names_of)7, &names), -EINVAL);
	ck_assert_ptr_null(names);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("planned");
	Suite *suite = suite_create("planned");

	tcase_add_checked_fixture(tcase, lab_begin, lab_end);
	tcase_add_test(tcase, rules_are_told_in_their_order);
	tcase_add_test(tcase, groups_ranges_and_uids);
	tcase_add_test(tcase, who_is_not_covered_has_none);
	tcase_add_test(tcase, what_is_held_is_not_asked);
	tcase_add_test(tcase, subordinate_uids_are_told);
	tcase_add_test(tcase, subordinate_uids_that_deny);
	tcase_add_test(tcase, names_stand_in_their_order);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-planned", suite);
}
