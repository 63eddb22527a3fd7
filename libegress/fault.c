/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

void fault_clean_line(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = '?';
}

int fault_set(struct fault *fault, int error, const char *format, ...)
{
	va_list args;

	if (!fault || fault->error)
		return error;
	fault->error = error;
	va_start(args, format);
	vsnprintf(fault->line, sizeof(fault->line), format, args);
	va_end(args);
	fault_clean_line(fault->line);
	return error;
}

void fault_clear(struct fault *fault)
{
	if (!fault)
		return;
	fault->error = 0;
	fault->line[0] = '\0';
}
