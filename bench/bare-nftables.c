/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bare libmnl. An account is one element in each hash set of uids that the table has; adding it is
 * one batch, reading it back one request a set.
 *
 * Each operation has a socket of its own, as each login has: closing one waits until the kernel has
 * done away with what was deleted, which is most of what a release takes.
 */
#include "bare.h"

#include "util.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#define TABLE "egress"
#define SETS_MAX 16
#define ELEMENTS 2000 /* a message: what an attribute can hold is 64 KiB */
#define BATCH_MAX (1 << 22)

struct bare {
	struct mnl_socket *socket;
	unsigned int sequence;
	char sets[SETS_MAX][NFT_SET_MAXNAMELEN];
	size_t set_count;
	uint32_t *uids;
	size_t uid_count, uid_room;
	char *batch, *answer;
};

/* --- Messages --- */

static struct nlmsghdr *put_head(struct bare *bare, char *where, int type, int flags, int family)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(where);
	struct nfgenmsg *generic;

	message->nlmsg_type = (uint16_t)type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = ++bare->sequence;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->nfgen_family = (uint8_t)family;
	generic->version = NFNETLINK_V0;
	generic->res_id = htons(family == NFPROTO_UNSPEC ? NFNL_SUBSYS_NFTABLES : 0);
	return message;
}

static int message_type(int type)
{
	return NFNL_SUBSYS_NFTABLES << 8 | type;
}

static struct nlmsghdr *put_elements(struct bare *bare, char *where, int type, int flags,
				     const char *set, const uint32_t *uids, size_t count)
{
	struct nlmsghdr *message =
		put_head(bare, where, message_type(type), flags, NFPROTO_INET);
	struct nlattr *list;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set);
	if (count == 0)
		return message;
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < count; i++) {
		struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
		struct nlattr *key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);

		mnl_attr_put_u32(message, NFTA_DATA_VALUE, uids[i]);
		mnl_attr_nest_end(message, key);
		mnl_attr_nest_end(message, element);
	}
	mnl_attr_nest_end(message, list);
	return message;
}

static void send_all(struct bare *bare, const void *data, size_t size)
{
	if (mnl_socket_sendto(bare->socket, data, size) < 0)
		die("nftables: cannot send: %m");
}

/* Until the answer to SEQUENCE has ended. */
static void receive(struct bare *bare, unsigned int sequence, mnl_cb_t callback)
{
	unsigned int port = mnl_socket_get_portid(bare->socket);
	int result = 1;

	while (result > 0) {
		ssize_t size = mnl_socket_recvfrom(bare->socket, bare->answer, BATCH_MAX);

		if (size < 0)
			die("nftables: cannot receive: %m");
		result = mnl_cb_run(bare->answer, (size_t)size, sequence, port, callback, bare);
	}
	if (result < 0)
		die("nftables: refused: %m");
}

/* Only the last is acknowledged, or whichever fails. */
static void elements_batch(struct bare *bare, int type, const uint32_t *uids, size_t count)
{
	char *end = bare->batch;
	struct nlmsghdr *last = NULL;

	end += put_head(bare, end, NFNL_MSG_BATCH_BEGIN, 0, NFPROTO_UNSPEC)->nlmsg_len;
	for (size_t set = 0; set < bare->set_count; set++) {
		size_t done = 0;

		do {
			size_t part = count - done < ELEMENTS ? count - done : ELEMENTS;

			last = put_elements(bare, end, type,
					    type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0,
					    bare->sets[set], uids + done, part);
			end += last->nlmsg_len;
			done += part;
		} while (done < count);
	}
	last->nlmsg_flags |= NLM_F_ACK;
	end += put_head(bare, end, NFNL_MSG_BATCH_END, 0, NFPROTO_UNSPEC)->nlmsg_len;
	send_all(bare, bare->batch, (size_t)(end - bare->batch));
	receive(bare, last->nlmsg_seq, NULL);
}

/* COUNT 0: all elements. */
static void read_elements(struct bare *bare, const char *set, const uint32_t *uids, size_t count,
			  mnl_cb_t callback)
{
	int flags = count ? NLM_F_ACK : NLM_F_DUMP;
	struct nlmsghdr *message =
		put_elements(bare, bare->batch, NFT_MSG_GETSETELEM, flags, set, uids, count);

	send_all(bare, message, message->nlmsg_len);
	receive(bare, message->nlmsg_seq, callback);
}

/* --- Learning --- */

