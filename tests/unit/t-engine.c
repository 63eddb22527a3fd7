/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions over a fake kernel: whatever fails, no session is given and nothing is left. */
#include "engine-lab.h"

#include "util.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const int errors[] = { -EINVAL, -ENOENT, -EPERM, -EBUSY, -EAGAIN, -EOPNOTSUPP,
			      -ENOMEM, -ETIMEDOUT, -EIO };
#define ERRORS ((int)ARRAY_SIZE(errors))

START_TEST(a_session_holds_and_its_close_lets_go)
{
	struct egress_session *session = lab_open("agent1");

	ck_assert_str_eq(session->account, "agent1");
	ck_assert_uint_eq(session->uid, AGENT1);
	ck_assert_str_eq(session->profile, "default");
	ck_assert_str_eq(session->backend, "iptables");
	ck_assert_uint_eq(session->sessions, 1);
	ck_assert_uint_eq(strlen(session->token), TOKEN_LENGTH);
	ck_assert(lab_stands(AGENT1));
	ck_assert_uint_eq(lab_records(AGENT1), 1);
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(whom_nothing_covers_costs_nothing)
{
	ck_assert_ptr_null(lab_open("alice"));
	ck_assert_ptr_null(lab_open("root"));
	ck_assert_ptr_null(lab_open("nobody-of-this-name"));
	ck_assert_uint_eq(lab.kernel.script[MEM_PROBE].calls, 0);
	ck_assert_uint_eq(lab.kernel.script[MEM_OPEN].calls, 0);
	ck_assert(!folder_has("state"));
	ck_assert(!folder_has("lib"));
}
END_TEST

START_TEST(the_first_of_two_sessions_closes_and_the_plan_stays)
{
	struct egress_session *first = lab_open("agent1"), *second = lab_open("twin");
	struct egress_session *other = lab_open("agent2");

	ck_assert_uint_eq(second->sessions, 2);
	ck_assert_uint_eq(second->uid, AGENT1);
	ck_assert_uint_eq(other->sessions, 1);
	ck_assert(lab_close(first));
	ck_assert(lab_stands(AGENT1));
	ck_assert(!lab_close(second));
	ck_assert(lab_stands(AGENT2));
	ck_assert(!lab_close(other));
	lab_nothing_left();
}
END_TEST

START_TEST(a_process_of_the_account_keeps_it_held)
{
	struct egress_session *session = lab_open("agent1");
	pid_t pid = lab_process(AGENT1);
	struct egress_changes changes;

	ck_assert(lab_close(session));
	ck_assert_uint_eq(lab_records(AGENT1), 0);
	ck_assert_int_eq(egress_reap(lab.ctx, &changes), 0);
	ck_assert_uint_eq(changes.released, 0);
	ck_assert(lab_stands(AGENT1));
	lab_end_process(pid);
	ck_assert_int_eq(egress_reap(lab.ctx, &changes), 0);
	ck_assert_uint_eq(changes.released, 1);
	lab_nothing_left();
}
END_TEST

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whoever closes may have the account's real uid, as cron has: that is nothing to wait for. */
START_TEST(the_closer_does_not_wait_for_itself)
{
	struct egress_session *session = lab_open("agent1");
	long start;

	ck_assert_int_eq(setresuid(AGENT1, 0, 0), 0);
	start = now_ms();
	ck_assert(!lab_close(session));
	ck_assert_int_lt(now_ms() - start, LEFTOVER_WAIT_MS);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	lab_nothing_left();
}
END_TEST

/* ---- the seam fails ---------------------------------------------------------------------------- */

static void deny_and_leave_nothing(enum mem_op op, int error)
{
	mem_fail(&lab.kernel, op, 1, error);
	lab_deny("agent1", error);
	lab_nothing_left();
}

START_TEST(open_fails)
{
	deny_and_leave_nothing(MEM_OPEN, errors[_i]);
}
END_TEST

START_TEST(replace_fails)
{
	deny_and_leave_nothing(MEM_REPLACE, errors[_i]);
}
END_TEST

START_TEST(replace_fails_half_done)
{
	lab.kernel.half = true;
	deny_and_leave_nothing(MEM_REPLACE, -EIO);
}
END_TEST

START_TEST(list_fails)
{
	deny_and_leave_nothing(MEM_LIST, errors[_i]);
}
END_TEST

START_TEST(probe_fails)
{
	mem_fail(&lab.kernel, MEM_PROBE, 1, -EOPNOTSUPP);
	lab_deny("agent1", -EOPNOTSUPP);
	lab_nothing_left();
}
END_TEST

START_TEST(replace_lies_and_the_read_back_denies)
{
	lab.kernel.lies = 1;
	lab_deny("agent1", -EIO);
	ck_assert_ptr_nonnull(strstr(egress_ctx_error(lab.ctx), "read back"));
	lab_nothing_left();
}
END_TEST

START_TEST(our_jump_is_not_first_and_the_read_back_denies)
{
	lab.kernel.drift = "OUTPUT: rule 1 is not ours";
	lab_deny("agent1", -EIO);
	ck_assert_ptr_nonnull(strstr(egress_ctx_error(lab.ctx), "rule 1 is not ours"));
	lab_nothing_left();
}
END_TEST

/* A plan that stands is not the plan of now: something between replace and list was faster. */
static void lose_a_rule(const struct plan *plans, size_t count)
{
	(void)plans;
	(void)count;
	lab.kernel.lies = 1;
}

START_TEST(an_older_plan_stands_and_the_read_back_denies)
{
	struct egress_session *session = lab_open("agent1");

	lab_conf("profiles = { default = { proxy = \"127.0.0.1:3129\"; }; };\n" LAB_ACCOUNTS);
	lab.before_replace = lose_a_rule;
	lab_deny("agent1", -EIO);
	ck_assert_uint_eq(lab_records(AGENT1), 1);
	ck_assert(!lab_close(session));
}
END_TEST

/* Others hold the kernel's lock for good: what was never reached leaves nothing to take back. */
START_TEST(the_kernel_is_out_of_reach)
{
	mem_fail_from(&lab.kernel, MEM_OPEN, 1, errors[_i]);
	lab_deny("agent1", errors[_i]);
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), errors[_i]);
	lab_nothing_left();
	ck_assert_str_eq(lab.log, "");
}
END_TEST

