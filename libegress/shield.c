/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shield.h"

#include <errno.h>
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
	*ret = shield;
	return 0;
}

int shield_lower(const struct shield *shield, struct fault *fault)
{
	int r = 0;

	if (shield->real != 0 && setresuid(shield->real, shield->effective, shield->saved))
		r = -EPERM;
	if (shield->cpu.rlim_cur != RLIM_INFINITY && setrlimit(RLIMIT_CPU, &shield->cpu))
		r = -EPERM;
	pthread_sigmask(SIG_SETMASK, &shield->mask, NULL);
	return r ? fault_set(fault, r, "privilege: restore: %s", strerror(errno)) : 0;
}
