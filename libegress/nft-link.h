/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_NFT_LINK_H
#define EGRESS_NFT_LINK_H

/* Questions to nf_tables and batches for it, over one netlink socket. Every wait ends at the deadline. */
#include "deadline.h"

#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;
struct mnl_socket;

struct nft_link {
	struct mnl_socket *socket;
	struct mnl_socket *spent; /* with a list that was not read to its end */
	struct deadline deadline;
	uint32_t sequence;
	unsigned char *buffer; /* for what is received */
};

/* -EOPNOTSUPP, -EPERM, -ENOMEM. */
int nft_link_open(struct nft_link *link, const struct deadline *deadline);
void nft_link_close(struct nft_link *link); /* takes a zeroed or closed one */

/* The header of a question, in BUFFER; the caller adds its payload. */
#define NFT_QUESTION_MAX 1024

/* The number of the rule set: a batch that names it is refused, with -ESTALE, if anybody changed anything since. */
int nft_link_generation(struct nft_link *link, uint32_t *ret);
struct nlmsghdr *nft_link_question(void *buffer, uint16_t type, uint16_t flags);

/*
 * What to do with each message of an answer: 0 go on, 1 enough, or a negative errno. RESET (may be NULL)
 * is called before a list is read again from its start because the tables changed meanwhile.
 */
struct nft_reader {
	int (*message)(const struct nlmsghdr *message, void *data);
	void (*reset)(void *data);
	void *data;
};

/* Asks, with NLM_F_DUMP in the flags for a list. Errors: -ENOENT it is not there, -EAGAIN it kept changing,
 * -ETIMEDOUT, -EPERM, -EOPNOTSUPP, -ENOMEM, -EIO, and what the reader says. */
int nft_link_ask(struct nft_link *link, struct nlmsghdr *question, const struct nft_reader *reader);

/*
 * Sends a whole batch, whose messages have the numbers FIRST to LAST; only the one before the batch's end asks
 * for an answer. 0: all of it stands. Errors besides those of nft_link_ask: -ESTALE what it speaks of is not, or
 * no more, as it was thought to be; -ENOSPC a set is full. After -ETIMEDOUT and -ENOBUFS nobody knows whether it stands.
 */
int nft_link_send(struct nft_link *link, const void *batch, size_t length, uint32_t first, uint32_t last);

#endif
