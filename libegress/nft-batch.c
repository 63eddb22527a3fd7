/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft-batch.h"

#include "nft-expr.h"
#include "util.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX (128 * 1024) /* the longest of ours: a list of elements, whose length has 16 bits */

/* As nft(8) numbers the types of keys; for people who list the set. */
#define TYPE_UID 24
#define TYPE_BITS 6
#define BYTEORDER_HOST 1
#define BYTEORDER_BIG 2

/* --- Messages --- */

static bool make_room(struct nft_batch *batch)
{
	unsigned char *grown;
	size_t room;

	if (batch->failed || batch->length + MESSAGE_MAX <= batch->room)
		return !batch->failed;
	room = batch->room * 2 + 2 * MESSAGE_MAX;
	grown = realloc(batch->data, room);
	batch->failed = !grown;
	if (grown) {
		batch->data = grown;
		batch->room = room;
	}
	return grown;
}

struct nlmsghdr *nft_batch_start(struct nft_batch *batch, uint16_t type, uint16_t flags)
{
	if (!make_room(batch))
		return NULL;
	return nftnl_nlmsg_build_hdr((char *)batch->data + batch->length, type, NFPROTO_INET, flags,
				     batch->next);
}

void nft_batch_finish(struct nft_batch *batch, const struct nlmsghdr *message)
{
	batch->length += MNL_ALIGN(message->nlmsg_len);
	batch->next++;
	batch->changes++;
}

static void add_bound(struct nft_batch *batch, uint16_t type, uint32_t generation)
{
	struct nlmsghdr *message;
	struct nfgenmsg *header;

	if (!make_room(batch))
		return;
	message = mnl_nlmsg_put_header(batch->data + batch->length);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_seq = batch->next++;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = AF_UNSPEC;
	header->version = NFNETLINK_V0;
	header->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (generation)
		mnl_attr_put_u32(message, NFNL_BATCH_GENID, generation);
	batch->length += MNL_ALIGN(message->nlmsg_len);
}

void nft_batch_begin(struct nft_batch *batch, const struct nft_link *link, uint32_t generation)
{
	*batch = (struct nft_batch){ .first = link->sequence + 1, .next = link->sequence + 1 };
	add_bound(batch, NFNL_MSG_BATCH_BEGIN, generation);
}

void nft_batch_clear(struct nft_batch *batch)
{
	free(batch->data);
	*batch = (struct nft_batch){ 0 };
}

/* The last message asks for an answer: it comes when all were good, and any error comes before it. */
static void ask_for_answer(struct nft_batch *batch)
{
	int left = (int)batch->length;
	struct nlmsghdr *message = (void *)batch->data, *last = message;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		last = message;
	last->nlmsg_flags |= NLM_F_ACK;
}

int nft_batch_send(struct nft_batch *batch, struct nft_link *link)
{
	uint32_t last = batch->next - 1;

	if (batch->failed)
		return -ENOMEM;
	if (batch->changes == 0)
		return 0;
	ask_for_answer(batch);
	add_bound(batch, NFNL_MSG_BATCH_END, 0);
	if (batch->failed)
		return -ENOMEM;
	link->sequence = batch->next;
	return nft_link_send(link, batch->data, batch->length, batch->first, last);
}

/* --- Comments, as nft(8) writes and shows them --- */

void nft_batch_put_comment(struct nlmsghdr *message, uint16_t attribute, const char *text)
{
	unsigned char userdata[2 + NFTNL_UDATA_COMMENT_MAXLEN];
	size_t size = strlen(text) + 1;

	userdata[0] = NFTNL_UDATA_TABLE_COMMENT;
	userdata[1] = (unsigned char)size;
	memcpy(userdata + 2, text, size);
	mnl_attr_put(message, attribute, 2 + size, userdata);
}

_Static_assert(NFTNL_UDATA_TABLE_COMMENT == 0 && NFTNL_UDATA_SET_ELEM_COMMENT == 0, "comments look alike");
_Static_assert(sizeof(NFT_TABLE_COMMENT) <= NFTNL_UDATA_COMMENT_MAXLEN, "nft(8) shows no longer ones");

const char *nft_comment(const void *userdata, size_t length)
{
	const unsigned char *bytes = userdata;

	for (size_t at = 0; at + 2 <= length && at + 2 + bytes[at + 1] <= length; at += 2 + bytes[at + 1]) {
		const char *text = (const char *)bytes + at + 2;

		if (bytes[at] == NFTNL_UDATA_TABLE_COMMENT && bytes[at + 1] > 0 &&
		    text[bytes[at + 1] - 1] == '\0')
			return text;
	}
	return NULL;
}

/* --- Tables, chains, rules --- */

static void put_flags_and_name(struct nlmsghdr *message)
{
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, NFT_TABLE);
	mnl_attr_put_u32(message, NFTA_TABLE_FLAGS, 0);
}

void nft_batch_add_table(struct nft_batch *batch)
{
	struct nlmsghdr *message = nft_batch_start(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);

	if (!message)
		return;
	put_flags_and_name(message);
	nft_batch_put_comment(message, NFTA_TABLE_USERDATA, NFT_TABLE_COMMENT);
	nft_batch_finish(batch, message);
}

void nft_batch_delete_table(struct nft_batch *batch)
{
	struct nlmsghdr *message = nft_batch_start(batch, NFT_MSG_DELTABLE, NLM_F_NONREC);

	if (!message)
		return;
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, NFT_TABLE);
	nft_batch_finish(batch, message);
}

