/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <string.h>

void options_parse(int argc, const char **argv, struct options *ret)
{
	static const char config[] = "config=/";
	struct options options = { 0 };

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "debug") == 0)
			options.debug = true;
		else if (strcmp(argv[i], "quiet") == 0)
			options.quiet = true;
		else if (strcmp(argv[i], "harden=no") == 0)
			options.unhardened = true;
		else if (strncmp(argv[i], config, strlen(config)) == 0)
			options.config = strchr(argv[i], '/');
		else if (!options.bad)
			options.bad = argv[i];
	}
	*ret = options;
}
