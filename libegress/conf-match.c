/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf.h"

#include "conf-text.h"

#include <string.h>

/* 1, 0, or the error of in_group. */
static int matches(const struct account *account, const struct identity *who)
{
	size_t i;

	switch (account->by) {
	case ACCOUNT_BY_USER:
		for (i = 0; i < who->name_count; i++) {
			if (strcmp(account->name, who->names[i]) == 0)
				return 1;
		}
		return 0;
	case ACCOUNT_BY_GROUP:
		return who->in_group(account->name, who->in_group_data);
	case ACCOUNT_BY_UID:
		return who->uid >= account->uids.first && who->uid <= account->uids.last;
	}
	return 0;
}

int conf_match(const struct conf *conf, const struct identity *who, const struct account **ret)
{
	static const enum account_by order[] = { ACCOUNT_BY_USER, ACCOUNT_BY_GROUP,
						 ACCOUNT_BY_UID };
	size_t pass, i;

	if (who->uid == 0)
		return 0;
	for (pass = 0; pass < sizeof(order) / sizeof(order[0]); pass++) {
		for (i = 0; i < conf->account_count; i++) {
			const struct account *account = &conf->accounts[i];
			int r = account->by == order[pass] ? matches(account, who) : 0;

			if (r < 0)
				return r;
			if (r > 0) {
				*ret = account;
				return 1;
			}
		}
	}
	return 0;
}

bool conf_text_names(const char *text, const char *user)
{
	for (; *text; text++) {
		if (*text == '"' && conf_text_string_is(text + 1, user))
			return true;
	}
	return false;
}
