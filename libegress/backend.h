/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_BACKEND_H
#define EGRESS_BACKEND_H

/*
 * The seam between plan and kernel: six operations and a question. A backend makes the kernel equal to plans;
 * nobody else knows about chains, tables or messages. All return 0 or a negative errno and tell
 * FAULT why.
 */
#include "deadline.h"
#include "fault.h"
#include "plan.h"

struct backend; /* one open handle; each backend defines its own */

#define BACKEND_CHANGED_MAX 160

struct traffic {
	uint64_t packets, bytes;
};

/*
 * What stands in the kernel for one subject. DRIFT: lines about what no plan can express (a foreign
 * rule in our chain, a chain that no dispatch leads to, our jump missing or not first),
 * NULL-terminated or NULL. A standing hold with drift or with rules unlike its plan does not count
 * as held.
 */
struct standing {
	struct plan plan;
	struct traffic allowed, denied;
	char **drift;
};

enum backend_presence {
	BACKEND_LOADABLE, /* its module is not loaded; the first replace may have the kernel load it */
	BACKEND_READY,    /* the kernel has it */
	/* And there are tables of its kind in this network namespace: for iptables anybody's, since to use it is to
	 * make a table that all share; for nftables, which has a table for each, ours. */
	BACKEND_IN_USE,
};

struct backend_ops {
	const char *name; /* "iptables" */

	/*
	 * Can this kernel and process use the backend? Loads no module, changes nothing, needs no
	 * privilege. -EOPNOTSUPP.
	 */
	int (*probe)(struct fault *fault, enum backend_presence *ret);

	/*
	 * Takes the host's lock by DEADLINE (-EBUSY) and keeps it until close; DEADLINE NULL: no
	 * lock, the handle is good for list only. Nothing is read yet, and no module is loaded by
	 * open, list and remove: where the kernel has no tables nothing stands.
	 */
	int (*open)(const struct deadline *deadline, struct fault *fault, struct backend **ret);

	/*
	 * Makes each plan's subject equal to its plan, in one transaction a family; our own entry
	 * point stands first afterwards. Atomic and idempotent: an error means that nothing
	 * changed, except -EIO, kernel state unknown. Foreign rules and all counters but those of
	 * changed rules survive. A subject that is held already has no moment of openness.
	 */
	int (*replace)(struct backend *backend, const struct plan *plans, size_t count,
		       struct fault *fault);

	/*
	 * Removes the subjects' rules; absence is success. With the last one goes all that is ours.
	 */
	int (*remove)(struct backend *backend, const struct uid_range *subjects, size_t count,
		      struct fault *fault);

	/*
	 * What stands, ascending by uids: all of it, or ONLY that subject if not NULL (then
	 * *ret_count is 0 or 1). Read from the kernel at each call. Free with standing_free. A
	 * family that this kernel lacks has no rules; where the family exists, missing rules are drift.
	 */
	int (*list)(struct backend *backend, const struct uid_range *only, struct fault *fault,
		    struct standing **ret, size_t *ret_count);

	void (*close)(struct backend *backend); /* takes NULL; releases the host's lock */

	/*
	 * Where the last replace of this handle changed anything, for a log: "ipv4: OUTPUT, EGRESS-2001"; "" if all
	 * was as it must be. What was mended is told without another reading of the tables, which is dear.
	 */
	const char *(*changed)(const struct backend *backend);
};

void standing_free(struct standing *standing, size_t count); /* takes NULL */
/* In what list gave; NULL if the subject is not there. */
const struct standing *standing_find(const struct standing *standing, size_t count,
				     struct uid_range uids);
/* Appends a formatted line to STANDING's drift; -ENOMEM. */
int standing_add_drift(struct standing *standing, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Compiled in, NULL-terminated. */
#define BACKENDS_MAX 4
extern const struct backend_ops *const backends[];
extern const struct backend_ops backend_iptables, backend_nftables;

#endif
