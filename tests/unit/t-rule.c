/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of ours as x_tables entries and back, without a kernel. */
#include "xt-rule.h"

#include "unit.h"
#include "util.h"

#include <linux/netfilter.h>
#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_owner.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdio.h>
#include <string.h>

static const struct uid_range agent = { 2001, 2001 };
static const struct uid_range fleet = { 20000, 29999 };

static const struct {
	const char *to;
	uint8_t proto;
	struct port_range ports;
	enum verdict verdict;
	size_t sizes[XT_FAMILY_COUNT]; /* of the entry on a 64 bit machine; 0: not in this family */
	enum match match;
} cases[] = {
	{ "127.0.0.1/32", IPPROTO_TCP, { 3128, 3128 }, VERDICT_ALLOW, { 112 + 48 + 40, 0 }, MATCH_ALL },
	{ "::1/128", IPPROTO_TCP, { 3128, 3128 }, VERDICT_ALLOW, { 0, 168 + 48 + 40 }, MATCH_ALL },
	{ "192.0.2.0/25", IPPROTO_UDP, { 53, 55 }, VERDICT_ALLOW, { 112 + 48 + 40, 0 }, MATCH_ALL },
	{ "2001:db8::/33", IPPROTO_UDP, { 1, 65534 }, VERDICT_ALLOW, { 0, 168 + 48 + 40 }, MATCH_ALL },
	{ "192.0.2.4/30", IPPROTO_TCP, { 1, 65535 }, VERDICT_ALLOW, { 112 + 40, 0 }, MATCH_ALL },
	{ "0.0.0.0/0", PROTO_ANY, { 1, 65535 }, VERDICT_ALLOW, { 112 + 40, 0 }, MATCH_ALL },
	{ "128.0.0.0/1", IPPROTO_ICMP, { 1, 65535 }, VERDICT_ALLOW, { 112 + 40, 0 }, MATCH_ALL },
	{ "fe80::/10", IPPROTO_ICMPV6, { 1, 65535 }, VERDICT_ALLOW, { 0, 168 + 40 }, MATCH_ALL },
	{ NULL, PROTO_ANY, { 1, 65535 }, VERDICT_LOG, { 112 + 72 + 112, 168 + 72 + 112 }, MATCH_ALL },
	{ NULL, IPPROTO_TCP, { 1, 65535 }, VERDICT_REJECT_RESET, { 112 + 40, 168 + 40 }, MATCH_ALL },
	{ NULL, PROTO_ANY, { 1, 65535 }, VERDICT_REJECT_PROHIBITED, { 112 + 40, 168 + 40 }, MATCH_ALL },
	{ NULL, PROTO_ANY, { 1, 65535 }, VERDICT_DROP, { 112 + 40, 168 + 40 }, MATCH_ALL },
	{ "127.0.0.1/32", IPPROTO_TCP, { 8080, 8081 }, VERDICT_ALLOW, { 112 + 48 + 40, 0 }, MATCH_REPLIES },
	{ "::1/128", IPPROTO_TCP, { 8080, 8080 }, VERDICT_ALLOW, { 0, 168 + 48 + 40 }, MATCH_REPLIES },
	{ "0.0.0.0/0", PROTO_ANY, { 1, 65535 }, VERDICT_REJECT_PROHIBITED, { 112 + 40, 0 }, MATCH_OPTIONS },
	{ "::/0", PROTO_ANY, { 1, 65535 }, VERDICT_REJECT_PROHIBITED, { 0, 168 + 40 }, MATCH_ROUTING },
};

static struct rule case_rule(size_t i)
{
	struct rule rule = {
		.proto = cases[i].proto,
		.ports = cases[i].ports,
		.verdict = cases[i].verdict,
		.match = cases[i].match,
	};

	if (cases[i].to) {
		ck_assert_int_eq(addr_parse_prefix(cases[i].to, &rule.to), 0);
		rule.family = rule.to.addr.family;
	}
	return rule;
}

static struct plan some_plan(void)
{
	return (struct plan){ .uids = agent, .log = { true, 9, 10, 60 } };
}

