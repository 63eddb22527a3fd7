/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft-table.h"

#include "nft-expr.h"
#include "util.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>


/* --- The struct --- */

static void group_clear(struct nft_group *group)
{
	for (int role = 0; role < NFT_ROLES; role++)
		free(group->sets[role].elements);
	free(group->lines);
}

void nft_table_clear(struct nft_table *table)
{
	for (size_t i = 0; i < table->group_count; i++)
		group_clear(&table->groups[i]);
	free(table->groups);
	free(table->base);
	free(table->ranges);
	*table = (struct nft_table){ 0 };
}

struct nft_group *nft_table_group(const struct nft_table *table, const char *key)
{
	for (size_t i = 0; i < table->group_count; i++)
		if (strcmp(table->groups[i].key, key) == 0)
			return &table->groups[i];
	return NULL;
}

struct nft_group *nft_table_need_group(struct nft_table *table, const char *key)
{
	struct nft_group *group = nft_table_group(table, key);

	if (group || util_grow(&table->groups, table->group_count, &table->group_room, sizeof(*group)))
		return group;
	group = &table->groups[table->group_count++];
	*group = (struct nft_group){ 0 };
	snprintf(group->key, sizeof(group->key), "%s", key);
	return group;
}

int nft_element_compare(const void *a, const void *b)
{
	return uid_range_compare(((const struct nft_element *)a)->uids, ((const struct nft_element *)b)->uids);
}

int nft_range_compare(const void *a, const void *b)
{
	return uid_range_compare(((const struct nft_range *)a)->uids, ((const struct nft_range *)b)->uids);
}

bool nft_ranges_have_key(const struct nft_range *ranges, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(ranges[i].key, key) == 0)
			return true;
	return false;
}

static int compare_element(const void *key, const void *element)
{
	return uid_range_compare(*(const struct uid_range *)key, ((const struct nft_element *)element)->uids);
}

const struct nft_element *nft_set_find(const struct nft_set *set, struct uid_range uids)
{
	return set->count ? bsearch(&uids, set->elements, set->count, sizeof(*set->elements), compare_element)
			  : NULL;
}

bool nft_table_is_apart(const struct nft_table *table, struct uid_range uids)
{
	for (size_t i = 0; i < table->range_count; i++) {
		const struct uid_range *other = &table->ranges[i].uids;

		if (other->first <= uids.last && uids.first <= other->last && uid_range_compare(*other, uids) != 0)
			return false;
	}
	return true;
}

static bool is_among(struct uid_range uids, const struct uid_range *subjects, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (uid_range_compare(uids, subjects[i]) == 0)
			return true;
	return false;
}

bool nft_group_has_only(const struct nft_group *group, const struct uid_range *subjects, size_t count)
{
	for (int role = 0; role < NFT_ROLES; role++)
		for (size_t i = 0; i < group->sets[role].count; i++)
			if (!is_among(group->sets[role].elements[i].uids, subjects, count))
				return false;
	return true;
}

/* --- The table itself --- */

/* What could not be read for want of memory must not look as if it were not there. */
static int parse_failed(void)
{
	return errno == ENOMEM ? -ENOMEM : -EIO;
}

static int read_table_message(const struct nlmsghdr *message, void *data)
{
	struct nftnl_table *found = nftnl_table_alloc();
	struct nft_table *table = data;
	uint32_t length = 0;
	const void *userdata;
	const char *comment;
	int error = 0;

	if (!found)
		return -ENOMEM;
	if (nftnl_table_nlmsg_parse(message, found) < 0) {
		error = parse_failed();
	} else {
		userdata = nftnl_table_get_data(found, NFTNL_TABLE_USERDATA, &length);
		comment = userdata ? nft_comment(userdata, length) : NULL;
		table->exists = true;
		table->ours = comment && strcmp(comment, NFT_TABLE_COMMENT) == 0;
		table->dormant = nftnl_table_get_u32(found, NFTNL_TABLE_FLAGS) & NFT_TABLE_F_DORMANT;
	}
	nftnl_table_free(found);
	return error;
}

int nft_table_look(struct nft_link *link, struct nft_table *table)
{
	const struct nft_reader reader = { .message = read_table_message, .data = table };
	unsigned char buffer[NFT_QUESTION_MAX];
	struct nlmsghdr *question = nft_link_question(buffer, NFT_MSG_GETTABLE, 0);
	int error;

	mnl_attr_put_strz(question, NFTA_TABLE_NAME, NFT_TABLE);
	error = nft_link_ask(link, question, &reader);
	return error == -ENOENT ? 0 : error;
}

/* --- Segments without a record --- */


static int adopt(struct nft_table *table, const struct nft_group *group, struct uid_range uids)
{
	struct nft_range *range;

	if (util_grow(&table->ranges, table->range_count, &table->range_room, sizeof(*range)))
		return -ENOMEM;
	range = &table->ranges[table->range_count++];
	*range = (struct nft_range){ .uids = uids };
	snprintf(range->key, sizeof(range->key), "%s", group->key);
	return 0;
}

