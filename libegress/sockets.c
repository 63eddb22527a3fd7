/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sockets.h"

#include "kmod.h"
#include "util.h"

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LOOK_MS 2000L /* as the look at processes */
#define BUFFER_SIZE (64 * 1024) /* the kernel fills at most 32 KiB of it with a part of a list */
#define MISSING_MAX 64
#define ALL_STATES UINT32_MAX
#define FIN_LENGTH 1 /* what is sent at the end counts as one byte that waits to be acknowledged */

/* Of include/net/tcp_states.h; <netinet/tcp.h> has the same numbers, but not beside the kernel's headers. */
enum tcp_state { TCP_FIN_WAIT1 = 4, TCP_FIN_WAIT2 = 5, TCP_TIME_WAIT = 6, TCP_LAST_ACK = 9, TCP_CLOSING = 11 };

/* Who answers for a protocol. Without the needed ones the look says little. */
static const struct source {
	uint8_t protocol;
	bool needed;
	const char *module;
} sources[] = {
	{ IPPROTO_TCP, true, "tcp_diag" },	{ IPPROTO_UDP, true, "udp_diag" },
	{ IPPROTO_UDPLITE, false, "udp_diag" }, { IPPROTO_RAW, false, "raw_diag" },
	{ IPPROTO_SCTP, false, "sctp_diag" },
};

struct sockets {
	uid_t *owners; /* ascending, one for each socket */
	size_t count, room;
	char missing[MISSING_MAX];
};

struct look {
	struct sockets *sockets;
	struct deadline deadline;
	struct mnl_socket *link;
	char *buffer;
	uint32_t sequence;
};

static int add_owner(struct sockets *sockets, uid_t uid)
{
	size_t wanted = sockets->room ? sockets->room * 2 : 256;
	uid_t *grown;

	if (sockets->count == sockets->room) {
		grown = reallocarray(sockets->owners, wanted, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		sockets->owners = grown;
		sockets->room = wanted;
	}
	sockets->owners[sockets->count++] = uid;
	return 0;
}

/*
 * Closed, it belongs to nobody's file: it goes on sending what it has, and then only waits. One that somebody has
 * open can be connected anew, whatever its state.
 */
static bool can_send(const struct inet_diag_msg *socket, uint8_t protocol)
{
	if (socket->idiag_inode != 0 || protocol != IPPROTO_TCP)
		return true;
	switch (socket->idiag_state) {
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
	case TCP_CLOSING:
		return socket->idiag_wqueue > FIN_LENGTH;
	case TCP_FIN_WAIT2:
	case TCP_TIME_WAIT:
		return false;
	default: /* not accepted yet */
		return true;
	}
}

static int read_socket(struct look *look, const struct nlmsghdr *message, uint8_t protocol)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*socket))
		return -EIO;
	/* uid 0 is never held; and it stands where the kernel knows no owner, as in TIME_WAIT. */
	if (socket->idiag_uid == 0 || !can_send(socket, protocol))
		return 0;
	return add_owner(look->sockets, socket->idiag_uid);
}

/* At the end of a list, and instead of one, there is an errno or 0. */
static int read_end(const struct nlmsghdr *message)
{
	const int *error = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*error))
		return message->nlmsg_type == NLMSG_DONE ? 1 : -EIO;
	return *error ? *error : 1;
}

/* 1: the list is complete; 0: more will come. */
static int read_message(struct look *look, const struct nlmsghdr *message, uint8_t protocol)
{
	if (message->nlmsg_seq != look->sequence)
		return 0;
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
		return read_end(message);
	return message->nlmsg_type == SOCK_DIAG_BY_FAMILY ? read_socket(look, message, protocol) : 0;
}

