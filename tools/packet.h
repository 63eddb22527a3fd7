/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_PACKET_H
#define EGRESSCTL_PACKET_H

/* What the first bytes of an IP packet say. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet {
	int family; /* AF_INET, AF_INET6 */
	uint8_t protocol;
	struct in6_addr to; /* of IPv4: the first four bytes */
	bool has_ports;
	uint16_t from_port, to_port; /* of an ICMP echo: its identifier, 0 */
};

/* False if DATA is no IP packet, or ends within its header. Extension headers are skipped as far as they are there. */
bool packet_parse(const void *data, size_t length, struct packet *ret);

#define PACKET_PROTOCOL_MAX 16
/* "tcp", "icmpv6", or the number. */
const char *packet_protocol(const struct packet *packet, char text[PACKET_PROTOCOL_MAX]);

#define PACKET_TO_MAX 64
/* "192.0.2.1:443", "[2001:db8::1]:443", without ports "192.0.2.1", "2001:db8::1". */
const char *packet_to(const struct packet *packet, char text[PACKET_TO_MAX]);
/* The address alone. */
const char *packet_address(const struct packet *packet, char text[PACKET_TO_MAX]);

#endif
