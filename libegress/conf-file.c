/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf-file.h"

#include "files.h"
#include "safe-read.h"
#include "util.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CONF_DIRECTORY "conf.d"
#define CONF_SUFFIX ".conf"
#define CONF_FILES_MAX 256
#define LOGIN_DEFS "login.defs"
#define UID_MIN_DEFAULT 1000
#define KEPT_NAME_MAX (NAME_MAX - 8) /* room for a temporary name */

/* The texts that make up one configuration. Owns the names and texts. */
struct texts {
	struct conf_text items[CONF_FILES_MAX];
	size_t count;
};

static void texts_clear(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++) {
		free((char *)texts->items[i].file);
		free((char *)texts->items[i].text);
	}
	texts->count = 0;
}

static void texts_freep(struct texts **texts)
{
	if (*texts)
		texts_clear(*texts);
	free(*texts);
}

static int texts_read(struct texts *texts, int dir_fd, const char *name, const char *shown,
		      struct fault *fault)
{
	AUTO_FREE char *file = strdup(shown);
	char *text;
	size_t length;
	int r;

	if (!file)
		return fault_set(fault, -ENOMEM, "%s: no memory", shown);
	if (texts->count == CONF_FILES_MAX)
		return fault_set(fault, -EFBIG, "%s: more than %d files", shown, CONF_FILES_MAX);
	r = safe_read(dir_fd, name, shown, fault, &text, &length);
	if (r)
		return r;
	texts->items[texts->count++] =
		(struct conf_text){ .file = util_steal(file), .text = text, .length = length };
	return 0;
}

static int is_conf_name(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), suffix = strlen(CONF_SUFFIX);

	return entry->d_name[0] != '.' && length > suffix &&
	       strcmp(entry->d_name + length - suffix, CONF_SUFFIX) == 0;
}

/* By bytes: alphasort(3) would go by the caller's locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_names(struct texts *texts, int fd, const char *folder, struct dirent **entries, int count,
		      struct fault *fault)
{
	int r = 0;

	for (int i = 0; i < count; i++) {
		AUTO_FREE char *shown = NULL;

		if (r)
			continue;
		if (asprintf(&shown, "%s/%s", folder, entries[i]->d_name) < 0) {
			shown = NULL;
			r = -ENOMEM;
		} else {
			r = texts_read(texts, fd, entries[i]->d_name, shown, fault);
		}
	}
	return r;
}

static int read_directory(struct texts *texts, const char *folder, struct fault *fault)
{
	AUTO_CLOSE int fd = -1;
	struct dirent **entries = NULL;
	struct fault missing = { 0 };
	int count, r;

	r = safe_open_dir(folder, &missing, &fd);
	if (r == -ENOENT)
		return 0;
	if (r)
		return fault_set(fault, r, "%s", missing.line);
	count = scandirat(fd, ".", &entries, is_conf_name, by_name);
	if (count < 0)
		return fault_set(fault, util_is_scarce(errno) ? -ENOMEM : -EIO, "%s: list: %s", folder,
				 strerror(errno));
	r = read_names(texts, fd, folder, entries, count, fault);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return r;
}

/* Splits PATH into folder and name. */
static int split(const char *path, char folder[PATH_MAX], const char **ret_name, struct fault *fault)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (path[0] != '/' || !slash[1] || length >= PATH_MAX - sizeof("/" CONF_DIRECTORY))
		return fault_set(fault, -EINVAL, "%s: not the absolute path of a file", path);
	memcpy(folder, path, length);
	folder[length] = '\0';
	if (length == 0)
		strncpy(folder, "/", 2);
	*ret_name = slash + 1;
	return 0;
}

static void add_directory(char folder[PATH_MAX])
{
	size_t length = strlen(folder);

	snprintf(folder + length, PATH_MAX - length, "/%s", CONF_DIRECTORY);
}

static int read_texts(const char *path, struct texts *texts, struct fault *fault)
{
	AUTO_CLOSE int fd = -1;
	char folder[PATH_MAX];
	const char *name = NULL;
	int r = split(path, folder, &name, fault);

	if (!r)
		r = safe_open_dir(folder, fault, &fd);
	if (!r)
		r = texts_read(texts, fd, name, path, fault);
	if (r)
		return r;
	add_directory(folder);
	return read_directory(texts, folder, fault);
}

/* UID_MIN of /etc/login.defs; the usual one where the file does not say or cannot be trusted. */
static uid_t uid_min(void)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *text = NULL;
	unsigned long value = UID_MIN_DEFAULT;
	char *line, *rest;
	size_t length;

	if (safe_open_dir("/etc", NULL, &fd) || safe_read(fd, LOGIN_DEFS, LOGIN_DEFS, NULL, &text, &length))
		return UID_MIN_DEFAULT;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *word = strsep(&line, " \t");

		if (!line || strcmp(word, "UID_MIN") != 0)
			continue;
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r#")] = '\0';
		if (addr_parse_number(line, (uid_t)-2, &value))
			value = UID_MIN_DEFAULT;
	}
	return (uid_t)value;
}

