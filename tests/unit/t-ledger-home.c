/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the ledger lives: a folder that is ours alone, one for each network namespace, under a lock. */
#include "ledger-lab.h"

#include "util.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void open_is_refused(int error, const char *why)
{
	struct ledger *ledger = NULL;
	struct fault fault;

	ck_assert_int_eq(home_try(&ledger, &fault), error);
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

/* ---- locks and namespaces ---------------------------------------------------------------------- */

START_TEST(the_lock_is_waited_for_until_the_deadline)
{
	struct ledger *ledger;
	int fd;

	ledger_close(home_open());
	fd = open(folder_path("state/lock"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	open_is_refused(-EBUSY, "lock");
	ck_assert_ptr_null(strstr(home_told, "lock"));
	ledger = home_peek();
	ck_assert_ptr_nonnull(ledger);
	ledger_close(ledger);
	close(fd);
	ledger_close(home_open());
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
	ledger = home_open();
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

	folder_write(home_net_path("pidns"), pidns);
	ledger = home_open();
	ck_assert(!ledger_sees_processes(ledger));
	ledger_close(ledger);
	ledger = home_peek();
	ck_assert(!ledger_sees_processes(ledger));
	ledger_close(ledger);
}

START_TEST(another_pid_namespace_judges_nobody)
{
	struct ledger *ledger = home_open();

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
	struct ledger *ledger = home_open();

	ledger_close(ledger);
	folder_write(home_net_path("pidns"), "4026530000 17\n");
	ledger = home_open();
	ck_assert(ledger_sees_processes(ledger));
	ledger_close(ledger);
	ledger = home_peek();
	ck_assert(ledger_sees_processes(ledger));
	ledger_close(ledger);
}
END_TEST

START_TEST(another_network_namespace_has_another_ledger)
{
	int status;
	pid_t pid;

	home_one_session();
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET))
			_exit(2);
		_exit(home_peek() == NULL && home_count_sessions(home_open()) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (status == 2 << 8)
		return; /* not for the unprivileged */
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(folder_glob("state/net-*", NULL), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger-home");
	TCase *tcase = tcase_create("ledger-home");

	tcase_add_checked_fixture(tcase, home_make, NULL);
	tcase_add_test(tcase, a_state_folder_that_is_a_link_is_refused);
	tcase_add_test(tcase, a_state_folder_that_is_a_file_is_refused);
	tcase_add_test(tcase, a_state_folder_that_others_may_write_to_is_refused);
	tcase_add_test(tcase, a_state_folder_of_somebody_else_is_refused);
	tcase_add_test(tcase, a_state_folder_that_cannot_be_made_is_refused);
	tcase_add_test(tcase, the_lock_is_waited_for_until_the_deadline);
	tcase_add_test(tcase, every_descriptor_is_close_on_exec);
	tcase_add_test(tcase, another_pid_namespace_judges_nobody);
	tcase_add_test(tcase, an_empty_ledger_goes_to_whoever_comes_next);
	tcase_add_test(tcase, another_network_namespace_has_another_ledger);
	suite_add_tcase(suite, tcase);
	return folder_run("t-ledger-home", suite);
}
