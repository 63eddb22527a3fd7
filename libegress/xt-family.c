/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xt-family.h"

#include "util.h"

#include <fcntl.h>
#include <linux/netfilter/xt_u32.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>
#include <linux/netfilter_ipv6/ip6t_rt.h>
#include <stdio.h>
#include <string.h>

/* The thread's, not the process's: a thread may have its own network namespace. */
#define PROC_NET "/proc/thread-self/net"

_Static_assert(sizeof(struct ipt_ip) == 84, "the kernel fixes it");
_Static_assert(sizeof(struct ip6t_ip6) == 136, "the kernel fixes it");
_Static_assert(sizeof(struct ipt_entry) == 112, "the kernel fixes it");
_Static_assert(sizeof(struct ip6t_entry) == 168, "the kernel fixes it");
_Static_assert(sizeof(xt_chainlabel) == 32, "libiptc fixes it");

#define XT_THUNKS(prefix, entry_type)                                                              \
	static const void *prefix##_first(const char *chain, struct xtc_handle *handle)            \
	{                                                                                          \
		return prefix##_first_rule(chain, handle);                                         \
	}                                                                                          \
	static const void *prefix##_next(const void *entry, struct xtc_handle *handle)             \
	{                                                                                          \
		return prefix##_next_rule(entry, handle);                                          \
	}                                                                                          \
	static const char *prefix##_target(const void *entry, struct xtc_handle *handle)           \
	{                                                                                          \
		return prefix##_get_target(entry, handle);                                         \
	}                                                                                          \
	static int prefix##_insert(const xt_chainlabel chain, const void *entry,                   \
				   unsigned int position, struct xtc_handle *handle)               \
	{                                                                                          \
		return prefix##_insert_entry(chain, (const struct entry_type *)entry, position,    \
					     handle);                                              \
	}

XT_THUNKS(iptc, ipt_entry)
XT_THUNKS(ip6tc, ip6t_entry)

#define XT_CALLS(prefix)                                                                           \
	.ops = &prefix##_ops, .first_rule = prefix##_first, .next_rule = prefix##_next,            \
	.get_target = prefix##_target, .insert_entry = prefix##_insert,                            \
	.delete_num_entry = prefix##_delete_num_entry, .delete_chain = prefix##_delete_chain,      \
	.get_references = prefix##_get_references

#define XT_LAYOUT(entry_type, packet)                                                              \
	.layout = {                                                                                \
		.head_size = sizeof(struct entry_type),                                            \
		.match_size = sizeof(((struct entry_type *)0)->packet),                            \
		.address_size = sizeof(((struct entry_type *)0)->packet.dst),                      \
		.source = offsetof(struct entry_type, packet.src),                                 \
		.source_mask = offsetof(struct entry_type, packet.smsk),                           \
		.destination = offsetof(struct entry_type, packet.dst),                            \
		.destination_mask = offsetof(struct entry_type, packet.dmsk),                      \
		.out_interface = offsetof(struct entry_type, packet.outiface),                     \
		.out_interface_mask = offsetof(struct entry_type, packet.outiface_mask),           \
		.proto = offsetof(struct entry_type, packet.proto),                                \
		.flags = offsetof(struct entry_type, packet.flags),                                \
		.target_offset = offsetof(struct entry_type, target_offset),                       \
		.next_offset = offsetof(struct entry_type, next_offset),                           \
		.counters = offsetof(struct entry_type, counters),                                 \
	}

/* The first byte of IPv4: 4, and the length of the header in words, 5 without options. */
static const struct xt_u32 with_options = {
	.tests[0] = {
		.location = { { .number = 0 }, { .number = 24, .nextop = XT_U32_RIGHTSH } },
		.nnums = 2,
		.value = { { 0x46, 0x4f } },
		.nvalues = 1,
	},
	.ntests = 1,
};

static const struct ip6t_rt with_routing = { .segsleft = { 0, UINT32_MAX } };