static int parse_file(const char *path, struct texts *texts, struct fault *fault, struct conf **ret)
{
	int r = read_texts(path, texts, fault);

	return r ? r : conf_parse(texts->items, texts->count, uid_min(), fault, ret);
}

/* The name under which LIBDIR keeps what PATH said: the path with its slashes escaped. */
static int kept_name(const char *path, char name[NAME_MAX + 1])
{
	size_t length = 0;

	for (; *path; path++) {
		bool special = *path == '/' || *path == '%';

		if (length + 4 > KEPT_NAME_MAX)
			return -ENAMETOOLONG;
		if (special)
			length += (size_t)snprintf(name + length, 4, "%%%02X", (unsigned int)*path);
		else
			name[length++] = *path;
	}
	name[length] = '\0';
	return 0;
}

static int parse_kept(const char *path, const char *libdir, struct conf **ret)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *text = NULL;
	char name[NAME_MAX + 1];
	struct conf_text kept = { .file = "last good configuration" };
	int r = kept_name(path, name);

	if (!r)
		r = safe_open_dir(libdir, NULL, &fd);
	if (!r)
		r = safe_read(fd, name, name, NULL, &text, &kept.length);
	if (r)
		return r;
	kept.text = text;
	/* What was allowed when it was kept stays allowed: UID_MIN may have changed since. */
	return conf_parse(&kept, 1, 0, NULL, ret);
}

/* Whatever the file is worth: what it names is only ever denied. */
static int add_suspect(FILE *stream, int dir_fd, const char *name)
{
	AUTO_FREE char *text = NULL;
	size_t length;
	int r = safe_read_suspect(dir_fd, name, &text, &length);

	if (r)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < length; i++)
		putc(text[i] ? text[i] : ' ', stream); /* a NUL must not hide the names behind it */
	putc('\n', stream);
	return 0;
}

static int add_suspects(FILE *stream, const char *path, const char *folder)
{
	AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries = NULL;
	int r = add_suspect(stream, AT_FDCWD, path);
	int count = fd < 0 ? 0 : scandirat(fd, ".", &entries, is_conf_name, by_name);

	if ((fd < 0 || count < 0) && util_is_scarce(errno))
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		if (!r)
			r = add_suspect(stream, fd, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* All that can be read of a broken configuration: whom it names is not let out. */
static int read_raw(const char *path, char **ret)
{
	AUTO_FREE char *raw = NULL;
	char folder[PATH_MAX];
	const char *name;
	size_t size = 0;
	FILE *stream;
	int r;

	if (split(path, folder, &name, NULL))
		folder[0] = '\0';
	stream = open_memstream(&raw, &size);
	if (!stream)
		return -ENOMEM;
	add_directory(folder);
	r = add_suspects(stream, path, folder);
	if (fclose(stream))
		r = -ENOMEM;
	if (!r)
		*ret = util_steal(raw);
	return r;
}

int conf_view_load(const char *path, const char *libdir, struct fault *fault, struct conf_view *ret)
{
	__attribute__((cleanup(texts_freep))) struct texts *texts = calloc(1, sizeof(*texts));
	struct conf_view view = { .from = CONF_FROM_FILE };
	int r;

	if (!texts)
		return fault_set(fault, -ENOMEM, "%s: no memory", path);
	r = parse_file(path, texts, &view.broken, &view.conf);
	if (r && r != -ENOMEM) {
		view.from = CONF_FROM_LAST_GOOD;
		r = libdir ? parse_kept(path, libdir, &view.conf) : -ENOENT;
		if (r && r != -ENOMEM)
			view.from = CONF_FROM_NOWHERE;
	}
	/* Too little memory or too few descriptors say nothing about the file: nobody passes by them. */
	if (r == -ENOMEM)
		return fault_set(fault, -ENOMEM, "%s", view.broken.error == r ? view.broken.line : path);
	if (view.from == CONF_FROM_NOWHERE) {
		r = read_raw(path, &view.raw);
		if (r)
			return fault_set(fault, r, "%s: no memory", path);
	}
	*ret = view;
	return 0;
}

void conf_view_clear(struct conf_view *view)
{
	conf_free(view->conf);
	free(view->raw);
	memset(view, 0, sizeof(*view));
}

int conf_keep(const char *libdir, const char *path, const struct conf *conf, struct fault *fault)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *text = NULL, *kept = NULL;
	char name[NAME_MAX + 1];
	size_t length;
	int r = conf_print(conf, &text);

	if (!r)
		r = kept_name(path, name);
	if (r)
		return fault_set(fault, -EIO, "%s: keep as last good: %s", path, strerror(-r));
	if (mkdir(libdir, 0700) && errno != EEXIST)
		return fault_set(fault, -EIO, "%s: make: %s", libdir, strerror(errno));
	r = safe_open_dir(libdir, fault, &fd);
	if (r)
		return r;
	if (!safe_read(fd, name, name, NULL, &kept, &length) && strcmp(kept, text) == 0)
		return 0;
	r = files_write(fd, name, text, strlen(text));
	return r ? fault_set(fault, -EIO, "%s/%s: write: %s", libdir, name, strerror(-r)) : 0;
}
