/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two fake kernels: nobody is open while accounts change from one to the other, and nothing stays behind. */
#include "engine-lab.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

#define BACKEND(name) "backend = \"" name "\";\n"
#define WITHOUT_AGENT1 LAB_PROFILES "accounts = ( { user = \"agent2\"; } );\n"

/* Both are there, and nobody uses either. */
static void both(void)
{
	lab_begin();
	lab.other.absent = false;
	lab.other.presence = BACKEND_READY;
}

static void ck_first_difference(const char *wanted)
{
	char *first = NULL;

	ck_assert_uint_gt(lab_differences(&first), 0);
	ck_assert_str_eq(first, wanted);
	free(first);
}

#define RANGE ((struct uid_range){ nss_first + NSS_RANGE, nss_first + NSS_RANGE + 9 })

/* Held always, without any record. */
static void hold_a_range(const char *head)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "%sprofiles = { default = { proxy = \"127.0.0.1:3128\"; }; "
		 "kept = { proxy = \"127.0.0.1:3128\"; hold = \"always\"; }; };\n"
		 "accounts = ( { user = \"agent1\"; }, { uid = \"%u-%u\"; profile = \"kept\"; } );\n",
		 head, RANGE.first, RANGE.last);
	lab_conf(text);
}

/* ---- takeover ---------------------------------------------------------------------------------- */

static char calls[2048];

/* At every step at least one of the two has each that was held. */
static void nobody_is_open(const char *what)
{
	ck_assert_msg(lab_stands(AGENT1) || lab_stands_in_other(AGENT1), "open after %s", what);
	snprintf(calls + strlen(calls), sizeof(calls) - strlen(calls), "%s; ", what);
}

/* From here on agent1 is held by iptables, and nftables is what the configuration asks for. */
static struct egress_session *held_by_iptables(void)
{
	struct egress_session *session;

	lab_conf(BACKEND("iptables") LAB_CONF);
	session = lab_open("agent1");
	ck_assert_str_eq(session->backend, "iptables");
	lab_conf(BACKEND("nftables") LAB_CONF);
	calls[0] = '\0';
	lab.after = nobody_is_open;
	return session;
}

START_TEST(an_open_takes_its_own_account_over)
{
	struct egress_session *first = held_by_iptables(), *bystander, *second;

	lab_conf(BACKEND("iptables") LAB_CONF);
	bystander = lab_open("agent2");
	lab_conf(BACKEND("nftables") LAB_CONF);
	calls[0] = '\0';
	second = lab_open("agent1");
	ck_assert_str_eq(calls, "nftables open; nftables replace; nftables list; iptables look; iptables list; "
				"iptables open; iptables remove; ");
	ck_assert_str_eq(second->backend, "nftables");
	ck_assert(lab_stands_in_other(AGENT1) && !lab_stands(AGENT1));
	ck_assert(lab_stands(AGENT2) && !lab_stands_in_other(AGENT2));
	lab.after = NULL;
	ck_assert(lab_close(first));
	ck_assert(!lab_close(second));
	/* Released from where it stands, which is not where it must be by now. */
	ck_assert(!lab_close(bystander));
	lab_nothing_left();
}
END_TEST

START_TEST(a_sync_takes_all_over)
{
	struct egress_session *one = held_by_iptables(), *two;

	lab_conf(BACKEND("iptables") LAB_CONF);
	two = lab_open("agent2");
	lab_conf(BACKEND("nftables") LAB_CONF);
	ck_assert_uint_eq(lab_sync().held, 2);
	ck_assert(lab_log_has("taken over from iptables"));
	ck_assert_uint_eq(lab.kernel.count, 0);
	ck_assert(lab_stands_in_other(AGENT1) && lab_stands_in_other(AGENT2));
	ck_assert_uint_eq(lab_differences(NULL), 0);
	ck_assert_uint_eq(lab_sync().held, 0);
	/* "auto" stays with it. */
	lab.kernel.presence = BACKEND_IN_USE;
	lab_conf(LAB_CONF);
	ck_assert_uint_eq(lab_sync().held, 0);
	ck_assert_uint_eq(lab.kernel.count, 0);
	lab.after = NULL;
	ck_assert(!lab_close(one));
	ck_assert(!lab_close(two));
	lab_nothing_left();
}
END_TEST

