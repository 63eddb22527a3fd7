/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_EXPLAIN_H
#define EGRESS_EXPLAIN_H

#include "engine.h"

/* What egress_explain promises, see egress.h. */
int explain(struct egress_ctx *ctx, const char *user, const char *destination, struct egress_explanation **ret);

#endif
