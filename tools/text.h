/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_TEXT_H
#define EGRESSCTL_TEXT_H

/* Text that others chose (names, hosts, terminals), made fit for a terminal and for columns. */
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "egress.h"

#define TEXT_ASCII 1U /* escape all that is not ASCII, whatever the locale */
#define TEXT_BLOCK 2U /* newlines and tabs stay */

/*
 * TEXT with each byte that is not part of a printable character as \xNN: a name cannot move the
 * cursor, end the line or turn the reading direction. Malloced, never NULL.
 */
char *text_escape(const char *text, unsigned int flags);

/* Columns that TEXT, already escaped, takes on a terminal. */
size_t text_width(const char *text);

#define TEXT_RANGE_MAX 24
char *text_range(const struct egress_uid_range *range, char text[TEXT_RANGE_MAX]); /* "2001", "20000-29999" */

#define TEXT_BYTES_MAX 32
char *text_bytes(uint64_t bytes, char text[TEXT_BYTES_MAX]); /* "180 B", "4.0 KiB" */

#define TEXT_TIME_MAX 40
/* ISO 8601, UTC; "" if no calendar has it. */
char *text_time(time_t time, char text[TEXT_TIME_MAX]);

#endif
