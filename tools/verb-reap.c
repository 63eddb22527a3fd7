/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "changes.h"
#include "tool.h"

enum exit_code verb_reap(struct tool *tool, char **args)
{
	struct egress_changes changes;
	int error = egress_reap(tool->ctx, &changes);

	(void)args;
	if (error)
		return exit_failed(tool->ctx, error);
	changes_print(tool, &changes);
	return EXIT_DONE;
}
