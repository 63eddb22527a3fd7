/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which subordinate ranges belong to whom. */
#include "ledger-home.h"

#include "files.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define RANGES_PATH_MAX 32
#define RANGES_TEXT_MAX (UID_RANGES_MAX * UID_RANGE_TEXT_MAX + 1)

/* By its path: to ask very many uids, their folders are not opened one by one. -ENOENT: there is no such file. */
static int read_ranges(struct ledger *ledger, uid_t uid, struct uid_ranges *ret)
{
	char path[RANGES_PATH_MAX], text[RANGES_TEXT_MAX];
	int r;

	snprintf(path, sizeof(path), "%u/" RANGES_NAME, uid);
	r = files_read(ledger->net_fd, path, text, sizeof(text));
	return r ? r : uid_ranges_parse(text, ret);
}

int ledger_ranges(struct ledger *ledger, uid_t uid, struct fault *fault, struct uid_ranges *ret)
{
	struct uid_ranges ranges = { 0 };
	int r = ledger ? read_ranges(ledger, uid, &ranges) : 0;

	if (r && r != -ENOENT)
		return ledger_fail(ledger, fault, r, "%u/" RANGES_NAME ": read: %s", uid, strerror(-r));
	*ret = ranges;
	return 0;
}

static int add_owned(struct ledger *ledger, uid_t uid, const struct uid_ranges *ranges)
{
	size_t count = ledger->owned_count + ranges->count;
	struct owned_range *grown = reallocarray(ledger->owned, count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	ledger->owned = grown;
	for (size_t i = 0; i < ranges->count; i++)
		grown[ledger->owned_count++] = (struct owned_range){ ranges->items[i], uid };
	return 0;
}

static int load_one(struct ledger *ledger, uid_t uid)
{
	AUTO_RANGES struct uid_ranges ranges = { 0 };
	int r = read_ranges(ledger, uid, &ranges);

	if (r)
		return r == -ENOENT ? 0 : r;
	return add_owned(ledger, uid, &ranges);
}

/* Everybody's, read once while the lock is held: nobody else writes them meanwhile. */
static int load_owned(struct ledger *ledger, struct fault *fault)
{
	AUTO_FREE uid_t *uids = NULL;
	size_t count = 0;
	int r = ledger->owned_loaded ? 0 : ledger_uids(ledger, fault, &uids, &count);

	if (r || ledger->owned_loaded)
		return r;
	ledger->owned_count = 0;
	for (size_t i = 0; !r && i < count; i++) {
		r = load_one(ledger, uids[i]);
		if (r)
			ledger_fail(ledger, fault, r, "%u/" RANGES_NAME ": read: %s", uids[i], strerror(-r));
	}
	ledger->owned_loaded = !r;
	return r == 0 || r == -ENOMEM ? r : -EIO;
}

int ledger_has_range(struct ledger *ledger, struct uid_range range)
{
	int r = load_owned(ledger, NULL);

	for (size_t i = 0; !r && i < ledger->owned_count; i++)
		if (uid_range_compare(ledger->owned[i].uids, range) == 0)
			return 1;
	return r;
}

static int check_others(struct ledger *ledger, uid_t uid, struct uid_range range, struct fault *fault)
{
	char text[UID_RANGE_TEXT_MAX], other[UID_RANGE_TEXT_MAX];

	for (size_t i = 0; i < ledger->owned_count; i++) {
		const struct owned_range *owned = &ledger->owned[i];

		if (owned->uid != uid && uid_ranges_overlap(owned->uids, range))
			return fault_set(fault, -EPERM,
					 "subordinate ids %s: overlap %s, by which uid %u is still held",
					 addr_print_uid_range(range, text), addr_print_uid_range(owned->uids, other),
					 owned->uid);
	}
	return 0;
}

static int write_ranges(struct ledger *ledger, uid_t uid, const struct uid_ranges *ranges, struct fault *fault)
{
	AUTO_FREE char *text = NULL;
	AUTO_CLOSE int fd = -1;
	char name[RANGES_PATH_MAX];
	int r = uid_ranges_print(ranges, &text);

	snprintf(name, sizeof(name), "%u", uid);
	if (!r)
		r = files_open_dir(ledger->net_fd, name, NULL, &fd);
	if (!r)
		r = files_write(fd, RANGES_NAME, text, strlen(text));
	return r ? ledger_fail(ledger, fault, r, "%u/" RANGES_NAME ": write: %s", uid, strerror(-r)) : 0;
}

int ledger_grow(struct ledger *ledger, uid_t uid, const struct uid_ranges *more, struct fault *fault)
{
	AUTO_RANGES struct uid_ranges ranges = { 0 };
	size_t known;
	int r = more->count ? ledger_ranges(ledger, uid, fault, &ranges) : 0;

	if (r || !more->count)
		return r;
	known = ranges.count;
	if (uid_ranges_add_all(&ranges, more))
		return fault_set(fault, -ENOMEM, "uid %u: subordinate ids: no memory", uid);
	if (ranges.count == known)
		return 0;
	if (ranges.count > UID_RANGES_MAX)
		return fault_set(fault, -EPERM, "uid %u: more than %d subordinate ranges", uid, UID_RANGES_MAX);
	r = load_owned(ledger, fault);
	for (size_t i = 0; !r && i < ranges.count; i++)
		r = check_others(ledger, uid, ranges.items[i], fault);
	if (!r)
		r = write_ranges(ledger, uid, &ranges, fault);
	if (!r && add_owned(ledger, uid, &ranges)) /* those that it had stand there twice */
		ledger->owned_loaded = false;
	return r;
}
