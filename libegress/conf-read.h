/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CONF_READ_H
#define EGRESS_CONF_READ_H

/*
 * Inside of conf_parse: walking libconfig's trees, one table of keys a group. All functions return 0,
 * or -EBADMSG or -ENOMEM with the reason told.
 */
#include "conf.h"
#include "words.h"

#include <libconfig.h>

struct parser {
	const struct conf_text *texts;
	config_t *trees; /* one a text; alive until the names in them are resolved */
	size_t count;
	uid_t uid_min;
	struct fault *fault;
	struct conf *conf; /* what is being built */
	/* In the order of their names, once all are read. */
	const struct profile **profiles_by_name;

	const struct conf_text *text; /* being walked */
	const char *file;             /* its name, owned by CONF */
	struct origin backend;        /* where it is set; line 0: nowhere yet */
};

/* Reads a setting into TARGET, the value that the group's table is for. */
struct key {
	const char *name;
	int (*read)(struct parser *parser, config_setting_t *setting, void *target);
};

/* Keys that are not in the table, up to its NULL name, are errors. */
int conf_read_group(struct parser *parser, config_setting_t *setting, const struct key *keys,
		    void *target);

/* "FILE:LINE: OBJECT.KEY: WHAT" at the setting. Returns -EBADMSG. */
int conf_error(struct parser *parser, const config_setting_t *setting, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with the string in quotes before what is wrong with it. */
int conf_error_string(struct parser *parser, const config_setting_t *setting, const char *string,
		      const char *why);
int conf_error_memory(struct parser *parser); /* -ENOMEM */

struct origin conf_origin(struct parser *parser, const config_setting_t *setting);
/* The setting is a CONFIG_TYPE_. */
int conf_expect(struct parser *parser, config_setting_t *setting, int type);
/* A string that is not empty; *ret belongs to the tree. */
int conf_read_string(struct parser *parser, config_setting_t *setting, const char **ret);
/* A copy of one that has no control characters and at most 255 bytes. */
int conf_read_copy(struct parser *parser, config_setting_t *setting, char **ret);
int conf_read_bool(struct parser *parser, config_setting_t *setting, bool *ret);
int conf_read_word(struct parser *parser, config_setting_t *setting, const struct word *words,
		   int *ret);
/* The name of a user or group, copied. */
int conf_read_name(struct parser *parser, config_setting_t *setting, char **ret);

/* Keys of a profile about what lies beside the rules; TARGET is the profile. */
int conf_read_subordinate_ids(struct parser *parser, config_setting_t *setting, void *target);
int conf_read_no_new_privs(struct parser *parser, config_setting_t *setting, void *target);
int conf_read_socket_families(struct parser *parser, config_setting_t *setting, void *target);
int conf_read_existing_sockets(struct parser *parser, config_setting_t *setting, void *target);
int conf_read_route_guard(struct parser *parser, config_setting_t *setting, void *target);
int conf_read_required(struct parser *parser, config_setting_t *setting, void *target);
int conf_read_env(struct parser *parser, config_setting_t *setting, void *target);
int conf_read_proxy_url(struct parser *parser, config_setting_t *setting, void *target);
int conf_read_ca_file(struct parser *parser, config_setting_t *setting, void *target);
int conf_read_notice(struct parser *parser, config_setting_t *setting, void *target);
/* What is required must not be switched off by another key. */
int conf_check_required(struct parser *parser, config_setting_t *setting, const struct profile *profile);

/* Appends the current text's profiles to those of the configuration. */
int conf_read_profiles(struct parser *parser, config_setting_t *setting);
/* Refuses two of one name; fills profiles_by_name. */
int conf_index_profiles(struct parser *parser);
const struct profile *conf_find_profile(const struct parser *parser, const char *name);

/* Appends the current text's accounts. The profiles are read and indexed. */
int conf_read_accounts(struct parser *parser, config_setting_t *setting);
/* Refuses accounts that are covered twice, and those that a profile names as its proxy's. */
int conf_check_accounts(struct parser *parser);

#endif
