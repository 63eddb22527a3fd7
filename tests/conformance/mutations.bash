# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# How each promise of the seam is broken, host by host: promise HOST CASE FILE OLD NEW. For tests/mutate.

mem=tests/unit/backend-mem.c
promise mem replace_of_what_stands_writes_nothing $mem \
	'	if (stands && plan_equal(stands, plan))
		return;' ''
promise mem replace_makes_the_kernel_equal_to_the_plans $mem \
	'	for (size_t i = 0; i < count; i++)
		mem_store(kernel, &plans[i]);' '	if (count)
		mem_store(kernel, plans);'
promise mem replace_that_fails_leaves_everything_as_it_was $mem \
	'	if ((error && !kernel->half) || (!error && mem_lie(kernel)))' '	if (!error && mem_lie(kernel))'
promise mem both_families_or_none_where_nothing_stood $mem \
	'	if ((error && !kernel->half) || (!error && mem_lie(kernel)))' '	if (error && !kernel->half && count < 2)'
promise mem remove_of_the_absent_succeeds_and_changes_nothing $mem \
	'		if (!same_uids(kernel->plans[i].uids, uids))
			continue;
		plan_clear' \
	'		if (kernel->plans[i].uids.first > uids.last || uids.first > kernel->plans[i].uids.last)
			continue;
		plan_clear'
promise mem with_the_last_account_all_that_is_ours_is_gone $mem \
	'		kernel->plans[i] = kernel->plans[--kernel->count];' \
	'		kernel->plans[i] = kernel->plans[kernel->count > 1 ? --kernel->count : 0];'
promise mem list_is_ascending_and_complete $mem \
	'	kernel->plans[kernel->count++] = copy_plan(plan);
	qsort(kernel->plans, kernel->count, sizeof(*kernel->plans), compare_plans);' \
	'	kernel->plans[kernel->count++] = copy_plan(plan);'
promise mem list_of_one_is_that_one $mem \
	'		if (!only || same_uids(kernel->plans[i].uids, *only))' \
	'		if (!only || kernel->plans[i].uids.first <= only->first)'
promise mem probe_tells_who_is_there $mem \
	'		*ret = kernel->count ? BACKEND_IN_USE : kernel->presence;' '		*ret = kernel->presence;'
promise mem two_thousand_accounts_in_one_replace_and_one_remove $mem \
	'		mem_drop(kernel, subjects[i]);' '		if (i < 1000) mem_drop(kernel, subjects[i]);'

change=libegress/backend-iptables-change.c edit=libegress/xt-edit.c list=libegress/backend-iptables-list.c
iptables=libegress/backend-iptables.c
promise iptables replace_makes_the_kernel_equal_to_the_plans $edit \
	'	error = xt_ensure_chain(table, chain);
	return error ? error : reach_account(table, chain, plan->uids, &goal);' \
	'	bool stands = xt_table_has_chain(table, chain);
	error = xt_ensure_chain(table, chain);
	goal.count -= goal.count > 2 && !stands;
	return error ? error : reach_account(table, chain, plan->uids, &goal);'
promise iptables replace_of_what_stands_writes_nothing libegress/xt-table.c \
	'	if (table->journal.count == 0)
		return 0;
	keep_policy_counters' '	keep_policy_counters'
promise iptables replace_that_fails_leaves_everything_as_it_was $change \
	'		if (undo_family(backend, &tables[i - 1]) == 0)' '		if (true)'
promise iptables both_families_or_none_where_nothing_stood $change \
	'		if (undo_family(backend, &tables[i - 1]) == 0)' '		if (true)'
promise iptables an_impossible_plan_takes_the_others_down_with_it $iptables \
	'	if (uids.first > 0 && uids.first <= uids.last)' '	if (uids.first <= uids.last)'
promise iptables remove_of_the_absent_succeeds_and_changes_nothing $edit \
	'		if (!has(gone, gone_count, before->subjects[i]))' \
	'		if (!gone_count || gone[gone_count - 1].last < before->subjects[i].first ||
		    before->subjects[i].last < gone[gone_count - 1].first)'
promise iptables with_the_last_account_all_that_is_ours_is_gone $edit \
	'	return error ? error : delete_unless_used(table, XT_CHAIN_ENTRY);' '	return error;'
