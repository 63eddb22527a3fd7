/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend.h"

#include "util.h"

static int nftables_probe(struct fault *fault, enum backend_presence *ret)
{
	(void)ret;
	return fault_set(fault, -EOPNOTSUPP, "nftables: not yet");
}

const struct backend_ops backend_nftables = {
	.name = "nftables",
	.probe = nftables_probe,
};
