/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The elements of sets, written straight as attributes: there may be ten thousand of them. */
#include "nft-batch.h"

#include "util.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* So that the list's length, 16 bits, never overflows: an element of ours takes less than 128 bytes. */
#define ELEMENTS_A_MESSAGE 400

/* --- One element --- */

static void put_key(struct nlmsghdr *message, const uint32_t *words, size_t count)
{
	struct nlattr *key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);

	mnl_attr_put(message, NFTA_DATA_VALUE, count * sizeof(*words), words);
	mnl_attr_nest_end(message, key);
}

static uint64_t big_endian(uint64_t value)
{
	return (uint64_t)htonl((uint32_t)value) << 32 | htonl((uint32_t)(value >> 32));
}

static void put_counter(struct nlmsghdr *message, const struct nft_element *element)
{
	struct nlattr *expr = mnl_attr_nest_start(message, NFTA_SET_ELEM_EXPR), *data;

	mnl_attr_put_strz(message, NFTA_EXPR_NAME, "counter");
	data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
	mnl_attr_put_u64(message, NFTA_COUNTER_BYTES, big_endian(element->bytes));
	mnl_attr_put_u64(message, NFTA_COUNTER_PACKETS, big_endian(element->packets));
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, expr);
}

static void put_uid(struct nlmsghdr *message, const struct nft_element *element, bool counted)
{
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);

	put_key(message, &element->uids.first, 1);
	if (counted)
		put_counter(message, element);
	mnl_attr_nest_end(message, nest);
}

static void put_bound(struct nlmsghdr *message, uid_t at, const struct nft_element *counted, bool is_end)
{
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	uint32_t key = htonl(at);

	put_key(message, &key, 1);
	if (is_end)
		mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	if (counted)
		put_counter(message, counted);
	mnl_attr_nest_end(message, nest);
}

/* An interval is two elements: its first uid, and the one after its last. */
static void put_segment(struct nlmsghdr *message, const struct nft_element *element, bool counted)
{
	put_bound(message, element->uids.first, counted ? element : NULL, false);
	if (element->uids.last != UINT32_MAX)
		put_bound(message, element->uids.last + 1, NULL, true);
}

/* --- Lists of them --- */

static struct nlattr *start_elements(struct nlmsghdr *message, const char *set)
{
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set);
	return mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
}

struct element_list {
	const char *set;
	uint16_t type, flags;
	bool ranges, counted;
};

static void put_elements(struct nft_batch *batch, const struct element_list *list,
			 const struct nft_element *elements, size_t count)
{
	struct nlmsghdr *message = nft_batch_start(batch, list->type, list->flags);
	struct nlattr *nest;

	if (!message)
		return;
	nest = start_elements(message, list->set);
	for (size_t i = 0; i < count; i++) {
		if (list->ranges)
			put_segment(message, &elements[i], list->counted);
		else
			put_uid(message, &elements[i], list->counted);
	}
	mnl_attr_nest_end(message, nest);
	nft_batch_finish(batch, message);
}

static void put_all(struct nft_batch *batch, const struct element_list *list,
		    const struct nft_element *elements, size_t count)
{
	while (count > 0) {
		size_t some = count < ELEMENTS_A_MESSAGE ? count : ELEMENTS_A_MESSAGE;

		put_elements(batch, list, elements, some);
		elements += some;
		count -= some;
	}
}

void nft_batch_add_elements(struct nft_batch *batch, const char *key, enum nft_role role,
			    const struct nft_element *elements, size_t count)
{
	char name[NFT_NAME_MAX];
	const struct element_list list = { nft_set_name(key, role, name), NFT_MSG_NEWSETELEM, NLM_F_CREATE,
					   nft_key_is_ranges(key), role != NFT_LOGGED };

	put_all(batch, &list, elements, count);
}

void nft_batch_delete_elements(struct nft_batch *batch, const char *key, enum nft_role role,
			       const struct nft_element *elements, size_t count)
{
	char name[NFT_NAME_MAX];
	const struct element_list list = { nft_set_name(key, role, name), NFT_MSG_DELSETELEM, 0,
					   nft_key_is_ranges(key), false };

	put_all(batch, &list, elements, count);
}

/* --- The ranges that are held as one --- */

static void put_range(struct nft_batch *batch, uint16_t type, uint16_t flags, struct uid_range uids, const char *key)
{
	struct nlmsghdr *message = nft_batch_start(batch, type, flags);
	const uint32_t words[] = { uids.first, uids.last };
	struct nlattr *nest, *element;

	if (!message)
		return;
	nest = start_elements(message, NFT_SET_RANGES);
	element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	put_key(message, words, ARRAY_SIZE(words));
	if (key)
		nft_batch_put_comment(message, NFTA_SET_ELEM_USERDATA, key);
	mnl_attr_nest_end(message, element);
	mnl_attr_nest_end(message, nest);
	nft_batch_finish(batch, message);
}

void nft_batch_add_range(struct nft_batch *batch, struct uid_range uids, const char *key)
{
	put_range(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE, uids, key);
}

void nft_batch_delete_range(struct nft_batch *batch, struct uid_range uids)
{
	put_range(batch, NFT_MSG_DELSETELEM, 0, uids, NULL);
}
