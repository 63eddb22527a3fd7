/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_KMOD_H
#define EGRESS_KMOD_H

#include <stdbool.h>

/*
 * Is a part of the kernel there, such as "nf_tables"? A module that is loaded, or part of the kernel itself; yes
 * where no module can be loaded at all, for then a question to it does no harm. Asks without loading it. Yes in
 * doubt: who removes must not be content with having asked nobody.
 */
bool kmod_is_there(const char *name);

#endif