/* No privilege over the tables: neither can the rules be made, nor anything be removed. */
START_TEST(the_kernel_takes_no_writes)
{
	if (errors[_i] == -EIO)
		return; /* then something may stand */
	mem_fail_from(&lab.kernel, MEM_REPLACE, 1, errors[_i]);
	mem_fail_from(&lab.kernel, MEM_REMOVE, 1, errors[_i]);
	lab_deny("agent1", errors[_i]);
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), errors[_i]);
	lab_nothing_left();
	ck_assert_str_eq(lab.log, "");
}
END_TEST

/* The kernel answers nothing any more: denied; the record of what may stand is left to the reaper. */
START_TEST(everything_fails_and_the_reaper_finishes)
{
	struct egress_changes changes;

	lab.kernel.half = true;
	mem_fail(&lab.kernel, MEM_REPLACE, 1, -EIO);
	mem_fail_from(&lab.kernel, MEM_REMOVE, 1, -EIO);
	lab_deny("agent1", -EIO);
	ck_assert_uint_eq(lab_records(AGENT1), 0);
	ck_assert_ptr_nonnull(strstr(egress_ctx_error(lab.ctx), "replace"));
	ck_assert(lab_log_has("after the failure"));
	ck_assert(folder_has(lab_uid_path(AGENT1, "login")));
	mem_fail(&lab.kernel, MEM_REMOVE, 0, 0);
	ck_assert_int_eq(egress_reap(lab.ctx, &changes), 0);
	ck_assert_uint_eq(changes.released, 1);
	lab_nothing_left();
}
END_TEST

/* The second session of an account fails, one kind of call at a time; the first stays as it was. */
START_TEST(a_second_session_fails_and_the_first_stays_held)
{
	static const enum mem_op ops[] = { MEM_OPEN, MEM_REPLACE, MEM_LIST };

	for (size_t op = 0; op < ARRAY_SIZE(ops); op++) {
		struct egress_session *session = lab_open("agent1");

		mem_fail(&lab.kernel, ops[op], 1, errors[_i]);
		lab_deny("agent1", errors[_i]);
		ck_assert(lab_stands(AGENT1));
		ck_assert_uint_eq(lab_records(AGENT1), 1);
		ck_assert(!lab_close(session));
		lab_nothing_left();
	}
}
END_TEST

