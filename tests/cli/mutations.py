"""Changes results files in every way that is easy to think of and lets the verbs that read them have a
look: mutations.py PROGRAM FOLDER [SECONDS]

In FOLDER are run.h5, law.h5, fit.h5, prediction.h5, simulation.h5, sweep.h5 and benchmark.h5. A
verb must read what was changed (status 0, check-gradient also 1) or refuse it (status 2) in one
sentence that names the file, within seconds and without much memory. Every fifth object (under
sanitizers every twentieth, others) has one of the changes, always the same one, at which one of the
verbs looks. With SECONDS all changes of all objects are looked at by all verbs, in random order, on
all processors, until the time is over.
"""

import json
import multiprocessing
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
everything = len(sys.argv) > 3
os.chdir(folder)

SANITIZED = os.environ.get("ISOCHRON_SANITIZED", "0") != "0"
TIME_LIMIT = 120
MEMORY_LIMIT = 4 << 30

READERS = {
    "run": [
        ["show", "x.h5"],
        ["show", "--json", "x.h5"],
        ["train", "--resume", "x.h5", "--iterations", "1", "--quiet", "-o", "y.h5", "--overwrite"],
        ["simulate", "--model", "x.h5", "--times", "3", "-o", "y.h5", "--overwrite"],
        ["check-gradient", "--at", "x.h5"],
        ["analyze", "x.h5"],
        ["train", "--initial-states", "x.h5:/run/data/initial_states", "--hidden", "4",
         "--iterations", "0", "--quiet", "-o", "y.h5", "--overwrite"],
    ],
    "simulation": [
        ["show", "x.h5"],
        ["show", "--json", "x.h5"],
        ["train", "--data", "x.h5:/run/trajectories", "--noise", "0.1", "--hidden", "4",
         "--iterations", "0", "--quiet", "-o", "y.h5", "--overwrite"],
    ],
    "sweep": [
        ["show", "x.h5"],
        ["show", "--json", "x.h5"],
        ["sweep", "--resume", "x.h5", "--quiet", "-o", "y.h5", "--overwrite"],
        ["merge", "x.h5", "-o", "y.h5", "--overwrite"],
    ],
    "benchmark": [["show", "x.h5"], ["show", "--json", "x.h5"]],
}
READERS["law"] = READERS["run"][:-1]
READERS["fit"] = [
    ["show", "x.h5"],
    ["simulate", "--model", "x.h5", "--times", "3", "-o", "y.h5", "--overwrite"],
    ["analyze", "x.h5"],
]
READERS["prediction"] = READERS["simulation"][:2]
if shutil.which("gnuplot") and everything:
    for verbs in READERS.values():
        verbs.append(["plot", "x.h5", "-o", "figures", "--format", "svg"])
        verbs.append(["report", "x.h5", "-o", "x.html"])

PROCESSES = len(os.sched_getaffinity(0)) if everything else 1


def limit():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def look(arguments, change):
    """Runs a verb on x.h5. Whether something is wrong."""
    try:
        done = subprocess.run([program, *arguments], capture_output=True, timeout=TIME_LIMIT,
                              preexec_fn=limit, check=False)
        status, words = done.returncode, done.stderr.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        status, words = "timeout", ""
    allowed = {0, 2} | ({1} if arguments[0] == "check-gradient" else set())
    wrong = status not in allowed or len(words.splitlines()) > 3
    wrong |= any(bad in words for bad in ("anitizer", "runtime error", "exception", "std::"))
    named = "x.h5" in words or "isochron: --" in words  # the file, or an option that it asks for
    wrong |= status == 2 and (not named or words.count("isochron: ") != 1)
    if wrong:
        print(f"{change}: {' '.join(arguments)}: status {status}: {words.strip()[:400]}", flush=True)
    return wrong


# ----------------------------------------------------------------------------- changes of a dataset


def put(file, path, value, **how):
    attributes = dict(file[path].attrs)
    del file[path]
    made = file.create_dataset(path, data=value, **how)
    for name, attribute in attributes.items():
        made.attrs[name] = attribute


def put_link(file, path, link):
    del file[path]
    file[path] = link


def put_huge(file, path):
    del file[path]
    file.create_dataset(path, shape=(1 << 60,), chunks=(1 << 16,), dtype="f8")


def put_in_another_file(file, path):
    shape, kind = file[path].shape, file[path].dtype
    del file[path]
    file.create_dataset(path, shape=shape, dtype=kind,
                        external=[("z.bin", 0, h5py.h5f.UNLIMITED)])


