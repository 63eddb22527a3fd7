/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_XT_FAMILY_H
#define EGRESS_XT_FAMILY_H

/*
 * What differs between IPv4 and IPv6 in x_tables, as data: a constant table of two rows. Only
 * xt-*.c and backend-iptables*.c know libiptc, and none of them asks which family it works for.
 */
#include "plan.h"

#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
#include <libiptc/libxtc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Where the head of an entry keeps things: offsets from the start of the entry, sizes in bytes. */
struct xt_layout {
	size_t head_size; /* the first match, or the target, comes after it */
	size_t match_size; /* of the part that the kernel compares with a packet */
	size_t address_size;
	size_t source, source_mask;
	size_t destination, destination_mask;
	size_t out_interface, out_interface_mask; /* names, IFNAMSIZ bytes */
	size_t proto, flags;
	size_t target_offset, next_offset;
	size_t counters;
};

struct xt_family {
	sa_family_t family;
	const char *name;        /* "ipv4", as plans are rendered */
	const char *tables_file; /* names the tables that stand; missing: no x_tables */
	const char *module;      /* what an administrator loads if TABLES_FILE is missing */

	struct xt_layout layout;
	uint8_t flag_goto;
	uint8_t flag_proto; /* needed beside a protocol number, or 0 */
	uint32_t reject_reset, reject_prohibited;

	/* What packets may be under way to somewhere else, and the kernel's match of them. */
	enum match forged;
	const char *forged_match;
	const void *forged_data;
	size_t forged_size;

	/*
	 * Neutral already in libiptc. init, commit and the like: errno is valid after a failure
	 * only.
	 */
	const struct xtc_ops *ops;

	/* Typed in libiptc; the rest of an entry's life is the same. */
	const void *(*first_rule)(const char *chain, struct xtc_handle *handle);
	const void *(*next_rule)(const void *entry, struct xtc_handle *handle);
	const char *(*get_target)(const void *entry, struct xtc_handle *handle);
	int (*insert_entry)(const xt_chainlabel chain, const void *entry, unsigned int position,
			    struct xtc_handle *handle);
	int (*delete_num_entry)(const xt_chainlabel chain, unsigned int position,
				struct xtc_handle *handle);
	int (*delete_chain)(const xt_chainlabel chain, struct xtc_handle *handle);
	int (*get_references)(unsigned int *references, const xt_chainlabel chain,
			      struct xtc_handle *handle);
};

#define XT_FAMILY_COUNT 2
extern const struct xt_family xt_families[XT_FAMILY_COUNT];

#define XT_TABLE_FILTER "filter"

/*
 * What libiptc leaves in errno, negative at times, as one of our closed set; OTHERWISE for the
 * rest.
 */
int xt_map_errno(int error, int otherwise);

/*
 * Owner matches compare the uids outside of a user namespace: do those inside, in their order, keep it? Else a range
 * is not what it looks like, and the dispatch would lead past an account. -ENOMEM, -EIO: no /proc to ask.
 */
int xt_uids_ascend(bool *ret);

enum xt_table_state {
	XT_TABLE_UNSUPPORTED, /* no x_tables for this family, or its module is not loaded */
	XT_TABLE_ABSENT,      /* nobody has made the filter table in this network namespace yet */
	XT_TABLE_PRESENT,
};

/* Asks without loading anything. 0 or a negative errno: -EPERM, -ENOMEM, -EIO no /proc to ask. */
int xt_family_table_state(const struct xt_family *family, enum xt_table_state *ret);

#endif