promise iptables a_removed_account_is_free $iptables \
	'	struct xt_change change = { .gone = subjects, .count = count };' \
	'	struct xt_change change = { .gone = subjects, .count = count - 1 };'
promise iptables list_is_ascending_and_complete $list \
	'	qsort(all, count, sizeof(*all), compare_uids);' ''
promise iptables list_of_one_is_that_one $list \
	'&view->read.dispatch, only, &view->subjects,' '&view->read.dispatch, NULL, &view->subjects,'
promise iptables an_open_handle_sees_what_others_do $iptables \
	'	if (deadline) {
		backend->deadline = *deadline;' \
	'	static const struct deadline at_once;
	if (!deadline)
		deadline = &at_once;
	{
		backend->deadline = *deadline;'
promise iptables looking_loads_nothing_and_makes_no_table $change \
	'	if (error || (!change->plans && state != XT_TABLE_PRESENT))' '	if (error)'
promise iptables probe_tells_who_is_there $iptables \
	'			presence = BACKEND_IN_USE;' '			presence = BACKEND_READY;'
promise iptables two_thousand_accounts_in_one_replace_and_one_remove $edit \
	'	for (size_t i = 0; change->plans && i < change->count; i++)
		after[count++] = change->plans[i].uids;' \
	'	for (size_t i = 0; change->plans && i < change->count && i < 1000; i++)
		after[count++] = change->plans[i].uids;'
promise iptables packets_count_for_their_account $list \
	'	if (rule->verdict == VERDICT_ALLOW)
		traffic' '	if (rule->verdict != VERDICT_ALLOW)
		traffic'
promise iptables counters_survive_any_change_of_another_account libegress/xt-table.c \
	'	keep_policy_counters(table);' \
	'	keep_policy_counters(table);
	if (table->family->family == AF_INET)
		iptc_zero_entries("EGRESS-2002", table->handle);'
promise iptables own_counters_survive_the_same_plan libegress/xt-goal.c \
	'		if (xt_entry_same(goal->family, blob.bytes, item->entry, item->target))' '		if (false)'
promise iptables foreign_rules_tables_sets_and_counters_are_untouched $edit \
	'		if (!xt_is_jump(table->family, item->entry, item->target))
			continue;' ''
promise iptables foreign_rules_tables_sets_and_counters_are_untouched libegress/xt-table.c \
	'	keep_policy_counters(table);' '	(void)keep_policy_counters;'
promise iptables what_the_host_refuses_stays_refused libegress/xt-blob.h \
	'#define TARGET_RETURN "RETURN"' '#define TARGET_RETURN "ACCEPT"'
promise iptables an_edit_behind_our_back_is_noticed_and_mended $list \
	'	if (number == 1)' '	if (number >= 1)'
promise iptables an_edit_behind_our_back_is_noticed_and_mended $edit \
	'		if (i == 1 && keep_first)' '		if (keep_first)'
promise iptables what_was_edited_can_be_removed $edit \
	'			error = xt_empty_chain(table, plan_chain_name(change->gone[i], chain));' '			error = 0;'
promise iptables several_profiles_stand_at_once $edit \
	'		error = apply_plan(table, &change->plans[i]);' '		error = apply_plan(table, &change->plans[0]);'
promise iptables the_narrowest_decides libegress/segments.c \
	'	return width_a != width_b ? width_a < width_b : a->first < b->first;' \
	'	return width_a != width_b ? width_a > width_b : a->first < b->first;'
promise iptables uid_0_passes_whatever_is_held libegress/xt-dispatch.c \
	'	char target[PLAN_CHAIN_MAX];

	switch (rule->kind) {' \
	'	char target[PLAN_CHAIN_MAX];
	struct dispatch_rule wider = *rule;

	wider.uids.first--;
	rule = &wider;
	switch (rule->kind) {'
promise iptables a_change_of_plan_has_no_moment_of_openness $iptables \
	'	if (error || count == 0)
		return error;
	return iptables_change(backend, &change, fault);
}

static int iptables_remove' \
	'	if (error || count == 0)
		return error;
	struct xt_change first = { .gone = &plans[0].uids, .count = 1 };
	iptables_change(backend, &first, fault);
	return iptables_change(backend, &change, fault);
}

static int iptables_remove'
promise iptables a_uid_moves_into_a_range_and_out_again $iptables \
	'	struct xt_change change = { .plans = plans, .count = count };
	int error = 0;
' \
	'	struct xt_change change = { .plans = plans, .count = count };
	struct uid_range inside = { 2001, 2001 };
	struct xt_change first = { .gone = &inside, .count = 1 };
	int error = plans && plans->uids.first == 2000 ? iptables_change(backend, &first, fault) : 0;
'

nftables=libegress/backend-nftables.c list=libegress/backend-nftables-list.c
edit=libegress/nft-edit.c emit=libegress/nft-edit-emit.c place=libegress/nft-edit-place.c
promise nftables replace_makes_the_kernel_equal_to_the_plans $emit \
	'		nft_batch_add_line(batch, name, &lines[i]);' \
	'		if (i > 0 || count < 6)
			nft_batch_add_line(batch, name, &lines[i]);'
promise nftables replace_of_what_stands_writes_nothing $edit \
	'	edit->remake_base = !error && !edit->drop_all && !base_is_right(edit);' \
	'	edit->remake_base = !error && !edit->drop_all && (base_is_right(edit) || true);'
promise nftables replace_that_fails_leaves_everything_as_it_was $nftables \
	'		error = nft_batch_send(&batch, &backend->link);' '		nft_batch_send(&batch, &backend->link);'
promise nftables both_families_or_none_where_nothing_stood $nftables \
	'		error = nft_batch_send(&batch, &backend->link);' '		nft_batch_send(&batch, &backend->link);'
promise nftables an_impossible_plan_takes_the_others_down_with_it $nftables \
	'	if (uids.first > 0 && uids.first <= uids.last)' '	if (uids.first <= uids.last)'
promise nftables uid_0_passes_whatever_is_held $edit \
	'		range->uids = change->plans[i].uids;' \
	'		range->uids = change->plans[i].uids;
		range->uids.first--;'
promise nftables remove_of_the_absent_succeeds_and_changes_nothing $edit \
	'		if (uid_range_compare(subject_of(change, i), uids) == 0)' \
	'		if (subject_of(change, i).first <= uids.last && uids.first <= subject_of(change, i).last)'
promise nftables with_the_last_account_all_that_is_ours_is_gone $emit \
	'	if (whole_table)' '	if (false)'
promise nftables two_thousand_accounts_in_one_replace_and_one_remove $place \
	'	for (size_t i = 0; i < change->count && !error; i++) {' \
	'	for (size_t i = 0; i < change->count && i < 1000 && !error; i++) {'
promise nftables a_removed_account_is_free $nftables \
	'	struct nft_change change = { .gone = subjects, .count = count };' \
	'	struct nft_change change = { .gone = subjects, .count = count - 1 };'
promise nftables list_is_ascending_and_complete $list \
	'	qsort(places, found, sizeof(*places), compare_places);' '	(void)compare_places;'
promise nftables list_of_one_is_that_one $list \
	'		if (!only || uid_range_compare(view->table.ranges[i].uids, *only) == 0)' \
	'		if (!only || view->table.ranges[i].uids.first <= only->first)'
promise nftables an_open_handle_sees_what_others_do $nftables \
	'	backend->deadline = deadline ? *deadline : deadline_in_ms(LOOK_MS);' '	backend->deadline = *deadline;'
promise nftables looking_loads_nothing_and_makes_no_table $emit \
	'	if (!edit->table.exists && edit->drop_all)
		return;' '	if (!edit->table.exists && edit->drop_all)
		nft_batch_add_table(batch);'
promise nftables probe_tells_who_is_there $nftables \
	'table.ours ? BACKEND_IN_USE : BACKEND_READY;' 'table.ours ? BACKEND_READY : BACKEND_READY;'
promise nftables packets_count_for_their_account $list \
	'	return all > denied ? all - denied : 0;' '	return all > denied ? all : 0;'
promise nftables counters_survive_any_change_of_another_account $place \
	'		carry(edit, group, after, del, add);' '		(void)carry;'
promise nftables own_counters_survive_the_same_plan $place \
	'		if (&edit->table.groups[i] != home && nft_key_is_ranges' '		if (nft_key_is_ranges'
promise nftables foreign_rules_tables_sets_and_counters_are_untouched libegress/nft-batch.c \
	'	mnl_attr_put_strz(message, NFTA_TABLE_NAME, NFT_TABLE);
	nft_batch_finish(batch, message);
}

