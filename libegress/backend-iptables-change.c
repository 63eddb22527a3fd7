/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend-iptables.h"

#include "ip-family.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

/*
 * Both families are read and edited before either is written, so that most of what can fail fails
 * while nothing has changed. Then IPv4 is written, then IPv6; if IPv6 cannot be, IPv4 is put back.
 */

#define TRIES 8 /* of one write that somebody without the lock got in between */
#define RETRY_MS 2

/*
 * Reads one family and edits it. Where there is no table, nothing can stand and nothing is removed.
 */
static int prepare(struct xt_table *table, const struct xt_family *family,
		   const struct xt_change *change, struct fault *fault)
{
	enum xt_table_state state;
	int error;

	if (!ip_family_exists(family->family))
		return 0;
	error = iptables_table_state(family, change->plans, fault, &state);
	if (error || (!change->plans && state != XT_TABLE_PRESENT))
		return error;
	error = xt_table_read(table, family, fault);
	return error ? error : xt_apply(table, change, fault);
}

/*
 * After a write that failed: if CHANGE finds nothing to do in a new reading, it stands after all.
 * FAILED is what the write said, and is returned if it does not stand. -EIO if that cannot be
 * known.
 */
static int check_failed_write(const struct xt_family *family, const struct xt_change *change,
			      int failed, struct fault *fault)
{
	struct xt_table table = { 0 };
	struct fault reason = { 0 };
	int error = prepare(&table, family, change, &reason);
	bool stands = table.journal.count == 0;

	xt_table_clear(&table);
	if (error) {
		fault_clear(fault);
		return fault_set(fault, -EIO, "%.400s; kernel state unknown", reason.line);
	}
	if (!stands)
		return failed;
	fault_clear(fault);
	return 0;
}

/* Writes one prepared family; prepares it again as long as others write in between. */
static int write_family(struct backend *backend, struct xt_table *table,
			const struct xt_family *family, const struct xt_change *change,
			struct fault *fault)
{
	int error = xt_table_commit(table, fault);

	for (int try = 1; error == -EAGAIN && try < TRIES; try++) {
		if (!deadline_pause(&backend->deadline, RETRY_MS))
			break;
		fault_clear(fault);
		xt_table_clear(table);
		error = prepare(table, family, change, fault);
		if (error)
			return error; /* nothing of this family was written */
		error = xt_table_commit(table, fault);
	}
	if (error && error != -EAGAIN)
		return check_failed_write(family, change, error, fault);
	return error;
}

static int undo_once(const struct xt_family *family, const struct xt_journal *journal,
		     struct fault *fault)
{
	struct xt_table table = { 0 };
	int error = xt_table_read(&table, family, fault);

	if (!error)
		error = xt_table_revert(&table, journal);
	if (!error)
		error = xt_table_commit(&table, fault);
	xt_table_clear(&table);
	return error;
}

/* Puts back what was written of TABLE. */
static int undo_family(struct backend *backend, const struct xt_table *table)
{
	struct fault ignored = { 0 };
	int error;

	if (table->journal.count == 0)
		return 0;
	error = undo_once(table->family, &table->journal, &ignored);
	for (int try = 1; error == -EAGAIN && try < TRIES; try++) {
		if (!deadline_pause(&backend->deadline, RETRY_MS))
			break;
		error = undo_once(table->family, &table->journal, &ignored);
	}
	return error;
}

/* REASON says why the write of a later family failed. */
static int undo_written(struct backend *backend, const struct xt_table *tables, size_t written,
			int failed, struct fault *reason)
{
	for (size_t i = written; i > 0; i--) {
		struct fault first = *reason;

		if (undo_family(backend, &tables[i - 1]) == 0)
			continue;
		fault_clear(reason);
		failed = fault_set(reason, -EIO,
				   "%.400s; %s could not be undone: kernel state unknown",
				   first.line, xt_families[i - 1].name);
	}
	return failed;
}

static int write_all(struct backend *backend, struct xt_table *tables,
		     const struct xt_change *change, struct fault *fault)
{
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++) {
		int error = tables[i].handle ? write_family(backend, &tables[i], &xt_families[i],
							    change, fault)
					     : 0;

		if (error)
			return undo_written(backend, tables, i, error, fault);
	}
	return 0;
}

static bool is_told(const struct xt_journal *journal, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(journal->edits[k].chain, journal->edits[i].chain) == 0)
			return true;
	return false;
}

/* The chains of a journal, each once; what does not fit is cut off. */
static void tell_journal(const struct xt_table *table, const char *family, char *text, size_t size)
{
	const struct xt_journal *journal = &table->journal;
	size_t length = strlen(text);

	for (size_t i = 0; i < journal->count && length < size; i++) {
		if (is_told(journal, i))
			continue;
		snprintf(text + length, size - length, "%s%s%s%s", i == 0 && length ? "; " : "",
			 i ? ", " : family, i ? "" : ": ", journal->edits[i].chain);
		length = strlen(text);
		if (length >= size - 1)
			return;
	}
}

int iptables_change(struct backend *backend, const struct xt_change *change, struct fault *fault)
{
	struct xt_table tables[XT_FAMILY_COUNT] = { 0 };
	struct fault reason = { 0 };
	int error = 0;

	for (size_t i = 0; i < XT_FAMILY_COUNT && !error; i++)
		error = prepare(&tables[i], &xt_families[i], change, &reason);
	if (!error)
		error = write_all(backend, tables, change, &reason);
	backend->changed[0] = '\0';
	for (size_t i = 0; i < XT_FAMILY_COUNT; i++) {
		tell_journal(&tables[i], xt_families[i].name, backend->changed, sizeof(backend->changed));
		xt_table_clear(&tables[i]);
	}
	return error ? fault_set(fault, error, "%s", reason.line) : 0;
}
