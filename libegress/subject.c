/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "subject.h"

#include "conf-check.h"
#include "roster.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

void subject_clear(struct subject *subject)
{
	free(subject->login);
	free(subject->formerly);
	conf_free(subject->remembered);
	uid_ranges_clear(&subject->ranges);
	uid_ranges_clear(&subject->found);
	memset(subject, 0, sizeof(*subject));
}

void subjects_free(struct subject *subjects, size_t count)
{
	for (size_t i = 0; subjects && i < count; i++)
		subject_clear(&subjects[i]);
	free(subjects);
}

int subject_remembered(struct ledger *ledger, uid_t uid, struct conf **ret)
{
	AUTO_FREE char *text = NULL;
	AUTO_CONF struct conf *conf = NULL;
	struct conf_text source = { .file = "ledger" };
	int r = ledger_profile(ledger, uid, NULL, &text, &source.length);

	if (r)
		return r == -ENOMEM ? r : -ENOENT;
	source.text = text;
	r = conf_parse(&source, 1, 0, NULL, &conf);
	if (!r && conf->account_count != 1)
		r = -EBADMSG;
	if (!r)
		*ret = util_steal(conf);
	return r;
}

int subject_remember(const struct account *account, char **ret)
{
	char name[] = "remembered"; /* any name that parses: not every login name does */
	struct profile profile = *account->profile, *profiles = &profile;
	struct account alone = { .by = ACCOUNT_BY_USER, .name = name, .profile = &profile };
	struct conf conf = { .profiles = &profiles,
			     .profile_count = 1,
			     .accounts = &alone,
			     .account_count = 1 };

	profile.proxy_user = NULL; /* it may be the account itself, which the parser would refuse */
	return conf_print(&conf, ret);
}

/* "uid 2001" is what we put on record where there was no name. */
static bool is_made_up(const char *login)
{
	return strncmp(login, "uid ", strlen("uid ")) == 0;
}

/* The login name may be one of several of the uid: the ledger knows which was used. */
static int find_person(struct ledger *ledger, uid_t uid, struct fault *fault, struct person *ret)
{
	AUTO_PERSON struct person person = { 0 };
	AUTO_FREE char *login = NULL;
	int r = ledger_login(ledger, uid, fault, &login);

	if (!r && *login && !is_made_up(login))
		r = person_by_name(login, fault, &person);
	if (r)
		return r;
	if (!person.exists || person.uid != uid)
		return person_by_uid(uid, fault, ret);
	*ret = person;
	memset(&person, 0, sizeof(person));
	return 0;
}

/* "#2001" is how PAM is told of a uid that has none; "": nothing is on record. */
static bool is_name(const char *login)
{
	return login[0] != '#' && !is_made_up(login);
}

int subject_formerly(struct ledger *ledger, const struct person *owner, struct fault *fault, char **ret)
{
	AUTO_PERSON struct person former = { 0 };
	AUTO_FREE char *login = NULL;
	int r = ledger_login(ledger, owner->uid, fault, &login);
	bool other = !r && owner->exists && *login && is_name(login) && strcmp(login, owner->login) != 0;

	if (other)
		r = person_by_name(login, fault, &former);
	if (!r)
		*ret = other && !(former.exists && former.uid == owner->uid) ? util_steal(login) : NULL;
	return r;
}

int subject_drop_pin(struct operation *op, uid_t uid, const char *formerly)
{
	AUTO_FREE char *login = NULL;
	int r = formerly ? ledger_login(op->ledger, uid, &op->ctx->fault, &login) : 0;

	if (r || !formerly || strcmp(login, formerly) != 0)
		return r;
	r = ledger_unpin(op->ledger, uid, &op->ctx->fault);
	if (!r)
		ctx_log(op->ctx, LOG_NOTICE, "uid %u: was %s's, and is another account's now: its pin is dropped",
			uid, formerly);
	return r == -ENOENT ? 0 : r;
}

/*
 * No name can decide about it. One that was entered without a name is not looked up again, which would cost
 * more than all else; a name is only believed if it is still its.
 */
