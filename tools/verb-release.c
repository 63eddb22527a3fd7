/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdlib.h>

#include "args.h"
#include "pin.h"
#include "tool.h"

enum exit_code verb_release(struct tool *tool, char **args)
{
	char *user = NULL;
	enum exit_code code = args_user(args[0], &user);
	int error;

	if (code)
		return code;
	error = egress_release(tool->ctx, user);
	if (error)
		code = exit_failed_user(tool->ctx, error, user);
	/* "It was not pinned" is an answer, too, and programs want it on standard output. */
	if (!error || (code == EXIT_NO && tool->json))
		pin_print(tool, user, false);
	free(user);
	return code;
}
