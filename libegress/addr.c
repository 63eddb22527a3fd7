/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "addr.h"

#include "util.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535
#define UID_LAST 4294967294UL /* the next one is (uid_t)-1, which the kernel reads as "no uid" */
#define NUMBER_TEXT_MAX 16

_Static_assert(sizeof(uid_t) == 4, "uid ranges and chain names assume 32-bit uids");
_Static_assert(ADDR_TEXT_MAX > INET6_ADDRSTRLEN, "an address fits");

/* LENGTH bytes of FROM as a string, or -EINVAL where they do not fit or hold a NUL. */
static int copy_part(const char *from, size_t length, char *to, size_t size)
{
	if (length >= size || memchr(from, '\0', length))
		return -EINVAL;
	memcpy(to, from, length);
	to[length] = '\0';
	return 0;
}

int addr_parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	unsigned long value = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text; text++) {
		unsigned long digit = (unsigned long)(*text - '0');

		if (*text < '0' || *text > '9' || digit > max || value > (max - digit) / 10)
			return -EINVAL;
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}

static int parse_addr(const char *text, struct addr *ret)
{
	struct addr addr = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	void *to = addr.family == AF_INET6 ? (void *)&addr.v6 : (void *)&addr.v4;

	if (inet_pton(addr.family, text, to) != 1)
		return -EINVAL;
	/* It would be sent as IPv4, where a rule for IPv6 never sees it. */
	if (addr.family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&addr.v6))
		return -EINVAL;
	*ret = addr;
	return 0;
}

static const uint8_t *addr_bytes(const struct addr *addr)
{
	return addr->family == AF_INET6 ? addr->v6.s6_addr : (const uint8_t *)&addr->v4;
}

