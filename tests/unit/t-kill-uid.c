/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All of a uid at once, and nobody else. In a pid namespace of its own: a kill(-1) that is not what it must be
 * reaches no further.
 */
#include "kill-uid.h"

#include "procscan.h"
#include "unit.h"
#include "util.h"

#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ACCOUNT 2001
#define OTHER 2002
#define LONG_MS 10000
#define SOON_MS 3000

static struct procscan *scan_now(void)
{
	const struct deadline deadline = deadline_in_ms(LONG_MS);
	struct procscan *scan = NULL;
	struct fault fault = { 0 };

	ck_assert_msg(procscan_take(&deadline, &fault, &scan) == 0, "%s", fault.line);
	return scan;
}

static unsigned int count_of(uid_t uid)
{
	struct procscan *scan = scan_now();
	unsigned int count = procscan_count(scan, (struct uid_range){ uid, uid });

	procscan_free(scan);
	return count;
}

static bool all_gone(uid_t uid)
{
	const struct deadline deadline = deadline_in_ms(SOON_MS);

	while (count_of(uid) > 0)
		if (!deadline_pause(&deadline, 5))
			return false;
	return true;
}

static int try_to_kill(uid_t uid)
{
	const struct deadline deadline = deadline_in_ms(LONG_MS);
	struct procscan *scan = scan_now();
	int r = kill_uid(uid, scan, &deadline, NULL);

	procscan_free(scan);
	return r;
}

static void kill_all_of(uid_t uid)
{
	ck_assert_int_eq(try_to_kill(uid), 0);
}

static void become(uid_t real, uid_t effective, uid_t saved)
{
	if (setresgid(real, real, real) || setresuid(real, effective, saved))
		_exit(1);
}

