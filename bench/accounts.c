/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accounts that are held, and the seam that holds them. */
#include "bench.h"

#include "plan-compare.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define READINGS_MAX 10
#define HOLD_MS 120000 /* ten thousand at once are not what the deadline of a login is for */

const char *const layout_names[LAYOUT_COUNT] = { "contiguous", "scattered" };

#define STRIDE 7
#define FIRST_SUBORDINATE 1000000
#define SUBORDINATES 65536

static uid_t uid_of(size_t index, size_t count, enum layout layout)
{
	if (layout == SCATTERED)
		return FIRST_UID + (uid_t)index * STRIDE;
	return FIRST_UID + (uid_t)index + (index >= count / 2);
}

static void must_parse(int error)
{
	if (error)
		die("cannot use an address of my own");
}

static void plan_make(struct uid_range uids, int proto, struct plan *ret)
{
	static const char *const proxies[] = { "127.0.0.1", "::1" };
	struct port_range port = { PROXY_PORT, PROXY_PORT };
	struct allow allows[ARRAY_SIZE(proxies)] = { 0 };
	struct profile profile = {
		.allows = allows,
		.allow_count = ARRAY_SIZE(allows),
		.log = { .enabled = true, .group = 9, .rate = 10, .period = 60 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(allows); i++) {
		allows[i].proto = (uint8_t)proto;
		allows[i].ports = &port;
		allows[i].port_count = 1;
		must_parse(addr_parse_prefix(proxies[i], &allows[i].to));
	}
	if (plan_compile(&profile, uids, ret))
		die("out of memory");
}

void account_make(uid_t uid, int proto, struct plan *ret)
{
	plan_make((struct uid_range){ uid, uid }, proto, ret);
}

/* As useradd gives them: one behind the other. */
void subordinates_make(size_t index, struct plan *ret)
{
	uid_t first = FIRST_SUBORDINATE + (uid_t)index * SUBORDINATES;

	plan_make((struct uid_range){ first, first + SUBORDINATES - 1 }, IPPROTO_TCP, ret);
}

void accounts_make(size_t count, enum layout layout, int proto, struct accounts *ret)
{
	size_t middle = count / 2;

	ret->count = count;
	ret->plans = need(calloc(count, sizeof(*ret->plans)));
	for (size_t i = 0; i < count; i++)
		account_make(uid_of(i, count, layout), proto, &ret->plans[i]);
	ret->below = FIRST_UID - 1;
	ret->between = uid_of(middle, count, layout) - 1;
	ret->above = uid_of(count - 1, count, layout) + 1;
}

void accounts_clear(struct accounts *accounts)
{
	for (size_t i = 0; i < accounts->count; i++)
		plan_clear(&accounts->plans[i]);
	free(accounts->plans);
	*accounts = (struct accounts){ 0 };
}

int seam_probe(const struct backend_ops *ops, struct fault *fault)
{
	enum backend_presence presence;

	return ops->probe(fault, &presence);
}

static struct backend *seam_open(const struct backend_ops *ops)
{
	struct deadline deadline = deadline_in_ms(HOLD_MS);
	struct backend *backend = NULL;
	struct fault fault = { 0 };

	if (ops->open(&deadline, &fault, &backend))
		die("open: %s", fault.line);
	return backend;
}

/* True if all of them stand; else FAULT says which does not, and why. */
static bool all_stand(const struct plan *plans, size_t count, const struct standing *standing,
		      size_t standing_count, struct fault *fault)
{
	for (size_t i = 0; i < count; i++) {
		uid_t uid = plans[i].uids.first;
		const struct standing *found =
			standing_find(standing, standing_count, plans[i].uids);

		if (!found)
			fault_set(fault, -ENOENT, "uid %u is not listed", uid);
		else if (found->drift)
			fault_set(fault, -EIO, "uid %u: %s", uid, found->drift[0]);
		else if (!plan_same_rules(&plans[i], &found->plan))
			fault_set(fault, -EIO, "uid %u has other rules", uid);
		if (fault->error)
			return false;
	}
	return true;
}

static bool read_back(const struct backend_ops *ops, struct backend *backend,
		      const struct plan *plans, size_t count, struct fault *fault)
{
	struct standing *standing = NULL;
	size_t found = 0;
	bool stand;

	fault_clear(fault);
	if (ops->list(backend, count == 1 ? &plans[0].uids : NULL, fault, &standing, &found))
		die("hold: list: %s", fault->line);
	stand = all_stand(plans, count, standing, found, fault);
	standing_free(standing, found);
	return stand;
}

/* Few are read one by one, as an operation does. */
static bool read_back_each(const struct backend_ops *ops, struct backend *backend, const struct plan *plans,
			   size_t count, struct fault *fault)
{
	if (count > OF_ONE_ACCOUNT)
		return read_back(ops, backend, plans, count, fault);
	for (size_t i = 0; i < count; i++)
		if (!read_back(ops, backend, &plans[i], 1, fault))
			return false;
	return true;
}

/* A reading that misses something is told, repeated, and part of what a hold takes. */
void seam_hold(const struct backend_ops *ops, const struct plan *plans, size_t count)
{
	struct backend *backend = seam_open(ops);
	struct fault fault = { 0 };
	int readings = 1;

	if (ops->replace(backend, plans, count, &fault))
		die("hold: %s", fault.line);
	while (!read_back_each(ops, backend, plans, count, &fault)) {
		fprintf(stderr, "held, but read as: %s\n", fault.line);
		if (readings++ == READINGS_MAX)
			die("hold: does not stand");
	}
	ops->close(backend);
}

void seam_release(const struct backend_ops *ops, const struct plan *plans, size_t count)
{
	struct backend *backend = seam_open(ops);
	struct uid_range uids[OF_ONE_ACCOUNT];
	struct fault fault = { 0 };

	for (size_t i = 0; i < count; i++)
		uids[i] = plans[i].uids;
	if (ops->remove(backend, uids, count, &fault))
		die("release: %s", fault.line);
	ops->close(backend);
}

void seam_list(const struct backend_ops *ops, size_t expected)
{
	struct backend *backend = NULL;
	struct standing *standing = NULL;
	struct fault fault = { 0 };
	size_t found = 0;

	if (ops->open(NULL, &fault, &backend) ||
	    ops->list(backend, NULL, &fault, &standing, &found))
		die("list: %s", fault.line);
	if (found != expected)
		fprintf(stderr, "list: %zu accounts, not %zu\n", found, expected);
	standing_free(standing, found);
	ops->close(backend);
}
