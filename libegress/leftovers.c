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

bool operation_has_leftovers(struct operation *op, struct uid_range uids)
{
	const struct procscan *scan = operation_processes(op);
	const struct sockets *sockets;

	if (!scan || procscan_count(scan, uids) > 0)
		return true;
	sockets = look_at_sockets(op);
	return !sockets || sockets_count(sockets, uids) > 0;
}

static unsigned int count_processes(struct operation *op, uid_t uid)
{
	const struct procscan *scan = operation_processes(op);

	return scan ? procscan_count(scan, (struct uid_range){ uid, uid }) : 0;
}

void operation_end_leftovers(struct operation *op, uid_t uid)
{
	const struct deadline soon = deadline_sooner(op->deadline, deadline_in_ms(KILL_MS));
	unsigned int first = count_processes(op, uid), count = first;
	struct fault why = { 0 };

	while (count > 0) {
		int r = kill_uid(uid, op->scan, &soon, &why);

		if ((r && r != -EAGAIN) || !deadline_pause(&soon, KILL_STEP_MS))
			break;
		fault_clear(&why);
		operation_look_again(op);
		count = count_processes(op, uid);
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
