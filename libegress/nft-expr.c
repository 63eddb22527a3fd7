/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft-expr.h"

#include "util.h"

#include <libnftnl/expr.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#define REGISTER NFT_REG_1 /* everything of ours passes through it */

/* --- Writing: negative where libnftnl finds no memory. --- */

static int put_meta(const struct nft_op *op, struct nftnl_expr *expr)
{
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, op->key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, REGISTER);
	return 0;
}

static int put_payload(const struct nft_op *op, struct nftnl_expr *expr)
{
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, op->key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, op->offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, op->length);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, REGISTER);
	return 0;
}

static int put_mask(const struct nft_op *op, struct nftnl_expr *expr)
{
	static const unsigned char zero[sizeof(op->data)];

	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, op->length);
	if (nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, op->data, op->length) < 0)
		return -1;
	return nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, zero, op->length);
}

static int put_exthdr(const struct nft_op *op, struct nftnl_expr *expr)
{
	nftnl_expr_set_u8(expr, NFTNL_EXPR_EXTHDR_TYPE, (uint8_t)op->key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OFFSET, 0);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_LEN, 1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_DREG, REGISTER);
	return 0;
}

static int put_hton(const struct nft_op *op, struct nftnl_expr *expr)
{
	(void)op;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_SREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_DREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_LEN, sizeof(uint32_t));
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(uint32_t));
	return 0;
}

static int put_cmp(const struct nft_op *op, struct nftnl_expr *expr)
{
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op->key);
	return nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, op->data, op->length);
}

static int put_lookup(const struct nft_op *op, struct nftnl_expr *expr)
{
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, REGISTER);
	return nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, op->name);
}

static int put_log(const struct nft_op *op, struct nftnl_expr *expr)
{
	nftnl_expr_set_u16(expr, NFTNL_EXPR_LOG_GROUP, (uint16_t)op->key);
	return nftnl_expr_set_str(expr, NFTNL_EXPR_LOG_PREFIX, op->name);
}

static int put_reject(const struct nft_op *op, struct nftnl_expr *expr)
{
	nftnl_expr_set_u32(expr, NFTNL_EXPR_REJECT_TYPE, op->key);
	nftnl_expr_set_u8(expr, NFTNL_EXPR_REJECT_CODE, (uint8_t)op->offset);
	return 0;
}

static int put_verdict(const struct nft_op *op, struct nftnl_expr *expr)
{
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, op->key);
	return op->name[0] ? nftnl_expr_set_str(expr, NFTNL_EXPR_IMM_CHAIN, op->name) : 0;
}

/* --- Reading: false for what we never write. --- */

static bool is_u32(const struct nftnl_expr *expr, uint16_t attribute, uint32_t value)
{
	return nftnl_expr_get_u32(expr, attribute) == value;
}

static bool get_data(const struct nftnl_expr *expr, uint16_t attribute, struct nft_op *op)
{
	uint32_t length = 0;
	const void *data = nftnl_expr_get(expr, attribute, &length);

	if (!data || length > sizeof(op->data))
		return false;
	memcpy(op->data, data, length);
	op->length = length;
	return true;
}

static bool get_name(const struct nftnl_expr *expr, uint16_t attribute, struct nft_op *op)
{
	const char *name = nftnl_expr_get_str(expr, attribute);

	if (!name || strlen(name) >= sizeof(op->name))
		return false;
	snprintf(op->name, sizeof(op->name), "%s", name);
	return true;
}

static bool get_meta(const struct nftnl_expr *expr, struct nft_op *op)
{
	op->key = nftnl_expr_get_u32(expr, NFTNL_EXPR_META_KEY);
	return !nftnl_expr_is_set(expr, NFTNL_EXPR_META_SREG) && is_u32(expr, NFTNL_EXPR_META_DREG, REGISTER);
}

static bool get_payload(const struct nftnl_expr *expr, struct nft_op *op)
{
	op->key = nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_BASE);
	op->offset = nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET);
	op->length = nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_LEN);
	return !nftnl_expr_is_set(expr, NFTNL_EXPR_PAYLOAD_SREG) &&
	       is_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, REGISTER);
}

static bool get_mask(const struct nftnl_expr *expr, struct nft_op *op)
{
	struct nft_op xor = { 0 };
	static const unsigned char zero[sizeof(xor.data)];

	return get_data(expr, NFTNL_EXPR_BITWISE_MASK, op) && get_data(expr, NFTNL_EXPR_BITWISE_XOR, &xor) &&
	       memcmp(xor.data, zero, sizeof(zero)) == 0 && is_u32(expr, NFTNL_EXPR_BITWISE_SREG, REGISTER) &&
	       is_u32(expr, NFTNL_EXPR_BITWISE_DREG, REGISTER) && is_u32(expr, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
}

static bool get_exthdr(const struct nftnl_expr *expr, struct nft_op *op)
{
	op->key = nftnl_expr_get_u8(expr, NFTNL_EXPR_EXTHDR_TYPE);
	return !nftnl_expr_is_set(expr, NFTNL_EXPR_EXTHDR_SREG) && is_u32(expr, NFTNL_EXPR_EXTHDR_DREG, REGISTER) &&
	       is_u32(expr, NFTNL_EXPR_EXTHDR_OFFSET, 0) && is_u32(expr, NFTNL_EXPR_EXTHDR_LEN, 1) &&
	       is_u32(expr, NFTNL_EXPR_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT) &&
	       is_u32(expr, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
}

static bool get_hton(const struct nftnl_expr *expr, struct nft_op *op)
{
	(void)op;
	return is_u32(expr, NFTNL_EXPR_BYTEORDER_SREG, REGISTER) &&
	       is_u32(expr, NFTNL_EXPR_BYTEORDER_DREG, REGISTER) &&
	       is_u32(expr, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON) &&
	       is_u32(expr, NFTNL_EXPR_BYTEORDER_LEN, sizeof(uint32_t)) &&
	       is_u32(expr, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(uint32_t));
}

static bool get_cmp(const struct nftnl_expr *expr, struct nft_op *op)
{
	op->key = nftnl_expr_get_u32(expr, NFTNL_EXPR_CMP_OP);
	return is_u32(expr, NFTNL_EXPR_CMP_SREG, REGISTER) && get_data(expr, NFTNL_EXPR_CMP_DATA, op);
}

static bool get_lookup(const struct nftnl_expr *expr, struct nft_op *op)
{
	return is_u32(expr, NFTNL_EXPR_LOOKUP_SREG, REGISTER) && !nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_DREG) &&
	       (!nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_FLAGS) || is_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, 0)) &&
	       get_name(expr, NFTNL_EXPR_LOOKUP_SET, op);
}

