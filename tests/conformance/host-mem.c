/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scripted fake, that the engine's tests believe: it keeps the promises that it can. */
#include "host.h"

#include "backend-mem.h"
#include "render.h"
#include "unit.h"
#include "util.h"

#include <stdio.h>

static struct mem_kernel kernel;

static void enter(void)
{
	mem_kernel_use(&kernel);
}

static char *text(void)
{
	char *rendered;
	size_t size;
	FILE *stream = open_memstream(&rendered, &size);

	ck_assert_ptr_nonnull(stream);
	for (size_t i = 0; i < kernel.count; i++) {
		char *plan;

		ck_assert_int_eq(render_plan(&kernel.plans[i], &plan), 0);
		fputs(plan, stream);
		free(plan);
	}
	fclose(stream);
	return rendered;
}

static unsigned long writes(void)
{
	return kernel.changes;
}

static void break_down(const char *script)
{
	for (enum mem_op op = MEM_REPLACE; op <= MEM_REMOVE; op++)
		kernel.script[op] = (struct mem_script){ 0 };
	kernel.lies = 0;
	if (!script)
		return;
	if (*script == 'l') {
		kernel.lies = 1;
		return;
	}
	mem_fail_from(&kernel, MEM_REPLACE, 1, -ENOMEM);
	mem_fail_from(&kernel, MEM_REMOVE, 1, -ENOMEM);
}

static const struct outage outages[] = {
	{ "the kernel refuses", "fail", AS_BEFORE },
	{ "the kernel says yes and does nothing", "lie", AS_LISTED },
};

const struct host host_mem = {
	.name = "mem",
	.ops = &backend_mem,
	.can = CAN_BREAK,
	.lacks = "a struct in memory: no packets, no neighbours, and it believes its caller",
	.enter = enter,
	.text = text,
	.writes = writes,
	.break_down = break_down,
	.outages = outages,
	.outage_count = ARRAY_SIZE(outages),
};
