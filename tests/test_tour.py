# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The texts of docs/TOUR.md are what frit prints. A comment `<!-- $ COMMAND -->` in front of a fenced block says which
command made it: bash runs it in a copy of examples/tour, with frit in the PATH and the tree's root in ROOT.
FRIT_BLESS=1 (./dev bless tour) rewrites the blocks."""

import difflib
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FRIT = os.path.abspath(os.environ.get("FRIT", os.path.join(ROOT, "build", "frit")))
TOUR = os.path.join(ROOT, "docs", "TOUR.md")
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
BLOCK = re.compile(r"^<!-- \$ (?P<command>[^\n]+) -->\n(?P<fence>```[a-z]*)\n(?P<text>.*?)^```$", re.M | re.S)
LIMIT_S = 60


def run(command, folder):
    """(what the command prints or None, None or what is wrong)."""
    environment = dict(os.environ, PATH=os.path.dirname(FRIT) + os.pathsep + os.environ["PATH"], ROOT=ROOT)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder, env=environment, capture_output=True, timeout=LIMIT_S, text=True, errors="replace",
    )
    if done.returncode != 0 or done.stderr:
        return None, f"exit status {done.returncode}; stderr:\n{done.stderr.rstrip()}"
    if not done.stdout.strip():
        return None, "it prints nothing"
    return done.stdout.rstrip("\n") + "\n", None


def check(block, folder):
    """(the block as it should be or None, None or what is wrong)."""
    printed, fault = run(block["command"], folder)
    if fault:
        return None, fault
    if printed != block["text"]:
        lines = difflib.unified_diff(block["text"].split("\n"), printed.split("\n"), "docs/TOUR.md", "printed", "", "", 2, "")
        fault = "\n".join(lines)
    return f"<!-- $ {block['command']} -->\n{block['fence']}\n{printed}```", fault


def main():
    if not os.access(FRIT, os.X_OK):
        print("skip: tour: build/frit is not built\n0 passed, 0 failed, 1 skipped")
        return 0
    with open(TOUR, encoding="utf-8") as f:
        text = f.read()
    bless = os.environ.get("FRIT_BLESS") == "1"
    faults = []
    blocks = list(BLOCK.finditer(text))
    if len(blocks) != len(FENCE.findall(text)):
        faults.append("a fenced block has no '<!-- $ COMMAND -->' on the line before it")
    with tempfile.TemporaryDirectory() as folder:
        for path in glob.glob(os.path.join(ROOT, "examples", "tour", "*")):
            shutil.copy(path, folder)
        for block in reversed(blocks):
            wanted, fault = check(block, folder)
            if fault and bless and wanted:
                text = text[: block.start()] + wanted + text[block.end() :]
                print(f"blessed the block of: {block['command']}")
            elif fault:
                faults.append(f"{block['command']}: {fault}")
    if bless:
        with open(TOUR, "w", encoding="utf-8") as f:
            f.write(text)
    for fault in faults:
        print(f"docs/TOUR.md: {fault}\n  rewrite the texts: ./dev bless tour")
    print(f"{len(blocks) + 1 - len(faults)} passed, {len(faults)} failed, 0 skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
