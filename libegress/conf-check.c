/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf-check.h"

#include "person.h"
#include "util.h"

#include <syslog.h>

static int find_proxy(const struct profile *profile, struct fault *fault, struct person *ret)
{
	if (profile->proxy_user)
		return person_by_name(profile->proxy_user, fault, ret);
	*ret = (struct person){ .uid = (uid_t)-1 };
	return 0;
}

static int proxy_is_covered(const struct profile *profile, const struct origin *origin, struct fault *fault)
{
	return fault_set(fault, -EBADMSG,
			 "%s:%u: covers \"%s\", the proxy_user of profile \"%s\": "
			 "held, the proxy could not reach anything",
			 origin->file, origin->line, profile->proxy_user, profile->name);
}

int conf_check_proxies(const struct conf *conf, struct uid_range uids, struct fault *fault)
{
	for (size_t i = 0; i < conf->profile_count; i++) {
		const struct profile *profile = conf->profiles[i];
		AUTO_PERSON struct person person = { 0 };
		int r = find_proxy(profile, fault, &person);

		if (r)
			return r;
		if (person.exists && uids.first <= person.uid && person.uid <= uids.last)
			return proxy_is_covered(profile, &profile->origin, fault);
	}
	return 0;
}

/* A user entry under another name of the same uid covers it as well. */
static int find_twin(const struct conf *conf, uid_t uid, struct fault *fault, const struct account **ret)
{
	for (size_t i = 0; i < conf->account_count; i++) {
		const struct account *account = &conf->accounts[i];
		AUTO_PERSON struct person person = { 0 };
		int r = 0;

		if (account->by != ACCOUNT_BY_USER)
			continue;
		r = person_by_name(account->name, fault, &person);
		if (r)
			return r;
		if (person.exists && person.uid == uid) {
			*ret = account;
			return 1;
		}
	}
	return 0;
}

int conf_check_covered_proxies(const struct conf *conf, struct fault *fault)
{
	for (size_t i = 0; i < conf->profile_count; i++) {
		const struct account *account;
		AUTO_PERSON struct person person = { 0 };
		int r = find_proxy(conf->profiles[i], fault, &person);

		if (!r && person.exists)
			r = person_match(&person, conf, fault, &account);
		if (!r && person.exists)
			r = find_twin(conf, person.uid, fault, &account);
		if (r > 0)
			return proxy_is_covered(conf->profiles[i], &account->origin, fault);
		if (r)
			return r;
	}
	return 0;
}

static bool is_somebody(const struct account *account)
{
	AUTO_PERSON struct person person = { 0 };

	if (account->by == ACCOUNT_BY_GROUP)
		return person_group_exists(account->name) != 0;
	return account->by == ACCOUNT_BY_UID || person_by_name(account->name, NULL, &person) || person.exists;
}

void conf_warn_of_nobody(struct egress_ctx *ctx, const struct conf *conf)
{
	for (size_t i = 0; i < conf->account_count; i++) {
		const struct account *account = &conf->accounts[i];

		if (!is_somebody(account))
			ctx_log(ctx, LOG_WARNING, "%s:%u: %s \"%s\" does not exist: nobody is held by this entry",
				account->origin.file, account->origin.line,
				account->by == ACCOUNT_BY_GROUP ? "group" : "user", account->name);
	}
}
