/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdlib.h>

#include "args.h"
#include "output.h"
#include "text.h"
#include "tool.h"

static void print_valid(const struct tool *tool, const char *text)
{
	char *safe;

	if (tool->json) {
		output_json(tool->out,
			    json_pack("{s:o, s:b}", "file",
				      output_json_string(egress_ctx_config(tool->ctx)), "valid", 1));
		return;
	}
	safe = text_escape(text, TEXT_BLOCK);
	fputs(safe, tool->out);
	free(safe);
}

static void print_invalid(const struct tool *tool)
{
	const char *error = egress_ctx_error(tool->ctx);

	if (tool->json)
		output_json(tool->out,
			    json_pack("{s:o, s:b, s:o}", "file",
				      output_json_string(egress_ctx_config(tool->ctx)), "valid", 0,
				      "error", output_json_string(error)));
}

enum exit_code verb_check_config(struct tool *tool, char **args)
{
	enum exit_code code = EXIT_DONE;
	char *text;
	int error;

	if (args[0])
		code = args_config(tool->ctx, args[0]);
	if (code)
		return code;
	error = egress_check_config(tool->ctx, &text);
	if (error) {
		print_invalid(tool);
		return exit_failed(tool->ctx, error);
	}
	print_valid(tool, text);
	free(text);
	return EXIT_DONE;
}
