/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "args.h"
#include "pin.h"
#include "tool.h"

enum exit_code verb_hold(struct tool *tool, char **args)
{
	char *user = NULL;
	enum exit_code code = args_user(args[0], &user);
	int error;

	if (code)
		return code;
	error = egress_hold(tool->ctx, user);
	if (error == -ENOENT && tool->alarmed)
		code = EXIT_FAILED;
	else if (error)
		code = exit_failed_user(tool->ctx, error, user);
	else
		pin_print(tool, user, true);
	free(user);
	return code;
}
