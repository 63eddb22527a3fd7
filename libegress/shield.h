/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SHIELD_H
#define EGRESS_SHIELD_H

/*
 * While a lock is held nobody may stop or end us half-way: not the terminal, not the caller of su, whose
 * real uid ours would be, not a CPU limit that the caller set (which stays where nobody may lift it). His limit of a
 * file's size makes writes fail, and ends nobody afterwards.
 */
#include "fault.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct shield {
	sigset_t mask;
	uid_t real, effective, saved;
	struct rlimit cpu;
	bool had_file_signal; /* SIGXFSZ, pending before */
	int policy, nice; /* of the scheduler */
	bool starved;     /* of a class that others' processes starve */
};

/* Needs effective uid 0. On failure nothing has changed. -EPERM. */
int shield_raise(struct fault *fault, struct shield *ret);
/* Restores signals, uids and limit; -EPERM if the process could not be made what it was. */
int shield_lower(const struct shield *shield, struct fault *fault);

#endif
