# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The shape of the tree: which folder may include which, no cycle among headers, unique file names, a licence
in every source, and no exported symbol of libfrit.so other than frit_*. Run from anywhere; needs nothing but Python (and
nm for the last)."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

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
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\n")
    for path in listed:
        name = os.path.basename(path)
        is_source = name.endswith((*SOURCE, ".py", ".sh", ".cmake", ".cu")) or name in {"CMakeLists.txt", "Makefile", "dev"}
        if not is_source or not os.path.isfile(os.path.join(ROOT, path)):
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
    checks = [("layers", layer_faults(texts)), ("cycles", header_cycles(texts)), ("names", repeated_names(texts)), ("licence", without_licence())]
    library = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "libfrit.so")
    n_skipped = 0
    if "asan" in os.path.basename(os.path.dirname(library)) or not os.path.exists(library):
        n_skipped = 1
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