/* close: the session ends, the rules stay until somebody can take them away. */
START_TEST(close_fails_and_the_reaper_finishes)
{
	static const enum mem_op ops[] = { MEM_OPEN, MEM_REMOVE };

	for (size_t op = 0; op < ARRAY_SIZE(ops); op++) {
		struct egress_session *session = lab_open("agent1");
		struct egress_changes changes;
		unsigned int sessions = 99;
		bool held = false;

		mem_fail(&lab.kernel, ops[op], 1, errors[_i]);
		ck_assert_int_eq(egress_close(lab.ctx, AGENT1, session->token, &sessions, &held),
				 errors[_i]);
		ck_assert_uint_eq(sessions, 99);
		ck_assert(lab_stands(AGENT1));
		ck_assert_uint_eq(lab_records(AGENT1), 0);
		ck_assert_int_eq(egress_reap(lab.ctx, &changes), 0);
		lab_nothing_left();
		egress_session_free(session);
	}
}
END_TEST

/* ---- order ------------------------------------------------------------------------------------- */

static unsigned int replaced, removed;

static void record_is_there(const struct plan *plans, size_t count)
{
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(plans[0].uids.first, AGENT1);
	ck_assert_uint_eq(lab_records(AGENT1), 1);
	ck_assert(folder_has(lab_uid_path(AGENT1, "profile")));
	replaced++;
}

static void record_is_still_there(const struct uid_range *subjects, size_t count)
{
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(subjects[0].first, AGENT1);
	ck_assert(folder_has(lab_uid_path(AGENT1, "profile")));
	removed++;
}

START_TEST(record_before_rules_and_rules_gone_before_record)
{
	struct egress_session *session;

	lab.before_replace = record_is_there;
	lab.before_remove = record_is_still_there;
	session = lab_open("agent1");
	ck_assert_uint_eq(replaced, 1);
	lab_close(session);
	ck_assert_uint_eq(removed, 1);
	lab_nothing_left();
}
END_TEST

/* ---- tokens, openers --------------------------------------------------------------------------- */

static void close_changes_nothing(uid_t uid, const char *token)
{
	unsigned int sessions = 99;
	bool held = false;

	ck_assert_int_eq(egress_close(lab.ctx, uid, token, &sessions, &held), 0);
	ck_assert_uint_eq(sessions, lab_records(uid));
	ck_assert_int_eq(held, lab_stands(uid));
}

START_TEST(a_token_that_is_not_ours_changes_nothing)
{
	struct egress_session *one = lab_open("agent1"), *two = lab_open("agent2");

	close_changes_nothing(AGENT1, two->token);
	close_changes_nothing(AGENT2, one->token);
	close_changes_nothing(ALICE, one->token);
	close_changes_nothing(AGENT1, "00000000000000000000000000000000");
	close_changes_nothing(AGENT1, "");
	close_changes_nothing(AGENT1, "login");
	close_changes_nothing(AGENT1, "../lock");
	ck_assert(lab_stands(AGENT1) && lab_stands(AGENT2));
	ck_assert_uint_eq(lab_records(AGENT1), 1);
	ck_assert(folder_has(lab_uid_path(AGENT1, "login")));
	lab_close(one);
	lab_close(two);
}
END_TEST

/* It is no reap either. */
START_TEST(a_token_that_is_not_ours_releases_nobody_who_lingers)
{
	struct egress_session *session = lab_open("agent1");
	pid_t pid = lab_process(AGENT1);

	ck_assert(lab_close(session));
	lab_end_process(pid);
	close_changes_nothing(AGENT1, "00000000000000000000000000000000");
	ck_assert(lab_stands(AGENT1));
	ck_assert_uint_eq(lab_reap().released, 1);
	lab_nothing_left();
}
END_TEST

START_TEST(closing_twice_is_no_error)
{
	struct egress_session *session = lab_open("agent1");
	char token[TOKEN_LENGTH + 1];

	strcpy(token, session->token);
	lab_close(session);
	close_changes_nothing(AGENT1, token);
	lab_nothing_left();
}
END_TEST

