/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of the nftables backend: as operations, as netlink messages, and back. */
#include "nft-batch.h"
#include "nft-expr.h"
#include "unit.h"
#include "util.h"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define EVERY { 1, 65535 }
#define V4(a, b, length) { { AF_INET, .v4 = { a | b << 24 } }, length }
#define V6(a, b, length) { { AF_INET6, .v6 = { { { [0] = a, [15] = b } } } }, length }

static const struct rule rules[] = {
	{ AF_INET, V4(127, 1, 32), IPPROTO_TCP, { 3128, 3128 }, .verdict = VERDICT_ALLOW },
	{ AF_INET6, V6(0, 1, 128), IPPROTO_TCP, { 3128, 3128 }, .verdict = VERDICT_ALLOW },
	{ AF_INET, V4(192, 1, 32), IPPROTO_TCP, { 3128, 3128 }, .verdict = VERDICT_ALLOW },
	{ AF_INET, V4(192, 0, 24), IPPROTO_UDP, { 53, 55 }, .verdict = VERDICT_ALLOW },
	{ AF_INET, V4(10, 0, 8), PROTO_ANY, EVERY, .verdict = VERDICT_ALLOW },
	{ AF_INET, V4(10, 0, 17), PROTO_ANY, EVERY, .verdict = VERDICT_ALLOW },
	{ AF_INET, V4(0, 0, 0), IPPROTO_ICMP, EVERY, .verdict = VERDICT_ALLOW },
	{ AF_INET, V4(127, 0, 8), IPPROTO_TCP, EVERY, .verdict = VERDICT_ALLOW },
	{ AF_INET6, V6(0x20, 0, 33), IPPROTO_TCP, { 443, 443 }, .verdict = VERDICT_ALLOW },
	{ AF_INET6, V6(0x20, 0, 64), IPPROTO_ICMPV6, EVERY, .verdict = VERDICT_ALLOW },
	{ AF_INET6, V6(0, 0, 0), PROTO_ANY, EVERY, .verdict = VERDICT_ALLOW },
	{ AF_UNSPEC, { .length = 0 }, IPPROTO_TCP, EVERY, .verdict = VERDICT_REJECT_RESET },
	{ AF_UNSPEC, { .length = 0 }, PROTO_ANY, EVERY, .verdict = VERDICT_REJECT_PROHIBITED },
	{ AF_UNSPEC, { .length = 0 }, PROTO_ANY, EVERY, .verdict = VERDICT_DROP },
	{ AF_INET, V4(127, 1, 32), IPPROTO_TCP, { 3128, 3128 }, .verdict = VERDICT_ALLOW, .match = MATCH_REPLIES },
	{ AF_INET6, V6(0, 1, 128), IPPROTO_TCP, { 8000, 8010 }, .verdict = VERDICT_ALLOW, .match = MATCH_REPLIES },
	{ AF_INET, V4(0, 0, 0), PROTO_ANY, EVERY, .verdict = VERDICT_REJECT_PROHIBITED, .match = MATCH_OPTIONS },
	{ AF_INET6, V6(0, 0, 0), PROTO_ANY, EVERY, .verdict = VERDICT_REJECT_PROHIBITED, .match = MATCH_ROUTING },
};

static const char *const keys[] = { "0123456789abcdef", "0123456789abcdef-ranges" };

static struct nft_line lines[ARRAY_SIZE(rules) + 5 * ARRAY_SIZE(keys)];

static void make_lines(void)
{
	static const enum nft_line_kind kinds[] = { NFT_LINE_COUNT, NFT_LINE_LOG, NFT_LINE_BRANCH, NFT_LINE_COUNT,
						    NFT_LINE_COUNT };
	/* Of the forged, too. */
	static const struct rule counted[] = { [3] = { .family = AF_INET, .match = MATCH_OPTIONS },
					       [4] = { .family = AF_INET6, .match = MATCH_ROUTING } };
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		lines[count++] = (struct nft_line){ .kind = NFT_LINE_RULE, .rule = rules[i] };
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			struct nft_line *line = &lines[count++];

			line->kind = kinds[k];
			line->rule = counted[k];
			line->log_group = kinds[k] == NFT_LINE_LOG ? 9 : 0;
			memcpy(line->key, keys[i], strlen(keys[i]) + 1);
		}
	}
	ck_assert_uint_eq(count, ARRAY_SIZE(lines));
}

START_TEST(every_line_is_read_back)
{
	struct nft_line back;
	struct nft_ops ops;

	nft_line_encode(&lines[_i], &ops);
	ck_assert_uint_le(ops.count, NFT_OPS_MAX);
	nft_line_decode(&ops, &back);
	ck_assert(nft_line_equal(&lines[_i], &back));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ck_assert(nft_line_equal(&lines[i], &back) == (i == (size_t)_i));
}
END_TEST

