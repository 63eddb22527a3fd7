/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf.h"

#include "conf-read.h"
#include "conf-text.h"
#include "util.h"

#include <string.h>

static int read_backend(struct parser *parser, config_setting_t *setting, void *target)
{
	struct conf *conf = target;
	int value, r;

	if (parser->backend.line)
		return conf_error(parser, setting, "is set in %s:%u already", parser->backend.file,
				  parser->backend.line);
	parser->backend = conf_origin(parser, setting);
	r = conf_read_word(parser, setting, words_backend, &value);
	if (r == 0)
		conf->backend = (enum backend_choice)value;
	return r;
}

static int read_profiles(struct parser *parser, config_setting_t *setting, void *target)
{
	(void)target;
	return conf_read_profiles(parser, setting);
}

static int read_accounts(struct parser *parser, config_setting_t *setting, void *target)
{
	(void)target;
	return conf_read_accounts(parser, setting);
}

static int read_later(struct parser *parser, config_setting_t *setting, void *target)
{
	(void)parser;
	(void)setting;
	(void)target;
	return 0;
}

/* An account may name a profile of a later text: all profiles come first. */
static const struct key first_pass[] = {
	{ "backend", read_backend },
	{ "profiles", read_profiles },
	{ "accounts", read_later },
	{ 0 },
};

static const struct key second_pass[] = {
	{ "backend", read_later },
	{ "profiles", read_later },
	{ "accounts", read_accounts },
	{ 0 },
};

static int read_texts(struct parser *parser, const struct key *keys)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < parser->count; i++) {
		parser->text = &parser->texts[i];
		parser->file = parser->conf->files[i];
		r = conf_read_group(parser, config_root_setting(&parser->trees[i]), keys,
				    parser->conf);
	}
	return r;
}

static int refuse_syntax(struct parser *parser, const config_t *tree)
{
	char token[TOKEN_TEXT_MAX];
	int line = config_error_line(tree);
	size_t length;
	const char *text = conf_text_line(parser->text->text, (unsigned int)line, &length);

	/* Every token stands on a line: it was the end that came unexpected. */
	if (length == 0)
		return fault_set(parser->fault, -EBADMSG, "%s:%u: %s at the end of the text",
				 parser->file, conf_text_last_line(parser->text->text),
				 config_error_text(tree));
	return fault_set(parser->fault, -EBADMSG, "%s:%d: %s in %s", parser->file, line,
			 config_error_text(tree), conf_text_quote(text, length, token));
}

/* libconfig 1.5 takes a comment only with the end of its line. */
static char *with_newline(const struct conf_text *text)
{
	char *copy = malloc(text->length + sizeof("\n"));

	if (copy) {
		memcpy(copy, text->text, text->length);
		memcpy(copy + text->length, "\n", sizeof("\n"));
	}
	return copy;
}

static int read_tree(struct parser *parser, config_t *tree)
{
	AUTO_FREE char *copy = NULL;
	int r = conf_text_check(parser->text, parser->fault);

	if (r < 0)
		return r;
	copy = with_newline(parser->text);
	if (!copy)
		return conf_error_memory(parser);
	return config_read_string(tree, copy) ? 0 : refuse_syntax(parser, tree);
}

static int read_trees(struct parser *parser)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < parser->count; i++) {
		parser->text = &parser->texts[i];
		parser->file = parser->conf->files[i];
		r = read_tree(parser, &parser->trees[i]);
	}
	return r;
}

/* A text that was cut short parses, and would cover nobody. Asked last: a key with a typo is told as such. */
static int check_present(struct parser *parser, const char *name)
{
	size_t i;

	for (i = 0; i < parser->count; i++) {
		if (config_setting_get_member(config_root_setting(&parser->trees[i]), name))
			return 0;
	}
	return fault_set(parser->fault, -EBADMSG, "%s:%u: the text ends without \"%s\"",
			 parser->conf->files[0], conf_text_last_line(parser->texts[0].text), name);
}

static int copy_files(struct parser *parser)
{
	struct conf *conf = parser->conf;
	size_t i;

	conf->files = calloc(parser->count, sizeof(*conf->files));
	if (!conf->files)
		return conf_error_memory(parser);
	for (i = 0; i < parser->count; i++) {
		conf->files[i] = strdup(parser->texts[i].file);
		if (!conf->files[i])
			return conf_error_memory(parser);
		conf->file_count++;
	}
	return 0;
}

static int parse(struct parser *parser)
{
	int r = copy_files(parser);

	if (r == 0)
		r = read_trees(parser);
	if (r == 0)
		r = read_texts(parser, first_pass);
	if (r == 0)
		r = check_present(parser, "profiles");
	if (r == 0)
		r = check_present(parser, "accounts");
	if (r == 0)
		r = conf_index_profiles(parser);
	if (r == 0)
		r = read_texts(parser, second_pass);
	if (r == 0)
		r = conf_check_accounts(parser);
	return r;
}

static config_t *make_trees(size_t count)
{
	config_t *trees = calloc(count, sizeof(*trees));
	size_t i;

	for (i = 0; trees && i < count; i++)
		config_init(&trees[i]);
	return trees;
}

static void parser_clear(struct parser *parser)
{
	size_t i;

	for (i = 0; parser->trees && i < parser->count; i++)
		config_destroy(&parser->trees[i]);
	free(parser->trees);
	free(parser->profiles_by_name);
	conf_free(parser->conf);
}

int conf_parse(const struct conf_text *texts, size_t count, uid_t uid_min, struct fault *fault,
	       struct conf **ret)
{
	struct parser parser = {
		.texts = texts, .count = count, .uid_min = uid_min, .fault = fault
	};
	int r;

	if (count == 0)
		return fault_set(fault, -EBADMSG, "configuration: there is no text");
	parser.conf = calloc(1, sizeof(*parser.conf));
	parser.trees = make_trees(count);
	r = parser.conf && parser.trees ? parse(&parser) : conf_error_memory(&parser);
	if (r == 0)
		*ret = util_steal(parser.conf);
	parser_clear(&parser);
	return r;
}

void conf_free(struct conf *conf)
{
	size_t i;

	if (!conf)
		return;
	for (i = 0; i < conf->account_count; i++)
		free(conf->accounts[i].name);
	free(conf->accounts);
	for (i = 0; i < conf->profile_count; i++) {
		profile_clear(conf->profiles[i]);
		free(conf->profiles[i]);
	}
	free(conf->profiles);
	for (i = 0; i < conf->file_count; i++)
		free(conf->files[i]);
	free(conf->files);
	free(conf);
}