/* A blob as it comes back from the kernel, and what libiptc calls its target. */
struct kernel_entry {
	struct xt_blob blob;
	char target[XT_EXTENSION_MAXNAMELEN];
};

static void scribble_after(char *name)
{
	size_t length = strlen(name) + 1;

	memset(name + length, 0xa5, XT_EXTENSION_MAXNAMELEN - length);
}

static void each_match(const struct xt_family *family, struct xt_blob *blob,
		       void (*visit)(struct xt_entry_match *match))
{
	unsigned char *end = (void *)xt_entry_target_of(family, blob->bytes);
	unsigned char *at = blob->bytes + family->layout.head_size;

	while (at < end) {
		struct xt_entry_match *match = (void *)at;

		at += match->u.match_size;
		visit(match);
	}
}

static void scribble_match(struct xt_entry_match *match)
{
	if (strcmp(match->u.user.name, "limit") == 0)
		memset(match->data + offsetof(struct xt_rateinfo, prev), 0xa5,
		       sizeof(struct xt_rateinfo) - offsetof(struct xt_rateinfo, prev));
	scribble_after(match->u.user.name);
}

/* As the kernel does it: verdicts and chains as numbers, nothing behind a name's NUL, counters. */
static struct kernel_entry to_kernel(const struct xt_family *family, const struct xt_blob *blob)
{
	struct kernel_entry entry = { .blob = *blob };
	struct xt_entry_target *target = xt_entry_target_of(family, entry.blob.bytes);
	const struct xt_counters counters = { 12345, 678901 };
	int verdict = 1234;

	memcpy(entry.target, target->u.user.name, sizeof(entry.target));
	if (strcmp(entry.target, "RETURN") == 0)
		verdict = XT_RETURN;
	else if (strcmp(entry.target, "DROP") == 0)
		verdict = -NF_DROP - 1;
	if (strcmp(entry.target, "REJECT") != 0 && strcmp(entry.target, "NFLOG") != 0) {
		target->u.user.name[0] = '\0';
		memcpy(target->data, &verdict, sizeof(verdict));
	}
	scribble_after(target->u.user.name);
	each_match(family, &entry.blob, scribble_match);
	memcpy(entry.blob.bytes + family->layout.counters, &counters, sizeof(counters));
	memset(entry.blob.bytes + family->layout.next_offset + 2, 0xa5, 4); /* comefrom */
	memset(entry.blob.bytes + family->layout.target_offset - 4, 0xa5, 4); /* nfcache */
	return entry;
}

static bool encode_case(size_t i, const struct xt_family *family, struct rule *rule,
			struct kernel_entry *entry)
{
	struct plan plan = some_plan();
	struct xt_blob blob;

	*rule = case_rule(i);
	if (!xt_rule_applies(family, rule))
		return false;
	xt_rule_encode(family, &plan, rule, &blob);
	*entry = to_kernel(family, &blob);
	return true;
}

static bool decode(const struct xt_family *family, const struct kernel_entry *entry,
		   struct rule *rule, struct log_rule *log)
{
	return xt_rule_decode(family, agent, entry->blob.bytes, entry->target, rule, log);
}

START_TEST(rules_come_back_as_they_went)
{
	const struct xt_family *family = &xt_families[_i % XT_FAMILY_COUNT];
	size_t i = (size_t)_i / XT_FAMILY_COUNT;
	struct rule rule, back = { 0 };
	struct log_rule log = { 0 };
	struct kernel_entry entry;

	if (!encode_case(i, family, &rule, &entry)) {
		ck_assert_uint_eq(cases[i].sizes[_i % XT_FAMILY_COUNT], 0);
		return;
	}
	ck_assert(decode(family, &entry, &back, &log));
	/* A chain has one family, so its rules come back with it. */
	ck_assert_uint_eq(back.family, family->family);
	ck_assert(rule.family != AF_UNSPEC || prefix_is_any(&back.to));
	back.family = rule.family;
	ck_assert(rule_equal(&rule, &back));
	if (rule.verdict == VERDICT_LOG)
		ck_assert(log.enabled && log.group == 9 && log.rate == 10 && log.period == 60);
	if (sizeof(void *) == 8)
		ck_assert_uint_eq(xt_entry_size(family, entry.blob.bytes),
				  cases[i].sizes[_i % XT_FAMILY_COUNT]);
	ck_assert_uint_eq(xt_entry_counters(family, entry.blob.bytes)->pcnt, 12345);
}
END_TEST

