/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "holdings.h"

#include "util.h"

#include <string.h>

int holding_look(const struct backend_ops *ops, const struct uid_range *only, struct fault *fault,
		 struct holding *ret)
{
	struct holding holding = { .ops = ops };
	struct backend *backend = NULL;
	enum backend_presence presence;
	struct fault why = { 0 };
	int r = ops->probe(&why, &presence);

	if (r == -EOPNOTSUPP || (!r && presence == BACKEND_LOADABLE)) {
		*ret = holding;
		return 0;
	}
	if (!r)
		r = ops->open(NULL, &why, &backend);
	if (!r) {
		r = ops->list(backend, only, &why, &holding.standing, &holding.count);
		ops->close(backend);
	}
	if (r)
		return fault_set(fault, r, "%s", why.line);
	*ret = holding;
	return 0;
}

void holding_clear(struct holding *holding)
{
	standing_free(holding->standing, holding->count);
	memset(holding, 0, sizeof(*holding));
}

int holdings_look(const struct backend_ops *const *all, const struct backend_ops *first,
		  struct fault *fault, struct holdings *ret)
{
	int r = first ? holding_look(first, NULL, fault, &ret->items[0]) : 0;

	ret->count = first && !r;
	for (size_t i = 0; !r && all[i]; i++) {
		if (all[i] == first)
			continue;
		r = holding_look(all[i], NULL, fault, &ret->items[ret->count]);
		if (!r)
			ret->count++;
	}
	return r;
}

void holdings_clear(struct holdings *holdings)
{
	for (size_t i = 0; i < holdings->count; i++)
		holding_clear(&holdings->items[i]);
	holdings->count = 0;
}

const struct standing *holdings_find_beside(const struct holdings *holdings, const struct backend_ops *ops,
					    struct uid_range uids, const struct backend_ops **ret_ops)
{
	for (size_t i = 0; i < holdings->count; i++) {
		const struct holding *holding = &holdings->items[i];
		const struct standing *standing =
			holding->ops == ops ? NULL : standing_find(holding->standing, holding->count, uids);

		if (!standing)
			continue;
		*ret_ops = holding->ops;
		return standing;
	}
	return NULL;
}

const struct standing *holdings_find(const struct holdings *holdings, struct uid_range uids,
				     const struct backend_ops **ret_ops)
{
	return holdings_find_beside(holdings, NULL, uids, ret_ops);
}
