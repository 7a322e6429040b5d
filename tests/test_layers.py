# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The shape of the tree: which folder may include which, and which room of ir/ and passes/; no cycle among headers, and
by the symbols of the objects none among rooms; unique file names, a licence in every source, and no exported symbol of
libfrit.so other than frit_*. Run from anywhere; needs nothing but Python, and nm for what looks at objects."""

import os
import re
import subprocess
import sys

from tree_files import ROOT, tree_files

# Folder -> folders it may include from, beside itself and include/.
ALLOWED = {
    "include": set(),
    "base": set(),
    "ir": {"base"},
    "frontend": {"base", "ir"},
    "passes": {"base", "ir"},
    "codegen": {"base", "ir", "runtime"},
    "runtime": {"base"},
    "driver": {"base", "ir", "frontend", "passes", "codegen", "runtime"},
}
# Room -> rooms of the same folder that it may include from, beside itself and the tables at the door. "" is the door: a
# source there (passes/pipeline.c) is a room like any other.
ROOMS = {
    "ir": {
        "": set(),
        "dim": set(),
        "op": {"dim"},
        "graph": {"dim", "op"},
        "eval": {"dim", "op", "graph"},
        "kernel": {"dim", "op"},
        "plan": {"dim", "op", "graph", "eval", "kernel"},
    },
    "passes": {
        "kit": set(),
        "rewrite": {"kit"},
        "decompose": {"kit"},
        "layout": {"kit"},
        "": {"kit", "rewrite", "decompose", "layout"},
        "fuse": {"kit"},
        "tree": {"fuse"},
        "tree_cpu": {"tree", "fuse"},
        "tree_cuda": {"tree", "fuse"},
        "plan": {"fuse", "tree", "tree_cpu", "tree_cuda", ""},
    },
}
# What stands at a door for every room: the tables, and the type of a pass.
AT_THE_DOOR = {"passes/pipeline.h"}
# Folders whose subfolders are siblings that never include each other: front ends meet in ir/, back ends and linker in
# codegen/code.h.
SIBLINGS = {"frontend", "codegen"}
SOURCE = (".c", ".h", ".cpp", ".def", ".inc")
LICENCE = "Apache-2.0 WITH LLVM-exception"
# A name that says its role within a folder of its kind may repeat.
REPEATABLE = {"rules.cmake", "README.md"}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_sources():
    texts = {}
    for folder in ALLOWED:
        for top, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in names:
                if name.endswith(SOURCE):
                    path = os.path.join(top, name)
                    with open(path, encoding="utf-8", errors="replace") as f:
                        texts[os.path.relpath(path, ROOT)] = f.read()
    return texts


def resolve(path, included, texts):
    """The project file that an #include of path means, or None when it is generated or foreign."""
    here = os.path.normpath(os.path.join(os.path.dirname(path), included))
    for candidate in (included, os.path.join("include", included), here):
        if candidate in texts:
            return candidate
    return None


def are_strangers(path, other):
    """True for two different formats of frontend/, or two parts of codegen/."""
    a, b = path.split(os.sep), other.split(os.sep)
    return a[0] == b[0] and a[0] in SIBLINGS and len(a) > 2 and len(b) > 2 and a[1] != b[1]


def layer_faults(texts):
    for path, text in sorted(texts.items()):
        folder = path.split(os.sep)[0]
        for included in INCLUDE.findall(text):
            target = resolve(path, included, texts)
            other = target.split(os.sep)[0] if target else included.split("/")[0]
            if other in ALLOWED and other not in ALLOWED[folder] | {folder, "include"}:
                yield f"{path} includes {included}: {folder}/ may include only {sorted(ALLOWED[folder])} and include/"
            elif target and are_strangers(path, target):
                yield f"{path} includes {included}: siblings meet in ir/, they do not include each other"
            elif target is None and included.split("/")[0] in ALLOWED and included.endswith(".h"):
                yield f"{path} includes {included}, which does not exist"


def room_of(path):
    """(folder, room) of a file of a folder with rooms, else None."""
    parts = path.split(os.sep)
    return (parts[0], parts[1] if len(parts) > 2 else "") if parts[0] in ROOMS else None


def room_faults(texts):
    """Includes against the order of rooms, and rooms that the order does not know."""
    for path, text in sorted(texts.items()):
        here = room_of(path)
        if here is None:
            continue
        folder, room = here
        if room not in ROOMS[folder]:
            yield f"{path}: {folder}/{room}/ has no place in the order of rooms (ROOMS of tests/test_layers.py)"
            continue
        for included in INCLUDE.findall(text):
            target = resolve(path, included, texts)
            there = room_of(target) if target else None
            if there is None or there[0] != folder or there[1] in ROOMS[folder][room] | {room}:
                continue
            if there[1] == "" and (target.endswith(".def") or target in AT_THE_DOOR):
                continue
            allowed = ", ".join(sorted(r or "the door" for r in ROOMS[folder][room])) or "no other room"
            yield f"{path} includes {included}: {folder}/{room or ' (the door)'} may include from {allowed}"


