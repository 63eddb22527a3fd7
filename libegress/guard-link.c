/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard-link.h"

#include "util.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>

#define BUFFER_SIZE (64 * 1024) /* the kernel fills at most 32 KiB of it with a part of a list */
#define EDIT_MAX 256            /* the longest message */
#define BATCH_MAX 64            /* messages whose answers fit any socket */
#define RETRY_MS 1

/* Of newer kernels than the headers that we build with. */
#define SPORT_MASK 28
#define DPORT_MASK 29

int guard_link_open(struct guard_link *link, const struct deadline *deadline)
{
	int error = 0;

	*link = (struct guard_link){ .deadline = *deadline };
	link->buffer = malloc(BUFFER_SIZE);
	if (!link->buffer)
		return -ENOMEM;
	link->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!link->socket || mnl_socket_bind(link->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		error = -errno;
	if (error)
		guard_link_close(link);
	else /* an error need not bring along the message that it is about */
		(void)mnl_socket_setsockopt(link->socket, NETLINK_CAP_ACK, &(int){ 1 }, sizeof(int));
	return error;
}

void guard_link_close(struct guard_link *link)
{
	if (link->socket)
		mnl_socket_close(link->socket);
	free(link->buffer);
	link->socket = NULL;
	link->buffer = NULL;
}

void guard_rules_clear(struct guard_rules *rules)
{
	free(rules->items);
	*rules = (struct guard_rules){ 0 };
}

/* Returns the number of bytes, or a negative errno. */
static ssize_t receive(struct guard_link *link)
{
	struct pollfd poller = { .fd = mnl_socket_get_fd(link->socket), .events = POLLIN };

	for (;;) {
		ssize_t length = mnl_socket_recvfrom(link->socket, link->buffer, BUFFER_SIZE);

		if (length >= 0)
			return length;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (poll(&poller, 1, (int)deadline_left_ms(&link->deadline)) < 0 && errno != EINTR)
			return -errno;
		if (deadline_left_ms(&link->deadline) == 0)
			return -ETIMEDOUT;
	}
}

static int send_all(struct guard_link *link, const void *data, size_t length)
{
	while (mnl_socket_sendto(link->socket, data, length) < 0) {
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		if (!deadline_pause(&link->deadline, RETRY_MS))
			return -ETIMEDOUT;
	}
	return 0;
}

/* --- Reading --- */

static void read_target(const struct nlattr *attribute, struct guard_rule *rule)
{
	if (mnl_attr_get_payload_len(attribute) == sizeof(uint32_t))
		rule->target = mnl_attr_get_u32(attribute);
}

static void read_uids(const struct nlattr *attribute, struct guard_rule *rule)
{
	struct fib_rule_uid_range uids;

	if (mnl_attr_get_payload_len(attribute) < sizeof(uids))
		return;
	memcpy(&uids, mnl_attr_get_payload(attribute), sizeof(uids));
	rule->has_uids = true;
	rule->uids = (struct uid_range){ uids.start, uids.end };
}

static void read_ports(const struct nlattr *attribute, struct guard_rule *rule)
{
	struct fib_rule_port_range ports;

	if (mnl_attr_get_payload_len(attribute) < sizeof(ports))
		return;
	memcpy(&ports, mnl_attr_get_payload(attribute), sizeof(ports));
	rule->ports = (struct port_range){ ports.start, ports.end };
}

static void read_destination(const struct nlattr *attribute, struct guard_rule *rule)
{
	if (mnl_attr_get_payload_len(attribute) == addr_bits(rule->to.addr.family) / 8)
		memcpy(&rule->to.addr.v6, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
}

/* A whole mask is what the kernel makes of a single port. */
static bool is_whole_mask(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) == sizeof(uint16_t) && mnl_attr_get_u16(attribute) == UINT16_MAX;
}

/* -1 and the like stand for "none". */
static bool is_none(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) == sizeof(uint32_t) && mnl_attr_get_u32(attribute) == UINT32_MAX;
}

