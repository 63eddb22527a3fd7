/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "args.h"
#include "help.h"
#include "output.h"
#include "subids.h"
#include "tool.h"

struct verb {
	const char *name;
	const char *args; /* as --help shows them */
	unsigned int least, most;
	const char *help;
	verb_fn *run;
};

static const struct verb verbs[] = {
	{ "list", "", 0, 0, "held accounts (the default)", verb_list },
	{ "show", "USER", 1, 1, "one account: plan, sessions, counters, drift", verb_show },
	{ "hold", "USER", 1, 1, "pin: hold the account without a session", verb_hold },
	{ "release", "USER", 1, 1, "take the pin away", verb_release },
	{ "sync", "", 0, 0, "make the kernel equal to configuration and sessions", verb_sync },
	{ "verify", "[USER]", 0, 1, "compare kernel and plan, change nothing", verb_verify },
	{ "reap", "", 0, 0, "drop dead sessions, release what nothing needs", verb_reap },
	{ "run", "USER -- CMD...", 2, UINT_MAX, "a session without PAM: a command in it", verb_run },
	{ "watch", "", 0, 0, "denied packets, as they happen", verb_watch },
	{ "explain", "USER DEST", 2, 2, "would it pass, by which entry, and what instead", verb_explain },
	{ "doctor", "[USER]", 0, 1, "weak spots of the host and the account, and what mends them", verb_doctor },
	{ "probe", "USER", 1, 1, "try the ways out as a held account", verb_probe },
	{ "export", "USER", 1, 1, "the same policy for another engine (--format)", verb_export },
	{ "complete", "KIND", 1, 1, "words for the completion of shells", verb_complete },
	{ "check-config", "[FILE]", 0, 1, "parse a configuration, print the result",
	  verb_check_config },
};

/* The command line. */
struct command {
	const char *config;
	const char *format;
	enum colour_mode colour;
	bool json, no_legend, help, version;
	char **words; /* the verb and its arguments, NULL-terminated */
	unsigned int word_count;
};

enum { OPTION_WORD = 1, OPTION_CONFIG = 'c', OPTION_JSON = 256, OPTION_COLOUR, OPTION_NO_LEGEND,
       OPTION_VERSION, OPTION_FORMAT, OPTION_HELP = 'h' };

static const struct option options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "color", required_argument, NULL, OPTION_COLOUR },
	{ "no-legend", no_argument, NULL, OPTION_NO_LEGEND },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

static enum exit_code parse_colour(const char *word, enum colour_mode *ret)
{
	static const char *const modes[] = {
		[COLOUR_AUTO] = "auto", [COLOUR_ALWAYS] = "always", [COLOUR_NEVER] = "never",
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(word, modes[i]) == 0) {
			*ret = (enum colour_mode)i;
			return EXIT_DONE;
		}
	}
	return exit_usage("--color: \"%s\" is not auto, always or never", word);
}

/* Of a long one, which is a word of its own, getopt tells none, or one that we have. */
static bool is_letter(int option)
{
	for (size_t i = 0; i + 1 < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].val == option)
			return false;
	}
	return option != 0;
}

static enum exit_code unknown_option(const char *word)
{
	if (is_letter(optopt))
		return exit_usage("\"-%c\": no such option: see egressctl --help", optopt);
	return exit_usage("\"%s\": no such option, or not used so: see egressctl --help", word);
}

static enum exit_code take_option(int option, const char *word, struct command *command)
{
	switch (option) {
	case OPTION_WORD:
		command->words[command->word_count++] = optarg;
		return EXIT_DONE;
	case OPTION_CONFIG:
		command->config = optarg;
		return EXIT_DONE;
	case OPTION_JSON:
		command->json = true;
		return EXIT_DONE;
	case OPTION_COLOUR:
		return parse_colour(optarg, &command->colour);
	case OPTION_NO_LEGEND:
		command->no_legend = true;
		return EXIT_DONE;
	case OPTION_FORMAT:
		command->format = optarg;
		return EXIT_DONE;
	case OPTION_HELP:
		command->help = true;
		return EXIT_DONE;
	case OPTION_VERSION:
		command->version = true;
		return EXIT_DONE;
	case ':':
		return exit_usage("\"%s\": needs an argument: see egressctl --help", word);
	default:
		return unknown_option(word);
	}
}

/* Options may stand before and after the verb; "--" ends them. */
static enum exit_code parse_command(int argc, char **argv, struct command *command)
{
	enum exit_code code = EXIT_DONE;
	int option;

	command->words = must(calloc((size_t)argc + 1, sizeof(*command->words)));
	opterr = 0;
	while (!code && (option = getopt_long(argc, argv, "-:c:h", options, NULL)) != -1)
		code = take_option(option, argv[optind - 1], command);
	while (!code && optind < argc)
		command->words[command->word_count++] = argv[optind++];
	return code;
}

