/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ip-packet.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#define OPTION_UNIT 8 /* of extension headers' lengths, RFC 8200 */
#define ECHO_IDENTIFIER 4

static const struct {
	uint8_t number;
	bool has_ports;
	const char *name;
} protocols[] = {
	{ IPPROTO_TCP, true, "tcp" },	   { IPPROTO_UDP, true, "udp" },    { IPPROTO_UDPLITE, true, "udplite" },
	{ IPPROTO_SCTP, true, "sctp" },	   { IPPROTO_DCCP, true, "dccp" },  { IPPROTO_ICMP, false, "icmp" },
	{ IPPROTO_ICMPV6, false, "icmpv6" }, { IPPROTO_IGMP, false, "igmp" },
};
#define PROTOCOL_COUNT (sizeof(protocols) / sizeof(protocols[0]))

static size_t find_protocol(uint8_t number)
{
	size_t i = 0;

	while (i < PROTOCOL_COUNT && protocols[i].number != number)
		i++;
	return i;
}

static uint16_t read_16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void parse_payload(const uint8_t *data, size_t length, struct ip_packet *packet)
{
	size_t i = find_protocol(packet->protocol);
	bool echo = length > 0 && ((packet->protocol == IPPROTO_ICMP && data[0] == ICMP_ECHO) ||
				   (packet->protocol == IPPROTO_ICMPV6 && data[0] == ICMP6_ECHO_REQUEST));

	packet->has_ports = i < PROTOCOL_COUNT && protocols[i].has_ports && length >= 4;
	if (packet->has_ports) {
		packet->from_port = read_16(data);
		packet->to_port = read_16(data + 2);
	} else if (echo && length >= ECHO_IDENTIFIER + 2) {
		packet->from_port = read_16(data + ECHO_IDENTIFIER);
	}
}

static bool parse_ipv4(const uint8_t *data, size_t length, struct ip_packet *packet)
{
	size_t header = (size_t)(data[0] & 15) * 4;

	if (length < sizeof(struct iphdr) || header < sizeof(struct iphdr))
		return false;
	packet->family = AF_INET;
	packet->protocol = data[offsetof(struct iphdr, protocol)];
	memcpy(&packet->to, data + offsetof(struct iphdr, daddr), sizeof(struct in_addr));
	if (header <= length)
		parse_payload(data + header, length - header, packet);
	return true;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS;
}

static bool parse_ipv6(const uint8_t *data, size_t length, struct ip_packet *packet)
{
	size_t at = sizeof(struct ip6_hdr);

	if (length < at)
		return false;
	packet->family = AF_INET6;
	packet->protocol = data[offsetof(struct ip6_hdr, ip6_nxt)];
	memcpy(&packet->to, data + offsetof(struct ip6_hdr, ip6_dst), sizeof(packet->to));
	while (is_extension(packet->protocol) && at + 2 <= length) {
		packet->protocol = data[at];
		at += ((size_t)data[at + 1] + 1) * OPTION_UNIT;
	}
	if (at <= length)
		parse_payload(data + at, length - at, packet);
	return true;
}

bool ip_packet_parse(const void *data, size_t length, struct ip_packet *ret)
{
	const uint8_t *bytes = data;
	struct ip_packet packet = { 0 };
	bool good = false;

	if (length > 0 && bytes[0] >> 4 == 4)
		good = parse_ipv4(bytes, length, &packet);
	else if (length > 0 && bytes[0] >> 4 == 6)
		good = parse_ipv6(bytes, length, &packet);
	if (good)
		*ret = packet;
	return good;
}

const char *ip_packet_protocol(const struct ip_packet *packet, char text[IP_PACKET_PROTOCOL_MAX])
{
	size_t i = find_protocol(packet->protocol);

	if (i < PROTOCOL_COUNT)
		return protocols[i].name;
	snprintf(text, IP_PACKET_PROTOCOL_MAX, "%u", packet->protocol);
	return text;
}

const char *ip_packet_address(const struct ip_packet *packet, char text[IP_PACKET_TO_MAX])
{
	return inet_ntop(packet->family, &packet->to, text, IP_PACKET_TO_MAX);
}

const char *ip_packet_to(const struct ip_packet *packet, char text[IP_PACKET_TO_MAX])
{
	char address[IP_PACKET_TO_MAX];

	ip_packet_address(packet, address);
	if (!packet->has_ports)
		snprintf(text, IP_PACKET_TO_MAX, "%.45s", address);
	else if (packet->family == AF_INET6)
		snprintf(text, IP_PACKET_TO_MAX, "[%.45s]:%u", address, packet->to_port);
	else
		snprintf(text, IP_PACKET_TO_MAX, "%.45s:%u", address, packet->to_port);
	return text;
}
