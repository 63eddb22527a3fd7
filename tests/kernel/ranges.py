#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ranges.py DRIVER SEED ROUNDS CHANGES [drift]: random changes of uids and ranges, against what must decide.

Each change (hold or remove, of one subject as for a login, of one with its ranges, or of several as for sync) goes
through backend-driver. Then "nft -j list ruleset" is read, and for each uid it is walked as a packet would: by the
branches of the base chain. What it comes to is compared with a model that knows only who is held by which plan: a
uid's own plan first, else that of the narrowest range. With "drift" somebody takes away or puts in elements, sets and
records between two changes: then nobody whom the kernel held before a change is let out by it (unless it was a record:
what was cut out of a wider range cannot be told any more), who is free stays free, who was held just now is held, and
sync makes all of it right.

Prints nothing, or one line that names the seed and the changes that led there.
"""
import json
import random
import subprocess
import sys

BASE = 20000
WIDTH = 24  # uids that change; few, so that ranges meet
FIRST, LAST = BASE - 2, BASE + WIDTH + 1
PLANS = 3
OTHERS = {(3001, 3001): 0, (3002, 3002): 0}  # beside whom sync looks at all there is
ROLES = ("held", "denied", "logged")


class Wrong(Exception):
    pass


# ---- the kernel ------------------------------------------------------------------------------------


def nft(*words):
    return subprocess.run(["nft", "-j", *words], capture_output=True, text=True, check=False)


def elements_of(each):
    """As (first, last), for a set of uids or of intervals; a record has two of them."""
    for element in each.get("elem", []):
        if isinstance(element, dict) and "elem" in element:
            element = element["elem"]["val"]
        if isinstance(element, dict) and "range" in element:
            yield tuple(element["range"])
        elif isinstance(element, dict) and "concat" in element:
            yield tuple(element["concat"])
        elif isinstance(element, int):
            yield (element, element)


class Kernel:
    def __init__(self):
        self.sets, self.branches, self.plans, self.exists = {}, [], {}, False
        for item in json.loads(nft("list", "ruleset").stdout)["nftables"]:
            self.exists = self.exists or "table" in item
            if "set" in item:
                self.sets[item["set"]["name"]] = sorted(elements_of(item["set"]))
            elif "rule" in item:
                self.take_rule(item["rule"])

    def take_rule(self, rule):
        last = rule["expr"][-1]
        if rule["chain"] == "output":
            self.branches.append((rule["expr"][0]["match"]["right"][1:], last["goto"]["target"]))
            return
        for step in rule["expr"]:  # the port that it allows is the plan's number
            if "match" in step and step["match"]["left"].get("payload", {}).get("field") == "dport":
                self.plans[rule["chain"]] = step["match"]["right"] - 1000

    def has(self, name, uid):
        return any(first <= uid <= last for first, last in self.sets.get(name, []))

    def decides(self, uid):
        """The number of a plan; None: nothing holds the uid. Fails if it would not be counted and logged as well."""
        for held, chain in self.branches:
            if not self.has(held, uid):
                continue
            if chain not in self.plans:
                raise Wrong(f"uid {uid} comes to {chain}, which is no plan")
            return self.plans[chain]
        return None

    def names(self, uid):
        return any(self.has(name, uid) for name in self.sets if name != "ranges")

    def uncounted(self, uid):
        for held, _ in self.branches:
            if self.has(held, uid):
                return [role for role in ROLES if not self.has(held.replace("held", role, 1), uid)]
        return []


# ---- what must be ----------------------------------------------------------------------------------


def must_decide(model, uid):
    fitting = [(last - first, first, last) for first, last in model if first <= uid <= last]
    single = [each for each in fitting if each[0] == 0]
    return model[min(single or fitting)[1:]] if fitting else None


class Story:
    def __init__(self, driver, seed, with_drift):
        self.driver, self.dice, self.with_drift = driver, random.Random(seed), with_drift
        self.model, self.told, self.dirty, self.forgotten = {}, [], False, False

    def run(self, *words):
        self.told.append(" ".join(words))
        done = subprocess.run([self.driver, "-b", "nftables", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong(f"status {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    # -- changes

    def subject(self):
        first = self.dice.randrange(WIDTH)
        width = self.dice.choice((0, 0, 1, 1, 2, 3, 5, 8, 13, WIDTH))
        return (BASE + first, min(BASE + first + width, BASE + WIDTH))

    def some(self):
        """Of one login (a uid, and ranges or not), or of several."""
        if self.dice.random() < 0.2:
            return list({self.subject() for _ in range(self.dice.randrange(2, 8))})
        single = self.subject()
        ranges = {self.subject() for _ in range(self.dice.choice((0, 0, 1, 1, 2)))}
        chosen = [(single[0], single[0])] if self.dice.random() < 0.5 or not ranges else []
        return list(dict.fromkeys(chosen + [each for each in ranges if each[0] != each[1]])) or [single]

    @staticmethod
    def text(subject):
        return str(subject[0]) if subject[0] == subject[1] else f"{subject[0]}-{subject[1]}"

    def hold(self, plans):
        words = []
        for subject, plan in plans.items():
            words += ["+", self.text(subject), f"allow=127.0.0.1,udp,{1000 + plan}"]
        self.model.update(plans)
        if words:
            self.run("hold", *words[1:])

    def remove(self, subjects):
        for subject in subjects:
            self.model.pop(subject, None)
        self.run("remove", *map(self.text, subjects))

    def change(self):
        """Returns whom it concerned, if he is held now."""
        if self.model and self.dice.random() < 0.45:
            there = sorted(self.model)
            gone = self.dice.sample(there, min(len(there), self.dice.choice((1, 1, 1, 2, 4, len(there)))))
            if self.dice.random() < 0.1:
                gone = list(dict.fromkeys(gone + [self.subject()]))
            self.remove(gone)
            return []
        plan = self.dice.randrange(PLANS)
        several = self.dice.random() < 0.2
        wanted = {each: self.dice.randrange(PLANS) if several else plan for each in self.some()}
        self.hold(wanted)
        return list(wanted)

    # -- drift

    def drift(self):
        kernel = Kernel()
        if not kernel.sets:
            return
        name = self.dice.choice(sorted(kernel.sets))
        there = kernel.sets[name]
        kind = self.dice.choice(("element", "element", "flush", "delete", "add"))
        if kind == "element" and there and name != "ranges":
            self.nft(f"delete element inet egress {name} {{ {self.text(self.dice.choice(there))} }}")
        elif kind == "element" and there:
            self.nft("delete element inet egress ranges {{ {} . {} }}".format(*self.dice.choice(there)))
        elif kind == "flush":
            self.nft(f"flush set inet egress {name}")
        elif kind == "delete" and name == "ranges":
            self.nft("delete set inet egress ranges")
        elif kind == "delete":
            self.nft("flush chain inet egress output")
        elif name.endswith("-ranges"):
            self.nft(f"add element inet egress {name} {{ {self.text(self.subject())} }}")
        elif name != "ranges":
            self.nft(f"add element inet egress {name} {{ {self.subject()[0]} }}")

    def nft(self, command):
        self.told.append("nft " + command)
        if nft(command).returncode == 0:
            self.dirty = True
            self.forgotten = self.forgotten or " ranges" in command

    # -- verdicts

    def check_all(self):
        kernel = Kernel()
        for uid in range(FIRST, LAST + 1):
            must, found = must_decide(self.model, uid), kernel.decides(uid)
            if must != found:
                raise Wrong(f"uid {uid}: plan {found} decides, not {must}")
            if kernel.uncounted(uid):
                raise Wrong(f"uid {uid} is not {kernel.uncounted(uid)}")
        if not self.model and kernel.exists:
            raise Wrong("nobody is held and the table is there")

    def check_drifted(self, before, named, concerned):
        """What holds whatever somebody did."""
        kernel = Kernel()
        for uid in range(FIRST, LAST + 1):
            must, found = must_decide(self.model, uid), kernel.decides(uid)
            if found is None and must is not None and before[uid] is not None and not self.forgotten:
                raise Wrong(f"uid {uid} was held and is let out")
            if found is not None and must is None and uid not in named:
                raise Wrong(f"uid {uid} was free and is held")
        for first, last in concerned:
            for uid in range(first, last + 1):
                if must_decide({(first, last): 0}, uid) is not None and kernel.decides(uid) is None:
                    raise Wrong(f"uid {uid} of {first}-{last} was just held and is open")

    def sync(self):
        """As upkeep does it for several accounts: all that must stand, then whoever else is told to be there goes."""
        self.hold({**self.model, **OTHERS})
        there = [line.split()[1] for line in self.run("list").splitlines() if line.startswith("hold ")]
        gone = [each for each in there if each not in set(map(self.text, self.model))]
        if gone:
            self.run("remove", *gone)
        self.dirty = self.forgotten = False

    def step(self):
        if not self.with_drift:
            self.change()
            self.check_all()
            return
        if self.dice.random() < 0.4:
            self.drift()
        kernel = Kernel()
        before = {uid: kernel.decides(uid) for uid in range(FIRST, LAST + 1)}
        named = {uid for uid in before if kernel.names(uid)}
        concerned = self.change()
        if self.dirty:
            self.check_drifted(before, named, concerned)
        else:
            self.check_all()
        if self.dice.random() < 0.2:
            self.sync()
            self.check_all()

    def end(self):
        if self.dirty:
            self.sync()
            self.check_all()
        elif self.run("list").count("drift:"):
            raise Wrong("drift is told of where there is none")
        if self.model:
            self.remove(sorted(self.model))
        self.check_all()



def main():
    driver, seed, rounds, changes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    for number in range(seed, seed + rounds):
        story = Story(driver, number, "drift" in sys.argv[5:])
        nft("flush ruleset")
        try:
            for _ in range(changes):
                story.step()
            story.end()
        except Wrong as wrong:
            sys.exit(f"seed {number}, after {len(story.told)} changes: {wrong}; the last: " +
                     "; ".join(story.told[-6:]))


main()
