/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions as files: what is damaged is moved aside and told, what is not ours is left alone. */
#include "ledger-lab.h"

#include "record.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

START_TEST(a_session_comes_back_as_it_went_in)
{
	struct ledger *ledger = home_open();
	struct session session = home_add_session(ledger), *read = NULL;
	size_t count = 0;
	struct stat st;

	ck_assert_int_eq(ledger_sessions(ledger, UID, NULL, &read, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_mem_eq(read, &session, sizeof(session));
	ck_assert_int_eq(session_is_live(read), 1);
	free(read);
	ck_assert_int_eq(stat(folder_path(home_uid_path(session.token)), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat(folder_path("state"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(ledger_drop(ledger, UID, session.token, NULL), 0);
	ck_assert_int_eq(ledger_drop(ledger, UID, session.token, NULL), -ENOENT);
	ck_assert_uint_eq(home_count_sessions(ledger), 0);
	ledger_close(ledger);
}
END_TEST

/* The same id and the same start, but of another boot: that opener is not ours. */
START_TEST(a_session_of_another_boot_is_over)
{
	struct session session = home_session();

	ck_assert_int_eq(session_is_live(&session), 1);
	session.boot[0] = session.boot[0] == '0' ? '1' : '0';
	ck_assert_int_eq(session_is_live(&session), 0);
}
END_TEST

START_TEST(sessions_come_in_order_of_opening)
{
	struct ledger *ledger = home_open();
	struct session *read = NULL;
	size_t count = 0;

	ledger_enter(ledger, UID, "agent1", "", NULL);
	for (int i = 0; i < 20; i++) {
		struct session session = home_session();

		session.opened = 1000 + (i * 7) % 20;
		ck_assert_int_eq(ledger_add(ledger, UID, &session, NULL), 0);
	}
	ck_assert_int_eq(ledger_sessions(ledger, UID, NULL, &read, &count), 0);
	ck_assert_uint_eq(count, 20);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(read[i].opened, 1000 + (time_t)i);
	free(read);
	ledger_close(ledger);
}
END_TEST

START_TEST(a_uid_is_entered_remembered_and_forgotten)
{
	struct ledger *ledger = home_open();
	char *login = NULL, *profile = NULL;
	size_t length, count = 0;
	uid_t *uids = NULL;

	ck_assert(!ledger_has(ledger, UID));
	ck_assert_int_eq(ledger_profile(ledger, UID, NULL, &profile, &length), -ENOENT);
	ck_assert_int_eq(ledger_enter(ledger, UID, "agent\n1", "old", NULL), 0);
	ck_assert_int_eq(ledger_enter(ledger, 1000, "agent2", "other", NULL), 0);
	ck_assert_int_eq(ledger_enter(ledger, UID, "agent\n1", "new text", NULL), 0);
	ck_assert(ledger_has(ledger, UID));
	ck_assert_int_eq(ledger_login(ledger, UID, NULL, &login), 0);
	ck_assert_str_eq(login, "agent?1");
	ck_assert_int_eq(ledger_profile(ledger, UID, NULL, &profile, &length), 0);
	ck_assert_str_eq(profile, "new text");
	ck_assert_uint_eq(length, 8);
	ck_assert_int_eq(ledger_uids(ledger, NULL, &uids, &count), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(uids[0], 1000);
	ck_assert_uint_eq(uids[1], UID);
	ck_assert_int_eq(ledger_forget(ledger, UID, NULL), 0);
	ck_assert_int_eq(ledger_forget(ledger, UID, NULL), 0);
	ck_assert(!ledger_has(ledger, UID));
	ck_assert_str_eq(home_told, "");
	free(uids);
	free(login);
	free(profile);
	ledger_close(ledger);
}
END_TEST

START_TEST(a_pin_stays_until_it_is_taken_away)
{
	struct ledger *ledger = home_open();

	ledger_enter(ledger, UID, "agent1", "", NULL);
	ck_assert(!ledger_is_pinned(ledger, UID));
	ck_assert_int_eq(ledger_unpin(ledger, UID, NULL), -ENOENT);
	ck_assert_int_eq(ledger_pin(ledger, UID, NULL), 0);
	ck_assert_int_eq(ledger_pin(ledger, UID, NULL), 0);
	ck_assert(ledger_is_pinned(ledger, UID));
	ck_assert_uint_eq(home_count_sessions(ledger), 0);
	ck_assert_int_eq(ledger_unpin(ledger, UID, NULL), 0);
	ck_assert(!ledger_is_pinned(ledger, UID));
	ledger_close(ledger);
}
END_TEST

START_TEST(peeking_changes_nothing)
{
	struct ledger *ledger;
	struct session session;

	ck_assert_ptr_null(home_peek());
	ck_assert(!folder_has("state"));
	ledger = home_open();
	session = home_add_session(ledger);
	ledger_close(ledger);
	folder_write(home_uid_path(TOKEN), "damaged");
	folder_write(home_uid_path(".new-" TOKEN), "half");
	ledger = home_peek();
	ck_assert_uint_eq(home_count_sessions(ledger), 1);
	ck_assert(ledger_sees_processes(ledger));
	ledger_close(ledger);
	ck_assert(folder_has(home_uid_path(session.token)));
	ck_assert(folder_has(home_uid_path(TOKEN)));
	ck_assert(folder_has(home_uid_path(".new-" TOKEN)));
}
END_TEST

/* ---- damage ------------------------------------------------------------------------------------ */

static void damaged_is_moved_away(void)
{
	struct ledger *ledger = home_open();
	char moved[128];

	home_told[0] = '\0';
	ck_assert_uint_eq(home_count_sessions(ledger), 1);
	snprintf(moved, sizeof(moved), "damaged/%u-%s", UID, TOKEN);
	ck_assert_msg(folder_has(home_net_path(moved)), "not moved away");
	ck_assert(!folder_has(home_uid_path(TOKEN)));
	ck_assert_ptr_nonnull(strstr(home_told, TOKEN ": damaged record, moved to damaged/"));
	/* Told once; and it does not count as a uid, nor as something foreign. */
	home_told[0] = '\0';
	ck_assert_uint_eq(home_count_sessions(ledger), 1);
	ck_assert_str_eq(home_told, "");
	ledger_close(ledger);
}

START_TEST(a_damaged_record_is_moved_away)
{
	static const char *const damages[] = {
		"", "\n", "egress-session 1\n", "not a record at all\n",
		"egress-session 2\npid=1\nstart=1\nopened=1\nservice=\ntty=\nrhost=\nend\n",
		"egress-session 1\npid=1\nstart=1\nopened=1\nservice=\ntty=\nrhost=\nen",
		"egress-session 1\npid=1\nstart=1\nopened=1\nservice=\ntty=\nrhost=\nend\nmore\n",
		"egress-session 1\npid=99999999999\nstart=1\nopened=1\nservice=\ntty=\nrhost=\nend\n",
	};

	home_one_session();
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		folder_write(home_uid_path(TOKEN), damages[i]);
		damaged_is_moved_away();
	}
}
END_TEST

START_TEST(a_huge_or_binary_record_is_moved_away)
{
	static char huge[1 << 20];

	home_one_session();
	memset(huge, 'x', sizeof(huge));
	folder_write_bytes(home_uid_path(TOKEN), huge, sizeof(huge));
	damaged_is_moved_away();
	folder_write_bytes(home_uid_path(TOKEN), "egress\0session", 14);
	damaged_is_moved_away();
	memset(huge, 0xff, sizeof(huge));
	folder_write_bytes(home_uid_path(TOKEN), huge, 100);
	damaged_is_moved_away();
}
END_TEST

START_TEST(a_record_that_is_no_file_is_moved_away)
{
	home_one_session();
	folder_mkdir(home_uid_path(TOKEN), 0700);
	damaged_is_moved_away();
}
END_TEST

START_TEST(a_record_that_is_a_link_is_moved_away)
{
	home_one_session();
	folder_write("elsewhere", "untouched");
	ck_assert_int_eq(symlink(folder_path("elsewhere"), folder_path(home_uid_path(TOKEN))), 0);
	damaged_is_moved_away();
	ck_assert_int_eq(mkfifo(folder_path(home_uid_path(TOKEN)), 0600), 0);
	damaged_is_moved_away();
}
END_TEST

START_TEST(what_a_crash_left_half_written_is_discarded)
{
	struct ledger *ledger;

	home_one_session();
	folder_write(home_uid_path(".new-" TOKEN), "egress-sess");
	ledger = home_open();
	ck_assert_uint_eq(home_count_sessions(ledger), 1);
	ck_assert(!folder_has(home_uid_path(".new-" TOKEN)));
	ledger_close(ledger);
}
END_TEST

/* ---- what is not ours -------------------------------------------------------------------------- */

START_TEST(foreign_files_are_left_alone)
{
	struct ledger *ledger;
	size_t count = 0;
	uid_t *uids = NULL;

	home_one_session();
	folder_write(home_net_path("notes.txt"), "mine");
	folder_write(home_uid_path("notes.txt"), "mine");
	folder_mkdir(home_net_path("007"), 0700);
	ledger = home_open();
	ck_assert_int_eq(ledger_uids(ledger, NULL, &uids, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_nonnull(strstr(home_told, "notes.txt: not ours, left alone"));
	ck_assert_uint_eq(home_count_sessions(ledger), 1);
	ck_assert_int_eq(ledger_forget(ledger, UID, NULL), 0);
	ck_assert_ptr_nonnull(strstr(home_told, "holds files that are not ours"));
	ck_assert(folder_has(home_net_path("notes.txt")));
	ck_assert(folder_has(home_uid_path("notes.txt")));
	ck_assert(folder_has(home_net_path("007")));
	free(uids);
	ledger_close(ledger);
}
END_TEST

START_TEST(a_uid_folder_that_is_no_folder_is_refused)
{
	struct ledger *ledger = home_open();
	struct session session = home_session();
	struct session *sessions = NULL;
	size_t count;
	char name[16];

	snprintf(name, sizeof(name), "%u", UID);
	folder_write(home_net_path(name), "a file");
	ck_assert(ledger_has(ledger, UID));
	ck_assert_int_eq(ledger_enter(ledger, UID, "agent1", "", NULL), -EPERM);
	ck_assert_int_eq(ledger_add(ledger, UID, &session, NULL), -EIO);
	ck_assert_int_eq(ledger_sessions(ledger, UID, NULL, &sessions, &count), -EIO);
	ledger_close(ledger);
}
END_TEST

/* ---- openers ----------------------------------------------------------------------------------- */

START_TEST(an_opener_that_is_gone_is_dead)
{
	struct session session = home_session();

	ck_assert_int_eq(session_is_live(&session), 1);
	session.start_time++; /* the pid was given out again */
	ck_assert_int_eq(session_is_live(&session), 0);
	session = home_session();
	session.pid = fork();
	if (session.pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)session.pid, NULL, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(session_is_live(&session), 0); /* a zombie */
	ck_assert_int_eq(waitpid(session.pid, NULL, 0), session.pid);
	ck_assert_int_eq(session_is_live(&session), 0);
}
END_TEST

/* The clock on the wall may jump: who lives is told by ticks since boot. */
START_TEST(a_clock_that_jumps_ends_nobody)
{
	static const time_t times[] = { 0, -1, 1, (time_t)1 << 40 };
	struct session session = home_session();

	session.opened = times[_i];
	ck_assert_int_eq(session_is_live(&session), 1);
}
END_TEST

START_TEST(no_two_tokens_are_the_same)
{
	struct session one = home_session(), two = home_session();

	ck_assert(record_is_token(one.token));
	ck_assert_str_ne(one.token, two.token);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tcase = tcase_create("ledger");

	tcase_add_checked_fixture(tcase, home_make, NULL);
	tcase_add_test(tcase, a_session_comes_back_as_it_went_in);
	tcase_add_test(tcase, a_session_of_another_boot_is_over);
	tcase_add_test(tcase, sessions_come_in_order_of_opening);
	tcase_add_test(tcase, a_uid_is_entered_remembered_and_forgotten);
	tcase_add_test(tcase, a_pin_stays_until_it_is_taken_away);
	tcase_add_test(tcase, peeking_changes_nothing);
	tcase_add_test(tcase, a_damaged_record_is_moved_away);
	tcase_add_test(tcase, a_huge_or_binary_record_is_moved_away);
	tcase_add_test(tcase, a_record_that_is_no_file_is_moved_away);
	tcase_add_test(tcase, a_record_that_is_a_link_is_moved_away);
	tcase_add_test(tcase, what_a_crash_left_half_written_is_discarded);
	tcase_add_test(tcase, foreign_files_are_left_alone);
	tcase_add_test(tcase, a_uid_folder_that_is_no_folder_is_refused);
	tcase_add_test(tcase, an_opener_that_is_gone_is_dead);
	tcase_add_loop_test(tcase, a_clock_that_jumps_ends_nobody, 0, 4);
	tcase_add_test(tcase, no_two_tokens_are_the_same);
	suite_add_tcase(suite, tcase);
	return folder_run("t-ledger", suite);
}
