/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_BACKEND_NFTABLES_H
#define EGRESS_BACKEND_NFTABLES_H

/* What the files of the nftables backend share. */
#include "backend.h"
#include "nft-link.h"

#include <stdbool.h>

struct backend {
	struct deadline deadline;
	char changed[BACKEND_CHANGED_MAX]; /* by the last change */
	struct nft_link link; /* not open until the kernel is asked: a question may load modules */
};

/* 1: the link is open; 0: nf_tables is not loaded, so nothing stands, and NEEDED is false; or an error. */
int nftables_link(struct backend *backend, bool needed, struct fault *fault);

/* Says in FAULT what went wrong, what it means and what to do. Returns the error for the seam. */
int nftables_fault(struct fault *fault, int error, const char *what);

int nftables_list(struct backend *backend, const struct uid_range *only, struct fault *fault,
		  struct standing **ret, size_t *ret_count);

#endif