START_TEST(a_sync_takes_ranges_over_and_leaves_whom_it_does_not_know)
{
	struct egress_session *session = held_by_iptables();
	pid_t pid = lab_process(RANGE.first);

	lab.after = NULL;
	hold_a_range(BACKEND("iptables"));
	ck_assert_uint_eq(lab_sync().held, 1);
	hold_a_range(BACKEND("nftables"));
	ck_assert_uint_eq(lab_sync().held, 2);
	ck_assert_ptr_nonnull(mem_find(&lab.other, RANGE));
	ck_assert_uint_eq(lab.kernel.count, 0);
	/* Nothing accounts for the range any more, but it runs; agent1's profile is lost. */
	lab_conf(BACKEND("iptables") "profiles = {}; accounts = ();\n");
	folder_write(lab_uid_path(AGENT1, "profile"), "nonsense");
	ck_assert_uint_eq(lab_sync().released, 0);
	ck_assert_ptr_nonnull(mem_find(&lab.other, RANGE));
	ck_assert(lab_stands_in_other(AGENT1));
	ck_assert_uint_eq(lab.kernel.count, 0);
	lab_state_is("agent1", EGRESS_ACTIVE);
	lab_end_process(pid);
	ck_assert_uint_eq(lab_reap().released, 1);
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(a_replace_that_fails_leaves_the_old_hold)
{
	static const enum mem_op ops[] = { MEM_OPEN, MEM_REPLACE, MEM_LIST };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		struct egress_session *session = held_by_iptables();

		mem_fail(&lab.other, ops[i], 1, -EBUSY);
		lab_deny("agent1", -EBUSY);
		ck_assert(lab_stands(AGENT1));
		ck_assert_uint_eq(lab_records(AGENT1), 1);
		lab.after = NULL;
		ck_assert(!lab_close(session));
		lab_nothing_left();
	}
}
END_TEST

START_TEST(a_read_back_that_fails_leaves_the_old_hold_and_denies)
{
	struct egress_session *session = held_by_iptables();
	struct egress_changes changes;

	lab.other.lies = 1;
	lab_deny("agent1", -EIO);
	ck_assert_ptr_nonnull(strstr(egress_ctx_error(lab.ctx), "nftables: read back"));
	ck_assert(lab_stands(AGENT1));
	lab.other.drift = "not as it must be";
	lab_deny("agent1", -EIO);
	ck_assert_int_eq(egress_sync(lab.ctx, &changes), -EIO);
	ck_assert(lab_stands(AGENT1));
	lab.other.drift = NULL;
	ck_assert_uint_eq(lab_sync().held, 1);
	ck_assert(!lab_stands(AGENT1));
	lab.after = NULL;
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

/* It stands and was read back: the open succeeds, whatever becomes of the old one. */
START_TEST(a_removal_that_fails_is_told_and_finished_later)
{
	static const enum mem_op ops[] = { MEM_LOOK, MEM_LOOK_LIST, MEM_OPEN, MEM_REMOVE };

	for (size_t i = 0; i < 2 * ARRAY_SIZE(ops); i++) {
		struct egress_session *first = held_by_iptables(), *second;
		struct egress_changes changes;

		lab_log_clear();
		mem_fail_from(&lab.kernel, ops[i / 2], 1, -EIO);
		second = lab_open("agent1");
		ck_assert(lab_log_has("<3>held by nftables; what may still stand in iptables"));
		ck_assert(lab_stands(AGENT1) && lab_stands_in_other(AGENT1));
		ck_assert_int_eq(egress_sync(lab.ctx, &changes), -EIO);
		ck_assert(lab_stands(AGENT1) && lab_stands_in_other(AGENT1));
		mem_fail(&lab.kernel, ops[i / 2], 0, 0);
		ck_first_difference("agent1: held by iptables as well as by nftables: run egressctl sync");
		if (i % 2)
			lab_sync();
		else
			lab_reap();
		ck_assert(!lab_stands(AGENT1) && lab_stands_in_other(AGENT1));
		ck_assert_uint_eq(lab_differences(NULL), 0);
		lab.after = NULL;
		ck_assert(lab_close(first));
		ck_assert(!lab_close(second));
		lab_nothing_left();
	}
}
END_TEST

/* ---- release ----------------------------------------------------------------------------------- */

/* Held by both, as a takeover that was cut short leaves it. */
static struct egress_session *held_by_both(void)
{
	struct egress_session *session = held_by_iptables(), *second;

	mem_fail(&lab.kernel, MEM_REMOVE, 1, -EIO);
	second = lab_open("agent1");
	ck_assert(lab_stands(AGENT1) && lab_stands_in_other(AGENT1));
	lab.after = NULL;
	ck_assert(lab_close(session));
	return second;
}

START_TEST(a_release_is_one_from_both)
{
	ck_assert(!lab_close(held_by_both()));
	lab_nothing_left();
}
END_TEST

START_TEST(what_cannot_be_removed_from_the_other_is_not_released)
{
	static const enum mem_op ops[] = { MEM_PROBE, MEM_LOOK, MEM_LOOK_LIST, MEM_OPEN, MEM_REMOVE };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		struct egress_session *session = held_by_both();
		struct egress_changes changes;
		unsigned int sessions;
		bool held;

		mem_fail_from(&lab.kernel, ops[i], 1, -EIO);
		ck_assert_int_eq(egress_close(lab.ctx, AGENT1, session->token, &sessions, &held), -EIO);
		ck_assert_int_eq(egress_reap(lab.ctx, &changes), -EIO);
		ck_assert(lab_stands(AGENT1) && lab_stands_in_other(AGENT1));
		ck_assert(folder_has(lab_uid_path(AGENT1, "profile")));
		mem_fail(&lab.kernel, ops[i], 0, 0);
		ck_assert_uint_eq(lab_reap().released, 1);
		lab_nothing_left();
		egress_session_free(session);
	}
}
END_TEST

