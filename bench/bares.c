/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "bare.h"

#include <string.h>

static const struct bare_ops *const bares[] = {
#ifdef HAVE_BACKEND_IPTABLES
	&bare_iptables,
#endif
#ifdef HAVE_BACKEND_NFTABLES
	&bare_nftables,
#endif
	NULL,
};

const struct bare_ops *bare_find(const char *backend)
{
	for (size_t i = 0; bares[i]; i++) {
		if (strcmp(bares[i]->backend, backend) == 0)
			return bares[i];
	}
	return NULL;
}
