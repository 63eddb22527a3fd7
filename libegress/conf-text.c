/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf-text.h"

#include "addr.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define DEPTH_MAX 16
#define COMPARED_MAX 60000000 /* libconfig compares a key with all before it: half a second */
#define NUMBER_MAX 16
#define ESCAPED_MAX 4 /* \xNN */
#define BLANKS " \t\r\f\v"

struct scan {
	const char *file;
	struct fault *fault;
	const char *at, *end;
	unsigned int line;
	const char *key; /* the last name before the token, for messages */
	size_t key_length;
	unsigned int depth;
	unsigned int keys[DEPTH_MAX + 1];
	unsigned int compared; /* keys with keys, in all groups */
};

static int refuse(const struct scan *scan, const char *token, size_t length, const char *why)
{
	char text[TOKEN_TEXT_MAX];
	int key_length = scan->key_length < TOKEN_TEXT_MAX ? (int)scan->key_length : TOKEN_TEXT_MAX;

	if (key_length == 0)
		return fault_set(scan->fault, -EBADMSG, "%s:%u: %s %s", scan->file, scan->line,
				 conf_text_quote(token, length, text), why);
	return fault_set(scan->fault, -EBADMSG, "%s:%u: %.*s: %s %s", scan->file, scan->line,
			 key_length, scan->key, conf_text_quote(token, length, text), why);
}

static int refuse_text(const struct scan *scan, const char *why)
{
	return fault_set(scan->fault, -EBADMSG, "%s:%u: %s", scan->file, scan->line, why);
}

/* Not ctype's: whoever opens the session may have set a locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int hex_value(char c)
{
	return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Takes letters, digits and what is in MORE. */
static void scan_word(struct scan *scan, const char *more)
{
	while (scan->at < scan->end &&
	       (is_letter(*scan->at) || is_digit(*scan->at) || strchr(more, *scan->at)))
		scan->at++;
}

static size_t escape_length(const char *at, const char *end)
{
	if (end - at >= 4 && at[1] == 'x' && is_hex(at[2]) && is_hex(at[3]))
		return 4;
	return end - at >= 2 && at[1] != '\0' && strchr("\\\"nrtf", at[1]) ? 2 : 0;
}

static int scan_escape(struct scan *scan)
{
	size_t left = (size_t)(scan->end - scan->at);
	size_t length = escape_length(scan->at, scan->end);

	if (length == 0)
		return refuse(scan, scan->at, left < 2 ? left : 2,
			      "is not an escape that every libconfig knows");
	if (length == 4 && scan->at[2] == '0' && scan->at[3] == '0')
		return refuse(scan, scan->at, length, "would end the string");
	scan->at += length;
	return 0;
}

static int scan_string(struct scan *scan)
{
	const char *start = scan->at++;

	while (scan->at < scan->end && *scan->at != '\n') {
		if (*scan->at == '"') {
			scan->at++;
			return 0;
		}
		if (*scan->at != '\\')
			scan->at++;
		else if (scan_escape(scan) < 0)
			return -EBADMSG;
	}
	return refuse(scan, start + 1, (size_t)(scan->at - start - 1),
		      "has no closing quote on its line");
}

static int scan_block_comment(struct scan *scan)
{
	const char *at = scan->at + 2;
	unsigned int line = scan->line;

	for (; scan->end - at >= 2; at++) {
		if (at[0] == '*' && at[1] == '/') {
			scan->line = line;
			scan->at = at + 2;
			return 0;
		}
		line += *at == '\n';
	}
	return refuse_text(scan, "the comment that starts here has no end");
}

static void scan_line_comment(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n')
		scan->at++;
}

static void scan_name(struct scan *scan)
{
	scan->key = scan->at;
	scan_word(scan, "-_*");
	scan->key_length = (size_t)(scan->at - scan->key);
}

/* 192.0.2.1 or 20000-29999: somebody forgot the quotes, or has others than ours. */
static bool is_text(const char *word, size_t length)
{
	const char *dot = memchr(word, '.', length), *rest = word + 1;

	return memchr(rest, '-', length - 1) || (dot && memchr(dot + 1, '.', length - (size_t)(dot + 1 - word)));
}

/* Every number of ours is small and decimal. 010 is ten or eight, by the release of libconfig. */
static int scan_number(struct scan *scan)
{
	const char *start = scan->at;
	char text[NUMBER_MAX] = "";
	unsigned long value;
	size_t length;

	scan_word(scan, "+-.");
	length = (size_t)(scan->at - start);
	if (length < sizeof(text))
		memcpy(text, start, length);
	if (addr_parse_number(text, INT_MAX, &value) < 0)
		return refuse(scan, start, length, is_text(start, length) ? "must be in double quotes" :
			      "is not a plain decimal number up to 2147483647");
	return 0;
}

static int scan_bracket(struct scan *scan)
{
	if (strchr("{[(", *scan->at)) {
		if (scan->depth == DEPTH_MAX)
			return refuse_text(scan, "brackets are nested too deeply");
		scan->keys[++scan->depth] = 0;
		scan->key_length = 0;
	} else if (scan->depth > 0) {
		scan->depth--;
	}
	scan->at++;
	return 0;
}

static int scan_equals(struct scan *scan)
{
	scan->compared += scan->keys[scan->depth]++;
	if (scan->compared > COMPARED_MAX)
		return refuse_text(scan, "there are too many keys in one group");
	scan->at++;
	return 0;
}

static bool starts_with(const struct scan *scan, const char *what)
{
	size_t length = strlen(what);

	return (size_t)(scan->end - scan->at) >= length && memcmp(scan->at, what, length) == 0;
}