/* Through libnftnl and a netlink message: what the kernel would be sent, and would tell. */
START_TEST(every_line_passes_through_a_message)
{
	static char buffer[16384];
	struct nftnl_rule *rule = nftnl_rule_alloc(), *told = nftnl_rule_alloc();
	struct nlmsghdr *message = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_NEWRULE, NFPROTO_INET, 0, 1);
	struct nft_ops ops, back;

	nft_line_encode(&lines[_i], &ops);
	ck_assert_int_eq(nft_expr_add_ops(&ops, rule), 0);
	nftnl_rule_nlmsg_build_payload(message, rule);
	ck_assert_int_eq(nftnl_rule_nlmsg_parse(message, told), 0);
	nft_expr_read_ops(told, &back);
	ck_assert_uint_eq(ops.count, back.count);
	for (size_t i = 0; i < ops.count; i++)
		ck_assert_mem_eq(&ops.items[i], &back.items[i], sizeof(ops.items[i]));
	nftnl_rule_free(rule);
	nftnl_rule_free(told);
}
END_TEST

/* One bit of any operation: another line, or none of ours. Never the same one. */
START_TEST(a_changed_bit_is_noticed)
{
	struct nft_line back;
	struct nft_ops ops, changed;

	nft_line_encode(&lines[_i], &ops);
	for (size_t bit = 0; bit < ops.count * sizeof(ops.items[0]) * 8; bit++) {
		changed = ops;
		((unsigned char *)changed.items)[bit / 8] ^= (unsigned char)(1 << bit % 8);
		if ((unsigned int)changed.items[bit / 8 / sizeof(ops.items[0])].kind > NFT_OP_FOREIGN)
			continue;
		nft_line_decode(&changed, &back);
		ck_assert_msg(!nft_line_equal(&lines[_i], &back), "bit %zu", bit);
	}
}
END_TEST

START_TEST(an_operation_more_or_less_is_noticed)
{
	struct nft_line back;
	struct nft_ops ops, changed;

	nft_line_encode(&lines[_i], &ops);
	for (size_t i = 0; i < ops.count; i++) {
		changed = ops;
		memmove(&changed.items[i], &changed.items[i + 1], (NFT_OPS_MAX - i) * sizeof(ops.items[0]));
		changed.count--;
		nft_line_decode(&changed, &back);
		ck_assert(!nft_line_equal(&lines[_i], &back));
	}
	changed = ops;
	changed.items[changed.count++] = ops.items[0];
	nft_line_decode(&changed, &back);
	ck_assert(!nft_line_equal(&lines[_i], &back));
}
END_TEST

START_TEST(noise_is_foreign_or_itself)
{
	srandom(2);
	for (int round = 0; round < 20000; round++) {
		struct nft_ops ops = { .count = (size_t)random() % (NFT_OPS_MAX + 1) }, again;
		struct nft_line line;

		for (size_t i = 0; i < ops.count; i++) {
			ops.items[i].kind = (enum nft_op_kind)((unsigned long)random() % (NFT_OP_FOREIGN + 1));
			ops.items[i].key = (uint32_t)random() % 20;
			ops.items[i].length = (uint32_t)random() % 17;
			ops.items[i].data[0] = (unsigned char)random();
		}
		nft_line_decode(&ops, &line);
		if (line.kind == NFT_LINE_FOREIGN)
			continue;
		nft_line_encode(&line, &again);
		ck_assert_uint_eq(again.count, ops.count);
	}
}
END_TEST

static struct plan plan_of(const struct rule *some, size_t count)
{
	return (struct plan){ .uids = { 2001, 2001 },
			      .rules = (struct rule *)some,
			      .rule_count = count,
			      .log = { true, 9, 10, 60 } };
}

START_TEST(the_key_tells_rules_apart)
{
	char first[NFT_KEY_MAX], other[NFT_KEY_MAX];
	struct plan a = plan_of(rules, ARRAY_SIZE(rules)), b = a;

	nft_plan_key(&a, first);
	b.uids = (struct uid_range){ 2002, 2002 };
	ck_assert_str_eq(nft_plan_key(&b, other), first);
	b.log.rate = 11; /* nothing logs */
	ck_assert_str_eq(nft_plan_key(&b, other), first);
	b.uids.last = 2003;
	ck_assert_str_ne(nft_plan_key(&b, other), first);
	ck_assert(nft_key_is_ranges(other) && !nft_key_is_ranges(first));
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		b = plan_of(rules + i, 1);
		for (size_t k = i + 1; k < ARRAY_SIZE(rules); k++) {
			struct plan c = plan_of(rules + k, 1);

			ck_assert_str_ne(nft_plan_key(&b, first), nft_plan_key(&c, other));
		}
	}
}
END_TEST

