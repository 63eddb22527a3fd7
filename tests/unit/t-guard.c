/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The route guard's layout, followed rule by rule as the kernel does it, after every single edit. */
#include "unit.h"

#include "guard-table.h"
#include "util.h"

#include <string.h>

#define ROUNDS 60
#define END 199U
#define LISTS 5
#define SUBJECTS 40

/* --- A kernel's list of rules --- */

struct kernel {
	struct guard_rule *rules;
	size_t count;
};

static void insert(struct kernel *kernel, const struct guard_rule *rule)
{
	size_t at = 0;

	while (at < kernel->count && kernel->rules[at].pref <= rule->pref)
		at++;
	kernel->rules = reallocarray(kernel->rules, kernel->count + 1, sizeof(*kernel->rules));
	memmove(kernel->rules + at + 1, kernel->rules + at, (kernel->count - at) * sizeof(*kernel->rules));
	kernel->rules[at] = *rule;
	kernel->count++;
}

/* The target is not looked at. */
static void delete_first(struct kernel *kernel, const struct guard_rule *rule)
{
	for (size_t i = 0; i < kernel->count; i++) {
		struct guard_rule like = kernel->rules[i];

		like.target = rule->target;
		if (!guard_rule_equal(&like, rule))
			continue;
		kernel->count--;
		memmove(kernel->rules + i, kernel->rules + i + 1, (kernel->count - i) * sizeof(*kernel->rules));
		return;
	}
	ck_abort_msg("nothing to be deleted at %u", rule->pref);
}

static void perform(struct kernel *kernel, const struct guard_edit *edit)
{
	if (edit->is_delete)
		delete_first(kernel, &edit->rule);
	else
		insert(kernel, &edit->rule);
}

/* Destinations are told apart by their port alone. */
static bool matches(const struct guard_rule *rule, uid_t uid, uint16_t port)
{
	bool fits = (!rule->has_uids || (rule->uids.first <= uid && uid <= rule->uids.last)) &&
		    (rule->ports.first == 0 || (rule->ports.first <= port && port <= rule->ports.last));

	return fits != rule->invert;
}

/* Does the packet get out? *STEPS: the rules that were looked at. */
static bool passes(const struct kernel *kernel, uid_t uid, uint16_t port, size_t *steps)
{
	*steps = 0;
	for (size_t i = 0; i < kernel->count; i++) {
		const struct guard_rule *rule = &kernel->rules[i];
		size_t target = 0;

		++*steps;
		if (!matches(rule, uid, port) || rule->action == GUARD_NOP)
			continue;
		if (rule->action == GUARD_PROHIBIT || rule->action == GUARD_SINK)
			return false;
		ck_assert_uint_gt(rule->target, rule->pref);
		while (target < kernel->count && kernel->rules[target].pref != rule->target)
			target++;
		if (target < kernel->count)
			i = target - 1;
	}
	return true;
}

/* --- Lists: the one of number N allows port 1000 + N, and that of N > 0 port 1000 as well --- */

static struct guard_rule list_rules[LISTS][2];
static struct guard_list lists[LISTS];

static void make_lists(void)
{
	for (size_t n = 0; n < LISTS; n++) {
		lists[n] = (struct guard_list){ list_rules[n], n ? 2 : 1 };
		for (size_t i = 0; i < 2; i++)
			list_rules[n][i] = (struct guard_rule){
				.proto = IPPROTO_TCP,
				.ports = { (uint16_t)(1000 + (i ? 0 : n)), (uint16_t)(1000 + (i ? 0 : n)) },
			};
	}
}

static bool allows(const struct guard_list *list, uint16_t port)
{
	return port == 1000 || port == 1000 + (list - lists);
}

/* --- Who is held --- */

struct held {
	struct guard_wish wishes[SUBJECTS * 2];
	size_t count;
};

static const struct guard_list *search(const struct held *held, uid_t uid)
{
	const struct guard_wish *best = NULL;

	for (size_t i = 0; i < held->count; i++) {
		const struct guard_wish *wish = &held->wishes[i];
		uid_t width = wish->uids.last - wish->uids.first;

		if (uid < wish->uids.first || uid > wish->uids.last)
			continue;
		if (!best || width < best->uids.last - best->uids.first ||
		    (width == best->uids.last - best->uids.first && wish->uids.first < best->uids.first))
			best = wish;
	}
	return best ? best->list : NULL;
}

