/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which subordinate ranges belong to whom. */
#include "ledger-home.h"

#include "files.h"
#include "safe-read.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define RANGES_PATH_MAX 32
#define INDEX_LINE_MAX 40
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

static int add_owned(struct ledger *ledger, uid_t uid, struct uid_range range)
{
	if (ledger->owned_count == ledger->owned_room) {
		size_t room = ledger->owned_room ? 2 * ledger->owned_room : 64;
		struct owned_range *grown = reallocarray(ledger->owned, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		ledger->owned = grown;
		ledger->owned_room = room;
	}
	ledger->owned[ledger->owned_count++] = (struct owned_range){ range, uid };
	return 0;
}

/* One line of the index: UID FIRST-LAST. */
static int parse_owned(struct ledger *ledger, char *line)
{
	char *range = strchr(line, ' ');
	struct uid_range uids;
	unsigned long uid;

	if (!range)
		return -EBADMSG;
	*range++ = '\0';
	if (addr_parse_number(line, (uid_t)-2, &uid) || addr_parse_uid_range(range, &uids))
		return -EBADMSG;
	return add_owned(ledger, (uid_t)uid, uids);
}

/* -EBADMSG, -EFBIG, ...: everybody is to be asked. */
static int read_index(struct ledger *ledger)
{
	AUTO_FREE char *text = NULL;
	char *rest, *line;
	size_t length;
	int r = safe_read(ledger->net_fd, INDEX_NAME, INDEX_NAME, NULL, &text, &length);

	if (r)
		return r == -ENOENT ? 0 : r;
	rest = text;
	while (!r && *rest) {
		line = strsep(&rest, "\n");
		r = rest ? parse_owned(ledger, line) : -EBADMSG;
	}
	return r;
}

static int ask_one(struct ledger *ledger, uid_t uid)
{
	AUTO_RANGES struct uid_ranges ranges = { 0 };
	int r = read_ranges(ledger, uid, &ranges);

	for (size_t i = 0; !r && i < ranges.count; i++)
		r = add_owned(ledger, uid, ranges.items[i]);
	return r == -ENOENT ? 0 : r;
}

static int ask_all(struct ledger *ledger, struct fault *fault)
{
	AUTO_FREE uid_t *uids = NULL;
	size_t count = 0;
	int r = ledger_uids(ledger, fault, &uids, &count);

	for (size_t i = 0; !r && i < count; i++) {
		r = ask_one(ledger, uids[i]);
		if (r)
			r = ledger_fail(ledger, fault, r, "%u/" RANGES_NAME ": read: %s", uids[i], strerror(-r));
	}
	return r;
}

/*
 * Once while the lock is held: nobody else writes them meanwhile. Everybody's records are ten thousand files: the index
 * is one. It may name what somebody had, so that it is only believed where his record says the same.
 */
static int load_owned(struct ledger *ledger, struct fault *fault)
{
	int r = 0;

	if (ledger->owned_loaded)
		return 0;
	ledger->owned_count = 0;
	r = read_index(ledger);
	if (r == -ENOMEM)
		return fault_set(fault, r, "ledger: no memory");
	if (r) {
		ledger_tell(ledger, INDEX_NAME ": not believed: %s", strerror(-r));
		ledger->owned_count = 0;
		r = ask_all(ledger, fault);
	}
	ledger->owned_loaded = !r;
	return r;
}

/* Does its record have a range that overlaps? 1, 0, or a negative errno. */
static int still_has(struct ledger *ledger, const struct owned_range *owned, struct uid_range range)
{
	AUTO_RANGES struct uid_ranges ranges = { 0 };
	int r = read_ranges(ledger, owned->uid, &ranges);

	if (r)
		return r == -ENOENT ? 0 : r;
	return uid_ranges_find(&ranges, range) != NULL;
}

int ledger_has_range(struct ledger *ledger, struct uid_range range)
{
	int r = load_owned(ledger, NULL);

	for (size_t i = 0; !r && i < ledger->owned_count; i++)
		if (uid_range_compare(ledger->owned[i].uids, range) == 0)
			r = still_has(ledger, &ledger->owned[i], range);
	return r;
}

static int check_others(struct ledger *ledger, uid_t uid, struct uid_range range, struct fault *fault)
{
	char text[UID_RANGE_TEXT_MAX], other[UID_RANGE_TEXT_MAX];

	for (size_t i = 0; i < ledger->owned_count; i++) {
		const struct owned_range *owned = &ledger->owned[i];
		int r = owned->uid != uid && uid_ranges_overlap(owned->uids, range)
				? still_has(ledger, owned, range)
				: 0;

		if (r < 0)
			return ledger_fail(ledger, fault, r, "%u/" RANGES_NAME ": read: %s", owned->uid, strerror(-r));
		if (r > 0)
			return fault_set(fault, -EPERM,
					 "subordinate ids %s: overlap %s, by which uid %u is still held",
					 addr_print_uid_range(range, text), addr_print_uid_range(owned->uids, other),
					 owned->uid);
	}
	return 0;
}

static bool is_in_index(const struct ledger *ledger, uid_t uid, struct uid_range range)
{
	for (size_t i = 0; i < ledger->owned_count; i++)
		if (ledger->owned[i].uid == uid && uid_range_compare(ledger->owned[i].uids, range) == 0)
			return true;
	return false;
}

static int write_index(struct ledger *ledger)
{
	AUTO_FREE char *text = malloc(ledger->owned_count * INDEX_LINE_MAX + 1);
	char range[UID_RANGE_TEXT_MAX], *end = text;

	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < ledger->owned_count; i++)
		end += snprintf(end, INDEX_LINE_MAX, "%u %s\n", ledger->owned[i].uid,
				addr_print_uid_range(ledger->owned[i].uids, range));
	return files_write(ledger->net_fd, INDEX_NAME, text, (size_t)(end - text));
}

