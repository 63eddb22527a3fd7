/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "subuid.h"

#include "files.h"
#include "passwd.h"
#include "safe-read.h"
#include "util.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NO_UID 65534 /* whoever has no uid in a user namespace */
#define SHOWN_MAX 64 /* of a line, in messages */
#define NUMBER_MAX 24
#define TEXTS_MAX 3
#define KEPT_SHOWN "name service's subid"
#define READ_TRIES 3 /* useradd(8) may be at work */

/* NAME:FIRST:COUNT. */
struct line {
	const char *file, *text;
	size_t length, owner_length;
	unsigned int number;
	const char *wrong; /* why it is no range; NULL if it is one */
	struct uid_range uids;
};

struct subuid {
	struct line *lines;
	size_t count, room;
	char *texts[TEXTS_MAX]; /* owned */
	const char *passwd;
	uid_t *used; /* the uids of the passwd file, ascending; read when they are needed */
	size_t used_count;
	bool used_read;
};

/* One number of a line, up to END. */
static int parse_number(const char *text, const char *end, unsigned long *ret)
{
	char word[NUMBER_MAX];
	size_t length = (size_t)(end - text);

	if (length >= sizeof(word) || memchr(text, '\0', length))
		return -EINVAL;
	memcpy(word, text, length);
	word[length] = '\0';
	return addr_parse_number(word, UINT32_MAX, ret);
}

static const char *parse_range(const char *text, const char *end, struct uid_range *ret)
{
	const char *colon = memchr(text, ':', (size_t)(end - text));
	unsigned long first, count;

	if (!colon || parse_number(text, colon, &first) || parse_number(colon + 1, end, &count))
		return "is not NAME:FIRST:COUNT";
	if (count == 0 || first + count > UINT32_MAX)
		return count ? "goes beyond the last uid" : "has no uid";
	*ret = (struct uid_range){ (uid_t)first, (uid_t)(first + count - 1) };
	return NULL;
}

static int add_line(struct subuid *subuid, const struct line *line)
{
	if (subuid->count == subuid->room) {
		size_t room = subuid->room ? 2 * subuid->room : 64;
		struct line *grown = reallocarray(subuid->lines, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		subuid->lines = grown;
		subuid->room = room;
	}
	subuid->lines[subuid->count++] = *line;
	return 0;
}

static int read_line(struct subuid *subuid, const char *file, unsigned int number, const char *text, const char *end)
{
	const char *colon = memchr(text, ':', (size_t)(end - text));
	struct line line = { .file = file, .text = text, .length = (size_t)(end - text), .number = number };

	if (text == end || *text == '#')
		return 0;
	line.owner_length = colon ? (size_t)(colon - text) : line.length;
	line.wrong = colon ? parse_range(colon + 1, end, &line.uids) : "is not NAME:FIRST:COUNT";
	return add_line(subuid, &line);
}

static int read_text(struct subuid *subuid, const struct subuid_text *text)
{
	const char *at = text->text, *end = at + text->length;
	int r = 0;

	for (unsigned int number = 1; !r && at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		r = read_line(subuid, text->file, number, at, newline ? newline : end);
		at = newline ? newline + 1 : end;
	}
	return r;
}

int subuid_parse(const struct subuid_text *texts, size_t count, struct subuid **ret)
{
	struct subuid *subuid = calloc(1, sizeof(*subuid));
	int r = subuid ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < count; i++)
		r = read_text(subuid, &texts[i]);
	if (r) {
		subuid_free(subuid);
		return r;
	}
	subuid->passwd = PASSWD_PATH;
	*ret = subuid;
	return 0;
}

bool subuid_is_empty(const struct subuid *subuid)
{
	return subuid->count == 0;
}

void subuid_free(struct subuid *subuid)
{
	if (!subuid)
		return;
	for (size_t i = 0; i < TEXTS_MAX; i++)
		free(subuid->texts[i]);
	free(subuid->used);
	free(subuid->lines);
	free(subuid);
}

/* A file that is not there has no lines. FD: its folder. */
static int load_text(int fd, const char *name, const char *shown, struct fault *fault, struct subuid_text *ret,
		     char **ret_owned)
{
	struct fault why = { 0 };
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < READ_TRIES; i++) {
		fault_clear(&why);
		r = safe_read(fd, name, shown, &why, ret_owned, &ret->length);
	}
	if (r && r != -ENOENT)
		return fault_set(fault, r, "%s", why.line);
	ret->file = shown;
	ret->text = r ? "" : *ret_owned;
	return 0;
}

