/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_PROCSCAN_H
#define EGRESS_PROCSCAN_H

/* What runs, and as whom: read from /proc. */
#include "addr.h"
#include "deadline.h"
#include "fault.h"
#include "uid-ranges.h"

#include <stdint.h>

/* Clock ticks since boot at which PID started; -ESRCH: no such process, or only a zombie; -EIO. */
int procscan_start_time(pid_t pid, uint64_t *ret);

/* A snapshot of the uids of all living threads. */
struct procscan;

/*
 * One pass over /proc by DEADLINE, and by two seconds from now. A pass that process ids overtook by
 * wrapping round is repeated. -EIO: who runs cannot be known, -ETIMEDOUT, -ENOMEM.
 */
int procscan_take(const struct deadline *deadline, struct fault *fault, struct procscan **ret);
void procscan_free(struct procscan *scan); /* takes NULL */

/* Processes with a living thread any of whose four uids is in the range. */
unsigned int procscan_count(const struct procscan *scan, struct uid_range uids);

/* The same of all the ranges: one that has uids in several is one. */
unsigned int procscan_count_all(const struct procscan *scan, const struct uid_ranges *uids);
/* The lowest uid in the range that somebody has; false if nobody has any. */
bool procscan_first_uid(const struct procscan *scan, struct uid_range uids, uid_t *ret);

/*
 * Does a program run setuid root for somebody else that started at SINCE (as procscan_start_time) or later?
 * Such as su's child, stopped by its caller before it became the account.
 */
bool procscan_has_passage(const struct procscan *scan, uint64_t since);

#endif
