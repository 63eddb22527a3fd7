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

/* NAME:PASSWORD:UID:GID:...; a name with + or - stands for those of NIS. */
static int read_line(char *line, uid_t uid, struct passwd_names *names)
{
	char *password, *number, *end;
	unsigned long id, gid = (gid_t)-1;

	line += strspn(line, " \t");
	line[strcspn(line, "\n")] = '\0';
	password = strchr(line, ':');
	number = password ? strchr(password + 1, ':') : NULL;
	if (!number || !parse_id(number + 1, &end, &id) || id != uid)
		return 0;
	if (password == line || strchr("#+-", *line))
		return 0;
	if (*end == ':' && (!parse_id(end + 1, &end, &gid) || gid > UINT32_MAX))
		gid = (gid_t)-1;
	*password = '\0';
	return add(names, line, (gid_t)gid);
}

static int read_all(FILE *file, uid_t uid, struct passwd_names *names)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int r = 0;

	while (!r && (errno = 0, getline(&line, &size, file)) > 0)
		r = read_line(line, uid, names);
	if (!r && ferror(file))
		r = errno ? -errno : -EIO;
	return r ? r : -errno;
}

int passwd_names_read(const char *path, uid_t uid, struct passwd_names *ret)
{
	struct passwd_names names = { 0 };
	FILE *file = fopen(path, "re");
	int r;

	if (!file && errno != ENOENT)
		return -errno;
	r = file ? read_all(file, uid, &names) : 0;
	if (file)
		fclose(file);
	if (r)
		passwd_names_clear(&names);
	else
		*ret = names;
	return r;
}
