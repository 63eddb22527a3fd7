/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads "profiles". */
#include "conf-read.h"

#include "plan.h"
#include "util.h"

#include <string.h>

#define LOG_GROUP_MAX 65535
#define LOG_RATE_MAX 10000
#define RATE_TEXT_MAX 32

#define PROFILE_NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static int read_proxy_string(struct parser *parser, config_setting_t *setting,
			     struct profile *profile)
{
	struct proxy *proxy = &profile->proxies[profile->proxy_count];
	const char *string;
	int r = conf_read_string(parser, setting, &string);

	if (r < 0)
		return r;
	if (addr_parse_endpoint(string, &proxy->endpoint) < 0)
		return conf_error_string(parser, setting, string,
					 "is not a literal address with a port, "
					 "such as 127.0.0.1:3128 or [::1]:3128");
	proxy->origin = conf_origin(parser, setting);
	profile->proxy_count++;
	return 0;
}

static bool is_sequence(const config_setting_t *setting)
{
	return config_setting_is_array(setting) || config_setting_is_list(setting);
}

static int read_proxy(struct parser *parser, config_setting_t *setting, void *target)
{
	bool many = is_sequence(setting);
	unsigned int count = many ? (unsigned int)config_setting_length(setting) : 1, i;
	struct profile *profile = target;
	int r = 0;

	if (count == 0)
		return conf_error(parser, setting, "a profile needs at least one proxy");
	profile->proxies = calloc(count, sizeof(*profile->proxies));
	if (!profile->proxies)
		return conf_error_memory(parser);
	for (i = 0; r == 0 && i < count; i++) {
		config_setting_t *element = many ? config_setting_get_elem(setting, i) : setting;

		r = read_proxy_string(parser, element, profile);
	}
	return r;
}

static int read_proxy_user(struct parser *parser, config_setting_t *setting, void *target)
{
	return conf_read_name(parser, setting, &((struct profile *)target)->proxy_user);
}

static int read_to(struct parser *parser, config_setting_t *setting, void *target)
{
	struct allow *allow = target;
	const char *string;
	int r = conf_read_string(parser, setting, &string);

	if (r == 0 && addr_parse_prefix(string, &allow->to) < 0)
		r = conf_error_string(parser, setting, string,
				      "is not a literal address or prefix without host bits, "
				      "such as 192.0.2.0/24 or 2001:db8::1");
	return r;
}

static int read_proto(struct parser *parser, config_setting_t *setting, void *target)
{
	int proto, r = conf_read_word(parser, setting, words_proto, &proto);

	if (r == 0)
		((struct allow *)target)->proto = (uint8_t)proto;
	return r;
}

static int read_ports(struct parser *parser, config_setting_t *setting, void *target)
{
	struct allow *allow = target;
	const char *string;
	int r = conf_read_string(parser, setting, &string);

	if (r == 0)
		r = addr_parse_ports(string, &allow->ports, &allow->port_count);
	if (r == -EINVAL)
		r = conf_error_string(parser, setting, string,
				      "is not a list of ports and ranges, such as 443,8000-8010");
	return r == -ENOMEM ? conf_error_memory(parser) : r;
}

static int read_reason(struct parser *parser, config_setting_t *setting, void *target)
{
	return conf_read_copy(parser, setting, &((struct allow *)target)->reason);
}

static int read_allow_entry(struct parser *parser, config_setting_t *setting,
			    struct profile *profile)
{
	static const struct key keys[] = {
		{ "to", read_to },
		{ "proto", read_proto },
		{ "ports", read_ports },
		{ "reason", read_reason },
		{ 0 },
	};
	struct allow *allow = &profile->allows[profile->allow_count++];
	int r;

	*allow = (struct allow){ .proto = IPPROTO_TCP, .origin = conf_origin(parser, setting) };
	r = conf_read_group(parser, setting, keys, allow);
	if (r < 0)
		return r;
	if (!config_setting_get_member(setting, "to"))
		return conf_error(parser, setting, "\"to\" is missing");
	if (allow->port_count && allow->proto != IPPROTO_TCP && allow->proto != IPPROTO_UDP)
		return conf_error(parser, config_setting_get_member(setting, "ports"),
				  "proto \"%s\" has no ports",
				  word_text(words_proto, allow->proto));
	return 0;
}

