/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft-link.h"

#include "util.h"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_SIZE (64 * 1024) /* the kernel fills at most 32 KiB of it with a part of a list */
#define RETRY_MS 1

static int map_errno(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return -EPERM;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return -ENOMEM;
	case EPROTONOSUPPORT:
	case EAFNOSUPPORT:
	case EOPNOTSUPP:
	case EINVAL: /* nfnetlink's word for a subsystem that is not there */
		return -EOPNOTSUPP;
	case EEXIST:
	case EBUSY:
	case ERESTART:
		return -ESTALE;
	case EMSGSIZE: /* nothing of it was sent */
		return -ENOMEM;
	case ENOENT:
	case ENOBUFS:
	case EAGAIN:
		return -error;
	default:
		return -EIO;
	}
}

static int open_socket(struct nft_link *link)
{
	link->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!link->socket || mnl_socket_bind(link->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return map_errno(errno);
	/* An error need not bring along the message that it is about. */
	(void)mnl_socket_setsockopt(link->socket, NETLINK_CAP_ACK, &(int){ 1 }, sizeof(int));
	return 0;
}

int nft_link_open(struct nft_link *link, const struct deadline *deadline)
{
	int error;

	*link = (struct nft_link){ .deadline = *deadline, .sequence = 1 };
	link->buffer = malloc(BUFFER_SIZE);
	error = link->buffer ? open_socket(link) : -ENOMEM;
	if (error)
		nft_link_close(link);
	return error;
}

void nft_link_close(struct nft_link *link)
{
	if (link->socket)
		mnl_socket_close(link->socket);
	if (link->spent)
		mnl_socket_close(link->spent);
	free(link->buffer);
	link->socket = link->spent = NULL;
	link->buffer = NULL;
}

struct nlmsghdr *nft_link_question(void *buffer, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(buffer, type, NFPROTO_INET, flags, 0);
}

/* Waits until something is there to be read. */
static int wait_for_answer(struct nft_link *link)
{
	struct pollfd poller = { .fd = mnl_socket_get_fd(link->socket), .events = POLLIN };
	int ready;

	do {
		ready = poll(&poller, 1, (int)deadline_left_ms(&link->deadline));
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -EIO;
	return ready ? 0 : -ETIMEDOUT;
}

/*
 * Returns the number of bytes, or a negative errno. What did not fit the socket is lost, of which the kernel tells
 * first; what was there before it can still be read: the answer may be among it.
 */
static ssize_t receive(struct nft_link *link, bool *overrun)
{
	for (;;) {
		int error = *overrun ? 0 : wait_for_answer(link);
		ssize_t length;

		if (error)
			return error;
		length = mnl_socket_recvfrom(link->socket, link->buffer, BUFFER_SIZE);
		if (length >= 0)
			return length;
		if (errno == EAGAIN && *overrun)
			return -ENOBUFS;
		if (errno == ENOBUFS)
			*overrun = true;
		else if (errno != EAGAIN && errno != EINTR)
			return map_errno(errno);
		/* A wait that ends at once with nothing to be read must not become a busy loop for ever. */
		if (!deadline_pause(&link->deadline, RETRY_MS))
			return -ETIMEDOUT;
	}
}

struct answer {
	uint32_t first, last; /* numbers of the messages that are answered */
	const struct nft_reader *reader;
	bool changed; /* the tables, while the list was made */
	bool cut;     /* the reader had enough */
	bool overrun; /* some of it was lost */
	bool lost;    /* it could not be received */
};

static int read_error(const struct nlmsghdr *message, const struct answer *answer)
{
	const struct nlmsgerr *said = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_len < mnl_nlmsg_size(sizeof(*said)))
		return -EIO;
	if (said->error == -ENFILE)
		return -ENOSPC;
	if (said->error)
		return map_errno(-said->error);
	return message->nlmsg_seq == answer->last ? 1 : 0;
}

/* A list that the kernel could not finish ends with the reason. */
static int read_done(const struct nlmsghdr *message)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	return error < 0 ? map_errno(-error) : 1;
}

/* 1: the answer is complete; 0: more will come. */
static int read_message(const struct nlmsghdr *message, struct answer *answer)
{
	int r;

	if (message->nlmsg_seq < answer->first || message->nlmsg_seq > answer->last)
		return 0; /* of an earlier question that was not read to its end */
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->changed = true;
	if (message->nlmsg_type == NLMSG_ERROR)
		return read_error(message, answer);
	if (message->nlmsg_type == NLMSG_DONE)
		return read_done(message);
	if (message->nlmsg_type < NLMSG_MIN_TYPE || !answer->reader)
		return 0;
	r = answer->reader->message(message, answer->reader->data);
	answer->cut = r > 0;
	return r;
}

