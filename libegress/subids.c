/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "subids.h"

#include "files.h"
#include "person.h"
#include "safe-read.h"
#include "util.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct asked {
	struct egress_ctx *ctx;
	char **names; /* each once, in the order in which they were met */
	size_t count, room;
	FILE *stream;
	struct fault *fault;
};

static void forget_names(struct asked *asked)
{
	for (size_t i = 0; i < asked->count; i++)
		free(asked->names[i]);
	free(asked->names);
}

/* A name that does not fit into a line is nobody's there either. */
static int add_name(const char *name, void *data)
{
	struct asked *asked = data;

	if (!*name || strpbrk(name, ":\n"))
		return 0;
	if (asked->count == asked->room) {
		size_t room = asked->room ? 2 * asked->room : 64;
		char **grown = reallocarray(asked->names, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		asked->names = grown;
		asked->room = room;
	}
	asked->names[asked->count] = strdup(name);
	return asked->names[asked->count] ? (asked->count++, 0) : -ENOMEM;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int collect_names(struct asked *asked, const struct conf *conf, const struct subject *subjects, size_t count)
{
	int r = 0;

	for (size_t i = 0; !r && i < conf->account_count; i++) {
		const struct account *account = &conf->accounts[i];

		if (account->profile->subordinate_ids == SUBORDINATE_IGNORE)
			continue;
		if (account->by == ACCOUNT_BY_USER)
			r = add_name(account->name, asked);
		else if (account->by == ACCOUNT_BY_GROUP)
			r = person_each_member(account->name, add_name, asked);
	}
	for (size_t i = 0; !r && i < count; i++)
		if (subjects[i].uids.first == subjects[i].uids.last)
			r = add_name(subjects[i].login, asked);
	if (asked->count)
		qsort(asked->names, asked->count, sizeof(*asked->names), by_text);
	return r;
}

static int ask(struct asked *asked, const char *name)
{
	struct egress_uid_range *ranges = NULL;
	size_t count = 0;
	int r = asked->ctx->subids(name, asked->ctx->subids_data, &ranges, &count);

	if (r)
		return fault_set(asked->fault, r == -ENOMEM ? r : -EIO, "user \"%s\": subordinate ids: look-up: %s", name,
				 strerror(-r));
	for (size_t i = 0; i < count; i++)
		fprintf(asked->stream, "%s:%u:%lu\n", name, ranges[i].first,
			(unsigned long)ranges[i].last - ranges[i].first + 1);
	free(ranges);
	return 0;
}

static int ask_all(struct asked *asked)
{
	int r = 0;

	for (size_t i = 0; !r && i < asked->count; i++)
		if (i == 0 || strcmp(asked->names[i - 1], asked->names[i]) != 0)
			r = ask(asked, asked->names[i]);
	return r;
}

/* Not made where there is nothing to keep and nothing was kept. */
static int keep(const char *libdir, const char *text, struct fault *fault)
{
	AUTO_FREE char *kept = NULL;
	AUTO_CLOSE int fd = -1;
	size_t length;
	int r;

	if (*text && mkdir(libdir, 0700) && errno != EEXIST)
		return fault_set(fault, -EIO, "%s: make: %s", libdir, strerror(errno));
	r = files_open_dir(AT_FDCWD, libdir, NULL, &fd);
	if (r == -ENOENT && !*text)
		return 0;
	if (!r)
		r = safe_read(fd, SUBUID_KEPT, SUBUID_KEPT, NULL, &kept, &length);
	if ((r == -ENOENT && !*text) || (!r && strcmp(kept, text) == 0))
		return 0;
	if (fd >= 0)
		r = files_write(fd, SUBUID_KEPT, text, strlen(text));
	return r ? fault_set(fault, r == -ENOMEM ? r : -EIO, "%s/" SUBUID_KEPT ": write: %s", libdir, strerror(-r)) : 0;
}

/* R: how it went so far. Afterwards all that was told stands in the text of the stream, as lines. */
static int finish_asking(struct asked *asked, int r)
{
	if (!r)
		r = ask_all(asked);
	if (asked->stream && fclose(asked->stream) && !r)
		r = -ENOMEM;
	forget_names(asked);
	return r;
}

int subids_refresh(struct egress_ctx *ctx, const struct conf *conf, const struct subject *subjects, size_t count,
		   struct fault *fault)
{
	struct asked asked = { .ctx = ctx, .fault = fault };
	AUTO_FREE char *text = NULL;
	size_t size = 0;
	int r;

	if (!ctx->subids || ctx->trial)
		return 0;
	asked.stream = open_memstream(&text, &size);
	r = asked.stream ? collect_names(&asked, conf, subjects, count) : -ENOMEM;
	r = finish_asking(&asked, r);
	if (!r)
		r = keep(ctx->subuid.libdir, text, fault);
	return r ? fault_set(fault, r, "subordinate ids: %s", strerror(-r)) : 0;
}

int subids_tell(struct egress_ctx *ctx, const struct person *person, char **ret)
{
	AUTO_PERSON_NAMES struct person_names names = { 0 };
	struct asked asked = { .ctx = ctx, .fault = &ctx->fault };
	AUTO_FREE char *text = NULL;
	size_t size = 0;
	int r = person_names_find(person, &ctx->fault, &names);

	if (r)
		return r;
	asked.stream = open_memstream(&text, &size);
	r = asked.stream ? 0 : -ENOMEM;
	for (size_t i = 0; !r && i < names.count; i++)
		r = add_name(names.names[i], &asked);
	r = finish_asking(&asked, r);
	if (r)
		return fault_set(&ctx->fault, r, "subordinate ids: no memory");
	*ret = util_steal(text);
	return 0;
}
