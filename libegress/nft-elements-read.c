/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The elements of sets, read straight from attributes: there may be ten thousand of them. */
#include "nft-table.h"

#include "util.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

/* --- One element as it comes --- */

struct raw_element {
	uint32_t words[2]; /* of the key */
	size_t word_count;
	bool is_end, is_catch_all;
	const char *comment;
	uint64_t packets, bytes;
};

/* Attributes of a nest, or of a message, by their numbers. */
#define ATTRIBUTES_MAX 32
struct attributes {
	const struct nlattr *of[ATTRIBUTES_MAX];
};

static int note_attribute(const struct nlattr *attribute, void *data)
{
	struct attributes *attributes = data;
	unsigned int type = mnl_attr_get_type(attribute);

	if (type < ATTRIBUTES_MAX)
		attributes->of[type] = attribute;
	return MNL_CB_OK;
}

static struct attributes open_nest(const struct nlattr *nest)
{
	struct attributes attributes = { 0 };

	if (nest)
		mnl_attr_parse_nested(nest, note_attribute, &attributes);
	return attributes;
}

static uint64_t read_u64(const struct nlattr *attribute)
{
	uint32_t halves[2];

	if (!attribute || mnl_attr_get_payload_len(attribute) != sizeof(halves))
		return 0;
	memcpy(halves, mnl_attr_get_payload(attribute), sizeof(halves));
	return (uint64_t)ntohl(halves[0]) << 32 | ntohl(halves[1]);
}

static void read_counter(const struct nlattr *expr, struct raw_element *element)
{
	const struct attributes outer = open_nest(expr), inner = open_nest(outer.of[NFTA_EXPR_DATA]);

	if (!outer.of[NFTA_EXPR_NAME] || strcmp(mnl_attr_get_str(outer.of[NFTA_EXPR_NAME]), "counter") != 0)
		return;
	element->packets = read_u64(inner.of[NFTA_COUNTER_PACKETS]);
	element->bytes = read_u64(inner.of[NFTA_COUNTER_BYTES]);
}

/* Newer kernels tell one expression as a list of one. */
static const struct nlattr *find_expr(const struct attributes *element)
{
	if (element->of[NFTA_SET_ELEM_EXPR])
		return element->of[NFTA_SET_ELEM_EXPR];
	return open_nest(element->of[NFTA_SET_ELEM_EXPRESSIONS]).of[NFTA_LIST_ELEM];
}

static bool read_raw(const struct nlattr *nest, struct raw_element *ret)
{
	const struct attributes element = open_nest(nest), key = open_nest(element.of[NFTA_SET_ELEM_KEY]);
	const struct nlattr *value = key.of[NFTA_DATA_VALUE], *flags = element.of[NFTA_SET_ELEM_FLAGS];
	const struct nlattr *userdata = element.of[NFTA_SET_ELEM_USERDATA];
	struct raw_element raw = { 0 };
	size_t length = value ? mnl_attr_get_payload_len(value) : 0;

	raw.is_catch_all = flags && ntohl(mnl_attr_get_u32(flags)) & NFT_SET_ELEM_CATCHALL;
	if (raw.is_catch_all) {
		*ret = raw;
		return true;
	}
	if (length != sizeof(raw.words[0]) && length != sizeof(raw.words))
		return false;
	memcpy(raw.words, mnl_attr_get_payload(value), length);
	raw.word_count = length / sizeof(raw.words[0]);
	raw.is_end = flags && ntohl(mnl_attr_get_u32(flags)) & NFT_SET_ELEM_INTERVAL_END;
	if (userdata)
		raw.comment = nft_comment(mnl_attr_get_payload(userdata), mnl_attr_get_payload_len(userdata));
	read_counter(find_expr(&element), &raw);
	*ret = raw;
	return true;
}

/* --- Lists of them --- */

struct element_reader {
	int (*element)(const struct raw_element *element, void *data); /* as nft_reader.message */
	void *data;
};

static int read_element_message(const struct nlmsghdr *message, void *data)
{
	const struct element_reader *reader = data;
	const struct nlattr *list, *nest;
	struct attributes attributes = { 0 };
	int r = 0;

	mnl_attr_parse(message, sizeof(struct nfgenmsg), note_attribute, &attributes);
	list = attributes.of[NFTA_SET_ELEM_LIST_ELEMENTS];
	if (!list)
		return 0;
	mnl_attr_for_each_nested(nest, list) {
		struct raw_element raw;

		if (r == 0 && read_raw(nest, &raw))
			r = reader->element(&raw, reader->data);
	}
	return r;
}

/* One element that is asked for. */
struct element_key {
	uint32_t words[2];
	size_t word_count;
	bool is_end;
};

