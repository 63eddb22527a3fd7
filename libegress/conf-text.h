/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CONF_TEXT_H
#define EGRESS_CONF_TEXT_H

#include "conf.h"

#include <stdio.h>

/*
 * What libconfig would read in silence as something else, or would do on our behalf, is refused before
 * it sees the text: @include, NUL, numbers that wrap or are not plainly decimal, escapes that differ
 * between its releases, strings and comments without an end; and what would make it slow or recurse:
 * deep nesting, huge groups. 0, or -EBADMSG with "FILE:LINE: WHAT".
 */
int conf_text_check(const struct conf_text *text, struct fault *fault);

/* The string as it would be written in the configuration, with its quotes. */
void conf_text_put_string(FILE *stream, const char *string);

/*
 * For a message: in quotes, with control characters as \xNN and all else as it is, cut to a size that
 * leaves room for the rest of the line.
 */
#define TOKEN_TEXT_MAX 104
char *conf_text_quote(const char *token, size_t length, char text[TOKEN_TEXT_MAX]);

/*
 * The last line up to LINE that holds the string in quotes, else LINE: libconfig reports the strings of
 * an array at the line of the token after them.
 */
unsigned int conf_text_string_line(const char *text, const char *string, unsigned int line);

/* Does TEXT, from after an opening quote, read as the string, up to the closing quote? */
bool conf_text_string_is(const char *text, const char *string);

/* The line without the blanks around it; *ret_length is its length. */
const char *conf_text_line(const char *text, unsigned int line, size_t *ret_length);
unsigned int conf_text_last_line(const char *text); /* its number */

#endif