static bool get_log(const struct nftnl_expr *expr, struct nft_op *op)
{
	static const uint16_t never[] = { NFTNL_EXPR_LOG_LEVEL, NFTNL_EXPR_LOG_FLAGS };

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (nftnl_expr_is_set(expr, never[i]) && !is_u32(expr, never[i], 0))
			return false;
	if (nftnl_expr_is_set(expr, NFTNL_EXPR_LOG_SNAPLEN) && !is_u32(expr, NFTNL_EXPR_LOG_SNAPLEN, 0))
		return false;
	op->key = nftnl_expr_get_u16(expr, NFTNL_EXPR_LOG_GROUP);
	return nftnl_expr_is_set(expr, NFTNL_EXPR_LOG_GROUP) && get_name(expr, NFTNL_EXPR_LOG_PREFIX, op);
}

static bool get_reject(const struct nftnl_expr *expr, struct nft_op *op)
{
	op->key = nftnl_expr_get_u32(expr, NFTNL_EXPR_REJECT_TYPE);
	op->offset = nftnl_expr_get_u8(expr, NFTNL_EXPR_REJECT_CODE);
	return true;
}

static bool get_verdict(const struct nftnl_expr *expr, struct nft_op *op)
{
	op->key = nftnl_expr_get_u32(expr, NFTNL_EXPR_IMM_VERDICT);
	return is_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT) &&
	       (!nftnl_expr_is_set(expr, NFTNL_EXPR_IMM_CHAIN) || get_name(expr, NFTNL_EXPR_IMM_CHAIN, op));
}

static const struct {
	enum nft_op_kind kind;
	const char *name;
	int (*put)(const struct nft_op *op, struct nftnl_expr *expr);
	bool (*get)(const struct nftnl_expr *expr, struct nft_op *op);
} exprs[] = {
	{ NFT_OP_META, "meta", put_meta, get_meta },
	{ NFT_OP_PAYLOAD, "payload", put_payload, get_payload },
	{ NFT_OP_MASK, "bitwise", put_mask, get_mask },
	{ NFT_OP_EXTHDR, "exthdr", put_exthdr, get_exthdr },
	{ NFT_OP_HTON, "byteorder", put_hton, get_hton },
	{ NFT_OP_CMP, "cmp", put_cmp, get_cmp },
	{ NFT_OP_LOOKUP, "lookup", put_lookup, get_lookup },
	{ NFT_OP_LOG, "log", put_log, get_log },
	{ NFT_OP_REJECT, "reject", put_reject, get_reject },
	{ NFT_OP_VERDICT, "immediate", put_verdict, get_verdict },
};

static int add_op(const struct nft_op *op, struct nftnl_rule *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(exprs); i++) {
		struct nftnl_expr *expr;

		if (exprs[i].kind != op->kind)
			continue;
		expr = nftnl_expr_alloc(exprs[i].name);
		if (!expr)
			return -ENOMEM;
		nftnl_rule_add_expr(rule, expr); /* which owns it from here on */
		return exprs[i].put(op, expr) < 0 ? -ENOMEM : 0;
	}
	return -EINVAL;
}

int nft_expr_add_ops(const struct nft_ops *ops, struct nftnl_rule *rule)
{
	int error = 0;

	for (size_t i = 0; i < ops->count && !error; i++)
		error = add_op(&ops->items[i], rule);
	return error;
}

static int read_op(struct nftnl_expr *expr, void *data)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);
	struct nft_ops *ops = data;
	struct nft_op op = { 0 };
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(exprs) && !known; i++) {
		op = (struct nft_op){ .kind = exprs[i].kind };
		known = strcmp(exprs[i].name, name) == 0 && exprs[i].get(expr, &op);
	}
	if (!known || ops->count == NFT_OPS_MAX) {
		ops->count = 0;
		op = (struct nft_op){ .kind = NFT_OP_FOREIGN };
	}
	ops->items[ops->count++] = op;
	return op.kind == NFT_OP_FOREIGN ? -1 : 0; /* one is enough */
}

void nft_expr_read_ops(struct nftnl_rule *rule, struct nft_ops *ret)
{
	memset(ret, 0, sizeof(*ret));
	nftnl_expr_foreach(rule, read_op, ret);
}