static int recall_person(struct ledger *ledger, uid_t uid, struct fault *fault, struct person *ret)
{
	AUTO_FREE char *login = NULL;
	int r = ledger_login(ledger, uid, fault, &login);

	if (!r && is_name(login))
		return find_person(ledger, uid, fault, ret);
	if (!r)
		*ret = (struct person){ .uid = uid };
	return r;
}

static int name_subject(struct subject *subject, const char *login)
{
	char range[UID_RANGE_TEXT_MAX];

	if (login)
		subject->login = strdup(login);
	else if (asprintf(&subject->login, "uid %s", addr_print_uid_range(subject->uids, range)) < 0)
		subject->login = NULL;
	return subject->login ? 0 : -ENOMEM;
}

/* By user, group and uid entries; what cannot be known stays held. */
static int find_entry(const struct person *person, const struct conf *conf, struct fault *fault,
		      struct subject *subject)
{
	const struct account *always;
	int r = conf ? person_match(person, conf, fault, &subject->account) : 0;
	int kept = conf && r >= 0 ? person_always(person->uid, conf, fault, &always) : 0;

	if (r < 0 || kept < 0)
		return r < 0 ? r : kept;
	subject->covered = r > 0;
	subject->keep = !conf || kept > 0;
	return 0;
}

/* By uid entries alone: the same, see person_always. */
static void find_uid_entry(const struct roster *roster, struct subject *subject)
{
	const struct account *account = roster_uid_entry(roster, subject->uids.first);

	subject->account = account;
	subject->covered = account != NULL;
	subject->keep = account && account->profile->hold == HOLD_ALWAYS &&
			account->uids.first == account->uids.last;
}

/* What left the configuration is held by what the ledger remembers. */
static int find_remembered(struct ledger *ledger, struct subject *subject)
{
	int r;

	if (subject->covered)
		return 0;
	r = subject_remembered(ledger, subject->uids.first, &subject->remembered);
	if (!r)
		subject->account = &subject->remembered->accounts[0];
	return r == -ENOMEM ? r : 0;
}

/* What cannot be read is read again under the lock by those who would change anything. */
static int find_ranges(struct egress_ctx *ctx, struct ledger *ledger, struct subject *subject)
{
	struct fault why = { 0 };
	int r = ledger_ranges(ledger, subject->uids.first, &why, &subject->ranges);

	if (r && r != -ENOMEM)
		ctx_log(ctx, LOG_ERR, "uid %u: %s", subject->uids.first, why.line);
	return r == -ENOMEM ? r : 0;
}

/* ROSTER, or NULL: of one uid alone. */
static int find_subject(struct egress_ctx *ctx, const struct conf *conf, const struct roster *roster,
			struct ledger *ledger, uid_t uid, struct subject *ret)
{
	struct subject subject = { .uids = { uid, uid } };
	AUTO_PERSON struct person person = { 0 };
	struct fault why = { 0 };
	bool by_uid = roster && !roster_needs_person(roster, uid);
	int r = by_uid ? recall_person(ledger, uid, &why, &person) : find_person(ledger, uid, &why, &person);

	if (!r && roster && !person.exists)
		by_uid = by_uid || roster_decides_nameless(roster, uid);
	if (!r && by_uid)
		find_uid_entry(roster, &subject);
	else if (!r)
		r = find_entry(&person, conf, &why, &subject);
	if (!r && !subject.covered && !subject.keep)
		r = subject_formerly(ledger, &person, &why, &subject.formerly);
	if (!r)
		r = find_remembered(ledger, &subject);
	if (r && r != -ENOMEM) {
		ctx_log(ctx, LOG_WARNING, "uid %u: stays as it is on record: %s", uid, why.line);
		subject.keep = true;
		subject.covered = false;
		r = find_remembered(ledger, &subject);
	}
	if (!r)
		r = find_ranges(ctx, ledger, &subject);
	if (!r)
		r = name_subject(&subject, person.login);
	if (r) {
		subject_clear(&subject);
		return fault_set(&ctx->fault, r, "uid %u: no memory", uid);
	}
	*ret = subject;
	return 0;
}