static int read_allow(struct parser *parser, config_setting_t *setting, void *target)
{
	unsigned int count = (unsigned int)config_setting_length(setting), i;
	int r = conf_expect(parser, setting, CONFIG_TYPE_LIST);
	struct profile *profile = target;

	if (r == 0)
		profile->allow_origin = conf_origin(parser, setting);
	if (r < 0 || count == 0)
		return r;
	profile->allows = calloc(count, sizeof(*profile->allows));
	if (!profile->allows)
		return conf_error_memory(parser);
	for (i = 0; r == 0 && i < count; i++)
		r = read_allow_entry(parser, config_setting_get_elem(setting, i), profile);
	return r;
}

static int read_reject(struct parser *parser, config_setting_t *setting, void *target)
{
	int value, r = conf_read_word(parser, setting, words_reject, &value);

	if (r == 0)
		((struct profile *)target)->reject = (enum reject)value;
	return r;
}

static int read_hold(struct parser *parser, config_setting_t *setting, void *target)
{
	int value, r = conf_read_word(parser, setting, words_hold, &value);

	if (r == 0)
		((struct profile *)target)->hold = (enum hold)value;
	return r;
}

static int read_last_close(struct parser *parser, config_setting_t *setting, void *target)
{
	int value, r = conf_read_word(parser, setting, words_last_close, &value);

	if (r == 0)
		((struct profile *)target)->last_close = (enum last_close)value;
	return r;
}

/* As a number it cannot have wrapped: conf_text_check has seen the digits. */
static int read_log_group(struct parser *parser, config_setting_t *setting, void *target)
{
	struct log_rule *log = target;
	unsigned long group;
	const char *string;
	int r;

	if (config_setting_type(setting) == CONFIG_TYPE_INT) {
		int number = config_setting_get_int(setting);

		if (number < 0 || number > LOG_GROUP_MAX)
			return conf_error(parser, setting,
					  "\"%d\" is not an NFLOG group, 0 to 65535", number);
		log->group = (uint16_t)number;
		return 0;
	}
	r = conf_read_string(parser, setting, &string);
	if (r < 0)
		return r;
	if (addr_parse_number(string, LOG_GROUP_MAX, &group) < 0)
		return conf_error_string(parser, setting, string,
					 "is not an NFLOG group, 0 to 65535");
	log->group = (uint16_t)group;
	return 0;
}

/* "10/minute" */
static int parse_rate(const char *string, struct log_rule *log)
{
	size_t length = strcspn(string, "/");
	char number[RATE_TEXT_MAX] = "";
	unsigned long rate;
	int period;

	if (length >= sizeof(number) || string[length] != '/')
		return -EINVAL;
	memcpy(number, string, length);
	if (addr_parse_number(number, LOG_RATE_MAX, &rate) < 0 || rate == 0 ||
	    word_value(words_period, string + length + 1, &period) < 0)
		return -EINVAL;
	log->rate = (unsigned int)rate;
	log->period = (unsigned int)period;
	return 0;
}

static int read_log_rate(struct parser *parser, config_setting_t *setting, void *target)
{
	const char *string;
	int r = conf_read_string(parser, setting, &string);

	if (r == 0 && parse_rate(string, target) < 0)
		r = conf_error_string(parser, setting, string,
				      "is not 1 to 10000 a second, minute, hour or day, "
				      "such as 10/minute");
	return r;
}

static int read_log(struct parser *parser, config_setting_t *setting, void *target)
{
	static const struct key keys[] = {
		{ "group", read_log_group },
		{ "rate", read_log_rate },
		{ 0 },
	};
	struct log_rule *log = &((struct profile *)target)->log;
	int type = config_setting_type(setting);

	if (type == CONFIG_TYPE_BOOL)
		return conf_read_bool(parser, setting, &log->enabled);
	if (type == CONFIG_TYPE_GROUP)
		return conf_read_group(parser, setting, keys, log);
	return conf_error(parser, setting, "must be true, false or a group in braces, { }");
}

static int check_profile_name(struct parser *parser, const config_setting_t *setting)
{
	const char *name = config_setting_name(setting);

	if (strlen(name) >= PLAN_PROFILE_MAX)
		return conf_error_string(parser, setting, name, "is longer than 63 bytes");
	if (name[strspn(name, PROFILE_NAME_CHARS)] != '\0')
		return conf_error_string(parser, setting, name,
					 "is not made of letters, digits, - and _");
	return 0;
}

