/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads "accounts". */
#include "conf-read.h"

#include "conf-text.h"
#include "util.h"

#include <string.h>

#define UID_NOBODY 65534

static int read_user(struct parser *parser, config_setting_t *setting, void *target)
{
	struct account *account = target;
	int r = conf_read_name(parser, setting, &account->name);

	if (r < 0)
		return r;
	if (strcmp(account->name, "root") == 0)
		return conf_error_string(parser, setting, account->name,
					 "has uid 0, which cannot be covered");
	account->by = ACCOUNT_BY_USER;
	return 0;
}

static int read_group(struct parser *parser, config_setting_t *setting, void *target)
{
	struct account *account = target;

	account->by = ACCOUNT_BY_GROUP;
	return conf_read_name(parser, setting, &account->name);
}

static int read_uid(struct parser *parser, config_setting_t *setting, void *target)
{
	struct account *account = target;
	const char *string;
	int r = conf_read_string(parser, setting, &string);

	if (r < 0)
		return r;
	if (addr_parse_uid_range(string, &account->uids) < 0)
		return conf_error_string(parser, setting, string,
					 "is not a uid or a range of uids, "
					 "such as 2001 or 20000-29999");
	if (account->uids.first == 0)
		return conf_error_string(parser, setting, string,
					 "has uid 0 in it, which cannot be covered");
	account->by = ACCOUNT_BY_UID;
	return 0;
}

static int read_profile(struct parser *parser, config_setting_t *setting, void *target)
{
	const char *string;
	int r = conf_read_string(parser, setting, &string);

	if (r < 0)
		return r;
	((struct account *)target)->profile = conf_find_profile(parser, string);
	if (!((struct account *)target)->profile)
		return conf_error_string(parser, setting, string, "is not among the profiles");
	return 0;
}

static int read_system(struct parser *parser, config_setting_t *setting, void *target)
{
	return conf_read_bool(parser, setting, &((struct account *)target)->system);
}

/* The one key that says whom the entry covers. */
static int find_subject(struct parser *parser, config_setting_t *setting,
			config_setting_t **ret_subject)
{
	static const char *const names[] = { "user", "group", "uid" };
	config_setting_t *subject = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		config_setting_t *found = config_setting_get_member(setting, names[i]);

		if (found && subject)
			return conf_error(parser, setting,
					  "an account has one of user, group and uid: "
					  "this one has \"%s\" and \"%s\"",
					  config_setting_name(subject), names[i]);
		if (found)
			subject = found;
	}
	if (!subject)
		return conf_error(parser, setting, "an account needs one of user, group and uid");
	*ret_subject = subject;
	return 0;
}

static int check_uids(struct parser *parser, const config_setting_t *subject,
		      const struct account *account)
{
	const char *string = config_setting_get_string(subject);
	char why[96];

	if (account->by != ACCOUNT_BY_UID || account->system)
		return 0;
	if (account->uids.first < parser->uid_min) {
		snprintf(why, sizeof(why),
			 "has uids below UID_MIN, which is %u: "
			 "if that is meant, say system = true",
			 parser->uid_min);
		return conf_error_string(parser, subject, string, why);
	}
	if (account->uids.first <= UID_NOBODY && account->uids.last >= UID_NOBODY)
		return conf_error_string(parser, subject, string,
					 "has uid 65534 in it, which is nobody's: "
					 "if that is meant, say system = true");
	return 0;
}

static int check_account(struct parser *parser, config_setting_t *setting,
			 const config_setting_t *subject, struct account *account)
{
	if (!account->profile)
		account->profile = conf_find_profile(parser, "default");
	if (!account->profile)
		return conf_error(parser, setting, "names no profile, and there is no \"default\"");
	if (account->by == ACCOUNT_BY_GROUP && account->profile->hold == HOLD_ALWAYS)
		return conf_error_string(parser, subject, account->name,
					 "is a group, and its profile says hold = \"always\": "
					 "who is in it is not known at boot");
	return check_uids(parser, subject, account);
}

static int read_account(struct parser *parser, config_setting_t *setting, struct account *account)
{
	static const struct key keys[] = {
		{ "user", read_user },	     { "group", read_group },	{ "uid", read_uid },
		{ "profile", read_profile }, { "system", read_system }, { 0 },
	};
	config_setting_t *subject = NULL;
	int r;

	*account = (struct account){ .origin = conf_origin(parser, setting) };
	r = conf_expect(parser, setting, CONFIG_TYPE_GROUP);
	/* Before the keys are read: two of them would share account->name. */
	if (r == 0)
		r = find_subject(parser, setting, &subject);
	if (r == 0)
		r = conf_read_group(parser, setting, keys, account);
	if (r == 0)
		r = check_account(parser, setting, subject, account);
	return r;
}

