/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "safe-read.h"

#include "util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static bool is_trusted_owner(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static int check_owner(const struct stat *st, const char *shown, struct fault *fault)
{
	if (!is_trusted_owner(st->st_uid))
		return fault_set(fault, -EPERM, "%s: belongs to uid %u, not to root: chown root it",
				 shown, st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return fault_set(fault, -EPERM, "%s: others may write to it (mode %04o): chmod go-w it",
				 shown, st->st_mode & 07777);
	return 0;
}

static int open_failed(struct fault *fault, const char *shown, int error)
{
	if (error == ELOOP || error == ENOTDIR)
		return fault_set(fault, -EPERM, "%s: is a link or not a directory: links are not followed",
				 shown);
	if (util_is_scarce(error))
		return fault_set(fault, -ENOMEM, "%s: open: %s", shown, strerror(error));
	return fault_set(fault, error == ENOENT ? -ENOENT : -EIO, "%s: open: %s", shown, strerror(error));
}

/* One step of the walk: *fd moves from a directory to the one named COMPONENT in it. */
static int descend(int *fd, const char *component, const char *shown, struct fault *fault)
{
	AUTO_CLOSE int parent = *fd;
	struct stat st;

	*fd = openat(parent, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return open_failed(fault, shown, errno);
	if (fstat(*fd, &st))
		return fault_set(fault, -EIO, "%s: stat: %s", shown, strerror(errno));
	return check_owner(&st, shown, fault);
}

int safe_open_dir(const char *path, struct fault *fault, int *ret_fd)
{
	AUTO_CLOSE int fd = -1;
	char walked[PATH_MAX];
	char *component, *end;
	int r = 0;

	if (path[0] != '/' || strlen(path) >= sizeof(walked))
		return fault_set(fault, -EINVAL, "%s: not an absolute path of at most %zu bytes", path,
				 sizeof(walked) - 1);
	memcpy(walked, path, strlen(path) + 1);
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return open_failed(fault, "/", errno);
	for (component = walked + 1; !r && *component; component = end) {
		end = component + strcspn(component, "/");
		component[-1] = '\0'; /* WALKED is cut into components; PATH keeps the whole for messages */
		while (*end == '/')
			*end++ = '\0';
		if (*component && strcmp(component, ".") != 0)
			r = descend(&fd, component, path, fault);
	}
	if (!r)
		*ret_fd = util_steal_fd(&fd);
	return r;
}

static int read_all(int fd, char *text, size_t size, size_t *ret_length)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = read(fd, text + length, size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*ret_length = length;
	return 0;
}

static bool has_changed(const struct stat *a, const struct stat *b)
{
	return a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	       a->st_mtim.tv_nsec != b->st_mtim.tv_nsec || a->st_ctim.tv_sec != b->st_ctim.tv_sec ||
	       a->st_ctim.tv_nsec != b->st_ctim.tv_nsec;
}

static int check_file(int fd, const char *shown, struct fault *fault, struct stat *ret)
{
	if (fstat(fd, ret))
		return fault_set(fault, -EIO, "%s: stat: %s", shown, strerror(errno));
	if (!S_ISREG(ret->st_mode))
		return fault_set(fault, -EPERM, "%s: not a regular file", shown);
	if (ret->st_size > SAFE_READ_MAX)
		return fault_set(fault, -EFBIG, "%s: larger than %u bytes", shown, SAFE_READ_MAX);
	return 0;
}

static int read_unchanged(int fd, const struct stat *before, const char *shown, struct fault *fault,
			  char **ret_text, size_t *ret_length)
{
	size_t size = (size_t)before->st_size, length = 0;
	AUTO_FREE char *text = malloc(size + 2);
	struct stat after;
	int r;

	if (!text)
		return fault_set(fault, -ENOMEM, "%s: no memory", shown);
	r = read_all(fd, text, size + 1, &length);
	if (r || fstat(fd, &after))
		return fault_set(fault, -EIO, "%s: read: %s", shown, strerror(r ? -r : errno));
	if (length != size || has_changed(before, &after))
		return fault_set(fault, -EAGAIN, "%s: changed while it was read: try again", shown);
	text[length] = '\0';
	*ret_text = util_steal(text);
	*ret_length = length;
	return 0;
}

/* O_NONBLOCK: a FIFO or a device must not make a login wait. */
#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

int safe_read(int dir_fd, const char *name, const char *shown, struct fault *fault, char **ret_text,
	      size_t *ret_length)
{
	AUTO_CLOSE int fd = openat(dir_fd, name, READ_FLAGS);
	struct stat before;
	int r;

	if (fd < 0)
		return open_failed(fault, shown, errno);
	r = check_file(fd, shown, fault, &before);
	if (!r)
		r = check_owner(&before, shown, fault);
	return r ? r : read_unchanged(fd, &before, shown, fault, ret_text, ret_length);
}

int safe_read_suspect(int dir_fd, const char *name, char **ret_text, size_t *ret_length)
{
	AUTO_CLOSE int fd = openat(dir_fd, name, READ_FLAGS & ~O_NOFOLLOW);
	AUTO_FREE char *text = NULL;
	struct stat st;
	int r;

	if (fd < 0)
		return util_is_scarce(errno) ? -ENOMEM : -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -EPERM;
	text = malloc(SAFE_READ_MAX + 1);
	if (!text)
		return -ENOMEM;
	r = read_all(fd, text, SAFE_READ_MAX, ret_length);
	if (r)
		return r;
	text[*ret_length] = '\0';
	*ret_text = util_steal(text);
	return 0;
}
