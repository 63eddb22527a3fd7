/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives the last session: processes, and sockets that have none. */
#include "engine.h"

#include "kill-uid.h"
#include "procscan.h"
#include "sockets.h"

#include <errno.h>
#include <syslog.h>

#define KILL_MS 2000L /* who waits for a disk or a lost server may take longer: then it stays held */
#define KILL_STEP_MS 5L

const struct procscan *operation_processes(struct operation *op)
{
	struct fault why = { 0 };

	if (!ledger_sees_processes(op->ledger) || op->scan || op->scan_failed)
		return op->scan;
	if (procscan_take(&op->deadline, &why, &op->scan)) {
		op->scan_failed = true;
		ctx_log(op->ctx, LOG_WARNING, "nothing is released: %s", why.line);
	}
	return op->scan;
}

/* After the processes: one that ends in between leaves its sockets to this look. */
static const struct sockets *look_at_sockets(struct operation *op)
{
	struct fault why = { 0 };

	if (op->sockets || op->sockets_failed)
		return op->sockets;
	if (sockets_take(&op->deadline, &why, &op->sockets)) {
		op->sockets_failed = true;
		ctx_log(op->ctx, LOG_WARNING, "nothing is released: %s", why.line);
	}
	return op->sockets;
}

void operation_look_again(struct operation *op)
{
	procscan_free(op->scan);
	sockets_free(op->sockets);
	op->scan = NULL;
	op->sockets = NULL;
}

bool operation_has_leftovers(struct operation *op, const struct uid_ranges *uids)
{
	const struct procscan *scan = operation_processes(op);
	const struct sockets *sockets;

	if (!scan || procscan_count_all(scan, uids) > 0)
		return true;
	sockets = look_at_sockets(op);
	return !sockets || sockets_count_all(sockets, uids) > 0;
}

static unsigned int count_processes(struct operation *op, const struct uid_ranges *uids)
{
	const struct procscan *scan = operation_processes(op);

	return scan ? procscan_count_all(scan, uids) : 0;
}

/* One uid after the other: those that somebody has. */
static int kill_range(struct operation *op, struct uid_range uids, const struct deadline *soon, struct fault *why)
{
	uid_t uid;
	int r = 0;

	while ((!r || r == -EAGAIN) && procscan_first_uid(op->scan, uids, &uid)) {
		fault_clear(why);
		r = kill_uid(uid, op->scan, soon, why);
		if (uid == uids.last)
			break;
		uids.first = uid + 1;
	}
	return r;
}

static int kill_all(struct operation *op, const struct uid_ranges *uids, const struct deadline *soon,
		    struct fault *why)
{
	int r = 0;

	for (size_t i = 0; (!r || r == -EAGAIN) && i < uids->count; i++)
		r = kill_range(op, uids->items[i], soon, why);
	return r;
}

void operation_end_leftovers(struct operation *op, const struct uid_ranges *uids)
{
	const struct deadline soon = deadline_sooner(op->deadline, deadline_in_ms(KILL_MS));
	unsigned int first = count_processes(op, uids), count = first;
	uid_t uid = uids->items[0].first;
	struct fault why = { 0 };

	while (count > 0) {
		int r = kill_all(op, uids, &soon, &why);

		if ((r && r != -EAGAIN) || !deadline_pause(&soon, KILL_STEP_MS))
			break;
		fault_clear(&why);
		operation_look_again(op);
		count = count_processes(op, uids);
	}
	if (count > 0)
		ctx_log(op->ctx, LOG_WARNING, "uid %u: %u of its processes cannot be ended, it stays held%s%s", uid,
			count, why.error ? ": " : "", why.line);
	else if (first > 0)
		ctx_log(op->ctx, LOG_NOTICE, "uid %u: ended what its last session left: processes=%u", uid, first);
}

void operation_tell_blind_spots(struct operation *op)
{
	const struct sockets *sockets = look_at_sockets(op);

	if (sockets && sockets_missing(sockets)[0])
		ctx_log(op->ctx, LOG_NOTICE,
			"sockets that outlive their processes are not looked for: load the modules %s",
			sockets_missing(sockets));
}
