/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft-rule.h"

#include "util.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define IP_SOURCE 12 /* offset in an IPv4 header */
#define IP_DESTINATION 16
#define IP6_SOURCE 8 /* in an IPv6 header */
#define IP6_DESTINATION 24
#define PORT_DESTINATION 2 /* in a TCP or UDP header; the source is at 0 */
#define TCP_FLAGS 13       /* in a TCP header */
#define FLAG_SYN 0x02
#define FLAG_ACK 0x10
#define IP_WORDS_MASK 0x0f /* of the first byte: the length of an IPv4 header */
#define IP_WORDS 5         /* without options */

static const struct port_range every_port = { .first = 1, .last = UINT16_MAX };

/* --- A plan's chain --- */

static struct nft_line set_line(enum nft_line_kind kind, const char *key, uint16_t log_group)
{
	struct nft_line line = { .kind = kind, .log_group = log_group };

	snprintf(line.key, sizeof(line.key), "%s", key);
	return line;
}

int nft_plan_lines(const struct plan *plan, const char *key, struct nft_line **ret, size_t *ret_count)
{
	struct nft_line *lines;
	bool counted = false;
	size_t count = 1;

	for (size_t i = 0; i < plan->rule_count; i++)
		count += rule_is_forged(&plan->rules[i]) ? 2 : 1;
	lines = calloc(count, sizeof(*lines));
	count = 0;
	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < plan->rule_count; i++) {
		const struct rule *rule = &plan->rules[i];

		if (rule_is_forged(rule) || (rule->verdict != VERDICT_ALLOW && !counted)) {
			lines[count] = set_line(NFT_LINE_COUNT, key, 0);
			counted = !rule_is_forged(rule);
			if (!counted)
				lines[count].rule = (struct rule){ .family = rule->family, .match = rule->match };
			count++;
		}
		if (rule->verdict == VERDICT_LOG)
			lines[count++] = set_line(NFT_LINE_LOG, key, plan->log.group);
		else
			lines[count++] = (struct nft_line){ .kind = NFT_LINE_RULE, .rule = *rule };
	}
	*ret = lines;
	*ret_count = count;
	return 0;
}

bool nft_line_equal(const struct nft_line *a, const struct nft_line *b)
{
	if (a->kind != b->kind || a->kind == NFT_LINE_FOREIGN)
		return false;
	if (a->kind == NFT_LINE_RULE)
		return rule_equal(&a->rule, &b->rule);
	return strcmp(a->key, b->key) == 0 && a->log_group == b->log_group &&
	       (a->kind != NFT_LINE_COUNT || (a->rule.family == b->rule.family && a->rule.match == b->rule.match));
}

/* --- Writing. In the order in which nft(8) writes the same rule: what it saved and restored is ours. --- */

static struct nft_op *add(struct nft_ops *ops, enum nft_op_kind kind, uint32_t key)
{
	struct nft_op *op = &ops->items[ops->count++];

	op->kind = kind;
	op->key = key;
	return op;
}

static void add_cmp(struct nft_ops *ops, uint32_t relation, const void *data, size_t length)
{
	struct nft_op *op = add(ops, NFT_OP_CMP, relation);

	op->length = (uint32_t)length;
	memcpy(op->data, data, length);
}

static void add_meta_equals(struct nft_ops *ops, uint32_t key, const void *data, size_t length)
{
	add(ops, NFT_OP_META, key);
	add_cmp(ops, NFT_CMP_EQ, data, length);
}

static void add_payload(struct nft_ops *ops, uint32_t header, uint32_t offset, uint32_t length)
{
	struct nft_op *op = add(ops, NFT_OP_PAYLOAD, header);

	op->offset = offset;
	op->length = length;
}

static void add_family(struct nft_ops *ops, sa_family_t family)
{
	uint8_t number = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

	if (family != AF_UNSPEC)
		add_meta_equals(ops, NFT_META_NFPROTO, &number, sizeof(number));
}

