/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_FAULT_H
#define EGRESS_FAULT_H

/*
 * One line about what failed. Every internal function that can fail for a reason worth telling
 * takes a struct fault and returns the negative errno that it stored there:
 *
 *	return fault_set(fault, -EBADMSG, "%s:%u: unknown key \"%s\"", file, line, key);
 *
 * A line reads OBJECT: WHAT: WHY. The first fault stays: a cleanup that fails too does not hide it.
 * FAULT may be NULL where nobody wants the text.
 */
#define FAULT_LINE_MAX 512

struct fault {
	int error; /* negative errno, 0 while nothing failed */
	char line[FAULT_LINE_MAX];
};

int fault_set(struct fault *fault, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void fault_clear(struct fault *fault);

/* Makes control characters '?': nobody writes a second line into the log by his name. fault_set does it. */
void fault_clean_line(char *line);

#endif
