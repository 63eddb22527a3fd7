/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shield.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

static int lift_cpu_limit(struct rlimit *ret_was)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (getrlimit(RLIMIT_CPU, ret_was))
		return -errno;
	if (ret_was->rlim_cur == RLIM_INFINITY || setrlimit(RLIMIT_CPU, &unlimited) == 0)
		return 0;
	/* Without CAP_SYS_RESOURCE, as in containers, it stays: killed half-way we leave the account held. */
	ret_was->rlim_cur = RLIM_INFINITY;
	return 0;
}

/* An idle-class holder of a lock would make everybody wait behind its caller's other processes. */
static void take_turns(struct shield *shield)
{
	const struct sched_param none = { 0 };

	shield->policy = sched_getscheduler(0);
	shield->starved = shield->policy >= 0 &&
			  ((shield->policy & ~SCHED_RESET_ON_FORK) == SCHED_IDLE ||
			   (shield->policy & ~SCHED_RESET_ON_FORK) == SCHED_BATCH);
	shield->nice = getpriority(PRIO_PROCESS, 0);
	if (shield->starved)
		sched_setscheduler(0, SCHED_OTHER, &none);
	if (shield->nice > 0)
		setpriority(PRIO_PROCESS, 0, 0);
}

static void give_turns_back(const struct shield *shield)
{
	const struct sched_param none = { 0 };

	if (shield->nice > 0)
		setpriority(PRIO_PROCESS, 0, shield->nice);
	if (shield->starved)
		sched_setscheduler(0, shield->policy, &none);
}

static bool has_file_signal(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1;
}

int shield_raise(struct fault *fault, struct shield *ret)
{
	struct shield shield;
	sigset_t all;
	int r;

	if (getresuid(&shield.real, &shield.effective, &shield.saved) || shield.effective != 0)
		return fault_set(fault, -EPERM, "privilege: effective uid 0 is needed");
	sigfillset(&all);
	r = -pthread_sigmask(SIG_SETMASK, &all, &shield.mask);
	if (r)
		return fault_set(fault, -EPERM, "signals: block: %s", strerror(-r));
	r = lift_cpu_limit(&shield.cpu);
	if (!r && shield.real != 0 && setresuid(0, 0, 0)) {
		r = -errno;
		setrlimit(RLIMIT_CPU, &shield.cpu);
	}
	if (r) {
		pthread_sigmask(SIG_SETMASK, &shield.mask, NULL);
		return fault_set(fault, -EPERM, "privilege: real uid 0: %s", strerror(-r));
	}
	shield.had_file_signal = has_file_signal();
	take_turns(&shield);
	*ret = shield;
	return 0;
}

/* What we wrote past the caller's limit failed and was told. It would be the end of him all the same. */
static void drop_file_signal(const struct shield *shield)
{
	const struct timespec now = { 0 };
	sigset_t file_size;

	sigemptyset(&file_size);
	sigaddset(&file_size, SIGXFSZ);
	if (!shield->had_file_signal)
		sigtimedwait(&file_size, NULL, &now);
}

int shield_lower(const struct shield *shield, struct fault *fault)
{
	int r = 0;

	give_turns_back(shield);
	if (shield->real != 0 && setresuid(shield->real, shield->effective, shield->saved))
		r = -EPERM;
	if (shield->cpu.rlim_cur != RLIM_INFINITY && setrlimit(RLIMIT_CPU, &shield->cpu))
		r = -EPERM;
	drop_file_signal(shield);
	pthread_sigmask(SIG_SETMASK, &shield->mask, NULL);
	return r ? fault_set(fault, r, "privilege: restore: %s", strerror(errno)) : 0;
}
