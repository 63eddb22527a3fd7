/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill(-1) goes through all processes while the kernel lets none be added, and a fork(2) that is under way when its
 * SIGKILL comes fails: so all of a uid are hit, which no walk through /proc could do. But it means all that the
 * caller may kill. Hence a child whose effective uid is the account's, and that may do no more than the account.
 *
 * Its real and saved uid are nobody's. By them goes who may signal it: one that had the account's in all three was
 * killed by a process of the account that did nothing but kill(-1), each time, before it came to its own.
 */
#include "kill-uid.h"

#include "util.h"

#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifdef SYS_setresuid32 /* where plain ones have 16 bits */
#define SETRESUID SYS_setresuid32
#define SETRESGID SYS_setresgid32
#define SETGROUPS SYS_setgroups32
#else
#define SETRESUID SYS_setresuid
#define SETRESGID SYS_setresgid
#define SETGROUPS SYS_setgroups
#endif

#define NO_GROUP 65534
#define CHILD_MS 200L /* it needs far less than a millisecond, unless root stops it */
#define STEP_MS 1L

#define CAPS_ROOM 2 /* of _LINUX_CAPABILITY_VERSION_3 */

/* Whatever the host program's securebits say: without CAP_KILL, and without the means to get it back. */
static long keep_setuid_only(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct caps[CAPS_ROOM] = {
		{ .effective = 1U << CAP_SETUID, .permitted = 1U << CAP_SETUID },
	};

	return syscall(SYS_capset, &header, caps);
}

/*
 * A copy of one thread of a program that may have many: system calls only, since any lock of the C library may be
 * held for ever. Nothing of root's is left open, no lock either.
 */
static _Noreturn void become_and_kill(uid_t uid, uid_t nobody)
{
	long r = syscall(SYS_close_range, 0U, ~0U, 0U);

	if (!r)
		r = syscall(SETGROUPS, 0, NULL);
	if (!r)
		r = syscall(SETRESGID, NO_GROUP, NO_GROUP, NO_GROUP);
	if (!r)
		r = keep_setuid_only();
	if (!r)
		r = syscall(SETRESUID, nobody, uid, nobody);
	if (!r)
		r = syscall(SYS_kill, -1, SIGKILL);
	for (;;)
		syscall(SYS_exit_group, r && errno != ESRCH ? 1 : 0);
}

/* 1 with *ret_status set, 0: not yet; or a negative errno. */
static int wait_until(pid_t child, const struct deadline *deadline, int *ret_status)
{
	for (;;) {
		/* __WALL: it has no exit signal, so that the program's own waits do not see it. */
		pid_t pid = waitpid(child, ret_status, WNOHANG | __WALL);

		if (pid == child)
			return 1;
		if (pid < 0 && errno != EINTR)
			return -errno;
		if (!deadline_pause(deadline, STEP_MS))
			return 0;
	}
}

static int finish(pid_t child, const struct deadline *deadline)
{
	const struct deadline soon = deadline_sooner(*deadline, deadline_in_ms(CHILD_MS));
	int status = 0, r = wait_until(child, &soon, &status);

	if (r == 0) { /* stopped */
		kill(child, SIGKILL);
		r = wait_until(child, deadline, &status);
		return r < 0 ? r : r ? -EAGAIN : -ETIMEDOUT;
	}
	if (r < 0)
		return r;
	if (WIFSIGNALED(status))
		return -EAGAIN;
	return WEXITSTATUS(status) ? -EIO : 0;
}

/* The highest uid that there is in this user namespace: 4294967294, or the last one that a container got. */
static int highest_uid(uid_t *ret)
{
	FILE *file = fopen("/proc/self/uid_map", "re");
	unsigned long first, outside, count, highest = 0;

	if (!file)
		return -errno;
	while (fscanf(file, "%lu %lu %lu", &first, &outside, &count) == 3)
		if (count && first + count - 1 > highest)
			highest = first + count - 1;
	fclose(file);
	if (highest == 0 || highest >= (uid_t)-1)
		return -ENOENT;
	*ret = (uid_t)highest;
	return 0;
}

static int check(uid_t uid, const struct procscan *scan, struct fault *fault, uid_t *ret_nobody)
{
	uid_t real, effective, saved, nobody = uid;
	int r;

	if (uid == 0 || uid == (uid_t)-1)
		return fault_set(fault, -EINVAL, "kill: uid %u: never", uid);
	if (getresuid(&real, &effective, &saved) || real != 0 || effective != 0 || saved != 0)
		return fault_set(fault, -EPERM, "kill: uid %u: uid 0 is needed", uid);
	r = highest_uid(&nobody);
	if (r)
		return fault_set(fault, util_is_scarce(-r) ? -ENOMEM : -EIO, "kill: /proc/self/uid_map: %s",
				 strerror(-r));
	/* It would be killed along. */
	if (nobody == uid || procscan_count(scan, (struct uid_range){ nobody, nobody }) > 0)
		return fault_set(fault, -EPERM, "kill: uid %u: uid %u, which nobody should have, is in use", uid,
				 nobody);
	*ret_nobody = nobody;
	return 0;
}

int kill_uid(uid_t uid, const struct procscan *scan, const struct deadline *deadline, struct fault *fault)
{
	uid_t nobody = uid;
	long child;
	int r = check(uid, scan, fault, &nobody);

	if (r)
		return r;
	child = syscall(SYS_clone, 0UL, NULL, NULL, NULL, NULL);
	if (child == 0)
		become_and_kill(uid, nobody);
	r = child < 0 ? -errno : finish((pid_t)child, deadline);
	if (r == -EAGAIN || r == -ETIMEDOUT || !r)
		return r ? fault_set(fault, r, "kill: uid %u: %s", uid,
				     r == -EAGAIN ? "who was to do it was killed or stopped" : "did not end by the deadline")
			 : 0;
	return fault_set(fault, util_is_scarce(-r) || child < 0 ? -ENOMEM : -EIO, "kill: uid %u: %s", uid,
			 strerror(-r));
}
