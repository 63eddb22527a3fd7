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

#define MATCH_OWNER "owner"
#define MATCH_LIMIT "limit"
#define TARGET_LOG "NFLOG"
#define TARGET_REJECT "REJECT"
#define TARGET_RETURN "RETURN"
#define TARGET_DROP "DROP"

#define OWNER_REVISION 1

_Static_assert(sizeof(struct xt_tcp) == 12, "the kernel fixes it");
_Static_assert(sizeof(struct xt_udp) == 10, "the kernel fixes it");
_Static_assert(sizeof(struct xt_owner_match_info) == 20, "the kernel fixes it");
_Static_assert(sizeof(struct xt_nflog_info) == 76, "the kernel fixes it");
_Static_assert(sizeof(struct xt_entry_match) == 32, "the kernel fixes it");
_Static_assert(sizeof(struct xt_entry_target) == 32, "the kernel fixes it");
_Static_assert(PLAN_CHAIN_MAX == sizeof(xt_chainlabel), "a chain's name is a libiptc label");

#define EXTENSION_SIZE(type) (XT_ALIGN(sizeof(struct xt_entry_match)) + XT_ALIGN(sizeof(type)))
_Static_assert(sizeof(struct ip6t_entry) + EXTENSION_SIZE(struct xt_tcp) +
			       EXTENSION_SIZE(struct xt_owner_match_info) +
			       EXTENSION_SIZE(struct xt_rateinfo) +
			       EXTENSION_SIZE(struct xt_nflog_info) <=
		       XT_BLOB_MAX,
	       "the longest rule fits a blob");

/*
 * What the user gives of an extension's data and the kernel gives back. Beyond that lie padding and
 * what the kernel keeps there at run time.
 */
static const struct {
	const char *name;
	size_t given;
} extensions[] = {
	{ "tcp", sizeof(struct xt_tcp) },
	{ "udp", offsetof(struct xt_udp, invflags) + sizeof(__u8) },
	{ MATCH_OWNER, offsetof(struct xt_owner_match_info, invert) + sizeof(__u8) },
	{ MATCH_LIMIT, offsetof(struct xt_rateinfo, prev) },
	{ TARGET_LOG, sizeof(struct xt_nflog_info) },
	{ TARGET_REJECT, sizeof(uint32_t) },
};

static size_t given_size(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (strcmp(extensions[i].name, name) == 0)
			return extensions[i].given;
	}
	return 0;
}

static const void *at_offset(const void *entry, size_t offset)
{
	return (const unsigned char *)entry + offset;
}

static uint16_t get_u16(const void *entry, size_t offset)
{
	uint16_t value;

	memcpy(&value, at_offset(entry, offset), sizeof(value));
	return value;
}

static void put_u16(void *entry, size_t offset, size_t value)
{
	uint16_t narrow = (uint16_t)value;

	memcpy((unsigned char *)entry + offset, &narrow, sizeof(narrow));
}

size_t xt_entry_size(const struct xt_family *family, const void *entry)
{
	return get_u16(entry, family->layout.next_offset);
}

const struct xt_counters *xt_entry_counters(const struct xt_family *family, const void *entry)
{
	return at_offset(entry, family->layout.counters);
}

struct xt_entry_target *xt_entry_target_of(const struct xt_family *family, const void *entry)
{
	return (void *)((unsigned char *)entry + get_u16(entry, family->layout.target_offset));
}

/* --- Writing: start, then matches, then one target. --- */

static void blob_start(const struct xt_family *family, struct xt_blob *blob)
{
	memset(blob, 0, sizeof(*blob));
	put_u16(blob->bytes, family->layout.target_offset, family->layout.head_size);
}

/* Returns where the match's data goes. */
static void *blob_add_match(const struct xt_family *family, struct xt_blob *blob, const char *name,
			    uint8_t revision, size_t data_size)
{
	size_t at = get_u16(blob->bytes, family->layout.target_offset);
	struct xt_entry_match *match = (void *)(blob->bytes + at);

	match->u.match_size = (uint16_t)(XT_ALIGN(sizeof(*match)) + XT_ALIGN(data_size));
	snprintf(match->u.user.name, sizeof(match->u.user.name), "%s", name);
	match->u.user.revision = revision;
	put_u16(blob->bytes, family->layout.target_offset, at + match->u.match_size);
	return match->data;
}

static void *blob_set_target(const struct xt_family *family, struct xt_blob *blob, const char *name,
			     size_t data_size)
{
	struct xt_entry_target *target = xt_entry_target_of(family, blob->bytes);
	size_t at = get_u16(blob->bytes, family->layout.target_offset);

	target->u.target_size = (uint16_t)XT_ALIGN(sizeof(*target) + data_size);
	snprintf(target->u.user.name, sizeof(target->u.user.name), "%s", name);
	put_u16(blob->bytes, family->layout.next_offset, at + target->u.target_size);
	return target->data;
}