static void start_chain(struct nlmsghdr *message, const char *name)
{
	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, NFT_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
}

void nft_batch_add_base(struct nft_batch *batch)
{
	struct nlmsghdr *message = nft_batch_start(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *hook;

	if (!message)
		return;
	start_chain(message, NFT_CHAIN_OUTPUT);
	hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(NF_INET_LOCAL_OUT));
	mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY, htonl((uint32_t)NFT_HOOK_PRIORITY));
	mnl_attr_nest_end(message, hook);
	mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
	nft_batch_finish(batch, message);
}

void nft_batch_add_chain(struct nft_batch *batch, const char *name)
{
	struct nlmsghdr *message = nft_batch_start(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);

	if (!message)
		return;
	start_chain(message, name);
	nft_batch_finish(batch, message);
}

void nft_batch_delete_chain(struct nft_batch *batch, const char *name)
{
	struct nlmsghdr *message = nft_batch_start(batch, NFT_MSG_DELCHAIN, 0);

	if (!message)
		return;
	start_chain(message, name);
	nft_batch_finish(batch, message);
}

void nft_batch_flush_chain(struct nft_batch *batch, const char *name)
{
	struct nlmsghdr *message = nft_batch_start(batch, NFT_MSG_DELRULE, 0);

	if (!message)
		return;
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, NFT_TABLE);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, name);
	nft_batch_finish(batch, message);
}

static int put_line(struct nlmsghdr *message, const char *chain, const struct nft_line *line)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nft_ops ops;
	int error;

	if (!rule)
		return -ENOMEM;
	nft_line_encode(line, &ops);
	error = nft_expr_add_ops(&ops, rule);
	if (!error && (nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, NFT_TABLE) < 0 ||
		       nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0))
		error = -ENOMEM;
	if (!error)
		nftnl_rule_nlmsg_build_payload(message, rule);
	nftnl_rule_free(rule);
	return error;
}

void nft_batch_add_line(struct nft_batch *batch, const char *chain, const struct nft_line *line)
{
	struct nlmsghdr *message = nft_batch_start(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

	if (!message)
		return;
	if (put_line(message, chain, line)) {
		batch->failed = true;
		return;
	}
	nft_batch_finish(batch, message);
}

/* --- Sets --- */

/* What each element gets one of. */
static struct nftnl_expr *make_state(enum nft_role role, const struct log_rule *log)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(role == NFT_LOGGED ? "limit" : "counter");

	if (!expr || role != NFT_LOGGED)
		return expr;
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, log->rate);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, log->period);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_BURST, NFT_LIMIT_BURST);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	return expr;
}

static int describe_set(struct nftnl_set *set, const char *name, uint32_t flags, uint32_t types, uint32_t id)
{
	uint8_t order[] = { NFTNL_UDATA_SET_KEYBYTEORDER, sizeof(uint32_t), 0, 0, 0, 0 };
	uint32_t value = flags & NFT_SET_INTERVAL ? BYTEORDER_BIG : BYTEORDER_HOST, type = TYPE_UID;

	memcpy(order + 2, &value, sizeof(value));
	if (types == 2)
		type = TYPE_UID << TYPE_BITS | TYPE_UID;
	if (nftnl_set_set_str(set, NFTNL_SET_TABLE, NFT_TABLE) < 0 ||
	    nftnl_set_set_str(set, NFTNL_SET_NAME, name) < 0 ||
	    nftnl_set_set_data(set, NFTNL_SET_USERDATA, order, sizeof(order)) < 0)
		return -ENOMEM;
	nftnl_set_set_u32(set, NFTNL_SET_ID, id);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, flags);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, types * (uint32_t)sizeof(uint32_t));
	return 0;
}

/* STATE is taken, and may be NULL. */
static void add_set(struct nft_batch *batch, const char *name, uint32_t flags, uint32_t types, uint32_t size,
		    struct nftnl_expr *state)
{
	struct nlmsghdr *message = nft_batch_start(batch, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
	struct nftnl_set *set = nftnl_set_alloc();

	if (set && state)
		nftnl_set_add_expr(set, state);
	else if (state)
		nftnl_expr_free(state);
	if (!message || !set || describe_set(set, name, flags, types, batch->next)) {
		batch->failed = true;
	} else {
		if (size)
			nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, size);
		nftnl_set_nlmsg_build_payload(message, set);
		nft_batch_finish(batch, message);
	}
	if (set)
		nftnl_set_free(set);
}

void nft_batch_add_set(struct nft_batch *batch, const char *key, enum nft_role role, const struct log_rule *log,
		       uint32_t size)
{
	bool ranges = nft_key_is_ranges(key);
	struct nftnl_expr *state = make_state(role, log);
	char name[NFT_NAME_MAX];

	if (!state)
		batch->failed = true;
	else
		add_set(batch, nft_set_name(key, role, name), ranges ? NFT_SET_INTERVAL : 0, 1, ranges ? 0 : size,
			state);
}

void nft_batch_add_ranges_set(struct nft_batch *batch, uint32_t size)
{
	add_set(batch, NFT_SET_RANGES, 0, 2, size, NULL);
}

void nft_batch_delete_set(struct nft_batch *batch, const char *name)
{
	struct nlmsghdr *message = nft_batch_start(batch, NFT_MSG_DELSET, 0);

	if (!message)
		return;
	mnl_attr_put_strz(message, NFTA_SET_TABLE, NFT_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_NAME, name);
	nft_batch_finish(batch, message);
}
