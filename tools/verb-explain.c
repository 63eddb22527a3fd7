/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "output.h"
#include "text.h"
#include "tool.h"

#define LABEL "%-11s"

static const char *verdict_name(enum egress_verdict verdict)
{
	static const char *const names[] = {
		[EGRESS_FREE] = "not held", [EGRESS_ALLOWED] = "allowed", [EGRESS_DENIED] = "denied",
	};

	return names[verdict];
}

static void print_field(FILE *out, const char *label, const char *value, const struct egress_place *place)
{
	char *safe = text_escape(value, 0), *file = text_escape(place ? place->file : "", 0);

	fprintf(out, LABEL "%s", label, safe);
	if (*file)
		fprintf(out, "%s%s:%u", *safe ? ", " : "", file, place->line);
	putc('\n', out);
	free(safe);
	free(file);
}

/* An entry of a list goes to its end, a list to the beginning of its profile; all may stand on one line. */
static const char *before_addition(const char *addition)
{
	if (addition[0] == ',')
		return "the last entry of allow";
	return addition[0] == '{' ? "the ( of allow" : "the profile's {";
}

static void print_denied(FILE *out, const struct egress_explanation *explanation)
{
	print_field(out, "instead", *explanation->instead ? explanation->instead : "nothing: a proxy carries TCP", NULL);
	print_field(out, "to allow", explanation->add, NULL);
	print_field(out, "after", before_addition(explanation->add), &explanation->add_after);
}

static void print_text(const struct tool *tool, const struct egress_explanation *explanation)
{
	FILE *out = tool->out;

	print_field(out, "account", explanation->account, &explanation->covered_by);
	print_field(out, "to", explanation->destination, NULL);
	fprintf(out, LABEL, "verdict");
	output_coloured_text(out, verdict_name(explanation->verdict),
			     explanation->verdict == EGRESS_DENIED ? COLOUR_RED : COLOUR_NONE, tool->coloured);
	putc('\n', out);
	if (explanation->verdict == EGRESS_FREE) {
		print_field(out, "because", explanation->uid ? "nothing in the configuration covers it" :
							       "uid 0 is never held", NULL);
		return;
	}
	print_field(out, "profile", explanation->profile, NULL);
	print_field(out, "rule", explanation->rule, &explanation->decided_by);
	if (*explanation->reason)
		print_field(out, "reason", explanation->reason, NULL);
	if (explanation->verdict == EGRESS_DENIED)
		print_denied(out, explanation);
}

static json_t *text_json(const char *text)
{
	return *text ? output_json_string(text) : json_null();
}

static json_t *place_json(const struct egress_place *place)
{
	if (!*place->file)
		return json_null();
	return json_pack("{s:o, s:i}", "file", output_json_string(place->file), "line", (int)place->line);
}

static void print_json(const struct tool *tool, const struct egress_explanation *explanation)
{
	output_json(tool->out,
		    json_pack("{s:o, s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "account",
			      output_json_string(explanation->account), "uid", (json_int_t)explanation->uid,
			      "destination", output_json_string(explanation->destination), "verdict",
			      verdict_name(explanation->verdict), "profile", text_json(explanation->profile),
			      "covered_by", place_json(&explanation->covered_by), "rule",
			      text_json(explanation->rule), "decided_by", place_json(&explanation->decided_by),
			      "reason", text_json(explanation->reason), "instead", text_json(explanation->instead),
			      "add", text_json(explanation->add), "add_after", place_json(&explanation->add_after)));
}

enum exit_code verb_explain(struct tool *tool, char **args)
{
	struct egress_explanation *explanation;
	char *user = NULL;
	enum exit_code code = args_user(args[0], &user);
	int error;

	if (code)
		return code;
	error = egress_explain(tool->ctx, user, args[1], &explanation);
	if (error) {
		code = exit_failed_user(tool->ctx, error, user);
		if (error == -EINVAL) /* of the words that we were given */
			code = EXIT_USAGE;
	} else {
		if (tool->json)
			print_json(tool, explanation);
		else
			print_text(tool, explanation);
		code = explanation->verdict == EGRESS_DENIED ? EXIT_NO : EXIT_DONE;
		egress_explanation_free(explanation);
	}
	free(user);
	return code;
}
