/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_TAKEOVER_H
#define EGRESS_TAKEOVER_H

/* The backends beside the chosen one: what still stands there is taken over or released. */
#include "engine.h"

/*
 * Removes the plans' subjects from every backend but the chosen one, where they stand and were read back.
 * A failure is logged and kept in op->unfinished, not returned.
 */
void takeover_finish(struct operation *op, const struct plan *plans, size_t count);

/* Removes the subjects from every backend but the chosen one. Any error: they are not released. */
int takeover_release(struct operation *op, const struct uid_range *subjects, size_t count);

#endif
