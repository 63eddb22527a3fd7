/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_ADDR_H
#define EGRESS_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * Numbers and addresses, parsed strictly: the whole text must be consumed, no host names, no signs, no
 * blanks, no leading zeros in IPv4 octets (inet_pton's rules), no scope ids. Every parser returns 0 or
 * -EINVAL and leaves *ret untouched on failure. Every printer writes into the caller's buffer, which the
 * *_TEXT_MAX constants size, and returns it.
 */
struct addr {
	sa_family_t family; /* AF_INET or AF_INET6; an IPv4-mapped IPv6 address is refused */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

struct prefix {
	struct addr addr; /* host bits are zero: "192.0.2.1/24" is refused */
	unsigned int length;
};

struct port_range {
	uint16_t first, last; /* host byte order; 1..65535, first <= last */
};

struct endpoint {
	struct addr addr;
	uint16_t port;
};

struct uid_range {
	uid_t first, last; /* inclusive */
};

#define ADDR_TEXT_MAX 48
#define PREFIX_TEXT_MAX 56
#define ENDPOINT_TEXT_MAX 64
#define PORT_RANGE_TEXT_MAX 16
#define UID_RANGE_TEXT_MAX 24

int addr_parse_number(const char *text, unsigned long max, unsigned long *ret);
int addr_parse_prefix(const char *text, struct prefix *ret);     /* bare address: a host prefix */
int addr_parse_endpoint(const char *text, struct endpoint *ret); /* 192.0.2.1:80, [2001:db8::1]:80 */
int addr_parse_port_range(const char *text, struct port_range *ret); /* "443" or "8000-8010" */
/* "443,8000-8010"; *ret is malloced, the caller frees it. -ENOMEM possible. */
int addr_parse_ports(const char *text, struct port_range **ret, size_t *ret_count);
int addr_parse_uid_range(const char *text, struct uid_range *ret); /* "20000-29999" or "2001" */

unsigned int addr_bits(sa_family_t family); /* 32 or 128 */
bool addr_equal(const struct addr *a, const struct addr *b);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
struct prefix prefix_of_host(const struct addr *addr);
bool prefix_is_any(const struct prefix *prefix); /* length 0 */
bool prefix_contains(const struct prefix *prefix, const struct addr *addr);

/* By first, then by last: <0, 0, >0. */
int uid_range_compare(struct uid_range a, struct uid_range b);

char *addr_print_prefix(const struct prefix *prefix, char text[PREFIX_TEXT_MAX]);
char *addr_print_endpoint(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_MAX]);
char *addr_print_port_range(struct port_range range, char text[PORT_RANGE_TEXT_MAX]);
char *addr_print_uid_range(struct uid_range range, char text[UID_RANGE_TEXT_MAX]);

#endif
