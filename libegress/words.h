/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_WORDS_H
#define EGRESS_WORDS_H

/*
 * The words of the configuration and of the rendered plan, and what they stand for. Each table ends
 * with a NULL text.
 */
struct word {
	const char *text;
	int value;
};

extern const struct word words_backend[]; /* enum backend_choice */
extern const struct word words_existing_sockets[]; /* enum existing_sockets */
extern const struct word words_hardening[]; /* enum hardening */
extern const struct word words_hold[];    /* enum hold */
extern const struct word words_last_close[]; /* enum last_close */
extern const struct word words_layer[];   /* enum layer */
extern const struct word words_period[];  /* seconds */
extern const struct word words_proto[];   /* PROTO_ANY and IPPROTO_ numbers that "proto" takes */
extern const struct word words_reject[];  /* enum reject */
extern const struct word words_socket_families[]; /* enum socket_families */
extern const struct word words_subordinate_ids[]; /* enum subordinate_ids */

/* 0, or -ENOENT with *ret untouched. */
int word_value(const struct word *words, const char *text, int *ret);
/* NULL if no word stands for the value. */
const char *word_text(const struct word *words, int value);

#endif
