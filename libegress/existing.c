/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "existing.h"

#include "kmod.h"
#include "plan-decide.h"
#include "sock-diag.h"
#include "util.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

#define LOOPBACK_CARD 1 /* LOOPBACK_IFINDEX of the kernel */
#define PASSES_MAX 4
#define NO_STATES 0
#define CONNECTED_STATES                                                                                          \
	(1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_SYN_RECV | 1U << TCP_FIN_WAIT1 |                  \
	 1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING)

/* Of raw sockets, and of what sends without being connected, each packet has an owner. */
static const struct source {
	uint8_t protocol;
	bool needed;
	uint32_t states;
	const char *module;
} sources[] = {
	{ IPPROTO_TCP, true, CONNECTED_STATES | 1U << TCP_LISTEN, "tcp_diag" },
	{ IPPROTO_UDP, true, CONNECTED_STATES, "udp_diag" },
	{ IPPROTO_UDPLITE, false, CONNECTED_STATES, "udp_diag" },
};
static const uint8_t families[] = { AF_INET, AF_INET6 };

struct found {
	struct inet_diag_msg socket;
	uint8_t protocol;
	const struct existing_subject *subject;
};

struct list {
	struct found *items;
	size_t count, room;
};

struct sweep {
	const struct existing_subject *subjects;
	size_t subject_count;
	bool has_ranges;
	struct sock_diag *diag;
	struct list found, listeners;
	struct existing result;
};

struct existing_subject existing_subject_of(const struct profile *profile, const struct plan *plan)
{
	return (struct existing_subject){
		.plan = plan,
		.ends = profile->existing_sockets == EXISTING_DESTROY,
		.required = profile->required & LAYER_EXISTING_SOCKETS,
	};
}

static int list_add(struct list *list, const struct found *item)
{
	size_t wanted = list->room ? list->room * 2 : 16;
	struct found *grown;

	if (list->count == list->room) {
		grown = reallocarray(list->items, wanted, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->items = grown;
		list->room = wanted;
	}
	list->items[list->count++] = *item;
	return 0;
}

/* ---- whose it is ------------------------------------------------------------------------------- */

static int by_uids(const void *a, const void *b)
{
	return uid_range_compare(((const struct existing_subject *)a)->plan->uids,
				 ((const struct existing_subject *)b)->plan->uids);
}

static uint32_t width(const struct existing_subject *subject)
{
	return subject->plan->uids.last - subject->plan->uids.first;
}

static const struct existing_subject *find_range(const struct sweep *sweep, uid_t uid)
{
	const struct existing_subject *found = NULL;

	for (size_t i = 0; i < sweep->subject_count; i++) {
		const struct existing_subject *subject = &sweep->subjects[i];
		const struct uid_range uids = subject->plan->uids;

		if (uids.first <= uid && uid <= uids.last && (!found || width(subject) < width(found)))
			found = subject;
	}
	return found;
}

/* NULL also if its connections stay. uid 0 stands where the kernel knows no owner. */
static const struct existing_subject *find_subject(const struct sweep *sweep, uid_t uid)
{
	const struct plan alone = { .uids = { uid, uid } };
	const struct existing_subject key = { .plan = &alone }, *found;

	if (uid == 0)
		return NULL;
	found = bsearch(&key, sweep->subjects, sweep->subject_count, sizeof(key), by_uids);
	if (!found && sweep->has_ranges)
		found = find_range(sweep, uid);
	return found && found->ends ? found : NULL;
}

/* An IPv6 socket can have an IPv4 connection. */
static struct addr address_of(uint8_t family, const __be32 raw[4])
{
	struct addr addr = { .family = family };

	if (family == AF_INET6)
		memcpy(&addr.v6, raw, sizeof(addr.v6));
	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&addr.v6))
		return (struct addr){ .family = AF_INET, .v4 = { raw[3] } };
	if (family == AF_INET)
		addr.v4.s_addr = raw[0];
	return addr;
}

