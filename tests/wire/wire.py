#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""wire.py DRIVER GOLDEN: what packets meet, plan by plan and backend by backend.

For each plan in GOLDEN/*.plan, probes are made of its rules: inside, just outside by address, by port, by
protocol, in the other family; and some that have nothing to do with it. They are sent as a held uid. What left
by the cards (lo and "wire") is compared with what plan_decide says, and the backends with each other.
Unheld, every probe must arrive.
"""
import glob
import ipaddress
import json
import os
import re
import socket
import subprocess
import sys

BACKENDS = ("iptables", "nftables")
HELD, FREE = 2001, 2002
FIRST_SOURCE = 20000  # of TCP, whose SYN carries no mark
FAMILIES = {4: "ipv4", 6: "ipv6"}
PROTOS = ("tcp", "udp", "icmp", "ping", "udplite", "sctp", "gre")
NUMBERS = {"tcp": 6, "udp": 17, "udplite": 136, "sctp": 132, "gre": 47}
HAVE_PORTS = ("tcp", "udp", "udplite", "sctp")
STRANGERS = {4: "100.64.7.7", 6: "2001:db9::77"}


# ---- plans -----------------------------------------------------------------------------------------

def plans_of(folder):
    """(name, lines) of each plan; one that was there already is not taken twice."""
    seen = set()
    for path in sorted(glob.glob(f"{folder}/*.plan")):
        number = 0
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for block in re.split(r"(?m)^hold .*\n", text)[1:]:
            lines = tuple(line for line in block.splitlines() if re.match("(ipv4|ipv6|both) ", line))
            number += 1
            if lines not in seen:
                seen.add(lines)
                yield f"{os.path.basename(path)} {number}", lines


def parse_allow(line):
    """(family, proto, network, first port, last port)"""
    family, verdict, proto, *rest = line.split()
    assert verdict == "allow" and "replies" not in rest, line
    network = ipaddress.ip_network(rest[0])
    assert FAMILIES[network.version] == family, line
    first, last = 1, 65535
    if len(rest) > 1:
        assert rest[1] == "port", line
        first, _, last = rest[2].partition("-")
        first, last = int(first), int(last or first)
    return network.version, "icmp" if proto == "icmpv6" else proto, network, first, last


def is_allow(line):
    """A listener's answers are met in tests/conformance: all probes come first."""
    return " allow " in line and not line.endswith(" replies")


def driver_words(lines):
    words = []
    for line in lines:
        if is_allow(line):
            _, proto, network, first, last = parse_allow(line)
            # What stands on loopback and has no answers is a proxy.
            if proto == "tcp" and network[0].is_loopback and network.num_addresses == 1 and first == last and \
                    f"{line} replies" not in lines:
                words.append(f"proxy={f'[{network[0]}]' if network.version == 6 else network[0]}:{first}")
                continue
            words.append(f"allow={network},{proto}" + (f",{first}-{last}" if (first, last) != (1, 65535) else ""))
    log = [line for line in lines if line.startswith("both log ")]
    if log:
        group, rate, period = re.match(r"both log group (\d+) rate (\d+)/(\w+)$", log[0]).groups()
        words.append(f"log={group}:{rate}:{dict(second=1, minute=60, hour=3600, day=86400)[period]}")
    else:
        words.append("nolog")
    if "both drop any" in lines:
        words.append("drop")
    return words


def verdicts(driver, lines, probes):
    """What the plan says of each, by plan_decide: the same code answers "egressctl explain"."""
    numbers = {"icmp": {4: 1, 6: 58}, "ping": {4: 1, 6: 58}}
    text = "".join(
        f"{numbers[probe['proto']][probe['family']] if probe['proto'] in numbers else NUMBERS[probe['proto']]} "
        f"{probe['to']} {probe['port']} {int(bool(probe['device']))} {int(bool(probe['forged']))}\n" for probe in probes)
    done = subprocess.run([driver, "decide", str(HELD), *driver_words(lines)], input=text.encode(),
                          stdout=subprocess.PIPE, check=True)
    says = done.stdout.decode().split()
    assert len(says) == len(probes), done.stdout
    return says


# ---- probes ----------------------------------------------------------------------------------------

def is_usable(address):
    return not (address.is_multicast or address.is_unspecified or str(address).startswith(("0.", "255."))
                or str(address) in ("127.0.0.0", "127.255.255.255") or (address.version == 4 and address.is_reserved))


def near(network):
    """(inside, just outside)"""
    inside = {network[0], network[-1], network[network.num_addresses // 2]}
    outside = set()
    for number in (int(network[0]) - 1, int(network[-1]) + 1):
        if 0 <= number < 1 << network.max_prefixlen:
            outside.add(type(network[0])(number))
    return [sorted(filter(is_usable, addresses)) for addresses in (inside, outside)]


def ports_near(first, last):
    return sorted({port for port in (first - 1, first, (first + last) // 2, last, last + 1) if 1 <= port <= 65535})


def of_rule(line):
    family, proto, network, first, last = parse_allow(line)
    inside, outside = near(network)
    own = proto if proto in PROTOS else "tcp"
    for to in inside:
        for port in ports_near(first, last):
            yield family, own, to, port
        for other in PROTOS:
            yield family, other, to, first
    for to in outside:
        for other in (own, "udp"):
            yield family, other, to, first
    other = 10 - family
    yield other, own, ipaddress.ip_address(STRANGERS[other]), first


def of_strangers():
    for family, stranger in STRANGERS.items():
        for proto in PROTOS:
            yield family, proto, ipaddress.ip_address(stranger), 443
    for to in ("127.0.0.1", "::1"):
        for proto, port in (("tcp", 3128), ("tcp", 4000), ("udp", 53), ("udp", 3128), ("icmp", 1)):
            yield (6 if ":" in to else 4), proto, ipaddress.ip_address(to), port


def probes_of(lines):
    tried = {}
    for line in lines:
        if is_allow(line):
            for probe in of_rule(line):
                tried[(*probe, False, "", False)] = True
    for probe in of_strangers():
        tried[(*probe, False, "", False)] = True
    for family, proto, to, port, *_ in list(tried):
        if family == 4 and proto in ("tcp", "udp"):
            tried[(family, proto, to, port, True, "", False)] = True
            # A socket bound to a card sends even packets for loopback out.
            if to.is_loopback:
                tried[(family, proto, to, port, False, "wire", False)] = True
        if proto in ("tcp", "udp"):
            tried[(family, proto, to, port, False, "", True)] = True
    return [{"family": family, "proto": proto, "to": str(to), "port": port if proto in HAVE_PORTS else 0,
             "mapped": mapped, "device": device, "forged": forged}
            for family, proto, to, port, mapped, device, forged in tried]


def text_of(probe):
    port = f" port {probe['port']}" if probe["port"] else ""
    return (f"{FAMILIES[probe['family']]} {probe['proto']} {probe['to']}{port}"
            + (" by an IPv6 socket" if probe["mapped"] else "")
            + (f" from {probe['device']}" if probe["device"] else "")
            + (" as the first stop" if probe["forged"] else ""))


# ---- the wire --------------------------------------------------------------------------------------

class Wire:
    """What left by lo and by the cards, as AF_PACKET shows it."""
    OUTGOING = 4

    def __init__(self):
        self.ear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))  # bound to no card: all of them
        self.ear.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)  # SO_RCVBUFFORCE
        self.ear.setblocking(False)

    def left(self):
        """(card, packet) of what left since it was asked last"""
        while True:
            try:
                packet, where = self.ear.recvfrom(65536)
            except BlockingIOError:
                return
            if where[2] == self.OUTGOING and where[1] in (0x0800, 0x86dd):
                yield where[0], packet

    @staticmethod
    def parse(packet):
        """(family, protocol, destination, what follows)"""
        if packet[0] >> 4 == 4:
            return 4, packet[9], str(ipaddress.ip_address(packet[16:20])), packet[(packet[0] & 15) * 4:]
        number, rest = packet[6], packet[40:]
        if number == 43:    # a routing header
            number, rest = rest[0], rest[(rest[1] + 1) * 8:]
        return 6, number, str(ipaddress.ip_address(packet[24:40])), rest

    def fits(self, probe, packet):
        family, number, to, rest = self.parse(packet)
        if family != probe["family"] or to != probe["to"]:
            return False
        if probe["proto"] in ("icmp", "ping"):
            return number == (58 if family == 6 else 1) and rest[0] == (128 if family == 6 else 8)
        if number != NUMBERS[probe["proto"]]:
            return False
        return probe["proto"] not in HAVE_PORTS or int.from_bytes(rest[2:4], "big") == probe["port"]

    @staticmethod
    def number(packet):
        """Of the probe that it claims to be."""
        mark = re.search(rb"WIRE(\d{5});", packet)
        if mark:
            return int(mark[1])
        _, number, _, rest = Wire.parse(packet)
        return int.from_bytes(rest[0:2], "big") - FIRST_SOURCE if number == 6 else -1

    def arrived(self, probes):
        numbers = set()
        for _, packet in self.left():
            number = self.number(packet)
            if 0 <= number < len(probes) and self.fits(probes[number], packet):
                numbers.add(number)
        return numbers


def send(wire, probes, uid):
    """(arrived, what the sender got) of each probe"""
    wire.arrived([])
    numbered = [{**probe, "mark": f"WIRE{number:05};", "source": FIRST_SOURCE + number}
                for number, probe in enumerate(probes)]
    # The account need not be able to read where this lies.
    with open(f"{os.path.dirname(os.path.abspath(__file__))}/probe.py", encoding="utf-8") as file:
        program = file.read()
    sender = ["setpriv", f"--reuid={uid}", "--regid=65534", "--clear-groups", "--inh-caps=+net_raw",
              "--ambient-caps=+net_raw", "/usr/bin/python3", "-I", "-c", program]
    done = subprocess.run(sender, input=json.dumps(numbered).encode(), stdout=subprocess.PIPE, check=True)
    arrived = wire.arrived(probes)
    return [(number in arrived, got) for number, got in enumerate(json.loads(done.stdout))]


# ---- verdicts --------------------------------------------------------------------------------------

failures = 0


def tell(name, wrong):
    global failures
    for line in wrong[1:10]:
        print(f"#   {line}")
    failures += bool(wrong)
    print(f"not ok - {name}: {wrong[0]}" if wrong else f"ok - {name}", flush=True)


# What the sender is told by a verdict. IPv6's ping socket is told nothing.
TOLD = {
    "reset": {"ECONNREFUSED"},
    "prohibited": {"EPERM"},
    "drop": {"EPERM", "silent"},
    # A connection that is being made hears of it late, if at all.
    "forged": {"EPERM", "silent", "EHOSTUNREACH", "EACCES"},
}


def judge(says_of, probes, results):
    for probe, says, (arrived, got) in zip(probes, says_of, results):
        if arrived != (says == "allow"):
            yield f"{text_of(probe)}: the plan says {says}, and it {'arrived' if arrived else f'did not arrive: {got}'}"
        elif says == "allow" and got in ("EPERM", "EACCES"):
            yield f"{text_of(probe)}: arrived, and its sender got {got}"
        elif says != "allow" and got not in TOLD[says] and not (probe["proto"] == "ping" and probe["family"] == 6):
            yield f"{text_of(probe)}: {says}, and its sender got {got}"


def drive(driver, backend, *words):
    return subprocess.run([driver, "-b", backend, *words], stdout=subprocess.PIPE, check=True).stdout.decode()


def of_families(lines):
    """The rules that each family's packets meet: how the families, or answers, are mixed says nothing."""
    return [sorted((line for line in lines if line.startswith((family, "both"))),
                   key=lambda line: (line.endswith(" replies"), line.endswith(" replies") and line))
            for family in FAMILIES.values()]


def differences(probes, one, other):
    for probe, first, second in zip(probes, one, other):
        if first != second:
            yield f"{text_of(probe)}: {first} and {second}"


def try_plan(wire, driver, backends, name, lines):
    probes = probes_of(lines)
    tell(f"{name}: unheld, its {len(probes)} probes arrive", [
        f"{text_of(probe)}: {got}" for probe, (arrived, got) in zip(probes, send(wire, probes, HELD)) if not arrived])
    says, results = verdicts(driver, lines, probes), []
    for backend in backends:
        drive(driver, backend, "hold", str(HELD), *driver_words(lines))
        stands = drive(driver, backend, "list", str(HELD)).splitlines()
        wrong = [] if of_families(stands[1:-1]) == of_families(lines) else [f"{stands[1:-1]} stands, not the plan"]
        results.append(send(wire, probes, HELD))
        tell(f"{name}, {backend}: {len(probes)} probes meet what the plan says",
             wrong + list(judge(says, probes, results[-1])))
        tell(f"{name}, {backend}: another account's arrive", [
            text_of(probe) for probe, (arrived, _) in zip(probes, send(wire, probes, FREE)) if not arrived])
        drive(driver, backend, "remove", str(HELD))
    for backend, result in zip(backends[1:], results[1:]):
        tell(f"{name}: {backends[0]} and {backend} are one", list(differences(probes, results[0], result)))


def main():
    driver, folder = sys.argv[1:]
    wire = Wire()
    backends = []
    for backend in BACKENDS:
        if subprocess.run([driver, "-b", backend, "probe"], check=False, stderr=subprocess.DEVNULL).returncode:
            print(f"skip - {backend}: not built, or not in this kernel")
        else:
            backends.append(backend)
    for name, lines in plans_of(folder):
        try_plan(wire, driver, backends, name, lines)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