static void start_chain' \
	'	nft_batch_finish(batch, message);
}

static void start_chain'
# what_the_host_refuses_stays_refused is the kernel's own promise there: an accept ends one base chain only.
promise nftables an_edit_behind_our_back_is_noticed_and_mended libegress/nft-view.c \
	'	if (table->dormant)' '	if (false)'
promise nftables an_edit_behind_our_back_is_noticed_and_mended libegress/nft-table.c \
	'	       nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO) == NFT_HOOK_PRIORITY && type' '	       type'
promise nftables an_edit_behind_our_back_is_noticed_and_mended $emit \
	'(!table->exists || table->dormant))' '!table->exists)'
promise nftables what_was_edited_can_be_removed $emit \
	'	if (table->has_base && (edit->drop_all || !table->base_is_hooked))' \
	'	if (table->has_base && edit->drop_all)'
promise nftables several_profiles_stand_at_once libegress/nft-name.c \
	'		state = hash_rule(state, &plan->rules[i]);' '		(void)hash_rule;'
promise nftables a_change_of_sets_has_no_moment_of_openness libegress/nft-edit-place.c \
	'	edit->withheld = any(edit, true) && any(edit, false);' \
	'	edit->withheld = any(edit, true) && any(edit, false) && false;'
promise nftables the_narrowest_decides $emit \
	'		emit_branches(edit, false, batch);
		emit_branches(edit, true, batch);' \
	'		emit_branches(edit, true, batch);
		emit_branches(edit, false, batch);'
