#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""export.py DRIVER EGRESSCTL GOLDEN: what "egressctl export" writes, loaded by nft and iptables-restore.

For each profile in GOLDEN/*.conf: as JSON its rules are the lines of GOLDEN/*.plan, and with the files loaded the
same probes as in wire.py meet what that plan says, whether the account sends them or one of its subordinate uids
(export.sh has given it some). Nothing of libegress stands in the kernel meanwhile.
"""
import itertools
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import golden  # noqa: E402
import wire as w  # noqa: E402
from golden import run  # noqa: E402

FILE = "/run/exported"
SUBUID = "/etc/subuid"
RESTORES = ("iptables-legacy-restore", "ip6tables-legacy-restore")


def subordinate():
    """Both ends of each range that the account has there, and what lies beside them."""
    with open(SUBUID, encoding="utf-8") as file:
        lines = [line.strip().split(":") for line in file]
    ends = [(int(first), int(first) + int(count) - 1) for _, first, count in lines]
    return sorted({uid for pair in ends for uid in pair}), [ends[0][0] - 1, ends[-1][1] + 1]


def arrive(name, wire, probes, uid):
    w.tell(name, [f"{w.text_of(probe)}: {got}"
                  for probe, (arrived, got) in zip(probes, w.send(wire, probes, uid)) if not arrived])


def export(egressctl, engine):
    text = run(egressctl, "-c", golden.CONF, "export", str(w.HELD), "--format", engine)
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(text)
    return text


class Nft:
    name = "nft"

    @staticmethod
    def load():
        run("nft", "-f", FILE)
        run("nft", "-f", FILE)  # a second time, it replaces the first

    @staticmethod
    def unload():
        run("nft", "delete", "table", "inet", f"egress-export-{w.HELD}")

    @staticmethod
    def refuse(address):
        run("nft", "table inet host { chain output { type filter hook output priority 0; "
            f"ip daddr {address} drop; }}; }}")

    @staticmethod
    def refuse_no_more(_):
        run("nft", "delete", "table", "inet", "host")


class Iptables:
    name = "iptables"

    @staticmethod
    def load():
        for restore in RESTORES:
            run(restore, "--noflush", FILE)

    @staticmethod
    def unload():
        for tool in ("iptables-legacy", "ip6tables-legacy"):
            run(tool, "-F")
            run(tool, "-X")

    @staticmethod
    def refuse(address):
        run("iptables-legacy", "-A", "OUTPUT", "-d", address, "-j", "DROP")

    @staticmethod
    def refuse_no_more(address):
        run("iptables-legacy", "-D", "OUTPUT", "-d", address, "-j", "DROP")


def try_engine(wire, egressctl, engine, name, says, probes, uid, beside):
    export(egressctl, engine.name)
    engine.load()
    for sender, whose in ((w.HELD, ""), (uid, f" of uid {uid}")):
        w.tell(f"{name}, {engine.name}: {len(probes)} probes{whose} meet what the plan says",
               list(w.judge(says, probes, w.send(wire, probes, sender))))
    for other in (w.FREE, beside):
        arrive(f"{name}, {engine.name}: those of uid {other} arrive", wire, probes, other)
    narrows(wire, engine, name, says, probes)
    engine.unload()


def narrows(wire, engine, name, says, probes):
    """What the host refuses is refused, whatever the plan allows."""
    allowed = [probe for probe, verdict in zip(probes, says)
               if verdict == "allow" and probe["family"] == 4 and probe["proto"] == "udp"]
    if not allowed:
        return
    probe = allowed[0]
    free = w.send(wire, [probe], w.HELD)[0][0]
    engine.refuse(probe["to"])
    refused = w.send(wire, [probe], w.HELD)[0][0]
    engine.refuse_no_more(probe["to"])
    w.tell(f"{name}, {engine.name}: what the host refuses stays refused",
           [f"{w.text_of(probe)}: arrived before: {free}, then: {refused}"] if refused or not free else [])


def main():
    driver, egressctl, folder = sys.argv[1:]
    wire = w.Wire()
    wanted = {lines: name for name, lines in w.plans_of(folder)}
    seen = set()
    inside, outside = map(itertools.cycle, subordinate())
    for name, text in golden.configurations(egressctl, folder):
        # With another word there are none in it, see tests/tool/export.sh.
        text = re.sub(r'subordinate_ids = "\w+"', 'subordinate_ids = "hold"', text)
        with open(golden.CONF, "w", encoding="utf-8") as file:
            file.write(text)
        lines = golden.lines_of(json.loads(export(egressctl, "json")))
        if lines in seen:
            continue
        seen.add(lines)
        w.tell(f"{name}: as JSON it is a plan of the golden ones", [] if lines in wanted else [str(lines)])
        probes = w.probes_of(lines)
        uid, beside = next(inside), next(outside)
        for sender in (w.HELD, uid):
            arrive(f"{name}: with nothing loaded, the {len(probes)} probes of uid {sender} arrive", wire, probes, sender)
        says = w.verdicts(driver, lines, probes)
        for engine in (Nft, Iptables):
            try_engine(wire, egressctl, engine, name, says, probes, uid, beside)
    w.tell(f"each of the {len(wanted)} golden plans was exported", [
        name for lines, name in wanted.items() if lines not in seen])
    sys.exit(w.failures > 0)


main()
