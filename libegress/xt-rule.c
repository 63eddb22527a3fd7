/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xt-rule.h"

#include "util.h"
#include "xt-limit.h"

#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_owner.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdio.h>
#include <string.h>

_Static_assert(PLAN_CHAIN_MAX == sizeof(xt_chainlabel), "a chain's name is a libiptc label");

#define OWNER_REVISION 1

/* Those of a listener's answers are their source. */
static void blob_set_address(const struct xt_family *family, struct xt_blob *blob, const struct rule *rule)
{
	bool is_source = rule->match == MATCH_REPLIES;
	unsigned char *address =
		blob->bytes + (is_source ? family->layout.source : family->layout.destination);
	unsigned char *mask =
		blob->bytes + (is_source ? family->layout.source_mask : family->layout.destination_mask);

	memcpy(address, &rule->to.addr.v6, family->layout.address_size);
	for (unsigned int bit = 0; bit < rule->to.length; bit++)
		mask[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
}

/* With its NUL, so that "lo" is not the start of another name. */
static void blob_set_loopback(const struct xt_family *family, struct xt_blob *blob)
{
	static const char name[] = "lo";

	memcpy(blob->bytes + family->layout.out_interface, name, sizeof(name));
	memset(blob->bytes + family->layout.out_interface_mask, 0xff, sizeof(name));
}

static void blob_set_proto(const struct xt_family *family, struct xt_blob *blob, uint8_t proto)
{
	xt_put_u16(blob->bytes, family->layout.proto, proto);
	if (proto)
		blob->bytes[family->layout.flags] |= family->flag_proto;
}

static bool is_every_port(struct port_range ports)
{
	return ports.first <= 1 && ports.last == UINT16_MAX;
}

#define FLAG_SYN 0x02
#define FLAG_ACK 0x10

static void blob_match_tcp(const struct xt_family *family, struct xt_blob *blob, const struct rule *rule)
{
	static const uint16_t every[] = { 0, UINT16_MAX };
	const uint16_t ports[] = { rule->ports.first, rule->ports.last };
	bool replies = rule->match == MATCH_REPLIES;
	struct xt_tcp *tcp = xt_blob_add_match(family, blob, "tcp", 0, sizeof(*tcp));

	memcpy(tcp->spts, replies ? ports : every, sizeof(tcp->spts));
	memcpy(tcp->dpts, replies ? every : ports, sizeof(tcp->dpts));
	if (replies) {
		tcp->flg_mask = FLAG_SYN | FLAG_ACK;
		tcp->flg_cmp = FLAG_SYN;
		tcp->invflags = XT_TCP_INV_FLAGS;
	}
}

static void blob_match_udp(const struct xt_family *family, struct xt_blob *blob,
			   struct port_range ports)
{
	struct xt_udp *udp = xt_blob_add_match(family, blob, "udp", 0, sizeof(*udp));

	udp->spts[1] = UINT16_MAX;
	udp->dpts[0] = ports.first;
	udp->dpts[1] = ports.last;
}

static void blob_match_ports(const struct xt_family *family, struct xt_blob *blob,
			     const struct rule *rule)
{
	if (is_every_port(rule->ports))
		return;
	if (rule->proto == IPPROTO_TCP)
		blob_match_tcp(family, blob, rule);
	else if (rule->proto == IPPROTO_UDP)
		blob_match_udp(family, blob, rule->ports);
}

static void blob_log(const struct xt_family *family, struct xt_blob *blob, const struct plan *plan)
{
	char uids[UID_RANGE_TEXT_MAX];
	struct xt_rateinfo *limit;
	struct xt_nflog_info *log;

	limit = xt_blob_add_match(family, blob, MATCH_LIMIT, 0, sizeof(*limit));
	limit->avg = xt_limit_interval(&plan->log);
	limit->burst = xt_limit_burst(limit->avg);
	log = xt_blob_set_target(family, blob, TARGET_LOG, sizeof(*log));
	log->group = plan->log.group;
	log->threshold = XT_NFLOG_DEFAULT_THRESHOLD;
	snprintf(log->prefix, sizeof(log->prefix), "egress uid=%s",
		 addr_print_uid_range(plan->uids, uids));
}

static void blob_reject(const struct xt_family *family, struct xt_blob *blob, uint32_t with)
{
	uint32_t *data = xt_blob_set_target(family, blob, TARGET_REJECT, sizeof(with));

	*data = with;
}

static void blob_set_verdict(const struct xt_family *family, struct xt_blob *blob,
			     const struct plan *plan, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ALLOW:
		xt_blob_set_standard_target(family, blob, TARGET_RETURN);
		break;
	case VERDICT_LOG:
		blob_log(family, blob, plan);
		break;
	case VERDICT_REJECT_RESET:
		blob_reject(family, blob, family->reject_reset);
		break;
	case VERDICT_REJECT_PROHIBITED:
		blob_reject(family, blob, family->reject_prohibited);
		break;
	case VERDICT_DROP:
		xt_blob_set_standard_target(family, blob, TARGET_DROP);
		break;
	}
}