/* How the entry lies in memory: the kernel checked that before it took the table. */
static bool is_offset(const struct xt_family *family, size_t byte)
{
	return byte >= family->layout.target_offset && byte < family->layout.next_offset + 2;
}

/*
 * Flips each bit of an entry. Whatever still decodes must be the entry of the rule that was
 * decoded, up to what the kernel keeps in an entry: no rule of somebody else's passes for one of
 * ours.
 */
START_TEST(no_bit_is_overlooked)
{
	const struct xt_family *family = &xt_families[_i % XT_FAMILY_COUNT];
	struct plan plan = some_plan();
	struct kernel_entry entry, changed;
	struct rule rule, back;
	size_t unnoticed = 0;

	if (!encode_case((size_t)_i / XT_FAMILY_COUNT, family, &rule, &entry))
		return;
	for (size_t bit = 0; bit < xt_entry_size(family, entry.blob.bytes) * 8; bit++) {
		struct xt_blob again;

		if (is_offset(family, bit / 8))
			continue;
		changed = entry;
		changed.blob.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		plan.log = some_plan().log;
		if (!decode(family, &changed, &back, &plan.log))
			continue;
		xt_rule_encode(family, &plan, &back, &again);
		ck_assert(xt_entry_same(family, again.bytes, changed.blob.bytes, changed.target));
		back.family = rule.family;
		unnoticed += rule_equal(&rule, &back) && plan.log.group == 9 && plan.log.rate == 10;
	}
	/*
	 * Not looked at: counters (16 bytes), comefrom and nfcache (8), what follows a name's NUL,
	 * padding, the verdict's number (libiptc resolves it), the limit's run time state.
	 */
	ck_assert_uint_le(unnoticed, 8 * (16 + 8 + 3 * XT_EXTENSION_MAXNAMELEN + 3 * 8 + 40));
	ck_assert_uint_ge(unnoticed, 8 * (16 + 8));
}
END_TEST

/* --- Rules that look like ours, and are not --- */

static void *find_data(const struct xt_family *family, struct kernel_entry *entry)
{
	return ((struct xt_entry_match *)(entry->blob.bytes + family->layout.head_size))->data;
}

static void *target_data(const struct xt_family *family, struct kernel_entry *entry)
{
	return xt_entry_target_of(family, entry->blob.bytes)->data;
}

static void only_from_a_source(const struct xt_family *family, struct kernel_entry *entry)
{
	(void)family;
	entry->blob.bytes[0] = 10;
}

static void only_out_of_l1(const struct xt_family *family, struct kernel_entry *entry)
{
	memcpy(entry->blob.bytes + family->layout.out_interface, "l1", 2);
}

/* A socket bound to a network card then reaches the wire with it. */
static void out_of_any(const struct xt_family *family, struct kernel_entry *entry)
{
	memset(entry->blob.bytes + family->layout.out_interface, 0, IFNAMSIZ);
	memset(entry->blob.bytes + family->layout.out_interface_mask, 0, IFNAMSIZ);
}

static void not_this_destination(const struct xt_family *family, struct kernel_entry *entry)
{
	entry->blob.bytes[family->layout.flags + 1] = 0x10; /* IPT_INV_DSTIP, IP6T_INV_DSTIP */
}

static void with_a_goto(const struct xt_family *family, struct kernel_entry *entry)
{
	entry->blob.bytes[family->layout.flags] |= family->flag_goto;
}

static void mask_with_a_hole(const struct xt_family *family, struct kernel_entry *entry)
{
	entry->blob.bytes[family->layout.destination_mask + 1] = 0x5f;
}

static void from_a_source_port(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_tcp *)find_data(family, entry))->spts[0] = 1;
}

static void not_this_port(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_tcp *)find_data(family, entry))->invflags = XT_TCP_INV_DSTPT;
}

static void only_syn(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_tcp *)find_data(family, entry))->flg_mask = 2;
}

