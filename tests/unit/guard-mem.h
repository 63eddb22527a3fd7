/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_GUARD_MEM_H
#define EGRESS_GUARD_MEM_H

/* A route guard whose kernel is a struct that a test owns, reads and scripts. As the seam promises, in little. */
#include "guard.h"

#define MEM_GUARD_MAX 16

struct mem_guard {
	struct uid_range subjects[MEM_GUARD_MAX]; /* who is guarded */
	size_t count;
	bool absent; /* the kernel has none */
	int replace_error, remove_error, look_error; /* what such a call fails with; it then changes nothing */
	unsigned int replaces, removes;
};

extern const struct guard_ops guard_mem;

void mem_guard_use(struct mem_guard *guard);
void mem_guard_clear(struct mem_guard *guard);
bool mem_guard_has(const struct mem_guard *guard, uid_t uid);
void mem_guard_drop(struct mem_guard *guard, struct uid_range uids);

#endif