/* Before the record: one that is not in the index would not be seen. */
static int enter_index(struct ledger *ledger, uid_t uid, const struct uid_ranges *ranges, struct fault *fault)
{
	size_t known = ledger->owned_count;
	int r = 0;

	for (size_t i = 0; !r && i < ranges->count; i++)
		if (!is_in_index(ledger, uid, ranges->items[i]))
			r = add_owned(ledger, uid, ranges->items[i]);
	if (!r && ledger->owned_count > known)
		r = write_index(ledger);
	if (!r)
		return 0;
	ledger->owned_loaded = false;
	return ledger_fail(ledger, fault, r, INDEX_NAME ": write: %s", strerror(-r));
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

/* RANGES: all that it shall have. */
static int grow(struct ledger *ledger, uid_t uid, const struct uid_ranges *ranges, struct fault *fault)
{
	int r;

	if (ranges->count > UID_RANGES_MAX)
		return fault_set(fault, -EPERM, "uid %u: more than %d subordinate ranges", uid, UID_RANGES_MAX);
	r = load_owned(ledger, fault);
	for (size_t i = 0; !r && i < ranges->count; i++)
		r = check_others(ledger, uid, ranges->items[i], fault);
	if (!r)
		r = enter_index(ledger, uid, ranges, fault);
	return r ? r : write_ranges(ledger, uid, ranges, fault);
}

int ledger_grow(struct ledger *ledger, uid_t uid, const struct uid_ranges *more, struct fault *fault, bool *ret_grew)
{
	AUTO_RANGES struct uid_ranges ranges = { 0 };
	size_t known;
	int r = more->count ? ledger_ranges(ledger, uid, fault, &ranges) : 0;

	known = ranges.count;
	if (!r && uid_ranges_add_all(&ranges, more))
		r = fault_set(fault, -ENOMEM, "uid %u: subordinate ids: no memory", uid);
	if (!r && ranges.count > known)
		r = grow(ledger, uid, &ranges, fault);
	if (!r && ret_grew)
		*ret_grew = ranges.count > known;
	return r;
}