static bool is_any(uint8_t family, const __be32 raw[4])
{
	return raw[0] == 0 && (family == AF_INET || (raw[1] == 0 && raw[2] == 0 && raw[3] == 0));
}

/* A half-open one has no owner but the listener's; the kernel names those first. */
static const struct existing_subject *find_listener(const struct sweep *sweep, const struct inet_diag_msg *half)
{
	for (size_t i = 0; i < sweep->listeners.count; i++) {
		const struct found *listener = &sweep->listeners.items[i];
		const struct inet_diag_sockid *id = &listener->socket.id;

		if (listener->socket.idiag_family == half->idiag_family && id->idiag_sport == half->id.idiag_sport &&
		    (is_any(half->idiag_family, id->idiag_src) ||
		     memcmp(id->idiag_src, half->id.idiag_src, sizeof(id->idiag_src)) == 0))
			return listener->subject;
	}
	return NULL;
}

static struct packet packet_of(const struct inet_diag_msg *socket, uint8_t protocol)
{
	return (struct packet){
		.to = address_of(socket->idiag_family, socket->id.idiag_dst),
		.proto = protocol,
		.port = ntohs(socket->id.idiag_dport),
		.source_port = ntohs(socket->id.idiag_sport),
		.by_card = socket->id.idiag_if != 0 && socket->id.idiag_if != LOOPBACK_CARD,
	};
}

static bool may_stay(const struct plan *plan, const struct inet_diag_msg *socket, uint8_t protocol)
{
	const struct packet packet = packet_of(socket, protocol);
	const struct rule *rule = plan_decide(plan, &packet);

	return rule && rule->verdict == VERDICT_ALLOW;
}

static int look_at(const struct inet_diag_msg *socket, uint8_t protocol, void *data)
{
	struct sweep *sweep = data;
	struct found found = { .socket = *socket, .protocol = protocol };
	bool tcp = protocol == IPPROTO_TCP;

	if (tcp && socket->idiag_state == TCP_SYN_RECV && socket->idiag_uid == 0)
		found.subject = find_listener(sweep, socket);
	else
		found.subject = find_subject(sweep, socket->idiag_uid);
	if (!found.subject)
		return 0;
	if (tcp && socket->idiag_state == TCP_LISTEN)
		return list_add(&sweep->listeners, &found);
	return may_stay(found.subject->plan, socket, protocol) ? 0 : list_add(&sweep->found, &found);
}

/* ---- what this kernel can ---------------------------------------------------------------------- */

static void add_absent(char absent[EXISTING_TEXT_MAX], const char *what, const char *module)
{
	size_t length = strlen(absent);

	snprintf(absent + length, EXISTING_TEXT_MAX - length, "%s%s%s", length ? ", " : "", what, module);
}

/* 1, 0 and told what is absent, or an error. Where no module can be loaded, only an answer tells that one is there. */
static int is_able(struct sock_diag *diag, const struct source *source, char absent[EXISTING_TEXT_MAX])
{
	int r = diag && kmod_is_there(source->module) ? 0 : -ENOENT;

	if (!r)
		r = sock_diag_list(diag, AF_INET, source->protocol, NO_STATES, NULL, NULL);
	if (r == -ENOENT) {
		if (source->needed)
			add_absent(absent, "no module ", source->module);
		return 0;
	}
	if (!r)
		r = sock_diag_can_destroy(diag, source->protocol);
	if (r != -EOPNOTSUPP && r != -EINVAL)
		return r ? r : 1;
	if (source->needed)
		add_absent(absent, "no SOCK_DESTROY for ", word_text(words_proto, source->protocol));
	return 0;
}

static bool is_without_sock_diag(int r)
{
	return r == -EPROTONOSUPPORT || r == -EAFNOSUPPORT;
}

