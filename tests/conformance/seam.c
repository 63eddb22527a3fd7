/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seam.h"

#include "plan-compare.h"
#include "unit.h"
#include "util.h"

#include <netinet/in.h>
#include <string.h>

#define WORDS_MAX 16

long seam_deadline_ms = 20000;
struct fault said;

/* Rules of plans stay reachable: the process is their owner. */
static struct rule *all_rules[4 * SEAM_PLANS_MAX];
static size_t rules_made;

struct uid_range uids_of(const char *text)
{
	struct uid_range uids;

	ck_assert_msg(addr_parse_uid_range(text, &uids) == 0, "uids \"%s\"", text);
	return uids;
}

/* 127.0.0.1[,udp[,9]] */
static void parse_allow(char *word, struct allow *ret)
{
	const char *to = strsep(&word, ","), *proto = strsep(&word, ","), *ports = word;

	*ret = (struct allow){ 0 };
	ck_assert_msg(addr_parse_prefix(to, &ret->to) == 0, "to \"%s\"", to);
	if (proto)
		ret->proto = strcmp(proto, "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
	if (ports)
		ck_assert_int_eq(addr_parse_ports(ports, &ret->ports, &ret->port_count), 0);
}

static void compile(const struct profile *profile, struct uid_range uids, struct plan *ret)
{
	ck_assert_int_eq(plan_compile(profile, uids, ret), 0);
	ck_assert_uint_lt(rules_made, ARRAY_SIZE(all_rules));
	all_rules[rules_made++] = ret->rules;
}

struct plan plan_of(const char *uids, const char *words)
{
	struct allow allows[WORDS_MAX];
	struct profile profile = { .log = { true, 9, 10, 60 }, .allows = allows };
	AUTO_FREE char *copy = strdup(words);
	char *rest = copy, *word;
	struct plan plan;

	while ((word = strsep(&rest, " "))) {
		if (strcmp(word, "drop") == 0)
			profile.reject = REJECT_DROP;
		else if (strcmp(word, "nolog") == 0)
			profile.log.enabled = false;
		else if (*word)
			parse_allow(word, &allows[profile.allow_count++]);
	}
	compile(&profile, uids_of(uids), &plan);
	for (size_t i = 0; i < profile.allow_count; i++)
		free(allows[i].ports);
	return plan;
}

static struct backend *open_handle(void)
{
	struct deadline deadline = deadline_in_ms(seam_deadline_ms);
	struct backend *backend = NULL;

	fault_clear(&said);
	ck_assert_msg(ops->open(&deadline, &said, &backend) == 0, "open: %s", said.line);
	return backend;
}

/* Who fails says why, in one line, and says the same error. */
static int told(int error)
{
	ck_assert_int_le(error, 0);
	if (error)
		ck_assert_msg(said.error == error && *said.line && !strchr(said.line, '\n'),
			      "error %d, and the fault is %d: %s", error, said.error, said.line);
	return error;
}

int try_hold(const struct plan *plans, size_t count)
{
	struct backend *backend = open_handle();
	int error = told(ops->replace(backend, plans, count, &said));

	ops->close(backend);
	return error;
}

int try_release(const struct uid_range *subjects, size_t count)
{
	struct backend *backend = open_handle();
	int error = told(ops->remove(backend, subjects, count, &said));

	ops->close(backend);
	return error;
}

void hold_plans(const struct plan *plans, size_t count)
{
	ck_assert_msg(try_hold(plans, count) == 0, "hold: %s", said.line);
}

void hold(const char *uids, const char *words)
{
	struct plan plan = plan_of(uids, words);

	hold_plans(&plan, 1);
}

void release(const char *uids)
{
	struct uid_range subjects[WORDS_MAX];
	AUTO_FREE char *copy = strdup(uids);
	char *rest = copy, *word;
	size_t count = 0;

	while ((word = strsep(&rest, " ")))
		subjects[count++] = uids_of(word);
	ck_assert_msg(try_release(subjects, count) == 0, "release: %s", said.line);
}

struct listing list(const char *only)
{
	struct backend *backend = open_handle();
	struct listing listing = { 0 };
	struct uid_range uids = only ? uids_of(only) : (struct uid_range){ 0 };

	ck_assert_msg(ops->list(backend, only ? &uids : NULL, &said, &listing.standing,
				      &listing.count) == 0,
		      "list: %s", said.line);
	ops->close(backend);
	return listing;
}

void listing_free(struct listing *listing)
{
	standing_free(listing->standing, listing->count);
}

bool is_held(const struct plan *plan)
{
	char uids[UID_RANGE_TEXT_MAX];
	struct listing listing = list(addr_print_uid_range(plan->uids, uids));
	const struct standing *standing = listing.standing;
	bool held = listing.count == 1 && !standing->drift && plan_same_rules(plan, &standing->plan) &&
		    standing->plan.uids.first == plan->uids.first &&
		    standing->plan.uids.last == plan->uids.last;

	listing_free(&listing);
	return held;
}
