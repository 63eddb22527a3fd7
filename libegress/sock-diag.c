/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sock-diag.h"

#include "util.h"

#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_SIZE (64 * 1024) /* the kernel fills at most 32 KiB of it with a part of a list */

struct sock_diag {
	struct deadline deadline;
	struct mnl_socket *link;
	char *buffer;
	uint32_t sequence;
};

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

/* Whom the parts of an answer are for. */
struct reader {
	uint8_t protocol;
	sock_diag_fn *fn; /* NULL: only the end matters */
	void *data;
};

/* At the end of a list, and instead of one, there is an errno or 0. */
static int read_end(const struct nlmsghdr *message)
{
	const int *error = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*error))
		return message->nlmsg_type == NLMSG_DONE ? 1 : -EIO;
	return *error ? *error : 1;
}

static int read_socket(const struct reader *reader, const struct nlmsghdr *message)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*socket))
		return -EIO;
	return reader->fn ? reader->fn(socket, reader->protocol, reader->data) : 0;
}

/* 1: the list is complete; 0: more will come. */
static int read_message(struct sock_diag *diag, const struct nlmsghdr *message, const struct reader *reader)
{
	if (message->nlmsg_seq != diag->sequence)
		return 0;
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
		return read_end(message);
	return message->nlmsg_type == SOCK_DIAG_BY_FAMILY ? read_socket(reader, message) : 0;
}

/* Returns the number of bytes, or a negative errno. */
static ssize_t receive(struct sock_diag *diag)
{
	struct pollfd poller = { .fd = mnl_socket_get_fd(diag->link), .events = POLLIN };

	for (;;) {
		long left = deadline_left_ms(&diag->deadline);
		ssize_t length;

		if (left == 0)
			return -ETIMEDOUT;
		if (poll(&poller, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		length = mnl_socket_recvfrom(diag->link, diag->buffer, BUFFER_SIZE);
		if (length >= 0 || (errno != EAGAIN && errno != EINTR))
			return length >= 0 ? length : -errno;
	}
}

static int read_answer(struct sock_diag *diag, const struct reader *reader)
{
	int r = 0;

	while (r == 0) {
		const struct nlmsghdr *message = (const void *)diag->buffer;
		ssize_t length = receive(diag);
		int left = (int)length;

		if (length < 0)
			return (int)length;
		for (; r == 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			r = read_message(diag, message, reader);
	}
	return r < 0 ? r : 0;
}

static int ask(struct sock_diag *diag, struct request *request, const struct reader *reader)
{
	request->header.nlmsg_len = sizeof(*request);
	request->header.nlmsg_flags |= NLM_F_REQUEST;
	request->header.nlmsg_seq = ++diag->sequence;
	request->body.sdiag_protocol = reader->protocol;
	if (mnl_socket_sendto(diag->link, request, sizeof(*request)) < 0)
		return -errno;
	return read_answer(diag, reader);
}

int sock_diag_list(struct sock_diag *diag, uint8_t family, uint8_t protocol, uint32_t states, sock_diag_fn *fn,
		   void *data)
{
	struct request request = {
		.header = { .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_DUMP },
		.body = { .sdiag_family = family, .idiag_states = states },
	};
	const struct reader reader = { protocol, fn, data };

	return ask(diag, &request, &reader);
}

int sock_diag_destroy(struct sock_diag *diag, uint8_t protocol, const struct inet_diag_msg *socket)
{
	struct request request = {
		.header = { .nlmsg_type = SOCK_DESTROY, .nlmsg_flags = NLM_F_ACK },
		.body = { .sdiag_family = socket->idiag_family,
			  .idiag_states = SOCK_DIAG_ALL_STATES,
			  .id = socket->id },
	};
	const struct reader reader = { .protocol = protocol };

	return ask(diag, &request, &reader);
}

/* No socket has port 0 and that cookie. */
int sock_diag_can_destroy(struct sock_diag *diag, uint8_t protocol)
{
	const struct inet_diag_msg nobody = { .idiag_family = AF_INET };
	int r = sock_diag_destroy(diag, protocol, &nobody);

	return r == -ENOENT || r == -ESTALE ? 0 : r;
}

bool sock_diag_is_absence(int r)
{
	return r == -ENOENT || r == -EINVAL || r == -EOPNOTSUPP || r == -EPROTONOSUPPORT || r == -EAFNOSUPPORT ||
	       r == -EPERM || r == -EACCES;
}

int sock_diag_open(const struct deadline *deadline, struct sock_diag **ret)
{
	struct sock_diag *diag = calloc(1, sizeof(*diag));
	int r = 0;

	if (diag)
		diag->buffer = malloc(BUFFER_SIZE);
	if (!diag || !diag->buffer) {
		sock_diag_close(diag);
		return -ENOMEM;
	}
	diag->deadline = *deadline;
	diag->link = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!diag->link || mnl_socket_bind(diag->link, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	if (r)
		sock_diag_close(diag);
	else
		*ret = diag;
	return r;
}

void sock_diag_close(struct sock_diag *diag)
{
	if (!diag)
		return;
	if (diag->link)
		mnl_socket_close(diag->link);
	free(diag->buffer);
	free(diag);
}