/* Both ascend. A range of another plan accounts for a segment as well: then it is on its way there. */
static int adopt_segments_of(struct nft_table *table, const struct nft_group *group)
{
	const struct nft_set *set = &group->sets[NFT_HELD];
	size_t count = table->range_count, next = 0;
	uid_t farthest = 0; /* last uid of the ranges that begin no later */
	int error = 0;

	for (size_t i = 0; i < set->count && !error; i++) {
		const struct uid_range *uids = &set->elements[i].uids;

		for (; next < count && table->ranges[next].uids.first <= uids->first; next++)
			if (table->ranges[next].uids.last > farthest)
				farthest = table->ranges[next].uids.last;
		if (farthest < uids->last)
			error = adopt(table, group, *uids);
	}
	if (!error && table->range_count > count)
		qsort(table->ranges, table->range_count, sizeof(*table->ranges), nft_range_compare);
	return error;
}

int nft_table_adopt_segments(struct nft_table *table)
{
	int error = 0;

	for (size_t i = 0; i < table->group_count && !error; i++)
		if (nft_key_is_ranges(table->groups[i].key))
			error = adopt_segments_of(table, &table->groups[i]);
	return error;
}

/* --- Chains --- */

struct chain_facts {
	bool exists, is_hooked;
};

/* With any other policy nobody else would get a packet out. */
static bool is_hooked(const struct nftnl_chain *chain)
{
	const char *type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);

	return nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM) &&
	       nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) == NF_ACCEPT &&
	       nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) == NF_INET_LOCAL_OUT &&
	       nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO) == NFT_HOOK_PRIORITY && type &&
	       strcmp(type, "filter") == 0;
}

static int read_chain_message(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct chain_facts *facts = data;
	int error = 0;

	if (!chain)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(message, chain) < 0)
		error = parse_failed();
	else
		*facts = (struct chain_facts){ true, is_hooked(chain) };
	nftnl_chain_free(chain);
	return error;
}

static int read_chain(struct nft_link *link, const char *name, struct chain_facts *ret)
{
	const struct nft_reader reader = { .message = read_chain_message, .data = ret };
	unsigned char buffer[NFT_QUESTION_MAX];
	struct nlmsghdr *question = nft_link_question(buffer, NFT_MSG_GETCHAIN, 0);
	int error;

	mnl_attr_put_strz(question, NFTA_CHAIN_TABLE, NFT_TABLE);
	mnl_attr_put_strz(question, NFTA_CHAIN_NAME, name);
	error = nft_link_ask(link, question, &reader);
	return error == -ENOENT ? 0 : error;
}

/* --- Rules --- */

struct line_list {
	const char *chain;
	struct nft_line *items;
	size_t count, room;
};

static bool is_in_chain(const struct nftnl_rule *rule, const char *chain)
{
	const char *table = nftnl_rule_get_str(rule, NFTNL_RULE_TABLE);
	const char *its_chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);

	return table && its_chain && strcmp(table, NFT_TABLE) == 0 && strcmp(its_chain, chain) == 0;
}

static int add_line(struct line_list *list, struct nftnl_rule *rule)
{
	struct nft_ops ops;

	if (!is_in_chain(rule, list->chain))
		return 0;
	if (util_grow(&list->items, list->count, &list->room, sizeof(*list->items)))
		return -ENOMEM;
	nft_expr_read_ops(rule, &ops);
	nft_line_decode(&ops, &list->items[list->count++]);
	return 0;
}

static int read_rule_message(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	int error = rule ? 0 : -ENOMEM;

	if (rule)
		error = nftnl_rule_nlmsg_parse(message, rule) < 0 ? parse_failed() : add_line(data, rule);
	if (rule)
		nftnl_rule_free(rule);
	return error;
}

static void forget_lines(void *data)
{
	((struct line_list *)data)->count = 0;
}

/* *ret_lines is owned by the caller, also after an error. */
static int read_lines(struct nft_link *link, const char *chain, struct nft_line **ret_lines, size_t *ret_count,
		      size_t *ret_room)
{
	struct line_list list = { .chain = chain };
	const struct nft_reader reader = { read_rule_message, forget_lines, &list };
	unsigned char buffer[NFT_QUESTION_MAX];
	struct nlmsghdr *question = nft_link_question(buffer, NFT_MSG_GETRULE, NLM_F_DUMP);
	int error;

	mnl_attr_put_strz(question, NFTA_RULE_TABLE, NFT_TABLE);
	mnl_attr_put_strz(question, NFTA_RULE_CHAIN, chain);
	error = nft_link_ask(link, question, &reader);
	*ret_lines = list.items;
	*ret_count = list.count;
	*ret_room = list.room;
	return error == -ENOENT ? 0 : error;
}

