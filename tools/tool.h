/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_TOOL_H
#define EGRESSCTL_TOOL_H

/* What each verb gets and gives. A verb is one file, one line here and one in egressctl.c. */
#include <stdbool.h>
#include <stdio.h>

#include "egress.h"
#include "exit.h"

struct tool {
	struct egress_ctx *ctx;
	FILE *out; /* written to standard output at the end */
	bool json;
	bool legend; /* titles and remarks, for people */
	bool coloured;
};

/* ARGS: the words after the verb, NULL-terminated, as many as its row in egressctl.c allows. */
typedef enum exit_code verb_fn(struct tool *tool, char **args);

verb_fn verb_list, verb_show, verb_hold, verb_release, verb_sync, verb_verify, verb_reap,
	verb_check_config, verb_explain, verb_watch;
verb_fn verb_doctor, verb_probe;

#endif
