/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CRASH_ERRORS_H
#define CRASH_ERRORS_H

/* How system calls fail. */
#include <stdbool.h>
#include <stddef.h>

/* The errno that a full disk, a full table or a busy kernel would give. EIO for calls that it does not know. */
int errors_likely(long number);

/* Calls that have no way to say no, or do not come back. SECOND: argument. */
bool errors_never(long number, unsigned long second);

/* Is the call's second argument a path? */
bool errors_has_path(long number);

/* All that are tried by --all. */
extern const int errors_all[];
extern const size_t errors_all_count;

#endif
