/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_DRIFT_H
#define EGRESS_DRIFT_H

/* The differences between a plan and what stands, as lines for people. Pure. */
#include "backend.h"

/* *ret: NULL-terminated, empty if STANDING (NULL: nothing stands) is what PLAN asks for; free with
 * egress_lines_free. -ENOMEM. */
int drift_compare(const struct plan *plan, const struct standing *standing, char ***ret);

/* Appends a formatted line to a NULL-terminated list, which may be NULL. -ENOMEM. */
int lines_add(char ***lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
