/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../pam_egress/options.h"
#include "doctor.h"
#include "exit.h"
#include "util.h"

#define DEPTH_MAX 8
#define MODULE "pam_egress.so"
#define ARGUMENTS_MAX 16

/* What becomes of a session of a service, as far as its file tells. */
enum stack {
	STACK_ABSENT,
	STACK_HELD,
	STACK_LATE,
	STACK_WEAK,
	STACK_SKIPPED,
	STACK_UNREADABLE,
	STACK_MISSING,   /* a path where no module is: nobody gets a session */
	STACK_REFUSING,  /* an argument that the module does not know */
	STACK_ELSEWHERE, /* another configuration */
	STACK_BARE,      /* not hardened */
};

struct walk {
	bool sessions; /* there are session lines */
	bool done;     /* RESULT is known */
	enum stack result;
	char detail[160];   /* of the result */
	char starting[64]; /* the first module that starts something */
	bool ends_early;   /* a line before may end the stack with success */
	long jump;         /* so many of the next lines may be jumped over */
	const char *config; /* the configuration that is asked about */
	int depth;
};

static void walk_file(struct walk *walk, const char *service);

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool starts_something(const char *module)
{
	for (const char *const *known = doctor_starting_modules; *known; known++) {
		if (strcmp(*known, module) == 0)
			return true;
	}
	return false;
}

/* Does a failure of a line with this control deny the session, whatever comes after it? */
static bool denies(const char *control)
{
	if (control[0] != '[')
		return strcmp(control, "required") == 0 || strcmp(control, "requisite") == 0;
	return !strstr(control, "=ignore") &&
	       (strstr(control, "default=die") || strstr(control, "default=bad"));
}

static bool may_end(const char *control)
{
	return strcmp(control, "sufficient") == 0 || strstr(control, "=done");
}

/* The longest jump of "[success=1 default=ignore]". */
static long jump_of(const char *control)
{
	long most = 0;

	if (control[0] != '[')
		return 0;
	while ((control = strchr(control, '='))) {
		long n = strtol(++control, NULL, 10);

		most = n > most ? n : most;
	}
	return most;
}

static void judge(struct walk *walk, const char *control, bool may_be_missing)
{
	walk->done = true;
	if (may_be_missing || !denies(control)) {
		walk->result = STACK_WEAK;
		snprintf(walk->detail, sizeof(walk->detail), "%s%s",
			 may_be_missing ? "-session " : "", control);
	} else if (walk->ends_early || walk->jump > 0) {
		walk->result = STACK_SKIPPED;
	} else if (walk->starting[0]) {
		walk->result = STACK_LATE;
		snprintf(walk->detail, sizeof(walk->detail), "%s", walk->starting);
	} else {
		walk->result = STACK_HELD;
	}
}

/* The next word of *REST; one in brackets may have blanks in it. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");
	size_t length = strcspn(word, word[0] == '[' ? "]" : " \t");

	if (word[0] == '[' && word[length])
		length++;
	if (!*word)
		return NULL;
	*rest = word + length + (word[length] != '\0');
	word[length] = '\0';
	return word;
}

/* Of a line that holds: what its words make of that. */
static void judge_arguments(struct walk *walk, const char *module, char *rest)
{
	const char *arguments[ARGUMENTS_MAX], *word;
	struct options options;
	int count = 0;

	while (count < ARGUMENTS_MAX && (word = next_word(&rest)))
		arguments[count++] = word;
	options_parse(count, arguments, &options);
	if (module[0] == '/' && access(module, F_OK) < 0) {
		walk->result = STACK_MISSING;
		snprintf(walk->detail, sizeof(walk->detail), "%s", module);
	} else if (options.bad) {
		walk->result = STACK_REFUSING;
		snprintf(walk->detail, sizeof(walk->detail), "%s", options.bad);
	} else if (options.config && strcmp(options.config, walk->config) != 0) {
		walk->result = STACK_ELSEWHERE;
		snprintf(walk->detail, sizeof(walk->detail), "%s", options.config);
	} else if (options.unhardened) {
		walk->result = STACK_BARE;
	}
}

