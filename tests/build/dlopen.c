/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dlopen FILE SYMBOL...: loads FILE as libpam does, with everything resolved, and finds the symbols. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	void *handle = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;

	if (!handle) {
		fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "usage: dlopen FILE SYMBOL...");
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		if (dlsym(handle, argv[i]))
			continue;
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	return dlclose(handle);
}
