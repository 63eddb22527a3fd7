/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drift.h"
#include "guard-table.h"
#include "util.h"

static int compare_differences(const void *a, const void *b)
{
	const struct guard_difference *x = a, *y = b;

	if (x->of_subject != y->of_subject)
		return x->of_subject ? 1 : -1;
	return uid_range_compare(x->uids, y->uids);
}

static int compare_subjects(const void *a, const void *b)
{
	return uid_range_compare(*(const struct uid_range *)a, *(const struct uid_range *)b);
}

void guard_look_sort(struct guard_look *look)
{
	size_t kept = 0;

	if (look->count)
		qsort(look->differences, look->count, sizeof(*look->differences), compare_differences);
	if (look->subject_count)
		qsort(look->subjects, look->subject_count, sizeof(*look->subjects), compare_subjects);
	for (size_t i = 0; i < look->subject_count; i++)
		if (!kept || compare_subjects(&look->subjects[kept - 1], &look->subjects[i]) != 0)
			look->subjects[kept++] = look->subjects[i];
	look->subject_count = kept;
}

void guard_look_clear(struct guard_look *look)
{
	for (size_t i = 0; i < look->count; i++)
		free(look->differences[i].line);
	free(look->differences);
	free(look->subjects);
	*look = (struct guard_look){ 0 };
}

/* The first difference of the subject, or where it would be. */
static size_t find(const struct guard_look *look, struct uid_range uids)
{
	const struct guard_difference key = { .uids = uids, .of_subject = true };
	size_t low = 0, high = look->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_differences(&look->differences[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int guard_look_tell(const struct guard_look *look, struct uid_range uids, bool mendable, char ***lines)
{
	size_t at = find(look, uids), told = 0;
	int r = 0;

	for (; !r && at < look->count && uid_range_compare(look->differences[at].uids, uids) == 0; at++, told++)
		r = lines_add(lines, "%s", look->differences[at].line);
	for (size_t i = 0; !r && !told && i < look->count && !look->differences[i].of_subject; i++)
		if (!mendable || !look->differences[i].beyond_us)
			r = lines_add(lines, "%s", look->differences[i].line);
	return r;
}
