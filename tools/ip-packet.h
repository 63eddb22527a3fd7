/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_IP_PACKET_H
#define EGRESSCTL_IP_PACKET_H

/* What the first bytes of an IP packet say. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_packet {
	int family; /* AF_INET, AF_INET6 */
	uint8_t protocol;
	struct in6_addr to; /* of IPv4: the first four bytes */
	bool has_ports;
	uint16_t from_port, to_port; /* of an ICMP echo: its identifier, 0 */
};

/* False if DATA is no IP packet, or ends within its header. Extension headers are skipped as far as they are there. */
bool ip_packet_parse(const void *data, size_t length, struct ip_packet *ret);

#define IP_PACKET_PROTOCOL_MAX 16
/* "tcp", "icmpv6", or the number. */
const char *ip_packet_protocol(const struct ip_packet *packet, char text[IP_PACKET_PROTOCOL_MAX]);

#define IP_PACKET_TO_MAX 64
/* "192.0.2.1:443", "[2001:db8::1]:443", without ports "192.0.2.1", "2001:db8::1". */
const char *ip_packet_to(const struct ip_packet *packet, char text[IP_PACKET_TO_MAX]);
/* The address alone. */
const char *ip_packet_address(const struct ip_packet *packet, char text[IP_PACKET_TO_MAX]);

#endif
