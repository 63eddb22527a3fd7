/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "exit.h"
#include "util.h"

#define SSHD "/usr/sbin/sshd"

/* Values that pass, as sshd -T prints them. Everything else gets VERDICT. */
static const struct setting {
	const char *name, *keyword;
	const char *good;
	enum doctor_verdict verdict;
	bool disabled; /* by DisableForwarding, too; until OpenSSH 10.0 the agent was not (CVE-2025-32728) */
	const char *why;
} settings[] = {
	{ "usepam", "UsePAM", "yes", DOCTOR_FAIL, false, "without PAM no session is held" },
	{ "allowtcpforwarding", "AllowTcpForwarding", "no local", DOCTOR_WARN, true,
	  "-R opens ports here, the proxy's if it is down" },
	{ "allowstreamlocalforwarding", "AllowStreamLocalForwarding", "no local", DOCTOR_WARN, true,
	  "-R of a unix socket lets the account connect by way of the client" },
	{ "allowagentforwarding", "AllowAgentForwarding", "no", DOCTOR_WARN, false,
	  "a forwarded agent signs for the client's keys" },
	{ "permittunnel", "PermitTunnel", "no", DOCTOR_WARN, false, "sshd makes network cards for the client" },
	{ "permituserenvironment", "PermitUserEnvironment", "no", DOCTOR_WARN, false,
	  "the account sets variables of its sessions, the proxy's too" },
	/* ~/.ssh/rc runs within the session, after the hold. */
	{ "permituserrc", "PermitUserRC", "no yes", DOCTOR_WARN, false, "" },
};

struct answer {
	bool forwarding_disabled;
	const char *values[ARRAY_SIZE(settings)]; /* within the text */
};

static bool take_setting(char *line, void *data)
{
	struct answer *answer = data;
	char *value = strchr(line, ' ');

	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(line, "disableforwarding") == 0)
		answer->forwarding_disabled = strcmp(value, "yes") == 0;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(line, settings[i].name) == 0)
			answer->values[i] = value;
	}
	return false;
}

static bool is_word_of(const char *word, const char *words)
{
	size_t length = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at++) {
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	}
	return false;
}

static void remedy(struct doctor *doctor, const struct setting *setting)
{
	const char *good = setting->verdict == DOCTOR_FAIL ? "yes" : "no";

	if (doctor->user && setting->verdict == DOCTOR_WARN &&
	    strcmp(setting->name, "permituserenvironment") != 0)
		doctor_remedy(doctor,
			      "printf 'Match User %%s\\n\\t%s %s\\n' %s >>/etc/ssh/sshd_config && systemctl reload ssh",
			      setting->keyword, good, doctor->quoted);
	else
		doctor_remedy(doctor, "sed -i '1i %s %s' /etc/ssh/sshd_config && systemctl reload ssh", setting->keyword,
			      good);
}

static void tell(struct doctor *doctor, const struct answer *answer)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *setting = &settings[i];
		const char *value = answer->values[i];

		if (!value) {
			doctor_found(doctor, DOCTOR_SKIP, setting->name, "%s: sshd does not tell",
				     setting->keyword);
		} else if (is_word_of(value, setting->good) ||
			   (setting->disabled && answer->forwarding_disabled)) {
			doctor_found(doctor, DOCTOR_PASS, setting->name, "%s %s", setting->keyword, value);
		} else {
			doctor_found(doctor, setting->verdict, setting->name, "%s %s: %s",
				     setting->keyword, value,
				     setting->why);
			remedy(doctor, setting);
		}
	}
}

void doctor_sshd(struct doctor *doctor)
{
	AUTO_FREE char *condition = NULL;
	AUTO_FREE char *text = NULL;
	struct answer answer = { .forwarding_disabled = false };
	char *command[] = { (char *)SSHD, (char *)"-T", NULL, NULL, NULL };
	int status;

	if (access(SSHD, F_OK) < 0) {
		doctor_found(doctor, DOCTOR_PASS, "sshd", "sshd is not installed");
		return;
	}
	if (!doctor->root) {
		doctor_found(doctor, DOCTOR_SKIP, "sshd", "the settings of sshd: needs root");
		return;
	}
	/* A comma or blank in the name would be read as another condition. */
	if (doctor->user && !strpbrk(doctor->user, ", \t")) {
		if (asprintf(&condition, "user=%s,host=localhost,addr=127.0.0.1", doctor->user) < 0)
			must(NULL);
		command[2] = (char *)"-C";
		command[3] = condition;
	}
	status = doctor_run(command, true, &text);
	if (status != 0) {
		doctor_found(doctor, DOCTOR_SKIP, "sshd", "sshd -T: %s",
			     status < 0 ? strerror(-status) : "it does not like its configuration");
		doctor_remedy(doctor, SSHD " -t");
		return;
	}
	doctor_lines(text, take_setting, &answer);
	tell(doctor, &answer);
}
