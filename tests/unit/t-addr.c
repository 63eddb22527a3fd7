/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "addr.h"

#include "unit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

struct number_case {
	const char *text;
	unsigned long max;
	long value; /* -1: refused */
};

static const struct number_case numbers[] = {
	{ "0", 0, 0 },
	{ "0", 65535, 0 },
	{ "7", 7, 7 },
	{ "8", 7, -1 },
	{ "9", 3, -1 },
	{ "65535", 65535, 65535 },
	{ "65536", 65535, -1 },
	{ "4294967295", 4294967295UL, 4294967295L },
	{ "4294967296", 4294967295UL, -1 },
	{ "99999999999", 4294967295UL, -1 },
	{ "18446744073709551617", 4294967295UL, -1 },
	{ "18446744073709551625", 65535, -1 },
	{ "", 9, -1 },
	{ "00", 9, -1 },
	{ "01", 9, -1 },
	{ "+1", 9, -1 },
	{ "-1", 9, -1 },
	{ " 1", 9, -1 },
	{ "1 ", 9, -1 },
	{ "1x", 9, -1 },
	{ "0x1", 9, -1 },
	{ "1\n", 9, -1 },
	{ "\xd9\xa1", 9, -1 }, /* an Arabic one */
};

START_TEST(numbers_are_plain_decimals)
{
	const struct number_case *c = &numbers[_i];
	unsigned long value = 77;

	if (c->value < 0) {
		ck_assert_int_eq(addr_parse_number(c->text, c->max, &value), -EINVAL);
		ck_assert_uint_eq(value, 77);
	} else {
		ck_assert_int_eq(addr_parse_number(c->text, c->max, &value), 0);
		ck_assert_uint_eq(value, (unsigned long)c->value);
	}
}
END_TEST

/* What each text reads as when printed again; NULL: refused. */
struct text_case {
	const char *text, *printed;
};

static const struct text_case prefixes[] = {
	{ "192.0.2.1", "192.0.2.1/32" },
	{ "192.0.2.0/24", "192.0.2.0/24" },
	{ "192.0.2.128/25", "192.0.2.128/25" },
	{ "0.0.0.0/0", "0.0.0.0/0" },
	{ "2001:DB8::1", "2001:db8::1/128" },
	{ "2001:db8::/32", "2001:db8::/32" },
	{ "2001:db8:0:8000::/49", "2001:db8:0:8000::/49" },
	{ "::/0", "::/0" },
	{ "::1", "::1/128" },
	{ "192.0.2.1/24", NULL },
	{ "192.0.2.128/24", NULL },
	{ "128.0.0.0/0", NULL },
	{ "2001:db8::1/127", NULL },
	{ "2001:db8:0:8000::/48", NULL },
	{ "192.0.2.0/33", NULL },
	{ "::/129", NULL },
	{ "192.0.2.0/", NULL },
	{ "192.0.2.0/024", NULL },
	{ "192.0.2.0/24/24", NULL },
	{ "192.0.2.0/255.255.255.0", NULL },
	{ "192.0.2", NULL },
	{ "192.0.2.01", NULL },
	{ "192.0.2.256", NULL },
	{ "0300.0.2.1", NULL },
	{ "3221225985", NULL },
	{ "::ffff:192.0.2.1", NULL },
	{ "::ffff:0:0/96", NULL },
	{ "fe80::1%eth0", NULL },
	{ "[::1]", NULL },
	{ "localhost", NULL },
	{ " 192.0.2.1", NULL },
	{ "192.0.2.1 ", NULL },
	{ "192.0.2.1\n", NULL },
	{ "/24", NULL },
	{ "", NULL },
	{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", NULL },
};

START_TEST(prefixes_are_literal)
{
	const struct text_case *c = &prefixes[_i];
	struct prefix prefix = { .length = 77 };
	char text[PREFIX_TEXT_MAX];

	if (c->printed) {
		ck_assert_int_eq(addr_parse_prefix(c->text, &prefix), 0);
		ck_assert_str_eq(addr_print_prefix(&prefix, text), c->printed);
	} else {
		ck_assert_int_eq(addr_parse_prefix(c->text, &prefix), -EINVAL);
		ck_assert_uint_eq(prefix.length, 77);
	}
}
END_TEST

static const struct text_case endpoints[] = {
	{ "127.0.0.1:3128", "127.0.0.1:3128" },
	{ "[::1]:3128", "[::1]:3128" },
	{ "[2001:DB8::1]:65535", "[2001:db8::1]:65535" },
	{ "127.0.0.1", NULL },
	{ "127.0.0.1:", NULL },
	{ "127.0.0.1:0", NULL },
	{ "127.0.0.1:65536", NULL },
	{ "127.0.0.1:03128", NULL },
	{ "127.0.0.1:3128:1", NULL },
	{ "127.0.0.1:3128 ", NULL },
	{ "127.0.0.1:http", NULL },
	{ ":3128", NULL },
	{ "::1:3128", NULL },
	{ "2001:db8::1:3128", NULL },
	{ "[::1]", NULL },
	{ "[::1]3128", NULL },
	{ "[::1:3128", NULL },
	{ "[]:3128", NULL },
	{ "[127.0.0.1]:3128", NULL },
	{ "[::ffff:127.0.0.1]:3128", NULL },
	{ "[fe80::1%lo]:3128", NULL },
	{ "localhost:3128", NULL },
	{ "http://127.0.0.1:3128", NULL },
	{ "", NULL },
};

START_TEST(endpoints_are_literal)
{
	const struct text_case *c = &endpoints[_i];
	struct endpoint endpoint = { .port = 77 };
	char text[ENDPOINT_TEXT_MAX];

	if (c->printed) {
		ck_assert_int_eq(addr_parse_endpoint(c->text, &endpoint), 0);
		ck_assert_str_eq(addr_print_endpoint(&endpoint, text), c->printed);
	} else {
		ck_assert_int_eq(addr_parse_endpoint(c->text, &endpoint), -EINVAL);
		ck_assert_uint_eq(endpoint.port, 77);
	}
}
END_TEST

static const struct text_case port_lists[] = {
	{ "443", "443" },
	{ "443,8000-8010", "443,8000-8010" },
	{ "1-65535", "1-65535" },
	{ "5-5", "5" },
	{ "80,80", "80,80" },
	{ "0", NULL },
	{ "0-5", NULL },
	{ "10-9", NULL },
	{ "65536", NULL },
	{ "1-65536", NULL },
	{ "1-2-3", NULL },
	{ "-1", NULL },
	{ "1-", NULL },
	{ "443,", NULL },
	{ ",443", NULL },
	{ "443,,80", NULL },
	{ "443, 80", NULL },
	{ "https", NULL },
	{ "00000000000000000443", NULL },
	{ "", NULL },
};

START_TEST(ports_are_numbers)
{
	const struct text_case *c = &port_lists[_i];
	char text[256] = "", part[PORT_RANGE_TEXT_MAX];
	size_t length = 0;
	struct port_range *ranges = NULL;
	size_t count = 77, i;

	if (!c->printed) {
		ck_assert_int_eq(addr_parse_ports(c->text, &ranges, &count), -EINVAL);
		ck_assert(!ranges && count == 77);
		return;
	}
	ck_assert_int_eq(addr_parse_ports(c->text, &ranges, &count), 0);
	for (i = 0; i < count; i++) {
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i ? "," : "",
					   addr_print_port_range(ranges[i], part));
	}
	free(ranges);
	ck_assert_str_eq(text, c->printed);
}
END_TEST

