/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "export.h"
#include "tool.h"

static const struct {
	const char *name;
	export_fn *run;
} formats[] = {
	{ "nft", export_nft },
	{ "iptables", export_iptables },
	{ "networkpolicy", export_networkpolicy },
	{ "json", export_json },
};

const char *verb_export_format(size_t number)
{
	return number < sizeof(formats) / sizeof(formats[0]) ? formats[number].name : NULL;
}

/* --json says it as well, but not beside another. */
static enum exit_code choose_format(const struct tool *tool, export_fn **ret)
{
	const char *name = tool->format ? tool->format : tool->json ? "json" : NULL;

	if (!name)
		return exit_usage("export: --format is missing: nft, iptables, networkpolicy or json");
	if (tool->json && strcmp(name, "json") != 0)
		return exit_usage("export: --json: is another format than \"%s\"", name);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, name) == 0) {
			*ret = formats[i].run;
			return EXIT_DONE;
		}
	}
	return exit_usage("export: --format: \"%s\" is not nft, iptables, networkpolicy or json", name);
}

/* A newer library may have rules that we know nothing of: half of a policy is none. */
static bool is_known(const struct egress_plan *plan)
{
	for (struct egress_rule **rule = plan->rules; *rule; rule++) {
		if ((*rule)->match > EGRESS_MATCH_ROUTING || (*rule)->action > EGRESS_RULE_DROP)
			return false;
	}
	return true;
}

static enum exit_code print_plan(const struct tool *tool, export_fn *run, const struct egress_plan *plan)
{
	if (is_known(plan))
		return run(plan, tool->out);
	complain("%s: cannot export: it has rules that this egressctl does not know", plan->account);
	return EXIT_FAILED;
}

enum exit_code verb_export(struct tool *tool, char **args)
{
	struct egress_plan *plan;
	export_fn *run = NULL;
	char *user = NULL;
	enum exit_code code = choose_format(tool, &run);
	int error;

	if (!code)
		code = args_user(args[0], &user);
	if (code)
		return code;
	error = egress_plan(tool->ctx, user, &plan);
	if (error) {
		code = exit_failed_user(tool->ctx, error, user);
	} else {
		code = print_plan(tool, run, plan);
		egress_plan_free(plan);
	}
	free(user);
	return code;
}