/* libiptc turns the name of a verdict or a chain into the number that the kernel wants. */
static void blob_set_standard_target(const struct xt_family *family, struct xt_blob *blob,
				     const char *name)
{
	blob_set_target(family, blob, name,
			sizeof(struct xt_standard_target) - sizeof(struct xt_entry_target));
}

static void blob_set_destination(const struct xt_family *family, struct xt_blob *blob,
				 const struct prefix *to)
{
	unsigned char *address = blob->bytes + family->layout.destination;
	unsigned char *mask = blob->bytes + family->layout.destination_mask;

	memcpy(address, &to->addr.v6, family->layout.address_size);
	for (unsigned int bit = 0; bit < to->length; bit++)
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
	put_u16(blob->bytes, family->layout.proto, proto);
	if (proto)
		blob->bytes[family->layout.flags] |= family->flag_proto;
}

static bool is_every_port(struct port_range ports)
{
	return ports.first <= 1 && ports.last == UINT16_MAX;
}

static void blob_match_tcp(const struct xt_family *family, struct xt_blob *blob,
			   struct port_range ports)
{
	struct xt_tcp *tcp = blob_add_match(family, blob, "tcp", 0, sizeof(*tcp));

	tcp->spts[1] = UINT16_MAX;
	tcp->dpts[0] = ports.first;
	tcp->dpts[1] = ports.last;
}

static void blob_match_udp(const struct xt_family *family, struct xt_blob *blob,
			   struct port_range ports)
{
	struct xt_udp *udp = blob_add_match(family, blob, "udp", 0, sizeof(*udp));

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
		blob_match_tcp(family, blob, rule->ports);
	else if (rule->proto == IPPROTO_UDP)
		blob_match_udp(family, blob, rule->ports);
}

static void blob_log(const struct xt_family *family, struct xt_blob *blob, const struct plan *plan)
{
	char uids[UID_RANGE_TEXT_MAX];
	struct xt_rateinfo *limit;
	struct xt_nflog_info *log;

	limit = blob_add_match(family, blob, MATCH_LIMIT, 0, sizeof(*limit));
	limit->avg = xt_limit_interval(&plan->log);
	limit->burst = xt_limit_burst(limit->avg);
	log = blob_set_target(family, blob, TARGET_LOG, sizeof(*log));
	log->group = plan->log.group;
	log->threshold = XT_NFLOG_DEFAULT_THRESHOLD;
	snprintf(log->prefix, sizeof(log->prefix), "egress uid=%s",
		 addr_print_uid_range(plan->uids, uids));
}

static void blob_reject(const struct xt_family *family, struct xt_blob *blob, uint32_t with)
{
	uint32_t *data = blob_set_target(family, blob, TARGET_REJECT, sizeof(with));

	*data = with;
}

static void blob_set_verdict(const struct xt_family *family, struct xt_blob *blob,
			     const struct plan *plan, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ALLOW:
		blob_set_standard_target(family, blob, TARGET_RETURN);
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
		blob_set_standard_target(family, blob, TARGET_DROP);
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
	blob_start(family, ret);
	if (rule->family != AF_UNSPEC)
		blob_set_destination(family, ret, &rule->to);
	if (rule->verdict == VERDICT_ALLOW && rule_is_loopback(rule))
		blob_set_loopback(family, ret);
	blob_set_proto(family, ret, rule->proto);
	blob_match_ports(family, ret, rule);
	blob_set_verdict(family, ret, plan, rule->verdict);
}

/* A goto: RETURN in the account's chain then leads back to OUTPUT, not to the next branch. */
void xt_branch_encode(const struct xt_family *family, struct uid_range uids, const char *target,
		      struct xt_blob *ret)
{
	struct xt_owner_match_info *owner;

	blob_start(family, ret);
	if (target)
		ret->bytes[family->layout.flags] |= family->flag_goto;
	owner = blob_add_match(family, ret, MATCH_OWNER, OWNER_REVISION, sizeof(*owner));
	owner->uid_min = uids.first;
	owner->uid_max = uids.last;
	owner->match = XT_OWNER_UID;
	owner->invert = target ? 0 : XT_OWNER_UID;
	blob_set_standard_target(family, ret, target ? target : TARGET_RETURN);
}

void xt_jump_encode(const struct xt_family *family, struct xt_blob *ret)
{
	blob_start(family, ret);
	blob_set_standard_target(family, ret, XT_CHAIN_ENTRY);
}

/* --- Comparing --- */

/* The kernel fills a name up to its NUL only; what follows is whatever lay in libiptc's memory. */
static bool same_extension(const char *name, const char *their_name, uint8_t revision,
			   uint8_t their_revision, const void *data, const void *their_data)
{
	return strncmp(name, their_name, XT_EXTENSION_MAXNAMELEN) == 0 &&
	       revision == their_revision && memcmp(data, their_data, given_size(name)) == 0;
}