promise nftables a_uid_moves_into_a_range_and_out_again $nftables \
	'	return r > 0 ? apply(backend, &change, fault) : r;
}

static int nftables_remove' \
	'	const struct uid_range inside = { 2001, 2001 };
	const struct nft_change first = { .gone = &inside, .count = 1 };
	if (r > 0 && plans->uids.first == 2000)
		apply(backend, &first, fault);
	return r > 0 ? apply(backend, &change, fault) : r;
}

static int nftables_remove'
promise nftables a_change_of_plan_has_no_moment_of_openness $nftables \
	'	return r > 0 ? apply(backend, &change, fault) : r;
}

static int nftables_remove' \
	'	const struct nft_change first = { .gone = &plans->uids, .count = 1 };
	if (r > 0)
		apply(backend, &first, fault);
	return r > 0 ? apply(backend, &change, fault) : r;
}

static int nftables_remove'

# What could be forged, and listeners of an account's own.
promise iptables what_could_be_forged_is_refused_and_counted libegress/xt-passage.c \
	'	if (passage->in.pcnt <= passage->out.pcnt || passage->in.bcnt <= passage->out.bcnt)' '	if (true)'
promise iptables a_listed_listener_answers libegress/plan.c \
	'	count += put_reply_rules(rules + listed, count - listed, rules + count);' '	(void)put_reply_rules, (void)listed;'
promise iptables a_listed_port_opens_nothing libegress/xt-rule.c \
	'		tcp->flg_mask = FLAG_SYN | FLAG_ACK;' '		tcp->flg_mask = FLAG_ACK;'
promise nftables what_could_be_forged_is_refused_and_counted libegress/nft-rule.c \
	'		add_bits(ops, NFT_PAYLOAD_NETWORK_HEADER, 0, IP_WORDS_MASK, NFT_CMP_GT, IP_WORDS);' \
	'		add_bits(ops, NFT_PAYLOAD_NETWORK_HEADER, 0, IP_WORDS_MASK, NFT_CMP_GT, 15);'
promise nftables a_listed_listener_answers libegress/nft-rule.c \
	'rule->match == MATCH_REPLIES ? 0 : PORT_DESTINATION' 'rule->match == MATCH_REPLIES ? PORT_DESTINATION : PORT_DESTINATION'
promise nftables a_listed_port_opens_nothing libegress/nft-rule.c \
	'FLAG_SYN | FLAG_ACK, NFT_CMP_NEQ, FLAG_SYN);' 'FLAG_SYN | FLAG_ACK, NFT_CMP_NEQ, 0);'