static void put(struct held *held, const struct guard_wish *wish)
{
	size_t i = 0;

	while (i < held->count && uid_range_compare(held->wishes[i].uids, wish->uids) != 0)
		i++;
	if (wish->list) {
		held->wishes[i] = *wish;
		held->count += i == held->count;
	} else if (i < held->count) {
		held->wishes[i] = held->wishes[--held->count];
	}
}

/* What of those who contain the uid, however wide, lets through. */
static void ask(const struct held *held, uid_t uid, uint16_t port, bool *any, bool *all)
{
	for (size_t i = 0; i < held->count; i++) {
		const struct guard_wish *wish = &held->wishes[i];

		if (wish->uids.first <= uid && uid <= wish->uids.last) {
			*any = *any || allows(wish->list, port);
			*all = *all && allows(wish->list, port);
		}
	}
}

/*
 * At each moment: who is held before and after is held by one of his subjects, and who is in none passes. At
 * rest the narrowest decides.
 */
static void check_uid(const struct kernel *kernel, const struct held *before, const struct held *after, uid_t uid)
{
	static const uint16_t ports[] = { 1000, 1001, 1002, 1003, 1004, 2000 };
	const struct guard_list *was = search(before, uid), *is = search(after, uid);
	size_t steps;

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		bool passed = passes(kernel, uid, ports[i], &steps), any = false, all = true;

		ask(before, uid, ports[i], &any, &all);
		ask(after, uid, ports[i], &any, &all);
		if (uid == 0 || (!was && !is))
			ck_assert_msg(passed, "uid %u is refused", uid);
		else if (before == after)
			ck_assert_msg(passed == allows(is, ports[i]), "uid %u to %u: %d", uid, ports[i], passed);
		else if (was && is && passed)
			ck_assert_msg(any, "uid %u passes to %u", uid, ports[i]);
		else if (!passed)
			ck_assert_msg(!all, "uid %u is refused to %u", uid, ports[i]);
	}
}

static void check_around(const struct kernel *kernel, const struct held *before, const struct held *after,
			 const struct held *around)
{
	for (size_t i = 0; i < around->count; i++) {
		const struct uid_range uids = around->wishes[i].uids;

		check_uid(kernel, before, after, uids.first - 1);
		check_uid(kernel, before, after, uids.first);
		check_uid(kernel, before, after, uids.first + (uids.last - uids.first) / 2);
		check_uid(kernel, before, after, uids.last);
		check_uid(kernel, before, after, uids.last + 1);
	}
	check_uid(kernel, before, after, 0);
	check_uid(kernel, before, after, UINT32_MAX - 1);
}

/* --- Random histories --- */

static uint64_t state;

static uint32_t random_below(uint32_t bound)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % bound;
}

static struct guard_wish random_wish(void)
{
	struct guard_wish wish = { .uids.first = 1 + random_below(random_below(2) ? 60 : 100000) };

	wish.uids.last = wish.uids.first + (random_below(3) ? 0 : random_below(random_below(2) ? 8 : 50000));
	wish.list = random_below(4) ? &lists[random_below(LISTS)] : NULL;
	return wish;
}

static size_t apply(struct kernel *kernel, const struct guard_wish *wishes, size_t count, bool thorough,
		    const struct held *before, const struct held *after, size_t stop)
{
	struct guard_edits edits = { 0 };
	size_t done = 0;

	int r = guard_layout(kernel->rules, kernel->count, END, wishes, count, thorough, &edits);

	ck_assert_int_eq(r, 0);
	for (; done < edits.count && done < stop; done++) {
		perform(kernel, &edits.items[done]);
		if (before) {
			check_around(kernel, before, after, before);
			check_around(kernel, before, after, after);
		}
	}
	done = edits.count;
	guard_edits_clear(&edits);
	return done;
}