static void print_help(FILE *out)
{
	fputs("usage: egressctl [OPTION]... [VERB [ARGUMENT]...]\n\n", out);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(out, "  %-12s %-14s %s\n", verbs[i].name, verbs[i].args, verbs[i].help);
	fputs("\n"
	      "  -c, --config FILE            try another configuration file\n"
	      "      --json                   JSON on standard output\n"
	      "      --color=WHEN             auto, always or never\n"
	      "      --no-legend              no titles, no remarks\n"
	      "  -h, --help; --version        VERB --help says more of a verb\n"
	      "\n"
	      "USER is a name or a uid. Exit: 0 done, 1 failed, 2 usage,\n"
	      "3 the answer is no (drift, denied, not held), 4 lock busy. See egressctl(8).\n",
	      out);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static bool takes_user(const struct verb *verb)
{
	return strncmp(verb->args, "USER", 4) == 0 || strncmp(verb->args, "[USER", 5) == 0;
}

const char *tool_word(const char *kind, size_t number)
{
	if (strcmp(kind, "options") == 0)
		return options[number].name;
	if (number >= sizeof(verbs) / sizeof(verbs[0]))
		return NULL;
	if (strcmp(kind, "user-verbs") == 0)
		return takes_user(&verbs[number]) ? verbs[number].name : "";
	return strcmp(kind, "verbs") == 0 ? verbs[number].name : NULL;
}

/* The verb that the words name; without words, the first. */
static enum exit_code choose_verb(const struct command *command, const struct verb **ret)
{
	const struct verb *verb = command->word_count > 0 ? find_verb(command->words[0]) : &verbs[0];

	if (!verb)
		return exit_usage("\"%s\": no such verb: see egressctl --help", command->words[0]);
	*ret = verb;
	return EXIT_DONE;
}

/* As many arguments as it takes, and no option of another verb. */
static enum exit_code check_command(const struct verb *verb, const struct command *command)
{
	unsigned int count = command->word_count > 0 ? command->word_count - 1 : 0;

	if (count < verb->least)
		return exit_usage("%s: argument missing: needs %s", verb->name, verb->args);
	if (count > verb->most)
		return exit_usage("%s: \"%s\": one argument too many", verb->name,
				  command->words[verb->most + 1]);
	if (command->format && verb->run != verb_export)
		return exit_usage("%s: \"--format\": no option of this verb", verb->name);
	return EXIT_DONE;
}

static void log_line(int priority, const char *line, void *data)
{
	struct tool *tool = data;

	if (priority <= LOG_WARNING)
		complain("%s", line);
	if (priority <= LOG_ALERT)
		tool->alarmed = true;
}

static enum exit_code run_verb(const struct verb *verb, const struct command *command, FILE *out)
{
	struct tool tool = {
		.out = out,
		.json = command->json,
		.legend = !command->no_legend,
		.format = command->format,
		.coloured = output_coloured(command->colour),
	};
	enum exit_code code = EXIT_DONE;
	int error = egress_ctx_new(&tool.ctx);

	if (error) {
		complain("libegress: cannot start: %s", strerror(-error));
		return exit_of(error);
	}
	egress_ctx_set_log(tool.ctx, log_line, &tool);
	egress_ctx_set_subids(tool.ctx, subids_ask, NULL);
	if (command->config)
		code = args_config(tool.ctx, command->config);
	if (!code)
		code = verb->run(&tool, command->words + (command->word_count > 0));
	egress_ctx_free(tool.ctx);
	return code;
}

static enum exit_code run_command(const struct command *command, FILE *out)
{
	const struct verb *verb = NULL;
	enum exit_code code;

	if (command->help && command->word_count == 0) {
		print_help(out);
		return EXIT_DONE;
	}
	if (command->version) {
		fputs("egressctl " PACKAGE_VERSION "\n", out);
		return EXIT_DONE;
	}
	code = choose_verb(command, &verb);
	if (!code && command->help) {
		help_verb(out, verb->name, verb->args, verb->help);
		return EXIT_DONE;
	}
	if (!code)
		code = check_command(verb, command);
	return code ? code : run_verb(verb, command, out);
}

/*
 * A closed descriptor 0, 1 or 2 must not become one of the library's files, which what we print
 * would then overwrite. O_PATH: reading and writing still fail.
 */
static void occupy_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_PATH);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	struct command command = { .colour = COLOUR_AUTO };
	struct output output = { .stream = NULL };
	enum exit_code code;

	occupy_standard_files();
	signal(SIGPIPE, SIG_IGN);
	setlocale(LC_CTYPE, "");
	output_begin(&output);
	code = parse_command(argc, argv, &command);
	if (!code)
		code = run_command(&command, output.stream);
	free(command.words);
	return output_finish(&output, code);
}
