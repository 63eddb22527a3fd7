/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pins, "always", configurations that change, and a kernel that is not as it was. */
#include "engine-lab.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

#define PROXY(port) "profiles = { default = { proxy = \"127.0.0.1:" port "\"; }; };\n"
#define WITHOUT_AGENT1 LAB_PROFILES "accounts = ( { user = \"agent2\"; } );\n"

static uint16_t proxy_port(uid_t uid)
{
	const struct plan *plan = mem_find(&lab.kernel, (struct uid_range){ uid, uid });

	ck_assert_ptr_nonnull(plan);
	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].verdict == VERDICT_ALLOW)
			return plan->rules[i].ports.first;
	return 0;
}

/* ---- pins and "always" ------------------------------------------------------------------------- */

START_TEST(a_pin_holds_without_a_session)
{
	ck_assert_int_eq(egress_release(lab.ctx, "agent1"), -ENOENT);
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), 0);
	lab_state_is("agent1", EGRESS_PINNED);
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert_uint_eq(lab_reap().released, 0);
	ck_assert_uint_eq(lab_sync().held, 0); /* nothing had to be mended */
	ck_assert(lab_stands(AGENT1));
	ck_assert_int_eq(egress_release(lab.ctx, "agent1"), 0);
	lab_nothing_left();
}
END_TEST

START_TEST(a_pin_taken_away_leaves_the_session_held)
{
	struct egress_session *session = lab_open("agent1");

	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), 0);
	ck_assert_int_eq(egress_release(lab.ctx, "agent1"), 0);
	lab_state_is("agent1", EGRESS_ACTIVE);
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(a_pin_that_fails_leaves_nothing)
{
	static const enum mem_op ops[] = { MEM_OPEN, MEM_REPLACE, MEM_LIST };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		mem_fail(&lab.kernel, ops[i], 1, -EPERM);
		ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), -EPERM);
		lab_nothing_left();
	}
	lab.kernel.lies = 1;
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), -EIO);
	lab_nothing_left();
	ck_assert_int_eq(egress_hold(lab.ctx, "alice"), -ENOENT);
	ck_assert_int_eq(egress_hold(lab.ctx, "root"), -ENOENT);
	ck_assert_int_eq(egress_hold(lab.ctx, "nobody-of-this-name"), -ENOENT);
	lab_nothing_left();
}
END_TEST

START_TEST(always_is_held_by_sync_and_never_let_go)
{
	const struct uid_range range = { nss_first + NSS_RANGE, nss_first + NSS_RANGE + 9 };
	char text[256];

	snprintf(text, sizeof(text),
		 "profiles = { default = { proxy = \"127.0.0.1:3128\"; hold = \"always\"; }; };\n"
		 "accounts = ( { user = \"agent1\"; }, { uid = \"%u-%u\"; } );\n",
		 range.first, range.last);
	lab_conf(text);
	ck_assert_uint_eq(lab_sync().held, 2);
	ck_assert_ptr_nonnull(mem_find(&lab.kernel, range));
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert_uint_eq(lab_reap().released, 0);
	lab_state_is("agent1", EGRESS_PINNED);
	ck_assert_uint_eq(lab_differences(NULL), 0);
	lab_conf(LAB_CONF);
	ck_assert_uint_eq(lab_sync().released, 2);
	lab_nothing_left();
}
END_TEST

/* ---- the configuration changes ----------------------------------------------------------------- */

START_TEST(a_changed_profile_reaches_the_held_at_sync_and_at_open)
{
	struct egress_session *one = lab_open("agent1"), *two = lab_open("agent2");

	lab_conf(PROXY("3129") LAB_ACCOUNTS);
	ck_assert_uint_gt(lab_differences(NULL), 0);
	ck_assert_uint_eq(proxy_port(AGENT1), 3128);
	ck_assert_uint_eq(lab_sync().held, 2);
	ck_assert_uint_eq(proxy_port(AGENT1), 3129);
	ck_assert_uint_eq(proxy_port(AGENT2), 3129);
	lab_conf(PROXY("3130") LAB_ACCOUNTS);
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert_uint_eq(proxy_port(AGENT1), 3130);
	ck_assert_uint_eq(proxy_port(AGENT2), 3129);
	ck_assert(!lab_close(one));
	ck_assert(!lab_close(two));
}
END_TEST