/* RUN in a process of these uids. */
static pid_t start(uid_t real, uid_t effective, uid_t saved, void (*run)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		become(real, effective, saved);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			run();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void stay(void)
{
	pause();
}

static bool was_killed(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool lives(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

/* ---- whom it reaches ------------------------------------------------------------------------------ */

START_TEST(all_of_the_account_and_nobody_else)
{
	pid_t one = start(ACCOUNT, ACCOUNT, ACCOUNT, stay), two = start(ACCOUNT, ACCOUNT, ACCOUNT, stay);
	pid_t on_its_way = start(ACCOUNT, 0, 0, stay); /* a program that runs setuid root for it */
	pid_t setuid_program = start(OTHER, OTHER, ACCOUNT, stay);
	pid_t other = start(OTHER, OTHER, OTHER, stay), root = start(0, 0, 0, stay);
	pid_t on_its_behalf = start(0, ACCOUNT, 0, stay); /* as sshd while it reads the account's files */

	kill_all_of(ACCOUNT);
	ck_assert(was_killed(one) && was_killed(two) && was_killed(on_its_way) && was_killed(setuid_program));
	ck_assert(lives(other) && lives(root) && lives(on_its_behalf));
	ck_assert_uint_eq(count_of(OTHER), 1);
}
END_TEST

START_TEST(uid_0_and_no_uid_are_refused)
{
	static const uid_t never[] = { 0, (uid_t)-1 };
	pid_t root = start(0, 0, 0, stay);

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		ck_assert_int_eq(try_to_kill(never[i]), -EINVAL);
	ck_assert(lives(root));
}
END_TEST

/* It would be one of those whom the account may signal. */
START_TEST(a_caller_with_the_accounts_real_uid_is_refused)
{
	ck_assert_int_eq(setresuid(ACCOUNT, 0, 0), 0);
	ck_assert_int_eq(try_to_kill(ACCOUNT), -EPERM);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
}
END_TEST

/* A program whose capabilities do not go with uid 0. */
START_TEST(capabilities_that_would_stay_reach_nobody_else)
{
	pid_t account = start(ACCOUNT, ACCOUNT, ACCOUNT, stay), other = start(OTHER, OTHER, OTHER, stay);

	ck_assert_int_eq(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0), 0);
	kill_all_of(ACCOUNT);
	ck_assert(was_killed(account));
	ck_assert(lives(other));
}
END_TEST

/* ---- those who run ahead --------------------------------------------------------------------------- */

/* Each makes the next and ends: whoever looks and then kills is always late. */
static void hop(void)
{
	pid_t pid = fork();

	if (pid > 0)
		_exit(0);
}

/* As many as there may be: the machine has others. */
static void multiply(void)
{
	const struct rlimit few = { 200, 200 };

	setrlimit(RLIMIT_NPROC, &few);
	if (fork() < 0)
		usleep(100);
}

START_TEST(forks_do_not_outrun_it)
{
	for (int i = 0; i < 4; i++)
		start(ACCOUNT, ACCOUNT, ACCOUNT, hop);
	usleep((useconds_t)(_i * 1000));
	kill_all_of(ACCOUNT); /* once */
	ck_assert(all_gone(ACCOUNT));
}
END_TEST

START_TEST(nor_do_they_when_they_become_ever_more)
{
	start(ACCOUNT, ACCOUNT, ACCOUNT, multiply);
	usleep(20 * 1000);
	kill_all_of(ACCOUNT);
	ck_assert(all_gone(ACCOUNT));
}
END_TEST

static const int weapons[] = { SIGSTOP, SIGKILL };
static int weapon;

static void strike_all(void)
{
	kill(-1, weapon);
}

/* It does nothing but stop, or kill, whomever it may: not who is sent to kill it. */
START_TEST(an_account_that_strikes_first_loses)
{
	pid_t pid;

	weapon = weapons[_i % 2];
	pid = start(ACCOUNT, ACCOUNT, ACCOUNT, strike_all);
	usleep(1000);
	kill_all_of(ACCOUNT);
	ck_assert(was_killed(pid));
}
END_TEST

/* Whoever has the uid that is to be nobody's would be killed along. */
START_TEST(a_uid_that_was_to_be_free_and_is_not)
{
	pid_t highest = start((uid_t)-2, (uid_t)-2, (uid_t)-2, stay), account = start(ACCOUNT, ACCOUNT, ACCOUNT, stay);

	ck_assert_int_eq(try_to_kill(ACCOUNT), -EPERM);
	ck_assert_int_eq(try_to_kill((uid_t)-2), -EPERM);
	ck_assert(lives(highest) && lives(account));
	/* Gone before the next one begins, which needs that uid free. */
	ck_assert_int_eq(kill(highest, SIGKILL), 0);
	ck_assert_int_eq(waitpid(highest, NULL, 0), highest);
}
END_TEST

/* ---- the program around it --------------------------------------------------------------------------- */

static volatile sig_atomic_t children;

static void count_child(int signal)
{
	(void)signal;
	children++;
}

START_TEST(the_program_around_it_notices_nothing)
{
	const struct sigaction action = { .sa_handler = count_child };
	int before = dup(0), after;

	close(before);
	ck_assert_int_eq(sigaction(SIGCHLD, &action, NULL), 0);
	kill_all_of(ACCOUNT);
	ck_assert_int_eq(children, 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
	after = dup(0);
	ck_assert_int_eq(after, before);
}
END_TEST

START_TEST(a_program_that_ignores_its_children_is_served_as_well)
{
	pid_t account = start(ACCOUNT, ACCOUNT, ACCOUNT, stay);

	signal(SIGCHLD, SIG_IGN);
	kill_all_of(ACCOUNT);
	ck_assert(all_gone(ACCOUNT));
	ck_assert_int_eq(kill(account, 0), -1);
}
END_TEST

static int run(void)
{
	Suite *suite = suite_create("kill-uid");
	TCase *tcase = tcase_create("kill-uid");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, all_of_the_account_and_nobody_else);
	tcase_add_test(tcase, uid_0_and_no_uid_are_refused);
	tcase_add_test(tcase, a_caller_with_the_accounts_real_uid_is_refused);
	tcase_add_test(tcase, capabilities_that_would_stay_reach_nobody_else);
	tcase_add_loop_test(tcase, forks_do_not_outrun_it, 0, 20);
	tcase_add_test(tcase, nor_do_they_when_they_become_ever_more);
	tcase_add_loop_test(tcase, an_account_that_strikes_first_loses, 0, 20);
	tcase_add_test(tcase, a_uid_that_was_to_be_free_and_is_not);
	tcase_add_test(tcase, the_program_around_it_notices_nothing);
	tcase_add_test(tcase, a_program_that_ignores_its_children_is_served_as_well);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

/* The first process of the namespace: buries those whose parents are gone. When it ends, all of it does. */
static int run_inside(void)
{
	pid_t runner, gone;
	int status = EXIT_FAILURE;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL)) {
		printf("not ok - kill-uid: a /proc of its own: %m\n");
		return EXIT_FAILURE;
	}
	runner = fork();
	if (runner == 0)
		exit(run());
	do {
		gone = wait(&status);
	} while (gone != runner && gone > 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int main(void)
{
	int status;
	pid_t pid;

	if (geteuid() != 0 || unshare(CLONE_NEWPID | CLONE_NEWNS)) {
		puts("skip - t-kill-uid: needs uid 0");
		return EXIT_SUCCESS;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(run_inside());
	/* A look for leaks would find that /proc is not its own. */
	_exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}
