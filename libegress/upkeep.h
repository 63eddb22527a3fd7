/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_UPKEEP_H
#define EGRESS_UPKEEP_H

#include "engine.h"

/* What egress_hold, egress_release, egress_sync and egress_reap promise, see egress.h. */
int upkeep_hold(struct egress_ctx *ctx, const char *user);
int upkeep_release(struct egress_ctx *ctx, const char *user);
int upkeep_sync(struct egress_ctx *ctx, struct egress_changes *ret);
int upkeep_reap(struct egress_ctx *ctx, struct egress_changes *ret);

#endif
