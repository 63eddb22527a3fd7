/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions as files: what is damaged is moved aside and told, what is not ours is left alone. */
#include "ledger.h"

#include "folder.h"
#include "record.h"
#include "unit.h"
#include "util.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define UID 2890000001U
#define TOKEN "0123456789abcdef0123456789abcdef"

static char told[4096]; /* what the ledger reported */

static void report(const char *line, void *data)
{
	(void)data;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s\n", line);
}

static int try_open(struct ledger **ret, struct fault *fault)
{
	const struct deadline deadline = deadline_in_ms(50);

	*fault = (struct fault){ 0 };
	return ledger_open(folder_path("state"), &deadline, fault, ret);
}

static struct ledger *open_ledger(void)
{
	struct ledger *ledger = NULL;
	struct fault fault;

	ck_assert_msg(try_open(&ledger, &fault) == 0, "%s", fault.line);
	ledger_set_report(ledger, report, NULL);
	return ledger;
}

static struct ledger *peek_ledger(void)
{
	struct ledger *ledger = (struct ledger *)told;
	struct fault fault = { 0 };

	ck_assert_msg(ledger_peek(folder_path("state"), &fault, &ledger) == 0, "%s", fault.line);
	return ledger;
}

static struct session begin(void)
{
	struct session session;
	struct fault fault = { 0 };

	ck_assert_msg(session_begin("sshd", "pts/1", "192.0.2.7", &fault, &session) == 0, "%s", fault.line);
	return session;
}

static struct session enter_and_add(struct ledger *ledger)
{
	struct session session = begin();

	ck_assert_int_eq(ledger_enter(ledger, UID, "agent1", "profiles", NULL), 0);
	ck_assert_int_eq(ledger_add(ledger, UID, &session, NULL), 0);
	return session;
}

static size_t count_sessions(struct ledger *ledger)
{
	struct session *sessions = NULL;
	struct fault fault = { 0 };
	size_t count = 0;

	ck_assert_msg(ledger_sessions(ledger, UID, &fault, &sessions, &count) == 0, "%s", fault.line);
	free(sessions);
	return count;
}

/* The path of NAME in the network namespace's folder, relative. */
static const char *in_net(const char *name)
{
	static char path[256];
	char *net = NULL;

	ck_assert_uint_eq(folder_glob("state/net-*", &net), 1);
	snprintf(path, sizeof(path), "%s/%s", net, name);
	free(net);
	return path;
}

static const char *in_uid(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%u/%s", UID, name);
	return in_net(path);
}

