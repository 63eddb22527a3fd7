# SPDX-License-Identifier: GPL-2.0-or-later
"""The golden profiles, each as the configuration of one account, and the plan that egressctl says it has."""
import glob
import os
import re
import subprocess

import wire as w

CONF = "/run/golden.conf"
PERIODS = {1: "second", 60: "minute", 3600: "hour", 86400: "day"}


def run(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit(f"not ok - {' '.join(words)}: {done.stderr.decode().strip()}")
    return done.stdout.decode()


def configurations(egressctl, folder):
    """(name, configuration) of each profile that stands there, with uid 2001 as its account."""
    for path in sorted(glob.glob(f"{folder}/*.conf")):
        if not os.path.exists(path[:-len("conf")] + "plan"):
            continue
        with open(path, encoding="utf-8") as file, open(CONF, "w", encoding="utf-8") as copy:
            copy.write(file.read())
        printed = run(egressctl, "-c", CONF, "check-config")
        profiles, accounts = printed.split("\naccounts = ")
        for profile in sorted(set(re.findall(r'profile = "([^"]*)"', accounts))):
            yield (f"{os.path.basename(path)} {profile}",
                   f'{profiles}\naccounts = ( {{ uid = "{w.HELD}"; profile = "{profile}"; }} );\n')


def profile_of(configuration, name):
    """Its block, as check-config prints it: every key is there."""
    return re.search(rf"(?ms)^\t{re.escape(name)} = {{$.*?^\t}};$", configuration)[0]


def line_of(rule, log):
    if rule["action"] == "log":
        return f"both log group {log['group']} rate {log['rate']}/{PERIODS[log['period']]}"
    words = [rule["family"], rule["action"], "icmpv6" if rule["protocol"] == "ipv6-icmp" else rule["protocol"]]
    if rule["to"]:
        words.append(rule["to"])
    if rule["ports"]:
        first, last = rule["ports"]
        words.append(f"port {first}" if first == last else f"port {first}-{last}")
    if rule["match"]:
        words.append(rule["match"])
    if rule["with"]:
        words.append(f"with {rule['with']}")
    return " ".join(words)


def lines_of(document):
    return tuple(line_of(rule, document["log"]) for rule in document["rules"])
