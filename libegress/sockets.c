/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sockets.h"

#include "kmod.h"
#include "sock-diag.h"
#include "util.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LOOK_MS 2000L /* as the look at processes */
#define MISSING_MAX 64
#define FIN_LENGTH 1 /* what is sent at the end counts as one byte that waits to be acknowledged */

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

static int add_owner(struct sockets *sockets, uid_t uid)
{
	if (util_grow(&sockets->owners, sockets->count, &sockets->room, sizeof(uid)))
		return -ENOMEM;
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

static int read_socket(const struct inet_diag_msg *socket, uint8_t protocol, void *data)
{
	/* uid 0 is never held; and it stands where the kernel knows no owner, as in TIME_WAIT. */
	if (socket->idiag_uid == 0 || !can_send(socket, protocol))
		return 0;
	return add_owner(data, socket->idiag_uid);
}

static void add_missing(struct sockets *sockets, const struct source *source)
{
	size_t length = strlen(sockets->missing);

	if (source->needed)
		snprintf(sockets->missing + length, MISSING_MAX - length, "%s%s", length ? ", " : "",
			 source->module);
}

/* DIAG: NULL where this kernel has none. */
static int look_at(struct sockets *sockets, struct sock_diag *diag, const struct source *source)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int r = diag && kmod_is_there(source->module) ? 0 : -ENOENT;

	for (size_t i = 0; !r && i < ARRAY_SIZE(families); i++)
		r = sock_diag_list(diag, families[i], source->protocol, SOCK_DIAG_ALL_STATES, read_socket, sockets);
	if (!sock_diag_is_absence(r))
		return r;
	add_missing(sockets, source);
	return 0;
}

static int by_uid(const void *a, const void *b)
{
	uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

	return x < y ? -1 : x > y;
}

int sockets_take(const struct deadline *deadline, struct fault *fault, struct sockets **ret)
{
	const struct deadline soon = deadline_sooner(*deadline, deadline_in_ms(LOOK_MS));
	struct sockets *sockets = calloc(1, sizeof(*sockets));
	struct sock_diag *diag = NULL;
	int r = sockets ? sock_diag_open(&soon, &diag) : -ENOMEM;

	if (sock_diag_is_absence(r))
		r = 0;
	for (size_t i = 0; !r && i < ARRAY_SIZE(sources); i++)
		r = look_at(sockets, diag, &sources[i]);
	sock_diag_close(diag);
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

unsigned int sockets_count_all(const struct sockets *sockets, const struct uid_ranges *uids)
{
	unsigned int count = 0;

	for (size_t i = 0; i < uids->count; i++)
		count += sockets_count(sockets, uids->items[i]);
	return count;
}

const char *sockets_missing(const struct sockets *sockets)
{
	return sockets->missing;
}
