/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_EXIT_H
#define EGRESSCTL_EXIT_H

/* The exit codes and the one place that maps errors to them; error lines on stderr. */
#include "egress.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO = 3,   /* the answer is no: drift, not held, not pinned */
	EXIT_BUSY = 4, /* a lock was not free by the deadline */
};

/* ERROR: 0 or a negative errno of libegress. */
enum exit_code exit_of(int error);

/* One line on stderr, "egressctl: " before it, control characters escaped. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, for a command line that cannot be understood; EXIT_USAGE. */
enum exit_code exit_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what the context's last call failed with. */
enum exit_code exit_failed(const struct egress_ctx *ctx, int error);

/* The same for a call about USER: -ENOENT is a "no" only if there is such a user. */
enum exit_code exit_failed_user(const struct egress_ctx *ctx, int error, const char *user);

/* POINTER, or the end of the program if it is NULL: a tool without memory has nothing to undo. */
void *must(void *pointer);

#endif