START_TEST(nobody_is_open_or_locked_out_at_any_moment)
{
	struct kernel kernel = { 0 };
	struct held held = { 0 };

	make_lists();
	state = (uint64_t)_i + 1;
	for (int step = 0; step < 25; step++) {
		struct guard_wish wishes[3];
		size_t count = 1 + random_below(3);
		struct held before = held;
		bool thorough = random_below(4) == 0, killed = random_below(5) == 0;

		if (held.count > SUBJECTS)
			break;
		for (size_t i = 0; i < count; i++) {
			bool again = true;

			while (again) {
				wishes[i] = random_below(3) && held.count ? held.wishes[random_below((uint32_t)held.count)]
									  : random_wish();
				again = false;
				for (size_t k = 0; k < i; k++)
					again = again || uid_range_compare(wishes[k].uids, wishes[i].uids) == 0;
				if (held.count < 3 && again)
					wishes[i] = random_wish();
			}
			if (random_below(2))
				wishes[i].list = random_below(2) ? &lists[random_below(LISTS)] : NULL;
			put(&held, &wishes[i]);
		}
		/* Killed in between, the next one starts from there. */
		if (killed)
			apply(&kernel, wishes, count, thorough, &before, &held, random_below(20));
		apply(&kernel, wishes, count, thorough, &before, &held, SIZE_MAX);
		check_around(&kernel, &held, &held, &held);
		ck_assert_uint_eq(apply(&kernel, held.wishes, held.count, true, NULL, NULL, SIZE_MAX), 0);
	}
	for (size_t i = 0; i < held.count; i++)
		held.wishes[i].list = NULL;
	apply(&kernel, held.wishes, held.count, false, NULL, NULL, SIZE_MAX);
	ck_assert_uint_eq(kernel.count, 0);
	free(kernel.rules);
}
END_TEST

/* Somebody deletes or adds any rule: one thorough look mends all. */
START_TEST(what_was_taken_away_is_mended)
{
	struct kernel kernel = { 0 };
	struct held held = { 0 };

	make_lists();
	state = (uint64_t)_i + 77;
	for (int i = 0; i < 20; i++) {
		struct guard_wish wish = random_wish();

		wish.list = &lists[random_below(LISTS)];
		put(&held, &wish);
	}
	apply(&kernel, held.wishes, held.count, true, NULL, NULL, SIZE_MAX);
	for (int i = 0; i < 6 && kernel.count; i++) {
		size_t at = random_below((uint32_t)kernel.count);
		struct guard_rule copy = kernel.rules[at];

		delete_first(&kernel, &copy);
		if (random_below(2)) {
			copy.pref = GUARD_FIRST + random_below(END - GUARD_FIRST);
			copy.target = copy.target ? END : 0;
			insert(&kernel, &copy);
		}
	}
	apply(&kernel, held.wishes, held.count, true, NULL, NULL, SIZE_MAX);
	check_around(&kernel, &held, &held, &held);
	ck_assert_uint_eq(apply(&kernel, held.wishes, held.count, true, NULL, NULL, SIZE_MAX), 0);
	free(kernel.rules);
}
END_TEST

/* Whatever somebody deletes: root is not shut out. */
START_TEST(root_passes_although_nothing_leads_past_the_sections)
{
	struct kernel kernel = { 0 };
	struct guard_wish wish = { { 2001, 2001 }, &lists[0] };
	size_t steps;

	make_lists();
	apply(&kernel, &wish, 1, true, NULL, NULL, SIZE_MAX);
	while (kernel.count && kernel.rules[0].pref < END - 1) {
		struct guard_rule first = kernel.rules[0];

		delete_first(&kernel, &first);
	}
	ck_assert(!passes(&kernel, 2001, 2000, &steps));
	ck_assert(passes(&kernel, 0, 2000, &steps));
	free(kernel.rules);
}
END_TEST

START_TEST(ten_thousand_are_a_few_hundred_steps_from_anybody)
{
	struct guard_wish *wishes = calloc(10000, sizeof(*wishes)), wish;
	struct kernel kernel = { 0 };
	size_t steps, most = 0;

	make_lists();
	for (uid_t i = 0; i < 10000; i++)
		wishes[i] = (struct guard_wish){ { 2000 + 37 * i, 2000 + 37 * i }, &lists[i % LISTS] };
	apply(&kernel, wishes, 10000, true, NULL, NULL, SIZE_MAX);
	for (uid_t uid = 1000; uid < 380000; uid += 101) {
		bool held = uid >= 2000 && uid < 372000 && (uid - 2000) % 37 == 0;

		ck_assert_int_eq(passes(&kernel, uid, 2000, &steps), !held);
		most = steps > most ? steps : most;
	}
	ck_assert_msg(most <= 350, "%zu steps", most);
	/* One more is a few edits, and one less. */
	wish = (struct guard_wish){ { 150001, 150001 }, &lists[0] };
	ck_assert_uint_le(apply(&kernel, &wish, 1, false, NULL, NULL, SIZE_MAX), 2);
	ck_assert(!passes(&kernel, 150001, 2000, &steps));
	wish.list = NULL;
	ck_assert_uint_le(apply(&kernel, &wish, 1, false, NULL, NULL, SIZE_MAX), 2);
	free(wishes);
	free(kernel.rules);
}
END_TEST

