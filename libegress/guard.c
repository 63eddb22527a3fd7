/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include "guard-link.h"
#include "guard-sink.h"
#include "guard-table.h"
#include "util.h"

#include <string.h>

/* --- Changes --- */

static int apply_phase(struct guard_table *table, const struct guard_edits *edits, size_t from, size_t *ret_to)
{
	size_t to = from + 1, failed = 0;
	int error;

	while (to < edits->count && edits->items[to].phase == edits->items[from].phase &&
	       edits->items[to].is_delete == edits->items[from].is_delete)
		to++;
	error = guard_link_edit(&table->link, table->family->family, edits->items + from, to - from, &failed);
	if (error)
		return guard_table_fail_edit(table, &edits->items[from + failed], error);
	*ret_to = to;
	return 0;
}

/*
 * A kernel that does not know all that our rules look at takes them without it, and would prohibit everybody. So
 * the first one is read back before any other comes.
 */
static int check_kernel(struct guard_table *table, const struct guard_edit *first)
{
	struct guard_edit undo = *first;
	size_t failed;
	int r = guard_table_read(table);

	if (r || (table->rules.count == 1 && guard_rule_equal(&table->rules.items[0], &first->rule)))
		return r;
	undo.is_delete = true;
	guard_link_edit(&table->link, table->family->family, &undo, 1, &failed);
	return fault_set(table->fault, -EOPNOTSUPP,
			 "route_guard: %s: this kernel's rules do not look at uids, protocols and ports",
			 table->family->name);
}

static int apply(struct guard_table *table, const struct guard_edits *edits)
{
	bool none_stood = table->rules.count == 0;
	size_t done = 0;
	int r = 0;

	while (!r && done < edits->count) {
		bool is_first = none_stood && done == 0;

		r = apply_phase(table, edits, done, &done);
		if (!r && is_first)
			r = check_kernel(table, &edits->items[0]);
	}
	return r;
}

static bool nothing_stands(const struct guard_table *table, const struct guard_edits *edits)
{
	size_t standing = table->rules.count;

	for (size_t i = 0; i < edits->count; i++)
		standing = edits->items[i].is_delete ? standing - 1 : standing + 1;
	return standing == 0;
}

/*
 * Without the route by "lo" the section's next rule refuses all the same; without a card's, what names that card is left
 * to the firewall's rules. Neither is worth a session: the next change makes what is missing.
 */
static void keep_sink(struct guard_table *table, const struct guard_edits *edits)
{
	if (nothing_stands(table, edits))
		guard_sink_delete(&table->link, table->family->family);
	else
		guard_sink_make(&table->link, table->family->family);
}

/* The changes of one family. */
static int change(struct guard_table *table, const struct guard_wishes *wishes, bool thorough, bool *ret_changed)
{
	struct guard_edits edits = { 0 };
	int r = guard_table_read(table);

	if (!r)
		r = guard_table_layout(table, wishes, thorough, &edits);
	if (!r)
		r = apply(table, &edits);
	if (!r)
		keep_sink(table, &edits);
	if (!r && edits.count)
		*ret_changed = true;
	guard_edits_clear(&edits);
	return r;
}

/* What a walk over the families does with the rules of one, told what is wished of it. */
typedef int table_fn(struct guard_table *table, const struct guard_wishes *wishes, void *data);

static int each_family(const struct plan *plans, size_t count, const struct deadline *deadline, struct fault *fault,
		       table_fn *fn, void *data)
{
	int r = 0;

	for (size_t i = 0; !r && i < GUARD_FAMILIES; i++) {
		struct guard_table table = { 0 };
		struct guard_wishes wishes = { 0 };

		r = guard_wishes_of_plans(plans, count, guard_families[i].family, &wishes);
		if (r)
			fault_set(fault, r, "route guard: no memory");
		if (!r)
			r = guard_table_open(&guard_families[i], wishes.wanted, deadline, fault, &table);
		if (!r && table.exists)
			r = fn(&table, &wishes, data);
		guard_table_close(&table);
		guard_wishes_clear(&wishes);
	}
	return r;
}

static int replace_family(struct guard_table *table, const struct guard_wishes *wishes, void *data)
{
	return change(table, wishes, wishes->count != 1, data);
}

static int routes_replace(const struct plan *plans, size_t count, const struct deadline *deadline,
			  struct fault *fault, bool *ret_changed)
{
	bool changed = false;
	int r = each_family(plans, count, deadline, fault, replace_family, &changed);

	if (!r)
		*ret_changed = changed;
	return r;
}

static int routes_remove(const struct uid_range *subjects, size_t count, const struct deadline *deadline,
			 struct fault *fault)
{
	struct guard_wish *items = calloc(count + 1, sizeof(*items));
	struct guard_wishes wishes = { .items = items, .count = count };
	int r = items ? 0 : fault_set(fault, -ENOMEM, "route guard: no memory");

	for (size_t i = 0; !r && i < count; i++)
		items[i].uids = subjects[i];
	for (size_t i = 0; !r && i < GUARD_FAMILIES; i++) {
		struct guard_table table = { 0 };
		bool changed;

		r = guard_table_open(&guard_families[i], false, deadline, fault, &table);
		if (!r && table.exists)
			r = change(&table, &wishes, false, &changed);
		guard_table_close(&table);
	}
	free(items);
	return r;
}

/* --- Looking --- */

static int look_at_family(struct guard_table *table, const struct guard_wishes *wishes, void *data)
{
	struct guard_look *look = data;
	struct guard_edits edits = { 0 };
	const struct guard_wishes none = { 0 };
	int r = guard_table_read(table);

	if (!r)
		r = guard_table_layout(table, wishes, true, &edits);
	if (!r)
		r = guard_table_tell_subjects(table, &edits, look);
	guard_edits_clear(&edits);
	/* What is broken for all shows where nobody comes or goes. */
	if (!r)
		r = guard_table_layout(table, &none, true, &edits);
	if (!r)
		r = guard_table_tell_all(table, &edits, look);
	guard_edits_clear(&edits);
	return r;
}

static int routes_look(const struct plan *plans, size_t count, const struct deadline *deadline, struct fault *fault,
		       struct guard_look *ret)
{
	struct guard_look look = { 0 };
	int r = each_family(plans, count, deadline, fault, look_at_family, &look);

	if (r) {
		guard_look_clear(&look);
		return r;
	}
	guard_look_sort(&look);
	*ret = look;
	return 0;
}

const struct guard_ops guard_routes = {
	.replace = routes_replace,
	.remove = routes_remove,
	.look = routes_look,
};
