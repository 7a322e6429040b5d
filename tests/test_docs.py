# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the documents point at is there: links between files, and paths of the tree in code quotes."""

import os
import re
import sys

from tree_files import ROOT, tree_files
LINK = re.compile(r"\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([\w./*-]+)`")
# A quoted word is a path of the tree when its first folder is one of these.
TOP = ("base", "bench", "cmake", "codegen", "docs", "driver", "examples", "frontend", "include", "ir", "passes", "runtime", "tests")
# Written by a build, or only there while something runs.
MADE = ("bench/roof", "docs/bench/")


def without_code(text):
    return re.sub(r"(?m)^    .*$", "", re.sub(r"(?ms)^```.*?^```", "", text))


def exists(path, files):
    """A file, a folder, or a beginning or pattern of file names."""
    if "*" in path:
        pattern = re.compile(re.escape(path).replace(r"\*", "[^/]*"))
        return any(pattern.match(f) for f in files)
    path = path.rstrip("/")
    return path in files or any(f.startswith(path + "/") for f in files)


def faults_of(page, files):
    with open(os.path.join(ROOT, page), encoding="utf-8") as f:
        text = without_code(f.read())
    for target in LINK.findall(re.sub(r"`[^`]*`", "", text)):
        if re.match(r"[a-z]+:|#", target):
            continue
        path = os.path.normpath(os.path.join(os.path.dirname(page), target.split("#")[0]))
        if not exists(path, files):
            yield f"{page}: the link {target} leads nowhere"
    for path in QUOTED.findall(text):
        is_path = "/" in path and path.split("/")[0] in TOP and not path.startswith(MADE)
        if is_path and not exists(path, files):
            yield f"{page}: `{path}` is not in the tree"


def main():
    files = set(tree_files())
    n_failed = 0
    found = sorted(f for f in files if f.endswith(".md"))
    for page in found:
        faults = list(faults_of(page, files))
        n_failed += bool(faults)
        for fault in faults:
            print(fault)
    print(f"{len(found) - n_failed} passed, {n_failed} failed, 0 skipped")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