static int read_base(struct nft_link *link, struct nft_table *table)
{
	struct chain_facts facts = { 0 };
	int error = read_chain(link, NFT_CHAIN_OUTPUT, &facts);

	table->has_base = facts.exists;
	table->base_is_hooked = facts.is_hooked;
	if (error || !facts.exists)
		return error;
	return read_lines(link, NFT_CHAIN_OUTPUT, &table->base, &table->base_count, &table->base_room);
}

int nft_group_read_lines(struct nft_link *link, struct nft_group *group)
{
	struct chain_facts facts = { 0 };
	char name[NFT_NAME_MAX];
	int error = read_chain(link, nft_chain_name(group->key, name), &facts);

	free(group->lines);
	group->lines = NULL;
	group->line_count = group->line_room = 0;
	group->has_chain = facts.exists;
	if (error || !facts.exists)
		return error;
	return read_lines(link, name, &group->lines, &group->line_count, &group->line_room);
}

/* --- Sets --- */

static int read_state(struct nftnl_expr *expr, void *data)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);
	struct nft_set *set = data;

	if (strcmp(name, "limit") == 0) {
		set->log.enabled = true;
		set->log.rate = (unsigned int)nftnl_expr_get_u64(expr, NFTNL_EXPR_LIMIT_RATE);
		set->log.period = (unsigned int)nftnl_expr_get_u64(expr, NFTNL_EXPR_LIMIT_UNIT);
	} else {
		set->as_written = strcmp(name, "counter") == 0;
	}
	return 0;
}

static void note_set(const struct nftnl_set *found, struct nft_set *set, enum nft_role role, bool is_ranges)
{
	const uint32_t flags = nftnl_set_get_u32(found, NFTNL_SET_FLAGS), ours = is_ranges ? NFT_SET_INTERVAL : 0;

	set->exists = true;
	set->is_readable = nftnl_set_get_u32(found, NFTNL_SET_KEY_LEN) == sizeof(uint32_t) &&
			   (flags & (NFT_SET_INTERVAL | NFT_SET_MAP)) == ours;
	set->size = nftnl_set_get_u32(found, NFTNL_SET_DESC_SIZE);
	nftnl_set_expr_foreach(found, read_state, set);
	if (role == NFT_LOGGED)
		set->as_written = set->log.enabled;
	/* Another flag may be a time after which elements go. */
	set->as_written = set->as_written && set->is_readable && flags == ours && (is_ranges || set->size) &&
			  !nftnl_set_get_u64(found, NFTNL_SET_TIMEOUT);
}

static int add_set(const struct nftnl_set *found, struct nft_table *table)
{
	const char *its_table = nftnl_set_get_str(found, NFTNL_SET_TABLE);
	const char *name = nftnl_set_get_str(found, NFTNL_SET_NAME);
	char key[NFT_KEY_MAX];
	struct nft_group *group;
	enum nft_role role;

	if (!name || !its_table || strcmp(its_table, NFT_TABLE) != 0)
		return 0;
	if (strcmp(name, NFT_SET_RANGES) == 0) {
		table->has_ranges_set = true;
		table->ranges_size = nftnl_set_get_u32(found, NFTNL_SET_DESC_SIZE);
	}
	if (!nft_parse_set_name(name, key, &role))
		return 0;
	group = nft_table_need_group(table, key);
	if (!group)
		return -ENOMEM;
	note_set(found, &group->sets[role], role, nft_key_is_ranges(key));
	return 0;
}

static int read_set_message(const struct nlmsghdr *message, void *data)
{
	struct nftnl_set *set = nftnl_set_alloc();
	int error = set ? 0 : -ENOMEM;

	if (set)
		error = nftnl_set_nlmsg_parse(message, set) < 0 ? parse_failed() : add_set(set, data);
	if (set)
		nftnl_set_free(set);
	return error;
}

static void forget_sets(void *data)
{
	struct nft_table *table = data;

	for (size_t i = 0; i < table->group_count; i++)
		group_clear(&table->groups[i]);
	table->group_count = 0;
	table->has_ranges_set = false;
}

static int read_sets(struct nft_link *link, struct nft_table *table)
{
	const struct nft_reader reader = { read_set_message, forget_sets, table };
	unsigned char buffer[NFT_QUESTION_MAX];
	struct nlmsghdr *question = nft_link_question(buffer, NFT_MSG_GETSET, NLM_F_DUMP);

	mnl_attr_put_strz(question, NFTA_SET_TABLE, NFT_TABLE);
	return nft_link_ask(link, question, &reader);
}

/* A branch to a group without sets is one that somebody cut down. */
static int note_branches(struct nft_table *table)
{
	for (size_t i = 0; i < table->base_count; i++)
		if (table->base[i].kind == NFT_LINE_BRANCH && !nft_table_need_group(table, table->base[i].key))
			return -ENOMEM;
	return 0;
}

int nft_table_read(struct nft_link *link, struct nft_table *table)
{
	int error = nft_table_look(link, table);

	if (error || !table->exists || !table->ours)
		return error;
	error = read_sets(link, table);
	if (error == -ENOENT)
		error = -ESTALE;
	if (!error)
		error = read_base(link, table);
	return error ? error : note_branches(table);
}
