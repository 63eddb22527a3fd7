/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xt-blob.h"

#include "util.h"

#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_owner.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter/xt_u32.h>
#include <linux/netfilter_ipv6/ip6t_rt.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct xt_tcp) == 12, "the kernel fixes it");
_Static_assert(sizeof(struct xt_udp) == 10, "the kernel fixes it");
_Static_assert(sizeof(struct xt_owner_match_info) == 20, "the kernel fixes it");
_Static_assert(sizeof(struct xt_nflog_info) == 76, "the kernel fixes it");
_Static_assert(sizeof(struct xt_entry_match) == 32, "the kernel fixes it");
_Static_assert(sizeof(struct xt_entry_target) == 32, "the kernel fixes it");
_Static_assert(sizeof(struct xt_u32) == 1984, "the kernel fixes it");
_Static_assert(sizeof(struct ip6t_rt) == 280, "the kernel fixes it");

#define EXTENSION_SIZE(type) (XT_ALIGN(sizeof(struct xt_entry_match)) + XT_ALIGN(sizeof(type)))
_Static_assert(sizeof(struct ip6t_entry) + EXTENSION_SIZE(struct xt_tcp) +
			       EXTENSION_SIZE(struct xt_owner_match_info) +
			       EXTENSION_SIZE(struct xt_rateinfo) +
			       EXTENSION_SIZE(struct xt_nflog_info) <=
		       XT_BLOB_MAX,
	       "the longest rule fits a blob");
_Static_assert(sizeof(struct ipt_entry) + EXTENSION_SIZE(struct xt_u32) +
			       XT_ALIGN(sizeof(struct xt_entry_target) + sizeof(uint32_t)) <=
		       XT_BLOB_MAX,
	       "one with u32 as well");

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
	{ MATCH_U32, offsetof(struct xt_u32, invert) + sizeof(__u8) },
	{ MATCH_RT, offsetof(struct ip6t_rt, addrnr) + sizeof(__u8) },
};

static size_t given_size(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (strcmp(extensions[i].name, name) == 0)
			return extensions[i].given;
	}
	return 0;
}

const void *xt_at(const void *entry, size_t offset)
{
	return (const unsigned char *)entry + offset;
}

uint16_t xt_get_u16(const void *entry, size_t offset)
{
	uint16_t value;

	memcpy(&value, xt_at(entry, offset), sizeof(value));
	return value;
}

void xt_put_u16(void *entry, size_t offset, size_t value)
{
	uint16_t narrow = (uint16_t)value;

	memcpy((unsigned char *)entry + offset, &narrow, sizeof(narrow));
}

size_t xt_entry_size(const struct xt_family *family, const void *entry)
{
	return xt_get_u16(entry, family->layout.next_offset);
}

const struct xt_counters *xt_entry_counters(const struct xt_family *family, const void *entry)
{
	return xt_at(entry, family->layout.counters);
}

struct xt_entry_target *xt_entry_target_of(const struct xt_family *family, const void *entry)
{
	return (void *)((unsigned char *)entry + xt_get_u16(entry, family->layout.target_offset));
}

/* --- Writing --- */

void xt_blob_start(const struct xt_family *family, struct xt_blob *blob)
{
	memset(blob->bytes, 0, family->layout.head_size);
	xt_put_u16(blob->bytes, family->layout.target_offset, family->layout.head_size);
}

void *xt_blob_add_match(const struct xt_family *family, struct xt_blob *blob, const char *name,
			uint8_t revision, size_t data_size)
{
	size_t at = xt_get_u16(blob->bytes, family->layout.target_offset);
	struct xt_entry_match *match = (void *)(blob->bytes + at);
	size_t size = XT_ALIGN(sizeof(*match)) + XT_ALIGN(data_size);

	memset(match, 0, size);
	match->u.match_size = (uint16_t)size;
	snprintf(match->u.user.name, sizeof(match->u.user.name), "%s", name);
	match->u.user.revision = revision;
	xt_put_u16(blob->bytes, family->layout.target_offset, at + match->u.match_size);
	return match->data;
}

void *xt_blob_set_target(const struct xt_family *family, struct xt_blob *blob, const char *name,
			 size_t data_size)
{
	struct xt_entry_target *target = xt_entry_target_of(family, blob->bytes);
	size_t at = xt_get_u16(blob->bytes, family->layout.target_offset);
	size_t size = XT_ALIGN(sizeof(*target) + data_size);

	memset(target, 0, size);
	target->u.target_size = (uint16_t)size;
	snprintf(target->u.user.name, sizeof(target->u.user.name), "%s", name);
	xt_put_u16(blob->bytes, family->layout.next_offset, at + target->u.target_size);
	return target->data;
}

void xt_blob_set_standard_target(const struct xt_family *family, struct xt_blob *blob, const char *name)
{
	xt_blob_set_target(family, blob, name,
			   sizeof(struct xt_standard_target) - sizeof(struct xt_entry_target));
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
	return xt_get_u16(ours, layout->target_offset) == xt_get_u16(entry, layout->target_offset) &&
	       xt_get_u16(ours, layout->next_offset) == xt_get_u16(entry, layout->next_offset) &&
	       memcmp(ours, entry, layout->match_size) == 0;
}

bool xt_entry_same(const struct xt_family *family, const void *ours, const void *entry,
		   const char *target)
{
	size_t end = xt_get_u16(ours, family->layout.target_offset), at, size;

	if (!same_head(&family->layout, ours, entry))
		return false;
	for (at = family->layout.head_size; at < end; at += size) {
		const struct xt_entry_match *match = xt_at(ours, at);

		size = match->u.match_size;
		if (!same_match(match, xt_at(entry, at)))
			return false;
	}
	return same_target(xt_entry_target_of(family, ours), xt_entry_target_of(family, entry),
			   target);
}