const struct xt_family xt_families[XT_FAMILY_COUNT] = {
	{
		.family = AF_INET,
		.name = "ipv4",
		.tables_file = PROC_NET "/ip_tables_names",
		.module = "ip_tables",
		XT_LAYOUT(ipt_entry, ip),
		.flag_goto = IPT_F_GOTO,
		.reject_reset = IPT_TCP_RESET,
		.reject_prohibited = IPT_ICMP_ADMIN_PROHIBITED,
		.forged = MATCH_OPTIONS,
		.forged_match = "u32",
		.forged_data = &with_options,
		.forged_size = sizeof(with_options),
		XT_CALLS(iptc),
	},
	{
		.family = AF_INET6,
		.name = "ipv6",
		.tables_file = PROC_NET "/ip6_tables_names",
		.module = "ip6_tables",
		XT_LAYOUT(ip6t_entry, ipv6),
		.flag_goto = IP6T_F_GOTO,
		.flag_proto = IP6T_F_PROTO,
		.reject_reset = IP6T_TCP_RESET,
		.reject_prohibited = IP6T_ICMP6_ADM_PROHIBITED,
		.forged = MATCH_ROUTING,
		.forged_match = "rt",
		.forged_data = &with_routing,
		.forged_size = sizeof(with_routing),
		XT_CALLS(ip6tc),
	},
};

/* By the effective uid: su's real one is its caller's. */
static bool is_there(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
}

int xt_map_errno(int error, int otherwise)
{
	switch (abs(error)) {
	case EPERM:
	case EACCES:
		return -EPERM;
	case ENOMEM:
	case ENOBUFS:
	case EMFILE:
	case ENFILE:
		return -ENOMEM;
	case EAGAIN:
		return -EAGAIN;
	case ENOENT:
	case ENOPROTOOPT:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
		return -EOPNOTSUPP;
	default:
		return otherwise;
	}
}

static enum xt_table_state find_filter(FILE *names)
{
	char name[XT_TABLE_MAXNAMELEN + 1];

	while (fgets(name, sizeof(name), names)) {
		name[strcspn(name, "\n")] = '\0';
		if (strcmp(name, XT_TABLE_FILTER) == 0)
			return XT_TABLE_PRESENT;
	}
	return XT_TABLE_ABSENT;
}

int xt_family_table_state(const struct xt_family *family, enum xt_table_state *ret)
{
	FILE *names = fopen(family->tables_file, "re");
	enum xt_table_state state;
	bool failed;

	if (!names && errno != ENOENT)
		return xt_map_errno(errno, -EIO);
	if (!names && !is_there(PROC_NET))
		return -EIO;
	if (!names) {
		*ret = XT_TABLE_UNSUPPORTED;
		return 0;
	}
	state = find_filter(names);
	failed = ferror(names);
	fclose(names);
	if (failed)
		return -EIO;
	*ret = state;
	return 0;
}

#define UID_MAP "/proc/thread-self/uid_map"
#define UID_MAP_MAX 340 /* extents; the kernel's UID_GID_MAP_MAX_EXTENTS */

struct extent {
	unsigned int inside, outside, length;
};

static int compare_extents(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->inside < y->inside ? -1 : x->inside > y->inside;
}

int xt_uids_ascend(bool *ret)
{
	struct extent extents[UID_MAP_MAX];
	FILE *map = fopen(UID_MAP, "re");
	bool ascend = true;
	size_t count = 0;

	if (!map)
		return xt_map_errno(errno, -EIO);
	while (count < UID_MAP_MAX && fscanf(map, "%u %u %u", &extents[count].inside, &extents[count].outside,
					     &extents[count].length) == 3)
		count++;
	fclose(map);
	if (count == 0)
		return -EIO;
	qsort(extents, count, sizeof(*extents), compare_extents);
	for (size_t i = 1; i < count; i++)
		ascend = ascend && extents[i].outside > extents[i - 1].outside;
	*ret = ascend;
	return 0;
}