/* One at a time, buckets are cut as they fill. */
START_TEST(buckets_are_cut_as_they_fill)
{
	struct kernel kernel = { 0 };
	size_t steps, most = 0;

	make_lists();
	for (uid_t i = 0; i < 1500; i++) {
		struct guard_wish wish = { { 2000 + i * 7919 % 65521, 2000 + i * 7919 % 65521 }, &lists[i % 2] };

		apply(&kernel, &wish, 1, false, NULL, NULL, SIZE_MAX);
	}
	for (uid_t uid = 2000; uid < 68000; uid += 13) {
		passes(&kernel, uid, 2000, &steps);
		most = steps > most ? steps : most;
	}
	ck_assert_msg(most <= GUARD_BUCKET_MAX + 30, "%zu steps", most);
	free(kernel.rules);
}
END_TEST

START_TEST(more_lists_than_there_is_room_for_are_refused)
{
	struct guard_rule rules[300];
	struct guard_list many[300];
	struct guard_wish wishes[300];
	struct guard_edits edits;

	for (uint16_t i = 0; i < 300; i++) {
		rules[i] = (struct guard_rule){ .proto = IPPROTO_TCP, .ports = { i + 1, i + 1 } };
		many[i] = (struct guard_list){ &rules[i], 1 };
		wishes[i] = (struct guard_wish){ { 2000 + i, 2000 + i }, &many[i] };
	}
	ck_assert_int_eq(guard_layout(NULL, 0, END, wishes, 300, true, &edits), -ENOSPC);
	ck_assert_int_eq(guard_layout(NULL, 0, END, wishes, 120, true, &edits), 0);
	guard_edits_clear(&edits);
}
END_TEST

/* A listener's answers go where its own entry lets them; its port is nobody's destination a second time. */
START_TEST(answers_are_no_destination)
{
	struct proxy proxy = { .endpoint = { { .family = AF_INET, .v4 = { htonl(INADDR_LOOPBACK) } }, 3128 } };
	struct port_range ports = { 8080, 8080 };
	struct allow allow = { .to = { proxy.endpoint.addr, 32 }, .proto = IPPROTO_TCP, .ports = &ports, .port_count = 1 };
	struct profile profile = { .proxies = &proxy, .proxy_count = 1, .allows = &allow, .allow_count = 1,
				   .route_guard = true };
	struct guard_wishes wishes;
	struct plan plan;

	ck_assert_int_eq(plan_compile(&profile, (struct uid_range){ 2001, 2001 }, &plan), 0);
	ck_assert_int_eq(guard_wishes_of_plans(&plan, 1, AF_INET, &wishes), 0);
	ck_assert_uint_eq(wishes.lists[0].count, 2);
	ck_assert_uint_eq(wishes.lists[0].rules[0].ports.first, 3128);
	ck_assert_uint_eq(wishes.lists[0].rules[1].ports.first, 8080);
	guard_wishes_clear(&wishes);
	plan_clear(&plan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guard");
	TCase *tests = tcase_create("guard");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, nobody_is_open_or_locked_out_at_any_moment, 0, ROUNDS);
	tcase_add_loop_test(tests, what_was_taken_away_is_mended, 0, ROUNDS);
	tcase_add_test(tests, answers_are_no_destination);
	tcase_add_test(tests, root_passes_although_nothing_leads_past_the_sections);
	tcase_add_test(tests, ten_thousand_are_a_few_hundred_steps_from_anybody);
	tcase_add_test(tests, buckets_are_cut_as_they_fill);
	tcase_add_test(tests, more_lists_than_there_is_room_for_are_refused);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
