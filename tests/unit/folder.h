/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_FOLDER_H
#define EGRESS_FOLDER_H

/*
 * A folder of a test's own, whose parents nobody else may write to: /tmp would not do for files that
 * decide who is held. A checked fixture makes it, the end of the program removes it:
 *
 *	tcase_add_checked_fixture(tcase, folder_make, NULL);
 *	...
 *	return folder_run("t-something", suite);
 *
 * All names are relative to it.
 */
#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* For main: runs the suite, or says why it is skipped. */
int folder_run(const char *program, Suite *suite);
/* The same, for tests that need uid 0 as well. */
int folder_run_as_root(const char *program, Suite *suite);

void folder_make(void);

/* The absolute path of NAME in the folder; one of eight buffers that take turns. */
const char *folder_path(const char *name);
int folder_fd(void); /* of the folder itself */

void folder_mkdir(const char *name, mode_t mode);
void folder_write(const char *name, const char *text);
void folder_write_bytes(const char *name, const void *bytes, size_t size);
bool folder_holds(const char *name, const char *text); /* exactly that */
bool folder_has(const char *name);

/* How many paths fit the glob(7) pattern; *ret (or NULL) is the first one's name, malloced. */
size_t folder_glob(const char *pattern, char **ret);

#endif