int conf_read_accounts(struct parser *parser, config_setting_t *setting)
{
	unsigned int count = (unsigned int)config_setting_length(setting), i;
	int r = conf_expect(parser, setting, CONFIG_TYPE_LIST);
	struct conf *conf = parser->conf;
	struct account *accounts;

	if (r < 0 || count == 0)
		return r;
	accounts = reallocarray(conf->accounts, conf->account_count + count, sizeof(*accounts));
	if (!accounts)
		return conf_error_memory(parser);
	conf->accounts = accounts;
	for (i = 0; r == 0 && i < count; i++)
		r = read_account(parser, config_setting_get_elem(setting, i),
				 &accounts[conf->account_count++]);
	return r;
}

/* Users, groups and uid ranges by themselves; within them, by name or by first uid. */
static int compare_subjects(const void *a, const void *b)
{
	const struct account *x = *(const struct account *const *)a;
	const struct account *y = *(const struct account *const *)b;

	if (x->by != y->by)
		return x->by < y->by ? -1 : 1;
	if (x->by != ACCOUNT_BY_UID)
		return strcmp(x->name, y->name);
	if (x->uids.first != y->uids.first)
		return x->uids.first < y->uids.first ? -1 : 1;
	return 0;
}

static int compare_places(const void *a, const void *b)
{
	const struct account *x = *(const struct account *const *)a;
	const struct account *y = *(const struct account *const *)b;
	int order = compare_subjects(a, b);

	if (order)
		return order;
	return x < y ? -1 : x > y;
}

static bool share_subject(const struct account *a, const struct account *b)
{
	if (a->by == ACCOUNT_BY_UID && b->by == ACCOUNT_BY_UID)
		return b->uids.first <= a->uids.last && a->uids.first <= b->uids.last;
	return compare_subjects(&a, &b) == 0;
}

static const char *subject_key(const struct account *account)
{
	switch (account->by) {
	case ACCOUNT_BY_USER:
		return "user";
	case ACCOUNT_BY_GROUP:
		return "group";
	default:
		return "uid";
	}
}

/* WHY ends before the name of the OTHER, which stands in PLACE. */
static int account_error(struct parser *parser, const struct account *account, const char *why,
			 const char *other, const struct origin *place)
{
	char uids[UID_RANGE_TEXT_MAX];
	const char *name =
		account->name ? account->name : addr_print_uid_range(account->uids, uids);
	char token[TOKEN_TEXT_MAX];

	return fault_set(parser->fault, -EBADMSG, "%s:%u: accounts.%s: %s %s \"%s\" in %s:%u",
			 account->origin.file, account->origin.line, subject_key(account),
			 conf_text_quote(name, strlen(name), token), why, other, place->file,
			 place->line);
}

static int refuse_twice(struct parser *parser, const struct account *one,
			const struct account *other)
{
	char uids[UID_RANGE_TEXT_MAX];

	if (one > other) {
		const struct account *later = one;

		one = other;
		other = later;
	}
	return account_error(parser, other, "is covered already by",
			     one->name ? one->name : addr_print_uid_range(one->uids, uids),
			     &one->origin);
}

static int check_proxy_users(struct parser *parser, const struct account **index)
{
	const struct conf *conf = parser->conf;
	size_t i;

	for (i = 0; i < conf->profile_count; i++) {
		const struct profile *profile = conf->profiles[i];
		struct account wanted = { .by = ACCOUNT_BY_USER, .name = profile->proxy_user };
		const struct account *key = &wanted, **found;

		if (!profile->proxy_user)
			continue;
		found = bsearch(&key, index, conf->account_count, sizeof(*index), compare_subjects);
		if (found)
			return account_error(parser, *found, "is the proxy_user of profile",
					     profile->name, &profile->origin);
	}
	return 0;
}

int conf_check_accounts(struct parser *parser)
{
	AUTO_FREE const struct account **index = NULL;
	const struct conf *conf = parser->conf;
	size_t i;

	index = calloc(conf->account_count + 1, sizeof(*index));
	if (!index)
		return conf_error_memory(parser);
	for (i = 0; i < conf->account_count; i++)
		index[i] = &conf->accounts[i];
	qsort(index, conf->account_count, sizeof(*index), compare_places);
	for (i = 1; i < conf->account_count; i++) {
		if (share_subject(index[i - 1], index[i]))
			return refuse_twice(parser, index[i - 1], index[i]);
	}
	return check_proxy_users(parser, index);
}