bool xt_rule_applies(const struct xt_family *family, const struct rule *rule)
{
	return rule->family == AF_UNSPEC || rule->family == family->family;
}

void xt_rule_encode(const struct xt_family *family, const struct plan *plan,
		    const struct rule *rule, struct xt_blob *ret)
{
	xt_blob_start(family, ret);
	if (rule_is_forged(rule)) {
		xt_blob_set_standard_target(family, ret, XT_CHAIN_FORGED);
		return;
	}
	if (rule->family != AF_UNSPEC)
		blob_set_address(family, ret, rule);
	if (rule->verdict == VERDICT_ALLOW && rule_is_loopback(rule))
		blob_set_loopback(family, ret);
	blob_set_proto(family, ret, rule->proto);
	blob_match_ports(family, ret, rule);
	blob_set_verdict(family, ret, plan, rule->verdict);
}

void xt_forged_encode(const struct xt_family *family, struct xt_blob *ret)
{
	xt_blob_start(family, ret);
	memcpy(xt_blob_add_match(family, ret, family->forged_match, 0, family->forged_size),
	       family->forged_data, family->forged_size);
	blob_reject(family, ret, family->reject_prohibited);
}

/* A goto: RETURN in the account's chain then leads back to OUTPUT, not to the next branch. */
void xt_branch_encode(const struct xt_family *family, struct uid_range uids, const char *target,
		      struct xt_blob *ret)
{
	struct xt_owner_match_info *owner;

	xt_blob_start(family, ret);
	if (target)
		ret->bytes[family->layout.flags] |= family->flag_goto;
	owner = xt_blob_add_match(family, ret, MATCH_OWNER, OWNER_REVISION, sizeof(*owner));
	owner->uid_min = uids.first;
	owner->uid_max = uids.last;
	owner->match = XT_OWNER_UID;
	owner->invert = target ? 0 : XT_OWNER_UID;
	xt_blob_set_standard_target(family, ret, target ? target : TARGET_RETURN);
}

void xt_jump_encode(const struct xt_family *family, struct xt_blob *ret)
{
	xt_blob_start(family, ret);
	xt_blob_set_standard_target(family, ret, XT_CHAIN_ENTRY);
}

/* --- Reading: guess what was meant, write that, and compare. --- */

/* The data of the match NAME, or NULL. */
static const void *find_match(const struct xt_family *family, const void *entry, const char *name,
			      size_t data_size)
{
	size_t end = xt_get_u16(entry, family->layout.target_offset), at = family->layout.head_size;

	while (at + sizeof(struct xt_entry_match) <= end) {
		const struct xt_entry_match *match = xt_at(entry, at);
		size_t size = match->u.match_size;

		if (size < sizeof(*match) || size > end - at)
			return NULL;
		if (strncmp(match->u.user.name, name, XT_EXTENSION_MAXNAMELEN) == 0)
			return size >= sizeof(*match) + data_size ? match->data : NULL;
		at += size;
	}
	return NULL;
}

static const void *find_target_data(const struct xt_family *family, const void *entry,
				    size_t data_size)
{
	const struct xt_entry_target *target = xt_entry_target_of(family, entry);

	return target->u.target_size >= sizeof(*target) + data_size ? target->data : NULL;
}

static void read_address(const struct xt_family *family, const void *entry, struct rule *rule)
{
	bool is_source = rule->match == MATCH_REPLIES;
	const unsigned char *bytes = entry;
	const unsigned char *mask =
		bytes + (is_source ? family->layout.source_mask : family->layout.destination_mask);
	unsigned int length = 0, bits = (unsigned int)family->layout.address_size * 8;

	while (length < bits && mask[length / 8] & 0x80 >> length % 8)
		length++;
	rule->to.length = length;
	rule->to.addr.family = family->family;
	memcpy(&rule->to.addr.v6, bytes + (is_source ? family->layout.source : family->layout.destination),
	       family->layout.address_size);
}

