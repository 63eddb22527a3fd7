/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_FILES_H
#define EGRESS_FILES_H

/* Small files in folders that are root's alone, by descriptor, never through a link. */
#include "fault.h"

#include <stdbool.h>
#include <stddef.h>

/* A folder that must be there: -ENOENT. -EPERM: a link, not a folder, or others may write. -EIO,
 * -ENOMEM: no memory or no descriptor. */
int files_open_dir(int at_fd, const char *path, struct fault *fault, int *ret_fd);
/* The same, made (0700) if it is missing. */
int files_make_dir(int at_fd, const char *path, struct fault *fault, int *ret_fd);

/* The whole file as a string of less than SIZE bytes. -ENOENT, -EFBIG: too long, -EBADMSG: not text, -EIO. */
int files_read(int dir_fd, const char *name, char *text, size_t size);
/* Written beside, then renamed: there whole or not at all. */
int files_write(int dir_fd, const char *name, const char *text, size_t length);
/* Removes what a crash left of writing NAME. */
void files_discard(int dir_fd, const char *name);
/* Removes NAME if it is what a crash left of files_write. */
void files_discard_temporary(int dir_fd, const char *name);
/* Removes the folder with the files OURS (NULL-terminated) and temporary ones in it. -ENOTEMPTY: there are others. */
int files_remove_dir(int at_fd, const char *path, const char *const *ours);

/* Does a name in the folder fit? Reads no more of it than it must. 1, 0, or -errno. */
int files_any(int dir_fd, bool (*fits)(const char *name));
bool files_is_temporary(const char *name);

struct files_names {
	char **items;
	size_t count;
};

/* "." and ".." are left out. Free with files_names_clear. */
int files_list(int dir_fd, struct files_names *ret);
void files_names_clear(struct files_names *names);

#endif
