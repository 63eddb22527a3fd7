/* SPDX-License-Identifier: GPL-2.0-or-later */
/* without-seccomp CMD...: a kernel without CONFIG_SECCOMP_FILTER, as far as CMD can tell. Needs to be root. */
#include "../unit/lose-seccomp.h"

#include <err.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2 || lose_seccomp())
		errx(125, "no filter");
	execvp(argv[1], argv + 1);
	err(126, "%s", argv[1]);
}