START_TEST(who_leaves_the_configuration_stays_held_until_the_end)
{
	struct egress_session *first = lab_open("agent1"), *second;

	lab_conf(WITHOUT_AGENT1);
	ck_assert_uint_eq(lab_sync().released, 0);
	second = lab_open("agent1");
	ck_assert_str_eq(second->profile, "default");
	ck_assert_uint_eq(second->sessions, 2);
	ck_assert_uint_eq(proxy_port(AGENT1), 3128);
	ck_assert_uint_eq(lab_reap().released, 0);
	lab_state_is("agent1", EGRESS_ACTIVE);
	ck_assert(lab_close(first));
	ck_assert(!lab_close(second));
	lab_nothing_left();
	ck_assert_ptr_null(lab_open("agent1"));
}
END_TEST

START_TEST(who_left_the_configuration_is_free_when_only_dead_sessions_are_left)
{
	struct egress_session *session = lab_open("agent1");

	lab_open_and_die("agent1");
	ck_assert_int_eq(unlink(folder_path(lab_uid_path(AGENT1, session->token))), 0);
	egress_session_free(session);
	lab_conf(WITHOUT_AGENT1);
	ck_assert_ptr_null(lab_open("agent1"));
	lab_nothing_left();
}
END_TEST

/* The account was deleted, and its uid given to another one, whom nothing covers. */
START_TEST(a_pin_does_not_go_to_whom_the_uid_is_given)
{
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), 0);
	lab_conf(WITHOUT_AGENT1);
	ck_assert_uint_eq(lab_reap().released, 0); /* control: the same account */
	folder_write(lab_uid_path(AGENT1, "login"), "uid 2001"); /* control: who had no name */
	ck_assert_uint_eq(lab_reap().released, 0);
	folder_write(lab_uid_path(AGENT1, "login"), "twin"); /* control: another name of it */
	ck_assert_uint_eq(lab_sync().released, 0);
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert(lab_stands(AGENT1));
	folder_write(lab_uid_path(AGENT1, "login"), "deleted");
	lab_log_clear();
	if (_i == 0)
		ck_assert_ptr_null(lab_open("agent1"));
	else
		ck_assert_uint_eq(_i == 1 ? lab_sync().released : lab_reap().released, 1);
	ck_assert(lab_log_has("was deleted's, and is another account's now: its pin is dropped"));
	lab_nothing_left();
}
END_TEST

START_TEST(a_pin_stays_with_whom_an_entry_covers_whatever_he_was_called)
{
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), 0);
	folder_write(lab_uid_path(AGENT1, "login"), "deleted");
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert_uint_eq(lab_reap().released, 0);
	ck_assert_int_eq(egress_release(lab.ctx, "agent1"), 0);
	lab_nothing_left();
}
END_TEST

