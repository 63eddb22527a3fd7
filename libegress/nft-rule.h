/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_NFT_RULE_H
#define EGRESS_NFT_RULE_H

/*
 * The rules of the table "inet egress", one struct nft_line each, as the operations that the kernel
 * executes, and back. Pure. A decoder accepts exactly what the encoder writes; all else is foreign.
 *
 * Accounts whose plans have the same rules share a chain and sets, which are named after these rules: so
 * an account changes its profile by moving from one set to another, and the old and the new version of a
 * profile can stand side by side. Ranges that are held as one have a chain and sets of intervals of their own,
 * so that a uid within one is not counted twice.
 */
#include "plan.h"

#define NFT_TABLE "egress"
#define NFT_CHAIN_OUTPUT "output"
#define NFT_HOOK_PRIORITY (-5) /* before the host's own filters, after its DNAT */
#define NFT_SET_RANGES "ranges" /* the uid ranges that are held as one, whatever their segments are */
#define NFT_LOG_PREFIX "egress " /* NFLOG itself tells the uid */

#define NFT_LIMIT_BURST 5        /* packets that are logged at once; nft(8)'s default */

#define NFT_KEY_MAX 24  /* 16 hexadecimal digits, and "-ranges" */
#define NFT_NAME_MAX 40 /* of chains, sets and prefixes */

/* The sets of one key. The kernel counts, or limits, in their elements. */
enum nft_role {
	NFT_HELD,   /* leads to the chain; counts every packet */
	NFT_DENIED, /* counts packets that no rule allowed */
	NFT_LOGGED, /* says how often to log; where the plan logs at all */
	NFT_ROLES,
};

enum nft_op_kind {
	NFT_OP_META,    /* load what KEY says */
	NFT_OP_PAYLOAD, /* load LENGTH bytes at OFFSET of the header KEY */
	NFT_OP_MASK,    /* and DATA */
	NFT_OP_EXTHDR,  /* load whether there is an IPv6 extension header of type KEY */
	NFT_OP_HTON,    /* what was loaded, as a big-endian number */
	NFT_OP_CMP,     /* go on if the relation KEY to DATA holds */
	NFT_OP_LOOKUP,  /* go on if it is in the set NAME */
	NFT_OP_LOG,     /* to the group KEY with the prefix NAME */
	NFT_OP_REJECT,  /* of type KEY with code OFFSET */
	NFT_OP_VERDICT, /* KEY, to the chain NAME if it leads to one */
	NFT_OP_FOREIGN, /* nothing of ours */
};

/* All of it is compared: unused members are zero. */
struct nft_op {
	enum nft_op_kind kind;
	uint32_t key, offset, length;
	unsigned char data[16];
	char name[NFT_NAME_MAX];
};

#define NFT_OPS_MAX 16
struct nft_ops {
	struct nft_op items[NFT_OPS_MAX + 1]; /* the last one stays zero: a look ahead finds nothing */
	size_t count;
};

enum nft_line_kind {
	NFT_LINE_RULE,   /* a rule of the plan, but for those that log */
	NFT_LINE_COUNT,  /* count what was denied: all, or of RULE's family what its match says */
	NFT_LINE_LOG,    /* log it */
	NFT_LINE_BRANCH, /* of the base chain: to the chain of KEY */
	NFT_LINE_FOREIGN,
};

struct nft_line {
	enum nft_line_kind kind;
	char key[NFT_KEY_MAX]; /* whose set; not of a rule */
	uint16_t log_group;    /* of NFT_LINE_LOG */
	struct rule rule;      /* of NFT_LINE_RULE; of NFT_LINE_COUNT only family and match */
};

/* Two plans have the same key if they have the same rules, log alike, and are both of uids or of ranges. */
char *nft_plan_key(const struct plan *plan, char key[NFT_KEY_MAX]);
bool nft_key_is_ranges(const char *key);
char *nft_chain_name(const char *key, char name[NFT_NAME_MAX]);
char *nft_set_name(const char *key, enum nft_role role, char name[NFT_NAME_MAX]);
/* False if it is none of ours. */
bool nft_parse_chain_name(const char *name, char key[NFT_KEY_MAX]);
bool nft_parse_set_name(const char *name, char key[NFT_KEY_MAX], enum nft_role *ret_role);

/* The lines of a plan's chain, in order. *ret is malloced. -ENOMEM. */
int nft_plan_lines(const struct plan *plan, const char *key, struct nft_line **ret, size_t *ret_count);

void nft_line_encode(const struct nft_line *line, struct nft_ops *ret);
/* What cannot be decoded becomes NFT_LINE_FOREIGN. */
void nft_line_decode(const struct nft_ops *ops, struct nft_line *ret);
bool nft_line_equal(const struct nft_line *a, const struct nft_line *b);

#endif
