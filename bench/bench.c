/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include "util.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void *need(void *memory)
{
	if (!memory)
		die("out of memory");
	return memory;
}

double clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

void series_add(struct series *series, double value)
{
	if (series->count == series->room) {
		series->room = series->room ? series->room * 2 : 64;
		series->values = need(
			reallocarray(series->values, series->room, sizeof(*series->values)));
	}
	series->values[series->count++] = value;
}

void series_clear(struct series *series)
{
	free(series->values);
	*series = (struct series){ 0 };
}

static int compare_values(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value below which the share PART of the series lies. */
static double quantile(const struct series *series, double part)
{
	AUTO_FREE double *sorted = need(calloc(series->count, sizeof(*sorted)));
	double place = part * (double)(series->count - 1);
	size_t below = (size_t)place;
	size_t above = below + 1 < series->count ? below + 1 : below;

	memcpy(sorted, series->values, series->count * sizeof(*sorted));
	qsort(sorted, series->count, sizeof(*sorted), compare_values);
	return sorted[below] + (sorted[above] - sorted[below]) * (place - (double)below);
}

double series_median(const struct series *series)
{
	return quantile(series, 0.5);
}

void emit(struct label label, const struct series *series)
{
	printf("%s\t%s\t%s\t%zu\t%s\t%.6g\t%.6g\t%.6g\n", label.figure, label.backend, label.layout,
	       label.accounts, label.unit, series_median(series), quantile(series, 0.25),
	       quantile(series, 0.75));
	fflush(stdout);
}

void emit_value(struct label label, double value)
{
	emit(label, &(struct series){ .values = &value, .count = 1, .room = 1 });
}

void emit_unavailable(const char *figure, const char *backend, const char *why)
{
	printf("%s\t%s\t-\t0\tunavailable\t%s\n", figure, backend, why);
	fflush(stdout);
}

static void parse_counts(char *text, struct options *ret)
{
	ret->count_count = 0;
	for (char *word; (word = strsep(&text, ","));) {
		unsigned long count = strtoul(word, NULL, 10);

		if (count == 0 || ret->count_count == COUNTS_MAX)
			die("cannot use \"%s\"", word);
		ret->counts[ret->count_count++] = count;
	}
}

void options_parse(int argc, char **argv, struct options *ret)
{
	int option;

	*ret = (struct options){ .counts = { 10, 100, 1000, 10000 },
				 .count_count = 4,
				 .rounds = 400 };
	while ((option = getopt(argc, argv, "+n:r:w:")) != -1) {
		if (option == 'n')
			parse_counts(optarg, ret);
		else if (option == 'r')
			ret->rounds = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 'w')
			ret->why = optarg;
		else
			exit(2);
	}
	if (ret->rounds == 0)
		die("no rounds");
}

unsigned int options_rounds(const struct options *options, double cost_us, double seconds,
			    unsigned int fewest)
{
	double rounds = seconds * 1e6 / cost_us;

	if (fewest > options->rounds)
		fewest = options->rounds;
	if (rounds > options->rounds)
		return options->rounds;
	return rounds < fewest ? fewest : (unsigned int)rounds;
}