static bool same_match(const struct xt_entry_match *ours, const struct xt_entry_match *theirs)
{
	return ours->u.match_size == theirs->u.match_size &&
	       same_extension(ours->u.user.name, theirs->u.user.name, ours->u.user.revision,
			      theirs->u.user.revision, ours->data, theirs->data);
}

static bool same_target(const struct xt_entry_target *ours, const struct xt_entry_target *theirs,
			const char *target)
{
	if (ours->u.target_size != theirs->u.target_size ||
	    strncmp(ours->u.user.name, target, XT_EXTENSION_MAXNAMELEN) != 0)
		return false;
	if (given_size(ours->u.user.name) == 0)
		return theirs->u.user.name[0] == '\0';
	return same_extension(ours->u.user.name, theirs->u.user.name, ours->u.user.revision,
			      theirs->u.user.revision, ours->data, theirs->data);
}

static bool same_head(const struct xt_layout *layout, const void *ours, const void *entry)
{
	return get_u16(ours, layout->target_offset) == get_u16(entry, layout->target_offset) &&
	       get_u16(ours, layout->next_offset) == get_u16(entry, layout->next_offset) &&
	       memcmp(ours, entry, layout->match_size) == 0;
}

bool xt_entry_same(const struct xt_family *family, const void *ours, const void *entry,
		   const char *target)
{
	size_t end = get_u16(ours, family->layout.target_offset), at, size;

	if (!same_head(&family->layout, ours, entry))
		return false;
	for (at = family->layout.head_size; at < end; at += size) {
		const struct xt_entry_match *match = at_offset(ours, at);

		size = match->u.match_size;
		if (!same_match(match, at_offset(entry, at)))
			return false;
	}
	return same_target(xt_entry_target_of(family, ours), xt_entry_target_of(family, entry),
			   target);
}

/* --- Reading: guess what was meant, write that, and compare. --- */

/* The data of the match NAME, or NULL. */
static const void *find_match(const struct xt_family *family, const void *entry, const char *name,
			      size_t data_size)
{
	size_t end = get_u16(entry, family->layout.target_offset), at = family->layout.head_size;

	while (at + sizeof(struct xt_entry_match) <= end) {
		const struct xt_entry_match *match = at_offset(entry, at);
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

static void read_destination(const struct xt_family *family, const void *entry, struct rule *rule)
{
	const unsigned char *bytes = entry;
	const unsigned char *mask = bytes + family->layout.destination_mask;
	unsigned int length = 0, bits = (unsigned int)family->layout.address_size * 8;

	while (length < bits && mask[length / 8] & 0x80 >> length % 8)
		length++;
	rule->to.length = length;
	rule->to.addr.family = family->family;
	memcpy(&rule->to.addr.v6, bytes + family->layout.destination, family->layout.address_size);
}

static void read_ports(const struct xt_family *family, const void *entry, struct rule *rule)
{
	const struct xt_tcp *tcp = find_match(family, entry, "tcp", sizeof(*tcp));
	const struct xt_udp *udp = find_match(family, entry, "udp", sizeof(*udp));

	rule->ports = (struct port_range){ .first = 1, .last = UINT16_MAX };
	if (tcp)
		rule->ports = (struct port_range){ tcp->dpts[0], tcp->dpts[1] };
	else if (udp)
		rule->ports = (struct port_range){ udp->dpts[0], udp->dpts[1] };
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
			 enum verdict *ret, struct log_rule *log)
{
	if (strcmp(target, TARGET_REJECT) == 0)
		return read_reject(family, entry, ret);
	if (strcmp(target, TARGET_LOG) == 0) {
		*ret = VERDICT_LOG;
		return read_log(family, entry, log);
	}
	*ret = strcmp(target, TARGET_RETURN) == 0 ? VERDICT_ALLOW : VERDICT_DROP;
	return strcmp(target, TARGET_RETURN) == 0 || strcmp(target, TARGET_DROP) == 0;
}

bool xt_rule_decode(const struct xt_family *family, struct uid_range uids, const void *entry,
		    const char *target, struct rule *ret, struct log_rule *ret_log)
{
	struct rule rule = { .family = family->family };
	struct plan plan = { .uids = uids };
	struct xt_blob blob;

	if (!read_verdict(family, entry, target, &rule.verdict, &plan.log))
		return false;
	read_destination(family, entry, &rule);
	rule.proto = (uint8_t)get_u16(entry, family->layout.proto);
	read_ports(family, entry, &rule);
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

bool xt_is_jump(const struct xt_family *family, const void *entry, const char *target)
{
	struct xt_blob blob;

	xt_jump_encode(family, &blob);
	return xt_entry_same(family, blob.bytes, entry, target);
}
