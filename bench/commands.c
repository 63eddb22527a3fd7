/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 64
#define FAMILIES 2

/* Of one family: what iptables is told, one line a command. */
struct table_script {
	char *command, *restore; /* programs */
	char *lines, *undo;
};

struct commands {
	struct table_script tables[FAMILIES]; /* of iptables */
	char *nft, *nft_undo;                 /* of nftables */
};

/* --- iptables --- */

static char *const programs[FAMILIES][3] = {
	{ "iptables-legacy", "iptables-legacy-save", "iptables-legacy-restore" },
	{ "ip6tables-legacy", "ip6tables-legacy-save", "ip6tables-legacy-restore" },
};

/* The rules of one account as iptables-save prints them, for a chain of another name. */
static void copy_rules(const char *saved, const char *chain, const char *copy, FILE *out)
{
	size_t length = strlen(chain);

	for (const char *line = saved; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "-A ", 3) == 0 && strncmp(line + 3, chain, length) == 0 &&
		    line[3 + length] == ' ')
			fprintf(out, "-A %s%.*s\n", copy, (int)strcspn(line + 3 + length, "\n"),
				line + 3 + length);
	}
}

static void make_table(size_t family, uid_t uid, struct table_script *ret)
{
	char *const save[] = { programs[family][1], "-t", "filter", NULL };
	AUTO_FREE char *saved = run_read(save);
	char chain[PLAN_CHAIN_MAX], copy[PLAN_CHAIN_MAX];
	size_t size;
	FILE *out = need(open_memstream(&ret->lines, &size));

	plan_chain_name((struct uid_range){ FIRST_UID, FIRST_UID }, chain);
	snprintf(copy, sizeof(copy), "SCRIPT-%u", uid);
	fprintf(out, "-N %s\n", copy);
	copy_rules(saved, chain, copy, out);
	fprintf(out, "-I EGRESS -m owner --uid-owner %u -g %s\n", uid, copy);
	fclose(out);
	if (asprintf(&ret->undo, "-D EGRESS -m owner --uid-owner %u -g %s\n-F %s\n-X %s\n", uid,
		     copy, copy, copy) < 0)
		die("out of memory");
	ret->command = programs[family][0];
	ret->restore = programs[family][2];
}

/* Takes the next word off *LINE, which iptables-save may have quoted. */
static char *next_word(char **line)
{
	char *word = *line, *end;

	if (!word || *word != '"')
		return strsep(line, " ");
	end = strchr(++word, '"');
	if (!end)
		die("cannot read what iptables-save printed");
	*line = end[1] ? end + 2 : NULL;
	*end = '\0';
	return word;
}

/* Runs PROGRAM once a line. */
static double run_lines(char *program, const char *lines)
{
	AUTO_FREE char *copy = need(strdup(lines));
	char *rest = copy, *line;
	double total = 0;

	while ((line = strsep(&rest, "\n")) && *line) {
		char *argv[WORDS_MAX] = { program, "-w" };
		size_t count = 2;

		while (count < WORDS_MAX - 1 && (argv[count] = next_word(&line)))
			count++;
		total += run_timed(argv, NULL);
	}
	return total;
}

static double hold_by_commands(const struct commands *commands)
{
	double total = 0;

	for (size_t i = 0; i < FAMILIES; i++)
		total += run_lines(commands->tables[i].command, commands->tables[i].lines);
	return total;
}

static double hold_by_restore(const struct commands *commands)
{
	double total = 0;

	for (size_t i = 0; i < FAMILIES; i++) {
		const struct table_script *table = &commands->tables[i];
		char *const argv[] = { table->restore, "-w", "--noflush", NULL };
		AUTO_FREE char *text = NULL;

		if (asprintf(&text, "*filter\n%sCOMMIT\n", table->lines) < 0)
			die("out of memory");
		total += run_timed(argv, text);
	}
	return total;
}

/* --- nftables --- */

static char *nft_script(const struct bare_ops *ops, const struct bare *bare, const char *verb,
			uid_t uid)
{
	char *text = NULL;
	size_t size;
	FILE *out = need(open_memstream(&text, &size));

	ops->script(bare, verb, uid, out);
	fclose(out);
	return text;
}

static double run_nft(const char *text)
{
	char *const argv[] = { "nft", "-f", "/dev/stdin", NULL };

	return run_timed(argv, text);
}

static double hold_by_nft(const struct commands *commands)
{
	return run_nft(commands->nft);
}

const struct command_way command_ways[] = {
	{ "iptables", "iptables commands", hold_by_commands },
	{ "iptables", "iptables-restore --noflush", hold_by_restore },
	{ "nftables", "nft -f", hold_by_nft },
	{ NULL, NULL, NULL },
};

struct commands *commands_make(const struct bare_ops *ops, const struct bare *bare, uid_t uid)
{
	struct commands *commands = need(calloc(1, sizeof(*commands)));

	if (ops->script) {
		commands->nft = nft_script(ops, bare, "add", uid);
		commands->nft_undo = nft_script(ops, bare, "delete", uid);
		return commands;
	}
	for (size_t i = 0; i < FAMILIES; i++)
		make_table(i, uid, &commands->tables[i]);
	return commands;
}

void commands_release(const struct commands *commands)
{
	if (commands->nft_undo)
		run_nft(commands->nft_undo);
	for (size_t i = 0; i < FAMILIES && !commands->nft_undo; i++)
		run_lines(commands->tables[i].command, commands->tables[i].undo);
}

void commands_free(struct commands *commands)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		free(commands->tables[i].lines);
		free(commands->tables[i].undo);
	}
	free(commands->nft);
	free(commands->nft_undo);
	free(commands);
}