START_TEST(the_key_tells_logs_apart)
{
	static const struct rule log = { AF_UNSPEC, { .length = 0 }, PROTO_ANY, EVERY, .verdict = VERDICT_LOG };
	char first[NFT_KEY_MAX], other[NFT_KEY_MAX];
	struct plan plan = plan_of(&log, 1);

	nft_plan_key(&plan, first);
	plan.log.group = 10;
	ck_assert_str_ne(nft_plan_key(&plan, other), first);
	plan.log.group = 9;
	plan.log.period = 1;
	ck_assert_str_ne(nft_plan_key(&plan, other), first);
}
END_TEST

START_TEST(a_plan_counts_before_it_logs_and_refuses)
{
	static const struct rule some[] = {
		{ AF_INET, V4(192, 1, 32), IPPROTO_TCP, { 1, 1 }, .verdict = VERDICT_ALLOW },
		{ AF_UNSPEC, { .length = 0 }, PROTO_ANY, EVERY, .verdict = VERDICT_LOG },
		{ AF_UNSPEC, { .length = 0 }, PROTO_ANY, EVERY, .verdict = VERDICT_DROP },
	};
	const struct plan plan = plan_of(some, ARRAY_SIZE(some));
	struct nft_line *made;
	size_t count;

	ck_assert_int_eq(nft_plan_lines(&plan, keys[0], &made, &count), 0);
	ck_assert_uint_eq(count, 4);
	ck_assert_int_eq(made[0].kind, NFT_LINE_RULE);
	ck_assert_int_eq(made[1].kind, NFT_LINE_COUNT);
	ck_assert_int_eq(made[2].kind, NFT_LINE_LOG);
	ck_assert_uint_eq(made[2].log_group, 9);
	ck_assert_int_eq(made[3].kind, NFT_LINE_RULE);
	free(made);
}
END_TEST

START_TEST(names_are_ours_or_not)
{
	static const char *const others[] = { "held-", "held-0123", "held-0123456789abcdeg", "plan-0123456789abcdef0",
					      "held-0123456789abcdef-range", "kept-0123456789abcdef", "output", "" };
	char key[NFT_KEY_MAX], name[NFT_NAME_MAX];
	enum nft_role role = NFT_ROLES;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		for (int r = 0; r < NFT_ROLES; r++) {
			ck_assert(nft_parse_set_name(nft_set_name(keys[i], r, name), key, &role));
			ck_assert_int_eq(role, r);
			ck_assert_str_eq(key, keys[i]);
		}
		ck_assert(nft_parse_chain_name(nft_chain_name(keys[i], name), key));
		ck_assert_str_eq(key, keys[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert(!nft_parse_set_name(others[i], key, &role) && !nft_parse_chain_name(others[i], key));
}
END_TEST

START_TEST(comments_are_found)
{
	static const char ours[] = { 0, 3, 'a', 'b', 0 }, second[] = { 1, 1, 'x', 0, 2, 'y', 0 };
	static const char open_end[] = { 0, 2, 'a', 'b' }, cut[] = { 0, 9, 'a', 0 };

	ck_assert_str_eq(nft_comment(ours, sizeof(ours)), "ab");
	ck_assert_str_eq(nft_comment(second, sizeof(second)), "y");
	ck_assert_ptr_null(nft_comment(open_end, sizeof(open_end)));
	ck_assert_ptr_null(nft_comment(cut, sizeof(cut)));
	ck_assert_ptr_null(nft_comment("", 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nft-rule");
	TCase *tcase = tcase_create("nft-rule");

	tcase_add_checked_fixture(tcase, make_lines, NULL);
	tcase_add_loop_test(tcase, every_line_is_read_back, 0, ARRAY_SIZE(lines));
	tcase_add_loop_test(tcase, every_line_passes_through_a_message, 0, ARRAY_SIZE(lines));
	tcase_add_loop_test(tcase, a_changed_bit_is_noticed, 0, ARRAY_SIZE(lines));
	tcase_add_loop_test(tcase, an_operation_more_or_less_is_noticed, 0, ARRAY_SIZE(lines));
	tcase_add_test(tcase, noise_is_foreign_or_itself);
	tcase_add_test(tcase, the_key_tells_rules_apart);
	tcase_add_test(tcase, the_key_tells_logs_apart);
	tcase_add_test(tcase, a_plan_counts_before_it_logs_and_refuses);
	tcase_add_test(tcase, names_are_ours_or_not);
	tcase_add_test(tcase, comments_are_found);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
