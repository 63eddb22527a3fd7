/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <inttypes.h>

#include "account.h"
#include "tool.h"

static const struct column columns[] = {
	{ "ACCOUNT", ALIGN_LEFT },   { "UID", ALIGN_RIGHT },	 { "STATE", ALIGN_LEFT },
	{ "SESSIONS", ALIGN_RIGHT }, { "PROCS", ALIGN_RIGHT },	 { "PROFILE", ALIGN_LEFT },
	{ "BACKEND", ALIGN_LEFT },   { "ALLOWED", ALIGN_RIGHT }, { "DENIED", ALIGN_RIGHT },
};

static void add_row(struct table *table, const struct egress_account *account)
{
	char uids[TEXT_RANGE_MAX];

	table_add(table, "%s", account->name);
	table_add(table, "%s", account_uids(account, uids));
	table_add_coloured(table, egress_state_name(account->state), account_colour(account));
	table_add(table, "%zu", account_sessions(account));
	table_add(table, "%u", account->processes);
	table_add(table, "%s", account->profile);
	table_add(table, "%s", account->backend);
	table_add(table, "%" PRIu64, account->allowed.packets);
	table_add(table, "%" PRIu64, account->denied.packets);
}

static void print_text(const struct tool *tool, struct egress_account *const *accounts)
{
	struct table table = {
		.columns = columns,
		.column_count = sizeof(columns) / sizeof(columns[0]),
	};

	if (!*accounts) {
		if (tool->legend)
			fputs("no account is held\n", tool->out);
		return;
	}
	for (; *accounts; accounts++)
		add_row(&table, *accounts);
	table_print(&table, tool->out, "", tool->legend, tool->coloured);
}

static void print_json(const struct tool *tool, struct egress_account *const *accounts)
{
	json_t *array = must(json_array());

	for (; *accounts; accounts++) {
		if (json_array_append_new(array, account_json(*accounts)) < 0)
			must(NULL);
	}
	output_json(tool->out, array);
}

enum exit_code verb_list(struct tool *tool, char **args)
{
	struct egress_account **accounts;
	int error = egress_list(tool->ctx, &accounts);

	(void)args;
	if (error)
		return exit_failed(tool->ctx, error);
	if (tool->json)
		print_json(tool, accounts);
	else
		print_text(tool, accounts);
	egress_accounts_free(accounts);
	return EXIT_DONE;
}
