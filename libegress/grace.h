/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_GRACE_H
#define EGRESS_GRACE_H

/*
 * Waits until no packet is on its way any more that began before the call: it may have passed the place where new
 * rules stand by now, and come to the place of the old ones when they are gone. Some 10 ms.
 */
#include "deadline.h"

void grace_period(const struct deadline *deadline);

#endif