static void read_attribute(const struct nlattr *attribute, struct guard_rule *rule, uint8_t *protocol)
{
	switch (mnl_attr_get_type(attribute)) {
	case FRA_DST:
		read_destination(attribute, rule);
		break;
	case FRA_GOTO:
		read_target(attribute, rule);
		break;
	case FRA_PRIORITY:
		rule->pref = mnl_attr_get_u32(attribute);
		break;
	case FRA_UID_RANGE:
		read_uids(attribute, rule);
		break;
	case FRA_PROTOCOL:
		*protocol = mnl_attr_get_u8(attribute);
		break;
	case FRA_IP_PROTO:
		rule->proto = mnl_attr_get_u8(attribute);
		break;
	case FRA_DPORT_RANGE:
		read_ports(attribute, rule);
		break;
	case FRA_TABLE:
		if (rule->action == GUARD_SINK && mnl_attr_get_u32(attribute) != GUARD_TABLE)
			rule->action = GUARD_OTHER;
		break;
	case FRA_PAD:
		break;
	case FRA_SUPPRESS_PREFIXLEN:
	case FRA_SUPPRESS_IFGROUP:
		rule->odd = rule->odd || !is_none(attribute);
		break;
	case SPORT_MASK:
	case DPORT_MASK:
		rule->odd = rule->odd || !is_whole_mask(attribute);
		break;
	default:
		rule->odd = true;
	}
}

static enum guard_action read_action(uint8_t action)
{
	switch (action) {
	case FR_ACT_GOTO:
		return GUARD_GOTO;
	case FR_ACT_NOP:
		return GUARD_NOP;
	case FR_ACT_TO_TBL:
		return GUARD_SINK; /* if it is our table */
	case FR_ACT_PROHIBIT:
		return GUARD_PROHIBIT;
	default:
		return GUARD_OTHER;
	}
}

static struct guard_rule *new_rule(struct guard_rules *rules)
{
	if (util_grow(&rules->items, rules->count, &rules->room, sizeof(*rules->items)))
		return NULL;
	return &rules->items[rules->count++];
}

static int read_rule(const struct nlmsghdr *message, void *data)
{
	struct guard_rules *rules = data;
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	struct guard_rule rule = { 0 }, *place;
	uint8_t protocol = 0;

	if (message->nlmsg_type != RTM_NEWRULE || mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return 0;
	rule.action = read_action(header->action);
	rule.invert = header->flags & FIB_RULE_INVERT;
	rule.odd = header->src_len || header->tos;
	rule.to = (struct prefix){ .addr.family = header->family, .length = header->dst_len };
	mnl_attr_for_each(attribute, message, sizeof(*header))
		read_attribute(attribute, &rule, &protocol);
	if (protocol != GUARD_PROTOCOL) {
		if (rule.pref >= GUARD_FIRST && rule.pref < rules->foreign)
			rules->foreign = rule.pref;
		return 0;
	}
	place = new_rule(rules);
	if (!place)
		return -ENOMEM;
	*place = rule;
	return 0;
}

/* An errno, or 0: at the end of a list, and as the answer to an edit. */
static int read_error(const struct nlmsghdr *message)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	return error;
}

/* 1: the answer is complete; 0: more will come. */
static int read_part(struct guard_link *link, guard_link_reader *read, void *data)
{
	const struct nlmsghdr *message = (const void *)link->buffer;
	ssize_t length = receive(link);
	int left = (int)length, r = length < 0 ? (int)length : 0;

	for (; r == 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_seq != link->sequence)
			continue;
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
			r = read_error(message);
			r = r ? r : 1;
		} else if (read) {
			r = read(message, data);
		}
	}
	return r;
}

int guard_link_ask(struct guard_link *link, struct nlmsghdr *question, guard_link_reader *read, void *data)
{
	int r;

	question->nlmsg_seq = ++link->sequence;
	r = send_all(link, question, question->nlmsg_len);
	while (r == 0)
		r = read_part(link, read, data);
	return r < 0 ? r : 0;
}

