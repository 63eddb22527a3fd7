/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By hand: fgetpwent_r takes five times as long, at each login, for lines that are somebody else's. */
#include "passwd.h"

#include "addr.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

void passwd_names_clear(struct passwd_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].name);
	free(names->items);
	*names = (struct passwd_names){ 0 };
}

static int add(struct passwd_names *names, const char *name, gid_t gid)
{
	struct passwd_name *grown = reallocarray(names->items, names->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	names->items = grown;
	grown[names->count] = (struct passwd_name){ .name = strdup(name), .gid = gid };
	if (!grown[names->count].name)
		return -ENOMEM;
	names->count++;
	return 0;
}

/* As the C library reads a line: blanks before a number, a sign or zeros do not make it another one. */
static bool parse_id(const char *text, char **ret_end, unsigned long *ret)
{
	*ret = strtoul(text, ret_end, 10);
	return *ret_end != text && (**ret_end == ':' || **ret_end == '\0');
}

/* NAME:PASSWORD:UID:GID:...; a name with + or - stands for those of NIS. *ret_end: behind the uid; NULL: no account's. */
static char *parse_line(char *line, char **ret_password, char **ret_end, unsigned long *ret_id)
{
	char *number;

	line += strspn(line, " \t");
	line[strcspn(line, "\n")] = '\0';
	*ret_password = strchr(line, ':');
	number = *ret_password ? strchr(*ret_password + 1, ':') : NULL;
	if (!number || !parse_id(number + 1, ret_end, ret_id) || *ret_password == line || strchr("#+-", *line))
		return NULL;
	return line;
}

struct wanted {
	uid_t uid;
	struct passwd_names *names;
};

static int read_line(char *line, void *data)
{
	const struct wanted *wanted = data;
	char *password, *end;
	unsigned long id, gid = (gid_t)-1;

	line = parse_line(line, &password, &end, &id);
	if (!line || id != wanted->uid)
		return 0;
	if (*end == ':' && (!parse_id(end + 1, &end, &gid) || gid > UINT32_MAX))
		gid = (gid_t)-1;
	*password = '\0';
	return add(wanted->names, line, (gid_t)gid);
}

static int read_all(FILE *file, int (*visit)(char *line, void *data), void *data)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int r = 0;

	while (!r && (errno = 0, getline(&line, &size, file)) > 0)
		r = visit(line, data);
	if (!r && ferror(file))
		r = errno ? -errno : -EIO;
	return r ? r : -errno;
}

static int read_path(const char *path, int (*visit)(char *line, void *data), void *data)
{
	FILE *file = fopen(path, "re");
	int r;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	r = read_all(file, visit, data);
	fclose(file);
	return r;
}

int passwd_names_read(const char *path, uid_t uid, struct passwd_names *ret)
{
	struct passwd_names names = { 0 };
	struct wanted wanted = { uid, &names };
	int r = read_path(path, read_line, &wanted);

	if (r)
		passwd_names_clear(&names);
	else
		*ret = names;
	return r;
}

struct visitor {
	int (*visit)(uid_t uid, void *data);
	void *data;
};

static int visit_line(char *line, void *data)
{
	const struct visitor *visitor = data;
	char *password, *end;
	unsigned long id;

	if (!parse_line(line, &password, &end, &id) || id > UINT32_MAX)
		return 0;
	return visitor->visit((uid_t)id, visitor->data);
}

int passwd_each_uid(const char *path, int (*visit)(uid_t uid, void *data), void *data)
{
	struct visitor visitor = { visit, data };

	return read_path(path, visit_line, &visitor);
}
