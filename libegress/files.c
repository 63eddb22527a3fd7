/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "files.h"

#include "util.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEMPORARY_PREFIX ".new-"

static int open_error(int error)
{
	if (error == EACCES)
		return -EPERM;
	return util_is_scarce(error) ? -ENOMEM : -EIO;
}

static int check_dir(int fd, const char *path, struct fault *fault)
{
	struct stat st;

	if (fstat(fd, &st))
		return fault_set(fault, -EIO, "%s: stat: %s", path, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return fault_set(fault, -EPERM, "%s: not ours alone (uid %u, mode %04o): remove it", path,
				 st.st_uid, st.st_mode & 07777);
	return 0;
}

int files_open_dir(int at_fd, const char *path, struct fault *fault, int *ret_fd)
{
	AUTO_CLOSE int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0 && errno == ENOENT)
		return fault_set(fault, -ENOENT, "%s: missing", path);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return fault_set(fault, -EPERM, "%s: a link or not a folder: remove it", path);
	if (fd < 0)
		return fault_set(fault, open_error(errno), "%s: open: %s", path, strerror(errno));
	r = check_dir(fd, path, fault);
	if (!r)
		*ret_fd = util_steal_fd(&fd);
	return r;
}

int files_make_dir(int at_fd, const char *path, struct fault *fault, int *ret_fd)
{
	if (mkdirat(at_fd, path, 0700) && errno != EEXIST)
		return fault_set(fault, open_error(errno), "%s: make: %s", path, strerror(errno));
	return files_open_dir(at_fd, path, fault, ret_fd);
}

int files_read(int dir_fd, const char *name, char *text, size_t size)
{
	AUTO_CLOSE int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EBADMSG : -errno;
	while (n > 0 && length < size) {
		n = read(fd, text + length, size - length);
		if (n < 0)
			return errno == EISDIR ? -EBADMSG : -errno;
		length += (size_t)n;
	}
	if (length == size)
		return -EFBIG;
	text[length] = '\0';
	return strlen(text) == length ? 0 : -EBADMSG;
}

static int write_whole(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0; /* else a power cut may leave the new name with no content */
}

int files_write(int dir_fd, const char *name, const char *text, size_t length)
{
	AUTO_CLOSE int fd = -1;
	char temporary[NAME_MAX + 1];
	int r;

	snprintf(temporary, sizeof(temporary), TEMPORARY_PREFIX "%s", name);
	/* Writers hold the lock, so one that is there was left by a crash. */
	unlinkat(dir_fd, temporary, 0);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_whole(fd, text, length);
	if (!r && renameat(dir_fd, temporary, dir_fd, name))
		r = -errno;
	if (r)
		unlinkat(dir_fd, temporary, 0);
	return r;
}

bool files_is_temporary(const char *name)
{
	return strncmp(name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0;
}

void files_discard(int dir_fd, const char *name)
{
	char temporary[NAME_MAX + 1];

	snprintf(temporary, sizeof(temporary), TEMPORARY_PREFIX "%s", name);
	unlinkat(dir_fd, temporary, 0);
}

void files_discard_temporary(int dir_fd, const char *name)
{
	if (files_is_temporary(name))
		unlinkat(dir_fd, name, 0);
}

int files_remove_dir(int at_fd, const char *path, const char *const *ours)
{
	AUTO_CLOSE int fd = -1;
	struct files_names names = { 0 };
	int r = files_open_dir(at_fd, path, NULL, &fd);

	if (!r)
		r = files_list(fd, &names);
	for (size_t i = 0; !r && i < names.count; i++) {
		files_discard_temporary(fd, names.items[i]);
		for (size_t k = 0; ours[k]; k++)
			if (strcmp(names.items[i], ours[k]) == 0 && unlinkat(fd, ours[k], 0) &&
			    errno != EISDIR)
				r = -errno;
	}
	files_names_clear(&names);
	if (!r && unlinkat(at_fd, path, AT_REMOVEDIR))
		r = errno == EEXIST ? -ENOTEMPTY : -errno;
	return r;
}

static int add_name(struct files_names *names, const char *name)
{
	char **grown = reallocarray(names->items, names->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	names->items = grown;
	grown[names->count] = strdup(name);
	if (!grown[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

/* Its own descriptor: readdir's position belongs to the open file, which dup(2) would share. */
static DIR *open_list(int dir_fd)
{
	AUTO_CLOSE int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		fd = -1;
	return dir;
}

/* Not readdir(3), whose buffer takes in a thousand names at once. */
int files_any(int dir_fd, bool (*fits)(const char *name))
{
	AUTO_CLOSE int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char buffer[1024];
	ssize_t length;

	if (fd < 0)
		return -errno;
	while ((length = getdents64(fd, buffer, sizeof(buffer))) > 0) {
		const struct dirent64 *entry;

		for (ssize_t at = 0; at < length; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(buffer + at);
			if (fits(entry->d_name))
				return 1;
		}
	}
	return length < 0 ? -errno : 0;
}

int files_list(int dir_fd, struct files_names *ret)
{
	struct files_names names = { 0 };
	DIR *dir = open_list(dir_fd);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (!r && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = add_name(&names, entry->d_name);
	if (!r)
		r = -errno;
	closedir(dir);
	if (r)
		files_names_clear(&names);
	else
		*ret = names;
	return r;
}

void files_names_clear(struct files_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	names->items = NULL;
	names->count = 0;
}