int guard_link_list(struct guard_link *link, sa_family_t family, struct guard_rules *ret)
{
	unsigned char buffer[EDIT_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(question, sizeof(*header));
	struct guard_rules rules = { .foreign = UINT32_MAX };
	int r;

	question->nlmsg_type = RTM_GETRULE;
	question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->family = (uint8_t)family;
	r = guard_link_ask(link, question, read_rule, &rules);
	if (r) {
		guard_rules_clear(&rules);
		return r;
	}
	*ret = rules;
	return 0;
}

/* --- Writing --- */

static uint8_t write_action(enum guard_action action)
{
	switch (action) {
	case GUARD_GOTO:
		return FR_ACT_GOTO;
	case GUARD_NOP:
		return FR_ACT_NOP;
	case GUARD_SINK:
		return FR_ACT_TO_TBL;
	case GUARD_PROHIBIT:
		return FR_ACT_PROHIBIT;
	default:
		return FR_ACT_UNSPEC; /* any, for a delete */
	}
}

static void write_matches(struct nlmsghdr *message, const struct guard_rule *rule)
{
	const struct fib_rule_uid_range uids = { rule->uids.first, rule->uids.last };
	const struct fib_rule_port_range ports = { rule->ports.first, rule->ports.last };

	if (rule->has_uids)
		mnl_attr_put(message, FRA_UID_RANGE, sizeof(uids), &uids);
	if (rule->to.length)
		mnl_attr_put(message, FRA_DST, addr_bits(rule->to.addr.family) / 8, &rule->to.addr.v6);
	if (rule->proto)
		mnl_attr_put_u8(message, FRA_IP_PROTO, rule->proto);
	if (rule->ports.first)
		mnl_attr_put(message, FRA_DPORT_RANGE, sizeof(ports), &ports);
}

static size_t write_edit(void *buffer, sa_family_t family, const struct guard_edit *edit, uint32_t sequence)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = edit->is_delete ? RTM_DELRULE : RTM_NEWRULE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | (edit->is_delete ? 0 : NLM_F_CREATE);
	message->nlmsg_seq = sequence;
	header->family = (uint8_t)family;
	header->dst_len = (uint8_t)edit->rule.to.length;
	header->action = write_action(edit->rule.action);
	header->flags = edit->rule.invert ? FIB_RULE_INVERT : 0;
	mnl_attr_put_u32(message, FRA_PRIORITY, edit->rule.pref);
	mnl_attr_put_u8(message, FRA_PROTOCOL, GUARD_PROTOCOL);
	write_matches(message, &edit->rule);
	if (edit->rule.action == GUARD_GOTO) /* asked for by a delete as well, which does not look at it */
		mnl_attr_put_u32(message, FRA_GOTO, edit->rule.target);
	if (edit->rule.action == GUARD_SINK)
		mnl_attr_put_u32(message, FRA_TABLE, GUARD_TABLE);
	return message->nlmsg_len;
}

/* Somebody was faster. */
static bool is_done(const struct guard_edit *edit, int error)
{
	return !error || (edit->is_delete && (error == -ENOENT || error == -ESRCH));
}

struct answers {
	uint32_t first; /* number of the first message */
	size_t wanted, count;
	size_t failed; /* the first that did */
	int error;
};

static int read_answers(struct guard_link *link, const struct guard_edit *edits, struct answers *answers)
{
	const struct nlmsghdr *message = (const void *)link->buffer;
	ssize_t length = receive(link);
	int left = (int)length;

	if (length < 0)
		return (int)length;
	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		size_t i = message->nlmsg_seq - answers->first;
		int error = read_error(message);

		if (message->nlmsg_type != NLMSG_ERROR || i >= answers->wanted)
			continue;
		answers->count++;
		if (!answers->error && !is_done(&edits[i], error)) {
			answers->error = error;
			answers->failed = i;
		}
	}
	return 0;
}

static int edit_batch(struct guard_link *link, sa_family_t family, const struct guard_edit *edits, size_t count,
		      size_t *ret_failed)
{
	struct answers answers = { .first = link->sequence + 1, .wanted = count };
	unsigned char batch[BATCH_MAX * EDIT_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t length = 0;
	int r;

	for (size_t i = 0; i < count; i++)
		length += NLMSG_ALIGN(write_edit(batch + length, family, &edits[i], ++link->sequence));
	r = send_all(link, batch, length);
	while (!r && answers.count < answers.wanted)
		r = read_answers(link, edits, &answers);
	*ret_failed = answers.failed;
	return r ? r : answers.error;
}

int guard_link_edit(struct guard_link *link, sa_family_t family, const struct guard_edit *edits, size_t count,
		    size_t *ret_failed)
{
	int r = 0;

	for (size_t done = 0; !r && done < count; done += BATCH_MAX) {
		size_t batch = count - done < BATCH_MAX ? count - done : BATCH_MAX;

		r = edit_batch(link, family, edits + done, batch, ret_failed);
		*ret_failed += done;
	}
	return r;
}