/* Only the record of an opener that is gone stands in the way. */
static void leave_a_dead_session(void)
{
	struct egress_session *session = lab_open("agent1");

	lab_open_and_die("agent1");
	ck_assert_uint_eq(lab_records(AGENT1), 2);
	ck_assert_int_eq(unlink(folder_path(lab_uid_path(AGENT1, session->token))), 0);
	egress_session_free(session);
}

START_TEST(a_dead_opener_is_dropped_by_reap)
{
	struct egress_changes changes = { 0 };

	leave_a_dead_session();
	ck_assert_int_eq(egress_reap(lab.ctx, &changes), 0);
	ck_assert_uint_eq(changes.ended, 1);
	ck_assert_uint_eq(changes.released, 1);
	lab_nothing_left();
}
END_TEST

START_TEST(a_dead_opener_is_dropped_by_the_next_open)
{
	struct egress_session *session;

	leave_a_dead_session();
	session = lab_open("agent1");
	ck_assert_uint_eq(session->sessions, 1);
	ck_assert_uint_eq(lab_records(AGENT1), 1);
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(a_dead_opener_is_dropped_by_the_next_close)
{
	struct egress_session *session = lab_open("agent1");

	lab_open_and_die("agent1");
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

/* What a name holds does not make a second line of the log. */
START_TEST(a_message_is_one_line)
{
	lab_conf(LAB_BROKEN "\"agent\n1\"");
	lab_deny("agent\n1", -EBADMSG);
	ck_assert_ptr_nonnull(strstr(egress_ctx_error(lab.ctx), "\"agent?1\""));
}
END_TEST

START_TEST(a_look_up_that_fails_denies)
{
	struct egress_session *session = lab_open("agent1");
	bool covered = true;

	fake_nss_error = EMFILE;
	lab_deny("agent1", -EIO);
	lab_deny("alice", -EIO);
	ck_assert_int_eq(egress_covers(lab.ctx, "alice", &covered), -EIO);
	/* By token, whoever that is now: kept, since nobody can tell whether it is always held. */
	lab_close(session);
	ck_assert_uint_eq(lab_records(AGENT1), 0);
}
END_TEST

/* --- The route guard, beside the backend --- */

#define GUARDED(more) "profiles = { default = { proxy = \"127.0.0.1:3128\"; " more " }; };\n" LAB_ACCOUNTS

START_TEST(the_guard_comes_and_goes_with_the_hold)
{
	struct egress_session *session = lab_open("agent1");

	ck_assert(mem_guard_has(&lab.guard, AGENT1));
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(no_guard_is_made_where_the_profile_has_none)
{
	struct egress_session *session;

	lab_conf(GUARDED("route_guard = false;"));
	session = lab_open("agent1");
	ck_assert_uint_eq(lab.guard.count, 0);
	lab_close(session);
}
END_TEST

START_TEST(a_guard_that_fails_denies_and_leaves_nothing)
{
	lab.guard.replace_error = -EIO;
	lab_deny("agent1", -EIO);
	lab_nothing_left();
}
END_TEST

START_TEST(an_absent_guard_is_told_and_the_session_opens)
{
	struct egress_session *session;

	lab.guard.absent = true;
	session = lab_open("agent1");
	ck_assert(lab_stands(AGENT1));
	ck_assert(lab_log_has("route_guard: not in this kernel; accounts are held without it"));
	lab_close(session);
	lab_nothing_left();
}
END_TEST

START_TEST(an_absent_guard_that_is_required_denies_by_name)
{
	lab.guard.absent = true;
	lab_conf(GUARDED("required = [ \"route_guard\" ];"));
	lab_deny("agent1", -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(egress_ctx_error(lab.ctx), "route_guard"));
	lab_nothing_left();
}
END_TEST

/* A guard that stays behind must not be all that is left: the rules stay as well, and the reaper comes back. */
START_TEST(a_guard_that_cannot_go_keeps_the_rules)
{
	struct egress_session *session = lab_open("agent1");
	unsigned int left;
	bool held;

	lab.guard.remove_error = -EIO;
	ck_assert_int_eq(egress_close(lab.ctx, session->uid, session->token, &left, &held), -EIO);
	egress_session_free(session);
	ck_assert(lab_stands(AGENT1));
	lab.guard.remove_error = 0;
	ck_assert_uint_eq(lab_reap().released, 1);
	lab_nothing_left();
}
END_TEST

START_TEST(a_guard_that_somebody_took_away_is_told_and_mended)
{
	struct egress_session *session = lab_open("agent1");
	char *first = NULL;

	mem_guard_clear(&lab.guard);
	ck_assert_uint_eq(lab_differences(&first), 1);
	ck_assert_ptr_nonnull(strstr(first, "agent1: route guard: uid "));
	free(first);
	ck_assert_uint_eq(lab_sync().held, 1);
	ck_assert(mem_guard_has(&lab.guard, AGENT1));
	ck_assert(lab_log_has("mended: route guard: uid "));
	ck_assert_uint_eq(lab_differences(NULL), 0);
	lab_close(session);
}
END_TEST

START_TEST(a_guard_of_nobody_is_reaped)
{
	lab.guard.subjects[lab.guard.count++] = (struct uid_range){ 2009, 2009 };
	lab_reap();
	lab_nothing_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("engine");

	tcase_add_checked_fixture(tcase, lab_begin, lab_end);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_session_holds_and_its_close_lets_go);
	tcase_add_test(tcase, whom_nothing_covers_costs_nothing);
	tcase_add_test(tcase, the_first_of_two_sessions_closes_and_the_plan_stays);
	tcase_add_test(tcase, a_process_of_the_account_keeps_it_held);
	tcase_add_test(tcase, the_closer_does_not_wait_for_itself);
	tcase_add_loop_test(tcase, open_fails, 0, ERRORS);
	tcase_add_loop_test(tcase, the_kernel_is_out_of_reach, 0, ERRORS);
	tcase_add_loop_test(tcase, the_kernel_takes_no_writes, 0, ERRORS);
	tcase_add_loop_test(tcase, replace_fails, 0, ERRORS);
	tcase_add_test(tcase, replace_fails_half_done);
	tcase_add_loop_test(tcase, list_fails, 0, ERRORS);
	tcase_add_test(tcase, probe_fails);
	tcase_add_test(tcase, replace_lies_and_the_read_back_denies);
	tcase_add_test(tcase, our_jump_is_not_first_and_the_read_back_denies);
	tcase_add_test(tcase, an_older_plan_stands_and_the_read_back_denies);
	tcase_add_test(tcase, everything_fails_and_the_reaper_finishes);
	tcase_add_loop_test(tcase, a_second_session_fails_and_the_first_stays_held, 0, ERRORS);
	tcase_add_loop_test(tcase, close_fails_and_the_reaper_finishes, 0, ERRORS);
	tcase_add_test(tcase, record_before_rules_and_rules_gone_before_record);
	tcase_add_test(tcase, a_token_that_is_not_ours_changes_nothing);
	tcase_add_test(tcase, a_token_that_is_not_ours_releases_nobody_who_lingers);
	tcase_add_test(tcase, closing_twice_is_no_error);
	tcase_add_test(tcase, a_dead_opener_is_dropped_by_reap);
	tcase_add_test(tcase, a_dead_opener_is_dropped_by_the_next_open);
	tcase_add_test(tcase, a_dead_opener_is_dropped_by_the_next_close);
	tcase_add_test(tcase, a_message_is_one_line);
	tcase_add_test(tcase, a_look_up_that_fails_denies);
	tcase_add_test(tcase, the_guard_comes_and_goes_with_the_hold);
	tcase_add_test(tcase, no_guard_is_made_where_the_profile_has_none);
	tcase_add_test(tcase, a_guard_that_fails_denies_and_leaves_nothing);
	tcase_add_test(tcase, an_absent_guard_is_told_and_the_session_opens);
	tcase_add_test(tcase, an_absent_guard_that_is_required_denies_by_name);
	tcase_add_test(tcase, a_guard_that_cannot_go_keeps_the_rules);
	tcase_add_test(tcase, a_guard_that_somebody_took_away_is_told_and_mended);
	tcase_add_test(tcase, a_guard_of_nobody_is_reaped);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-engine", suite);
}