int subject_of_uid(struct egress_ctx *ctx, const struct conf *conf, struct ledger *ledger, uid_t uid,
		   struct subject *ret)
{
	return find_subject(ctx, conf, NULL, ledger, uid, ret);
}

struct subjects {
	struct roster *roster;
	struct subject *items;
	size_t count;
	size_t recorded; /* the first so many are the ledger's, ascending */
};

static int by_uids(const void *a, const void *b)
{
	return uid_range_compare(((const struct subject *)a)->uids, ((const struct subject *)b)->uids);
}

const struct subject *subjects_find_uids(const struct subject *subjects, size_t count, struct uid_range uids)
{
	const struct subject key = { .uids = uids };

	return count ? bsearch(&key, subjects, count, sizeof(*subjects), by_uids) : NULL;
}

static int subjects_add(struct subjects *subjects, const struct subject *subject)
{
	struct subject *grown =
		reallocarray(subjects->items, subjects->count + 1, sizeof(*subjects->items));

	if (!grown)
		return -ENOMEM;
	grown[subjects->count++] = *subject;
	subjects->items = grown;
	return 0;
}

static int add_uid(struct egress_ctx *ctx, const struct conf *conf, struct ledger *ledger, uid_t uid,
		   struct subjects *subjects)
{
	struct subject subject;
	int r = find_subject(ctx, conf, subjects->roster, ledger, uid, &subject);

	if (!r && (r = subjects_add(subjects, &subject)))
		subject_clear(&subject);
	return r;
}

static int add_range(const struct account *account, struct subjects *subjects)
{
	struct subject subject = { .uids = account->uids, .account = account, .covered = true, .keep = true };
	int r = name_subject(&subject, NULL);

	if (!r && (r = subjects_add(subjects, &subject)))
		subject_clear(&subject);
	return r;
}

/* The uids of an entry that holds always; 0 if there is nobody. */
static int always_uids(const struct account *account, struct fault *fault, struct uid_range *ret)
{
	AUTO_PERSON struct person person = { 0 };
	int r;

	if (account->profile->hold != HOLD_ALWAYS)
		return 0;
	if (account->by == ACCOUNT_BY_UID) {
		*ret = account->uids;
		return 1;
	}
	r = person_by_name(account->name, fault, &person);
	if (r || !person.exists || person.uid == 0)
		return r;
	*ret = (struct uid_range){ person.uid, person.uid };
	return 1;
}

static int add_always(struct egress_ctx *ctx, const struct conf *conf, struct ledger *ledger,
		      const struct account *account, struct subjects *subjects)
{
	struct fault why = { 0 };
	struct uid_range uids;
	int r = always_uids(account, &ctx->fault, &uids);

	if (r <= 0)
		return r;
	r = conf_check_proxies(conf, uids, &why);
	if (r == -EBADMSG) {
		ctx_log(ctx, LOG_ERR, "%s:%u: not held: %s", account->origin.file, account->origin.line,
			why.line);
		return 0;
	}
	if (r)
		return fault_set(&ctx->fault, r, "%s", why.line);
	if (uids.first != uids.last)
		return add_range(account, subjects);
	if (subjects_find_uids(subjects->items, subjects->recorded, uids))
		return 0;
	return add_uid(ctx, conf, ledger, uids.first, subjects);
}

/* Two entries can hold the same uid always: once is enough. */
static void sort_subjects(struct subjects *subjects)
{
	size_t kept = 0;

	if (subjects->count)
		qsort(subjects->items, subjects->count, sizeof(*subjects->items), by_uids);
	for (size_t i = 0; i < subjects->count; i++) {
		if (kept && by_uids(&subjects->items[kept - 1], &subjects->items[i]) == 0)
			subject_clear(&subjects->items[i]);
		else
			subjects->items[kept++] = subjects->items[i];
	}
	subjects->count = kept;
}

