#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""verbs.py BACKEND GOLDEN: what egressctl explain and probe say, and what leaves.

Each profile in GOLDEN/*.conf is held for the account by egressctl, as it stands there but for backend and accounts.

explain is asked of each probe of wire.py that it can be asked of. Its verdict and its exit status must be what
AF_PACKET shows of that packet, its rule the line of GOLDEN/*.plan that fits first (by a reading of its own, below), and
the place that it names a line of the configuration which says so. It cannot be asked of other protocols, of sockets
that are bound to a card, and of what is forged. Of an IPv4-mapped destination it wants the IPv4 address.

probe is stopped wherever it forks, once for each way that it tries; so each packet belongs to one way. What is allowed
or has escaped must have left for that way's target, and of the others nothing. Then it runs again with the rules
flushed, and with the route guard gone, too: what arrives then has escaped.
"""
import collections
import ipaddress
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import golden  # noqa: E402
import traced  # noqa: E402
import wire as w  # noqa: E402
from golden import run  # noqa: E402

CONF = "/etc/egress/egress.conf"
ACCOUNT = "agent1"
SUBORDINATE = "agent1:300000:65536\n"
EXPLAINED = {"tcp": "tcp", "udp": "udp", "icmp": "icmp", "ping": "icmp"}
# What probe's ways send, but for "-ipv6" and "loopback-".
SENDS = {"tcp": "tcp", "tcp-any-port": "tcp", "tcp-mapped": "tcp", "tcp-fast-open": "tcp", "mptcp": "tcp",
         "subordinate-uid": "tcp", "udp": "udp", "dns": "udp", "udp-lite": "udplite", "icmp": "icmp", "sctp": "sctp",
         "dccp": "dccp"}
NUMBERS = {**w.NUMBERS, "dccp": 33}
RESULTS = ("refused", "impossible", "allowed", "escaped", "not shown")
OUT = ("allowed", "escaped")


# ---- the plan --------------------------------------------------------------------------------------

def fits(line, probe):
    """Does the line of a plan decide the probe, of the kinds that explain can be asked of?"""
    if not w.is_allow(line):
        _, verdict, proto, *rest = line.split()
        of_others = verdict == "log" or rest[-1:] == ["replies"] or rest[:1] in (["options"], ["routing-header"])
        return not of_others and proto in ("any", probe["proto"])
    family, proto, network, first, last = w.parse_allow(line)
    return (family == probe["family"] and proto in ("any", EXPLAINED.get(probe["proto"], probe["proto"]))
            and ipaddress.ip_address(probe["to"]) in network
            and ((first, last) == (1, 65535) or first <= probe["port"] <= last))


def line_of(lines, probe):
    return next(line for line in lines if fits(line, probe))


# ---- explain ---------------------------------------------------------------------------------------

def destination(probe):
    """As explain takes it; None: it cannot be asked."""
    if probe["proto"] not in EXPLAINED or probe["device"] or probe["forged"]:
        return None
    to = f"[{probe['to']}]" if probe["family"] == 6 else probe["to"]
    return f"{EXPLAINED[probe['proto']]}://{to}" + (f":{probe['port']}" if probe["port"] else "")


def explain(to):
    done = subprocess.run(["egressctl", "--json", "explain", ACCOUNT, to], stdout=subprocess.PIPE, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def says_so(text, profile, line):
    """Is this line of a configuration what the line of the plan comes from?"""
    if not w.is_allow(line):
        return text.strip() == f"{profile} = {{"
    _, _, network, first, _ = w.parse_allow(line)
    host = f"[{network[0]}]" if network.version == 6 else f"{network[0]}"
    return f'to = "{network}"' in text or f'to = "{network[0]}"' in text or f'"{host}:{first}"' in text


def judge_explanation(conf, lines, probe, answer, arrived):
    status, said = answer
    line = line_of(lines, probe)
    if (status, said.get("verdict")) not in ((0, "allowed"), (3, "denied")):
        yield f"exit status {status}, verdict {said.get('verdict')}"
    elif (said["verdict"] == "allowed") != arrived:
        yield f"explain says {said['verdict']}, and it {'arrived' if arrived else 'did not arrive'}"
    if said.get("rule") != line:
        yield f"explain names the rule \"{said.get('rule')}\", and not \"{line}\""
    place = said.get("decided_by") or {"file": "", "line": 0}
    if place["file"] != CONF or not says_so(conf.splitlines()[place["line"] - 1], said["profile"], line):
        yield f"explain says that {place['file']}:{place['line']} decided, and that does not say \"{line}\""


def try_explain(wire, name, conf, lines):
    all_probes = w.probes_of(lines)
    probes = [probe for probe in all_probes if destination(probe)]
    answers = {to: explain(to) for to in dict.fromkeys(map(destination, probes))}
    w.tell(f"{name}: {len(answers)} answers of explain, and {len(probes)} packets of {len(all_probes)} meet them", [
        f"{w.text_of(probe)}: {wrong}" for probe, (arrived, _) in zip(probes, w.send(wire, probes, w.HELD))
        for wrong in judge_explanation(conf, lines, probe, answers[destination(probe)], arrived)])
    return probes


# ---- probe -----------------------------------------------------------------------------------------

Way = collections.namedtuple("Way", "name result why left")  # and what left, as (card, packet)


def target_of(way):
    """What it sends where, as a probe of wire.py; None: it is but a socket."""
    if not way["target"]:
        return None
    host, port = re.fullmatch(r"\[(.*)\]:(\d+)|([\d.]+):(\d+)|(.*)", way["target"]).expand(r"\1\3\5 \2\4").split(" ")
    to = ipaddress.ip_address(host)
    to = getattr(to, "ipv4_mapped", None) or to
    proto = SENDS[re.sub("^loopback-|-ipv6$", "", re.sub("-ipv6$", "", way["way"]))]
    return {"family": to.version, "proto": proto, "to": str(to), "port": int(port or 0)}


def run_probe(wire):
    """(exit status, the document, what left at each way that was tried)"""
    left = [[]]

    def next_way():
        left[-1].extend(wire.left())
        left.append([])

    status, said = traced.run(["egressctl", "--json", "probe", ACCOUNT], next_way)
    left[-1].extend(wire.left())
    return status, json.loads(said), left


def is_tried(way):
    return way["result"] != "not shown"


def is_of(target, card, packet):
    """To the target, by the card that leads there, of the protocol?"""
    family, number, to, rest = w.Wire.parse(packet)
    wanted = (58 if family == 6 else 1) if target["proto"] == "icmp" else NUMBERS[target["proto"]]
    return (to == target["to"] and number == wanted and (card == "lo") == ipaddress.ip_address(to).is_loopback
            and (not target["port"] or int.from_bytes(rest[2:4], "big") == target["port"]))


def strays(target, left):
    """What left this host and is not that."""
    for card, packet in left:
        to = w.Wire.parse(packet)[2]
        if card != "lo" and not ipaddress.ip_address(to).is_multicast and not (target and is_of(target, card, packet)):
            yield f"{to} by {card}"


def judge_way(way, target, left):
    arrived = bool(target) and any(is_of(target, card, packet) for card, packet in left)
    # What is but a socket sends nothing, whatever it is.
    if arrived != (bool(target) and way["result"] in OUT):
        yield f"probe says {way['result']} ({way['why']}), and it {'arrived' if arrived else 'did not arrive'}"
    yield from (f"probe says {way['result']}, and something left for {stray}" for stray in strays(target, left))


def judge_run(status, said, left):
    """Whatever should be: does it say what was?"""
    tried = [way for way in said["ways"] if is_tried(way)]
    escaped = sum(way["result"] == "escaped" for way in said["ways"])
    if len(left) != len(tried) + 1:
        yield f"{len(tried)} ways were tried, and it forked {len(left) - 1} times"
    if (status, said["escaped"]) != (3 if escaped else 0, escaped):
        yield f"{escaped} have escaped, it says {said['escaped']}, and its exit status is {status}"
    yield from (f"before the first way, something left for {stray}" for stray in strays(None, left[0]))
    for way, packets in zip(tried, left[1:]):
        yield from (f"{way['way']} to {way['target'] or 'nowhere'}: {wrong}"
                    for wrong in judge_way(way, target_of(way), packets))
    yield from (f"{way['way']}: {way['result']} is no result" for way in said["ways"] if way["result"] not in RESULTS)


def wanted_of(profile, lines, way, target):
    """What it may say while all stands; "impossible" says the kernel, of any."""
    if not target:
        return {"allowed"} if 'socket_families = "any"' in profile else set()
    if way["way"] == "subordinate-uid" and 'subordinate_ids = "ignore"' in profile:
        return {"escaped"}
    return {"allowed" if w.is_allow(line_of(lines, target)) else "refused"}


def judge_held(profile, lines, said):
    for way in filter(is_tried, said["ways"]):
        wanted = wanted_of(profile, lines, way, target_of(way))
        if way["result"] not in wanted | {"impossible"}:
            yield f"{way['way']} to {way['target'] or 'nowhere'}: {way['result']} ({way['why']}), not {wanted}"


# With nothing in its way. MPTCP and what needs a module go by the kernel.
PACKETS = ("tcp", "tcp-any-port", "tcp-mapped", "tcp-fast-open", "tcp-ipv6", "udp", "udp-ipv6", "udp-lite",
           "udp-lite-ipv6", "dns", "icmp", "icmp-ipv6")
LOOPBACK = ("loopback-tcp", "loopback-udp", "loopback-tcp-ipv6", "loopback-udp-ipv6")


def judge_free(names, said):
    results = {way["way"]: way["result"] for way in said["ways"]}
    yield from (f"{name}: {results[name]}, not escaped" for name in names if results[name] != "escaped")
    yield from (f"{way['way']}: {way['result']}, and no rule stands" for way in said["ways"]
                if way["result"] == "refused" or (way["result"] == "allowed" and way["target"]))


def try_probe(wire, name, judge):
    list(wire.left())
    status, said, left = run_probe(wire)
    counts = collections.Counter(way["result"] for way in said["ways"])
    w.tell(f"{name}: what leaves is what probe says: " + ", ".join(f"{counts[word]} {word}" for word in RESULTS),
           [*judge_run(status, said, left), *judge(said)])
    return said


# ---- profiles --------------------------------------------------------------------------------------

def flush(backend):
    if backend == "nftables":
        run("nft", "flush", "ruleset")
        return
    for tool in ("iptables-legacy", "ip6tables-legacy"):
        run(tool, "-F")
        run(tool, "-X")


def unguard():
    for family in ("-4", "-6"):
        run("ip", family, "rule", "flush", "protocol", "101")


def hold(backend, name, conf, profile):
    with open(CONF, "w", encoding="utf-8") as file:
        file.write(conf)
    with open("/etc/subuid", "w", encoding="utf-8") as file:
        file.write("" if 'subordinate_ids = "refuse"' in profile else SUBORDINATE)
    run("egressctl", "hold", ACCOUNT)
    shown = json.loads(run("egressctl", "--json", "show", ACCOUNT))
    w.tell(f"{name}: held by {backend}", [] if shown["backend"] == backend else [str(shown)])
    return golden.lines_of(json.loads(run("egressctl", "export", ACCOUNT, "--format", "json")))


guards_met = set()


def try_guard(wire, name, profile, said):
    """Once for each set of ways that are allowed, by which it goes: what ends in it is waited for, for seconds."""
    allowed = frozenset(way["way"] for way in said["ways"] if way["result"] == "allowed")
    if "route_guard = true" in profile and allowed not in guards_met:
        guards_met.add(allowed)
        try_probe(wire, f"{name}, flushed", lambda said: judge_free([*LOOPBACK, *allowed], said))


def try_profile(wire, backend, name, conf):
    """(what probe said while it was held, the lines of its plan)"""
    profile = golden.profile_of(conf, name.split()[-1])
    lines = hold(backend, name, conf, profile)
    probes = try_explain(wire, name, conf, lines)
    said = try_probe(wire, name, lambda said: judge_held(profile, lines, said))
    flush(backend)
    try_guard(wire, name, profile, said)
    unguard()
    try_probe(wire, f"{name}, flushed, without its route guard", lambda said: judge_free(PACKETS + LOOPBACK, said))
    w.tell(f"{name}: then all packets arrive", [
        w.text_of(probe) for probe, (arrived, _) in zip(probes, w.send(wire, probes, w.HELD)) if not arrived])
    run("egressctl", "release", ACCOUNT)
    return said, lines


def main():
    backend, folder = sys.argv[1:]
    wire = w.Wire()
    wanted = {lines: name for name, lines in w.plans_of(folder)}
    tried, results = set(), set()
    for name, text in list(golden.configurations("egressctl", folder)):
        conf, count = re.subn("(?m)^backend = .*$", f'backend = "{backend}";', text)
        assert count == 1, text
        said, lines = try_profile(wire, backend, f"{backend}, {name}", conf)
        w.tell(f"{backend}, {name}: its plan is one of the golden ones", [] if lines in wanted else [str(lines)])
        tried.add(lines)
        results.update(way["result"] for way in said["ways"] if way["target"] or not is_tried(way))
    w.tell(f"{backend}: each of the {len(wanted)} golden plans was held", [
        name for lines, name in wanted.items() if lines not in tried])
    w.tell(f"{backend}: of held accounts probe said all that it can", [word for word in RESULTS if word not in results])
    sys.exit(w.failures > 0)


main()
