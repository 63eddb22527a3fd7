/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *fault, int error, const char *format, ...)
{
	va_list args;

	if (!fault || fault->error)
		return error;
	fault->error = error;
	va_start(args, format);
	vsnprintf(fault->line, sizeof(fault->line), format, args);
	va_end(args);
	return error;
}

void fault_clear(struct fault *fault)
{
	if (!fault)
		return;
	fault->error = 0;
	fault->line[0] = '\0';
}
