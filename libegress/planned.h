/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_PLANNED_H
#define EGRESS_PLANNED_H

/* What the configuration alone says: plans as the public API tells them, and names. */
#include "engine.h"

/* See egress_plan. Free *ret with egress_plan_free. */
int planned_find(struct egress_ctx *ctx, const char *user, struct egress_plan **ret);

/* See egress_names. */
int planned_names(struct egress_ctx *ctx, enum egress_names_of of, char ***ret);

#endif
