/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill(-1) goes through all processes while the kernel lets none be added, and a fork(2) that is under way when its
 * SIGKILL comes fails: so all of a uid are hit, which no walk through /proc could do. But it means all that the
 * caller may kill. Hence a child that has become the account, and could do no more than the account itself.
 */
#include "kill-uid.h"

#include "util.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
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
#define CHILD_MS 200L /* it needs far less than a millisecond, unless somebody stops it */
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
 * held for ever. Nothing of root's is left open for the account to reach for; should we die, a child that it has
 * stopped holds no lock of ours.
 */
static _Noreturn void become_and_kill(uid_t uid)
{
	long r = syscall(SYS_close_range, 0U, ~0U, 0U);

	if (!r)
		r = syscall(SETGROUPS, 0, NULL);
	if (!r)
		r = syscall(SETRESGID, NO_GROUP, NO_GROUP, NO_GROUP);
	if (!r)
		r = keep_setuid_only();
	/* From here on the account can stop it or kill it: the next call comes at once. */
	if (!r)
		r = syscall(SETRESUID, uid, uid, uid);
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

/* With this setting the account could trace a process that was root's a moment ago, and read what it knows. */
static bool is_traceable(void)
{
	AUTO_CLOSE int fd = open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC);
	char value;

	return fd < 0 || read(fd, &value, 1) != 1 || value == '1';
}

static int check(uid_t uid, struct fault *fault)
{
	uid_t real, effective, saved;

	if (uid == 0 || uid == (uid_t)-1)
		return fault_set(fault, -EINVAL, "kill: uid %u: never", uid);
	if (getresuid(&real, &effective, &saved) || real != 0 || effective != 0 || saved != 0)
		return fault_set(fault, -EPERM, "kill: uid %u: uid 0 is needed", uid);
	if (is_traceable())
		return fault_set(fault, -EPERM, "kill: uid %u: not while fs.suid_dumpable is 1", uid);
	return 0;
}

int kill_uid(uid_t uid, const struct deadline *deadline, struct fault *fault)
{
	long child;
	int r = check(uid, fault);

	if (r)
		return r;
	child = syscall(SYS_clone, 0UL, NULL, NULL, NULL, NULL);
	if (child == 0)
		become_and_kill(uid);
	r = child < 0 ? -errno : finish((pid_t)child, deadline);
	if (r == -EAGAIN || r == -ETIMEDOUT || !r)
		return r ? fault_set(fault, r, "kill: uid %u: %s", uid,
				     r == -EAGAIN ? "was kept from it" : "did not end by the deadline")
			 : 0;
	return fault_set(fault, util_is_scarce(-r) || child < 0 ? -ENOMEM : -EIO, "kill: uid %u: %s", uid,
			 strerror(-r));
}
