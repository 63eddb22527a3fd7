/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_OUTPUT_H
#define EGRESSCTL_OUTPUT_H

/* What goes to standard output: columns, JSON, the end of it. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "exit.h"

/*
 * Output is collected and written at the end, in one piece: a document is never half there because
 * of us, and the reason for a failed write is not lost in a buffer.
 */
struct output {
	FILE *stream; /* for printing to */
	char *text;
	size_t length;
};

void output_begin(struct output *output);
/* Writes it all. CODE, or EXIT_FAILED with a line on stderr if not everything could be written. */
enum exit_code output_finish(struct output *output, enum exit_code code);

/* Writes TEXT at once, for what has no end. 0 or a negative errno. */
int output_now(const char *text);

enum colour { COLOUR_NONE, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_CYAN, COLOUR_RED };

enum colour_mode { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* Colour on standard output? AUTO: on a terminal, unless NO_COLOR is set (no-color.org). */
bool output_coloured(enum colour_mode mode);

/* Prints TEXT, escaped, in COLOUR if COLOURED. */
void output_coloured_text(FILE *out, const char *text, enum colour colour, bool coloured);

enum align { ALIGN_LEFT, ALIGN_RIGHT };

struct column {
	const char *title;
	enum align align;
};

/* Rows of cells. Columns are as wide as their widest cell; nothing is cut off. */
struct table {
	const struct column *columns;
	size_t column_count;
	struct cell *cells;
	size_t cell_count;
};

/* Adds the next cell; rows fill from the left. An empty one is shown as "-". */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_add_coloured(struct table *table, const char *text, enum colour colour);
/* Prints each row after INDENT, titles first if LEGEND, and frees what the table owns. */
void table_print(struct table *table, FILE *out, const char *indent, bool legend, bool coloured);

/* TEXT as a JSON string; bytes that are not UTF-8 are escaped as in text. */
json_t *output_json_string(const char *text);
json_t *output_json_lines(char *const *lines); /* NULL-terminated */
json_t *output_json_ranges(const struct egress_uid_range *ranges, size_t count); /* [[2001, 2001], ...] */

/* Prints the document and takes it; NULL is no memory. */
void output_json(FILE *out, json_t *document);

#endif
