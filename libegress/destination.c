/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "destination.h"

#include "util.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535

/* Cut at what separates them: "[2001:db8::1]:53" */
struct parts {
	char host[ADDR_TEXT_MAX];
	const char *port; /* after the colon; NULL: there is none */
};

static int refuse(struct fault *fault, const char *text, const char *why)
{
	return fault_set(fault, -EINVAL, "destination \"%s\": %s", text, why);
}

static const char *split_scheme(const char *text, uint8_t *ret_proto)
{
	static const struct word schemes[] = {
		{ "tcp://", IPPROTO_TCP }, { "udp://", IPPROTO_UDP }, { "icmp://", IPPROTO_ICMP }, { 0 },
	};

	for (const struct word *scheme = schemes; scheme->text; scheme++) {
		if (strncmp(text, scheme->text, strlen(scheme->text)) == 0) {
			*ret_proto = (uint8_t)scheme->value;
			return text + strlen(scheme->text);
		}
	}
	return NULL;
}

/* NULL, or what is wrong with it. */
static const char *split(const char *text, struct parts *ret)
{
	bool bracketed = text[0] == '[';
	const char *start = text + bracketed, *end = bracketed ? strchr(start, ']') : strrchr(start, ':');
	const char *rest;

	if (bracketed && !end)
		return "\"[\" without \"]\"";
	/* More colons than one, and no brackets: an IPv6 address as it is, or one whose port cannot be told. */
	if (!bracketed && (!end || strchr(start, ':') != end))
		end = start + strlen(start);
	rest = bracketed ? end + 1 : end;
	if (*rest != '\0' && *rest != ':')
		return "after \"]\" there is a port or nothing";
	if ((size_t)(end - start) >= sizeof(ret->host))
		return "is not a literal address";
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(end - start), start);
	ret->port = *rest == ':' ? rest + 1 : NULL;
	return NULL;
}

static const char *take_host(const char *host, struct packet *packet)
{
	struct prefix to;

	if (strchr(host, '/') || addr_parse_prefix(host, &to))
		return strncmp(host, "::ffff:", strlen("::ffff:")) == 0 ?
			       "is on the wire what the IPv4 address is: write that" :
			       "is not a literal address: rules know no names, the proxy resolves them";
	packet->to = to.addr;
	if (packet->proto == IPPROTO_ICMP && packet->to.family == AF_INET6)
		packet->proto = IPPROTO_ICMPV6;
	return NULL;
}

static const char *take_port(const char *port, struct packet *packet)
{
	bool wants = packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP;
	unsigned long number;

	if (!wants)
		return port ? "icmp has no ports" : NULL;
	if (!port)
		return packet->to.family == AF_INET6 ? "needs a port, as in tcp://[2001:db8::1]:443" :
						       "needs a port, as in tcp://192.0.2.1:443";
	if (addr_parse_number(port, PORT_MAX, &number) || number == 0)
		return "its port is not a number from 1 to 65535";
	packet->port = (uint16_t)number;
	return NULL;
}

int destination_parse(const char *text, struct fault *fault, struct packet *ret)
{
	struct packet packet = { 0 };
	struct parts parts;
	const char *rest = split_scheme(text, &packet.proto), *why;

	if (!rest)
		return refuse(fault, text, strstr(text, "://") ? "begins with tcp://, udp:// or icmp://" :
								 "needs a protocol: tcp://, udp:// or icmp://");
	why = split(rest, &parts);
	if (!why)
		why = take_host(parts.host, &packet);
	if (!why)
		why = take_port(parts.port, &packet);
	if (why)
		return refuse(fault, text, why);
	*ret = packet;
	return 0;
}

static const char *scheme_of(const struct packet *packet)
{
	return word_text(words_proto, packet->proto == IPPROTO_ICMPV6 ? IPPROTO_ICMP : packet->proto);
}

static void print_addr(const struct addr *addr, char text[PREFIX_TEXT_MAX])
{
	const struct prefix host = prefix_of_host(addr);

	addr_print_prefix(&host, text);
	*strchrnul(text, '/') = '\0';
}

char *destination_print(const struct packet *packet, char text[DESTINATION_TEXT_MAX])
{
	const struct endpoint to = { .addr = packet->to, .port = packet->port };
	char endpoint[ENDPOINT_TEXT_MAX], host[PREFIX_TEXT_MAX];

	print_addr(&packet->to, host);
	snprintf(text, DESTINATION_TEXT_MAX, "%s://%s", scheme_of(packet),
		 packet->port ? addr_print_endpoint(&to, endpoint) : host);
	return text;
}

char *destination_print_entry(const struct packet *packet, char text[DESTINATION_ENTRY_MAX])
{
	char host[PREFIX_TEXT_MAX], ports[sizeof("ports = \"65535\"; ")] = "";

	print_addr(&packet->to, host);
	if (packet->port)
		snprintf(ports, sizeof(ports), "ports = \"%u\"; ", packet->port);
	snprintf(text, DESTINATION_ENTRY_MAX, "{ to = \"%s\"; proto = \"%s\"; %s}", host, scheme_of(packet), ports);
	return text;
}