START_TEST(who_left_the_configuration_and_whose_profile_is_lost_is_denied)
{
	struct egress_session *session = lab_open("agent1");

	lab_conf(WITHOUT_AGENT1);
	folder_write(lab_uid_path(AGENT1, "profile"), "nonsense");
	lab_deny("agent1", -EIO);
	ck_assert(lab_stands(AGENT1));
	ck_assert_uint_eq(lab_sync().released, 0);
	ck_assert(lab_log_has("its profile is not known"));
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

/* ---- the kernel, or the ledger, is not as it was ----------------------------------------------- */

START_TEST(sync_puts_back_what_a_flush_took)
{
	struct egress_session *session = lab_open("agent1");
	char *first = NULL;

	ck_assert_uint_eq(lab_differences(NULL), 0);
	backend_mem.remove((struct backend *)&(struct mem_kernel *){ &lab.kernel },
			   &(struct uid_range){ AGENT1, AGENT1 }, 1, NULL);
	ck_assert(!lab_stands(AGENT1));
	ck_assert_uint_eq(lab_differences(&first), 1);
	ck_assert_str_eq(first, "agent1: no rules stand");
	ck_assert_uint_eq(lab_reap().released, 0);
	ck_assert_uint_eq(lab_sync().held, 1);
	ck_assert_uint_eq(lab_differences(NULL), 0);
	ck_assert(!lab_close(session));
	free(first);
}
END_TEST

START_TEST(open_puts_back_what_a_flush_took_and_says_so)
{
	struct egress_session *one = lab_open("agent1"), *two = lab_open("agent1");

	ck_assert(!lab_log_has("mended"));
	backend_mem.remove((struct backend *)&(struct mem_kernel *){ &lab.kernel },
			   &(struct uid_range){ AGENT1, AGENT1 }, 1, NULL);
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert(lab_log_has(": mended: mem: a plan"));
	lab_log_clear();
	lab_conf(PROXY("3129") LAB_ACCOUNTS);
	ck_assert(lab_close(lab_open("agent1"))); /* a new profile is no drift */
	ck_assert(!lab_log_has("mended"));
	ck_assert(lab_close(one));
	ck_assert(!lab_close(two));
}
END_TEST

START_TEST(verify_tells_drift_and_changes_nothing)
{
	struct egress_session *session = lab_open("agent1");
	unsigned int changes = lab.kernel.changes;
	char *first = NULL;

	lab.kernel.drift = "ipv6: OUTPUT: rule 1 is not ours";
	ck_assert_uint_eq(lab_differences(&first), 1);
	ck_assert_str_eq(first, "agent1: ipv6: OUTPUT: rule 1 is not ours");
	ck_assert_uint_eq(lab.kernel.changes, changes);
	lab.kernel.drift = NULL;
	lab_close(session);
	free(first);
}
END_TEST

START_TEST(rules_that_nobody_accounts_for_are_listed_and_reaped)
{
	struct egress_account **accounts = NULL;
	struct egress_session *session = lab_open("agent1");

	egress_session_free(session);
	ck_assert_int_eq(rename(folder_path("state"), folder_path("lost")), 0);
	ck_assert_int_eq(egress_list(lab.ctx, &accounts), 0);
	ck_assert_ptr_nonnull(accounts[0]);
	ck_assert_uint_eq(accounts[0]->uid_first, AGENT1);
	ck_assert_ptr_null(accounts[1]);
	egress_accounts_free(accounts);
	ck_assert_uint_eq(lab_reap().released, 1);
	lab_nothing_left();
}
END_TEST

START_TEST(list_is_ascending_and_complete)
{
	struct egress_session *two = lab_open("agent2"), *one = lab_open("agent1");
	struct egress_account **accounts = NULL;

	lab.kernel.denied = (struct traffic){ 3, 180 };
	ck_assert_int_eq(egress_list(lab.ctx, &accounts), 0);
	ck_assert_str_eq(accounts[0]->name, "agent1");
	ck_assert_str_eq(accounts[1]->name, "agent2");
	ck_assert_ptr_null(accounts[2]);
	ck_assert_str_eq(accounts[0]->proxies[0], "127.0.0.1:3128");
	ck_assert_str_eq(accounts[0]->sessions[0]->token, one->token);
	ck_assert_str_eq(accounts[0]->sessions[0]->tty, "tty1");
	ck_assert_int_eq(accounts[0]->sessions[0]->pid, getpid());
	ck_assert_uint_eq(accounts[0]->denied.bytes, 180);
	ck_assert_ptr_null(accounts[0]->drift[0]);
	egress_accounts_free(accounts);
	lab_close(one);
	lab_close(two);
	ck_assert_int_eq(egress_list(lab.ctx, &accounts), 0);
	ck_assert_ptr_null(accounts[0]);
	egress_accounts_free(accounts);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("upkeep");
	TCase *tcase = tcase_create("upkeep");

	tcase_add_checked_fixture(tcase, lab_begin, lab_end);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_pin_holds_without_a_session);
	tcase_add_test(tcase, a_pin_taken_away_leaves_the_session_held);
	tcase_add_test(tcase, a_pin_that_fails_leaves_nothing);
	tcase_add_test(tcase, always_is_held_by_sync_and_never_let_go);
	tcase_add_test(tcase, a_changed_profile_reaches_the_held_at_sync_and_at_open);
	tcase_add_test(tcase, who_leaves_the_configuration_stays_held_until_the_end);
	tcase_add_test(tcase, who_left_the_configuration_is_free_when_only_dead_sessions_are_left);
	tcase_add_loop_test(tcase, a_pin_does_not_go_to_whom_the_uid_is_given, 0, 3);
	tcase_add_test(tcase, a_pin_stays_with_whom_an_entry_covers_whatever_he_was_called);
	tcase_add_test(tcase, who_left_the_configuration_and_whose_profile_is_lost_is_denied);
	tcase_add_test(tcase, sync_puts_back_what_a_flush_took);
	tcase_add_test(tcase, open_puts_back_what_a_flush_took_and_says_so);
	tcase_add_test(tcase, verify_tells_drift_and_changes_nothing);
	tcase_add_test(tcase, rules_that_nobody_accounts_for_are_listed_and_reaped);
	tcase_add_test(tcase, list_is_ascending_and_complete);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-upkeep", suite);
}