def find_objects(build):
    """Source -> its object, for the sources of folders with rooms that still exist."""
    objects = {}
    for top, _, names in os.walk(os.path.join(build, "CMakeFiles")):
        for name in names:
            path = os.path.join(top, name)
            source = path.split(".dir" + os.sep)[-1][: -len(".o")]
            if name.endswith(".c.o") and room_of(source) and os.path.exists(os.path.join(ROOT, source)):
                objects[source] = path
    return objects


def read_symbols(objects):
    """Source -> names it defines, source -> names it wants."""
    defined, wanted = {}, {}
    for source, path in objects.items():
        listing = subprocess.run(["nm", path], capture_output=True, text=True, check=True)
        for line in listing.stdout.splitlines():
            *_, kind, name = line.split()
            if kind == "U":
                wanted.setdefault(source, set()).add(name)
            elif kind.isupper():
                defined[name] = source
    return defined, wanted


def object_faults(objects):
    """Circles of rooms, by the symbols that the objects of one want of another."""
    defined, wanted = read_symbols(objects)
    uses = {}  # room -> room that it uses -> (source, symbol) as an example
    for source, names in sorted(wanted.items()):
        for name in sorted(names & defined.keys()):
            here, there = room_of(source), room_of(defined[name])
            if here != there and here[0] == there[0]:
                uses.setdefault(here, {}).setdefault(there, (source, name))
    found = set()

    def walk(room, trail):
        for following in uses.get(room, {}):
            if following in trail:
                circle = trail[trail.index(following) :]
                if frozenset(circle) not in found:
                    found.add(frozenset(circle))
                    yield circle
            else:
                yield from walk(following, trail + [following])

    for room in sorted(uses):
        for circle in walk(room, [room]):
            steps = [(a, uses[a][b]) for a, b in zip(circle, circle[1:] + circle[:1])]
            text = "; ".join(f"{source} wants {name}" for _, (source, name) in steps)
            yield f"a circle of {' -> '.join('/'.join(room) for room in circle)}: {text}"


def header_cycles(texts):
    graph = {p: [] for p in texts if p.endswith((".h", ".def"))}
    for path in graph:
        for included in INCLUDE.findall(texts[path]):
            target = resolve(path, included, texts)
            if target in graph and target != path:
                graph[path].append(target)
    state = {}

    def walk(node, trail):
        state[node] = "open"
        for following in graph[node]:
            if state.get(following) == "open":
                yield "header cycle: " + " -> ".join(trail[trail.index(following) :] + [following])
            elif following not in state:
                yield from walk(following, trail + [following])
        state[node] = "done"

    for node in sorted(graph):
        if node not in state:
            yield from walk(node, [node])


def repeated_names(texts):
    seen = {}
    for path in sorted(texts):
        name = os.path.basename(path)
        if name in seen and name not in REPEATABLE:
            yield f"two files are called {name}: {seen[name]} and {path}"
        seen[name] = path


def without_licence():
    """Sources that do not name their licence by its SPDX identifier within their first two lines."""
    for path in (".ci/run", *tree_files()):
        name = os.path.basename(path)
        is_source = name.endswith((*SOURCE, ".py", ".sh", ".cmake", ".cu")) or name in {"CMakeLists.txt", "Makefile", "dev", "run"}
        if not is_source:
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            head = f.readline() + f.readline()
        if f"SPDX-License-Identifier: {LICENCE}" not in head:
            yield f"{path} does not name its licence: SPDX-License-Identifier: {LICENCE}"


def foreign_exports(library):
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    for line in symbols.stdout.splitlines():
        name = line.split()[-1]
        if not name.startswith("frit_"):
            yield f"libfrit.so exports {name}"


def main():
    texts = read_sources()
    checks = [("layers", layer_faults(texts)), ("rooms", room_faults(texts)), ("cycles", header_cycles(texts)), ("names", repeated_names(texts)), ("licence", without_licence())]
    build = os.environ.get("BUILD", os.path.join(ROOT, "build"))
    library = os.path.join(build, "libfrit.so")
    n_skipped = 0
    objects = find_objects(build)
    n_sources = sum(path.endswith(".c") and room_of(path) is not None for path in texts)
    if len(objects) < n_sources:
        n_skipped += 1
        print(f"skip: circles of rooms by symbols: {build} has objects of {len(objects)} of {n_sources} sources in ir/ and passes/")
    else:
        checks.append(("symbols", object_faults(objects)))
    if "asan" in os.path.basename(os.path.dirname(library)) or not os.path.exists(library):
        n_skipped += 1
        print("skip: exports: no libfrit.so without sanitizers")
    else:
        checks.append(("exports", foreign_exports(library)))
    n_failed = 0
    for name, faults in checks:
        found = list(faults)
        n_failed += bool(found)
        for fault in found:
            print(f"{name}: {fault}")
    print(f"{len(checks) - n_failed} passed, {n_failed} failed, {n_skipped} skipped")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
