/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard-sink.h"

#include "util.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#define LOOPBACK_INDEX 1 /* in every network namespace */
#define MESSAGE_MAX 256
#define ROUTES_MAX 65536 /* more than there are cards: the end of a loop that others could make endless */

/* --- Cards --- */

struct card {
	uint32_t index;
	struct in_addr address;
};

struct cards {
	struct card *items; /* owned */
	size_t count, room;
};

static int push_card(struct cards *cards, struct card card)
{
	if (util_grow(&cards->items, cards->count, &cards->room, sizeof(card)))
		return -ENOMEM;
	cards->items[cards->count++] = card;
	return 0;
}

/* The kernel lists the addresses of a card one after the other: the first will do. */
static int add_card(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	struct cards *cards = data;
	struct card card = { 0 };

	if (message->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(message) < sizeof(*address) ||
	    address->ifa_family != AF_INET || address->ifa_index == LOOPBACK_INDEX ||
	    (cards->count && cards->items[cards->count - 1].index == address->ifa_index))
		return 0;
	card.index = address->ifa_index;
	mnl_attr_for_each(attribute, message, sizeof(*address))
		if (mnl_attr_get_type(attribute) == IFA_LOCAL &&
		    mnl_attr_get_payload_len(attribute) == sizeof(card.address))
			memcpy(&card.address, mnl_attr_get_payload(attribute), sizeof(card.address));
	return card.address.s_addr ? push_card(cards, card) : 0;
}

static int list_cards(struct guard_link *link, struct cards *ret)
{
	unsigned char buffer[MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *address = mnl_nlmsg_put_extra_header(question, sizeof(*address));

	question->nlmsg_type = RTM_GETADDR;
	question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	address->ifa_family = AF_INET;
	return guard_link_ask(link, question, add_card, ret);
}

/* --- Routes --- */

/* CARD: NULL for loopback; index 0: whichever card's route comes first. */
static int edit_route(struct guard_link *link, sa_family_t family, uint16_t type, uint16_t flags, const struct card *card)
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
	/* Without a source what is sent would come from where it goes to. */
	if (card && card->index) {
		mnl_attr_put_u32(message, RTA_OIF, card->index);
		mnl_attr_put_u32(message, RTA_PREFSRC, card->address.s_addr);
	} else if (!card) {
		mnl_attr_put_u32(message, RTA_OIF, LOOPBACK_INDEX);
		if (family == AF_INET)
			mnl_attr_put_u32(message, RTA_PREFSRC, htonl(INADDR_LOOPBACK));
		else
			mnl_attr_put(message, RTA_PREFSRC, sizeof(in6addr_loopback), &in6addr_loopback);
	}
	return guard_link_ask(link, message, NULL, NULL);
}

static int add_route(struct guard_link *link, sa_family_t family, const struct card *card)
{
	int r = edit_route(link, family, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, card);

	return r == -EEXIST ? 0 : r;
}

/* A card that is down sends nothing; one that went, or lost its address, since it was listed has no route to be made. */
static int add_routes(struct guard_link *link, const struct cards *cards)
{
	int r = 0;

	for (size_t i = 0; i < cards->count && !r; i++) {
		r = add_route(link, AF_INET, &cards->items[i]);
		if (r == -ENODEV || r == -ENETDOWN || r == -EINVAL)
			r = 0;
	}
	return r;
}

static int make_for_cards(struct guard_link *link)
{
	struct cards cards = { 0 };
	int r = list_cards(link, &cards);

	if (!r)
		r = add_routes(link, &cards);
	free(cards.items);
	return r;
}

int guard_sink_make(struct guard_link *link, sa_family_t family)
{
	int r = add_route(link, family, NULL), of_cards = 0;

	/* A loopback interface without an address can have no route, but those of cards are not worth less for that. */
	if (family == AF_INET)
		of_cards = make_for_cards(link);
	return r ? r : of_cards;
}

int guard_sink_delete(struct guard_link *link, sa_family_t family)
{
	const struct card any = { 0 };
	int r = 0;

	for (int i = 0; i < ROUTES_MAX && !r; i++)
		r = edit_route(link, family, RTM_DELROUTE, 0, &any);
	return r == -ESRCH || r == -ENOENT ? 0 : r;
}
