/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend-mem.h"

#include "util.h"

#include <limits.h>
#include <string.h>

struct backend {
	struct mem_kernel *kernel; /* first: tests make handles of their own */
	bool looks;
};

static struct mem_kernel *current, *other;

void mem_kernel_use(struct mem_kernel *kernel)
{
	current = kernel;
}

void mem_other_use(struct mem_kernel *kernel)
{
	other = kernel;
}

void mem_kernel_clear(struct mem_kernel *kernel)
{
	for (size_t i = 0; i < kernel->count; i++)
		plan_clear(&kernel->plans[i]);
	free(kernel->plans);
	*kernel = (struct mem_kernel){ 0 };
}

static void script_fail(struct mem_script *script, unsigned int nth, unsigned int times, int error)
{
	*script = (struct mem_script){ .nth = nth, .times = times, .error = error };
}

void mem_fail(struct mem_kernel *kernel, enum mem_op op, unsigned int nth, int error)
{
	script_fail(&kernel->script[op], nth, 1, error);
}

void mem_fail_from(struct mem_kernel *kernel, enum mem_op op, unsigned int nth, int error)
{
	script_fail(&kernel->script[op], nth, UINT_MAX, error);
}

static int mem_call(struct mem_kernel *kernel, enum mem_op op, struct fault *fault)
{
	static const char *const names[] = {
		"probe", "open", "replace", "remove", "list", "look", "look and list",
	};
	struct mem_script *script = &kernel->script[op];
	unsigned int call = ++script->calls;

	if (script->nth == 0 || call < script->nth || call - script->nth >= script->times)
		return 0;
	return fault_set(fault, script->error, "mem: %s: scripted failure", names[op]);
}

static bool mem_lie(struct mem_kernel *kernel)
{
	if (kernel->lies == 0)
		return false;
	kernel->lies--;
	return true;
}

static bool same_uids(struct uid_range a, struct uid_range b)
{
	return a.first == b.first && a.last == b.last;
}

const struct plan *mem_find(const struct mem_kernel *kernel, struct uid_range uids)
{
	for (size_t i = 0; i < kernel->count; i++) {
		if (same_uids(kernel->plans[i].uids, uids))
			return &kernel->plans[i];
	}
	return NULL;
}

static int compare_plans(const void *a, const void *b)
{
	const struct plan *x = a, *y = b;

	if (x->uids.first != y->uids.first)
		return x->uids.first < y->uids.first ? -1 : 1;
	return x->uids.last < y->uids.last ? -1 : x->uids.last > y->uids.last;
}

static struct plan copy_plan(const struct plan *plan)
{
	struct plan copy = *plan;

	copy.rules = calloc(plan->rule_count + 1, sizeof(*copy.rules));
	if (!copy.rules)
		abort();
	if (plan->rule_count)
		memcpy(copy.rules, plan->rules, plan->rule_count * sizeof(*copy.rules));
	return copy;
}

static void mem_drop(struct mem_kernel *kernel, struct uid_range uids)
{
	for (size_t i = 0; i < kernel->count; i++) {
		if (!same_uids(kernel->plans[i].uids, uids))
			continue;
		plan_clear(&kernel->plans[i]);
		kernel->plans[i] = kernel->plans[--kernel->count];
		kernel->changes++;
		break;
	}
	if (kernel->count)
		qsort(kernel->plans, kernel->count, sizeof(*kernel->plans), compare_plans);
}

static void mem_store(struct mem_kernel *kernel, const struct plan *plan)
{
	const struct plan *stands = mem_find(kernel, plan->uids);

	if (stands && plan_equal(stands, plan))
		return;
	if (stands)
		mem_drop(kernel, plan->uids);
	else
		kernel->changes++;
	kernel->plans = reallocarray(kernel->plans, kernel->count + 1, sizeof(*kernel->plans));
	if (!kernel->plans)
		abort();
	kernel->plans[kernel->count++] = copy_plan(plan);
	qsort(kernel->plans, kernel->count, sizeof(*kernel->plans), compare_plans);
}

static int kernel_probe(struct mem_kernel *kernel, struct fault *fault, enum backend_presence *ret)
{
	int error;

	if (!kernel || kernel->absent)
		return fault_set(fault, -EOPNOTSUPP, "mem: no kernel");
	error = mem_call(kernel, MEM_PROBE, fault);
	if (!error)
		*ret = kernel->count ? BACKEND_IN_USE : kernel->presence;
	return error;
}

