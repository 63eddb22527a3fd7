/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_PIN_H
#define EGRESSCTL_PIN_H

/* What hold and release say. */
#include "tool.h"

void pin_print(const struct tool *tool, const char *account, bool pinned);

#endif
