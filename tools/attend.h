/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_ATTEND_H
#define EGRESSCTL_ATTEND_H

/* Waits for a command and stands for it before whoever started us. */
#include <signal.h>
#include <sys/types.h>

/*
 * From here on the signals that are for the command wait until attend() passes them on; nothing else sees them.
 * *ret_ignored: those of them that whoever started us ignores (nohup, a script's &): for the command to begin with.
 */
void attend_begin(sigset_t *ret_ignored);

/* Until CHILD ends; stops when it is stopped, for the shell of a terminal to see. Its wait(2) status. */
int attend(pid_t child);

#endif
