/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_INVENTORY_H
#define EGRESS_INVENTORY_H

#include "engine.h"

/* What egress_list, egress_show and egress_verify promise, see egress.h. They take no lock and change
 * nothing. */
int inventory_list(struct egress_ctx *ctx, struct egress_account ***ret);
int inventory_show(struct egress_ctx *ctx, const char *user, struct egress_account **ret);
int inventory_verify(struct egress_ctx *ctx, const char *user, char ***ret_differences);

#endif