static bool host_bits_are_zero(const struct prefix *prefix)
{
	const uint8_t *bytes = addr_bytes(&prefix->addr);
	unsigned int bit;

	for (bit = prefix->length; bit < addr_bits(prefix->addr.family); bit++) {
		if (bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	}
	return true;
}

int addr_parse_prefix(const char *text, struct prefix *ret)
{
	size_t length = strcspn(text, "/");
	char part[ADDR_TEXT_MAX];
	struct prefix prefix;
	unsigned long bits;
	struct addr addr;

	if (copy_part(text, length, part, sizeof(part)) < 0 || parse_addr(part, &addr) < 0)
		return -EINVAL;
	prefix = prefix_of_host(&addr);
	if (text[length] == '/') {
		if (addr_parse_number(text + length + 1, addr_bits(addr.family), &bits) < 0)
			return -EINVAL;
		prefix.length = (unsigned int)bits;
	}
	if (!host_bits_are_zero(&prefix))
		return -EINVAL;
	*ret = prefix;
	return 0;
}

static int parse_port(const char *text, uint16_t *ret)
{
	unsigned long port;

	if (addr_parse_number(text, PORT_MAX, &port) < 0 || port == 0)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

int addr_parse_endpoint(const char *text, struct endpoint *ret)
{
	bool bracketed = text[0] == '[';
	const char *start = bracketed ? text + 1 : text;
	size_t length = strcspn(start, bracketed ? "]" : ":");
	const char *rest = start + length;
	struct endpoint endpoint = { 0 };
	char part[ADDR_TEXT_MAX];

	if (bracketed && *rest == ']')
		rest++;
	if (*rest != ':' || copy_part(start, length, part, sizeof(part)) < 0 ||
	    parse_addr(part, &endpoint.addr) < 0)
		return -EINVAL;
	if (bracketed != (endpoint.addr.family == AF_INET6) ||
	    parse_port(rest + 1, &endpoint.port) < 0)
		return -EINVAL;
	*ret = endpoint;
	return 0;
}

/* "FIRST-LAST", or one number that is both. */
static int parse_range(const char *text, unsigned long max, unsigned long *ret_first,
		       unsigned long *ret_last)
{
	size_t length = strcspn(text, "-");
	unsigned long first, last;
	char part[NUMBER_TEXT_MAX];

	if (copy_part(text, length, part, sizeof(part)) < 0 ||
	    addr_parse_number(part, max, &first) < 0)
		return -EINVAL;
	last = first;
	if (text[length] == '-' && addr_parse_number(text + length + 1, max, &last) < 0)
		return -EINVAL;
	if (first > last)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	return 0;
}

int addr_parse_port_range(const char *text, struct port_range *ret)
{
	unsigned long first, last;

	if (parse_range(text, PORT_MAX, &first, &last) < 0 || first == 0)
		return -EINVAL;
	ret->first = (uint16_t)first;
	ret->last = (uint16_t)last;
	return 0;
}

static size_t count_commas(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == ',';
	return count;
}

int addr_parse_ports(const char *text, struct port_range **ret, size_t *ret_count)
{
	AUTO_FREE struct port_range *ranges = NULL;
	size_t count = count_commas(text) + 1, i;

	ranges = calloc(count, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		size_t length = strcspn(text, ",");
		char part[PORT_RANGE_TEXT_MAX];

		if (copy_part(text, length, part, sizeof(part)) < 0 ||
		    addr_parse_port_range(part, &ranges[i]) < 0)
			return -EINVAL;
		text += length + 1;
	}
	*ret = util_steal(ranges);
	*ret_count = count;
	return 0;
}

int addr_parse_uid_range(const char *text, struct uid_range *ret)
{
	unsigned long first, last;

	if (parse_range(text, UID_LAST, &first, &last) < 0)
		return -EINVAL;
	ret->first = (uid_t)first;
	ret->last = (uid_t)last;
	return 0;
}

unsigned int addr_bits(sa_family_t family)
{
	return family == AF_INET6 ? 128 : 32;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family &&
	       memcmp(addr_bytes(a), addr_bytes(b), addr_bits(a->family) / 8) == 0;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && addr_equal(&a->addr, &b->addr);
}

struct prefix prefix_of_host(const struct addr *addr)
{
	return (struct prefix){ .addr = *addr, .length = addr_bits(addr->family) };
}

bool prefix_contains(const struct prefix *prefix, const struct addr *addr)
{
	const uint8_t *a = addr_bytes(&prefix->addr), *b = addr_bytes(addr);
	unsigned int whole = prefix->length / 8, rest = prefix->length % 8;

	if (prefix->addr.family != addr->family || memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool prefix_is_any(const struct prefix *prefix)
{
	return prefix->length == 0;
}

static const char *print_addr(const struct addr *addr, char text[ADDR_TEXT_MAX])
{
	const char *printed = inet_ntop(addr->family, addr_bytes(addr), text, ADDR_TEXT_MAX);

	return printed ? printed : "?";
}

int uid_range_compare(struct uid_range a, struct uid_range b)
{
	if (a.first != b.first)
		return a.first < b.first ? -1 : 1;
	return a.last < b.last ? -1 : a.last > b.last;
}

char *addr_print_prefix(const struct prefix *prefix, char text[PREFIX_TEXT_MAX])
{
	char part[ADDR_TEXT_MAX];

	snprintf(text, PREFIX_TEXT_MAX, "%s/%u", print_addr(&prefix->addr, part),
		 prefix->length & 0xff);
	return text;
}

char *addr_print_endpoint(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_MAX])
{
	bool bracketed = endpoint->addr.family == AF_INET6;
	char part[ADDR_TEXT_MAX];

	snprintf(text, ENDPOINT_TEXT_MAX, "%s%s%s:%u", bracketed ? "[" : "",
		 print_addr(&endpoint->addr, part), bracketed ? "]" : "", endpoint->port);
	return text;
}

char *addr_print_port_range(struct port_range range, char text[PORT_RANGE_TEXT_MAX])
{
	if (range.first == range.last)
		snprintf(text, PORT_RANGE_TEXT_MAX, "%u", range.first);
	else
		snprintf(text, PORT_RANGE_TEXT_MAX, "%u-%u", range.first, range.last);
	return text;
}

char *addr_print_uid_range(struct uid_range range, char text[UID_RANGE_TEXT_MAX])
{
	if (range.first == range.last)
		snprintf(text, UID_RANGE_TEXT_MAX, "%u", range.first);
	else
		snprintf(text, UID_RANGE_TEXT_MAX, "%u-%u", range.first, range.last);
	return text;
}