/* What is scarce may be so by the caller's doing: it denies, see util_is_scarce. */
static int fail(struct fault *fault, int r)
{
	if (r != -ETIMEDOUT)
		r = util_is_scarce(-r) || r == -ENOBUFS ? -ENOMEM : -EIO;
	return fault_set(fault, r, "existing_sockets: sock_diag: %s", strerror(-r));
}

int existing_absence(const struct deadline *deadline, struct fault *fault, char ret[EXISTING_TEXT_MAX])
{
	char absent[EXISTING_TEXT_MAX] = "";
	struct sock_diag *diag = NULL;
	int r = sock_diag_open(deadline, &diag);

	if (is_without_sock_diag(r))
		r = 0;
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(sources); i++)
		r = is_able(diag, &sources[i], absent);
	sock_diag_close(diag);
	if (r < 0)
		return fail(fault, r);
	memcpy(ret, absent, sizeof(absent));
	return 0;
}

/* ---- the end ----------------------------------------------------------------------------------- */

static void tell_left(struct existing *result, const struct found *found, int r)
{
	const struct addr to = address_of(found->socket.idiag_family, found->socket.id.idiag_dst);
	const struct endpoint peer = { .addr = to, .port = ntohs(found->socket.id.idiag_dport) };
	const char *word = word_text(words_proto, found->protocol);
	char text[ENDPOINT_TEXT_MAX];

	if (result->left++ == 0)
		snprintf(result->first, sizeof(result->first), "%s to %s: %s", word ? word : "udplite",
			 addr_print_endpoint(&peer, text), strerror(-r));
}

static int destroy_all(struct sweep *sweep)
{
	sweep->result.left = 0;
	for (size_t i = 0; i < sweep->found.count; i++) {
		const struct found *found = &sweep->found.items[i];
		int r = sock_diag_destroy(sweep->diag, found->protocol, &found->socket);

		if (r == -ETIMEDOUT || r == -ENOBUFS || util_is_scarce(-r))
			return r;
		if (!r)
			sweep->result.destroyed++;
		else if (r != -ENOENT && r != -ESTALE)
			tell_left(&sweep->result, found, r);
	}
	return 0;
}

/* 1 if there may be more. */
static int pass(struct sweep *sweep, const bool able[ARRAY_SIZE(sources)])
{
	int r = 0;

	sweep->found.count = sweep->listeners.count = 0;
	for (size_t i = 0; !r && i < ARRAY_SIZE(sources); i++)
		for (size_t k = 0; !r && able[i] && k < ARRAY_SIZE(families); k++)
			r = sock_diag_list(sweep->diag, families[k], sources[i].protocol, sources[i].states, look_at,
					   sweep);
	if (!r)
		r = destroy_all(sweep);
	return r ? r : sweep->found.count > sweep->result.left;
}

/* Again while there was something: a half-open one may have become another socket before its end. */
static int sweep_all(struct sweep *sweep)
{
	bool able[ARRAY_SIZE(sources)];
	int r = 1;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(sources); i++) {
		r = is_able(sweep->diag, &sources[i], sweep->result.absent);
		able[i] = r > 0;
	}
	if (r < 0)
		return r;
	r = 1;
	for (unsigned int i = 0; r > 0 && i < PASSES_MAX; i++)
		r = pass(sweep, able);
	return r < 0 ? r : 0;
}

int existing_end(const struct deadline *deadline, const struct existing_subject *subjects, size_t count,
		 struct fault *fault, struct existing *ret)
{
	struct sweep sweep = { .subjects = subjects, .subject_count = count };
	int r = sock_diag_open(deadline, &sweep.diag);

	if (is_without_sock_diag(r))
		r = 0;
	for (size_t i = 0; i < count; i++)
		sweep.has_ranges = sweep.has_ranges || width(&subjects[i]) > 0;
	if (!r)
		r = sweep_all(&sweep);
	sock_diag_close(sweep.diag);
	free(sweep.found.items);
	free(sweep.listeners.items);
	if (r)
		return fail(fault, r);
	*ret = sweep.result;
	return 0;
}
