/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives the last session, and every name of a uid: the engine over a fake kernel, with real processes and sockets. */
#include "engine-lab.h"

#include "util.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LAST_CLOSE(what) \
	"profiles = { default = { proxy = \"127.0.0.1:3128\"; on_last_close = \"" what "\"; }; };\n" LAB_ACCOUNTS
#define WITHOUT_AGENT1 LAB_PROFILES "accounts = ( { user = \"agent2\"; } );\n"

static void own_network(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
}

/* Of the account, but in nobody's hands that a look at processes would find: this program has it open. */
static int leave_socket(uid_t uid)
{
	const struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
	int fd;

	setfsuid(uid);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setfsuid(0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&here, sizeof(here)), 0);
	return fd;
}

static void reap_releases(unsigned int released)
{
	ck_assert_uint_eq(lab_reap().released, released);
}

START_TEST(a_socket_of_the_account_keeps_it_held)
{
	struct egress_session *session;
	struct egress_account *account = NULL;
	int fd;

	own_network();
	session = lab_open("agent1");
	fd = leave_socket(AGENT1);
	ck_assert(lab_close(session));
	reap_releases(0);
	lab_state_is("agent1", EGRESS_LINGERING);
	ck_assert_int_eq(egress_show(lab.ctx, "agent1", &account), 0);
	ck_assert_uint_eq(account->processes, 0);
	ck_assert_uint_eq(account->sockets, 1);
	egress_account_free(account);
	close(fd);
	reap_releases(1);
	lab_nothing_left();
}
END_TEST

START_TEST(a_socket_of_somebody_else_keeps_nobody_held)
{
	struct egress_session *session;
	int fd;

	own_network();
	session = lab_open("agent1");
	fd = leave_socket(ALICE);
	ck_assert(!lab_close(session));
	close(fd);
	lab_nothing_left();
}
END_TEST

static bool is_killed(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

START_TEST(kill_ends_what_the_last_session_leaves)
{
	struct egress_session *first, *second;
	pid_t pid = lab_process(AGENT1), other = lab_process(AGENT2);

	lab_conf(LAST_CLOSE("kill"));
	first = lab_open("agent1");
	second = lab_open("agent1");
	ck_assert(lab_close(first));
	reap_releases(0);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0); /* a session is open */
	ck_assert(!lab_close(second));
	ck_assert(is_killed(pid));
	ck_assert(lab_log_has("ended what its last session left: processes=1"));
	ck_assert_int_eq(waitpid(other, NULL, WNOHANG), 0);
	lab_end_process(other);
	lab_nothing_left();
}
END_TEST

START_TEST(kill_spares_who_is_pinned_or_held_always)
{
	pid_t pid = lab_process(AGENT1);

	lab_conf(LAST_CLOSE("kill"));
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), 0);
	ck_assert(lab_close(lab_open("agent1")));
	reap_releases(0);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	lab_conf("profiles = { default = { proxy = \"127.0.0.1:3128\"; hold = \"always\"; on_last_close = \"kill\"; }; };\n"
		 LAB_ACCOUNTS);
	ck_assert_int_eq(egress_release(lab.ctx, "agent1"), 0);
	ck_assert(lab_close(lab_open("agent1")));
	lab_sync();
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	lab_end_process(pid);
}
END_TEST

START_TEST(kill_is_done_by_reap_when_it_ends_the_last_session)
{
	struct egress_session *session;
	pid_t pid = lab_process(AGENT1);

	lab_conf(LAST_CLOSE("kill"));
	session = lab_open("agent1");
	lab_open_and_die("agent1");
	ck_assert_int_eq(unlink(folder_path(lab_uid_path(AGENT1, session->token))), 0);
	egress_session_free(session);
	reap_releases(1);
	ck_assert(is_killed(pid));
	lab_nothing_left();
}
END_TEST

/* An open that fails ends nobody: what runs is not what a session left. */
START_TEST(kill_is_not_for_an_open_that_fails)
{
	pid_t pid = lab_process(AGENT1);

	lab_conf(LAST_CLOSE("kill"));
	lab.kernel.lies = 1;
	lab_deny("agent1", -EIO);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	lab_end_process(pid);
	lab_reap();
	lab_nothing_left();
}
END_TEST

/* The process cannot be made what it was: who called with the real uid of somebody else. */
static uid_t no_way_back = (uid_t)-1;

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
	if (real == no_way_back) {
		errno = EAGAIN;
		return -1;
	}
	return (int)syscall(SYS_setresuid, real, effective, saved);
}

START_TEST(kill_is_not_for_an_open_that_fails_in_the_end)
{
	pid_t pid = lab_process(AGENT1);

	lab_conf(_i ? LAST_CLOSE("kill") : LAST_CLOSE("release"));
	ck_assert_int_eq(setresuid(ALICE, 0, 0), 0);
	no_way_back = ALICE;
	lab_deny("agent1", -EPERM);
	no_way_back = (uid_t)-1;
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	ck_assert_uint_eq(lab_records(AGENT1), 0);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	ck_assert(lab_stands(AGENT1));
	lab_end_process(pid);
	lab_reap();
	lab_nothing_left();
}
END_TEST

START_TEST(kill_waits_for_nobody_and_leaves_a_socket_held)
{
	struct egress_session *session;
	int fd;

	own_network();
	fd = leave_socket(AGENT1);
	lab_conf(LAST_CLOSE("kill"));
	session = lab_open("agent1");
	ck_assert(lab_close(session));
	close(fd);
	reap_releases(1);
	lab_nothing_left();
}
END_TEST

