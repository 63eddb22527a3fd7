/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor.h"
#include "exit.h"
#include "util.h"

#define NAME_MAX_ 64

/* What modprobe would do, from its files; nothing here loads one. */
struct modules {
	char *dep, *builtin; /* of this kernel, or NULL */
	char *rules;	     /* modprobe.d, all of it */
	char *protocols;     /* /proc/net/protocols */
	char disabled[64];   /* kernel.modules_disabled */
};

enum presence { MODULE_ABSENT, MODULE_BLOCKED, MODULE_LOADABLE, MODULE_THERE };

/* "-" and "_" are one in names of modules. */
static bool same_name(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char x = a[i] == '-' ? '_' : a[i], y = b[i] == '-' ? '_' : b[i];

		if (x != y || !y)
			return false;
	}
	return b[length] == '\0';
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : NULL;
}

/* "kernel/net/rds/rds.ko.xz: ..." at the beginning of a line. */
static bool lists(const char *text, const char *name)
{
	for (const char *line = text; line && *line; line = next_line(line)) {
		size_t path = strcspn(line, ":\n");
		const char *file = memrchr(line, '/', path);
		size_t length = file ? strcspn(++file, ".:\n") : 0;

		if (length > 0 && same_name(file, name, length))
			return true;
	}
	return false;
}

/*
 * "install NAME COMMAND" runs the command instead, which for all we know loads nothing; "blacklist NAME" keeps
 * what socket(2) asks for, an alias, from loading it.
 */
static bool is_blocked(const char *rules, const char *name)
{
	for (const char *line = rules; line && *line; line = next_line(line)) {
		char word[16], module[NAME_MAX_], command[NAME_MAX_] = "";
		int words = sscanf(line, "%15s%*[ \t]%63s%*[ \t]%63s", word, module, command);

		if (words < 2 || !same_name(module, name, strlen(module)))
			continue;
		if (strcmp(word, "blacklist") == 0)
			return true;
		if (strcmp(word, "install") == 0 && words == 3 &&
		    (strstr(command, "/false") || strstr(command, "/true") || strcmp(command, ":") == 0))
			return true;
	}
	return false;
}

/* "RDS       3072 ..." at the beginning of a line. */
static bool has_protocol(const char *text, const char *proto)
{
	size_t length = proto ? strlen(proto) : 0;

	for (const char *line = text; proto && line && *line; line = next_line(line)) {
		if (strncmp(line, proto, length) == 0 && line[length] == ' ')
			return true;
	}
	return false;
}

static enum presence presence_of(const struct modules *modules, const struct known_module *known)
{
	char path[NAME_MAX_ + 16];

	snprintf(path, sizeof(path), "/sys/module/%s", known->name);
	if (access(path, F_OK) == 0 || lists(modules->builtin, known->name) ||
	    has_protocol(modules->protocols, known->proto))
		return MODULE_THERE;
	if (!lists(modules->dep, known->name) || strcmp(modules->disabled, "1") == 0)
		return MODULE_ABSENT;
	return is_blocked(modules->rules, known->name) ? MODULE_BLOCKED : MODULE_LOADABLE;
}

static void append(char **text, const char *more)
{
	char *old = *text;

	if (asprintf(text, "%s%s\n", old ? old : "", more) < 0)
		must(NULL);
	free(old);
}

static int is_conf(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static const char *const rule_folders[] = {
	"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d",
};

/* A file in an earlier folder replaces those of its name in later ones. */
static bool is_replaced(size_t folder, const char *name)
{
	for (size_t i = 0; i < folder; i++) {
		AUTO_FREE char *path = NULL;

		if (asprintf(&path, "%s/%s", rule_folders[i], name) < 0)
			must(NULL);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void read_rule(size_t folder, const char *name, char **rules)
{
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *text = NULL;

	if (is_replaced(folder, name))
		return;
	if (asprintf(&path, "%s/%s", rule_folders[folder], name) < 0)
		must(NULL);
	text = doctor_read(path);
	if (text)
		append(rules, text);
}

static char *read_rules(void)
{
	char *rules = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rule_folders); i++) {
		struct dirent **entries = NULL;
		int count = scandir(rule_folders[i], &entries, is_conf, alphasort);

		for (int k = 0; k < count; k++) {
			read_rule(i, entries[k]->d_name, &rules);
			free(entries[k]);
		}
		free(entries);
	}
	return rules;
}

static char *read_of_kernel(const char *file)
{
	struct utsname system;
	char path[160];

	if (uname(&system) < 0)
		return NULL;
	snprintf(path, sizeof(path), "/lib/modules/%s/%s", system.release, file);
	return doctor_read(path);
}

static bool tell(struct doctor *doctor, const struct modules *modules, const struct known_module *known)
{
	bool refused = doctor->profile && doctor->profile->socket_families == FAMILIES_IP;
	enum presence presence = presence_of(modules, known);
	enum doctor_verdict verdict = refused ? DOCTOR_WARN : known->verdict;

	if (presence <= MODULE_BLOCKED)
		return false;
	doctor_found(doctor, verdict, "module", "%s %s: %s%s", known->name,
		     presence == MODULE_THERE ? "is in the kernel" : "is loaded by whoever makes such a socket", known->why,
		     refused ? "; sessions are refused it" : "");
	/* What is built in can only be refused to sessions: socket_families. */
	if (lists(modules->dep, known->name))
		doctor_remedy(doctor, "echo install %s /bin/false >/etc/modprobe.d/egress-%s.conf%s%s", known->name,
			      known->name, presence == MODULE_THERE ? "; rmmod " : "",
			      presence == MODULE_THERE ? known->name : "");
	return true;
}

void doctor_modules(struct doctor *doctor)
{
	struct modules modules = {
		.dep = read_of_kernel("modules.dep"),
		.builtin = read_of_kernel("modules.builtin"),
		.rules = read_rules(),
		.protocols = doctor_read("/proc/self/net/protocols"),
	};
	bool clean = true;

	doctor_sysctl("kernel.modules_disabled", modules.disabled);
	for (const struct known_module *known = doctor_known_modules; known->name; known++) {
		if (tell(doctor, &modules, known))
			clean = false;
	}
	if (clean)
		doctor_found(doctor, DOCTOR_PASS, "module",
			     "no socket family beyond IP that anybody can use");
	if (!modules.dep && access("/proc/modules", F_OK) == 0)
		doctor_found(doctor, DOCTOR_SKIP, "module",
			     "which modules there are: no modules.dep for this kernel");
	free(modules.dep);
	free(modules.builtin);
	free(modules.rules);
	free(modules.protocols);
}
