/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard-mem.h"

#include "drift.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

static struct mem_guard *current;

void mem_guard_use(struct mem_guard *guard)
{
	current = guard;
}

void mem_guard_clear(struct mem_guard *guard)
{
	*guard = (struct mem_guard){ 0 };
}

static size_t find(const struct mem_guard *guard, struct uid_range uids)
{
	size_t i = 0;

	while (i < guard->count && uid_range_compare(guard->subjects[i], uids) != 0)
		i++;
	return i;
}

bool mem_guard_has(const struct mem_guard *guard, uid_t uid)
{
	return find(guard, (struct uid_range){ uid, uid }) < guard->count;
}

void mem_guard_drop(struct mem_guard *guard, struct uid_range uids)
{
	size_t at = find(guard, uids);

	if (at < guard->count)
		guard->subjects[at] = guard->subjects[--guard->count];
}

static int fail(int error, struct fault *fault, const char *what)
{
	return error ? fault_set(fault, error, "mem guard: %s: scripted failure", what) : 0;
}

static int check_wanted(const struct plan *plans, size_t count, struct fault *fault)
{
	for (size_t i = 0; current->absent && i < count; i++)
		if (plans[i].guard)
			return fault_set(fault, -EOPNOTSUPP, "route_guard: not in this kernel");
	return 0;
}

static int mem_replace(const struct plan *plans, size_t count, const struct deadline *deadline,
		       struct fault *fault, bool *ret_changed)
{
	int r = fail(current->replace_error, fault, "replace");

	(void)deadline;
	current->replaces++;
	if (!r)
		r = check_wanted(plans, count, fault);
	for (size_t i = 0; !r && i < count; i++) {
		bool stands = find(current, plans[i].uids) < current->count;

		*ret_changed = *ret_changed || stands != plans[i].guard;
		if (stands && !plans[i].guard)
			mem_guard_drop(current, plans[i].uids);
		else if (!stands && plans[i].guard && current->count < MEM_GUARD_MAX)
			current->subjects[current->count++] = plans[i].uids;
	}
	return r;
}

static int mem_remove(const struct uid_range *subjects, size_t count, const struct deadline *deadline,
		      struct fault *fault)
{
	int r = fail(current->remove_error, fault, "remove");

	(void)deadline;
	current->removes++;
	for (size_t i = 0; !r && i < count; i++)
		mem_guard_drop(current, subjects[i]);
	return r;
}

static void tell(struct guard_look *look, struct uid_range uids, const char *what)
{
	struct guard_difference *difference = &look->differences[look->count++];

	*difference = (struct guard_difference){ .uids = uids, .of_subject = true };
	if (asprintf(&difference->line, "route guard: uid %u: %s", uids.first, what) < 0)
		abort();
}

static int mem_look(const struct plan *plans, size_t count, const struct deadline *deadline, struct fault *fault,
		    struct guard_look *ret)
{
	struct guard_look look = { 0 };
	int r = fail(current->look_error, fault, "look");

	(void)deadline;
	if (!r)
		r = check_wanted(plans, count, fault);
	if (r)
		return r;
	look.differences = calloc(count + 1, sizeof(*look.differences));
	look.subjects = calloc(MEM_GUARD_MAX, sizeof(*look.subjects));
	for (size_t i = 0; i < count; i++) {
		bool stands = find(current, plans[i].uids) < current->count;

		if (stands != plans[i].guard)
			tell(&look, plans[i].uids, stands ? "must not stand" : "missing");
	}
	memcpy(look.subjects, current->subjects, current->count * sizeof(*look.subjects));
	look.subject_count = current->count;
	*ret = look;
	return 0;
}

const struct guard_ops guard_mem = {
	.replace = mem_replace,
	.remove = mem_remove,
	.look = mem_look,
};
