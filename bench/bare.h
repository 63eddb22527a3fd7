/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_BENCH_BARE_H
#define EGRESS_BENCH_BARE_H

/*
 * The yardstick: the same rules, written and read back as often as a backend does, by the plain
 * library and nothing around it. No comparison, no lock, no plan. For the network namespace where
 * we are.
 */
#include "bench.h"

#include <stdio.h>

struct bare; /* what was learned */

struct bare_ops {
	const char *backend;

	/* From what the seam made stand here. */
	struct bare *(*learn)(void);
	void (*free)(struct bare *bare);

	/*
	 * One more account with rules like those that stand, at a uid that is not held: written, and read
	 * back.
	 */
	void (*hold)(struct bare *bare, uid_t uid);
	void (*release)(struct bare *bare, uid_t uid);

	/*
	 * All that was learned: cleared, which is nobody's time; then written where nothing is, and
	 * read back.
	 */
	void (*clear)(struct bare *bare);
	void (*build)(struct bare *bare);

	/* What "nft -f" is told to add or delete one account; NULL where the tool is another. */
	void (*script)(const struct bare *bare, const char *verb, uid_t uid, FILE *out);
};

extern const struct bare_ops bare_iptables, bare_nftables;
/* NULL if there is none. */
const struct bare_ops *bare_find(const char *backend);

#endif