static void from_a_port_above(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_tcp *)find_data(family, entry))->invflags |= XT_TCP_INV_SRCPT;
}

static void to_a_port(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_tcp *)find_data(family, entry))->dpts[0] = 1;
}

/* Then it opens connections from the port. */
static void a_syn_as_well(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_tcp *)find_data(family, entry))->flg_mask = 0x10;
}

static void only_a_syn(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_tcp *)find_data(family, entry))->invflags = 0;
}

static void to_another_chain(const struct xt_family *family, struct kernel_entry *entry)
{
	(void)family;
	strcpy(entry->target, "EGRESS-forge");
}

static void another_match(const struct xt_family *family, struct kernel_entry *entry)
{
	struct xt_entry_match *match = (void *)(entry->blob.bytes + family->layout.head_size);

	strcpy(match->u.user.name, "mark");
}

static void another_revision(const struct xt_family *family, struct kernel_entry *entry)
{
	struct xt_entry_match *match = (void *)(entry->blob.bytes + family->layout.head_size);

	match->u.user.revision = 1;
}

static void accepts(const struct xt_family *family, struct kernel_entry *entry)
{
	(void)family;
	strcpy(entry->target, "ACCEPT");
}

static void falls_through(const struct xt_family *family, struct kernel_entry *entry)
{
	(void)family;
	entry->target[0] = '\0';
}

static void calls_a_module(const struct xt_family *family, struct kernel_entry *entry)
{
	strcpy(xt_entry_target_of(family, entry->blob.bytes)->u.user.name, "RETURN");
}

static void other_burst(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_rateinfo *)find_data(family, entry))->burst = 1;
}

static void no_interval(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_rateinfo *)find_data(family, entry))->avg = 0;
}

static void other_prefix(const struct xt_family *family, struct kernel_entry *entry)
{
	strcpy(((struct xt_nflog_info *)target_data(family, entry))->prefix, "egress uid=2002");
}

static void other_threshold(const struct xt_family *family, struct kernel_entry *entry)
{
	((struct xt_nflog_info *)target_data(family, entry))->threshold = 20;
}

static void other_answer(const struct xt_family *family, struct kernel_entry *entry)
{
	*(uint32_t *)target_data(family, entry) = 3; /* port unreachable, not neighbour */
}

static const struct {
	size_t rule; /* index into cases */
	void (*change)(const struct xt_family *family, struct kernel_entry *entry);
} foreign[] = {
	{ 0, only_from_a_source },
	{ 0, only_out_of_l1 },
	{ 0, out_of_any },
	{ 0, not_this_destination },
	{ 0, with_a_goto },
	{ 0, mask_with_a_hole },
	{ 0, from_a_source_port },
	{ 0, not_this_port },
	{ 0, only_syn },
	{ 0, another_match },
	{ 0, another_revision },
	{ 0, accepts },
	{ 0, falls_through },
	{ 0, calls_a_module },
	{ 1, only_from_a_source },
	{ 1, with_a_goto },
	{ 1, only_out_of_l1 },
	{ 8, other_burst },
	{ 8, no_interval },
	{ 8, other_prefix },
	{ 8, other_threshold },
	{ 9, other_answer },
	{ 10, other_answer },
	{ 11, only_from_a_source },
	{ 12, from_a_port_above },
	{ 12, only_from_a_source },
	{ 12, out_of_any },
	{ 12, a_syn_as_well },
	{ 12, only_a_syn },
	{ 12, to_a_port },
	{ 13, out_of_any },
	{ 13, a_syn_as_well },
	{ 14, only_from_a_source },
	{ 14, with_a_goto },
	{ 14, only_out_of_l1 },
	{ 14, to_another_chain },
	{ 15, with_a_goto },
	{ 15, only_out_of_l1 },
	{ 15, to_another_chain },
};

