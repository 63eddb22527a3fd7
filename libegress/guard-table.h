/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_GUARD_TABLE_H
#define EGRESS_GUARD_TABLE_H

/* One family's rules of the route guard: read, laid out, told about. */
#include "guard-link.h"
#include "guard.h"

struct guard_family {
	sa_family_t family;
	const char *name;
};

#define GUARD_FAMILIES 2
extern const struct guard_family guard_families[GUARD_FAMILIES];

struct guard_wishes {
	struct guard_wish *items;
	struct guard_list *lists; /* of the items; owned */
	size_t count;
	bool wanted; /* at least one is for a guard */
};

int guard_wishes_of_plans(const struct plan *plans, size_t count, sa_family_t family, struct guard_wishes *ret);
void guard_wishes_clear(struct guard_wishes *wishes);

struct guard_table {
	const struct guard_family *family;
	bool exists; /* the kernel has such rules */
	bool wanted;
	struct guard_link link;
	struct guard_rules rules;
	struct fault *fault;
};

/* WANTED: that the kernel has no such rules is an error. */
int guard_table_open(const struct guard_family *family, bool wanted, const struct deadline *deadline,
		     struct fault *fault, struct guard_table *ret);
void guard_table_close(struct guard_table *table);
int guard_table_read(struct guard_table *table);
int guard_table_layout(struct guard_table *table, const struct guard_wishes *wishes, bool thorough,
		       struct guard_edits *ret);
/* Returns what the errno of the kernel means to us. */
int guard_table_fail_edit(struct guard_table *table, const struct guard_edit *edit, int error);

/* What edits would mend, as lines. */
int guard_table_tell_subjects(struct guard_table *table, const struct guard_edits *edits, struct guard_look *look);
int guard_table_tell_all(struct guard_table *table, const struct guard_edits *edits, struct guard_look *look);
void guard_look_sort(struct guard_look *look);

#endif
