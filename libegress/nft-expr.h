/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_NFT_EXPR_H
#define EGRESS_NFT_EXPR_H

/*
 * Operations as libnftnl's expressions, and back. libnftnl exits on a wrong type or size of an attribute:
 * every setter here is run by tests/unit/t-nft-rule.c.
 */
#include "nft-rule.h"

#include <libnftnl/rule.h>

/* -ENOMEM. */
int nft_expr_add_ops(const struct nft_ops *ops, struct nftnl_rule *rule);
/* More than NFT_OPS_MAX, or what we never write, becomes NFT_OP_FOREIGN. */
void nft_expr_read_ops(struct nftnl_rule *rule, struct nft_ops *ret);

#endif