/* Returns the number of bytes, or a negative errno. */
static ssize_t receive(struct look *look)
{
	struct pollfd poller = { .fd = mnl_socket_get_fd(look->link), .events = POLLIN };

	for (;;) {
		long left = deadline_left_ms(&look->deadline);
		ssize_t length;

		if (left == 0)
			return -ETIMEDOUT;
		if (poll(&poller, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		length = mnl_socket_recvfrom(look->link, look->buffer, BUFFER_SIZE);
		if (length >= 0 || (errno != EAGAIN && errno != EINTR))
			return length >= 0 ? length : -errno;
	}
}

static int read_list(struct look *look, uint8_t protocol)
{
	int r = 0;

	while (r == 0) {
		const struct nlmsghdr *message = (const void *)look->buffer;
		ssize_t length = receive(look);
		int left = (int)length;

		if (length < 0)
			return (int)length;
		for (; r == 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			r = read_message(look, message, protocol);
	}
	return r < 0 ? r : 0;
}

static int ask(struct look *look, uint8_t family, uint8_t protocol)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} question = {
		.header = { .nlmsg_len = sizeof(question),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			    .nlmsg_seq = ++look->sequence },
		.request = { .sdiag_family = family, .sdiag_protocol = protocol, .idiag_states = ALL_STATES },
	};

	if (mnl_socket_sendto(look->link, &question, sizeof(question)) < 0)
		return -errno;
	return read_list(look, protocol);
}

/* Words for "nobody here can tell", which will not change. */
static bool is_absence(int r)
{
	return r == -ENOENT || r == -EINVAL || r == -EOPNOTSUPP || r == -EPROTONOSUPPORT || r == -EAFNOSUPPORT ||
	       r == -EPERM || r == -EACCES;
}

static void add_missing(struct sockets *sockets, const struct source *source)
{
	size_t length = strlen(sockets->missing);

	if (source->needed)
		snprintf(sockets->missing + length, MISSING_MAX - length, "%s%s", length ? ", " : "",
			 source->module);
}

static int look_at(struct look *look, const struct source *source)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int r = look->link && kmod_is_there(source->module) ? 0 : -ENOENT;

	for (size_t i = 0; !r && i < ARRAY_SIZE(families); i++)
		r = ask(look, families[i], source->protocol);
	if (!is_absence(r))
		return r;
	add_missing(look->sockets, source);
	return 0;
}

static int look_open(struct look *look)
{
	look->buffer = malloc(BUFFER_SIZE);
	if (!look->buffer)
		return -ENOMEM;
	look->link = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!look->link)
		return is_absence(-errno) ? 0 : -errno;
	return mnl_socket_bind(look->link, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

static void look_close(struct look *look)
{
	if (look->link)
		mnl_socket_close(look->link);
	free(look->buffer);
}

static int by_uid(const void *a, const void *b)
{
	uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

	return x < y ? -1 : x > y;
}

int sockets_take(const struct deadline *deadline, struct fault *fault, struct sockets **ret)
{
	struct sockets *sockets = calloc(1, sizeof(*sockets));
	struct look look = { .sockets = sockets,
			     .deadline = deadline_sooner(*deadline, deadline_in_ms(LOOK_MS)) };
	int r = sockets ? look_open(&look) : -ENOMEM;

	for (size_t i = 0; !r && i < ARRAY_SIZE(sources); i++)
		r = look_at(&look, &sources[i]);
	look_close(&look);
	if (r) {
		sockets_free(sockets);
		if (r != -ETIMEDOUT)
			r = util_is_scarce(-r) || r == -ENOBUFS ? -ENOMEM : -EIO;
		return fault_set(fault, r, "sock_diag: read: %s", strerror(-r));
	}
	if (sockets->count)
		qsort(sockets->owners, sockets->count, sizeof(*sockets->owners), by_uid);
	*ret = sockets;
	return 0;
}

void sockets_free(struct sockets *sockets)
{
	if (sockets)
		free(sockets->owners);
	free(sockets);
}

/* How many belong to smaller uids. */
static size_t count_below(const struct sockets *sockets, uint64_t uid)
{
	size_t low = 0, high = sockets->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sockets->owners[middle] < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

unsigned int sockets_count(const struct sockets *sockets, struct uid_range uids)
{
	return (unsigned int)(count_below(sockets, (uint64_t)uids.last + 1) - count_below(sockets, uids.first));
}

const char *sockets_missing(const struct sockets *sockets)
{
	return sockets->missing;
}