static void take_line(struct walk *walk, const char *control, const char *module, char *rest, bool may_be_missing)
{
	const char *name = file_name(module);

	walk->sessions = true;
	if (strcmp(name, MODULE) == 0) {
		judge(walk, control, may_be_missing);
		if (walk->result == STACK_HELD)
			judge_arguments(walk, module, rest);
		return;
	}
	if (walk->jump > 0)
		walk->jump--;
	if (jump_of(control) > walk->jump)
		walk->jump = jump_of(control);
	walk->ends_early = walk->ends_early || may_end(control);
	if (!walk->starting[0] && starts_something(name))
		snprintf(walk->starting, sizeof(walk->starting), "%s", name);
}

static bool walk_line(char *line, void *data)
{
	struct walk *walk = data;
	char *type, *control, *module;

	line[strcspn(line, "#\r")] = '\0';
	type = next_word(&line);
	control = type ? next_word(&line) : NULL;
	if (control && strcmp(type, "@include") == 0) {
		walk_file(walk, control);
		return walk->done;
	}
	module = control ? next_word(&line) : NULL;
	if (!module || strcasecmp(type + (*type == '-'), "session") != 0)
		return false;
	if (strcmp(control, "include") == 0 || strcmp(control, "substack") == 0)
		walk_file(walk, module);
	else
		take_line(walk, control, module, line, *type == '-');
	return walk->done;
}

static char *read_service(const char *service)
{
	static const char *const folders[] = { "/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d" };
	AUTO_FREE char *path = NULL;
	char *text = NULL;

	if (service[0] == '/')
		return doctor_read(service);
	if (strchr(service, '/'))
		return NULL;
	for (size_t i = 0; !text && i < ARRAY_SIZE(folders); i++) {
		free(path);
		if (asprintf(&path, "%s/%s", folders[i], service) < 0)
			must(NULL);
		text = doctor_read(path);
		if (!text && errno != ENOENT)
			break;
	}
	return text;
}

static void walk_file(struct walk *walk, const char *service)
{
	AUTO_FREE char *text = walk->depth < DEPTH_MAX ? read_service(service) : NULL;

	if (!text) {
		walk->result = STACK_UNREADABLE;
		snprintf(walk->detail, sizeof(walk->detail), "%s: %s", service, strerror(errno));
		walk->done = walk->sessions = true;
		return;
	}
	for (char *end = text; (end = strstr(end, "\\\n")); )
		end[0] = end[1] = ' ';
	walk->depth++;
	doctor_lines(text, walk_line, walk);
	walk->depth--;
}

bool doctor_pam_holds(const char *service, const char *config)
{
	struct walk walk = { .config = config };

	walk_file(&walk, service);
	return walk.result == STACK_HELD || walk.result == STACK_LATE || walk.result == STACK_BARE ||
	       walk.result == STACK_REFUSING || walk.result == STACK_MISSING;
}

/* Our line before the first of the session lines, the others taken out. */
static void remedy(struct doctor *doctor, const char *service)
{
	AUTO_FREE char *quoted = doctor_quote(service);

	doctor_remedy(doctor,
		      "sed -i -e '/pam_egress\\.so/d' -e '0,/^-\\?session\\|^@include[ \\t]*common-session/s//session required "
		      "pam_egress.so\\n&/' /etc/pam.d/%s",
		      quoted);
}

