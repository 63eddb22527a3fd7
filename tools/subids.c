/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only user of libsubid, which prints and exits as it likes. */
#include "config.h"

#include "subids.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBSUBID

#include <stdint.h>
#include <shadow/subid.h>

#define NSSWITCH_PATH "/etc/nsswitch.conf"

/* libsubid asks the first one that the line names. */
static int line_names_service(char *line)
{
	static const char key[] = "subid:";
	char *word;

	line += strspn(line, " \t");
	if (strncmp(line, key, strlen(key)) != 0)
		return 0;
	line += strlen(key);
	line[strcspn(line, "#")] = '\0';
	word = strtok(line, " \t\n");
	return word && strcmp(word, "files") != 0;
}

/* 1, 0, or a negative errno. */
static int has_service(void)
{
	FILE *file = fopen(NSSWITCH_PATH, "re");
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (errno = 0, getline(&line, &size, file)) > 0)
		r = line_names_service(line);
	if (r == 0)
		r = -errno;
	free(line);
	fclose(file);
	return r;
}

static int begin(FILE **silence)
{
	if (*silence)
		return 0;
	*silence = fopen("/dev/null", "we"); /* or it would use stderr */
	if (!*silence)
		return -errno;
	return subid_init("egressctl", *silence) ? 0 : -EIO;
}

static int copy_ranges(const struct subid_range *found, size_t count, struct egress_uid_range **ret)
{
	struct egress_uid_range *ranges = calloc(count + 1, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (found[i].count == 0 || found[i].start >= UINT32_MAX || found[i].count > UINT32_MAX - found[i].start) {
			free(ranges);
			return -ERANGE;
		}
		ranges[i].first = (uid_t)found[i].start;
		ranges[i].last = (uid_t)(found[i].start + found[i].count - 1);
	}
	*ret = ranges;
	return 0;
}

int subids_ask(const char *user, void *data, struct egress_uid_range **ret, size_t *ret_count)
{
	static FILE *silence;
	static int service = 2; /* not looked up yet */
	struct subid_range *found = NULL;
	int count, r;

	(void)data;
	if (service == 2)
		service = has_service();
	if (service <= 0)
		return service;
	r = begin(&silence);
	if (r)
		return r;
	count = subid_get_uid_ranges(user, &found);
	/* One whom the service does not know has none; it says -1 for that as well as for a failure. */
	r = count > 0 ? copy_ranges(found, (size_t)count, ret) : 0;
	if (!r && count > 0)
		*ret_count = (size_t)count;
	free(found);
	return r;
}

#else

int subids_ask(const char *user, void *data, struct egress_uid_range **ret, size_t *ret_count)
{
	(void)user;
	(void)data;
	(void)ret;
	(void)ret_count;
	return 0;
}

#endif
