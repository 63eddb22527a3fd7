/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where somebody wants to go, as text. */
#include "conf.h"
#include "destination.h"

#include "unit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text, *printed; /* NULL: as it was */
	uint8_t proto;
	uint16_t port;
} good[] = {
	{ "tcp://192.0.2.1:443", NULL, IPPROTO_TCP, 443 },
	{ "tcp://192.0.2.1:65535", NULL, IPPROTO_TCP, 65535 },
	{ "udp://[2001:db8::1]:1", NULL, IPPROTO_UDP, 1 },
	{ "udp://[2001:DB8:0:0::1]:53", "udp://[2001:db8::1]:53", IPPROTO_UDP, 53 },
	{ "icmp://192.0.2.1", NULL, IPPROTO_ICMP, 0 },
	{ "icmp://2001:db8::1", NULL, IPPROTO_ICMPV6, 0 },
	{ "icmp://[::1]", "icmp://::1", IPPROTO_ICMPV6, 0 },
	{ "icmp://ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, IPPROTO_ICMPV6, 0 },
};

static const char *const bad[] = {
	"", "tcp", "://", "tcp:/192.0.2.1:4", "TCP://192.0.2.1:4", "tcp://", "tcp://:4", "tcp://[]:4", "tcp://192.0.2.1",
	"tcp://192.0.2.1:", "tcp://192.0.2.1:0", "tcp://192.0.2.1:65536", "tcp://192.0.2.1:4294967297", "tcp://192.0.2.1:-1",
	"tcp://192.0.2.1:4 ", "tcp:// 192.0.2.1:4", "tcp://192.0.2.1/32:4", "tcp://192.0.2.1:4/", "tcp://1.2.3:4",
	"tcp://localhost:4", "tcp://[192.0.2.1:4", "tcp://[2001:db8::1]4", "tcp://2001:db8::1", "tcp://::ffff:192.0.2.1",
	"udp://[::ffff:192.0.2.1]:4", "udp://[fe80::1%lo]:4", "icmp://192.0.2.1:0", "icmp://[::1]:1", "icmp://host",
	"sctp://192.0.2.1:4", "tcp://00000000000000000000000000000000000000000000000000000000000000001:4",
};

START_TEST(what_is_one_is_read_and_printed)
{
	const char *printed = good[_i].printed ? good[_i].printed : good[_i].text;
	char text[DESTINATION_TEXT_MAX];
	struct packet packet;

	ck_assert_int_eq(destination_parse(good[_i].text, NULL, &packet), 0);
	ck_assert_int_eq(packet.proto, good[_i].proto);
	ck_assert_uint_eq(packet.port, good[_i].port);
	ck_assert_str_eq(destination_print(&packet, text), printed);
}
END_TEST

START_TEST(what_is_none_is_refused_and_quoted)
{
	struct packet packet = { .port = 7 };
	struct fault fault = { 0 };
	char quoted[256];

	ck_assert_int_eq(destination_parse(bad[_i], &fault, &packet), -EINVAL);
	ck_assert_uint_eq(packet.port, 7);
	snprintf(quoted, sizeof(quoted), "destination \"%s\": ", bad[_i]);
	ck_assert_msg(strncmp(fault.line, quoted, strlen(quoted)) == 0 && fault.line[strlen(quoted)], "%s", fault.line);
}
END_TEST

/* What is printed for an administrator is read by the configuration's own parser, and lets it through. */
START_TEST(its_entry_lets_it_through)
{
	char entry[DESTINATION_ENTRY_MAX], text[512];
	struct conf_text source = { .file = "conf", .text = text };
	struct fault fault = { 0 };
	AUTO_CONF struct conf *conf = NULL;
	struct packet packet;
	struct plan plan;

	ck_assert_int_eq(destination_parse(good[_i].text, NULL, &packet), 0);
	source.length = (size_t)snprintf(text, sizeof(text),
					 "profiles = { default = { proxy = \"127.0.0.1:3128\"; allow = ( %s ); }; };"
					 "accounts = ( { user = \"a\"; } );\n",
					 destination_print_entry(&packet, entry));
	ck_assert_msg(conf_parse(&source, 1, 1000, &fault, &conf) == 0, "%s", fault.line);
	ck_assert_int_eq(plan_compile(conf->profiles[0], (struct uid_range){ 2001, 2001 }, &plan), 0);
	ck_assert_int_eq(plan_decide(&plan, &packet)->verdict, VERDICT_ALLOW);
	packet.port ^= 2;
	ck_assert(packet.port == 2 || plan_decide(&plan, &packet)->verdict != VERDICT_ALLOW);
	plan_clear(&plan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("destination");
	TCase *tcase = tcase_create("destination");

	tcase_add_loop_test(tcase, what_is_one_is_read_and_printed, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(tcase, what_is_none_is_refused_and_quoted, 0, ARRAY_SIZE(bad));
	tcase_add_loop_test(tcase, its_entry_lets_it_through, 0, ARRAY_SIZE(good));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