static void add_mask(struct nft_ops *ops, uint32_t bits, uint32_t length)
{
	struct nft_op *op = add(ops, NFT_OP_MASK, 0);

	op->length = length;
	for (uint32_t bit = 0; bit < bits; bit++)
		op->data[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
}

/* One byte of HEADER, and MASK, in this RELATION to VALUE. */
static void add_bits(struct nft_ops *ops, uint32_t header, uint32_t offset, uint8_t mask, uint32_t relation,
		     uint8_t value)
{
	struct nft_op *op;

	add_payload(ops, header, offset, 1);
	op = add(ops, NFT_OP_MASK, 0);
	op->length = 1;
	op->data[0] = mask;
	add_cmp(ops, relation, &value, sizeof(value));
}

static void add_forged(struct nft_ops *ops, enum match match)
{
	static const uint8_t present = 1;

	if (match == MATCH_OPTIONS) {
		add_bits(ops, NFT_PAYLOAD_NETWORK_HEADER, 0, IP_WORDS_MASK, NFT_CMP_GT, IP_WORDS);
	} else if (match == MATCH_ROUTING) {
		add(ops, NFT_OP_EXTHDR, IPPROTO_ROUTING);
		add_cmp(ops, NFT_CMP_EQ, &present, sizeof(present));
	}
}

static uint32_t address_offset(const struct rule *rule)
{
	if (rule->match == MATCH_REPLIES)
		return rule->family == AF_INET ? IP_SOURCE : IP6_SOURCE;
	return rule->family == AF_INET ? IP_DESTINATION : IP6_DESTINATION;
}

static void add_address(struct nft_ops *ops, const struct rule *rule)
{
	uint32_t length, bits = rule->to.length;

	if (rule->family == AF_UNSPEC || bits == 0)
		return;
	length = bits % 8 == 0 ? bits / 8 : addr_bits(rule->family) / 8;
	add_payload(ops, NFT_PAYLOAD_NETWORK_HEADER, address_offset(rule), length);
	if (bits % 8)
		add_mask(ops, bits, length);
	add_cmp(ops, NFT_CMP_EQ, &rule->to.addr.v6, length);
}

static bool is_every_port(struct port_range ports)
{
	return ports.first <= 1 && ports.last == UINT16_MAX;
}

static void add_ports(struct nft_ops *ops, const struct rule *rule)
{
	uint16_t first = htons(rule->ports.first), last = htons(rule->ports.last);

	if (is_every_port(rule->ports) || (rule->proto != IPPROTO_TCP && rule->proto != IPPROTO_UDP))
		return;
	add_payload(ops, NFT_PAYLOAD_TRANSPORT_HEADER, rule->match == MATCH_REPLIES ? 0 : PORT_DESTINATION,
		    sizeof(first));
	if (first == last) {
		add_cmp(ops, NFT_CMP_EQ, &first, sizeof(first));
		return;
	}
	add_cmp(ops, NFT_CMP_GTE, &first, sizeof(first));
	add_cmp(ops, NFT_CMP_LTE, &last, sizeof(last));
}

static void add_loopback(struct nft_ops *ops, const struct rule *rule)
{
	static const char name[IFNAMSIZ] = "lo";

	if (rule->verdict == VERDICT_ALLOW && rule_is_loopback(rule))
		add_meta_equals(ops, NFT_META_OIFNAME, name, sizeof(name));
}

static void add_verdict(struct nft_ops *ops, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ALLOW:
		add(ops, NFT_OP_VERDICT, (uint32_t)NFT_RETURN);
		break;
	case VERDICT_REJECT_RESET:
		add(ops, NFT_OP_REJECT, NFT_REJECT_TCP_RST);
		break;
	case VERDICT_REJECT_PROHIBITED:
		add(ops, NFT_OP_REJECT, NFT_REJECT_ICMPX_UNREACH)->offset = NFT_REJECT_ICMPX_ADMIN_PROHIBITED;
		break;
	case VERDICT_DROP:
		add(ops, NFT_OP_VERDICT, NF_DROP);
		break;
	case VERDICT_LOG: /* is a line of its own kind */
		add(ops, NFT_OP_FOREIGN, 0);
		break;
	}
}

