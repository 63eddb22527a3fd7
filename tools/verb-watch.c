/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Denied packets as the kernel tells of them, by NFLOG: our rules do so already, nothing is set up for it. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <libnetfilter_log/libnetfilter_log.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "output.h"
#include "ip-packet.h"
#include "socket-owner.h"
#include "text.h"
#include "tool.h"
#include "uid-owner.h"

#define COPY_BYTES 128 /* of each packet: headers */
#define BUFFER_BYTES (64 * 1024)
#define AT_ONCE 1	/* packets that the kernel collects before it tells of them */
#define PREFIX "egress" /* of what our rules log; others may use the group, too */
#define ACCOUNT_MAX 64

static const char line_format[] = "%-20s  %-12s  %-7s  %-24s  %s\n";

struct watch {
	const struct tool *tool;
	struct nflog_handle *log;
	struct group *groups;
	size_t group_count;
	struct uid_owners owners;
	int error; /* of writing */
};

struct group {
	struct watch *watch;
	struct nflog_g_handle *handle;
	uint16_t number;
	uint32_t next; /* sequence number; 0: nothing came yet */
};

struct event {
	char time[TEXT_TIME_MAX], account[ACCOUNT_MAX];
	bool has_uid;
	uid_t uid;
	struct ip_packet packet;
	struct socket_owner owner;
};

static void tell(struct watch *watch, const char *text)
{
	int error = output_now(text);

	if (!watch->error)
		watch->error = error;
}

static json_t *event_json(const struct event *event)
{
	char protocol[IP_PACKET_PROTOCOL_MAX], address[IP_PACKET_TO_MAX];
	json_t *process = event->owner.pid ? json_pack("{s:i, s:o}", "pid", (int)event->owner.pid, "name",
						       output_json_string(event->owner.name))
					   : json_null();

	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:o}", "time", event->time, "account",
			 output_json_string(event->account), "uid",
			 event->has_uid ? json_integer(event->uid) : json_null(), "protocol",
			 ip_packet_protocol(&event->packet, protocol), "destination",
			 ip_packet_address(&event->packet, address), "port",
			 event->packet.has_ports ? json_integer(event->packet.to_port) : json_null(), "process",
			 process);
}

static void tell_json(struct watch *watch, json_t *object)
{
	char *line = must(json_dumps(must(object), JSON_COMPACT | JSON_ENSURE_ASCII)), *whole;

	if (asprintf(&whole, "%s\n", line) < 0)
		must(NULL);
	tell(watch, whole);
	free(whole);
	free(line);
	json_decref(object);
}

static void tell_text(struct watch *watch, const struct event *event)
{
	char protocol[IP_PACKET_PROTOCOL_MAX], to[IP_PACKET_TO_MAX], process[OWNER_NAME_MAX + 32] = "-", *line;
	char *account = text_escape(event->account, 0), *name = text_escape(event->owner.name, 0);

	if (event->owner.pid)
		snprintf(process, sizeof(process), "%d %.31s", (int)event->owner.pid, name);
	if (asprintf(&line, line_format, event->time, account, ip_packet_protocol(&event->packet, protocol),
		     ip_packet_to(&event->packet, to), process) < 0)
		must(NULL);
	tell(watch, line);
	free(line);
	free(name);
	free(account);
}

/* A subordinate uid has no name but that of the account that it is held with. */
static void name_account(struct uid_owners *owners, struct event *event)
{
	const char *owner = event->has_uid ? uid_owners_find(owners, event->uid, false) : NULL;
	const struct passwd *passwd = event->has_uid && !owner ? getpwuid(event->uid) : NULL;

	if (event->has_uid && !owner && !passwd)
		owner = uid_owners_find(owners, event->uid, true);
	if (owner)
		snprintf(event->account, ACCOUNT_MAX, "%s", owner);
	else if (passwd)
		snprintf(event->account, ACCOUNT_MAX, "%s", passwd->pw_name);
	else if (event->has_uid)
		snprintf(event->account, ACCOUNT_MAX, "uid %u", event->uid);
	else
		snprintf(event->account, ACCOUNT_MAX, "-");
}

static bool read_event(struct uid_owners *owners, struct nflog_data *data, struct event *event)
{
	const char *prefix = nflog_get_prefix(data);
	struct timeval time;
	char *payload;
	int length = nflog_get_payload(data, &payload);

	if (!prefix || strncmp(prefix, PREFIX, strlen(PREFIX)) != 0 || length <= 0 ||
	    !ip_packet_parse(payload, (size_t)length, &event->packet))
		return false;
	/* What was made here bears no time of its arrival. */
	if (nflog_get_timestamp(data, &time) != 0)
		gettimeofday(&time, NULL);
	text_time(time.tv_sec, event->time);
	event->has_uid = nflog_get_uid(data, &event->uid) == 0;
	name_account(owners, event);
	if (event->has_uid)
		event->owner = socket_owner_find(&event->packet, event->uid);
	return true;
}