static void read_ports(const struct xt_family *family, const void *entry, struct rule *rule)
{
	const struct xt_tcp *tcp = find_match(family, entry, "tcp", sizeof(*tcp));
	const struct xt_udp *udp = find_match(family, entry, "udp", sizeof(*udp));

	rule->ports = (struct port_range){ .first = 1, .last = UINT16_MAX };
	if (tcp && tcp->invflags & XT_TCP_INV_FLAGS) {
		rule->match = MATCH_REPLIES;
		rule->ports = (struct port_range){ tcp->spts[0], tcp->spts[1] };
	} else if (tcp) {
		rule->ports = (struct port_range){ tcp->dpts[0], tcp->dpts[1] };
	} else if (udp) {
		rule->ports = (struct port_range){ udp->dpts[0], udp->dpts[1] };
	}
}

static bool read_reject(const struct xt_family *family, const void *entry, enum verdict *ret)
{
	const uint32_t *with = find_target_data(family, entry, sizeof(*with));

	if (!with || (*with != family->reject_reset && *with != family->reject_prohibited))
		return false;
	*ret = *with == family->reject_reset ? VERDICT_REJECT_RESET : VERDICT_REJECT_PROHIBITED;
	return true;
}

static bool read_log(const struct xt_family *family, const void *entry, struct log_rule *ret)
{
	const struct xt_rateinfo *limit = find_match(family, entry, MATCH_LIMIT, sizeof(*limit));
	const struct xt_nflog_info *log = find_target_data(family, entry, sizeof(*log));

	if (!limit || !log || !xt_limit_read(limit->avg, ret))
		return false;
	ret->enabled = true;
	ret->group = log->group;
	return true;
}

static bool read_verdict(const struct xt_family *family, const void *entry, const char *target,
			 struct rule *rule, struct log_rule *log)
{
	if (strcmp(target, TARGET_REJECT) == 0)
		return read_reject(family, entry, &rule->verdict);
	if (strcmp(target, TARGET_LOG) == 0) {
		rule->verdict = VERDICT_LOG;
		return read_log(family, entry, log);
	}
	if (strcmp(target, XT_CHAIN_FORGED) == 0) {
		rule->match = family->forged;
		rule->verdict = VERDICT_REJECT_PROHIBITED;
		return true;
	}
	rule->verdict = strcmp(target, TARGET_RETURN) == 0 ? VERDICT_ALLOW : VERDICT_DROP;
	return strcmp(target, TARGET_RETURN) == 0 || strcmp(target, TARGET_DROP) == 0;
}

bool xt_rule_decode(const struct xt_family *family, struct uid_range uids, const void *entry,
		    const char *target, struct rule *ret, struct log_rule *ret_log)
{
	struct rule rule = { .family = family->family };
	struct plan plan = { .uids = uids };
	struct xt_blob blob;

	if (!read_verdict(family, entry, target, &rule, &plan.log))
		return false;
	rule.proto = (uint8_t)xt_get_u16(entry, family->layout.proto);
	read_ports(family, entry, &rule);
	read_address(family, entry, &rule);
	xt_rule_encode(family, &plan, &rule, &blob);
	if (!xt_entry_same(family, blob.bytes, entry, target))
		return false;
	*ret = rule;
	if (rule.verdict == VERDICT_LOG)
		*ret_log = plan.log;
	return true;
}

static bool owner_decode(const struct xt_family *family, const void *entry, const char *target,
			 bool is_guard, struct uid_range *ret)
{
	const struct xt_owner_match_info *owner =
		find_match(family, entry, MATCH_OWNER, sizeof(*owner));
	struct uid_range uids;
	struct xt_blob blob;

	if (!owner)
		return false;
	uids = (struct uid_range){ .first = owner->uid_min, .last = owner->uid_max };
	xt_branch_encode(family, uids, is_guard ? NULL : target, &blob);
	if (!xt_entry_same(family, blob.bytes, entry, target))
		return false;
	*ret = uids;
	return true;
}

bool xt_branch_decode(const struct xt_family *family, const void *entry, const char *target,
		      struct uid_range *ret)
{
	return owner_decode(family, entry, target, false, ret);
}

bool xt_guard_decode(const struct xt_family *family, const void *entry, const char *target,
		     struct uid_range *ret)
{
	return owner_decode(family, entry, target, true, ret);
}

bool xt_is_forged(const struct xt_family *family, const void *entry, const char *target)
{
	struct xt_blob blob;

	xt_forged_encode(family, &blob);
	return xt_entry_same(family, blob.bytes, entry, target);
}

bool xt_is_jump(const struct xt_family *family, const void *entry, const char *target)
{
	struct xt_blob blob;

	xt_jump_encode(family, &blob);
	return xt_entry_same(family, blob.bytes, entry, target);
}