START_TEST(foreign_rules_are_told_apart)
{
	const struct xt_family *family = &xt_families[_i % XT_FAMILY_COUNT];
	size_t i = (size_t)_i / XT_FAMILY_COUNT;
	struct rule rule, back = { .proto = 77 };
	struct log_rule log = { .group = 77 };
	struct kernel_entry entry;

	if (!encode_case(foreign[i].rule, family, &rule, &entry))
		return;
	ck_assert(decode(family, &entry, &back, &log));
	back = (struct rule){ .proto = 77 };
	log = (struct log_rule){ .group = 77 };
	foreign[i].change(family, &entry);
	ck_assert(!decode(family, &entry, &back, &log));
	ck_assert_msg(back.proto == 77 && log.group == 77, "touched on failure");
}
END_TEST

/* ip6_tables looks at a protocol only if it is told to. */
START_TEST(ipv6_protocols_are_flagged)
{
	const struct xt_family *family = &xt_families[1];
	struct kernel_entry entry;
	struct log_rule log;
	struct rule rule;

	ck_assert(encode_case(1, family, &rule, &entry));
	ck_assert_uint_eq(entry.blob.bytes[family->layout.flags], IP6T_F_PROTO);
	entry.blob.bytes[family->layout.flags] = 0;
	ck_assert(!decode(family, &entry, &rule, &log));
	ck_assert(encode_case(10, family, &rule, &entry));
	ck_assert_uint_eq(entry.blob.bytes[family->layout.flags], 0);
}
END_TEST

START_TEST(the_same_rule_in_another_chain_is_foreign_if_it_names_the_account)
{
	const struct xt_family *family = &xt_families[_i];
	struct kernel_entry entry;
	struct log_rule log;
	struct rule rule;

	ck_assert(encode_case(8, family, &rule, &entry));
	ck_assert(!xt_rule_decode(family, fleet, entry.blob.bytes, entry.target, &rule, &log));
}
END_TEST

/* --- Branches and the jump --- */

START_TEST(branches_come_back_as_they_went)
{
	const struct xt_family *family = &xt_families[_i];
	static const size_t sizes[] = { 208, 264 };
	struct kernel_entry entry;
	struct uid_range uids;
	struct xt_blob blob;

	xt_branch_encode(family, fleet, "EGRESS-20000-29999", &blob);
	ck_assert(sizeof(void *) != 8 || xt_entry_size(family, blob.bytes) == sizes[_i]);
	entry = to_kernel(family, &blob);
	ck_assert(xt_branch_decode(family, entry.blob.bytes, entry.target, &uids));
	ck_assert(uids.first == fleet.first && uids.last == fleet.last);
	ck_assert_str_eq(entry.target, "EGRESS-20000-29999");
}
END_TEST

START_TEST(foreign_branches_are_told_apart)
{
	const struct xt_family *family = &xt_families[_i];
	struct kernel_entry entry, changed;
	struct xt_owner_match_info *owner;
	struct uid_range uids = { 7, 7 };
	struct xt_blob blob;

	xt_branch_encode(family, agent, "EGRESS-2001", &blob);
	entry = changed = to_kernel(family, &blob);
	owner = find_data(family, &changed);
	owner->invert = XT_OWNER_UID;
	ck_assert(!xt_branch_decode(family, changed.blob.bytes, changed.target, &uids));
	owner->invert = 0;
	owner->match = XT_OWNER_UID | XT_OWNER_GID;
	ck_assert(!xt_branch_decode(family, changed.blob.bytes, changed.target, &uids));
	changed = entry;
	/* A jump would come back to the next branch. */
	changed.blob.bytes[family->layout.flags] = 0;
	ck_assert(!xt_branch_decode(family, changed.blob.bytes, changed.target, &uids));
	changed = entry;
	not_this_destination(family, &changed);
	ck_assert(!xt_branch_decode(family, changed.blob.bytes, changed.target, &uids));
	ck_assert(uids.first == 7);
}
END_TEST

