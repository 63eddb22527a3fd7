/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "changes.h"

#include "output.h"

void changes_print(const struct tool *tool, const struct egress_changes *changes)
{
	json_int_t held = changes->held;
	json_int_t released = changes->released;
	json_int_t ended = changes->ended;

	if (tool->json)
		output_json(tool->out, json_pack("{s:I, s:I, s:I}", "held", held, "released",
						 released, "ended", ended));
	else if (held || released || ended)
		fprintf(tool->out, "accounts held: %u, released: %u; sessions ended: %u\n",
			changes->held, changes->released, changes->ended);
	else if (tool->legend)
		fputs("nothing to do\n", tool->out);
}
