/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choice.h"

#include "holdings.h"
#include "util.h"
#include "words.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

/* What one backend's probe said. */
struct candidate {
	const struct backend_ops *ops;
	enum backend_presence presence;
	struct fault why; /* why it cannot be used */
};

struct candidates {
	struct candidate items[BACKENDS_MAX];
	size_t count, usable;
};

static const struct backend_ops *find_ops(const struct egress_ctx *ctx, const char *name)
{
	for (size_t i = 0; ctx->backends[i]; i++)
		if (strcmp(ctx->backends[i]->name, name) == 0)
			return ctx->backends[i];
	return NULL;
}

bool choice_is_built(const struct egress_ctx *ctx, enum backend_choice wanted)
{
	return wanted == BACKEND_AUTO || find_ops(ctx, word_text(words_backend, wanted));
}

int choice_not_built(enum backend_choice wanted, int error, struct fault *fault)
{
	return fault_set(fault, error, "backend \"%s\": not built into this libegress",
			 word_text(words_backend, wanted));
}

/* What keeps us from knowing is no reason to take another one. */
static int probe_error(const struct fault *why)
{
	return why->error == -ENOMEM || why->error == -EPERM ? why->error : -EOPNOTSUPP;
}

static int choose_configured(struct egress_ctx *ctx, enum backend_choice wanted, struct choice *ret)
{
	const struct backend_ops *ops = find_ops(ctx, word_text(words_backend, wanted));
	enum backend_presence presence;
	struct fault why = { 0 };

	if (!ops)
		return choice_not_built(wanted, -EOPNOTSUPP, &ctx->fault);
	if (ops->probe(&why, &presence))
		return fault_set(&ctx->fault, probe_error(&why), "backend \"%s\": %.400s", ops->name, why.line);
	ret->ops = ops;
	snprintf(ret->reason, sizeof(ret->reason), "configured");
	return 0;
}

static int probe_all(struct egress_ctx *ctx, struct candidates *all)
{
	for (size_t i = 0; ctx->backends[i]; i++) {
		struct candidate *one = &all->items[all->count++];

		*one = (struct candidate){ .ops = ctx->backends[i] };
		if (one->ops->probe(&one->why, &one->presence) == 0) {
			one->why.error = 0;
			all->usable++;
		} else if (probe_error(&one->why) != -EOPNOTSUPP) {
			return fault_set(&ctx->fault, one->why.error, "%s", one->why.line);
		}
	}
	return 0;
}

static const struct candidate *find_candidate(const struct candidates *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].ops->name, name) == 0)
			return &all->items[i];
	return NULL;
}

/* By the ledger's word, which costs the same however many are held; NULL where it has none. */
static const struct candidate *recorded_holder(struct egress_ctx *ctx, struct ledger *ledger,
					       const struct candidates *all)
{
	const struct candidate *holder;
	char name[LEDGER_BACKEND_MAX] = "";
	int r;

	if (!ledger || !ledger_has_any(ledger))
		return NULL;
	r = ledger_backend(ledger, name);
	holder = r ? NULL : find_candidate(all, name);
	if (holder && !holder->why.error)
		return holder;
	if (holder)
		ctx_log(ctx, LOG_WARNING, "%s/backend: %.400s; the kernel is asked what holds",
			ledger_path(ledger), holder->why.line);
	else if (r != -ENOENT)
		ctx_log(ctx, LOG_WARNING, "%s/backend: \"%s\" is no backend of this libegress; the kernel is "
			"asked what holds", ledger_path(ledger), name);
	return NULL;
}

/* Little stands where the ledger is empty: always-held ranges, or what a lost ledger left. */
static int standing_holder(struct egress_ctx *ctx, const struct candidates *all,
			   const struct candidate **ret)
{
	for (size_t i = 0; i < all->count && !*ret; i++) {
		struct holding holding = { 0 };
		struct fault why = { 0 };
		int r = all->items[i].why.error ? 0 : holding_look(all->items[i].ops, NULL, &why, &holding);

		if (r == -ENOMEM)
			return fault_set(&ctx->fault, r, "%s", why.line);
		if (r) /* whichever is chosen then holds, and is read back */
			ctx_log(ctx, LOG_ERR, "auto: %s: cannot see what it holds: %.400s",
				all->items[i].ops->name, why.line);
		if (holding.count)
			*ret = &all->items[i];
		holding_clear(&holding);
	}
	return 0;
}

/* Rows in order: the first that is there, and at least so much in use, is it. */
static const struct preference {
	const char *name;
	enum backend_presence least;
	const char *other; /* whose state is the reason; NULL: its own */
} preferences[] = {
	{ "iptables", BACKEND_IN_USE, NULL },
	{ "nftables", BACKEND_READY, "iptables" },
	{ "iptables", BACKEND_READY, "nftables" },
	{ "nftables", BACKEND_LOADABLE, "iptables" },
	{ "iptables", BACKEND_LOADABLE, "nftables" },
};

/* The kernel's part of a backend, as people know it. */
static const char *kernel_part(const char *name)
{
	return strcmp(name, "iptables") == 0 ? "legacy iptables tables" : "nf_tables";
}

static void explain(const struct candidates *all, const char *other, char reason[CHOICE_REASON_MAX])
{
	const struct candidate *one = other ? find_candidate(all, other) : NULL;

	if (!other)
		snprintf(reason, CHOICE_REASON_MAX, "auto: legacy iptables tables are in use here");
	else if (!one)
		snprintf(reason, CHOICE_REASON_MAX, "auto: %s is not built in", other);
	else if (one->why.error)
		snprintf(reason, CHOICE_REASON_MAX, "auto: this kernel has no %s", kernel_part(other));
	else if (one->presence == BACKEND_LOADABLE)
		snprintf(reason, CHOICE_REASON_MAX, "auto: this kernel has not loaded %s", kernel_part(other));
	else
		snprintf(reason, CHOICE_REASON_MAX, "auto: no %s are in use here", kernel_part(other));
}

static int choose_preferred(struct egress_ctx *ctx, const struct candidates *all, struct choice *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(preferences); i++) {
		const struct candidate *one = find_candidate(all, preferences[i].name);

		if (!one || one->why.error || one->presence < preferences[i].least)
			continue;
		ret->ops = one->ops;
		explain(all, preferences[i].other, ret->reason);
		return 0;
	}
	return fault_set(&ctx->fault, -EOPNOTSUPP, "%.200s%s%.200s", all->count ? all->items[0].why.line : "",
			 all->count > 1 ? "; " : "", all->count > 1 ? all->items[1].why.line : "");
}

static int choose_auto(struct egress_ctx *ctx, struct ledger *ledger, struct choice *ret)
{
	struct candidates all = { 0 };
	const struct candidate *holder = NULL;
	int r = probe_all(ctx, &all);

	if (!r)
		holder = recorded_holder(ctx, ledger, &all);
	if (!r && !holder && all.usable > 1 && geteuid() == 0)
		r = standing_holder(ctx, &all, &holder);
	if (r)
		return r;
	if (!holder)
		return choose_preferred(ctx, &all, ret);
	ret->ops = holder->ops;
	snprintf(ret->reason, sizeof(ret->reason), "auto: accounts are held by it");
	return 0;
}

int choice_make(struct egress_ctx *ctx, enum backend_choice wanted, struct ledger *ledger,
		struct choice *ret)
{
	return wanted == BACKEND_AUTO ? choose_auto(ctx, ledger, ret) : choose_configured(ctx, wanted, ret);
}
