/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lock.h"

#include "util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOCK_POLL_MS 10
#define LOCK_MODE 0600

/* A relative NAME alone would not tell an administrator which file is meant. */
static void lock_print_path(int dirfd, const char *name, char path[PATH_MAX])
{
	char link[64], dir[PATH_MAX];
	ssize_t length;

	snprintf(path, PATH_MAX, "%s", name);
	if (name[0] == '/' || dirfd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	length = readlink(link, dir, sizeof(dir) - 1);
	if (length <= 0 || length + 1 + strlen(name) >= PATH_MAX)
		return;
	memcpy(path, dir, length);
	path[length] = '/';
	memcpy(path + length + 1, name, strlen(name) + 1);
}

static int lock_failed(int dirfd, const char *name, const char *what, int error,
		       struct fault *fault)
{
	char path[PATH_MAX];
	int mapped = -EIO;

	if (error == EPERM || error == EACCES)
		mapped = -EPERM;
	else if (error == ENOMEM || error == EMFILE || error == ENFILE)
		mapped = -ENOMEM;
	lock_print_path(dirfd, name, path);
	errno = error;
	return fault_set(fault, mapped, "%.400s: %s: %m", path, what);
}

static int lock_busy(int dirfd, const char *name, struct fault *fault)
{
	char path[PATH_MAX];

	lock_print_path(dirfd, name, path);
	return fault_set(fault, -EBUSY,
			 "%.400s: still locked: another program holds it, lslocks(8) names it",
			 path);
}

/* O_NONBLOCK: somebody's FIFO in the lock's place must not stop us for ever. */
#define LOCK_FLAGS (O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

static int lock_open(int dirfd, const char *name, struct fault *fault, int *ret_fd)
{
	int fd = openat(dirfd, name, LOCK_FLAGS, LOCK_MODE);

	if (fd < 0)
		return lock_failed(dirfd, name, "cannot open", errno, fault);
	*ret_fd = fd;
	return 0;
}

/* A file that was unlinked or replaced before we got its lock excludes nobody. */
static int lock_is_current(int dirfd, const char *name, int fd)
{
	struct stat ours, named;

	if (fstat(fd, &ours) < 0)
		return -errno;
	if (fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static int lock_wait(int dirfd, const char *name, int fd, const struct deadline *deadline,
		     struct fault *fault)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return lock_failed(dirfd, name, "cannot lock", errno, fault);
		if (!deadline_pause(deadline, LOCK_POLL_MS))
			return lock_busy(dirfd, name, fault);
	}
	return 0;
}

int lock_take(int dirfd, const char *name, const struct deadline *deadline, struct fault *fault,
	      int *ret_fd)
{
	int error, current;

	do {
		AUTO_CLOSE int fd = -1;

		error = lock_open(dirfd, name, fault, &fd);
		if (!error)
			error = lock_wait(dirfd, name, fd, deadline, fault);
		if (error)
			return error;
		current = lock_is_current(dirfd, name, fd);
		if (current < 0)
			return lock_failed(dirfd, name, "cannot stat", -current, fault);
		if (current) {
			*ret_fd = util_steal_fd(&fd);
			return 0;
		}
	} while (deadline_pause(deadline, LOCK_POLL_MS));
	return lock_busy(dirfd, name, fault);
}
