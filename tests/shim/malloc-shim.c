/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An LD_PRELOAD library that lets memory run out. EGRESS_MALLOC_FAIL=N: the Nth allocation finds none; how many there
 * were is written to the file EGRESS_MALLOC_COUNT when the program ends. Only while the program says so: it calls
 * malloc_shim(true) before what is tested, and malloc_shim(false) after it, if there is such a function.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static unsigned long calls, nth;
static bool armed;

void malloc_shim(bool arm);

void malloc_shim(bool arm)
{
	armed = arm;
}

__attribute__((constructor)) static void start(void)
{
	const char *text = getenv("EGRESS_MALLOC_FAIL");

	nth = text ? strtoul(text, NULL, 10) : 0;
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("EGRESS_MALLOC_COUNT");
	FILE *file;

	file = path ? fopen(path, "we") : NULL;
	if (!file)
		return;
	fprintf(file, "%lu\n", calls);
	fclose(file);
}

static bool fails(void)
{
	if (!armed || ++calls != nth)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