START_TEST(release_lets_go_although_something_is_left)
{
	struct egress_session *session;
	pid_t pid = lab_process(AGENT1);

	lab_conf(LAST_CLOSE("release"));
	session = lab_open("agent1");
	ck_assert(!lab_close(session));
	lab_nothing_left();
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	lab_end_process(pid);
}
END_TEST

START_TEST(release_is_done_by_reap_as_well)
{
	pid_t pid = lab_process(AGENT1);
	struct egress_session *session;

	lab_conf(LAST_CLOSE("release"));
	session = lab_open("agent1");
	ck_assert_int_eq(unlink(folder_path(lab_uid_path(AGENT1, session->token))), 0);
	egress_session_free(session);
	reap_releases(1);
	lab_nothing_left();
	lab_end_process(pid);
}
END_TEST

/* The session of a record that cannot be read may be open. */
START_TEST(a_damaged_record_is_no_reason_to_end_or_overlook_what_runs)
{
	struct egress_session *session;
	pid_t pid = lab_process(AGENT1);

	lab_conf(_i ? LAST_CLOSE("kill") : LAST_CLOSE("release"));
	session = lab_open("agent1");
	folder_write(lab_uid_path(AGENT1, session->token), "egress-session 1\npid=");
	egress_session_free(session);
	reap_releases(0);
	reap_releases(0);
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert(lab_stands(AGENT1));
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	lab_end_process(pid);
	reap_releases(1);
	lab_nothing_left();
	/* Afterwards all is as ever. */
	pid = lab_process(AGENT1);
	ck_assert(!lab_close(lab_open("agent1")));
	if (_i)
		ck_assert(is_killed(pid));
	else
		lab_end_process(pid);
	lab_nothing_left();
}
END_TEST

START_TEST(release_is_not_for_who_cannot_see_the_processes)
{
	struct egress_session *session;
	char *net = NULL, path[256];

	lab_conf(LAST_CLOSE("release"));
	session = lab_open("agent1");
	ck_assert_uint_eq(folder_glob("state/net-*", &net), 1);
	snprintf(path, sizeof(path), "%s/pidns", net);
	folder_write(path, "4026530000 17\n");
	ck_assert(lab_close(session));
	ck_assert(lab_stands(AGENT1));
	free(net);
}
END_TEST

/* Who left the configuration is treated by the profile that he had. */
START_TEST(the_remembered_profile_decides_for_who_left_the_configuration)
{
	struct egress_session *session;
	pid_t pid = lab_process(AGENT1);

	lab_conf(_i ? LAST_CLOSE("kill") : LAST_CLOSE("release"));
	session = lab_open("agent1");
	lab_conf(WITHOUT_AGENT1);
	ck_assert(!lab_close(session));
	lab_nothing_left();
	if (_i)
		ck_assert(is_killed(pid));
	else
		lab_end_process(pid);
}
END_TEST

/* ---- names that the name service does not tell of --------------------------------------------------- */

#define BY(entry) LAB_PROFILES "accounts = ( { " entry " } );\n"

static const char *const by_other_names[] = {
	BY("user = \"alice\";"), BY("user = \"alice2\";"), BY("user = \"alice3\";"),
	BY("group = \"agents\";"), /* alice3 is in it */
};
static const char *const names_of_alice[] = { "alice", "alice2", "alice3" };

START_TEST(every_name_of_a_uid_is_covered_by_an_entry_for_any_of_them)
{
	lab_conf(by_other_names[_i / 3]);
	ck_assert(!lab_close(lab_open(names_of_alice[_i % 3])));
	lab_nothing_left();
}
END_TEST

START_TEST(names_that_cannot_be_read_deny)
{
	fake_passwd_error = -EIO;
	lab_deny("agent1", -EIO);
	lab_deny("alice", -EIO);
	fake_passwd_error = -EMFILE;
	lab_deny("alice", -ENOMEM);
	ck_assert_ptr_null(lab_open("root"));
	lab_nothing_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("last-close");
	TCase *tcase = tcase_create("last-close");

	tcase_add_checked_fixture(tcase, lab_begin, lab_end);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_socket_of_the_account_keeps_it_held);
	tcase_add_test(tcase, a_socket_of_somebody_else_keeps_nobody_held);
	tcase_add_test(tcase, kill_ends_what_the_last_session_leaves);
	tcase_add_test(tcase, kill_spares_who_is_pinned_or_held_always);
	tcase_add_test(tcase, kill_is_done_by_reap_when_it_ends_the_last_session);
	tcase_add_test(tcase, kill_is_not_for_an_open_that_fails);
	tcase_add_loop_test(tcase, kill_is_not_for_an_open_that_fails_in_the_end, 0, 2);
	tcase_add_test(tcase, kill_waits_for_nobody_and_leaves_a_socket_held);
	tcase_add_test(tcase, release_lets_go_although_something_is_left);
	tcase_add_test(tcase, release_is_done_by_reap_as_well);
	tcase_add_loop_test(tcase, a_damaged_record_is_no_reason_to_end_or_overlook_what_runs, 0, 2);
	tcase_add_test(tcase, release_is_not_for_who_cannot_see_the_processes);
	tcase_add_loop_test(tcase, the_remembered_profile_decides_for_who_left_the_configuration, 0, 2);
	tcase_add_loop_test(tcase, every_name_of_a_uid_is_covered_by_an_entry_for_any_of_them, 0,
			    3 * ARRAY_SIZE(by_other_names));
	tcase_add_test(tcase, names_that_cannot_be_read_deny);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-last-close", suite);
}