static int kernel_open(struct mem_kernel *kernel, const struct deadline *deadline, struct fault *fault,
		       struct backend **ret)
{
	int error = mem_call(kernel, deadline ? MEM_OPEN : MEM_LOOK, fault);
	struct backend *backend;

	if (error)
		return error;
	if (kernel->absent)
		abort();
	if (deadline && kernel->handles > 0)
		return fault_set(fault, -EBUSY, "mem: opened twice");
	backend = calloc(1, sizeof(*backend));
	if (!backend)
		abort();
	*backend = (struct backend){ .kernel = kernel, .looks = !deadline };
	if (deadline)
		kernel->deadline = *deadline;
	kernel->handles++;
	*ret = backend;
	return 0;
}

static int mem_probe(struct fault *fault, enum backend_presence *ret)
{
	return kernel_probe(current, fault, ret);
}

static int mem_open(const struct deadline *deadline, struct fault *fault, struct backend **ret)
{
	return kernel_open(current, deadline, fault, ret);
}

static int other_probe(struct fault *fault, enum backend_presence *ret)
{
	return kernel_probe(other, fault, ret);
}

static int other_open(const struct deadline *deadline, struct fault *fault, struct backend **ret)
{
	return kernel_open(other, deadline, fault, ret);
}

static int mem_replace(struct backend *backend, const struct plan *plans, size_t count,
		       struct fault *fault)
{
	struct mem_kernel *kernel = backend->kernel;
	int error = mem_call(kernel, MEM_REPLACE, fault);
	unsigned int changes;

	if ((error && !kernel->half) || (!error && mem_lie(kernel)))
		return error;
	changes = kernel->changes;
	for (size_t i = 0; i < count; i++)
		mem_store(kernel, &plans[i]);
	kernel->changed = kernel->changes != changes;
	return error;
}

static int mem_remove(struct backend *backend, const struct uid_range *subjects, size_t count,
		      struct fault *fault)
{
	struct mem_kernel *kernel = backend->kernel;
	int error = mem_call(kernel, MEM_REMOVE, fault);

	if (error || mem_lie(kernel))
		return error;
	for (size_t i = 0; i < count; i++)
		mem_drop(kernel, subjects[i]);
	return 0;
}

static void mem_tell(const struct mem_kernel *kernel, const struct plan *plan,
		     struct standing *standing)
{
	standing->plan = copy_plan(plan);
	standing->allowed = kernel->allowed;
	standing->denied = kernel->denied;
	if (kernel->drift && standing_add_drift(standing, "%s", kernel->drift))
		abort();
}

static int mem_list(struct backend *backend, const struct uid_range *only, struct fault *fault,
		    struct standing **ret, size_t *ret_count)
{
	const struct mem_kernel *kernel = backend->kernel;
	int error = mem_call(backend->kernel, backend->looks ? MEM_LOOK_LIST : MEM_LIST, fault);
	struct standing *standing;
	size_t count = 0;

	if (error)
		return error;
	standing = calloc(kernel->count + 1, sizeof(*standing));
	if (!standing)
		abort();
	for (size_t i = 0; i < kernel->count; i++) {
		if (!only || same_uids(kernel->plans[i].uids, *only))
			mem_tell(kernel, &kernel->plans[i], &standing[count++]);
	}
	*ret = standing;
	*ret_count = count;
	return 0;
}

static void mem_close(struct backend *backend)
{
	if (!backend)
		return;
	backend->kernel->handles--;
	free(backend);
}

static const char *mem_changed(const struct backend *backend)
{
	return backend->kernel->changed ? "mem: a plan" : "";
}

const struct backend_ops backend_mem = {
	.name = "mem",
	.probe = mem_probe,
	.open = mem_open,
	.replace = mem_replace,
	.remove = mem_remove,
	.list = mem_list,
	.close = mem_close,
	.changed = mem_changed,
};

const struct backend_ops backend_other = {
	.name = "other",
	.probe = other_probe,
	.open = other_open,
	.replace = mem_replace,
	.remove = mem_remove,
	.list = mem_list,
	.close = mem_close,
	.changed = mem_changed,
};
