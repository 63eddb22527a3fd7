/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CHOICE_H
#define EGRESS_CHOICE_H

/* Which of the compiled-in backends holds accounts here, and why that one. */
#include "engine.h"

#define CHOICE_REASON_MAX FAULT_LINE_MAX

struct choice {
	const struct backend_ops *ops;
	char reason[CHOICE_REASON_MAX]; /* "configured", or "auto: WHY" */
};

/* Is there one of the name that WANTED stands for? Does not ask the kernel. */
bool choice_is_built(const struct egress_ctx *ctx, enum backend_choice wanted);
/* Says that there is none; returns ERROR. */
int choice_not_built(enum backend_choice wanted, int error, struct fault *fault);

/*
 * BACKEND_AUTO: what holds already decides, by the LEDGER's word while it has any account, else by the
 * kernel's; else what the host's firewall uses. Loads no module. Under the ledger's lock nobody else
 * chooses; LEDGER may be NULL (none yet). -EOPNOTSUPP, -ENOMEM; -EPERM: not to be told without privilege.
 */
int choice_make(struct egress_ctx *ctx, enum backend_choice wanted, struct ledger *ledger,
		struct choice *ret);

#endif