static void put_key(struct nlmsghdr *question, const struct element_key *wanted)
{
	struct nlattr *element = mnl_attr_nest_start(question, NFTA_LIST_ELEM);
	struct nlattr *key = mnl_attr_nest_start(question, NFTA_SET_ELEM_KEY);

	mnl_attr_put(question, NFTA_DATA_VALUE, wanted->word_count * sizeof(wanted->words[0]), wanted->words);
	mnl_attr_nest_end(question, key);
	if (wanted->is_end)
		mnl_attr_put_u32(question, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	mnl_attr_nest_end(question, element);
}

/* No KEYS: all elements. Else as many as there are before the first that there is not. */
static int ask_for_elements(struct nft_link *link, const char *set, const struct element_key *keys, size_t count,
			    const struct nft_reader *reader)
{
	unsigned char buffer[NFT_QUESTION_MAX];
	struct nlmsghdr *question = nft_link_question(buffer, NFT_MSG_GETSETELEM, count ? 0 : NLM_F_DUMP);
	int error;

	mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_SET, set);
	if (count) {
		struct nlattr *list = mnl_attr_nest_start(question, NFTA_SET_ELEM_LIST_ELEMENTS);

		for (size_t i = 0; i < count; i++)
			put_key(question, &keys[i]);
		mnl_attr_nest_end(question, list);
	}
	error = nft_link_ask(link, question, reader);
	return error == -ENOENT ? 0 : error;
}

/* --- Into a set: uids as they are, bounds to be paired --- */

struct bound {
	uint32_t at;
	bool is_end;
	uint64_t packets, bytes;
};

struct bounds {
	struct bound *items;
	size_t count, room;
	bool has_catch_all;
};

static int add_uid(const struct raw_element *raw, void *data)
{
	struct nft_set *set = data;

	if (raw->is_catch_all) /* "*" holds everybody */
		set->as_written = false;
	if (raw->word_count != 1)
		return 0;
	if (util_grow(&set->elements, set->count, &set->room, sizeof(*set->elements)))
		return -ENOMEM;
	set->elements[set->count++] = (struct nft_element){ { raw->words[0], raw->words[0] }, raw->packets,
							    raw->bytes };
	return 0;
}

static void forget_uids(void *data)
{
	const struct element_reader *reader = data;

	((struct nft_set *)reader->data)->count = 0;
}

static int add_bound(const struct raw_element *raw, void *data)
{
	struct bounds *bounds = data;

	bounds->has_catch_all = bounds->has_catch_all || raw->is_catch_all;
	if (raw->word_count != 1)
		return 0;
	if (util_grow(&bounds->items, bounds->count, &bounds->room, sizeof(*bounds->items)))
		return -ENOMEM;
	bounds->items[bounds->count++] = (struct bound){ ntohl(raw->words[0]), raw->is_end, raw->packets,
							 raw->bytes };
	return 0;
}

static void forget_bounds(void *data)
{
	const struct element_reader *reader = data;

	((struct bounds *)reader->data)->count = 0;
}

/* The end of one segment comes before the start of the next at the same uid. */
static int compare_bounds(const void *a, const void *b)
{
	const struct bound *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (int)y->is_end - (int)x->is_end;
}

static int pair_bounds(const struct bounds *bounds, struct nft_set *set)
{
	for (size_t i = 0; i < bounds->count; i++) {
		const struct bound *bound = &bounds->items[i];
		uid_t last = i + 1 < bounds->count ? bounds->items[i + 1].at - 1 : UINT32_MAX;

		if (bound->is_end)
			continue;
		if (util_grow(&set->elements, set->count, &set->room, sizeof(*set->elements)))
			return -ENOMEM;
		set->elements[set->count++] =
			(struct nft_element){ { bound->at, last }, bound->packets, bound->bytes };
	}
	return 0;
}

static int read_segments(struct nft_link *link, const char *name, const struct uid_range *subject, struct nft_set *set)
{
	struct bounds bounds = { 0 };
	struct element_reader elements = { add_bound, &bounds };
	const struct nft_reader reader = { read_element_message, forget_bounds, &elements };
	int error;

	/* The start at or before its first uid, and the end that comes after that uid. */
	const struct element_key keys[] = {
		{ .words = { subject ? htonl(subject->first) : 0 }, .word_count = 1 },
		{ .words = { subject ? htonl(subject->first + 1) : 0 }, .word_count = 1, .is_end = true },
	};

	error = ask_for_elements(link, name, keys, subject ? ARRAY_SIZE(keys) : 0, &reader);
	set->as_written = set->as_written && !bounds.has_catch_all;
	if (!error && bounds.count) {
		qsort(bounds.items, bounds.count, sizeof(*bounds.items), compare_bounds);
		error = pair_bounds(&bounds, set);
	}
	free(bounds.items);
	return error;
}

