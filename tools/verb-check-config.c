/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "output.h"
#include "text.h"
#include "tool.h"

/* What would hold here; NULL and why not, where nothing can or it is not to be told. */
struct backend {
	char *name, *reason;
};

static void find_backend(const struct tool *tool, struct backend *ret)
{
	*ret = (struct backend){ NULL, NULL };
	if (egress_backend(tool->ctx, &ret->name, &ret->reason))
		ret->reason = must(strdup(egress_ctx_error(tool->ctx)));
}

static void print_valid_json(const struct tool *tool, const struct backend *backend)
{
	json_t *name = backend->name ? output_json_string(backend->name) : json_null();

	output_json(tool->out, json_pack("{s:o, s:b, s:o, s:o}", "file",
					 output_json_string(egress_ctx_config(tool->ctx)), "valid", 1,
					 "backend", name, "backend_reason",
					 output_json_string(backend->reason)));
}

/* A comment, so that what is printed is a configuration. */
static void print_valid_text(const struct tool *tool, const struct backend *backend, const char *text)
{
	char *reason = text_escape(backend->reason, 0), *safe = text_escape(text, TEXT_BLOCK);

	if (backend->name)
		fprintf(tool->out, "# backend: %s (%s)\n", backend->name, reason);
	else
		fprintf(tool->out, "# backend: none: %s\n", reason);
	fputs(safe, tool->out);
	free(reason);
	free(safe);
}

static void print_valid(const struct tool *tool, const char *text)
{
	struct backend backend;

	find_backend(tool, &backend);
	if (tool->json)
		print_valid_json(tool, &backend);
	else
		print_valid_text(tool, &backend, text);
	free(backend.name);
	free(backend.reason);
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
