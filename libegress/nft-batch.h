/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_NFT_BATCH_H
#define EGRESS_NFT_BATCH_H

/*
 * Changes to the table "inet egress", gathered and sent as one transaction: the kernel does all of them or
 * none. A call that finds no memory marks the batch as failed, which nft_batch_send tells.
 */
#include "nft-link.h"
#include "nft-rule.h"

struct nlmsghdr;

/* What the kernel counts in an element of a set. */
struct nft_element {
	struct uid_range uids; /* one uid, or a segment of ranges */
	uint64_t packets, bytes;
};

struct nft_batch {
	unsigned char *data;
	size_t length, room;
	uint32_t first, next; /* numbers of messages */
	size_t changes;
	bool failed;
};

/* GENERATION: see nft_link_generation; 0: whatever happened since. */
void nft_batch_begin(struct nft_batch *batch, const struct nft_link *link, uint32_t generation);
/* Sends it if it changes anything. Errors: those of nft_link_send. */
int nft_batch_send(struct nft_batch *batch, struct nft_link *link);
void nft_batch_clear(struct nft_batch *batch); /* takes a zeroed one */

void nft_batch_add_table(struct nft_batch *batch); /* also wakes a dormant one */
/* Refused with -ESTALE if anything is left in it, which is then not ours. */
void nft_batch_delete_table(struct nft_batch *batch);
void nft_batch_add_base(struct nft_batch *batch); /* the chain with the hook */
void nft_batch_add_chain(struct nft_batch *batch, const char *name);
void nft_batch_delete_chain(struct nft_batch *batch, const char *name); /* its rules too */
void nft_batch_flush_chain(struct nft_batch *batch, const char *name);
void nft_batch_add_line(struct nft_batch *batch, const char *chain, const struct nft_line *line);
/* LOG: of the sets of NFT_LOGGED. */
/* SIZE: elements at most, or the kernel would choose a table that it resizes, and a list made meanwhile can miss
 * elements. */
void nft_batch_add_set(struct nft_batch *batch, const char *key, enum nft_role role, const struct log_rule *log,
		       uint32_t size);
void nft_batch_delete_set(struct nft_batch *batch, const char *name);

/* With what the elements carry for those that count. */
void nft_batch_add_elements(struct nft_batch *batch, const char *key, enum nft_role role,
			    const struct nft_element *elements, size_t count);
void nft_batch_delete_elements(struct nft_batch *batch, const char *key, enum nft_role role,
			       const struct nft_element *elements, size_t count);

/* What the files of the batch share: the header of the next message at the end of the batch (NULL: no memory),
 * with room for 128 KiB, and the end of that message. */
struct nlmsghdr *nft_batch_start(struct nft_batch *batch, uint16_t type, uint16_t flags);
void nft_batch_finish(struct nft_batch *batch, const struct nlmsghdr *message);
void nft_batch_put_comment(struct nlmsghdr *message, uint16_t attribute, const char *text);

/* The ranges that are held as one: a set of first and last uids, with the keys of their plans as comments. */
void nft_batch_add_ranges_set(struct nft_batch *batch, uint32_t size);
void nft_batch_add_range(struct nft_batch *batch, struct uid_range uids, const char *key);
void nft_batch_delete_range(struct nft_batch *batch, struct uid_range uids);

/* Where a comment lies in the bytes that the kernel keeps with an object for us. NULL: there is none. */
const char *nft_comment(const void *userdata, size_t length);
#define NFT_TABLE_COMMENT "libegress: accounts held to their proxies; see egressctl(8)"

#endif