/* Refused even inside of comments: nobody needs it there, and no release can differ about it. */
static int check_line_start(struct scan *scan)
{
	const char *at = scan->at;
	size_t length = 1;

	while (at < scan->end && *at != '\n' && strchr(BLANKS, *at))
		at++;
	if (at == scan->end || *at != '@')
		return 0;
	while (at + length < scan->end && (is_letter(at[length]) || at[length] == '_'))
		length++;
	scan->key_length = 0;
	return refuse(scan, at, length, "is refused: nothing is included from other files");
}

static int check_lines(struct scan *scan)
{
	const char *newline;

	for (;;) {
		if (check_line_start(scan) < 0)
			return -EBADMSG;
		newline = memchr(scan->at, '\n', (size_t)(scan->end - scan->at));
		if (!newline)
			return 0;
		scan->at = newline + 1;
		scan->line++;
	}
}

static int scan_token(struct scan *scan)
{
	char c = *scan->at;

	if (c == '"')
		return scan_string(scan);
	if (starts_with(scan, "/*"))
		return scan_block_comment(scan);
	if (is_letter(c) || c == '*')
		scan_name(scan);
	else if (is_digit(c) || strchr("+-.", c))
		return scan_number(scan);
	else if (strchr("{[()]}", c))
		return scan_bracket(scan);
	else if (c == '=' || c == ':')
		return scan_equals(scan);
	else if (c == '#' || starts_with(scan, "//"))
		scan_line_comment(scan);
	else
		scan->line += *scan->at++ == '\n';
	return 0;
}

static int check_nul(struct scan *scan)
{
	const char *nul = memchr(scan->at, '\0', (size_t)(scan->end - scan->at));
	const char *at;

	if (!nul)
		return 0;
	for (at = scan->at; at < nul; at++)
		scan->line += *at == '\n';
	return refuse_text(scan, "a NUL byte stands in the text");
}

int conf_text_check(const struct conf_text *text, struct fault *fault)
{
	struct scan start = {
		.file = text->file,
		.fault = fault,
		.at = text->text,
		.end = text->text + text->length,
		.line = 1,
	};
	struct scan lines = start, tokens = start;

	if (check_nul(&start) < 0 || check_lines(&lines) < 0)
		return -EBADMSG;
	while (tokens.at < tokens.end) {
		if (scan_token(&tokens) < 0)
			return -EBADMSG;
	}
	return 0;
}

static size_t escape(char c, const char *quoted, char escaped[ESCAPED_MAX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char byte = (unsigned char)c;

	if (byte < ' ' || byte == 0x7f) {
		memcpy(escaped, (char[]){ '\\', 'x', digits[byte >> 4], digits[byte & 0xf] }, 4);
		return 4;
	}
	if (strchr(quoted, c)) {
		memcpy(escaped, (char[]){ '\\', c }, 2);
		return 2;
	}
	escaped[0] = c;
	return 1;
}

void conf_text_put_string(FILE *stream, const char *string)
{
	char escaped[ESCAPED_MAX];

	fputc('"', stream);
	for (; *string; string++)
		fwrite(escaped, 1, escape(*string, "\"\\", escaped), stream);
	fputc('"', stream);
}

char *conf_text_quote(const char *token, size_t length, char text[TOKEN_TEXT_MAX])
{
	static const char more[] = "...\"";
	size_t used = 0, i;

	text[used++] = '"';
	for (i = 0; i < length && used + ESCAPED_MAX + sizeof(more) <= TOKEN_TEXT_MAX; i++)
		used += escape(token[i], "", text + used);
	if (i < length)
		memcpy(text + used, more, sizeof(more));
	else
		memcpy(text + used, "\"", sizeof("\""));
	return text;
}

/* The byte that an escape stands for; *ret_length is how much of AT it takes. */
static char unescape(const char *at, size_t *ret_length)
{
	static const char names[] = "nrtf", bytes[] = "\n\r\t\f";
	size_t length = *at == '\\' ? escape_length(at, at + strnlen(at, ESCAPED_MAX)) : 0;
	const char *name;

	*ret_length = length ? length : 1;
	if (length == 0)
		return *at;
	if (length == ESCAPED_MAX)
		return (char)(hex_value(at[2]) << 4 | hex_value(at[3]));
	name = strchr(names, at[1]);
	return name ? bytes[name - names] : at[1];
}

bool conf_text_string_is(const char *text, const char *string)
{
	size_t length;

	for (; *string; string++) {
		if (*text == '"' || *text == '\0' || unescape(text, &length) != *string)
			return false;
		text += length;
	}
	return *text == '"';
}

static bool holds_string(const char *line, size_t length, const char *string)
{
	size_t i;

	for (i = 0; i < length; i++) {
		if (line[i] == '"' && conf_text_string_is(line + i + 1, string))
			return true;
	}
	return false;
}

unsigned int conf_text_string_line(const char *text, const char *string, unsigned int line)
{
	unsigned int found = line, i;

	for (i = 1; i <= line && *text; i++) {
		size_t length = strcspn(text, "\n");

		if (holds_string(text, length, string))
			found = i;
		text += length + (text[length] == '\n');
	}
	return found;
}

const char *conf_text_line(const char *text, unsigned int line, size_t *ret_length)
{
	size_t length;

	for (; line > 1; line--) {
		const char *newline = strchr(text, '\n');

		if (!newline)
			break;
		text = newline + 1;
	}
	text += strspn(text, BLANKS);
	length = strcspn(text, "\n");
	while (length > 0 && strchr(BLANKS, text[length - 1]))
		length--;
	*ret_length = length;
	return text;
}

unsigned int conf_text_last_line(const char *text)
{
	unsigned int line = 1;

	for (; (text = strchr(text, '\n')) && text[1]; text++)
		line++;
	return line;
}
