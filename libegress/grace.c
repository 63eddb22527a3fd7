/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grace.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LONG_ENOUGH_MS 50L /* for a packet to be preempted and go on, where there is no such call */

/* The kernel's hooks run under RCU; this call is synchronize_rcu() and nothing else. */
void grace_period(const struct deadline *deadline)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		deadline_pause(deadline, LONG_ENOUGH_MS);
}
