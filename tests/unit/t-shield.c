/* SPDX-License-Identifier: GPL-2.0-or-later */
/* While a lock is held nobody may stop us; afterwards the process is what it was. */
#include "shield.h"

#include "folder.h"
#include "unit.h"
#include "util.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#define SOMEBODY 2890000001U

static bool is_blocked(int signal)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, signal) == 1;
}

static void uids_are(uid_t real, uid_t effective, uid_t saved)
{
	uid_t is[3];

	ck_assert_int_eq(getresuid(&is[0], &is[1], &is[2]), 0);
	ck_assert_uint_eq(is[0], real);
	ck_assert_uint_eq(is[1], effective);
	ck_assert_uint_eq(is[2], saved);
}

START_TEST(signals_wait_and_the_mask_comes_back)
{
	struct shield shield;
	sigset_t mask, pending;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	ck_assert_int_eq(shield_raise(NULL, &shield), 0);
	ck_assert(is_blocked(SIGTERM) && is_blocked(SIGINT) && is_blocked(SIGTSTP) && is_blocked(SIGXCPU));
	raise(SIGTERM);
	sigpending(&pending);
	ck_assert(sigismember(&pending, SIGTERM));
	signal(SIGTERM, SIG_IGN);
	ck_assert_int_eq(shield_lower(&shield, NULL), 0);
	ck_assert(is_blocked(SIGUSR2));
	ck_assert(!is_blocked(SIGTERM) && !is_blocked(SIGTSTP));
}
END_TEST

/* What fails for the caller's limit of a file's size must not end him afterwards, before a word of it is said. */
START_TEST(a_file_that_may_not_grow_ends_nobody)
{
	struct rlimit was, none;
	struct shield shield;
	FILE *file = tmpfile();
	int raised, written, lowered;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = (struct rlimit){ 0, was.rlim_max };
	/* The framework writes to a file, too. */
	setrlimit(RLIMIT_FSIZE, &none);
	raised = shield_raise(NULL, &shield);
	written = write(fileno(file), "x", 1) < 0 ? errno : 0;
	lowered = shield_lower(&shield, NULL);
	setrlimit(RLIMIT_FSIZE, &was);
	ck_assert_int_eq(raised, 0);
	ck_assert_int_eq(written, EFBIG);
	ck_assert_int_eq(lowered, 0);
	ck_assert(!is_blocked(SIGXFSZ));
	fclose(file);
}
END_TEST

/* The caller of su may stop a process whose real uid is his. */
START_TEST(the_real_uid_is_root_and_comes_back)
{
	struct shield shield;

	ck_assert_int_eq(setresuid(SOMEBODY, 0, 0), 0);
	ck_assert_int_eq(shield_raise(NULL, &shield), 0);
	uids_are(0, 0, 0);
	ck_assert_int_eq(shield_lower(&shield, NULL), 0);
	uids_are(SOMEBODY, 0, 0);
}
END_TEST

START_TEST(a_cpu_limit_comes_back)
{
	const struct rlimit limit = { 1000, 2000 }, unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit is;
	struct shield shield;
	bool may; /* not in every container */

	ck_assert_int_eq(setrlimit(RLIMIT_CPU, &limit), 0);
	may = setrlimit(RLIMIT_CPU, &unlimited) == 0;
	ck_assert_int_eq(setrlimit(RLIMIT_CPU, &limit), 0);
	ck_assert_int_eq(shield_raise(NULL, &shield), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_CPU, &is), 0);
	ck_assert_uint_eq(is.rlim_cur, may ? RLIM_INFINITY : 1000);
	ck_assert_int_eq(shield_lower(&shield, NULL), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_CPU, &is), 0);
	ck_assert_uint_eq(is.rlim_cur, 1000);
	ck_assert_uint_eq(is.rlim_max, 2000);
}
END_TEST

/* An idle-class holder of the lock would wait behind everybody; with the flag the class is easily missed. */
START_TEST(an_idle_class_is_left_and_comes_back)
{
	static const int policies[] = { SCHED_IDLE, SCHED_BATCH, SCHED_IDLE | SCHED_RESET_ON_FORK };
	const struct sched_param none = { 0 };
	struct shield shield;

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		ck_assert_int_eq(sched_setscheduler(0, policies[i], &none), 0);
		ck_assert_int_eq(shield_raise(NULL, &shield), 0);
		ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
		ck_assert_int_eq(shield_lower(&shield, NULL), 0);
		ck_assert_int_eq(sched_getscheduler(0), policies[i]);
	}
}
END_TEST

START_TEST(without_effective_root_nothing_changes)
{
	struct shield shield;
	struct fault fault = { 0 };

	ck_assert_int_eq(seteuid(SOMEBODY), 0);
	ck_assert_int_eq(shield_raise(&fault, &shield), -EPERM);
	ck_assert_str_ne(fault.line, "");
	uids_are(0, SOMEBODY, 0);
	ck_assert(!is_blocked(SIGTERM));
	ck_assert_int_eq(seteuid(0), 0); /* for the leak checker, which looks at its own process */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shield");
	TCase *tcase = tcase_create("shield");

	tcase_add_test(tcase, signals_wait_and_the_mask_comes_back);
	tcase_add_test(tcase, a_file_that_may_not_grow_ends_nobody);
	tcase_add_test(tcase, the_real_uid_is_root_and_comes_back);
	tcase_add_test(tcase, a_cpu_limit_comes_back);
	tcase_add_test(tcase, an_idle_class_is_left_and_comes_back);
	tcase_add_test(tcase, without_effective_root_nothing_changes);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-shield", suite);
}
