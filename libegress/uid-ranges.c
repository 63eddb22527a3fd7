/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uid-ranges.h"

#include "util.h"

#include <string.h>

void uid_ranges_clear(struct uid_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct uid_ranges){ 0 };
}

bool uid_ranges_overlap(struct uid_range a, struct uid_range b)
{
	return a.first <= b.last && b.first <= a.last;
}

const struct uid_range *uid_ranges_find(const struct uid_ranges *ranges, struct uid_range range)
{
	for (size_t i = 0; i < ranges->count; i++)
		if (uid_ranges_overlap(ranges->items[i], range))
			return &ranges->items[i];
	return NULL;
}

static int insert(struct uid_ranges *ranges, size_t at, struct uid_range range)
{
	struct uid_range *grown = reallocarray(ranges->items, ranges->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	ranges->items = grown;
	memmove(&grown[at + 1], &grown[at], (ranges->count - at) * sizeof(*grown));
	grown[at] = range;
	ranges->count++;
	return 0;
}

/* The gaps that those in its way leave of it, from below. */
int uid_ranges_add(struct uid_ranges *ranges, struct uid_range range)
{
	uint64_t next = range.first; /* not yet looked at; 64 bits, for the one after the last uid */
	int r = 0;

	for (size_t i = 0; !r && i < ranges->count && next <= range.last; i++) {
		const struct uid_range item = ranges->items[i];

		if (item.last < next)
			continue;
		if (item.first > range.last)
			return insert(ranges, i, (struct uid_range){ (uid_t)next, range.last });
		if (item.first > next)
			r = insert(ranges, i++, (struct uid_range){ (uid_t)next, item.first - 1 });
		next = (uint64_t)item.last + 1;
	}
	if (r || next > range.last)
		return r;
	return insert(ranges, ranges->count, (struct uid_range){ (uid_t)next, range.last });
}

int uid_ranges_add_all(struct uid_ranges *ranges, const struct uid_ranges *more)
{
	int r = 0;

	for (size_t i = 0; !r && i < more->count; i++)
		r = uid_ranges_add(ranges, more->items[i]);
	return r;
}

int uid_ranges_put_first(struct uid_ranges *ranges, struct uid_range range)
{
	return insert(ranges, 0, range);
}

int uid_ranges_without(struct uid_ranges *ranges, uid_t uid)
{
	struct uid_range *item = (struct uid_range *)uid_ranges_find(ranges, (struct uid_range){ uid, uid });
	size_t at = item ? (size_t)(item - ranges->items) : 0;

	if (!item)
		return 0;
	if (item->first < uid && uid < item->last) {
		uid_t last = item->last;

		if (insert(ranges, at + 1, (struct uid_range){ uid + 1, last }))
			return -ENOMEM;
		ranges->items[at].last = uid - 1;
	} else if (item->first == item->last) {
		memmove(item, item + 1, (--ranges->count - at) * sizeof(*item));
	} else if (item->first == uid) {
		item->first++;
	} else {
		item->last--;
	}
	return 0;
}

int uid_ranges_print(const struct uid_ranges *ranges, char **ret)
{
	char *text = malloc(ranges->count * UID_RANGE_TEXT_MAX + 1), *end = text;

	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < ranges->count; i++) {
		end += strlen(addr_print_uid_range(ranges->items[i], end));
		*end++ = '\n';
	}
	*end = '\0';
	*ret = text;
	return 0;
}

int uid_ranges_parse(const char *text, struct uid_ranges *ret)
{
	AUTO_RANGES struct uid_ranges ranges = { 0 };
	int r = 0;

	while (!r && *text) {
		size_t length = strcspn(text, "\n");
		char word[UID_RANGE_TEXT_MAX];
		struct uid_range range;

		if (text[length] != '\n' || length >= sizeof(word) || ranges.count == UID_RANGES_MAX)
			return -EBADMSG;
		memcpy(word, text, length);
		word[length] = '\0';
		text += length + 1;
		if (addr_parse_uid_range(word, &range) || uid_ranges_find(&ranges, range))
			return -EBADMSG;
		r = uid_ranges_add(&ranges, range);
	}
	if (r)
		return r;
	*ret = ranges;
	ranges = (struct uid_ranges){ 0 };
	return 0;
}
