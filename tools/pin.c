/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "pin.h"

#include <stdlib.h>

#include "output.h"
#include "text.h"

void pin_print(const struct tool *tool, const char *account, bool pinned)
{
	char *safe;

	if (tool->json) {
		output_json(tool->out, json_pack("{s:o, s:b}", "account", output_json_string(account),
						 "pinned", pinned));
		return;
	}
	safe = text_escape(account, 0);
	fprintf(tool->out, "%s: %s\n", safe, pinned ? "pinned" : "no longer pinned");
	free(safe);
}
