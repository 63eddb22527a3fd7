# SPDX-License-Identifier: GPL-2.0-or-later
"""What egressctl --json prints, against schema/VERB.json.

document.py fits VERB FILE [EXPRESSION]  is it as the schema says, and EXPRESSION true of it, "d"?
document.py bites VERB FILE...           is it refused without a key, with one more, with a value of another type?
document.py keys VERB                    the keys of its objects, one a line

watch prints a document a line: "d" is the list of them.
"""
import copy, json, pathlib, sys
import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parent / "schema"
ACCOUNT = ["account", "uid", "ranges", "state", "profile", "backend", "proxy", "processes",
           "sessions", "allowed", "denied"]
SESSION = ["token", "service", "pid", "tty", "rhost", "opened", "hardening"]


def read(name):
    return json.loads((SCHEMAS / name).read_text())


def validator(verb):
    if not (SCHEMAS / (verb + ".json")).exists():
        sys.exit("no schema/%s.json" % verb)
    schema = read(verb + ".json")
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(
        schema, resolver=jsonschema.RefResolver((SCHEMAS / (verb + ".json")).as_uri(), schema))


# ASCII, since a terminal that shows the document obeys C1 control characters, too.
def documents(verb, file):
    text = pathlib.Path(file).read_bytes().decode("ascii")
    return [json.loads(line) for line in text.splitlines()] if verb == "watch" else [json.loads(text)]


def fits(verb, file, expression="True"):
    all_of_it = documents(verb, file)
    for d in all_of_it:
        for error in validator(verb).iter_errors(d):
            sys.exit("not as schema/%s.json says: %s: %.300s" % (verb, error.json_path, error.message))
    d = all_of_it if verb == "watch" else all_of_it[0]
    if not eval("(%s)" % expression, dict(globals(), d=d)):
        sys.exit("not so: %s\n%s" % (expression, d))


# Each way to and into the values of a document.
def places(value, way=()):
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, way + (key,))


def at(document, way):
    for key in way:
        document = document[key]
    return document


def other_type(value):
    return {str: 7, int: "7", bool: "true", type(None): [], list: "x", dict: "x"}[type(value)]


def put(document, way, value):
    if not way:
        return value
    document = copy.deepcopy(document)
    at(document, way[:-1])[way[-1]] = value
    return document


# (what was done, the document after it), one change at a time.
def changed(document):
    for way in places(document):
        value = at(document, way)
        yield "another type at %s" % (way,), put(document, way, other_type(value))
        if isinstance(value, dict):
            yield "one key more at %s" % (way,), put(document, way, {**value, "x": None})
            for key in value:
                yield "no %s at %s" % (key, way), put(document, way, {k: v for k, v in value.items() if k != key})


# Three items of each list are as good as all.
def short(value):
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    return [short(item) for item in value[:3]] if isinstance(value, list) else value


def bites(verb, *files):
    count = 0
    judge = validator(verb)
    for document in [short(d) for file in files for d in documents(verb, file)]:
        if not judge.is_valid(document):
            sys.exit("schema/%s.json refuses it: %s" % (verb, document))
        for what, other in changed(document):
            count += 1
            if judge.is_valid(other):
                sys.exit("schema/%s.json takes it: %s: %s" % (verb, what, other))
    if count == 0:
        sys.exit("no document of %s" % verb)


def keys_of(schema, name, seen):
    if isinstance(schema, list):
        return set().union(*[keys_of(item, name, seen) for item in schema])
    if not isinstance(schema, dict):
        return set()
    found = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    for key, item in schema.items():
        if key == "$ref":
            file, pointer = item.split("#/")
            if item not in seen:
                found |= keys_of(at(read(file or name), pointer.split("/")), file or name, seen | {item})
        elif key != "$defs":
            found |= keys_of(item, name, seen)
    return found


def keys(verb):
    print("\n".join(sorted(keys_of(read(verb + ".json"), verb + ".json", frozenset()))))


{"fits": fits, "bites": bites, "keys": keys}[sys.argv[1]](*sys.argv[2:])
