/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend.h"

const struct backend_ops *const backends[] = {
	&backend_iptables,
	NULL,
};
