/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_RECORD_H
#define EGRESS_RECORD_H

/* A session as text, one "key=value" a line between a header and an end line. Pure. */
#include "ledger.h"

#define RECORD_TEXT_MAX 2048

/* The text's length. */
size_t record_print(const struct session *session, char text[RECORD_TEXT_MAX]);
/* All but the token, which is the file's name. TEXT is cut up. -EBADMSG: not a whole record. */
int record_parse(char *text, struct session *ret);
/* Copies with control characters made '?'; NULL is empty; what is too long is cut. */
void record_set_text(char to[LEDGER_TEXT_MAX], const char *from);
bool record_is_token(const char *name);
bool record_is_boot(const char *text);

#endif
