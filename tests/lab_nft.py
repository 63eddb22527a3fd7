#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""lab_nft.py UID: does nftables hold UID? Says why not.

Walks the base chain of "inet egress" as a packet of UID would: the first branch that fits must lead to a chain
that ends in a refusal. Sets and chains are found by what they do, not by their names.
"""
import json
import subprocess
import sys


def table():
    done = subprocess.run(["nft", "-j", "list", "table", "inet", "egress"], capture_output=True, check=False)
    return json.loads(done.stdout)["nftables"] if done.returncode == 0 else []


def of_kind(objects, kind):
    return [item[kind] for item in objects if kind in item]


def has(elements, uid):
    for element in elements:
        if isinstance(element, dict) and "elem" in element:
            element = element["elem"]["val"]
        if isinstance(element, dict) and "range" in element:
            if element["range"][0] <= uid <= element["range"][1]:
                return True
        elif element == uid:
            return True
    return False


def branch(rule, sets, uid):
    """The chain that the rule leads UID to, or None; fails on a rule that is no branch."""
    match, goto = rule["expr"][0]["match"], rule["expr"][-1]["goto"]
    assert match["left"] == {"meta": {"key": "skuid"}} and match["op"] in ("==", "in"), "a rule that is no branch"
    name = match["right"]
    elements = sets[name[1:]].get("elem", []) if isinstance(name, str) else [name]
    return goto["target"] if has(elements, uid) else None


def refuses(rules, chain):
    last = [rule for rule in rules if rule["chain"] == chain][-1:]
    return bool(last) and any(verdict in step for step in last[0]["expr"] for verdict in ("reject", "drop"))


def why_not(objects, uid):
    if not objects:
        return "there is no table"
    if "dormant" in of_kind(objects, "table")[0].get("flags", []):
        return "the table is dormant"
    base = [chain for chain in of_kind(objects, "chain") if chain.get("hook") == "output"]
    if len(base) != 1 or base[0]["type"] != "filter" or base[0]["prio"] >= 0:
        return "no base chain before the others'"
    sets = {each["name"]: each for each in of_kind(objects, "set")}
    rules = of_kind(objects, "rule")
    for rule in rules:
        if rule["chain"] == base[0]["name"]:
            chain = branch(rule, sets, uid)
            if chain:
                return "" if refuses(rules, chain) else f"{chain} does not refuse the rest"
    return "no branch fits"


def main():
    uid = int(sys.argv[1])
    why = why_not(table(), uid)
    if why:
        sys.exit(f"uid {uid} is not held: {why}")


main()