int subjects_find(struct egress_ctx *ctx, const struct conf *conf, struct ledger *ledger,
		  struct subject **ret, size_t *ret_count)
{
	struct subjects subjects = { 0 };
	AUTO_FREE uid_t *uids = NULL;
	size_t count = 0;
	int r = ledger_uids(ledger, &ctx->fault, &uids, &count);

	if (!r && conf)
		r = roster_make(conf, &subjects.roster);
	for (size_t i = 0; !r && i < count; i++)
		r = add_uid(ctx, conf, ledger, uids[i], &subjects);
	subjects.recorded = subjects.count;
	for (size_t i = 0; !r && conf && i < conf->account_count; i++)
		r = add_always(ctx, conf, ledger, &conf->accounts[i], &subjects);
	roster_free(subjects.roster);
	if (r) {
		subjects_free(subjects.items, subjects.count);
		return fault_set(&ctx->fault, r, "accounts: no memory");
	}
	sort_subjects(&subjects);
	*ret = subjects.items;
	*ret_count = subjects.count;
	return 0;
}

int subject_plan(const struct subject *subject, struct uid_range uids, struct plan *ret)
{
	return plan_compile(subject->account->profile, uids, ret);
}

/* "2001", "20000-29999", and both with "uid " before. */
static bool is_number(const char *user, struct uid_range *ret)
{
	static const char prefix[] = "uid ";

	return addr_parse_uid_range(strncmp(user, prefix, strlen(prefix)) == 0 ? user + strlen(prefix) : user, ret) == 0;
}

static int fail_unknown(struct egress_ctx *ctx, const char *user)
{
	return fault_set(&ctx->fault, -ENOENT, "user \"%s\": does not exist", user);
}

int subject_parse(struct egress_ctx *ctx, const char *user, struct uid_range *ret)
{
	AUTO_PERSON struct person person = { 0 };
	int r = person_by_name(user, &ctx->fault, &person);

	if (r)
		return r;
	if (!person.exists)
		return is_number(user, ret) ? 0 : fail_unknown(ctx, user);
	*ret = (struct uid_range){ person.uid, person.uid };
	return 0;
}

int subject_person(struct egress_ctx *ctx, const char *user, struct person *ret)
{
	AUTO_PERSON struct person person = { 0 };
	struct uid_range uids;
	int r = person_by_name(user, &ctx->fault, &person);

	if (r)
		return r;
	if (!person.exists && !is_number(user, &uids))
		return fail_unknown(ctx, user);
	if (!person.exists && uids.first != uids.last)
		return fault_set(&ctx->fault, -ENOENT, "user \"%s\": a range: name one uid", user);
	if (!person.exists)
		return person_by_uid(uids.first, &ctx->fault, ret);
	*ret = person;
	memset(&person, 0, sizeof(person));
	return 0;
}

enum ending subject_ending(const struct subject *subject)
{
	static const enum ending endings[] = {
		[LAST_CLOSE_HOLD] = ENDING_HOLD,
		[LAST_CLOSE_KILL] = ENDING_KILL,
		[LAST_CLOSE_RELEASE] = ENDING_RELEASE,
	};

	if (subject->keep)
		return ENDING_KEEP;
	return subject->account ? endings[subject->account->profile->last_close] : ENDING_HOLD;
}

int subject_fate(struct egress_ctx *ctx, uid_t uid, enum backend_choice *ret_wanted, enum ending *ret_ending)
{
	struct conf_view view = { 0 };
	struct subject subject = { 0 };
	struct ledger *ledger = NULL;
	int r = conf_view_load(ctx->config_path, ctx->trial ? NULL : ctx->libdir, &ctx->fault, &view);

	if (!r)
		r = ledger_peek(ctx->statedir, &ctx->fault, &ledger);
	if (!r)
		r = subject_of_uid(ctx, view.conf, ledger, uid, &subject);
	if (!r) {
		*ret_ending = subject_ending(&subject);
		*ret_wanted = conf_backend(view.conf);
	}
	ledger_close(ledger);
	subject_clear(&subject);
	conf_view_clear(&view);
	return r;
}
