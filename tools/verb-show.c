/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "args.h"
#include "text.h"
#include "tool.h"

#define LABEL "%-11s"

static void print_field(FILE *out, const char *label, const char *value)
{
	char *safe = text_escape(*value ? value : "-", 0);

	fprintf(out, LABEL "%s\n", label, safe);
	free(safe);
}

/* One line each; NONE if there is none. */
static void print_lines(FILE *out, const char *label, char *const *lines, const char *none)
{
	if (!*lines)
		print_field(out, label, none);
	for (; *lines; lines++, label = "")
		print_field(out, label, *lines);
}

/* A line each, after that of the uid. */
static void print_subordinates(FILE *out, const struct egress_account *account)
{
	for (size_t i = 1; i < account->range_count; i++) {
		char text[TEXT_RANGE_MAX];

		print_field(out, i == 1 ? "subuids" : "", text_range(&account->ranges[i], text));
	}
}

static void print_traffic(FILE *out, const char *label, const struct egress_traffic *traffic)
{
	char bytes[TEXT_BYTES_MAX];

	fprintf(out, LABEL "%" PRIu64 " packet%s, %s\n", label, traffic->packets,
		traffic->packets == 1 ? "" : "s", text_bytes(traffic->bytes, bytes));
}

/* "nftables (auto: no legacy iptables tables are in use here)" */
static void print_backend(FILE *out, const struct egress_account *account)
{
	char *name = text_escape(*account->backend ? account->backend : "-", 0);
	char *reason = text_escape(account->backend_reason, 0);

	fprintf(out, LABEL "%s%s%s%s\n", "backend", name, *reason ? " (" : "", reason, *reason ? ")" : "");
	free(name);
	free(reason);
}

static const struct column session_columns[] = {
	{ "TOKEN", ALIGN_LEFT }, { "SERVICE", ALIGN_LEFT }, { "PID", ALIGN_RIGHT },
	{ "TTY", ALIGN_LEFT },	 { "RHOST", ALIGN_LEFT },   { "OPENED", ALIGN_LEFT },
	{ "HARDENING", ALIGN_LEFT },
};

/* "no_new_privs,seccomp" */
static void add_hardening(struct table *table, char *const *words)
{
	char *text = must(strdup(*words ? *words++ : "none"));

	for (; *words; words++) {
		char *longer;

		if (asprintf(&longer, "%s,%s", text, *words) < 0)
			longer = must(NULL);
		free(text);
		text = longer;
	}
	table_add(table, "%s", text);
	free(text);
}

static void print_sessions(const struct tool *tool, struct egress_record *const *sessions)
{
	struct table table = {
		.columns = session_columns,
		.column_count = sizeof(session_columns) / sizeof(session_columns[0]),
	};
	char opened[TEXT_TIME_MAX];

	if (!*sessions)
		return;
	for (; *sessions; sessions++) {
		table_add(&table, "%s", (*sessions)->token);
		table_add(&table, "%s", (*sessions)->service);
		table_add(&table, "%jd", (intmax_t)(*sessions)->pid);
		table_add(&table, "%s", (*sessions)->tty);
		table_add(&table, "%s", (*sessions)->rhost);
		table_add(&table, "%s", text_time((*sessions)->opened, opened));
		add_hardening(&table, (*sessions)->hardening);
	}
	table_print(&table, tool->out, "  ", tool->legend, false);
}

/* The lines of TEXT, NULL-terminated, in *RET_COPY; the caller frees both. */
static char **split_lines(const char *text, char **ret_copy)
{
	char *copy = must(strdup(text));
	char **lines = must(calloc(1, sizeof(*lines)));
	size_t count = 0;
	char *rest = copy;
	char *line;

	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		lines = must(reallocarray(lines, count + 2, sizeof(*lines)));
		lines[count++] = line;
		lines[count] = NULL;
	}
	*ret_copy = copy;
	return lines;
}

static void print_text(const struct tool *tool, const struct egress_account *account, char **plan)
{
	char text[TEXT_RANGE_MAX];
	FILE *out = tool->out;

	print_field(out, "account", account->name);
	print_field(out, "uid", account_uids(account, text));
	print_subordinates(out, account);
	fprintf(out, LABEL, "state");
	output_coloured_text(out, egress_state_name(account->state), account_colour(account),
			     tool->coloured);
	putc('\n', out);
	print_field(out, "profile", account->profile);
	print_backend(out, account);
	print_lines(out, "proxy", account->proxies, "");
	fprintf(out, LABEL "%u\n", "processes", account->processes);
	fprintf(out, LABEL "%u\n", "sockets", account->sockets);
	fprintf(out, LABEL "%zu\n", "sessions", account_sessions(account));
	print_sessions(tool, account->sessions);
	print_traffic(out, "allowed", &account->allowed);
	print_traffic(out, "denied", &account->denied);
	if (*account->lacking)
		print_lines(out, "lacking", account->lacking, "");
	print_lines(out, "plan", plan, "");
	print_field(out, "guard", account->route_guard);
	print_lines(out, "drift", account->drift, "none");
}

static void print_json(const struct tool *tool, const struct egress_account *account, char **plan)
{
	json_t *object = must(account_json(account));

	if (json_object_set_new(object, "plan", output_json_lines(plan)) < 0 ||
	    json_object_set_new(object, "drift", output_json_lines(account->drift)) < 0 ||
	    json_object_set_new(object, "backend_reason", output_json_string(account->backend_reason)) < 0 ||
	    json_object_set_new(object, "sockets", json_integer(account->sockets)) < 0 ||
	    json_object_set_new(object, "lacking", output_json_lines(account->lacking)) < 0 ||
	    json_object_set_new(object, "route_guard", output_json_string(account->route_guard)) < 0)
		must(NULL);
	output_json(tool->out, object);
}

static void print_account(const struct tool *tool, const struct egress_account *account)
{
	char *copy;
	char **plan = split_lines(account->plan, &copy);

	if (tool->json)
		print_json(tool, account, plan);
	else
		print_text(tool, account, plan);
	free(plan);
	free(copy);
}

enum exit_code verb_show(struct tool *tool, char **args)
{
	struct egress_account *account;
	char *user = NULL;
	enum exit_code code = args_user(args[0], &user);
	int error;

	if (code)
		return code;
	error = egress_show(tool->ctx, user, &account);
	if (error) {
		code = exit_failed_user(tool->ctx, error, user);
	} else {
		print_account(tool, account);
		code = account->state == EGRESS_NOT_HELD ? EXIT_NO : EXIT_DONE;
		egress_account_free(account);
	}
	free(user);
	return code;
}
