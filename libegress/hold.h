/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_HOLD_H
#define EGRESS_HOLD_H

/* The steps that opening a session and pinning share. */
#include "coverage.h"

/* Can it be held at all, and with which subordinate ranges? Before any lock. -EPERM, -ENOENT, -EBADMSG, -EIO, -ENOMEM. */
int hold_check(struct egress_ctx *ctx, struct coverage *coverage);
/* Puts the account into the ledger, with its subordinate ranges. */
int hold_enter(struct operation *op, const struct coverage *coverage);
/* Makes its plan stand, and ends the connections that it does not let through. */
int hold_make(struct operation *op, const struct coverage *coverage);
/* Must it stay held without sessions and pins? */
bool hold_is_kept(const struct coverage *coverage);
/* Lets go after a failure, unless something else needs the hold; the first fault stays the fault. */
void hold_take_back(struct operation *op, const struct coverage *coverage);
/* Keeps the configuration that was used as the last good one; a failure is only logged. */
void hold_keep_conf(struct operation *op, const struct conf_view *view);

#endif
