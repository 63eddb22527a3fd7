/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_BACKEND_MEM_H
#define EGRESS_BACKEND_MEM_H

/*
 * A backend whose kernel is a struct that a test owns, reads and scripts:
 *
 *	struct mem_kernel kernel = { 0 };
 *
 *	mem_kernel_use(&kernel);
 *	mem_fail(&kernel, MEM_REPLACE, 2, -ENOMEM);  // the second replace fails, nothing changes
 *	...
 *	ck_assert_uint_eq(kernel.handles, 0);        // closed again
 *	mem_kernel_clear(&kernel);
 *
 * As the seam promises: a call that fails changed nothing, unless it fails with -EIO and "half" is
 * set.
 */
#include "backend.h"

enum mem_op {
	MEM_PROBE,
	MEM_OPEN,
	MEM_REPLACE,
	MEM_REMOVE,
	MEM_LIST,
	MEM_LOOK,      /* an open without a deadline */
	MEM_LOOK_LIST, /* a list on such a handle */
	MEM_OPS
};

struct mem_script {
	unsigned int calls; /* so far */
	unsigned int nth;   /* the call that fails, from 1; 0: none */
	unsigned int times; /* how many from there on */
	int error;
};

struct mem_kernel {
	struct plan *plans; /* what stands, ascending by uids; owned */
	size_t count;
	struct mem_script script[MEM_OPS];

	unsigned int lies;     /* so many replaces and removes say 0 and do nothing */
	bool half;             /* a replace that fails stores all the same, as after -EIO */
	const char *drift;     /* list adds this line to every subject; NULL: none */
	struct traffic allowed, denied; /* of every subject */

	enum backend_presence presence; /* of an empty kernel; one that holds is in use */
	bool absent;           /* the probe says -EOPNOTSUPP, and every open is a mistake */

	unsigned int handles;  /* open now; a second one gets -EBUSY */
	bool changed;          /* by the last replace */
	unsigned int changes;  /* replaces and removes that changed something */
	struct deadline deadline; /* of the last open */
};

/* Two of them, "mem" and "other", each with a kernel of its own. */
extern const struct backend_ops backend_mem, backend_other;

void mem_kernel_use(struct mem_kernel *kernel); /* until the next call; NULL: none */
void mem_other_use(struct mem_kernel *kernel);
void mem_kernel_clear(struct mem_kernel *kernel);

/*
 * The NTH call of OP from now on, or with mem_fail_from every one since, fails with ERROR
 * (negative).
 */
void mem_fail(struct mem_kernel *kernel, enum mem_op op, unsigned int nth, int error);
void mem_fail_from(struct mem_kernel *kernel, enum mem_op op, unsigned int nth, int error);

/* What stands for UIDS, or NULL. */
const struct plan *mem_find(const struct mem_kernel *kernel, struct uid_range uids);

#endif
