/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a login to rules that stand. */
#include "session.h"

#include "environment.h"
#include "harden.h"
#include "hold.h"
#include "util.h"

#include <string.h>
#include <syslog.h>

static int describe(const struct coverage *coverage, const struct operation *op,
		    const struct session *session, unsigned int sessions, struct egress_session **ret)
{
	const struct profile *profile = coverage->account->profile;
	const char *login = coverage->person.login;
	struct egress_session *out = calloc(1, sizeof(*out));

	if (!out)
		return -ENOMEM;
	out->account = strdup(login);
	out->uid = coverage->person.uid;
	out->profile = strdup(profile->name);
	out->backend = strdup(op->ops->name);
	out->token = strdup(session->token);
	out->sessions = sessions;
	if (!out->account || !out->profile || !out->backend || !out->token ||
	    environment_make(profile, login, &out->environment) ||
	    environment_notice(profile, login, &out->notice)) {
		egress_session_free(out);
		return -ENOMEM;
	}
	*ret = out;
	return 0;
}

/* Somebody changed the rules of an account that was held. */
static void tell_mended(struct operation *op, uid_t uid)
{
	if (op->same && op->changed[0])
		ctx_log(op->ctx, LOG_NOTICE, "uid %u: mended: %s", uid, op->changed);
}

/* Record first, rules second: killed in between, the account is held too long, never too short. */
static int record_and_hold(struct operation *op, const struct coverage *coverage,
			   const struct session *session, unsigned int *ret_sessions)
{
	uid_t uid = coverage->person.uid;
	struct fault *fault = &op->ctx->fault;
	struct need need;
	int r = hold_enter(op, coverage);

	if (!r)
		r = operation_sessions(op, uid, &need);
	op->shared = !r && need.sessions > 0;
	if (!r)
		r = ledger_add(op->ledger, uid, session, fault);
	if (!r)
		r = hold_make(op, coverage);
	if (!r)
		tell_mended(op, uid);
	if (!r)
		*ret_sessions = need.sessions + 1;
	return r;
}

/* One who left the configuration is free as soon as nothing of the old hold is needed. */
static int is_free_by_now(struct operation *op, const struct coverage *coverage)
{
	struct need need;
	int r;

	if (coverage->cover != COVER_DROPPED)
		return 0;
	r = subject_drop_pin(op, coverage->person.uid, coverage->formerly);
	if (!r)
		r = operation_settle(op, coverage->person.uid, ENDING_HOLD, &need);
	if (r || need_is_nothing(&need))
		return r ? r : 1;
	if (!coverage->account)
		r = fault_set(&op->ctx->fault, -EIO,
			      "%s: left the configuration while held, and its profile is lost: "
			      "end its processes, then run egressctl reap",
			      coverage->person.login);
	return r;
}

/* Hardened last: it is for ever, and a session that does not come to be should have none of it. */
static int open_locked(struct operation *op, const struct coverage *coverage,
		       const struct session *session, const struct harden *harden,
		       struct egress_session **ret)
{
	struct egress_session *opened = NULL;
	unsigned int sessions = 0;
	int r = is_free_by_now(op, coverage);

	if (!r)
		r = operation_kernel(op); /* before the record: out of reach, it leaves nothing to take back */
	if (r)
		return r < 0 ? r : 0;
	r = record_and_hold(op, coverage, session, &sessions);
	if (!r)
		r = describe(coverage, op, session, sessions, &opened);
	if (!r)
		r = harden_apply(harden, &op->ctx->fault);
	if (r) {
		egress_session_free(opened);
		ledger_drop(op->ledger, coverage->person.uid, session->token, NULL);
		hold_take_back(op, coverage);
	} else {
		hold_keep_conf(op, &coverage->view);
		*ret = opened;
	}
	return r;
}

/* What this kernel lacks is told to everybody but those whom it denies. */
static int prepare_hardening(struct egress_ctx *ctx, const struct egress_request *request,
			     const struct coverage *coverage, struct harden *ret)
{
	const struct profile *profile = coverage->account ? coverage->account->profile : NULL;
	int r;

	if (profile && !(request->flags & EGRESS_HARDEN) && (profile->required & LAYER_SECCOMP))
		return fault_set(&ctx->fault, -EPERM,
				 "seccomp: required by profile \"%s\": the opener is not to be hardened", profile->name);
	if (!profile || !(request->flags & EGRESS_HARDEN))
		return 0;
	r = harden_prepare(profile, &ctx->fault, ret);
	if (!r && harden_lacks(profile))
		ctx_log(ctx, LOG_WARNING, "seccomp: this kernel lacks it: user %s gets sockets of every family",
			coverage->person.login);
	return r;
}

static int open_covered(struct egress_ctx *ctx, const struct egress_request *request,
			struct coverage *coverage, struct egress_session **ret)
{
	struct harden harden = { 0 };
	struct egress_session *opened = NULL;
	struct operation op;
	struct session session = { 0 };
	int r = hold_check(ctx, coverage);

	if (!r)
		r = prepare_hardening(ctx, request, coverage, &harden);
	if (!r)
		r = session_begin(request->service, request->tty, request->rhost, &ctx->fault, &session);
	session.hardening = harden.what;
	if (!r)
		r = operation_begin(ctx, conf_backend(coverage->view.conf), &op);
	if (r)
		return r;
	r = operation_end(&op, open_locked(&op, coverage, &session, &harden, &opened));
	if (r && opened) {
		/* It stands, but the process could not be made what it was: no session comes of it. */
		session_undo(ctx, opened->uid, opened->token);
		egress_session_free(opened);
	} else if (!r) {
		*ret = opened;
	}
	return r;
}

int session_open(struct egress_ctx *ctx, const struct egress_request *request,
		 struct egress_session **ret)
{
	AUTO_COVERAGE struct coverage coverage = { 0 };
	int r = coverage_find(ctx, request->user, &coverage);

	if (r)
		return r;
	if (coverage.cover != COVER_NONE)
		return open_covered(ctx, request, &coverage, ret);
	*ret = NULL;
	return 0;
}