/* A backend that cannot be had any more, or was never built in, keeps nobody from being let go. */
START_TEST(who_stands_elsewhere_is_released_although_nobody_can_be_held)
{
	struct egress_session *session = held_by_iptables();

	lab.after = NULL;
	lab.other.absent = true;
	lab_deny("agent1", -EOPNOTSUPP);
	ck_assert(lab_stands(AGENT1));
	ck_assert_uint_eq(lab_reap().released, 0);
	ck_first_difference("agent1: held by iptables: backend \"nftables\": mem: no kernel");
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(who_is_held_elsewhere_and_not_configured_at_all_is_denied)
{
	struct egress_session *session = held_by_iptables();
	char *kept = NULL;

	egress_session_free(session);
	ck_assert_int_eq(rename(folder_path("state"), folder_path("lost")), 0);
	folder_write("state", "a file: the ledger cannot be read");
	ck_assert_uint_eq(folder_glob("lib/*", &kept), 1);
	ck_assert_int_eq(unlink(folder_path(kept)), 0);
	free(kept);
	lab_conf(LAB_BROKEN);
	lab_deny("agent1", -EBADMSG);
	ck_assert_ptr_null(lab_open("alice"));
}
END_TEST

/* ---- what is told ------------------------------------------------------------------------------ */

START_TEST(list_and_show_say_where_an_account_is_held)
{
	struct egress_session *session = held_by_iptables();
	struct egress_account *account = NULL, **accounts = NULL;

	lab.after = NULL;
	ck_first_difference("agent1: held by iptables, must be nftables: run egressctl sync");
	ck_assert_int_eq(egress_show(lab.ctx, "agent1", &account), 0);
	ck_assert_str_eq(account->backend, "iptables");
	ck_assert_str_eq(account->backend_reason, "must be nftables: configured");
	egress_account_free(account);
	ck_assert_int_eq(egress_show(lab.ctx, "agent2", &account), 0);
	ck_assert_str_eq(account->backend, "nftables");
	ck_assert_str_eq(account->backend_reason, "configured");
	egress_account_free(account);
	ck_assert_int_eq(rename(folder_path("state"), folder_path("lost")), 0);
	ck_assert_int_eq(egress_list(lab.ctx, &accounts), 0);
	ck_assert_uint_eq(accounts[0]->uid_first, AGENT1);
	ck_assert_str_eq(accounts[0]->backend, "iptables");
	ck_assert_ptr_null(accounts[1]);
	egress_accounts_free(accounts);
	ck_assert_uint_eq(lab_reap().released, 1);
	lab_nothing_left();
	egress_session_free(session);
}
END_TEST

/* Nobody accounts for it, and it stands twice: one line, and one release. */
START_TEST(an_orphan_of_both_is_one)
{
	struct egress_account **accounts = NULL;

	egress_session_free(held_by_both());
	ck_assert_int_eq(rename(folder_path("state"), folder_path("lost")), 0);
	lab_conf(WITHOUT_AGENT1);
	ck_assert_int_eq(egress_list(lab.ctx, &accounts), 0);
	ck_assert_ptr_nonnull(accounts[0]);
	ck_assert_ptr_null(accounts[1]);
	egress_accounts_free(accounts);
	ck_assert_uint_eq(lab_reap().released, 1);
	lab_nothing_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("takeover");
	TCase *tcase = tcase_create("takeover");

	tcase_add_checked_fixture(tcase, both, lab_end);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, an_open_takes_its_own_account_over);
	tcase_add_test(tcase, a_sync_takes_all_over);
	tcase_add_test(tcase, a_sync_takes_ranges_over_and_leaves_whom_it_does_not_know);
	tcase_add_test(tcase, a_replace_that_fails_leaves_the_old_hold);
	tcase_add_test(tcase, a_read_back_that_fails_leaves_the_old_hold_and_denies);
	tcase_add_test(tcase, a_removal_that_fails_is_told_and_finished_later);
	tcase_add_test(tcase, a_release_is_one_from_both);
	tcase_add_test(tcase, what_cannot_be_removed_from_the_other_is_not_released);
	tcase_add_test(tcase, who_stands_elsewhere_is_released_although_nobody_can_be_held);
	tcase_add_test(tcase, who_is_held_elsewhere_and_not_configured_at_all_is_denied);
	tcase_add_test(tcase, list_and_show_say_where_an_account_is_held);
	tcase_add_test(tcase, an_orphan_of_both_is_one);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-takeover", suite);
}