START_TEST(a_session_comes_back_as_it_went_in)
{
	struct ledger *ledger = open_ledger();
	struct session session = enter_and_add(ledger), *read = NULL;
	size_t count = 0;
	struct stat st;

	ck_assert_int_eq(ledger_sessions(ledger, UID, NULL, &read, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_mem_eq(read, &session, sizeof(session));
	ck_assert_int_eq(session_is_live(read), 1);
	free(read);
	ck_assert_int_eq(stat(folder_path(in_uid(session.token)), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat(folder_path("state"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(ledger_drop(ledger, UID, session.token, NULL), 0);
	ck_assert_int_eq(ledger_drop(ledger, UID, session.token, NULL), -ENOENT);
	ck_assert_uint_eq(count_sessions(ledger), 0);
	ledger_close(ledger);
}
END_TEST

START_TEST(sessions_come_in_order_of_opening)
{
	struct ledger *ledger = open_ledger();
	struct session *read = NULL;
	size_t count = 0;

	ledger_enter(ledger, UID, "agent1", "", NULL);
	for (int i = 0; i < 20; i++) {
		struct session session = begin();

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
	struct ledger *ledger = open_ledger();
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
	ck_assert_str_eq(told, "");
	free(uids);
	free(login);
	free(profile);
	ledger_close(ledger);
}
END_TEST

START_TEST(a_pin_stays_until_it_is_taken_away)
{
	struct ledger *ledger = open_ledger();

	ledger_enter(ledger, UID, "agent1", "", NULL);
	ck_assert(!ledger_is_pinned(ledger, UID));
	ck_assert_int_eq(ledger_unpin(ledger, UID, NULL), -ENOENT);
	ck_assert_int_eq(ledger_pin(ledger, UID, NULL), 0);
	ck_assert_int_eq(ledger_pin(ledger, UID, NULL), 0);
	ck_assert(ledger_is_pinned(ledger, UID));
	ck_assert_uint_eq(count_sessions(ledger), 0);
	ck_assert_int_eq(ledger_unpin(ledger, UID, NULL), 0);
	ck_assert(!ledger_is_pinned(ledger, UID));
	ledger_close(ledger);
}
END_TEST

START_TEST(peeking_changes_nothing)
{
	struct ledger *ledger;
	struct session session;

	ck_assert_ptr_null(peek_ledger());
	ck_assert(!folder_has("state"));
	ledger = open_ledger();
	session = enter_and_add(ledger);
	ledger_close(ledger);
	folder_write(in_uid(TOKEN), "damaged");
	folder_write(in_uid(".new-" TOKEN), "half");
	ledger = peek_ledger();
	ck_assert_uint_eq(count_sessions(ledger), 1);
	ck_assert(ledger_sees_processes(ledger));
	ledger_close(ledger);
	ck_assert(folder_has(in_uid(session.token)));
	ck_assert(folder_has(in_uid(TOKEN)));
	ck_assert(folder_has(in_uid(".new-" TOKEN)));
}
END_TEST

/* ---- damage ------------------------------------------------------------------------------------ */

static void damaged_is_moved_away(void)
{
	struct ledger *ledger = open_ledger();
	char moved[128];

	told[0] = '\0';
	ck_assert_uint_eq(count_sessions(ledger), 1);
	snprintf(moved, sizeof(moved), "damaged/%u-%s", UID, TOKEN);
	ck_assert_msg(folder_has(in_net(moved)), "not moved away");
	ck_assert(!folder_has(in_uid(TOKEN)));
	ck_assert_ptr_nonnull(strstr(told, TOKEN ": damaged record, moved to damaged/"));
	/* Told once; and it does not count as a uid, nor as something foreign. */
	told[0] = '\0';
	ck_assert_uint_eq(count_sessions(ledger), 1);
	ck_assert_str_eq(told, "");
	ledger_close(ledger);
}

static void one_good_session(void)
{
	struct ledger *ledger = open_ledger();

	enter_and_add(ledger);
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

	one_good_session();
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		folder_write(in_uid(TOKEN), damages[i]);
		damaged_is_moved_away();
	}
}
END_TEST

START_TEST(a_huge_or_binary_record_is_moved_away)
{
	static char huge[1 << 20];

	one_good_session();
	memset(huge, 'x', sizeof(huge));
	folder_write_bytes(in_uid(TOKEN), huge, sizeof(huge));
	damaged_is_moved_away();
	folder_write_bytes(in_uid(TOKEN), "egress\0session", 14);
	damaged_is_moved_away();
	memset(huge, 0xff, sizeof(huge));
	folder_write_bytes(in_uid(TOKEN), huge, 100);
	damaged_is_moved_away();
}
END_TEST

START_TEST(a_record_that_is_no_file_is_moved_away)
{
	one_good_session();
	folder_mkdir(in_uid(TOKEN), 0700);
	damaged_is_moved_away();
}
END_TEST

START_TEST(a_record_that_is_a_link_is_moved_away)
{
	one_good_session();
	folder_write("elsewhere", "untouched");
	ck_assert_int_eq(symlink(folder_path("elsewhere"), folder_path(in_uid(TOKEN))), 0);
	damaged_is_moved_away();
	ck_assert_int_eq(mkfifo(folder_path(in_uid(TOKEN)), 0600), 0);
	damaged_is_moved_away();
}
END_TEST

START_TEST(what_a_crash_left_half_written_is_discarded)
{
	struct ledger *ledger;

	one_good_session();
	folder_write(in_uid(".new-" TOKEN), "egress-sess");
	ledger = open_ledger();
	ck_assert_uint_eq(count_sessions(ledger), 1);
	ck_assert(!folder_has(in_uid(".new-" TOKEN)));
	ledger_close(ledger);
}
END_TEST

/* ---- what is not ours -------------------------------------------------------------------------- */

START_TEST(foreign_files_are_left_alone)
{
	struct ledger *ledger;
	size_t count = 0;
	uid_t *uids = NULL;

	one_good_session();
	folder_write(in_net("notes.txt"), "mine");
	folder_write(in_uid("notes.txt"), "mine");
	folder_mkdir(in_net("007"), 0700);
	ledger = open_ledger();
	ck_assert_int_eq(ledger_uids(ledger, NULL, &uids, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_nonnull(strstr(told, "notes.txt: not ours, left alone"));
	ck_assert_uint_eq(count_sessions(ledger), 1);
	ck_assert_int_eq(ledger_forget(ledger, UID, NULL), 0);
	ck_assert_ptr_nonnull(strstr(told, "holds files that are not ours"));
	ck_assert(folder_has(in_net("notes.txt")));
	ck_assert(folder_has(in_uid("notes.txt")));
	ck_assert(folder_has(in_net("007")));
	free(uids);
	ledger_close(ledger);
}
END_TEST

static void open_is_refused(int error, const char *why)
{
	struct ledger *ledger = NULL;
	struct fault fault;

	ck_assert_int_eq(try_open(&ledger, &fault), error);
	ck_assert_ptr_null(ledger);
	ck_assert_msg(strstr(fault.line, why), "\"%s\" is not in: %s", why, fault.line);
	ck_assert_ptr_nonnull(strstr(fault.line, "state"));
}

START_TEST(a_state_folder_that_is_a_link_is_refused)
{
	folder_mkdir("elsewhere", 0700);
	ck_assert_int_eq(symlink(folder_path("elsewhere"), folder_path("state")), 0);
	open_is_refused(-EPERM, "a link or not a folder");
	ck_assert_uint_eq(folder_glob("elsewhere/*", NULL), 0);
}
END_TEST

START_TEST(a_state_folder_that_is_a_file_is_refused)
{
	folder_write("state", "a file");
	open_is_refused(-EPERM, "a link or not a folder");
}
END_TEST

START_TEST(a_state_folder_that_others_may_write_to_is_refused)
{
	folder_mkdir("state", 0770);
	open_is_refused(-EPERM, "not ours alone");
	ck_assert_int_eq(chmod(folder_path("state"), 0702), 0);
	open_is_refused(-EPERM, "not ours alone");
}
END_TEST

START_TEST(a_state_folder_of_somebody_else_is_refused)
{
	folder_mkdir("state", 0700);
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(folder_path("state"), UID, 0), 0);
	open_is_refused(-EPERM, "not ours alone");
}
END_TEST

START_TEST(a_state_folder_that_cannot_be_made_is_refused)
{
	const struct deadline deadline = deadline_in_ms(50);
	struct ledger *ledger = NULL;
	struct fault fault = { 0 };

	ck_assert_int_eq(ledger_open(folder_path("none/state"), &deadline, &fault, &ledger), -EIO);
	ck_assert_ptr_nonnull(strstr(fault.line, "none/state"));
}
END_TEST

START_TEST(a_uid_folder_that_is_no_folder_is_refused)
{
	struct ledger *ledger = open_ledger();
	struct session session = begin();
	struct session *sessions = NULL;
	size_t count;
	char name[16];

	snprintf(name, sizeof(name), "%u", UID);
	folder_write(in_net(name), "a file");
	ck_assert(ledger_has(ledger, UID));
	ck_assert_int_eq(ledger_enter(ledger, UID, "agent1", "", NULL), -EPERM);
	ck_assert_int_eq(ledger_add(ledger, UID, &session, NULL), -EIO);
	ck_assert_int_eq(ledger_sessions(ledger, UID, NULL, &sessions, &count), -EIO);
	ledger_close(ledger);
}
END_TEST

/* ---- locks and namespaces ---------------------------------------------------------------------- */

START_TEST(the_lock_is_waited_for_until_the_deadline)
{
	struct ledger *ledger;
	int fd;

	ledger_close(open_ledger());
	fd = open(folder_path("state/lock"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	open_is_refused(-EBUSY, "lock");
	ck_assert_ptr_null(strstr(told, "lock"));
	ledger = peek_ledger();
	ck_assert_ptr_nonnull(ledger);
	ledger_close(ledger);
	close(fd);
	ledger_close(open_ledger());
}
END_TEST

/* Whatever the calling process does meanwhile: no descriptor of ours goes to its children. */
START_TEST(every_descriptor_is_close_on_exec)
{
	bool was_open[64] = { false };
	struct ledger *ledger;
	int opened = 0;

	for (int fd = 0; fd < 64; fd++)
		was_open[fd] = fcntl(fd, F_GETFD) >= 0;
	ledger = open_ledger();
	for (int fd = 0; fd < 64; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || was_open[fd])
			continue;
		ck_assert_int_eq(flags & FD_CLOEXEC, FD_CLOEXEC);
		opened++;
	}
	ck_assert_int_eq(opened, 2);
	ledger_close(ledger);
	for (int fd = 0; fd < 64; fd++)
		ck_assert_int_eq(fcntl(fd, F_GETFD) >= 0, was_open[fd]);
}
END_TEST

/* One that is of another namespace, of a reused one, or damaged. */
static void is_not_ours(const char *pidns)
{
	struct ledger *ledger;

	folder_write(in_net("pidns"), pidns);
	ledger = open_ledger();
	ck_assert(!ledger_sees_processes(ledger));
	ledger_close(ledger);
	ledger = peek_ledger();
	ck_assert(!ledger_sees_processes(ledger));
	ledger_close(ledger);
}

START_TEST(another_pid_namespace_judges_nobody)
{
	struct ledger *ledger = open_ledger();

	ck_assert(ledger_sees_processes(ledger));
	ck_assert_int_eq(ledger_enter(ledger, UID, "agent1", "profile", NULL), 0);
	ledger_close(ledger);
	is_not_ours("4026530000 17\n");
	is_not_ours("4026530000");
	is_not_ours("");
}
END_TEST

START_TEST(an_empty_ledger_goes_to_whoever_comes_next)
{
	struct ledger *ledger = open_ledger();

	ledger_close(ledger);
	folder_write(in_net("pidns"), "4026530000 17\n");
	ledger = open_ledger();
	ck_assert(ledger_sees_processes(ledger));
	ledger_close(ledger);
	ledger = peek_ledger();
	ck_assert(ledger_sees_processes(ledger));
	ledger_close(ledger);
}
END_TEST

START_TEST(another_network_namespace_has_another_ledger)
{
	int status;
	pid_t pid;

	one_good_session();
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET))
			_exit(2);
		_exit(peek_ledger() == NULL && count_sessions(open_ledger()) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (status == 2 << 8)
		return; /* not for the unprivileged */
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(folder_glob("state/net-*", NULL), 2);
}
END_TEST

/* ---- openers ----------------------------------------------------------------------------------- */

START_TEST(an_opener_that_is_gone_is_dead)
{
	struct session session = begin();

	ck_assert_int_eq(session_is_live(&session), 1);
	session.start_time++; /* the pid was given out again */
	ck_assert_int_eq(session_is_live(&session), 0);
	session = begin();
	session.pid = fork();
	if (session.pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)session.pid, NULL, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(session_is_live(&session), 0); /* a zombie */
	ck_assert_int_eq(waitpid(session.pid, NULL, 0), session.pid);
	ck_assert_int_eq(session_is_live(&session), 0);
}
END_TEST

START_TEST(no_two_tokens_are_the_same)
{
	struct session one = begin(), two = begin();

	ck_assert(record_is_token(one.token));
	ck_assert_str_ne(one.token, two.token);
}
END_TEST

static void start(void)
{
	folder_make();
	told[0] = '\0';
}

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tcase = tcase_create("ledger");

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, a_session_comes_back_as_it_went_in);
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
	tcase_add_test(tcase, a_state_folder_that_is_a_link_is_refused);
	tcase_add_test(tcase, a_state_folder_that_is_a_file_is_refused);
	tcase_add_test(tcase, a_state_folder_that_others_may_write_to_is_refused);
	tcase_add_test(tcase, a_state_folder_of_somebody_else_is_refused);
	tcase_add_test(tcase, a_state_folder_that_cannot_be_made_is_refused);
	tcase_add_test(tcase, a_uid_folder_that_is_no_folder_is_refused);
	tcase_add_test(tcase, the_lock_is_waited_for_until_the_deadline);
	tcase_add_test(tcase, every_descriptor_is_close_on_exec);
	tcase_add_test(tcase, another_pid_namespace_judges_nobody);
	tcase_add_test(tcase, an_empty_ledger_goes_to_whoever_comes_next);
	tcase_add_test(tcase, another_network_namespace_has_another_ledger);
	tcase_add_test(tcase, an_opener_that_is_gone_is_dead);
	tcase_add_test(tcase, no_two_tokens_are_the_same);
	suite_add_tcase(suite, tcase);
	return folder_run("t-ledger", suite);
}
