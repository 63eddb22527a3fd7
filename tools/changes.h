/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_CHANGES_H
#define EGRESSCTL_CHANGES_H

/* What sync and reap say. */
#include "tool.h"

void changes_print(const struct tool *tool, const struct egress_changes *changes);

#endif
