/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PAM_EGRESS_OPTIONS_H
#define PAM_EGRESS_OPTIONS_H

#include <stdbool.h>

/* The arguments of the module's line in a PAM file; the strings are PAM's. */
struct options {
	const char *config; /* absolute path, or NULL: the installation's */
	bool debug, quiet, unhardened;
	const char *bad; /* the first argument that is not one, or NULL */
};

void options_parse(int argc, const char **argv, struct options *ret);

#endif
