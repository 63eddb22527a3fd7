/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "backend-iptables.h"

#include "ip-family.h"

#include "hostlock.h"
#include "util.h"

#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif

static int check_uid_map(struct fault *fault)
{
	bool ascend;
	int error = xt_uids_ascend(&ascend);

	if (error)
		return fault_set(fault, error, "iptables: cannot ask the kernel: map of this user namespace: %m");
	if (ascend)
		return 0;
	return fault_set(fault, -EOPNOTSUPP,
			 "iptables: the map of this user namespace does not ascend, so ranges of uids are not "
			 "what they look like: say backend = \"nftables\"");
}

int iptables_table_state(const struct xt_family *family, bool needed, struct fault *fault,
			 enum xt_table_state *ret)
{
	enum xt_table_state state;
	int error = xt_family_table_state(family, &state);

	if (error)
		return fault_set(fault, error, "%s: cannot ask the kernel: %s: %m", family->name,
				 family->tables_file);
	if (needed && state == XT_TABLE_UNSUPPORTED)
		return fault_set(fault, -EOPNOTSUPP,
				 "%s: this kernel has no iptables (legacy) tables: load them with "
				 "\"modprobe %s\", at boot from /etc/modules-load.d",
				 family->name, family->module);
	error = needed ? check_uid_map(fault) : 0;
	if (!error)
		*ret = state;
	return error;
}

static int iptables_probe(struct fault *fault, enum backend_presence *ret)
{
	enum backend_presence presence = BACKEND_READY;
	int error = 0;

	for (size_t i = 0; i < XT_FAMILY_COUNT && !error; i++) {
		enum xt_table_state state = XT_TABLE_ABSENT;

		if (ip_family_exists(xt_families[i].family))
			error = iptables_table_state(&xt_families[i], true, fault, &state);
		if (state == XT_TABLE_PRESENT)
			presence = BACKEND_IN_USE;
	}
	if (!error)
		*ret = presence;
	return error;
}

static int iptables_open(const struct deadline *deadline, struct fault *fault, struct backend **ret)
{
	AUTO_FREE struct backend *backend = calloc(1, sizeof(*backend));
	int error;

	if (!backend)
		return fault_set(fault, -ENOMEM, "iptables: out of memory");
	backend->lock = -1;
	if (deadline) {
		backend->deadline = *deadline;
		error = hostlock_take(deadline, fault, &backend->lock);
		if (error)
			return error;
	}
	*ret = util_steal(backend);
	return 0;
}

static void iptables_close(struct backend *backend)
{
	if (!backend)
		return;
	if (backend->lock >= 0)
		close(backend->lock);
	free(backend);
	/* Whole tables were read: sshd would keep their memory for as long as the session lasts. */
#ifdef HAVE_MALLOC_TRIM
	malloc_trim(0);
#endif
}

static int check_uids(struct uid_range uids, struct fault *fault)
{
	char text[UID_RANGE_TEXT_MAX];

	if (uids.first > 0 && uids.first <= uids.last)
		return 0;
	return fault_set(fault, -EINVAL, "iptables: uid %s: never held",
			 addr_print_uid_range(uids, text));
}

static int iptables_replace(struct backend *backend, const struct plan *plans, size_t count,
			    struct fault *fault)
{
	struct xt_change change = { .plans = plans, .count = count };
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = check_uids(plans[i].uids, fault);
	if (error || count == 0)
		return error;
	return iptables_change(backend, &change, fault);
}

static int iptables_remove(struct backend *backend, const struct uid_range *subjects, size_t count,
			   struct fault *fault)
{
	struct xt_change change = { .gone = subjects, .count = count };
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = check_uids(subjects[i], fault);
	if (error || count == 0)
		return error;
	return iptables_change(backend, &change, fault);
}

static const char *iptables_changed(const struct backend *backend)
{
	return backend->changed;
}

const struct backend_ops backend_iptables = {
	.name = "iptables",
	.probe = iptables_probe,
	.open = iptables_open,
	.replace = iptables_replace,
	.remove = iptables_remove,
	.list = iptables_list,
	.close = iptables_close,
	.changed = iptables_changed,
};
