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
	const char *format; /* of --format, which only export takes; NULL: none */
	bool alarmed; /* it was said that configuration or ledger cannot be read: that nothing covers a user is no answer */
};

/* ARGS: the words after the verb, NULL-terminated, as many as its row in egressctl.c allows. */
typedef enum exit_code verb_fn(struct tool *tool, char **args);

verb_fn verb_list, verb_show, verb_hold, verb_release, verb_sync, verb_verify, verb_reap,
	verb_check_config, verb_explain, verb_watch;
verb_fn verb_doctor, verb_probe, verb_run;
verb_fn verb_export, verb_complete;
const char *verb_export_format(size_t number); /* the names of formats; NULL beyond the last */

/*
 * KIND: "verbs", "user-verbs" (those whose first argument is a user) or "options"; another has none. NULL beyond the
 * last, "" for one that is not of that kind.
 */
const char *tool_word(const char *kind, size_t number);

#endif