static void tell_lost(struct watch *watch, uint32_t count)
{
	char line[96];

	if (watch->tool->json) {
		tell_json(watch, json_pack("{s:I}", "lost", (json_int_t)count));
		return;
	}
	snprintf(line, sizeof(line), "%" PRIu32 " more were denied, of which the kernel could not tell\n", count);
	tell(watch, line);
}

static void count_lost(struct group *group, struct nflog_data *data)
{
	uint32_t sequence;

	if (nflog_get_seq(data, &sequence) != 0)
		return;
	if (group->next && sequence > group->next)
		tell_lost(group->watch, sequence - group->next);
	group->next = sequence + 1;
}

static int on_packet(struct nflog_g_handle *handle, struct nfgenmsg *message, struct nflog_data *data, void *of)
{
	struct group *group = of;
	struct event event = { 0 };

	(void)handle;
	(void)message;
	count_lost(group, data);
	if (!read_event(&group->watch->owners, data, &event))
		return 0;
	if (group->watch->tool->json)
		tell_json(group->watch, event_json(&event));
	else
		tell_text(group->watch, &event);
	return 0;
}

static enum exit_code refuse_group(const struct group *group)
{
	/* Whose it is not says EPERM to everybody. */
	if (errno == EBUSY || (errno == EPERM && geteuid() == 0))
		complain("NFLOG group %u: cannot listen: another program does (egressctl watch, ulogd?)", group->number);
	else if (errno == EPERM)
		complain("NFLOG group %u: cannot listen: needs root", group->number);
	else
		complain("NFLOG group %u: cannot listen: %s", group->number, strerror(errno));
	return EXIT_FAILED;
}

static enum exit_code join(struct watch *watch, struct group *group)
{
	group->handle = nflog_bind_group(watch->log, group->number);
	if (!group->handle)
		return refuse_group(group);
	nflog_callback_register(group->handle, on_packet, group);
	if (nflog_set_mode(group->handle, NFULNL_COPY_PACKET, COPY_BYTES) < 0 ||
	    nflog_set_flags(group->handle, NFULNL_CFG_F_SEQ) < 0 || nflog_set_qthresh(group->handle, AT_ONCE) < 0)
		return refuse_group(group);
	return EXIT_DONE;
}

static enum exit_code join_all(struct watch *watch, const uint16_t *numbers)
{
	enum exit_code code = EXIT_DONE;

	watch->log = nflog_open();
	if (!watch->log) {
		complain("NFLOG: cannot listen: %s", strerror(errno));
		return EXIT_FAILED;
	}
	for (size_t i = 0; !code && i < watch->group_count; i++) {
		watch->groups[i] = (struct group){ .watch = watch, .number = numbers[i] };
		code = join(watch, &watch->groups[i]);
	}
	return code;
}

/* Until there is nobody to tell any more. What the socket had no room for shows as a gap in the numbers. */
static enum exit_code listen_on(struct watch *watch)
{
	static char buffer[BUFFER_BYTES] __attribute__((aligned(8)));

	while (!watch->error) {
		ssize_t length = recv(nflog_fd(watch->log), buffer, sizeof(buffer), 0);

		if (length > 0) {
			nflog_handle_packet(watch->log, buffer, (int)length);
		} else if (length == 0 || (errno != EINTR && errno != ENOBUFS)) {
			complain("NFLOG: read: %s", strerror(errno));
			return EXIT_FAILED;
		}
	}
	if (watch->error != -EPIPE)
		complain("standard output: cannot write: %s", strerror(-watch->error));
	return EXIT_FAILED;
}

static void print_legend(struct watch *watch)
{
	char *line;

	if (watch->tool->json || !watch->tool->legend)
		return;
	if (asprintf(&line, line_format, "TIME", "ACCOUNT", "PROTO", "DESTINATION", "PROCESS") < 0)
		must(NULL);
	tell(watch, line);
	free(line);
}

static enum exit_code show(struct watch *watch)
{
	struct egress_ctx *ctx = watch->tool->ctx;
	enum exit_code code;

	print_legend(watch);
	if (uid_owners_begin(&watch->owners, ctx))
		complain("watch: subordinate uids stay numbers for now: %s", egress_ctx_error(ctx));
	code = listen_on(watch);
	uid_owners_end(&watch->owners);
	return code;
}

enum exit_code verb_watch(struct tool *tool, char **args)
{
	struct watch watch = { .tool = tool };
	uint16_t *numbers;
	enum exit_code code;
	int error = egress_log_groups(tool->ctx, &numbers, &watch.group_count);

	(void)args;
	if (error)
		return exit_failed(tool->ctx, error);
	if (watch.group_count == 0) {
		complain("watch: nothing to see: each profile says log = false");
		free(numbers);
		return EXIT_NO;
	}
	watch.groups = must(calloc(watch.group_count, sizeof(*watch.groups)));
	code = join_all(&watch, numbers);
	free(numbers);
	if (!code)
		code = show(&watch);
	if (watch.log)
		nflog_close(watch.log);
	free(watch.groups);
	return code;
}
