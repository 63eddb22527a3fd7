/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bare libiptc. A hold reads each family's table, commits it, and reads it again; a release reads
 * and commits: as often as backend-iptables-change.c and -list.c do.
 */
#include "bare.h"

#include "util.h"
#include "xt-rule.h"

#include <string.h>

struct bare_rule {
	xt_chainlabel chain;
	void *entry;
};

struct bare_family {
	const struct xt_family *family;
	xt_chainlabel *chains; /* of ours */
	size_t chain_count;
	struct bare_rule *rules; /* in the order of their chains */
	size_t rule_count, rule_room;
	size_t sample, sample_count; /* the rules of one account */
};

struct bare {
	struct bare_family families[XT_FAMILY_COUNT];
};

static struct xtc_handle *table_read(const struct xt_family *family)
{
	struct xtc_handle *handle = family->ops->init(XT_TABLE_FILTER);

	if (!handle)
		die("%s: cannot read the filter table: %m", family->name);
	return handle;
}

static void table_write(const struct xt_family *family, struct xtc_handle *handle)
{
	if (!family->ops->commit(handle))
		die("%s: cannot commit: %s", family->name, family->ops->strerror(errno));
	family->ops->free(handle);
}

static void table_look(const struct xt_family *family)
{
	family->ops->free(table_read(family));
}

static void must(int done, const char *what)
{
	if (!done)
		die("libiptc: cannot %s: %m", what);
}

/* --- Learning --- */

/* The kernel leaves out the name of a verdict or chain; libiptc wants it back. */
static void learn_rule(struct bare_family *bare, const char *chain, const void *entry,
		       const char *target)
{
	size_t size = xt_entry_size(bare->family, entry);
	struct bare_rule *rule;
	void *copy = need(malloc(size));

	if (bare->rule_count == bare->rule_room) {
		bare->rule_room = bare->rule_room ? bare->rule_room * 2 : 256;
		bare->rules = need(
			reallocarray(bare->rules, bare->rule_room, sizeof(*bare->rules)));
	}
	memcpy(copy, entry, size);
	snprintf(xt_entry_target_of(bare->family, copy)->u.user.name, XT_EXTENSION_MAXNAMELEN, "%s",
		 target);
	rule = &bare->rules[bare->rule_count++];
	memset(rule->chain, 0, sizeof(rule->chain));
	snprintf(rule->chain, sizeof(rule->chain), "%s", chain);
	rule->entry = copy;
}

static void learn_chain(struct bare_family *bare, const char *chain, struct xtc_handle *handle)
{
	const struct xt_family *family = bare->family;
	const void *entry = family->first_rule(chain, handle);
	size_t before = bare->rule_count;
	struct uid_range uids;

	for (; entry; entry = family->next_rule(entry, handle))
		learn_rule(bare, chain, entry, family->get_target(entry, handle));
	if (plan_parse_chain_name(chain, &uids) == 0 && bare->sample_count == 0) {
		bare->sample = before;
		bare->sample_count = bare->rule_count - before;
	}
	if (family->ops->builtin(chain, handle))
		return;
	bare->chains = need(
		reallocarray(bare->chains, bare->chain_count + 1, sizeof(*bare->chains)));
	memset(bare->chains[bare->chain_count], 0, sizeof(xt_chainlabel));
	snprintf(bare->chains[bare->chain_count++], sizeof(xt_chainlabel), "%s", chain);
}

static void learn_family(const struct xt_family *family, struct bare_family *ret)
{
	struct xtc_handle *handle = table_read(family);
	const char *chain = family->ops->first_chain(handle);

	ret->family = family;
	for (; chain; chain = family->ops->next_chain(handle))
		learn_chain(ret, chain, handle);
	family->ops->free(handle);
	if (ret->sample_count == 0)
		die("%s: no chain of an account stands", family->name);
}

static struct bare *iptables_learn(void)
{
	struct bare *bare = need(calloc(1, sizeof(*bare)));

	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		learn_family(&xt_families[i], &bare->families[i]);
	return bare;
}

