# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Golden tests: text in, text out. Every tests/golden/FOLDER/NAME.t is one fact, named after it:

    # run: fuse                 the passes, as in `frit opt INPUT -p fuse`; or
    # frit: opt %s -p fuse      the whole command line, %s standing for the input file
    # assumes: ...              what its pass takes for granted of numbers (tests/test_passes.c)
    # exit: 1                   expected exit status, 0 when absent; with 1 or 2 the expected text is what stderr says
    # input: tests/lower/x.fir  the file that holds the input, in place of
    func @f(...) ...            the input
    ---
    func @f(...) ...            the expected output

The path of the input reads INPUT in the output. `./dev bless [NAME]` rewrites the expected half from what frit prints."""

import concurrent.futures
import difflib
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FRIT = os.path.abspath(os.environ.get("FRIT", os.path.join(ROOT, "build", "frit")))
BLESS = os.environ.get("FRIT_BLESS") == "1"
ONLY = os.environ.get("FRIT_GOLDEN", "")
LIMIT_S = 60
HEADER = re.compile(r"^# (run|frit|exit|input|assumes): *(.*)$", re.M)


class Malformed(Exception):
    pass


def read_case(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    given, separator, expected = text.partition("\n---\n")
    if not separator:
        raise Malformed("no line '---' between input and expected output")
    header = {}
    for key, value in HEADER.findall(given):
        header[key] = value
    if ("run" in header) == ("frit" in header):
        raise Malformed("needs either '# run: PASSES' or '# frit: ARGUMENTS'")
    return given + "\n", header, expected


def run_frit(given, header, folder):
    """What frit prints for the case, or a Malformed that says how it misbehaved."""
    source = os.path.join(folder, "input.fir")
    program = HEADER.sub("", given)
    if "input" in header:
        with open(os.path.join(ROOT, header["input"]), encoding="utf-8") as f:
            program = f.read()
    with open(source, "w", encoding="utf-8") as f:
        f.write(program)
    words = header["frit"].split() if "frit" in header else ["opt", "%s", "-p", header["run"].replace(" ", "")]
    command = [FRIT] + [w.replace("%s", source) for w in words]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=LIMIT_S, text=True, errors="replace")
    wanted = int(header.get("exit", "0"))
    if done.returncode != wanted:
        raise Malformed(f"exit status {done.returncode}, not {wanted}; stderr:\n{done.stderr.rstrip()}")
    if wanted == 0 and done.stderr:
        raise Malformed(f"nothing was expected on stderr, which says:\n{done.stderr.rstrip()}")
    return (done.stderr if wanted else done.stdout).replace(source, "INPUT")


def tidy(text):
    return [line.rstrip() for line in text.strip("\n").split("\n")]


def check(path):
    """(name, None when it passes, else what is wrong)."""
    name = os.path.relpath(path, os.path.join(ROOT, "tests", "golden"))
    try:
        given, header, expected = read_case(path)
        with tempfile.TemporaryDirectory() as folder:
            printed = run_frit(given, header, folder)
    except (Malformed, subprocess.TimeoutExpired, OSError, ValueError) as e:
        return name, str(e)
    if tidy(printed) == tidy(expected):
        return name, None
    if BLESS:
        with open(path, "w", encoding="utf-8") as f:
            f.write(given.rstrip("\n") + "\n---\n" + "\n".join(tidy(printed)) + "\n")
        print(f"blessed {name}")
        return name, None
    return name, "\n".join(difflib.unified_diff(tidy(expected), tidy(printed), "expected", "printed", lineterm="", n=2))


def lacking():
    """The programs of tests/lower whose groups or plan no golden holds."""
    held = set()
    for path in glob.glob(os.path.join(ROOT, "tests", "golden", "*", "*.t")):
        _, header, _ = read_case(path)
        stage = header.get("frit", "").rpartition(",")[2]
        held.add((header.get("input"), stage))
    programs = sorted(glob.glob(os.path.join(ROOT, "tests", "lower", "*.fir")))
    names = [os.path.relpath(p, ROOT) for p in programs]
    return [(name, stage) for name in names for stage in ("fuse", "lower") if (name, stage) not in held]


def main():
    paths = [p for p in sorted(glob.glob(os.path.join(ROOT, "tests", "golden", "*", "*.t"))) if ONLY in p]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(check, paths))
    n_failed = 0
    for name, fault in results:
        if fault:
            n_failed += 1
            print(f"tests/golden/{name}: {fault}\n  repeat: FRIT_GOLDEN={name} python3 tests/test_golden.py")
    for name, stage in [] if ONLY else lacking():
        n_failed += 1
        results.append((name, stage))
        print(f"{name}: no golden with '# frit: opt %s -p core,{stage}' and '# input: {name}'")
    print(f"{len(results) - n_failed} passed, {n_failed} failed, 0 skipped")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