static int read_answer(struct nft_link *link, struct answer *answer)
{
	int r = 0;

	while (r == 0) {
		ssize_t length = receive(link, &answer->overrun);
		int left = (int)length;
		const struct nlmsghdr *message = (const void *)link->buffer;

		answer->lost = length < 0 && length != -ETIMEDOUT;
		if (length < 0)
			return (int)length;
		for (; r == 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			r = read_message(message, answer);
	}
	return r < 0 ? r : 0;
}

/*
 * One error is enough, but a batch may have brought hundreds, all of them there already. While they fill the socket
 * the kernel drops every further answer.
 */
static void discard_the_rest(struct nft_link *link)
{
	while (mnl_socket_recvfrom(link->socket, link->buffer, BUFFER_SIZE) >= 0 || errno == ENOBUFS ||
	       errno == EINTR || errno == ENOSPC)
		;
}

static int send_all(struct nft_link *link, const void *data, size_t length)
{
	int size = (int)length + BUFFER_SIZE;

	/* What does not fit a default buffer: a sync of thousands. Failure shows at once, as EMSGSIZE. */
	if (length > BUFFER_SIZE &&
	    setsockopt(mnl_socket_get_fd(link->socket), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(mnl_socket_get_fd(link->socket), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (;;) {
		if (mnl_socket_sendto(link->socket, data, length) >= 0)
			return 0;
		if (errno != EINTR && errno != EAGAIN)
			return map_errno(errno);
		if (!deadline_pause(&link->deadline, RETRY_MS))
			return -ETIMEDOUT;
	}
}

/*
 * A list that is not read to its end keeps the socket busy. It is not closed now: the kernel would wait for what
 * an earlier transaction deleted, some 10 ms.
 */
static int start_afresh(struct nft_link *link)
{
	int error;

	if (link->spent)
		mnl_socket_close(link->spent);
	link->spent = link->socket;
	error = open_socket(link);
	if (error)
		nft_link_close(link);
	return error;
}

int nft_link_ask(struct nft_link *link, struct nlmsghdr *question, const struct nft_reader *reader)
{
	/* One that is no list is answered, then acknowledged. */
	if ((question->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		question->nlmsg_flags |= NLM_F_ACK;
	for (;;) {
		struct answer answer = { .reader = reader };
		int error;

		question->nlmsg_seq = answer.first = answer.last = ++link->sequence;
		error = send_all(link, question, question->nlmsg_len);
		if (!error)
			error = read_answer(link, &answer);
		if (!error && answer.cut)
			return start_afresh(link);
		if (!error && answer.overrun)
			error = -ENOBUFS;
		if (error || !answer.changed)
			return error == -ENOBUFS ? -ENOMEM : error;
		if (!deadline_pause(&link->deadline, RETRY_MS))
			return -EAGAIN;
		if (reader->reset)
			reader->reset(reader->data);
	}
}

static int read_generation(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attribute) == NFTA_GEN_ID && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
			*(uint32_t *)data = mnl_attr_get_u32(attribute);
	}
	return 0;
}

int nft_link_generation(struct nft_link *link, uint32_t *ret)
{
	const struct nft_reader reader = { .message = read_generation, .data = ret };
	unsigned char buffer[NFT_QUESTION_MAX];

	return nft_link_ask(link, nft_link_question(buffer, NFT_MSG_GETGEN, 0), &reader);
}

/* In a batch these mean that somebody changed the tables since they were read. */
static int batch_error(int error)
{
	return error == -ENOENT || error == -EAGAIN ? -ESTALE : error;
}

int nft_link_send(struct nft_link *link, const void *batch, size_t length, uint32_t first, uint32_t last)
{
	struct answer answer = { .first = first, .last = last };
	int error = send_all(link, batch, length);

	if (error)
		return error == -ENOBUFS ? -ENOMEM : error; /* not sent */
	error = read_answer(link, &answer);
	if (error)
		discard_the_rest(link);
	/* It was sent, so it may be done whatever kept us from hearing so: who asks must read again and see. */
	return answer.lost ? -ENOBUFS : batch_error(error);
}
