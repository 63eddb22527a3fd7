/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard-table.h"

#include "ip-family.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

const struct guard_family guard_families[GUARD_FAMILIES] = {
	{ AF_INET, "ipv4" },
	{ AF_INET6, "ipv6" },
};

/* --- From plans to wishes --- */

static struct guard_rule destination(const struct rule *rule)
{
	struct guard_rule ret = { .proto = rule->proto, .to = rule->to };

	if (rule->ports.first != 1 || rule->ports.last != UINT16_MAX)
		ret.ports = rule->ports;
	return ret;
}

static int make_list(const struct plan *plan, sa_family_t family, struct guard_list *ret)
{
	struct guard_rule *rules = calloc(plan->rule_count + 1, sizeof(*rules));
	size_t count = 0;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].verdict == VERDICT_ALLOW && plan->rules[i].match == MATCH_ALL &&
		    plan->rules[i].family == family)
			rules[count++] = destination(&plan->rules[i]);
	*ret = (struct guard_list){ rules, count };
	return 0;
}

int guard_wishes_of_plans(const struct plan *plans, size_t count, sa_family_t family, struct guard_wishes *ret)
{
	struct guard_wishes wishes = { .count = count };
	int r;

	wishes.items = calloc(count + 1, sizeof(*wishes.items));
	wishes.lists = calloc(count + 1, sizeof(*wishes.lists));
	r = wishes.items && wishes.lists ? 0 : -ENOMEM;
	for (size_t i = 0; !r && i < count; i++) {
		wishes.items[i].uids = plans[i].uids;
		if (!plans[i].guard)
			continue;
		r = make_list(&plans[i], family, &wishes.lists[i]);
		wishes.items[i].list = &wishes.lists[i];
		wishes.wanted = true;
	}
	if (r)
		guard_wishes_clear(&wishes);
	else
		*ret = wishes;
	return r;
}

void guard_wishes_clear(struct guard_wishes *wishes)
{
	for (size_t i = 0; wishes->lists && i < wishes->count; i++)
		free(wishes->lists[i].rules);
	free(wishes->lists);
	free(wishes->items);
	*wishes = (struct guard_wishes){ 0 };
}

/* --- The kernel's --- */

static int map_errno(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
		return -EPERM;
	case ENOMEM:
	case ENOBUFS:
	case EMFILE:
	case ENFILE:
		return -ENOMEM;
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case EOPNOTSUPP:
	case EINVAL:
		return -EOPNOTSUPP;
	case ETIMEDOUT:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

int guard_table_open(const struct guard_family *family, bool wanted, const struct deadline *deadline,
		     struct fault *fault, struct guard_table *ret)
{
	struct guard_table table = { .family = family, .exists = ip_family_exists(family->family), .wanted = wanted,
				     .fault = fault };
	int r = table.exists ? guard_link_open(&table.link, deadline) : 0;

	if (r)
		return fault_set(fault, map_errno(r), "route guard: %s: open: %s", family->name, strerror(-r));
	*ret = table;
	return 0;
}

void guard_table_close(struct guard_table *table)
{
	guard_link_close(&table->link);
	guard_rules_clear(&table->rules);
}

/* Where there are no such rules, nothing of ours is among them. */
static int fail_read(struct guard_table *table, int error)
{
	int r = map_errno(error);

	if (r == -EOPNOTSUPP && !table->wanted)
		return 0;
	if (r == -EOPNOTSUPP)
		return fault_set(table->fault, r, "route_guard: %s: this kernel has no policy routing rules",
				 table->family->name);
	return fault_set(table->fault, r, "route guard: %s: read: %s", table->family->name, strerror(-error));
}

int guard_table_read(struct guard_table *table)
{
	int r;

	guard_rules_clear(&table->rules);
	r = guard_link_list(&table->link, table->family->family, &table->rules);
	if (r)
		table->rules.foreign = UINT32_MAX;
	return r ? fail_read(table, r) : 0;
}

/* Our last rule: where it stands, or else before the first one of others, whom ours would jump over. */
static uint32_t end_of(const struct guard_table *table)
{
	for (size_t i = 0; i < table->rules.count; i++)
		if (guard_is_end(&table->rules.items[i]))
			return table->rules.items[i].pref;
	return table->rules.foreign <= GUARD_LAST ? table->rules.foreign - 1 : GUARD_LAST;
}

int guard_table_layout(struct guard_table *table, const struct guard_wishes *wishes, bool thorough,
		       struct guard_edits *ret)
{
	uint32_t end = end_of(table);
	int r;

	if (end < GUARD_LEAST) {
		if (!wishes->wanted)
			end = GUARD_LEAST;
		else
			return fault_set(table->fault, -EOPNOTSUPP, "route_guard: %s: no room before the rule of "
					 "priority %u, which is somebody else's", table->family->name, end + 1);
	}
	r = guard_layout(table->rules.items, table->rules.count, end, wishes->items, wishes->count, thorough, ret);
	if (r == -ENOSPC)
		return fault_set(table->fault, -EOPNOTSUPP, "route_guard: %s: no room for so many different lists "
				 "of destinations", table->family->name);
	return r ? fault_set(table->fault, r, "route guard: no memory") : 0;
}

int guard_table_fail_edit(struct guard_table *table, const struct guard_edit *edit, int error)
{
	int r = map_errno(error);
	char uids[UID_RANGE_TEXT_MAX];

	/* What the kernel took once it does not lack. */
	if (r == -EOPNOTSUPP && table->rules.count)
		r = -EIO;
	return fault_set(table->fault, r, "%s: %s: rule %u (uid %s): %s: %s",
			 r == -EOPNOTSUPP ? "route_guard" : "route guard", table->family->name, edit->rule.pref,
			 addr_print_uid_range(edit->rule.uids, uids), edit->is_delete ? "delete" : "add",
			 strerror(-error));
}

/* --- As lines --- */

static int add_line(struct guard_look *look, struct guard_difference difference)
{
	struct guard_difference *grown =
		reallocarray(look->differences, look->count + 1, sizeof(*look->differences));

	if (grown)
		look->differences = grown;
	if (!grown || !difference.line) {
		free(difference.line);
		return -ENOMEM;
	}
	look->differences[look->count++] = difference;
	return 0;
}

/* "route guard: ipv4: uid 2001: missing" */
static char *format_line(const struct guard_table *table, const char *kind, const char *which, const char *what)
{
	char *line;

	return asprintf(&line, "route guard: %s: %s %s: %s", table->family->name, kind, which, what) < 0 ? NULL : line;
}

/* A subject's edits, of which there may be many: it reaches into several buckets. */
struct change {
	struct uid_range uids;
	bool is_delete;
};

static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return uid_range_compare(x->uids, y->uids);
}