static int read_profile(struct parser *parser, config_setting_t *setting, struct profile *profile)
{
	static const struct key keys[] = {
		{ "proxy", read_proxy },
		{ "proxy_user", read_proxy_user },
		{ "allow", read_allow },
		{ "reject", read_reject },
		{ "log", read_log },
		{ "hold", read_hold },
		{ "on_last_close", read_last_close },
		{ "subordinate_ids", conf_read_subordinate_ids },
		{ "no_new_privs", conf_read_no_new_privs },
		{ "socket_families", conf_read_socket_families },
		{ "existing_sockets", conf_read_existing_sockets },
		{ "route_guard", conf_read_route_guard },
		{ "required", conf_read_required },
		{ "env", conf_read_env },
		{ "proxy_url", conf_read_proxy_url },
		{ "ca_file", conf_read_ca_file },
		{ "notice", conf_read_notice },
		{ 0 },
	};
	int r = check_profile_name(parser, setting);

	if (r < 0)
		return r;
	profile->origin = conf_origin(parser, setting);
	profile->name = strdup(config_setting_name(setting));
	if (!profile->name)
		return conf_error_memory(parser);
	r = conf_read_group(parser, setting, keys, profile);
	if (r == 0 && profile->proxy_count == 0)
		r = conf_error(parser, setting,
			       "\"proxy\" is missing: "
			       "a profile needs at least one proxy");
	return r < 0 ? r : conf_check_required(parser, setting, profile);
}

int conf_read_profiles(struct parser *parser, config_setting_t *setting)
{
	unsigned int count = (unsigned int)config_setting_length(setting), i;
	int r = conf_expect(parser, setting, CONFIG_TYPE_GROUP);
	struct conf *conf = parser->conf;
	struct profile **profiles;

	if (r < 0 || count == 0)
		return r;
	profiles = reallocarray(conf->profiles, conf->profile_count + count, sizeof(*profiles));
	if (!profiles)
		return conf_error_memory(parser);
	conf->profiles = profiles;
	for (i = 0; r == 0 && i < count; i++) {
		struct profile *profile = calloc(1, sizeof(*profile));

		if (!profile)
			return conf_error_memory(parser);
		profile_init(profile);
		profiles[conf->profile_count++] = profile;
		r = read_profile(parser, config_setting_get_elem(setting, i), profile);
	}
	return r;
}

static int compare_names(const void *a, const void *b)
{
	const struct profile *x = *(const struct profile *const *)a;
	const struct profile *y = *(const struct profile *const *)b;

	return strcmp(x->name, y->name);
}

/* libconfig refuses two of one name within a text: these stand in two of them. */
static int refuse_same_name(struct parser *parser, const struct profile *one,
			    const struct profile *other)
{
	const struct conf *conf = parser->conf;
	size_t i = 0;

	while (conf->profiles[i] != one && conf->profiles[i] != other)
		i++;
	if (conf->profiles[i] == other) {
		other = one;
		one = conf->profiles[i];
	}
	return fault_set(parser->fault, -EBADMSG,
			 "%s:%u: profiles.%s: profile \"%s\" stands in %s:%u already",
			 other->origin.file, other->origin.line, other->name, other->name,
			 one->origin.file, one->origin.line);
}

int conf_index_profiles(struct parser *parser)
{
	const struct conf *conf = parser->conf;
	const struct profile **index;
	size_t i;

	index = calloc(conf->profile_count + 1, sizeof(*index));
	if (!index)
		return conf_error_memory(parser);
	parser->profiles_by_name = index;
	for (i = 0; i < conf->profile_count; i++)
		index[i] = conf->profiles[i];
	qsort(index, conf->profile_count, sizeof(*index), compare_names);
	for (i = 1; i < conf->profile_count; i++) {
		if (compare_names(&index[i - 1], &index[i]) == 0)
			return refuse_same_name(parser, index[i - 1], index[i]);
	}
	return 0;
}

const struct profile *conf_find_profile(const struct parser *parser, const char *name)
{
	struct profile wanted = { .name = (char *)name };
	const struct profile *key = &wanted, **found;

	found = bsearch(&key, parser->profiles_by_name, parser->conf->profile_count,
			sizeof(*parser->profiles_by_name), compare_names);
	return found ? *found : NULL;
}
