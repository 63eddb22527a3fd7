/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "exit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "text.h"

enum exit_code exit_of(int error)
{
	switch (error) {
	case 0:
		return EXIT_DONE;
	case -EBUSY:
		return EXIT_BUSY;
	case -ENOENT:
		return EXIT_NO;
	default:
		return EXIT_FAILED;
	}
}

void *must(void *pointer)
{
	if (!pointer) {
		fputs("egressctl: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	return pointer;
}

__attribute__((format(printf, 1, 0))) static void complain_list(const char *format, va_list list)
{
	char *line = NULL;
	char *safe;

	if (vasprintf(&line, format, list) < 0)
		must(NULL);
	safe = text_escape(line, 0);
	fprintf(stderr, "egressctl: %s\n", safe);
	free(safe);
	free(line);
}

void complain(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	complain_list(format, list);
	va_end(list);
}

enum exit_code exit_usage(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	complain_list(format, list);
	va_end(list);
	return EXIT_USAGE;
}

enum exit_code exit_failed(const struct egress_ctx *ctx, int error)
{
	complain("%s", egress_ctx_error(ctx));
	return exit_of(error);
}

enum exit_code exit_failed_user(const struct egress_ctx *ctx, int error, const char *user)
{
	enum exit_code code = exit_failed(ctx, error);

	return code == EXIT_NO && !args_user_exists(user) ? EXIT_FAILED : code;
}
