/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard-sink.h"

#include "util.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>

#define LOOPBACK_INDEX 1 /* in every network namespace */
#define MESSAGE_MAX 256
#define ROUTES_MAX 65536 /* more than there are cards: the end of a loop that others could make endless */

/* --- Cards --- */

struct cards {
	uint32_t *items; /* indices; owned */
	size_t count, room;
};

static int add_card(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *card = mnl_nlmsg_get_payload(message);
	struct cards *cards = data;

	if (message->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(message) < sizeof(*card) ||
	    !(card->ifi_flags & IFF_UP) || card->ifi_index == LOOPBACK_INDEX)
		return 0;
	if (cards->count == cards->room) {
		size_t room = cards->room ? cards->room * 2 : 16;
		uint32_t *grown = reallocarray(cards->items, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		cards->items = grown;
		cards->room = room;
	}
	cards->items[cards->count++] = (uint32_t)card->ifi_index;
	return 0;
}

static int list_cards(struct guard_link *link, struct cards *ret)
{
	unsigned char buffer[MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);

	question->nlmsg_type = RTM_GETLINK;
	question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(question, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(question, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return guard_link_ask(link, question, add_card, ret);
}

/* --- Routes --- */

/* INDEX 0: whichever card's comes first. */
static int edit_route(struct guard_link *link, sa_family_t family, uint16_t type, uint16_t flags, uint32_t index)
{
	unsigned char buffer[MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof(*route));

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	route->rtm_family = (uint8_t)family;
	route->rtm_protocol = GUARD_PROTOCOL;
	route->rtm_scope = RT_SCOPE_HOST;
	route->rtm_type = RTN_LOCAL;
	mnl_attr_put_u32(message, RTA_TABLE, GUARD_TABLE);
	if (index)
		mnl_attr_put_u32(message, RTA_OIF, index);
	/* Else it would come from where it goes to. */
	if (family == AF_INET)
		mnl_attr_put_u32(message, RTA_PREFSRC, htonl(INADDR_LOOPBACK));
	else
		mnl_attr_put(message, RTA_PREFSRC, sizeof(in6addr_loopback), &in6addr_loopback);
	return guard_link_ask(link, message, NULL, NULL);
}

static int add_route(struct guard_link *link, sa_family_t family, uint32_t index)
{
	int r = edit_route(link, family, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, index);

	return r == -EEXIST ? 0 : r;
}

/* A card that went, or went down, since it was listed sends nothing. */
static int add_routes(struct guard_link *link, const struct cards *cards)
{
	int r = 0;

	for (size_t i = 0; i < cards->count && !r; i++) {
		r = add_route(link, AF_INET, cards->items[i]);
		if (r == -ENODEV || r == -ENETDOWN)
			r = 0;
	}
	return r;
}

int guard_sink_make(struct guard_link *link, sa_family_t family)
{
	struct cards cards = { 0 };
	int r = add_route(link, family, LOOPBACK_INDEX);

	if (family != AF_INET)
		return r;
	if (!r)
		r = list_cards(link, &cards);
	if (!r)
		r = add_routes(link, &cards);
	free(cards.items);
	return r;
}

int guard_sink_delete(struct guard_link *link, sa_family_t family)
{
	int r = 0;

	for (int i = 0; i < ROUTES_MAX && !r; i++)
		r = edit_route(link, family, RTM_DELROUTE, 0, 0);
	return r == -ESRCH || r == -ENOENT ? 0 : r;
}
