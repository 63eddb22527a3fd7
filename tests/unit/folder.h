/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_FOLDER_H
#define EGRESS_FOLDER_H

/*
 * A folder of a test's own, whose parents nobody else may write to: /tmp would not do for files that
 * decide who is held. As fixtures:
 *
 *	tcase_add_checked_fixture(tcase, folder_make, folder_remove);
 *
 * or unchecked ones, then what a crashed test left is removed as well. All paths are relative to it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Can there be one? A program whose answer is no says so by folder_skip and has no other result. */
bool folder_is_possible(void);
int folder_skip(const char *program, const char *reason); /* for main to return */

void folder_make(void);
void folder_remove(void);

/* The absolute path of NAME in the folder; one of eight buffers that take turns. */
const char *folder_path(const char *name);
int folder_fd(void); /* of the folder itself, until folder_remove */

void folder_mkdir(const char *name, mode_t mode);
void folder_write(const char *name, const char *text);
void folder_write_bytes(const char *name, const void *bytes, size_t size);
char *folder_read(const char *name); /* malloced */
bool folder_has(const char *name);

/* How many paths fit the glob(7) pattern; *ret (or NULL) is the first one's name, malloced. */
size_t folder_glob(const char *pattern, char **ret);

#endif