static const struct text_case uid_ranges[] = {
	{ "2001", "2001" },
	{ "20000-29999", "20000-29999" },
	{ "2001-2001", "2001" },
	{ "0", "0" },
	{ "4294967294", "4294967294" },
	{ "4294967295", NULL },
	{ "1-4294967295", NULL },
	{ "4294969297", NULL }, /* 2001 more than 32 bits hold */
	{ "99999999999", NULL },
	{ "2-1", NULL },
	{ "-1", NULL },
	{ "02001", NULL },
	{ "2001-", NULL },
	{ "2001--2002", NULL },
	{ "2001 - 2002", NULL },
	{ "agent1", NULL },
	{ "", NULL },
};

START_TEST(uids_do_not_wrap)
{
	const struct text_case *c = &uid_ranges[_i];
	struct uid_range range = { 77, 77 };
	char text[UID_RANGE_TEXT_MAX];

	if (c->printed) {
		ck_assert_int_eq(addr_parse_uid_range(c->text, &range), 0);
		ck_assert_str_eq(addr_print_uid_range(range, text), c->printed);
	} else {
		ck_assert_int_eq(addr_parse_uid_range(c->text, &range), -EINVAL);
		ck_assert(range.first == 77 && range.last == 77);
	}
}
END_TEST

START_TEST(prefixes_differ_by_family_bits_and_length)
{
	static const char *const texts[] = { "0.0.0.0/0",    "::/0",	     "192.0.2.0/24",
					     "192.0.2.0/25", "192.0.3.0/24", "2001:db8::/32",
					     "2001:db8::1" };
	struct prefix a, b;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		for (k = 0; k < ARRAY_SIZE(texts); k++) {
			ck_assert_int_eq(addr_parse_prefix(texts[i], &a), 0);
			ck_assert_int_eq(addr_parse_prefix(texts[k], &b), 0);
			ck_assert_int_eq(prefix_equal(&a, &b), i == k);
		}
		ck_assert_int_eq(prefix_is_any(&a), i < 2);
	}
}
END_TEST

START_TEST(the_longest_texts_fit)
{
	static const char longest[] = "1111:1111:1111:1111:1111:1111:1111:1111";
	char text[ENDPOINT_TEXT_MAX];
	struct prefix prefix;

	ck_assert_int_eq(addr_parse_prefix(longest, &prefix), 0);
	ck_assert_str_eq(addr_print_prefix(&prefix, text),
			 "1111:1111:1111:1111:1111:1111:1111:1111/128");
	ck_assert_str_eq(addr_print_endpoint(&(struct endpoint){ prefix.addr, 65535 }, text),
			 "[1111:1111:1111:1111:1111:1111:1111:1111]:65535");
	ck_assert_str_eq(addr_print_uid_range((struct uid_range){ 4294967293, 4294967294 }, text),
			 "4294967293-4294967294");
	ck_assert_str_eq(addr_print_port_range((struct port_range){ 65534, 65535 }, text),
			 "65534-65535");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("addr");
	TCase *tcase = tcase_create("addr");

	tcase_add_loop_test(tcase, numbers_are_plain_decimals, 0, ARRAY_SIZE(numbers));
	tcase_add_loop_test(tcase, prefixes_are_literal, 0, ARRAY_SIZE(prefixes));
	tcase_add_loop_test(tcase, endpoints_are_literal, 0, ARRAY_SIZE(endpoints));
	tcase_add_loop_test(tcase, ports_are_numbers, 0, ARRAY_SIZE(port_lists));
	tcase_add_loop_test(tcase, uids_do_not_wrap, 0, ARRAY_SIZE(uid_ranges));
	tcase_add_test(tcase, prefixes_differ_by_family_bits_and_length);
	tcase_add_test(tcase, the_longest_texts_fit);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