static void encode_rule(const struct rule *rule, struct nft_ops *ops)
{
	add_family(ops, rule->family);
	add_forged(ops, rule->match);
	add_address(ops, rule);
	if (rule->proto != PROTO_ANY)
		add_meta_equals(ops, NFT_META_L4PROTO, &rule->proto, sizeof(rule->proto));
	add_ports(ops, rule);
	if (rule->match == MATCH_REPLIES)
		add_bits(ops, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, FLAG_SYN | FLAG_ACK, NFT_CMP_NEQ, FLAG_SYN);
	add_loopback(ops, rule);
	add_verdict(ops, rule->verdict);
}

static void add_owner(struct nft_ops *ops, const struct nft_line *line, enum nft_role role)
{
	add(ops, NFT_OP_META, NFT_META_SKUID);
	if (nft_key_is_ranges(line->key))
		add(ops, NFT_OP_HTON, 0);
	nft_set_name(line->key, role, add(ops, NFT_OP_LOOKUP, 0)->name);
}

void nft_line_encode(const struct nft_line *line, struct nft_ops *ret)
{
	struct nft_op *op;

	memset(ret, 0, sizeof(*ret));
	switch (line->kind) {
	case NFT_LINE_RULE:
		encode_rule(&line->rule, ret);
		break;
	case NFT_LINE_COUNT:
		add_family(ret, line->rule.family);
		add_forged(ret, line->rule.match);
		add_owner(ret, line, NFT_DENIED);
		break;
	case NFT_LINE_LOG:
		add_owner(ret, line, NFT_LOGGED);
		op = add(ret, NFT_OP_LOG, line->log_group);
		snprintf(op->name, sizeof(op->name), NFT_LOG_PREFIX);
		break;
	case NFT_LINE_BRANCH:
		add_owner(ret, line, NFT_HELD);
		op = add(ret, NFT_OP_VERDICT, (uint32_t)NFT_GOTO);
		nft_chain_name(line->key, op->name);
		break;
	case NFT_LINE_FOREIGN:
		add(ret, NFT_OP_FOREIGN, 0);
		break;
	}
}

/* --- Reading: guess what was meant, write that, and compare. --- */

/* The comparison that follows the load of META KEY, or NULL. */
static const struct nft_op *find_meta(const struct nft_ops *ops, uint32_t key)
{
	for (size_t i = 0; i + 1 < ops->count; i++)
		if (ops->items[i].kind == NFT_OP_META && ops->items[i].key == key)
			return &ops->items[i + 1];
	return NULL;
}

static const struct nft_op *find_payload(const struct nft_ops *ops, uint32_t header)
{
	for (size_t i = 0; i + 1 < ops->count; i++)
		if (ops->items[i].kind == NFT_OP_PAYLOAD && ops->items[i].key == header)
			return &ops->items[i + 1];
	return NULL;
}

static sa_family_t guess_family(const struct nft_ops *ops)
{
	const struct nft_op *cmp = find_meta(ops, NFT_META_NFPROTO);

	if (!cmp)
		return AF_UNSPEC;
	return cmp->data[0] == NFPROTO_IPV4 ? AF_INET : AF_INET6;
}

static unsigned int count_bits(const struct nft_op *mask)
{
	unsigned int bits = 0;

	while (bits < sizeof(mask->data) * 8 && mask->data[bits / 8] & 0x80 >> bits % 8)
		bits++;
	return bits;
}

static enum match guess_match(const struct nft_ops *ops)
{
	for (size_t i = 0; i < ops->count; i++) {
		const struct nft_op *op = &ops->items[i];

		if (op->kind == NFT_OP_EXTHDR)
			return MATCH_ROUTING;
		if (op->kind == NFT_OP_CMP && op->key == NFT_CMP_GT)
			return MATCH_OPTIONS;
		if (op->kind == NFT_OP_CMP && op->key == NFT_CMP_NEQ)
			return MATCH_REPLIES;
	}
	return MATCH_ALL;
}