static int learn_set(const struct nlmsghdr *message, void *data)
{
	struct bare *bare = data;
	const char *name = "";
	uint32_t flags = 0, key_length = 0;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_SET_NAME)
			name = mnl_attr_get_str(attr);
		else if (mnl_attr_get_type(attr) == NFTA_SET_FLAGS)
			flags = ntohl(mnl_attr_get_u32(attr));
		else if (mnl_attr_get_type(attr) == NFTA_SET_KEY_LEN)
			key_length = ntohl(mnl_attr_get_u32(attr));
	}
	if (flags & (NFT_SET_INTERVAL | NFT_SET_ANONYMOUS | NFT_SET_MAP) || key_length != 4)
		return MNL_CB_OK;
	if (bare->set_count == SETS_MAX)
		die("nftables: too many sets");
	snprintf(bare->sets[bare->set_count++], NFT_SET_MAXNAMELEN, "%s", name);
	return MNL_CB_OK;
}

static void learn_key(struct bare *bare, const struct nlattr *element)
{
	const struct nlattr *part, *value;

	mnl_attr_for_each_nested(part, element) {
		if (mnl_attr_get_type(part) != NFTA_SET_ELEM_KEY)
			continue;
		value = mnl_attr_get_payload(part);
		if (bare->uid_count == bare->uid_room) {
			bare->uid_room = bare->uid_room ? bare->uid_room * 2 : 1024;
			bare->uids = need(
				reallocarray(bare->uids, bare->uid_room, sizeof(*bare->uids)));
		}
		bare->uids[bare->uid_count++] = mnl_attr_get_u32(value);
	}
}

static int learn_elements(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attr, *element;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(element, attr)
			learn_key(data, element);
	}
	return MNL_CB_OK;
}

static int skip(const struct nlmsghdr *message, void *data)
{
	(void)message;
	(void)data;
	return MNL_CB_OK;
}

static void link_open(struct bare *bare)
{
	int room = BATCH_MAX;

	bare->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!bare->socket || mnl_socket_bind(bare->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		die("nftables: cannot make a socket: %m");
	setsockopt(mnl_socket_get_fd(bare->socket), SOL_SOCKET, SO_SNDBUFFORCE, &room,
		   sizeof(room));
}

static struct bare *nftables_learn(void)
{
	struct bare *bare = need(calloc(1, sizeof(*bare)));
	struct nlmsghdr *message;

	bare->batch = need(malloc(BATCH_MAX));
	bare->answer = need(malloc(BATCH_MAX));
	link_open(bare);
	message = put_head(bare, bare->batch, message_type(NFT_MSG_GETSET), NLM_F_DUMP,
			   NFPROTO_INET);
	mnl_attr_put_strz(message, NFTA_SET_TABLE, TABLE);
	send_all(bare, message, message->nlmsg_len);
	receive(bare, message->nlmsg_seq, learn_set);
	if (bare->set_count == 0)
		die("nftables: table inet " TABLE " has no set of uids");
	read_elements(bare, bare->sets[0], NULL, 0, learn_elements);
	mnl_socket_close(bare->socket);
	return bare;
}

static void nftables_free(struct bare *bare)
{
	free(bare->batch);
	free(bare->answer);
	free(bare->uids);
	free(bare);
}

/* --- One account, and everything --- */

static void nftables_hold(struct bare *bare, uid_t uid)
{
	link_open(bare);
	elements_batch(bare, NFT_MSG_NEWSETELEM, &uid, 1);
	for (size_t i = 0; i < bare->set_count; i++)
		read_elements(bare, bare->sets[i], &uid, 1, skip);
	mnl_socket_close(bare->socket);
}

static void nftables_release(struct bare *bare, uid_t uid)
{
	link_open(bare);
	elements_batch(bare, NFT_MSG_DELSETELEM, &uid, 1);
	mnl_socket_close(bare->socket);
}

/* Deleting no element by name is deleting all. */
static void nftables_clear(struct bare *bare)
{
	link_open(bare);
	elements_batch(bare, NFT_MSG_DELSETELEM, NULL, 0);
	mnl_socket_close(bare->socket);
}

static void nftables_build(struct bare *bare)
{
	link_open(bare);
	elements_batch(bare, NFT_MSG_NEWSETELEM, bare->uids, bare->uid_count);
	for (size_t i = 0; i < bare->set_count; i++)
		read_elements(bare, bare->sets[i], NULL, 0, skip);
	mnl_socket_close(bare->socket);
}

static void nftables_script(const struct bare *bare, const char *verb, uid_t uid, FILE *out)
{
	for (size_t i = 0; i < bare->set_count; i++)
		fprintf(out, "%s element inet " TABLE " %s { %u }\n", verb, bare->sets[i], uid);
}

const struct bare_ops bare_nftables = {
	.backend = "nftables",
	.learn = nftables_learn,
	.free = nftables_free,
	.hold = nftables_hold,
	.release = nftables_release,
	.clear = nftables_clear,
	.build = nftables_build,
	.script = nftables_script,
};
