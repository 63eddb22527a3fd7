/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_BECOME_H
#define EGRESSCTL_BECOME_H

/* From root to an account that runs a command. */
#include <signal.h>
#include <sys/types.h>

#include "exit.h"
#include "ids.h"

struct become {
	char *name, *home, *shell;
	struct ids ids;
	char **environment; /* NULL-terminated */
	sigset_t ignored;   /* signals that the caller ignored, and the command is to ignore, too */
};

/* Asks the user database for a login name. Says what it failed with. become_free in each case. */
enum exit_code become_prepare(const char *user, struct become *ret);

/*
 * Makes the environment: HOME, USER, LOGNAME, SHELL, PATH by the account; of ours the terminal, the language and the
 * time zone; then MORE, which is NULL-terminated.
 */
void become_environment(struct become *become, char *const *more);

void become_free(struct become *become);

/*
 * In a child of PARENT, which it does not outlive: no descriptor but 0 to 2, the account's ids and groups, no
 * capability, default signals, then COMMAND. Never returns; ends with 126 or 127 where COMMAND cannot be run, and
 * with EXIT_FAILED where the child did not become what it must; a line on stderr says why.
 */
void become_run(const struct become *become, char **command, pid_t parent) __attribute__((noreturn));

#endif