static int read_uids(struct nft_link *link, const char *name, const struct uid_range *subject, struct nft_set *set)
{
	struct element_reader elements = { add_uid, set };
	const struct nft_reader reader = { read_element_message, forget_uids, &elements };

	const struct element_key key = { .words = { subject ? subject->first : 0 }, .word_count = 1 };

	return ask_for_elements(link, name, &key, subject ? 1 : 0, &reader);
}

static int read_set(struct nft_link *link, const struct nft_group *group, enum nft_role role,
		    const struct uid_range *only, size_t count, struct nft_set *set)
{
	bool is_ranges = nft_key_is_ranges(group->key);
	int (*read)(struct nft_link *, const char *, const struct uid_range *, struct nft_set *) =
		is_ranges ? read_segments : read_uids;
	char name[NFT_NAME_MAX];
	int error = 0;

	nft_set_name(group->key, role, name);
	if (!only)
		error = read(link, name, NULL, set);
	for (size_t i = 0; only && i < count && !error; i++)
		if ((only[i].first != only[i].last) == is_ranges)
			error = read(link, name, &only[i], set);
	if (!error && set->count)
		qsort(set->elements, set->count, sizeof(*set->elements), nft_element_compare);
	return error;
}

int nft_group_read_elements(struct nft_link *link, struct nft_group *group, const struct uid_range *only, size_t count)
{
	int error = 0;

	for (int role = 0; role < NFT_ROLES && !error; role++) {
		struct nft_set *set = &group->sets[role];

		set->count = 0;
		if (set->exists && set->is_readable)
			error = read_set(link, group, role, only, count, set);
	}
	return error;
}

/* --- Ranges --- */

static int add_range(const struct raw_element *raw, void *data)
{
	struct nft_table *table = data;
	struct nft_range *range;

	/* What nobody could have been asked to hold is somebody else's. */
	if (raw->word_count != 2 || raw->words[0] == 0 || raw->words[0] > raw->words[1])
		return 0;
	if (util_grow(&table->ranges, table->range_count, &table->range_room, sizeof(*range)))
		return -ENOMEM;
	range = &table->ranges[table->range_count++];
	*range = (struct nft_range){ .uids = { raw->words[0], raw->words[1] }, .is_recorded = true };
	if (raw->comment)
		snprintf(range->key, sizeof(range->key), "%s", raw->comment);
	return 0;
}

static void forget_ranges(void *data)
{
	const struct element_reader *reader = data;

	((struct nft_table *)reader->data)->range_count = 0;
}

int nft_table_read_ranges(struct nft_link *link, const struct uid_range *only, struct nft_table *table)
{
	struct element_reader elements = { add_range, table };
	const struct nft_reader reader = { read_element_message, forget_ranges, &elements };
	const struct element_key key = { { only ? only->first : 0, only ? only->last : 0 }, 2, false };
	int error = 0;

	table->range_count = 0;
	if (table->has_ranges_set)
		error = ask_for_elements(link, NFT_SET_RANGES, &key, only ? 1 : 0, &reader);
	if (!error && table->range_count)
		qsort(table->ranges, table->range_count, sizeof(*table->ranges), nft_range_compare);
	return error;
}

/* --- Is it empty but for some? --- */

struct search {
	const struct nft_element *gone;
	size_t gone_count;
	bool is_ranges; /* then the keys are in network order */
	bool found;
};

static int look_for_other(const struct raw_element *raw, void *data)
{
	struct search *search = data;
	uint32_t first = search->is_ranges ? ntohl(raw->words[0]) : raw->words[0];
	size_t low = 0, high = search->gone_count;

	if (raw->is_end || raw->is_catch_all)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (search->gone[middle].uids.first < first)
			low = middle + 1;
		else
			high = middle;
	}
	search->found = low == search->gone_count || search->gone[low].uids.first != first;
	return search->found;
}

static void forget_search(void *data)
{
	const struct element_reader *reader = data;

	((struct search *)reader->data)->found = false;
}

int nft_group_has_others(struct nft_link *link, const struct nft_group *group, const struct nft_element *gone,
			 size_t gone_count, bool *ret)
{
	struct search search = { gone, gone_count, nft_key_is_ranges(group->key), false };
	struct element_reader elements = { look_for_other, &search };
	const struct nft_reader reader = { read_element_message, forget_search, &elements };
	char name[NFT_NAME_MAX];
	int error = 0;

	if (group->sets[NFT_HELD].exists)
		error = ask_for_elements(link, nft_set_name(group->key, NFT_HELD, name), NULL, 0, &reader);
	if (!error)
		*ret = search.found;
	return error;
}