static int load_first(const char *path, struct fault *fault, struct subuid_text *ret, char **ret_owned)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	AUTO_CLOSE int fd = -1;
	int r = folder ? safe_open_dir(folder, fault, &fd) : fault_set(fault, -ENOMEM, "%s: no memory", path);

	return r ? r : load_text(fd, slash + 1, path, fault, ret, ret_owned);
}

/* One that is not there, in a folder that is as it may be, denies nobody: most hosts never had one. */
static bool has_kept(const char *libdir)
{
	AUTO_CLOSE int fd = open(libdir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno != ENOENT && errno != ENOTDIR;
	return !fstatat(fd, SUBUID_KEPT, &st, AT_SYMLINK_NOFOLLOW) || errno != ENOENT;
}

/* Links on the way to it are the administrator's: /var may be one. */
static int load_kept(const char *libdir, struct fault *fault, struct subuid_text *ret, char **ret_owned)
{
	AUTO_CLOSE int fd = -1;
	struct fault why = { 0 };
	int r = libdir && has_kept(libdir) ? files_open_dir(AT_FDCWD, libdir, &why, &fd) : -ENOENT;

	if (r == -ENOENT)
		return 0;
	return r ? fault_set(fault, r, "%s", why.line) : load_text(fd, SUBUID_KEPT, KEPT_SHOWN, fault, ret, ret_owned);
}

int subuid_load(const struct subuid_paths *paths, struct fault *fault, struct subuid **ret)
{
	struct subuid_text texts[TEXTS_MAX] = { 0 };
	char *owned[TEXTS_MAX] = { NULL };
	struct subuid *subuid;
	int r = load_first(paths->subuid, fault, &texts[0], &owned[0]);

	if (!r)
		r = load_kept(paths->libdir, fault, &texts[1], &owned[1]);
	if (!r && paths->asked && !(owned[2] = strdup(paths->asked)))
		r = fault_set(fault, -ENOMEM, "%s: no memory", KEPT_SHOWN);
	if (!r && paths->asked)
		texts[2] = (struct subuid_text){ KEPT_SHOWN, owned[2], strlen(owned[2]) };
	if (!r && subuid_parse(texts, TEXTS_MAX, &subuid))
		r = fault_set(fault, -ENOMEM, "%s: no memory", paths->subuid);
	if (r) {
		for (size_t i = 0; i < TEXTS_MAX; i++)
			free(owned[i]);
		return r;
	}
	memcpy(subuid->texts, owned, sizeof(owned));
	subuid->passwd = paths->passwd;
	*ret = subuid;
	return 0;
}

static bool is_named(const struct line *line, const char *name)
{
	return strlen(name) == line->owner_length && memcmp(line->text, name, line->owner_length) == 0;
}

static bool is_of(const struct line *line, const struct subuid_owner *owner, const char *number)
{
	if (is_named(line, number))
		return true;
	for (size_t i = 0; i < owner->name_count; i++)
		if (is_named(line, owner->names[i]))
			return true;
	return false;
}

static char *print_number(uid_t uid, char text[NUMBER_MAX])
{
	snprintf(text, NUMBER_MAX, "%u", uid);
	return text;
}

static int refuse(const struct line *line, struct fault *fault, const char *why)
{
	int length = (int)(line->length < SHOWN_MAX ? line->length : SHOWN_MAX);

	return fault_set(fault, -EBADMSG, "%s:%u: \"%.*s\": %s", line->file, line->number, length, line->text, why);
}

static bool has(struct uid_range range, uid_t uid)
{
	return range.first <= uid && uid <= range.last;
}

static int check_line(const struct line *line, struct fault *fault)
{
	if (line->wrong)
		return refuse(line, fault, line->wrong);
	if (has(line->uids, 0))
		return refuse(line, fault, "has uid 0");
	if (has(line->uids, NO_UID))
		return refuse(line, fault, "has uid 65534, which is nobody's");
	if ((unsigned long)line->uids.last - line->uids.first >= SUBUID_SIZE_MAX)
		return refuse(line, fault, "has more than 16777216 uids");
	return 0;
}

static int collect_used(uid_t uid, void *data)
{
	struct subuid *subuid = data;
	uid_t *grown = subuid->used;

	/* Doubled at each power of two. */
	if ((subuid->used_count & (subuid->used_count - 1)) == 0)
		grown = reallocarray(grown, subuid->used_count ? 2 * subuid->used_count : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	subuid->used = grown;
	grown[subuid->used_count++] = uid;
	return 0;
}

static int by_uid(const void *a, const void *b)
{
	const uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

	return x < y ? -1 : x > y;
}

static int read_used(struct subuid *subuid, struct fault *fault)
{
	int r;

	if (subuid->used_read)
		return 0;
	subuid->used_count = 0;
	r = passwd_each_uid(subuid->passwd, collect_used, subuid);
	if (r)
		return fault_set(fault, util_is_scarce(-r) ? -ENOMEM : -EIO, "%s: read: %s", subuid->passwd,
				 strerror(-r));
	if (subuid->used_count)
		qsort(subuid->used, subuid->used_count, sizeof(*subuid->used), by_uid);
	subuid->used_read = true;
	return 0;
}

/* Somebody's own uid may stand among his subordinate ones: it is held anyway. */
static int check_used(const struct subuid *subuid, const struct line *line, uid_t own, struct fault *fault)
{
	char why[2 * SHOWN_MAX];

	for (size_t i = 0; i < subuid->used_count; i++) {
		if (!has(line->uids, subuid->used[i]) || subuid->used[i] == own)
			continue;
		snprintf(why, sizeof(why), "has uid %u, which is an account's of %.64s", subuid->used[i], subuid->passwd);
		return refuse(line, fault, why);
	}
	return 0;
}

/* Others' lines that are no ranges give nobody any uid. */
static int check_overlap(const struct subuid *subuid, const struct line *line, const struct subuid_owner *owner,
			 const char *number, struct fault *fault)
{
	for (size_t i = 0; i < subuid->count; i++) {
		const struct line *other = &subuid->lines[i];
		char why[4 * SHOWN_MAX];

		if (other->wrong || !uid_ranges_overlap(other->uids, line->uids) || is_of(other, owner, number))
			continue;
		snprintf(why, sizeof(why), "overlaps %.64s%s%u, \"%.*s\"", other->file == line->file ? "line" : other->file,
			 other->file == line->file ? " " : ":", other->number,
			 (int)(other->length < SHOWN_MAX ? other->length : SHOWN_MAX), other->text);
		return refuse(line, fault, why);
	}
	return 0;
}

static int take_line(struct subuid *subuid, const struct line *line, const struct subuid_owner *owner,
		     const char *number, struct fault *fault, struct uid_ranges *ranges)
{
	int r = check_line(line, fault);

	if (!r)
		r = read_used(subuid, fault);
	if (!r)
		r = check_used(subuid, line, owner->uid, fault);
	if (!r)
		r = check_overlap(subuid, line, owner, number, fault);
	if (!r && uid_ranges_add(ranges, line->uids))
		r = fault_set(fault, -ENOMEM, "%s: no memory", line->file);
	if (!r && ranges->count > UID_RANGES_MAX)
		r = refuse(line, fault, "is one more than the 64 ranges that an account may have");
	return r;
}

int subuid_find(struct subuid *subuid, const struct subuid_owner *owner, struct fault *fault, struct uid_ranges *ret)
{
	AUTO_RANGES struct uid_ranges ranges = { 0 };
	char number[NUMBER_MAX];
	int r = 0;

	print_number(owner->uid, number);
	for (size_t i = 0; !r && i < subuid->count; i++)
		if (is_of(&subuid->lines[i], owner, number))
			r = take_line(subuid, &subuid->lines[i], owner, number, fault, &ranges);
	if (!r && uid_ranges_without(&ranges, owner->uid))
		r = fault_set(fault, -ENOMEM, "subordinate ids: no memory");
	if (r)
		return r;
	*ret = ranges;
	ranges = (struct uid_ranges){ 0 };
	return 0;
}

bool subuid_names(const struct subuid *subuid, const struct subuid_owner *owner, char *ret, size_t size)
{
	char number[NUMBER_MAX];

	print_number(owner->uid, number);
	for (size_t i = 0; i < subuid->count; i++) {
		const struct line *line = &subuid->lines[i];

		if (!is_of(line, owner, number))
			continue;
		snprintf(ret, size, "%s:%u", line->file, line->number);
		return true;
	}
	return false;
}
