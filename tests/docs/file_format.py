"""The tables of docs/file_format.md, from files of every kind: file_format.py KIND=FILE .. >TABLES.

Groups, arrays with their axes, types, units and labels, as they are in the files; names that count
something (observations_0) stand once, with K for the number. A text that has no label in the file needs
one here, or this fails."""

import re
import sys

import h5py

WORDS = {
    "title": "what it is, in a line",
    "start_time": "when it was begun, ISO 8601, UTC",
    "verdict": "the verdict of the certificate",
    "reason": "why, in a sentence",
    "dynamics": "`newtonian` or `first-order`",
    "loss": "the loss's name",
    "activation": "of the hidden layers",
    "symmetry": "`none` or `odd`",
    "data": "the configuration as JSON: each option with its value and where that comes from",
    "type": "its media type",
    "conclusions": "what the numbers say, in sentences",
    "error_model": "`additive` or `lognormal`",
    "robust": "`none` or `huber`",
    "name": "what makes it differ from the others",
    "skip": "`none` or `linear`",
    "known": "the formula beside the network or in its place",
}
ENVIRONMENT = "of the program or library, or of the machine, that made it"
TYPES = {"f": "number", "i": "integer", "u": "integer", "S": "text", "O": "text", "V": "record"}


def plain(path):
    return re.sub(r"(/|configuration_|portrait_|before_)\d+(?=/|$)", r"\1K", path)


def label(path, item):
    name = path.rsplit("/", 1)[-1]
    if "long_name" in item.attrs:
        text = item.attrs["long_name"]
        text = text.decode() if isinstance(text, bytes) else str(text)
        return re.sub(r" \([^()]*\)$", "", text)
    if "/environment/" in path:
        return ENVIRONMENT
    return WORDS[name]


def units(item):
    text = item.attrs.get("units", b"")
    return text.decode() if isinstance(text, bytes) else str(text)


def axes(item):
    names = []
    for k, dim in enumerate(item.dims):
        scales = [scale.name.rsplit("/", 1)[-1] for scale in dim.values()]
        if scales:
            names.append(scales[0])
        elif item.attrs.get("CLASS") == b"DIMENSION_SCALE":
            names.append(item.name.rsplit("/", 1)[-1])
        else:
            names.append("?")
    return "[" + ", ".join(names) + "]" if names else ""


def escaped(text):
    return text.replace("|", "\\|")


kinds = {}  # of a group: the files in which it is
rows = {}  # of a group: name -> row
missing = []


def visit(kind, path, item):
    path = plain("/" + path)
    if isinstance(item, h5py.Group):
        kinds.setdefault(path, []).append(kind)
        rows.setdefault(path, {})
        return
    group, name = path.rsplit("/", 1)
    try:
        row = [axes(item), TYPES[item.dtype.kind], units(item), label(path, item)]
    except KeyError:
        missing.append(path)
        return
    found = rows.setdefault(group, {}).setdefault(name, row)
    for k, (old, new) in enumerate(zip(found, row)):
        if new and new != old and new not in old.split(" or "):
            found[k] = f"{old} or {new}" if old else new


for argument in sys.argv[1:]:
    kind, _, path = argument.partition("=")
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: visit(kind, name, item))
if missing:
    sys.exit("no label: " + ", ".join(sorted(set(missing))))

everywhere = [argument.partition("=")[0] for argument in sys.argv[1:]]
for group in sorted(rows):
    if not rows[group]:
        continue
    found = sorted(set(kinds.get(group, [])), key=everywhere.index)
    print(f"### {group}\n")
    print("In " + ("files of every kind." if len(found) == len(set(everywhere)) else ", ".join(found) + ".") + "\n")
    print("| name | axes | type | unit | what it is |\n|---|---|---|---|---|")
    for name in sorted(rows[group]):
        print(f"| {name} | " + " | ".join(escaped(cell) for cell in rows[group][name]) + " |")
    print()
