/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "backend.h"

const struct backend_ops *const backends[] = {
#ifdef HAVE_BACKEND_IPTABLES
	&backend_iptables,
#endif
#ifdef HAVE_BACKEND_NFTABLES
	&backend_nftables,
#endif
	NULL,
};
_Static_assert(sizeof(backends) / sizeof(backends[0]) <= BACKENDS_MAX + 1, "BACKENDS_MAX");
