/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdlib.h>

#include "args.h"
#include "output.h"
#include "text.h"
#include "tool.h"

static void print_text(const struct tool *tool, char *const *differences)
{
	if (!*differences && tool->legend)
		fputs("kernel and plan agree\n", tool->out);
	for (; *differences; differences++) {
		char *safe = text_escape(*differences, 0);

		fprintf(tool->out, "%s\n", safe);
		free(safe);
	}
}

static enum exit_code print_differences(const struct tool *tool, char *const *differences)
{
	if (tool->json)
		output_json(tool->out,
			    json_pack("{s:o}", "differences", output_json_lines(differences)));
	else
		print_text(tool, differences);
	return *differences ? EXIT_NO : EXIT_DONE;
}

enum exit_code verb_verify(struct tool *tool, char **args)
{
	enum exit_code code = EXIT_DONE;
	char **differences;
	char *user = NULL;
	int error;

	if (args[0])
		code = args_user(args[0], &user);
	if (code)
		return code;
	error = egress_verify(tool->ctx, user, &differences);
	if (!error) {
		code = print_differences(tool, differences);
		egress_lines_free(differences);
	} else if (user) {
		code = exit_failed_user(tool->ctx, error, user);
	} else {
		code = exit_failed(tool->ctx, error);
	}
	free(user);
	return code;
}
