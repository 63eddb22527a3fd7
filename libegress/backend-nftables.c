/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend-nftables.h"

#include "grace.h"
#include "kmod.h"
#include "nft-edit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define LOOK_MS 10000L /* for a handle that only looks */
#define PROBE_MS 2000L
#define TRIES 8       /* of a change that somebody else got in between */
#define WHOLE_TRIES 2 /* with the table itself, before it is left to who put something into it */
#define DROP_TRIES 5  /* with groups that nobody is left in, before they are left: others may refer to them */
#define RETRY_MS 2

/* --- Errors --- */

static const struct {
	int error;
	const char *why;
} remedies[] = {
	{ -EPERM, "not permitted: CAP_NET_ADMIN is needed in the user namespace that owns this network namespace" },
	{ -EOPNOTSUPP, "this kernel has no nf_tables, or lacks counters in sets, limit, log or reject: "
		       "Linux 5.10 or later is needed; load them with \"modprobe nf_tables\"" },
	{ -ETIMEDOUT, "the kernel did not answer by the deadline" },
	{ -EAGAIN, "others keep changing it, or this kernel lacks a part of nf_tables (log, limit, reject)" },
	{ -ENOMEM, "not enough memory or descriptors, or more than net.core.wmem_max at once" },
};

int nftables_fault(struct fault *fault, int error, const char *what)
{
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++)
		if (remedies[i].error == error)
			return fault_set(fault, error, "nftables: %s table inet " NFT_TABLE ": %s", what,
					 remedies[i].why);
	errno = -error;
	return fault_set(fault, error, "nftables: %s table inet " NFT_TABLE ": %m", what);
}

/* --- The handle --- */

int nftables_link(struct backend *backend, bool needed, struct fault *fault)
{
	int error;

	if (backend->link.socket)
		return 1;
	if (!needed && !kmod_is_there("nf_tables"))
		return 0;
	error = nft_link_open(&backend->link, &backend->deadline);
	return error ? nftables_fault(fault, error, "cannot open a socket for") : 1;
}

static int nftables_open(const struct deadline *deadline, struct fault *fault, struct backend **ret)
{
	struct backend *backend = calloc(1, sizeof(*backend));

	if (!backend)
		return fault_set(fault, -ENOMEM, "nftables: out of memory");
	backend->deadline = deadline ? *deadline : deadline_in_ms(LOOK_MS);
	*ret = backend;
	return 0;
}

static void nftables_close(struct backend *backend)
{
	if (backend)
		nft_link_close(&backend->link);
	free(backend);
}

/* Without privilege the kernel does not answer, but it is there. */
static int nftables_probe(struct fault *fault, enum backend_presence *ret)
{
	struct backend backend = { .deadline = deadline_in_ms(PROBE_MS) };
	struct nft_table table = { 0 };
	int r = nftables_link(&backend, false, fault);

	if (r <= 0) {
		if (r == 0)
			*ret = BACKEND_LOADABLE;
		return r;
	}
	r = nft_table_look(&backend.link, &table);
	nft_link_close(&backend.link);
	if (r == -EOPNOTSUPP || r == -ENOMEM) {
		nft_table_clear(&table);
		return nftables_fault(fault, r, "cannot read");
	}
	*ret = r == 0 && table.exists && table.ours ? BACKEND_IN_USE : BACKEND_READY;
	nft_table_clear(&table);
	return 0;
}

/* --- Changes --- */

static int refuse_foreign(const struct nft_change *change, struct fault *fault)
{
	if (change->gone) /* nothing of ours stands in it */
		return 0;
	return fault_set(fault, -EPERM,
			 "nftables: table inet " NFT_TABLE ": is there and not ours: rename or delete it");
}

static void tell_changes(struct backend *backend, size_t count)
{
	backend->changed[0] = '\0';
	if (count)
		snprintf(backend->changed, sizeof(backend->changed), "table inet " NFT_TABLE ": %zu objects", count);
}

