/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CRASH_PLACE_H
#define CRASH_PLACE_H

/* What is seen from outside: packets, files, locks, tables. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PLACE_LIST_MAX 4096

enum verdict { REFUSED, ARRIVES, MIXED };

/* Listens on both loopback addresses, and has a socket of each uid for each. */
void place_begin(const uid_t *uids, size_t count);

/* Sends a packet as the uid in both families. MIXED: one arrived, or an error that is neither. */
enum verdict place_probe(uid_t uid);
const char *verdict_name(enum verdict verdict);

/*
 * The files below STATEDIR and LIBDIR, a line each. Left out: what is documented to stay (the lock, the folder of
 * a network namespace with its pidns file, the last good configuration). Tokens read TOKEN.
 */
void place_list(const char *statedir, const char *libdir, char text[PLACE_LIST_MAX]);
void place_remove(const char *statedir, const char *libdir);

/* Can the lock be had at once? One that is not there can. */
bool place_lock_is_free(const char *path);

/* What the tools of the backend print of all tables; malloced. */
char *place_tables(const char *backend);

#endif