START_TEST(the_guard_comes_back_as_it_went)
{
	const struct xt_family *family = &xt_families[_i];
	struct uid_range uids = { 7, 7 };
	struct kernel_entry entry, changed;
	struct xt_owner_match_info *owner;
	struct xt_blob blob;

	xt_branch_encode(family, fleet, NULL, &blob);
	entry = changed = to_kernel(family, &blob);
	ck_assert_str_eq(entry.target, "RETURN");
	ck_assert(!xt_branch_decode(family, entry.blob.bytes, entry.target, &uids));
	ck_assert(!xt_guard_decode(family, entry.blob.bytes, "DROP", &uids));
	owner = find_data(family, &changed);
	owner->invert = 0; /* it would let the accounts go, and nobody else */
	ck_assert(!xt_guard_decode(family, changed.blob.bytes, changed.target, &uids));
	changed = entry;
	not_this_destination(family, &changed);
	ck_assert(!xt_guard_decode(family, changed.blob.bytes, changed.target, &uids));
	ck_assert_uint_eq(uids.first, 7);
	ck_assert(xt_guard_decode(family, entry.blob.bytes, entry.target, &uids));
	ck_assert_int_eq(uid_range_compare(uids, fleet), 0);
}
END_TEST

/* Each bit of what the kernel compares with a packet. */
START_TEST(only_our_rule_tells_what_is_forged)
{
	const struct xt_family *family = &xt_families[_i];
	static const size_t sizes[] = { 112 + 32 + 1984 + 40, 168 + 32 + 280 + 40 };
	struct kernel_entry entry, changed;
	struct xt_blob blob;
	size_t start = family->layout.head_size + 32, noticed = 0;

	xt_forged_encode(family, &blob);
	ck_assert(sizeof(void *) != 8 || xt_entry_size(family, blob.bytes) == sizes[_i]);
	entry = to_kernel(family, &blob);
	ck_assert(xt_is_forged(family, entry.blob.bytes, entry.target));
	ck_assert(!xt_is_forged(family, entry.blob.bytes, "RETURN"));
	for (size_t byte = 0; byte < family->forged_size; byte++) {
		changed = entry;
		changed.blob.bytes[start + byte] ^= 1;
		noticed += !xt_is_forged(family, changed.blob.bytes, changed.target);
	}
	ck_assert_uint_ge(noticed, family->forged_size - 4); /* padding */
	changed = entry;
	not_this_destination(family, &changed);
	ck_assert(!xt_is_forged(family, changed.blob.bytes, changed.target));
}
END_TEST

START_TEST(only_an_unconditional_jump_is_our_entry_point)
{
	const struct xt_family *family = &xt_families[_i];
	struct kernel_entry entry, changed;
	struct xt_blob blob;

	xt_jump_encode(family, &blob);
	entry = changed = to_kernel(family, &blob);
	ck_assert(xt_is_jump(family, entry.blob.bytes, entry.target));
	ck_assert(!xt_is_jump(family, entry.blob.bytes, "EGRESS-2001"));
	only_out_of_l1(family, &changed);
	ck_assert(!xt_is_jump(family, changed.blob.bytes, changed.target));
	changed = entry;
	with_a_goto(family, &changed);
	ck_assert(!xt_is_jump(family, changed.blob.bytes, changed.target));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rule");
	TCase *tests = tcase_create("rule");

	tcase_add_loop_test(tests, rules_come_back_as_they_went, 0,
			    ARRAY_SIZE(cases) * XT_FAMILY_COUNT);
	tcase_add_loop_test(tests, no_bit_is_overlooked, 0, ARRAY_SIZE(cases) * XT_FAMILY_COUNT);
	tcase_add_loop_test(tests, foreign_rules_are_told_apart, 0,
			    ARRAY_SIZE(foreign) * XT_FAMILY_COUNT);
	tcase_add_test(tests, ipv6_protocols_are_flagged);
	tcase_add_loop_test(tests,
			    the_same_rule_in_another_chain_is_foreign_if_it_names_the_account, 0,
			    XT_FAMILY_COUNT);
	tcase_add_loop_test(tests, branches_come_back_as_they_went, 0, XT_FAMILY_COUNT);
	tcase_add_loop_test(tests, foreign_branches_are_told_apart, 0, XT_FAMILY_COUNT);
	tcase_add_loop_test(tests, the_guard_comes_back_as_it_went, 0, XT_FAMILY_COUNT);
	tcase_add_loop_test(tests, only_our_rule_tells_what_is_forged, 0, XT_FAMILY_COUNT);
	tcase_add_loop_test(tests, only_an_unconditional_jump_is_our_entry_point, 0,
			    XT_FAMILY_COUNT);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