static int tell_change(struct guard_table *table, const struct change *changes, size_t count, struct guard_look *look)
{
	char uids[UID_RANGE_TEXT_MAX];
	bool comes = false, goes = false;

	for (size_t i = 0; i < count; i++) {
		comes = comes || !changes[i].is_delete;
		goes = goes || changes[i].is_delete;
	}
	return add_line(look, (struct guard_difference){
		.uids = changes[0].uids,
		.of_subject = true,
		.line = format_line(table, "uid",
				    addr_print_uid_range(changes[0].uids, uids),
				    comes && goes ? "differs" : comes ? "missing" : "must not stand"),
	});
}

static int add_subjects(const struct guard_table *table, struct guard_look *look)
{
	struct uid_range *grown = reallocarray(look->subjects, look->subject_count + table->rules.count + 1,
					       sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	look->subjects = grown;
	for (size_t i = 0; i < table->rules.count; i++)
		if (guard_rule_subject(&table->rules.items[i], &grown[look->subject_count]))
			look->subject_count++;
	return 0;
}

int guard_table_tell_subjects(struct guard_table *table, const struct guard_edits *edits, struct guard_look *look)
{
	AUTO_FREE struct change *changes = calloc(edits->count + 1, sizeof(*changes));
	size_t count = 0;
	int r = changes ? add_subjects(table, look) : -ENOMEM;

	for (size_t i = 0; !r && i < edits->count; i++)
		if (guard_rule_subject(&edits->items[i].rule, &changes[count].uids))
			changes[count++].is_delete = edits->items[i].is_delete;
	if (count)
		qsort(changes, count, sizeof(*changes), compare_changes);
	for (size_t from = 0, to; !r && from < count; from = to) {
		for (to = from; to < count && compare_changes(&changes[to], &changes[from]) == 0;)
			to++;
		r = tell_change(table, changes + from, to - from, look);
	}
	return r ? fault_set(table->fault, r, "route guard: no memory") : 0;
}

static int tell_foreign(struct guard_table *table, struct guard_look *look)
{
	char pref[16];

	if (!table->rules.count || table->rules.foreign > end_of(table))
		return 0;
	snprintf(pref, sizeof(pref), "%u", table->rules.foreign);
	return add_line(look, (struct guard_difference){
		.beyond_us = true,
		.line = format_line(table, "rule", pref,
				    "somebody else's, among ours, which jump over it"),
	});
}

int guard_table_tell_all(struct guard_table *table, const struct guard_edits *edits, struct guard_look *look)
{
	char pref[16];
	struct uid_range uids;
	size_t i = 0;
	int r = 0;

	while (i < edits->count && guard_rule_subject(&edits->items[i].rule, &uids))
		i++;
	if (i < edits->count) {
		snprintf(pref, sizeof(pref), "%u", edits->items[i].rule.pref);
		r = add_line(look, (struct guard_difference){
			.line = format_line(table, "rule", pref,
					    edits->items[i].is_delete ? "must not stand" : "missing"),
		});
	}
	if (!r)
		r = tell_foreign(table, look);
	return r ? fault_set(table->fault, r, "route guard: no memory") : 0;
}
