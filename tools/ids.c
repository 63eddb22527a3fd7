/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ids.h"

#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

#include "exit.h"

#define FIRST_GROUPS 64

void ids_take_groups(struct ids *ids, const char *name)
{
	int count = FIRST_GROUPS, room;

	do {
		room = count;
		ids->groups = must(reallocarray(ids->groups, (size_t)room, sizeof(gid_t)));
	} while (getgrouplist(name, ids->gid, ids->groups, &count) < 0 && count > room);
	ids->group_count = (size_t)(count < room ? count : room);
}

void ids_clear(struct ids *ids)
{
	free(ids->groups);
	*ids = (struct ids){ 0 };
}

static int take_gids(const struct ids *ids)
{
	return setgroups(ids->group_count, ids->groups) || setresgid(ids->gid, ids->gid, ids->gid) ? -1 : 0;
}

int ids_become(const struct ids *ids)
{
	return take_gids(ids) ? -1 : setresuid(ids->uid, ids->uid, ids->uid);
}

int ids_act_as(const struct ids *ids)
{
	return take_gids(ids) ? -1 : setresuid(0, ids->uid, 0);
}
