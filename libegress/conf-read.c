/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf-read.h"

#include "conf-text.h"
#include "util.h"

#include <stdarg.h>
#include <string.h>

#define STRING_LENGTH_MAX 255
#define PATH_MAX_DEPTH 8 /* deeper settings are errors before they have a path of their own */
#define PATH_TEXT_MAX 160
#define WORDS_TEXT_MAX 64
#define CONF_LINE_MAX 256

/* "profiles.default.allow.to": the names on the way to the setting. */
static void print_path(const config_setting_t *setting, char text[PATH_TEXT_MAX])
{
	const char *names[PATH_MAX_DEPTH];
	size_t depth = 0, used = 0;

	for (; setting && depth < PATH_MAX_DEPTH; setting = config_setting_parent(setting)) {
		if (config_setting_name(setting))
			names[depth++] = config_setting_name(setting);
	}
	text[0] = '\0';
	while (depth-- > 0 && used < PATH_TEXT_MAX - 1) {
		snprintf(text + used, PATH_TEXT_MAX - used, "%s%s", used ? "." : "", names[depth]);
		used = strlen(text);
	}
}

/* A string in an array or list has the line of the token after it, which only the last may lack. */
static unsigned int setting_line(struct parser *parser, const config_setting_t *setting)
{
	const config_setting_t *parent = config_setting_parent(setting);
	unsigned int line = config_setting_source_line(setting);
	int last;

	if (!parent || config_setting_is_group(parent) ||
	    config_setting_type(setting) != CONFIG_TYPE_STRING)
		return line;
	last = config_setting_length(parent) - 1;
	if (config_setting_get_elem(parent, (unsigned int)last) != setting)
		return line;
	return conf_text_string_line(parser->text->text, config_setting_get_string(setting), line);
}

int conf_error(struct parser *parser, const config_setting_t *setting, const char *format, ...)
{
	char path[PATH_TEXT_MAX], what[CONF_LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	print_path(setting, path);
	return fault_set(parser->fault, -EBADMSG, "%s:%u: %s%s%s", parser->file,
			 setting_line(parser, setting), path, path[0] ? ": " : "", what);
}

int conf_error_string(struct parser *parser, const config_setting_t *setting, const char *string,
		      const char *why)
{
	char text[TOKEN_TEXT_MAX];

	return conf_error(parser, setting, "%s %s", conf_text_quote(string, strlen(string), text),
			  why);
}

int conf_error_memory(struct parser *parser)
{
	return fault_set(parser->fault, -ENOMEM, "%s: out of memory",
			 parser->file ? parser->file : "configuration");
}

struct origin conf_origin(struct parser *parser, const config_setting_t *setting)
{
	return (struct origin){ .file = parser->file, .line = setting_line(parser, setting) };
}

static const char *type_name(int type)
{
	switch (type) {
	case CONFIG_TYPE_GROUP:
		return "a group in braces, { }";
	case CONFIG_TYPE_LIST:
		return "a list in parentheses, ( )";
	case CONFIG_TYPE_ARRAY:
		return "an array in brackets, [ ]";
	case CONFIG_TYPE_STRING:
		return "a string in double quotes";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_NONE:
		return "nothing";
	default:
		return "a number";
	}
}

int conf_expect(struct parser *parser, config_setting_t *setting, int type)
{
	int found = config_setting_type(setting);

	if (found == type)
		return 0;
	if (type == CONFIG_TYPE_STRING && found == CONFIG_TYPE_INT)
		return conf_error(parser, setting, "the number must be in quotes: \"%d\"",
				  config_setting_get_int(setting));
	return conf_error(parser, setting, "is %s, but must be %s", type_name(found),
			  type_name(type));
}

static const struct key *find_key(const struct key *keys, const char *name)
{
	for (; keys->name; keys++) {
		if (strcmp(keys->name, name) == 0)
			return keys;
	}
	return NULL;
}

int conf_read_group(struct parser *parser, config_setting_t *setting, const struct key *keys,
		    void *target)
{
	int r = conf_expect(parser, setting, CONFIG_TYPE_GROUP), i;

	for (i = 0; r == 0 && i < config_setting_length(setting); i++) {
		config_setting_t *member = config_setting_get_elem(setting, (unsigned int)i);
		const struct key *key = find_key(keys, config_setting_name(member));

		if (key)
			r = key->read(parser, member, target);
		else
			r = conf_error(parser, member, "unknown key \"%.*s\"", TOKEN_TEXT_MAX,
				       config_setting_name(member));
	}
	return r;
}

int conf_read_string(struct parser *parser, config_setting_t *setting, const char **ret)
{
	int r = conf_expect(parser, setting, CONFIG_TYPE_STRING);

	if (r < 0)
		return r;
	if (config_setting_get_string(setting)[0] == '\0')
		return conf_error(parser, setting, "\"\" is empty");
	*ret = config_setting_get_string(setting);
	return 0;
}

/* A line of a log or of JSON has to take it as it is. */
static int check_string(struct parser *parser, const config_setting_t *setting, const char *string)
{
	const char *at;

	if (strlen(string) > STRING_LENGTH_MAX)
		return conf_error_string(parser, setting, string, "is longer than 255 bytes");
	for (at = string; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return conf_error_string(parser, setting, string, "has control characters");
	}
	return 0;
}

static int copy_string(struct parser *parser, const char *string, char **ret)
{
	char *copy = strdup(string);

	if (!copy)
		return conf_error_memory(parser);
	*ret = copy;
	return 0;
}

int conf_read_copy(struct parser *parser, config_setting_t *setting, char **ret)
{
	const char *string;
	int r = conf_read_string(parser, setting, &string);

	if (r == 0)
		r = check_string(parser, setting, string);
	return r < 0 ? r : copy_string(parser, string, ret);
}

int conf_read_bool(struct parser *parser, config_setting_t *setting, bool *ret)
{
	int r = conf_expect(parser, setting, CONFIG_TYPE_BOOL);

	if (r == 0)
		*ret = config_setting_get_bool(setting);
	return r;
}

static void print_words(const struct word *words, char text[WORDS_TEXT_MAX])
{
	size_t used = 0, i;

	for (i = 0; words[i].text && used < WORDS_TEXT_MAX - 1; i++) {
		snprintf(text + used, WORDS_TEXT_MAX - used, "%s%s", i ? ", " : "", words[i].text);
		used = strlen(text);
	}
}

int conf_read_word(struct parser *parser, config_setting_t *setting, const struct word *words,
		   int *ret)
{
	char token[TOKEN_TEXT_MAX], known[WORDS_TEXT_MAX] = "";
	const char *string;
	int r = conf_read_string(parser, setting, &string);

	if (r < 0 || word_value(words, string, ret) == 0)
		return r;
	print_words(words, known);
	return conf_error(parser, setting, "%s is none of %s",
			  conf_text_quote(string, strlen(string), token), known);
}

int conf_read_name(struct parser *parser, config_setting_t *setting, char **ret)
{
	const char *string;
	int r = conf_read_string(parser, setting, &string);

	if (r == 0)
		r = check_string(parser, setting, string);
	if (r == 0 && strpbrk(string, "/:"))
		r = conf_error_string(parser, setting, string, "is no name: it has a / or :");
	return r < 0 ? r : copy_string(parser, string, ret);
}
