/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "uid-owner.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exit.h"

#define AGAIN_MS 1000  /* not more often than this, */
#define AGAIN_TIMES 20 /* nor for more than so small a part of the time: ten thousand accounts take half a second */
#define OLD_MS 60000   /* ranges may go to another account: what is older than this is not believed */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void forget(struct uid_owners *owners)
{
	for (size_t i = 0; i < owners->count; i++)
		free(owners->items[i].account);
	free(owners->items);
	owners->items = NULL;
	owners->count = 0;
}

static void learn(struct uid_owners *owners, const struct egress_account *account)
{
	owners->items = must(reallocarray(owners->items, owners->count + account->range_count, sizeof(*owners->items)));
	for (size_t i = 0; i < account->range_count; i++)
		owners->items[owners->count++] = (struct uid_owner){
			.uids = account->ranges[i],
			.account = i ? must(strdup(account->name)) : NULL,
		};
}

/* What cannot be looked at leaves what was known. */
static int look(struct uid_owners *owners)
{
	struct egress_account **accounts;
	uint64_t begin = now_ms();
	int error = egress_list(owners->ctx, &accounts);

	if (!error) {
		forget(owners);
		for (struct egress_account **account = accounts; *account; account++)
			learn(owners, *account);
		egress_accounts_free(accounts);
	}
	owners->looked = now_ms();
	owners->took = owners->looked - begin;
	return error;
}

/* Of several the narrowest, as in the kernel. */
static const struct uid_owner *find(const struct uid_owners *owners, uid_t uid)
{
	const struct uid_owner *found = NULL;

	for (size_t i = 0; i < owners->count; i++) {
		const struct uid_owner *item = &owners->items[i];

		if (item->uids.first <= uid && uid <= item->uids.last &&
		    (!found || item->uids.last - item->uids.first < found->uids.last - found->uids.first))
			found = item;
	}
	return found;
}

static bool is_due(const struct uid_owners *owners, const struct uid_owner *found, bool again)
{
	uint64_t age = now_ms() - owners->looked;

	if (age < AGAIN_MS || age < AGAIN_TIMES * owners->took)
		return false;
	return found ? found->account && age >= OLD_MS : again;
}

int uid_owners_begin(struct uid_owners *owners, struct egress_ctx *ctx)
{
	*owners = (struct uid_owners){ .ctx = ctx };
	/* What there is to say of the configuration was said, and is not said again with each look. */
	egress_ctx_set_log(ctx, NULL, NULL);
	return look(owners);
}

void uid_owners_end(struct uid_owners *owners)
{
	forget(owners);
}

const char *uid_owners_find(struct uid_owners *owners, uid_t uid, bool again)
{
	const struct uid_owner *found = find(owners, uid);

	if (is_due(owners, found, again)) {
		look(owners);
		found = find(owners, uid);
	}
	return found ? found->account : NULL;
}