static void guess_address(const struct nft_ops *ops, struct rule *rule)
{
	const struct nft_op *op = find_payload(ops, NFT_PAYLOAD_NETWORK_HEADER);

	rule->to = (struct prefix){ .addr.family = rule->family };
	if (rule->family == AF_UNSPEC || !op || rule_is_forged(rule))
		return;
	rule->to.length = op->length * 8;
	if (op->kind == NFT_OP_MASK) {
		rule->to.length = count_bits(op);
		op++;
	}
	if (rule->to.length > addr_bits(rule->family))
		rule->to.length = 0;
	memcpy(&rule->to.addr.v6, op->data, addr_bits(rule->family) / 8);
}

static uint16_t read_port(const struct nft_op *cmp)
{
	uint16_t port;

	memcpy(&port, cmp->data, sizeof(port));
	return ntohs(port);
}

static struct port_range guess_ports(const struct nft_ops *ops)
{
	const struct nft_op *cmp = find_payload(ops, NFT_PAYLOAD_TRANSPORT_HEADER);

	if (!cmp)
		return every_port;
	return (struct port_range){ read_port(cmp), read_port(cmp->key == NFT_CMP_EQ ? cmp : cmp + 1) };
}

static enum verdict guess_verdict(const struct nft_op *last)
{
	if (last->kind == NFT_OP_REJECT)
		return last->key == NFT_REJECT_TCP_RST ? VERDICT_REJECT_RESET : VERDICT_REJECT_PROHIBITED;
	return last->key == NF_DROP ? VERDICT_DROP : VERDICT_ALLOW;
}

static void guess_rule(const struct nft_ops *ops, struct rule *rule)
{
	const struct nft_op *proto = find_meta(ops, NFT_META_L4PROTO);

	rule->family = guess_family(ops);
	rule->match = guess_match(ops);
	guess_address(ops, rule);
	rule->proto = proto ? proto->data[0] : PROTO_ANY;
	rule->ports = guess_ports(ops);
	rule->verdict = guess_verdict(&ops->items[ops->count - 1]);
}

static enum nft_line_kind guess_kind(const struct nft_op *last)
{
	if (last->kind == NFT_OP_LOOKUP)
		return NFT_LINE_COUNT;
	if (last->kind == NFT_OP_LOG)
		return NFT_LINE_LOG;
	return last->kind == NFT_OP_VERDICT && last->name[0] ? NFT_LINE_BRANCH : NFT_LINE_RULE;
}

static void guess_set(const struct nft_ops *ops, struct nft_line *line)
{
	enum nft_role role;

	for (size_t i = 0; i < ops->count; i++)
		if (ops->items[i].kind == NFT_OP_LOOKUP)
			nft_parse_set_name(ops->items[i].name, line->key, &role);
	if (line->kind == NFT_LINE_COUNT) {
		line->rule.family = guess_family(ops);
		line->rule.match = guess_match(ops);
	}
	if (line->kind == NFT_LINE_LOG)
		line->log_group = (uint16_t)ops->items[ops->count - 1].key;
}

static bool same_ops(const struct nft_ops *a, const struct nft_ops *b)
{
	return a->count == b->count && memcmp(a->items, b->items, a->count * sizeof(a->items[0])) == 0;
}

void nft_line_decode(const struct nft_ops *ops, struct nft_line *ret)
{
	struct nft_line line = { 0 };
	struct nft_ops meant;

	if (ops->count > 0) {
		line.kind = guess_kind(&ops->items[ops->count - 1]);
		if (line.kind == NFT_LINE_RULE)
			guess_rule(ops, &line.rule);
		else
			guess_set(ops, &line);
		nft_line_encode(&line, &meant);
	}
	if (ops->count == 0 || !same_ops(ops, &meant))
		line = (struct nft_line){ .kind = NFT_LINE_FOREIGN };
	*ret = line;
}
