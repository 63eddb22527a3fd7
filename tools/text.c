/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "exit.h"

#define ESCAPE_LENGTH 4 /* \xNN */

static size_t printable_ascii(unsigned char byte, unsigned int flags)
{
	if ((flags & TEXT_BLOCK) && (byte == '\n' || byte == '\t'))
		return 1;
	return byte >= 0x20 && byte < 0x7f;
}

/* Bytes of the printable character that TEXT begins with; 0 if there is none. */
static size_t printable(const char *text, unsigned int flags)
{
	mbstate_t state = { 0 };
	wchar_t wide;
	size_t length;

	if ((unsigned char)*text < 0x80)
		return printable_ascii((unsigned char)*text, flags);
	if (flags & TEXT_ASCII)
		return 0;
	length = mbrtowc(&wide, text, strlen(text), &state);
	/* Width 0 has what joins, combines or turns the direction. */
	if (length > MB_CUR_MAX || wcwidth(wide) <= 0)
		return 0;
	return length;
}

char *text_escape(const char *text, unsigned int flags)
{
	char *escaped = must(malloc(strlen(text) * ESCAPE_LENGTH + 1));
	char *at = escaped;

	while (*text) {
		size_t length = printable(text, flags);

		if (length == 0) {
			at += sprintf(at, "\\x%02x", (unsigned char)*text++);
			continue;
		}
		at = mempcpy(at, text, length);
		text += length;
	}
	*at = '\0';
	return escaped;
}

size_t text_width(const char *text)
{
	mbstate_t state = { 0 };
	size_t width = 0;
	wchar_t wide;

	while (*text) {
		size_t length = mbrtowc(&wide, text, strlen(text), &state);

		if (length > MB_CUR_MAX)
			return width + strlen(text);
		width += (size_t)wcwidth(wide);
		text += length;
	}
	return width;
}

char *text_range(const struct egress_uid_range *range, char text[TEXT_RANGE_MAX])
{
	if (range->first == range->last)
		snprintf(text, TEXT_RANGE_MAX, "%u", range->first);
	else
		snprintf(text, TEXT_RANGE_MAX, "%u-%u", range->first, range->last);
	return text;
}

char *text_bytes(uint64_t bytes, char text[TEXT_BYTES_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(text, TEXT_BYTES_MAX, "%u B", (unsigned int)bytes);
		return text;
	}
	for (; value >= 1023.95 && i < sizeof(units) / sizeof(units[0]) - 1; i++)
		value /= 1024;
	snprintf(text, TEXT_BYTES_MAX, "%.1f %s", value, units[i]);
	return text;
}

char *text_time(time_t time, char text[TEXT_TIME_MAX])
{
	struct tm tm;

	if (!gmtime_r(&time, &tm) || !strftime(text, TEXT_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		text[0] = '\0';
	return text;
}