static void tell(struct doctor *doctor, const char *service, enum doctor_verdict absent)
{
	struct walk walk = { .config = egress_ctx_config(doctor->ctx) };

	walk_file(&walk, service);
	if (!walk.sessions)
		return;
	switch (walk.result) {
	case STACK_HELD:
		doctor_found(doctor, DOCTOR_PASS, service, "%s: sessions are held", service);
		return;
	case STACK_UNREADABLE:
		doctor_found(doctor, DOCTOR_SKIP, service, "%s: cannot be read: %s", service, walk.detail);
		return;
	case STACK_ABSENT:
		doctor_found(doctor, absent, service, "%s: sessions without " MODULE, service);
		break;
	case STACK_LATE:
		doctor_found(doctor, DOCTOR_WARN, service,
			     "%s: " MODULE " comes after %s, which starts processes", service,
			     walk.detail);
		break;
	case STACK_WEAK:
		doctor_found(doctor, DOCTOR_FAIL, service,
			     "%s: \"%s\": a denial by " MODULE " denies nothing", service,
			     walk.detail);
		break;
	case STACK_SKIPPED:
		doctor_found(doctor, DOCTOR_FAIL, service,
			     "%s: a line before " MODULE " may skip it", service);
		break;
	case STACK_MISSING:
		doctor_found(doctor, DOCTOR_FAIL, service, "%s: nobody gets a session: %s is not there", service,
			     walk.detail);
		break;
	case STACK_REFUSING:
		doctor_found(doctor, DOCTOR_FAIL, service,
			     "%s: who is covered gets no session: " MODULE " does not know \"%s\"", service, walk.detail);
		break;
	case STACK_ELSEWHERE:
		doctor_found(doctor, DOCTOR_WARN, service, "%s: goes by another configuration, %s", service,
			     walk.detail);
		break;
	case STACK_BARE:
		doctor_found(doctor, DOCTOR_WARN, service, "%s: sessions are held, but not hardened: harden=no", service);
		break;
	}
	remedy(doctor, service);
}

/* What the table does not know gets a warning. */
static const struct known_service *find_service(const char *name)
{
	static const struct known_service unknown = { "service", DOCTOR_WARN };

	for (const struct known_service *known = doctor_services; known->name; known++) {
		if (strcmp(known->name, name) == 0)
			return known;
	}
	return &unknown;
}

static int is_service(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && strncmp(entry->d_name, "common-", 7) != 0 && length > 0 &&
	       entry->d_name[length - 1] != '~' && !strstr(entry->d_name, ".dpkg-");
}

/* Findings keep the names: those of the table have theirs, all others share one. */
static void tell_unknown(struct doctor *doctor, const char *name)
{
	size_t before = doctor->count;

	tell(doctor, name, DOCTOR_WARN);
	if (doctor->count > before)
		doctor->findings[before].check = "service";
}

static void look_at_folder(struct doctor *doctor, const char *folder)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_service, alphasort);

	if (count < 0) {
		doctor_found(doctor, DOCTOR_SKIP, "service", "%s: %s", folder, strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		const struct known_service *known = find_service(entries[i]->d_name);

		if (strcmp(known->name, entries[i]->d_name) != 0)
			tell_unknown(doctor, entries[i]->d_name);
		else if (known->verdict != DOCTOR_PASS)
			tell(doctor, known->name, known->verdict);
		free(entries[i]);
	}
	free(entries);
}

/* What a package ships in /usr and /etc does not replace. */
static void look_at_vendor(struct doctor *doctor)
{
	for (const struct known_service *known = doctor_services; known->name; known++) {
		char etc[64], vendor[64];
		AUTO_FREE char *text = NULL;
		AUTO_FREE char *shipped = NULL;

		snprintf(etc, sizeof(etc), "/etc/pam.d/%s", known->name);
		snprintf(vendor, sizeof(vendor), "/usr/lib/pam.d/%s", known->name);
		text = doctor_read(etc);
		shipped = text || known->verdict == DOCTOR_PASS ? NULL : doctor_read(vendor);
		if (!shipped)
			continue;
		tell(doctor, known->name, known->verdict);
		if (doctor->findings[doctor->count - 1].remedy) {
			AUTO_FREE char *then = util_steal(doctor->findings[doctor->count - 1].remedy);

			doctor_remedy(doctor, "cp %s %s && %s", vendor, etc, then);
		}
	}
}

void doctor_pam(struct doctor *doctor)
{
	look_at_folder(doctor, "/etc/pam.d");
	look_at_vendor(doctor);
}