/* -ESTALE and -ENOBUFS: read again and see. -ENOSPC: the sets must grow. */
static int try_once(struct backend *backend, struct nft_change *change, bool whole_table, struct fault *fault)
{
	struct nft_edit edit = { 0 };
	struct nft_batch batch = { 0 };
	int error = nft_edit_prepare(&edit, &backend->link, change);

	if (error) {
		if (error != -ESTALE)
			error = nftables_fault(fault, error, "cannot read");
	} else if (edit.table.exists && !edit.table.ours) {
		error = refuse_foreign(change, fault);
	} else {
		nft_batch_begin(&batch, &backend->link, nft_edit_drops(&edit) ? edit.generation : 0);
		nft_edit_emit(&edit, whole_table, &batch);
		tell_changes(backend, batch.changes);
		error = nft_batch_send(&batch, &backend->link);
		if (error && error != -ESTALE && error != -ENOBUFS && error != -ENOSPC)
			error = error == -ETIMEDOUT
					? fault_set(fault, -EIO,
						    "nftables: table inet " NFT_TABLE ": the kernel did not answer by "
						    "the deadline: kernel state unknown")
					: nftables_fault(fault, error, "cannot write");
	}
	change->grow_only = edit.withheld;
	nft_batch_clear(&batch);
	nft_edit_clear(&edit);
	return error;
}

static int apply_stage(struct backend *backend, struct nft_change *change, struct fault *fault)
{
	bool grow_only = change->grow_only;
	int error = -ESTALE;

	for (int try = 0; try < TRIES; try++) {
		if (try > 0 && !deadline_pause(&backend->deadline, RETRY_MS))
			break;
		change->keep_groups = try >= DROP_TRIES;
		error = try_once(backend, change, try < WHOLE_TRIES, fault);
		if (error)
			change->grow_only = grow_only;
		change->grow = change->grow || error == -ENOSPC;
		change->whole = change->whole || error == -ESTALE;
		if (error != -ESTALE && error != -ENOBUFS && error != -ENOSPC)
			return error;
	}
	if (error == -ENOSPC)
		return fault_set(fault, -ENOMEM, "nftables: table inet " NFT_TABLE ": its sets cannot grow");
	return nftables_fault(fault, error == -ENOBUFS ? -EIO : -EAGAIN, "cannot write");
}

/* If the second stage cannot be, everybody is held, some by two plans: the next change mends that. */
static int apply(struct backend *backend, struct nft_change *change, struct fault *fault)
{
	struct fault why = { 0 };
	int error;

	change->grow_only = true;
	error = apply_stage(backend, change, fault);
	if (error || !change->grow_only)
		return error;
	grace_period(&backend->deadline);
	change->grow_only = change->grow = change->keep_groups = false;
	if (apply_stage(backend, change, &why))
		return fault_set(fault, -EIO, "%.400s; changed by half: kernel state unknown", why.line);
	return 0;
}

static int check_uids(struct uid_range uids, struct fault *fault)
{
	char text[UID_RANGE_TEXT_MAX];

	if (uids.first > 0 && uids.first <= uids.last)
		return 0;
	return fault_set(fault, -EINVAL, "nftables: uid %s: never held", addr_print_uid_range(uids, text));
}

static int nftables_replace(struct backend *backend, const struct plan *plans, size_t count, struct fault *fault)
{
	struct nft_change change = { .plans = plans, .count = count };
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = check_uids(plans[i].uids, fault);
	if (!r && count)
		r = nftables_link(backend, true, fault);
	return r > 0 ? apply(backend, &change, fault) : r;
}

static int nftables_remove(struct backend *backend, const struct uid_range *subjects, size_t count,
			   struct fault *fault)
{
	struct nft_change change = { .gone = subjects, .count = count };
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = check_uids(subjects[i], fault);
	if (!r && count)
		r = nftables_link(backend, false, fault);
	return r > 0 ? apply(backend, &change, fault) : r;
}

static const char *nftables_changed(const struct backend *backend)
{
	return backend->changed;
}

const struct backend_ops backend_nftables = {
	.name = "nftables",
	.probe = nftables_probe,
	.open = nftables_open,
	.replace = nftables_replace,
	.remove = nftables_remove,
	.list = nftables_list,
	.close = nftables_close,
	.changed = nftables_changed,
};
