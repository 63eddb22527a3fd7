/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words for the completion of shells, one a line: what there is, the shells need not know. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "output.h"
#include "text.h"
#include "tool.h"

struct words {
	char **items; /* NULL-terminated */
	size_t count;
};

static void add(struct words *words, const char *word)
{
	words->items = must(reallocarray(words->items, words->count + 2, sizeof(char *)));
	words->items[words->count++] = must(strdup(word));
	words->items[words->count] = NULL;
}

static void add_option(struct words *words, const char *name)
{
	char *option = NULL;

	if (asprintf(&option, "--%s", name) < 0)
		must(NULL);
	add(words, option);
	free(option);
}

static void words_free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum exit_code add_names(const struct tool *tool, enum egress_names_of of, struct words *words)
{
	char **names;
	int error = egress_names(tool->ctx, of, &names);

	if (error)
		return exit_failed(tool->ctx, error);
	for (char **name = names; *name; name++)
		add(words, *name);
	egress_lines_free(names);
	return EXIT_DONE;
}

/* Who is held, beside those who are configured; who may not know that is not told. */
static enum exit_code add_accounts(const struct tool *tool, struct words *words)
{
	char uids[TEXT_RANGE_MAX];
	struct egress_account **held;

	if (geteuid() == 0 && egress_list(tool->ctx, &held) == 0) {
		for (struct egress_account **account = held; *account; account++)
			add(words, strncmp((*account)->name, "uid ", 4) == 0 ? account_uids(*account, uids) :
									       (*account)->name);
		egress_accounts_free(held);
	}
	return add_names(tool, EGRESS_NAMES_ACCOUNTS, words);
}

static enum exit_code find_words(const struct tool *tool, const char *kind, struct words *words)
{
	const char *word;

	if (strcmp(kind, "accounts") == 0)
		return add_accounts(tool, words);
	if (strcmp(kind, "profiles") == 0)
		return add_names(tool, EGRESS_NAMES_PROFILES, words);
	if (strcmp(kind, "formats") == 0) {
		for (size_t i = 0; (word = verb_export_format(i)); i++)
			add(words, word);
		return EXIT_DONE;
	}
	for (size_t i = 0; (word = tool_word(kind, i)); i++) {
		if (strcmp(kind, "options") == 0)
			add_option(words, word);
		else if (*word)
			add(words, word);
	}
	return words->count ? EXIT_DONE :
			      exit_usage("complete: \"%s\" is not verbs, user-verbs, options, formats, accounts or "
					 "profiles", kind);
}

/* Sorted, each once. */
static void sort(struct words *words)
{
	size_t kept = 0;

	qsort(words->items, words->count, sizeof(char *), compare);
	for (size_t i = 0; i < words->count; i++) {
		if (kept && strcmp(words->items[kept - 1], words->items[i]) == 0)
			free(words->items[i]);
		else
			words->items[kept++] = words->items[i];
	}
	words->count = kept;
	words->items[kept] = NULL;
}

/* What could not be typed as it is shown is not offered. */
static void print(const struct tool *tool, const struct words *words)
{
	for (size_t i = 0; i < words->count; i++) {
		char *safe = text_escape(words->items[i], 0);

		if (strcmp(safe, words->items[i]) == 0)
			fprintf(tool->out, "%s\n", safe);
		free(safe);
	}
}

enum exit_code verb_complete(struct tool *tool, char **args)
{
	struct words words = { .items = must(calloc(1, sizeof(char *))) };
	enum exit_code code = find_words(tool, args[0], &words);

	if (!code) {
		sort(&words);
		if (tool->json)
			output_json(tool->out, output_json_lines(words.items));
		else
			print(tool, &words);
	}
	words_free(&words);
	return code;
}
