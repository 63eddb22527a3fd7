/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record.h"

#include "addr.h"
#include "util.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

static const char header[] = "egress-session 1";
static const char trailer[] = "end";

#define RECORD_WORDS_MAX 64 /* all words of words_hardening */

/* "no_new_privs,seccomp" */
static void print_hardening(unsigned int hardening, char text[RECORD_WORDS_MAX])
{
	size_t length = 0;

	text[0] = '\0';
	for (const struct word *word = words_hardening; word->text && length < RECORD_WORDS_MAX; word++)
		if (hardening & (unsigned int)word->value)
			length += (size_t)snprintf(text + length, RECORD_WORDS_MAX - length, "%s%s", length ? "," : "",
						   word->text);
}

size_t record_print(const struct session *session, char text[RECORD_TEXT_MAX])
{
	char hardening[RECORD_WORDS_MAX];

	print_hardening(session->hardening, hardening);
	return (size_t)snprintf(text, RECORD_TEXT_MAX,
				"%s\npid=%d\nstart=%llu\nboot=%s\nopened=%lld\nhardening=%s\nservice=%s\ntty=%s\nrhost=%s\n"
				"%s\n",
				header, session->pid, (unsigned long long)session->start_time, session->boot,
				(long long)session->opened, hardening, session->service, session->tty,
				session->rhost, trailer);
}

/* The rest of the next line if it starts with PREFIX, else NULL. */
static char *next_line(char **text, const char *prefix)
{
	char *end = *text ? strchr(*text, '\n') : NULL;
	char *line = *text;

	if (!end || strncmp(line, prefix, strlen(prefix)) != 0)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line + strlen(prefix);
}

static int next_number(char **text, const char *prefix, unsigned long max, unsigned long *ret)
{
	const char *value = next_line(text, prefix);

	return value ? addr_parse_number(value, max, ret) : -EINVAL;
}

static int next_text(char **text, const char *prefix, char ret[LEDGER_TEXT_MAX])
{
	const char *value = next_line(text, prefix);

	if (!value || strlen(value) >= LEDGER_TEXT_MAX)
		return -EINVAL;
	record_set_text(ret, value);
	return 0;
}

/* The words in their order, each once. */
static int next_hardening(char **text, unsigned int *ret)
{
	char *rest = next_line(text, "hardening="), *name;
	unsigned int hardening = 0;

	if (!rest)
		return -EINVAL;
	if (!*rest)
		rest = NULL;
	while ((name = strsep(&rest, ","))) {
		int value;

		if (word_value(words_hardening, name, &value) || hardening >= (unsigned int)value)
			return -EINVAL;
		hardening |= (unsigned int)value;
	}
	*ret = hardening;
	return 0;
}

static int next_boot(char **text, char ret[BOOT_LENGTH + 1])
{
	const char *value = next_line(text, "boot=");

	if (!value || !record_is_boot(value))
		return -EINVAL;
	memcpy(ret, value, BOOT_LENGTH + 1);
	return 0;
}

static bool next_is(char **text, const char *whole)
{
	const char *rest = next_line(text, whole);

	return rest && *rest == '\0';
}

int record_parse(char *text, struct session *ret)
{
	struct session session = { 0 };
	unsigned long pid, start_time, opened;

	if (!next_is(&text, header) || next_number(&text, "pid=", INT32_MAX, &pid) ||
	    next_number(&text, "start=", UINT64_MAX, &start_time) ||
	    next_boot(&text, session.boot) || next_number(&text, "opened=", INT64_MAX, &opened) ||
	    next_hardening(&text, &session.hardening) || next_text(&text, "service=", session.service) ||
	    next_text(&text, "tty=", session.tty) ||
	    next_text(&text, "rhost=", session.rhost) || !next_is(&text, trailer) || *text)
		return -EBADMSG;
	session.pid = (pid_t)pid;
	session.start_time = start_time;
	session.opened = (time_t)opened;
	*ret = session;
	return 0;
}

void record_set_text(char to[LEDGER_TEXT_MAX], const char *from)
{
	size_t i;

	for (i = 0; from && from[i] && i < LEDGER_TEXT_MAX - 1; i++)
		to[i] = from[i];
	to[i] = '\0';
	fault_clean_line(to);
}

bool record_is_token(const char *name)
{
	return strlen(name) == TOKEN_LENGTH && strspn(name, "0123456789abcdef") == TOKEN_LENGTH;
}

bool record_is_boot(const char *text)
{
	return strlen(text) == BOOT_LENGTH && strspn(text, "0123456789abcdef-") == BOOT_LENGTH;
}
