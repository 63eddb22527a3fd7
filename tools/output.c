/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

struct cell {
	char *text; /* escaped */
	size_t width;
	enum colour colour;
};

static const char *const colour_codes[] = {
	[COLOUR_NONE] = "",	    [COLOUR_GREEN] = "\033[32m", [COLOUR_YELLOW] = "\033[33m",
	[COLOUR_CYAN] = "\033[36m", [COLOUR_RED] = "\033[31m",
};

void output_begin(struct output *output)
{
	output->stream = must(open_memstream(&output->text, &output->length));
}

/* 0 or a negative errno. */
static int write_all(const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDOUT_FILENO, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		length -= (size_t)written;
	}
	return 0;
}

int output_now(const char *text)
{
	return write_all(text, strlen(text));
}

enum exit_code output_finish(struct output *output, enum exit_code code)
{
	int error;

	if (fclose(output->stream) != 0)
		must(NULL);
	error = write_all(output->text, output->length);
	/* Some file systems say only now that the disk is full. */
	if (close(STDOUT_FILENO) < 0 && !error && output->length > 0)
		error = -errno;
	free(output->text);
	if (!error)
		return code;
	/* A reader that has seen enough needs no word about it. */
	if (error != -EPIPE)
		complain("standard output: cannot write: %s", strerror(-error));
	return EXIT_FAILED;
}

bool output_coloured(enum colour_mode mode)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (mode != COLOUR_AUTO)
		return mode == COLOUR_ALWAYS;
	if (no_color && *no_color)
		return false;
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

static void print_coloured(FILE *out, const char *safe, enum colour colour, bool coloured)
{
	if (coloured && colour != COLOUR_NONE)
		fprintf(out, "%s%s\033[0m", colour_codes[colour], safe);
	else
		fputs(safe, out);
}

void output_coloured_text(FILE *out, const char *text, enum colour colour, bool coloured)
{
	char *safe = text_escape(text, 0);

	print_coloured(out, safe, colour, coloured);
	free(safe);
}

void table_add_coloured(struct table *table, const char *text, enum colour colour)
{
	struct cell *cell;

	table->cells = must(reallocarray(table->cells, table->cell_count + 1, sizeof(*cell)));
	cell = &table->cells[table->cell_count++];
	cell->text = text_escape(*text ? text : "-", 0);
	cell->width = text_width(cell->text);
	cell->colour = colour;
}

void table_add(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list list;
	int length;

	va_start(list, format);
	length = vasprintf(&text, format, list);
	va_end(list);
	if (length < 0)
		must(NULL);
	table_add_coloured(table, text, COLOUR_NONE);
	free(text);
}

static size_t column_width(const struct table *table, size_t column, bool legend)
{
	size_t width = legend ? strlen(table->columns[column].title) : 0;

	for (size_t i = column; i < table->cell_count; i += table->column_count) {
		if (table->cells[i].width > width)
			width = table->cells[i].width;
	}
	return width;
}

static void print_cell(const struct table *table, FILE *out, size_t column, size_t width,
		       const struct cell *cell, bool coloured)
{
	size_t pad = width - cell->width;
	bool right = table->columns[column].align == ALIGN_RIGHT;

	if (column > 0)
		fputs("  ", out);
	if (right)
		fprintf(out, "%*s", (int)pad, "");
	print_coloured(out, cell->text, cell->colour, coloured);
	if (!right && column + 1 < table->column_count)
		fprintf(out, "%*s", (int)pad, "");
}

static void print_titles(const struct table *table, FILE *out, const size_t *widths)
{
	for (size_t i = 0; i < table->column_count; i++) {
		char *title = (char *)table->columns[i].title;
		struct cell cell = { .text = title, .width = strlen(title) };

		print_cell(table, out, i, widths[i], &cell, false);
	}
	putc('\n', out);
}

void table_print(struct table *table, FILE *out, const char *indent, bool legend, bool coloured)
{
	size_t *widths = must(calloc(table->column_count, sizeof(*widths)));

	for (size_t i = 0; i < table->column_count; i++)
		widths[i] = column_width(table, i, legend);
	if (legend) {
		fputs(indent, out);
		print_titles(table, out, widths);
	}
	for (size_t i = 0; i < table->cell_count; i++) {
		size_t column = i % table->column_count;

		if (column == 0)
			fputs(indent, out);
		print_cell(table, out, column, widths[column], &table->cells[i], coloured);
		if (column + 1 == table->column_count)
			putc('\n', out);
		free(table->cells[i].text);
	}
	free(widths);
	free(table->cells);
	table->cells = NULL;
	table->cell_count = 0;
}

json_t *output_json_string(const char *text)
{
	json_t *string = json_string(text);
	char *safe;

	if (string)
		return string;
	safe = text_escape(text, TEXT_ASCII);
	string = json_string(safe);
	free(safe);
	return string;
}

json_t *output_json_lines(char *const *lines)
{
	json_t *array = must(json_array());

	for (; *lines; lines++) {
		if (json_array_append_new(array, output_json_string(*lines)) < 0)
			must(NULL);
	}
	return array;
}

json_t *output_json_ranges(const struct egress_uid_range *ranges, size_t count)
{
	json_t *array = must(json_array());

	for (size_t i = 0; i < count; i++) {
		if (json_array_append_new(array, json_pack("[I, I]", (json_int_t)ranges[i].first,
							   (json_int_t)ranges[i].last)) < 0)
			must(NULL);
	}
	return array;
}

void output_json(FILE *out, json_t *document)
{
	/* ASCII: a terminal that shows the document obeys C1 control characters, too. */
	char *text = must(json_dumps(must(document), JSON_INDENT(2) | JSON_ENSURE_ASCII));

	fprintf(out, "%s\n", text);
	free(text);
	json_decref(document);
}
