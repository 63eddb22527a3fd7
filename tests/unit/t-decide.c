/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan says of a packet; tests/wire asks the kernel the same. */
#include "plan-decide.h"

#include "unit.h"
#include "util.h"

#include <string.h>

static struct port_range some_ports[] = { { 443, 443 }, { 8000, 8010 } };
static char file[] = "egress.conf";

static struct profile profile = { .log = { true, 9, 10, 60 } };

static void begin(void)
{
	static struct proxy proxies[] = { { .origin = { file, 2 } }, { .origin = { file, 3 } } };
	static struct allow allows[] = {
		{ .proto = IPPROTO_TCP, .ports = some_ports, .port_count = ARRAY_SIZE(some_ports), .origin = { file, 4 } },
		{ .proto = IPPROTO_ICMP, .origin = { file, 5 } },
		{ .proto = IPPROTO_ICMP, .origin = { file, 6 } },
		{ .proto = PROTO_ANY, .origin = { file, 7 } },
	};
	static const char *const destinations[] = { "192.0.2.0/25", "192.0.2.1", "2001:db8::/33", "10.0.0.0/8" };

	ck_assert_int_eq(addr_parse_endpoint("127.0.0.1:3128", &proxies[0].endpoint), 0);
	ck_assert_int_eq(addr_parse_endpoint("[::1]:3128", &proxies[1].endpoint), 0);
	for (size_t i = 0; i < ARRAY_SIZE(allows); i++)
		ck_assert_int_eq(addr_parse_prefix(destinations[i], &allows[i].to), 0);
	profile.proxies = proxies;
	profile.proxy_count = ARRAY_SIZE(proxies);
	profile.allows = allows;
	profile.allow_count = ARRAY_SIZE(allows);
}

static const struct {
	const char *to;
	uint8_t proto;
	uint16_t port;
	bool by_card;
	enum verdict verdict;
	unsigned int line; /* of the entry; 0: none */
} packets[] = {
	{ "127.0.0.1", IPPROTO_TCP, 3128, false, VERDICT_ALLOW, 2 },
	{ "127.0.0.1", IPPROTO_TCP, 3128, true, VERDICT_REJECT_RESET, 0 },
	{ "127.0.0.1", IPPROTO_TCP, 3129, false, VERDICT_REJECT_RESET, 0 },
	{ "127.0.0.1", IPPROTO_UDP, 3128, false, VERDICT_REJECT_PROHIBITED, 0 },
	{ "127.0.0.2", IPPROTO_TCP, 3128, false, VERDICT_REJECT_RESET, 0 },
	{ "::1", IPPROTO_TCP, 3128, false, VERDICT_ALLOW, 3 },
	{ "::1", IPPROTO_TCP, 3128, true, VERDICT_REJECT_RESET, 0 },
	{ "192.0.2.0", IPPROTO_TCP, 443, false, VERDICT_ALLOW, 4 },
	{ "192.0.2.127", IPPROTO_TCP, 8010, true, VERDICT_ALLOW, 4 },
	{ "192.0.2.128", IPPROTO_TCP, 443, false, VERDICT_REJECT_RESET, 0 },
	{ "192.0.2.127", IPPROTO_TCP, 8011, false, VERDICT_REJECT_RESET, 0 },
	{ "192.0.2.1", IPPROTO_ICMP, 0, false, VERDICT_ALLOW, 5 },
	{ "192.0.2.1", IPPROTO_ICMPV6, 0, false, VERDICT_REJECT_PROHIBITED, 0 },
	{ "192.0.2.2", IPPROTO_ICMP, 0, false, VERDICT_REJECT_PROHIBITED, 0 },
	{ "2001:db8:7fff::1", IPPROTO_ICMPV6, 0, false, VERDICT_ALLOW, 6 },
	{ "2001:db8:8000::1", IPPROTO_ICMPV6, 0, false, VERDICT_REJECT_PROHIBITED, 0 },
	{ "2001:db8::1", IPPROTO_ICMP, 0, false, VERDICT_REJECT_PROHIBITED, 0 },
	{ "10.255.255.255", IPPROTO_GRE, 0, false, VERDICT_ALLOW, 7 },
	{ "10.0.0.0", IPPROTO_UDP, 53, false, VERDICT_ALLOW, 7 },
	{ "11.0.0.0", IPPROTO_UDP, 53, false, VERDICT_REJECT_PROHIBITED, 0 },
};

static struct packet packet_of(size_t i)
{
	struct packet packet = { .proto = packets[i].proto, .port = packets[i].port, .by_card = packets[i].by_card };
	struct prefix to;

	ck_assert_int_eq(addr_parse_prefix(packets[i].to, &to), 0);
	packet.to = to.addr;
	return packet;
}

START_TEST(the_first_rule_that_fits_decides)
{
	const struct packet packet = packet_of((size_t)_i);
	const struct rule *rule;
	struct plan plan;

	begin();
	ck_assert_int_eq(plan_compile(&profile, (struct uid_range){ 2001, 2001 }, &plan), 0);
	rule = plan_decide(&plan, &packet);
	ck_assert_ptr_nonnull(rule);
	ck_assert_int_eq(rule->verdict, packets[_i].verdict);
	ck_assert_uint_eq(rule->origin.line, packets[_i].line);
	ck_assert_ptr_eq(rule->origin.file, packets[_i].line ? file : NULL);
	plan_clear(&plan);
}
END_TEST

START_TEST(dropped_is_dropped)
{
	const struct packet packet = packet_of(2);
	struct plan plan;

	begin();
	profile.reject = REJECT_DROP;
	ck_assert_int_eq(plan_compile(&profile, (struct uid_range){ 2001, 2001 }, &plan), 0);
	ck_assert_int_eq(plan_decide(&plan, &packet)->verdict, VERDICT_DROP);
	plan_clear(&plan);
}
END_TEST

START_TEST(a_plan_of_nothing_decides_nothing)
{
	const struct packet packet = packet_of(0);
	const struct plan plan = { 0 };

	ck_assert_ptr_null(plan_decide(&plan, &packet));
}
END_TEST

START_TEST(where_an_entry_stands_makes_no_other_rule)
{
	struct rule a = { .verdict = VERDICT_DROP, .origin = { file, 1 } }, b = a;

	b.origin.line = 2;
	ck_assert(rule_equal(&a, &b));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decide");
	TCase *tcase = tcase_create("decide");

	tcase_add_loop_test(tcase, the_first_rule_that_fits_decides, 0, ARRAY_SIZE(packets));
	tcase_add_test(tcase, dropped_is_dropped);
	tcase_add_test(tcase, a_plan_of_nothing_decides_nothing);
	tcase_add_test(tcase, where_an_entry_stands_makes_no_other_rule);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
