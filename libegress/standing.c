/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend.h"
#include "util.h"

#include <stdarg.h>
#include <stdio.h>

static void standing_clear(struct standing *standing)
{
	for (char **line = standing->drift; line && *line; line++)
		free(*line);
	free(standing->drift);
	plan_clear(&standing->plan);
}

void standing_free(struct standing *standing, size_t count)
{
	if (!standing)
		return;
	for (size_t i = 0; i < count; i++)
		standing_clear(&standing[i]);
	free(standing);
}

static int compare_uids(const void *key, const void *standing)
{
	return uid_range_compare(*(const struct uid_range *)key,
				 ((const struct standing *)standing)->plan.uids);
}

const struct standing *standing_find(const struct standing *standing, size_t count,
				     struct uid_range uids)
{
	return count ? bsearch(&uids, standing, count, sizeof(*standing), compare_uids) : NULL;
}

static size_t standing_drift_count(const struct standing *standing)
{
	size_t count = 0;

	while (standing->drift && standing->drift[count])
		count++;
	return count;
}

int standing_add_drift(struct standing *standing, const char *format, ...)
{
	size_t count = standing_drift_count(standing);
	AUTO_FREE char *line = NULL;
	char **grown;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&line, format, args);
	va_end(args);
	if (length < 0) {
		line = NULL; /* vasprintf leaves it undefined */
		return -ENOMEM;
	}
	grown = reallocarray(standing->drift, count + 2, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[count] = util_steal(line);
	grown[count + 1] = NULL;
	standing->drift = grown;
	return 0;
}
