/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_HELP_H
#define EGRESSCTL_HELP_H

/* egressctl VERB --help. A verb has one entry in help.c. */
#include <stdio.h>

/* NAME, ARGS, ABOUT: as the table of verbs has them. */
void help_verb(FILE *out, const char *name, const char *args, const char *about);

#endif
