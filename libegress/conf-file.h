/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CONF_FILE_H
#define EGRESS_CONF_FILE_H

/* The configuration on disk: read with care, and the last good one kept beside the state. */
#include "conf.h"

enum conf_from {
	CONF_FROM_FILE,      /* the file as it is now */
	CONF_FROM_LAST_GOOD, /* the file is missing or broken; this is what parsed last */
	CONF_FROM_NOWHERE,   /* missing or broken, and nothing to fall back on */
};

struct conf_view {
	struct conf *conf; /* NULL with CONF_FROM_NOWHERE */
	enum conf_from from;
	struct fault broken; /* why not CONF_FROM_FILE */
	char *raw;           /* with CONF_FROM_NOWHERE: the texts as far as they could be read, or NULL */
};

/*
 * Reads and parses PATH and conf.d beside it; falls back on what LIBDIR keeps for PATH (LIBDIR NULL: no
 * fall-back). A broken configuration is no error, see CONF_FROM_*; only -ENOMEM is one.
 * May exit(3) as conf_parse may: never call it while a lock is held. Clear with conf_view_clear.
 */
int conf_view_load(const char *path, const char *libdir, struct fault *fault, struct conf_view *ret);
void conf_view_clear(struct conf_view *view);

/* Keeps CONF as the last good one for PATH, unless it is that already. Hold the ledger's lock. -EIO. */
int conf_keep(const char *libdir, const char *path, const struct conf *conf, struct fault *fault);

#endif
