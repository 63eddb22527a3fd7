/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a profile's keys about what lies beside its rules. */
#include "conf-read.h"

#include "util.h"

#include <string.h>

/* One member of the profile, by a word of a table. */
#define READ_WORD(key)                                                                                  \
	int conf_read_##key(struct parser *parser, config_setting_t *setting, void *target)             \
	{                                                                                               \
		int value, r = conf_read_word(parser, setting, words_##key, &value);                    \
                                                                                                        \
		if (r == 0)                                                                             \
			((struct profile *)target)->key = (enum key)value;                              \
		return r;                                                                               \
	}
#define READ_BOOL(key)                                                                                  \
	int conf_read_##key(struct parser *parser, config_setting_t *setting, void *target)             \
	{                                                                                               \
		return conf_read_bool(parser, setting, &((struct profile *)target)->key);               \
	}

READ_WORD(subordinate_ids)
READ_WORD(socket_families)
READ_WORD(existing_sockets)
READ_BOOL(no_new_privs)
READ_BOOL(route_guard)
READ_BOOL(env)
READ_BOOL(notice)

int conf_read_required(struct parser *parser, config_setting_t *setting, void *target)
{
	struct profile *profile = target;
	int value, r = 0;

	if (!config_setting_is_array(setting) && !config_setting_is_list(setting))
		return conf_error(parser, setting, "must be an array of strings in brackets, [ ]");
	for (int i = 0; r == 0 && i < config_setting_length(setting); i++) {
		r = conf_read_word(parser, config_setting_get_elem(setting, (unsigned int)i), words_layer, &value);
		if (r == 0)
			profile->required |= (unsigned int)value;
	}
	return r;
}

/* A word that programs take from their environment: nothing that a shell or a log would stumble over. */
static bool is_url(const char *string)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (const char *c = string; *c; c++) {
		if (*c <= ' ' || *c > '~' || strchr("\"'`\\$<>", *c))
			return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t length = strlen(schemes[i]);

		if (strncmp(string, schemes[i], length) == 0 && string[length] && string[length] != '/')
			return true;
	}
	return false;
}

int conf_read_proxy_url(struct parser *parser, config_setting_t *setting, void *target)
{
	struct profile *profile = target;
	int r = conf_read_copy(parser, setting, &profile->proxy_url);

	if (r == 0 && !is_url(profile->proxy_url))
		r = conf_error_string(parser, setting, profile->proxy_url,
				      "is not the URL of a proxy, such as http://127.0.0.1:3128");
	return r;
}

int conf_read_ca_file(struct parser *parser, config_setting_t *setting, void *target)
{
	struct profile *profile = target;
	int r = conf_read_copy(parser, setting, &profile->ca_file);

	if (r == 0 && profile->ca_file[0] != '/')
		r = conf_error_string(parser, setting, profile->ca_file, "is not an absolute path");
	return r;
}

int conf_check_required(struct parser *parser, config_setting_t *setting, const struct profile *profile)
{
	const struct {
		enum layer layer;
		bool off;
		const char *by;
	} layers[] = {
		{ LAYER_SECCOMP, profile->socket_families == FAMILIES_ANY, "socket_families = \"any\"" },
		{ LAYER_EXISTING_SOCKETS, profile->existing_sockets == EXISTING_KEEP,
		  "existing_sockets = \"keep\"" },
		{ LAYER_ROUTE_GUARD, !profile->route_guard, "route_guard = false" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		if ((profile->required & layers[i].layer) && layers[i].off)
			return conf_error(parser, config_setting_get_member(setting, "required"),
					  "\"%s\" is required, but %s switches it off",
					  word_text(words_layer, (int)layers[i].layer), layers[i].by);
	}
	return 0;
}