static void iptables_free(struct bare *bare)
{
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++) {
		struct bare_family *family = &bare->families[i];

		for (size_t j = 0; j < family->rule_count; j++)
			free(family->rules[j].entry);
		free(family->rules);
		free(family->chains);
	}
	free(bare);
}

/* --- One account --- */

static void account_chain(uid_t uid, xt_chainlabel ret)
{
	memset(ret, 0, sizeof(xt_chainlabel));
	snprintf(ret, sizeof(xt_chainlabel), "BARE-%u", uid);
}

static void hold_family(const struct bare_family *bare, uid_t uid)
{
	static const xt_chainlabel entry_chain = XT_CHAIN_ENTRY;
	const struct xt_family *family = bare->family;
	struct xtc_handle *handle = table_read(family);
	struct xt_blob branch;
	xt_chainlabel chain;

	account_chain(uid, chain);
	must(family->ops->create_chain(chain, handle), "create a chain");
	for (size_t i = 0; i < bare->sample_count; i++)
		must(family->insert_entry(chain, bare->rules[bare->sample + i].entry,
					  (unsigned int)i, handle),
		     "insert a rule");
	xt_branch_encode(family, (struct uid_range){ uid, uid }, chain, &branch);
	must(family->insert_entry(entry_chain, &branch, 0, handle), "insert a branch");
	table_write(family, handle);
}

static void release_family(const struct bare_family *bare, uid_t uid)
{
	static const xt_chainlabel entry_chain = XT_CHAIN_ENTRY;
	const struct xt_family *family = bare->family;
	struct xtc_handle *handle = table_read(family);
	xt_chainlabel chain;

	account_chain(uid, chain);
	must(family->delete_num_entry(entry_chain, 0, handle), "delete a branch");
	must(family->ops->flush_entries(chain, handle), "flush a chain");
	must(family->delete_chain(chain, handle), "delete a chain");
	table_write(family, handle);
}

static void iptables_hold(struct bare *bare, uid_t uid)
{
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		hold_family(&bare->families[i], uid);
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		table_look(&xt_families[i]);
}

static void iptables_release(struct bare *bare, uid_t uid)
{
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		release_family(&bare->families[i], uid);
}

/* --- Everything --- */

/* Chains first to be flushed, then to be deleted: they lead to each other. */
static void clear_family(const struct bare_family *bare)
{
	static const xt_chainlabel output = XT_CHAIN_OUTPUT;
	const struct xt_family *family = bare->family;
	struct xtc_handle *handle = table_read(family);

	must(family->ops->flush_entries(output, handle), "flush a chain");
	for (size_t i = 0; i < bare->chain_count; i++)
		must(family->ops->flush_entries(bare->chains[i], handle), "flush a chain");
	for (size_t i = 0; i < bare->chain_count; i++)
		must(family->delete_chain(bare->chains[i], handle), "delete a chain");
	table_write(family, handle);
}

static void build_family(const struct bare_family *bare)
{
	const struct xt_family *family = bare->family;
	struct xtc_handle *handle = table_read(family);
	unsigned int position = 0;

	for (size_t i = 0; i < bare->chain_count; i++)
		must(family->ops->create_chain(bare->chains[i], handle), "create a chain");
	for (size_t i = 0; i < bare->rule_count; i++) {
		const struct bare_rule *rule = &bare->rules[i];

		if (i == 0 || strcmp(rule->chain, bare->rules[i - 1].chain) != 0)
			position = 0;
		must(family->insert_entry(rule->chain, rule->entry, position++, handle),
		     "insert a rule");
	}
	table_write(family, handle);
}

static void iptables_clear(struct bare *bare)
{
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		clear_family(&bare->families[i]);
}

static void iptables_build(struct bare *bare)
{
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		build_family(&bare->families[i]);
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++)
		table_look(&xt_families[i]);
}

const struct bare_ops bare_iptables = {
	.backend = "iptables",
	.learn = iptables_learn,
	.free = iptables_free,
	.hold = iptables_hold,
	.release = iptables_release,
	.clear = iptables_clear,
	.build = iptables_build,
};
