/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_XT_BLOB_H
#define EGRESS_XT_BLOB_H

/* One x_tables entry as it lies in memory: head, matches, one target. Pure. */
#include "xt-family.h"

#include <netinet/in.h>

#define MATCH_OWNER "owner"
#define MATCH_LIMIT "limit"
#define TARGET_LOG "NFLOG"
#define TARGET_REJECT "REJECT"
#define TARGET_RETURN "RETURN"
#define TARGET_DROP "DROP"
#define MATCH_U32 "u32"
#define MATCH_RT "rt"

/* Head, three matches at most of an account's rules, or one of u32, and target; asserted in xt-blob.c. */
#define XT_BLOB_MAX 2304

struct xt_blob {
	_Alignas(8) unsigned char bytes[XT_BLOB_MAX]; /* beyond the entry: not set */
};

/* Writing: start, then matches, then one target. */
void xt_blob_start(const struct xt_family *family, struct xt_blob *blob);
/* Returns where the match's data goes: zeros, DATA_SIZE bytes. */
void *xt_blob_add_match(const struct xt_family *family, struct xt_blob *blob, const char *name,
			uint8_t revision, size_t data_size);
void *xt_blob_set_target(const struct xt_family *family, struct xt_blob *blob, const char *name,
			 size_t data_size);
/* libiptc turns the name of a verdict or a chain into the number that the kernel wants. */
void xt_blob_set_standard_target(const struct xt_family *family, struct xt_blob *blob, const char *name);

/* Is ENTRY, with its TARGET, what the kernel makes of OURS, which names its target? */
bool xt_entry_same(const struct xt_family *family, const void *ours, const void *entry,
		   const char *target);

size_t xt_entry_size(const struct xt_family *family, const void *entry);
const struct xt_counters *xt_entry_counters(const struct xt_family *family, const void *entry);
/* The target inside ENTRY; a standard one (verdict, jump) has an empty name in the kernel. */
struct xt_entry_target *xt_entry_target_of(const struct xt_family *family, const void *entry);

const void *xt_at(const void *entry, size_t offset);
uint16_t xt_get_u16(const void *entry, size_t offset);
void xt_put_u16(void *entry, size_t offset, size_t value);

#endif
