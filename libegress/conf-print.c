/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf.h"

#include "conf-text.h"
#include "util.h"
#include "words.h"

static void put_key(FILE *stream, const char *indent, const char *key, const char *string)
{
	fprintf(stream, "%s%s = ", indent, key);
	conf_text_put_string(stream, string);
	fputs(";\n", stream);
}

static void put_proxies(FILE *stream, const struct profile *profile)
{
	char text[ENDPOINT_TEXT_MAX];
	size_t i;

	fputs("\t\tproxy = [ ", stream);
	for (i = 0; i < profile->proxy_count; i++)
		fprintf(stream, "%s\"%s\"", i ? ", " : "",
			addr_print_endpoint(&profile->proxies[i].endpoint, text));
	fputs(" ];\n", stream);
}

static void put_ports(FILE *stream, const struct allow *allow)
{
	char text[PORT_RANGE_TEXT_MAX];
	size_t i;

	if (allow->port_count == 0)
		return;
	fputs(" ports = \"", stream);
	for (i = 0; i < allow->port_count; i++)
		fprintf(stream, "%s%s", i ? "," : "", addr_print_port_range(allow->ports[i], text));
	fputs("\";", stream);
}

static void put_allow(FILE *stream, const struct allow *allow)
{
	char text[PREFIX_TEXT_MAX];

	fprintf(stream, "\t\t\t{ to = \"%s\"; proto = \"%s\";", addr_print_prefix(&allow->to, text),
		word_text(words_proto, allow->proto));
	put_ports(stream, allow);
	if (allow->reason) {
		fputs(" reason = ", stream);
		conf_text_put_string(stream, allow->reason);
		fputc(';', stream);
	}
	fputs(" }", stream);
}

static void put_allows(FILE *stream, const struct profile *profile)
{
	size_t i;

	if (profile->allow_count == 0)
		return;
	fputs("\t\tallow = (\n", stream);
	for (i = 0; i < profile->allow_count; i++) {
		put_allow(stream, &profile->allows[i]);
		fputs(i + 1 < profile->allow_count ? ",\n" : "\n", stream);
	}
	fputs("\t\t);\n", stream);
}

static void put_log(FILE *stream, const struct log_rule *log)
{
	if (log->enabled)
		fprintf(stream, "\t\tlog = { group = %u; rate = \"%u/%s\"; };\n", log->group,
			log->rate, word_text(words_period, (int)log->period));
	else
		fputs("\t\tlog = false;\n", stream);
}

static void put_flag(FILE *stream, const char *key, bool value)
{
	fprintf(stream, "\t\t%s = %s;\n", key, value ? "true" : "false");
}

static void put_required(FILE *stream, unsigned int required)
{
	const char *between = "";

	if (!required)
		return;
	fputs("\t\trequired = [ ", stream);
	for (const struct word *word = words_layer; word->text; word++) {
		if (!(required & (unsigned int)word->value))
			continue;
		fprintf(stream, "%s\"%s\"", between, word->text);
		between = ", ";
	}
	fputs(" ];\n", stream);
}

static void put_layers(FILE *stream, const struct profile *profile)
{
	put_key(stream, "\t\t", "subordinate_ids",
		word_text(words_subordinate_ids, (int)profile->subordinate_ids));
	put_flag(stream, "no_new_privs", profile->no_new_privs);
	put_key(stream, "\t\t", "socket_families",
		word_text(words_socket_families, (int)profile->socket_families));
	put_key(stream, "\t\t", "existing_sockets",
		word_text(words_existing_sockets, (int)profile->existing_sockets));
	put_flag(stream, "route_guard", profile->route_guard);
	put_required(stream, profile->required);
}

static void put_session(FILE *stream, const struct profile *profile)
{
	put_flag(stream, "env", profile->env);
	if (profile->proxy_url)
		put_key(stream, "\t\t", "proxy_url", profile->proxy_url);
	if (profile->ca_file)
		put_key(stream, "\t\t", "ca_file", profile->ca_file);
	put_flag(stream, "notice", profile->notice);
}

static void put_profile(FILE *stream, const struct profile *profile)
{
	fprintf(stream, "\t%s = {\n", profile->name);
	put_proxies(stream, profile);
	if (profile->proxy_user)
		put_key(stream, "\t\t", "proxy_user", profile->proxy_user);
	put_allows(stream, profile);
	put_key(stream, "\t\t", "reject", word_text(words_reject, profile->reject));
	put_log(stream, &profile->log);
	put_key(stream, "\t\t", "hold", word_text(words_hold, profile->hold));
	put_key(stream, "\t\t", "on_last_close", word_text(words_last_close, profile->last_close));
	put_layers(stream, profile);
	put_session(stream, profile);
	fputs("\t};\n", stream);
}

static void put_account(FILE *stream, const struct account *account)
{
	char uids[UID_RANGE_TEXT_MAX];

	if (account->by == ACCOUNT_BY_UID) {
		fprintf(stream, "\t{ uid = \"%s\";", addr_print_uid_range(account->uids, uids));
	} else {
		fprintf(stream, "\t{ %s = ", account->by == ACCOUNT_BY_USER ? "user" : "group");
		conf_text_put_string(stream, account->name);
		fputc(';', stream);
	}
	fprintf(stream, " profile = \"%s\";%s }", account->profile->name,
		account->system ? " system = true;" : "");
}

static void put_conf(FILE *stream, const struct conf *conf)
{
	size_t i;

	put_key(stream, "", "backend", word_text(words_backend, conf->backend));
	fputs("\nprofiles = {\n", stream);
	for (i = 0; i < conf->profile_count; i++)
		put_profile(stream, conf->profiles[i]);
	fputs("};\n\naccounts = (\n", stream);
	for (i = 0; i < conf->account_count; i++) {
		put_account(stream, &conf->accounts[i]);
		fputs(i + 1 < conf->account_count ? ",\n" : "\n", stream);
	}
	fputs(");\n", stream);
}

int conf_print(const struct conf *conf, char **ret)
{
	AUTO_FREE char *text = NULL;
	FILE *stream;
	size_t size;
	bool failed;

	stream = open_memstream(&text, &size);
	if (!stream)
		return -ENOMEM;
	put_conf(stream, conf);
	failed = ferror(stream);
	if (fclose(stream) != 0 || failed)
		return -ENOMEM;
	*ret = util_steal(text);
	return 0;
}