def put_virtual(file, path):
    shape, kind = file[path].shape, file[path].dtype
    layout = h5py.VirtualLayout(shape=shape, dtype=kind)
    layout[...] = h5py.VirtualSource("z.h5", "/z", shape=shape)
    del file[path]
    file.create_virtual_dataset(path, layout)


def put_many_names(file, path):
    group = file[path]
    for i in range(20000):
        group[f"name {i}"] = h5py.SoftLink("/")


def neighbour(file, path):
    """Another object of the same group; where there is none, the group."""
    names = [name for name in file[path].parent if name != path.rsplit("/", 1)[1]]
    return file[path].parent.name.rstrip("/") + "/" + (names[len(names) // 2] if names else "")


def one(value, number):
    """The array with one other number in its middle."""
    changed = np.array(value)
    changed.reshape(-1)[changed.size // 2] = number
    return changed


def of_any(file, path):
    return {
        "deleted": lambda: file.__delitem__(path),
        "a number": lambda: put(file, path, 7),
        "a text": lambda: put(file, path, np.bytes_("abc")),
        "texts": lambda: put(file, path, np.array([b"a", b"b"])),
        "nothing": lambda: put(file, path, h5py.Empty("f8")),
        "a group": lambda: put_link(file, path, file.create_group("elsewhere")),
        "a link to nowhere": lambda: put_link(file, path, h5py.SoftLink("/nowhere")),
        "a link to itself": lambda: put_link(file, path, h5py.SoftLink(path)),
        "a link to another file": lambda: put_link(file, path, h5py.ExternalLink("z.h5", "/z")),
        "a circle": lambda: put_link(file, path, file["/"]),
        "a link to another object": lambda: put_link(file, path,
                                                     h5py.SoftLink(neighbour(file, path))),
        "another object": lambda: put_link(file, path, file[neighbour(file, path)]),
        "of 2^60 numbers": lambda: put_huge(file, path),
        "bytes": lambda: put(file, path, np.void(b"\0\1\2")),
        "arrays": lambda: put(file, path, np.zeros(2, np.dtype(("f8", (3,)))),
                              dtype=np.dtype(("f8", (3,)))),
        "truths": lambda: put(file, path, np.array([True, False])),
        "references": lambda: put(file, path, np.array([file.ref], dtype=h5py.ref_dtype)),
        "lists": lambda: put(file, path, np.array([np.ones(2), np.ones(3)], dtype=object),
                             dtype=h5py.vlen_dtype("f8")),
        "pairs": lambda: put(file, path, np.zeros(2, [("a", "f8"), ("b", "S3")])),
    }


def of_numbers(file, path):
    value = file[path][()]
    whole = value.dtype.kind in "iu"
    changes = {
        "another type": lambda: put(file, path, value.astype("f8" if whole else "i8")),
        "complex": lambda: put(file, path, value.astype("c16")),
        "big-endian": lambda: put(file, path, value.astype(">i8" if whole else ">f8")),
        "of rank 3": lambda: put(file, path, value.reshape((1, 1, -1))),
        "empty": lambda: put(file, path, np.empty((0,) * value.ndim, value.dtype)),
        "of 16 bits": lambda: put(file, path, value.astype("i2" if whole else "f2")),
        "of 128 bits": lambda: put(file, path, value.astype("i8" if whole else "f16")),
        "in another file": lambda: put_in_another_file(file, path),
        "virtual": lambda: put_virtual(file, path),
    }
    if value.size == 0:
        return changes
    numbers = [-1, 0, 2**62, 2**63 - 1] if whole else [-1.0, 0.0, np.nan, np.inf, -np.inf, 1e300]
    for number in numbers:
        if number == 1e300 and ("theta" in path or "end_times" in path):
            continue  # a true force or time, which no solver can follow
        if value.ndim == 0:
            changes[f"{number}"] = lambda n=number: put(file, path, value.dtype.type(n))
        else:
            changes[f"{number} inside"] = lambda n=number: put(file, path, one(value, n))
            changes[f"{number} everywhere"] = lambda n=number: put(file, path,
                                                                   np.full_like(value, n))
    if value.ndim > 0:
        changes |= {
            "shorter": lambda: put(file, path, value[:-1]),
            "longer": lambda: put(file, path, np.concatenate([value, value])),
            "reversed": lambda: put(file, path, value[::-1]),
            "compressed": lambda: put(file, path, value, chunks=True, compression=9, shuffle=True),
            "extensible": lambda: put(file, path, value, maxshape=(None,) * value.ndim),
            "flat": lambda: put(file, path, value.reshape(-1, 1) if value.ndim == 1
                                else value.reshape(-1)),
        }
    if value.ndim == 2:
        changes |= {
            "transposed": lambda: put(file, path, value.T),
            "narrower": lambda: put(file, path, value[:, :-1]),
            "wider": lambda: put(file, path, np.hstack([value, value])),
        }
    return changes


def of_text(file, path):
    return {
        "empty": lambda: put(file, path, np.bytes_("")),
        "unknown": lambda: put(file, path, np.bytes_("cubic")),
        "of control characters": lambda: put(file, path, np.bytes_(b"\x1b[31m\x07\r\nred")),
        "not UTF-8": lambda: put(file, path, np.bytes_(b"\xff\xfe\xc0")),
        "very long": lambda: put(file, path, np.bytes_("x" * 1000000)),
        "of variable length": lambda: put(file, path, "abc", dtype=h5py.string_dtype()),
    }


def of_table(file, path):
    value = file[path][()]
    names = list(value.dtype.names)

    def with_column(name, number):
        changed = value.copy()
        changed[name] = number
        return changed

    def with_type(name, kind):
        types = [(n, kind if n == name else value.dtype[n]) for n in names]
        changed = np.zeros(value.shape, types)
        for n in names:
            if n != name:
                changed[n] = value[n]
        return changed

    changes = {
        "empty": lambda: put(file, path, value[:0]),
        "columns in another order": lambda: put(file, path, value[names[::-1]].astype(
            [(n, value.dtype[n]) for n in names[::-1]])),
        "a column more": lambda: put(file, path, with_type(names[0], value.dtype[names[0]]).astype(
            [(n, value.dtype[n]) for n in names] + [("more", "f8")])),
        "rows in another order": lambda: put(file, path, value[::-1]),
        "rows twice": lambda: put(file, path, np.concatenate([value, value])),
        "a row less": lambda: put(file, path, value[1:]),
        "two dimensions": lambda: put(file, path, value.reshape(1, -1)),
        "a scalar": lambda: put(file, path, value[0]),
    }
    for name in names:
        kind = value.dtype[name].kind
        changes[f"without {name}"] = lambda n=name: put(
            file, path, value[[m for m in names if m != n]].astype(
                [(m, value.dtype[m]) for m in names if m != n]))
        changes[f"{name} of another type"] = lambda n=name, k=kind: put(
            file, path, with_type(n, "f8" if k == "S" else "S8"))
        others = {"S": [b"", b"unknown", b"a/b", b"\x1b[0m"], "i": [-1, 1000, 2**63 - 1],
                  "u": [1000, 2**64 - 1], "f": [np.nan, np.inf, -1.0, 0.0, 1e300]}[kind]
        for other in others:
            changes[f"{name} {other!r}"] = lambda n=name, o=other: put(file, path,
                                                                       with_column(n, o))
    return changes


# ------------------------------------------------------------------------ changes of a configuration


def of_configuration(file, path):
    text = file[path][()].decode()
    value = json.loads(text)

    def store(changed):
        put(file, path, np.bytes_(json.dumps(changed)))

    def raw(data):
        put(file, path, np.void(data) if b"\0" in data else np.bytes_(data))

    def replaced(part, key, other):
        changed = json.loads(text)
        (changed[part] if part else changed)[key] = other
        return changed

    def removed(part, key):
        changed = json.loads(text)
        del (changed[part] if part else changed)[key]
        return changed

    changes = {
        "no JSON": lambda: raw(b"{"),
        "null": lambda: raw(b"null"),
        "a number": lambda: raw(b"1e999"),
        "a list": lambda: raw(b"[]"),
        "an empty object": lambda: raw(b"{}"),
        "deep lists": lambda: raw(b"[" * 200000),
        "deep objects": lambda: raw(b'{"a":' * 200000),
        "deep and closed": lambda: raw(b'{"options":' + b"[" * 100000 + b"]" * 100000 + b"}"),
        "many names": lambda: raw(json.dumps({"options": {str(i): 1 for i in range(90000)}})
                                  .encode()),
        "large": lambda: raw(json.dumps({"options": {"grid": "x" * 3000000}}).encode()),
        "a name twice": lambda: raw(text.replace('"options"', '"options": {}, "options"')
                                    .encode()),
        "an option twice": lambda: raw(text.replace('"period"', '"period": 1, "period"')
                                       .encode()),
        "not UTF-8": lambda: raw(text.replace("periodic", "peri\x00dic").encode()
                                 .replace(b"\0", b"\xff\xfe")),
        "an unknown option": lambda: store(replaced("options", "a~b", "1")),
        "a strange option": lambda: store(replaced("options", "a/b~1\n", "1")),
    }
    others = [None, True, 7, -1, 1e300, "x", "", "nan", [], {}, [1], {"a": {}}]
    places = [("", key) for key in value] + [
        (part, key) for part in ("options", "origin") for key in value.get(part, {})]
    for part, key in places:
        where = f"{part}/{key}"
        changes[f"{where} removed"] = lambda p=part, k=key: store(removed(p, k))
        for other in others if everything or part == "" else [7, "x", [1]]:
            if part == "options" and key == "threads":
                continue
            changes[f"{where} {other!r}"] = lambda p=part, k=key, o=other: store(
                replaced(p, k, o))
    return changes


# ---------------------------------------------------------------------------------------- the search


def attributes_of(file, path):
    changes = {}
    for name in file[path].attrs:
        def put_attribute(value, n=name):
            del file[path].attrs[n]
            file[path].attrs[n] = value
        changes |= {
            f"without {name}": lambda n=name: file[path].attrs.__delitem__(n),
            f"{name} a number": lambda p=put_attribute: p(7),
            f"{name} 2^63 - 1": lambda p=put_attribute: p(2**63 - 1),
            f"{name} a text": lambda p=put_attribute: p(np.bytes_("abc")),
            f"{name} of variable length": lambda p=put_attribute: p("abc"),
            f"{name} texts": lambda p=put_attribute: p(np.array([b"a", b"b"])),
            f"{name} nothing": lambda p=put_attribute: p(h5py.Empty("f8")),
            f"{name} numbers": lambda p=put_attribute: p(np.array([1.0, np.nan])),
            f"{name} very long": lambda p=put_attribute: p(np.bytes_("x" * 60000)),
            f"{name} of control characters": lambda p=put_attribute: p(np.bytes_(b"\x1b[31m\n")),
        }
    return changes


def changes_of(file, path):
    """By name; each is made by a call."""
    thing = file[path]
    important = path in ("/", "/run") or not isinstance(thing, h5py.Group)
    changes = attributes_of(file, path) if important or everything else {}
    if path == "/":
        return changes
    changes |= of_any(file, path)
    if path.endswith("config/data"):
        return changes | of_configuration(file, path)
    if isinstance(thing, h5py.Group):
        return changes | {"many names": lambda: put_many_names(file, path)}
    if thing.dtype.names:
        return changes | of_table(file, path)
    if thing.dtype.kind in "SO":
        return changes | of_text(file, path)
    return changes | of_numbers(file, path)


def objects_of(name):
    found = ["/"]
    with h5py.File(name) as file:
        file.visit(lambda path: found.append("/" + path))
    return found


def objects_to_change(kind):
    """Of a fit and its predictions those that no other run has."""
    objects = objects_of(kind + ".h5")
    if kind not in ("fit", "prediction"):
        return objects
    others = set(objects_of("run.h5")) | set(objects_of("simulation.h5"))
    return [path for path in objects if path not in others]


def plan():
    """What is to be looked at: file, object, change and verb."""
    chosen = slice(None) if everything else slice(1, None, 20) if SANITIZED else slice(0, None, 5)
    planned = []
    for kind, verbs in READERS.items():
        with h5py.File(kind + ".h5") as file:
            for index, path in enumerate(objects_to_change(kind)[chosen]):
                names = list(changes_of(file, path))
                if everything:
                    planned += [(kind, path, name, verb) for name in names for verb in verbs]
                elif names:
                    planned.append((kind, path, names[index % len(names)], verbs[index % len(verbs)]))
    if everything:
        random.Random(1).shuffle(planned)
    return planned


def looks(tasks):
    """In a folder of its own, as files are changed in place. How many there were, and how many wrong."""
    end = time.monotonic() + float(sys.argv[3]) if everything else float("inf")
    checks = failures = 0
    with tempfile.TemporaryDirectory() as own:
        for name in os.listdir():
            if name.endswith((".h5", ".csv", ".txt")):
                shutil.copy(name, own)
        os.chdir(own)
        for kind, path, name, verb in tasks:
            if time.monotonic() > end:
                break
            shutil.copy(kind + ".h5", "x.h5")
            try:
                with h5py.File("x.h5", "r+") as file:
                    changes_of(file, path)[name]()
            except (TypeError, ValueError, OSError, RuntimeError, KeyError):
                continue  # not a change of this object
            checks += 1
            failures += look(verb, f"{kind}.h5{path} {name}")
        os.chdir("/")
    return checks, failures


tasks = plan()
with multiprocessing.Pool(PROCESSES) as pool:
    found = pool.map(looks, [tasks[part::PROCESSES] for part in range(PROCESSES)])
checks, failures = (sum(count) for count in zip(*found))
print(f"{checks} looks at changed files, {failures} of them wrong")
sys.exit(1 if failures else 0)
