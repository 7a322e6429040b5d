# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python3 check.py [--seconds N] [--jobs N] [--only TEXT]: runs every case of this folder on the GPU and compares values, then all of them
under compute-sanitizer: memcheck, racecheck, initcheck, synccheck, as many cases as the time allows. A folder of tests/gpu/prepare.sh;
needs a C compiler, the driver and, for the second part, compute-sanitizer.

A process per job works through every jobs-th case. A fault of the GPU ends a process; the next one goes on behind that case."""

import argparse
import collections
import glob
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
SOURCES = ("tests/gpu/gpu_check.c", "runtime/cuda_api.c", "ir/op/dtype.c", "base/float.c")


def build(program):
    subprocess.run([os.environ.get("CC", "cc"), "-O1", "-std=gnu17", "-D_GNU_SOURCE", "-I.", "-Iinclude", *SOURCES, "-ldl", "-lm",
                    "-o", str(program)], cwd=HERE, check=True)


class Tally:
    """What the jobs of one run found."""

    def __init__(self):
        self.lock = threading.Lock()
        self.ok = collections.Counter()
        self.bad = {}       # "GROUP CASE" -> what went wrong first
        self.reports = {}   # "GROUP CASE" -> the sanitizer's first lines
        self.n_reports = 0  # errors and hazards
        self.problems = []  # of the run itself

    def read(self, lines):
        """Takes the output of one process; returns the case it was at last."""
        at = "start of a process"
        for line in lines:
            words = line.split(maxsplit=3)
            if line.startswith("case "):
                at = " ".join(words[1:3])
            elif line.startswith("ok "):
                self.ok[words[1]] += 1
            elif line.startswith("BAD "):
                self.bad.setdefault(" ".join(words[1:3]).rstrip(":"), line.strip())
            elif "SUMMARY:" in line:
                self.n_reports += sum(int(w) for w in line.split("SUMMARY:")[1].split()[:1])
            elif line.startswith("=========") and "COMPUTE-SANITIZER" not in line:
                self.reports.setdefault(at, []).append(line.strip())
        return at


def work(tally, command, listing, shard, jobs, is_sanitized, deadline):
    """One job: processes until the list's end."""
    start = 0
    with tempfile.NamedTemporaryFile("r") as progress:
        while True:
            limit = deadline - time.monotonic()
            if limit < 1:
                return
            try:
                done = subprocess.run([*command, str(listing), str(shard), str(jobs), str(start), progress.name],
                                      capture_output=True, text=True, errors="replace", timeout=limit)
                out, code = done.stdout + done.stderr, done.returncode
            except subprocess.TimeoutExpired as late:
                out, code = (late.stdout or b"").decode(errors="replace"), None
            with tally.lock:
                at = tally.read(out.splitlines())
                progress.seek(0)
                reached = progress.read().strip()
                if code is None:
                    return
                if is_sanitized and "SUMMARY:" not in out:
                    tally.problems.append(f"{at}: the sanitizer gave no summary (exit {code}): {out[-300:]}")
                if reached != "end" and code != 3:
                    tally.bad.setdefault(at, f"BAD {at}: the process ended with {code}: {out[-300:]}")
                if not reached.isdigit() and reached != "end":
                    tally.problems.append(f"a process did not start: {out[-300:]}")
                    return
            if reached == "end":
                return
            start = int(reached) + 1


def run(command, listing, jobs, deadline, is_sanitized):
    tally = Tally()
    threads = [threading.Thread(target=work, args=(tally, command, listing, k, jobs, is_sanitized, deadline)) for k in range(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return tally


def find_sanitizer():
    found = shutil.which("compute-sanitizer")
    return found or next(iter(sorted(glob.glob("/usr/local/cuda*/bin/compute-sanitizer"))), None)


def digest():
    """Of all kernels' texts and all plans; and whether the artifacts are those that were packed."""
    lines = sorted((HERE / "digests.txt").read_text().splitlines())
    for line in (HERE / "files.sha256").read_text().splitlines():
        want, name = line.split()
        if hashlib.sha256((HERE / name).read_bytes()).hexdigest() != want:
            sys.exit(f"{name} is not what was packed")
    kinds = collections.Counter(line.split()[1] for line in lines)
    text = "".join(line + "\n" for line in lines)
    return f"{hashlib.sha256(text.encode()).hexdigest()} ({kinds['kernel']} kernels, {kinds['plan']} plans)"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=230)
    parser.add_argument("--jobs", type=int, default=min(8, os.cpu_count() or 1))
    parser.add_argument("--only", default="", help="cases whose line in list.txt contains this")
    parser.add_argument("--no-sanitizer", action="store_true")
    args = parser.parse_args()
    began = time.monotonic()
    deadline = began + args.seconds
    print("digest of texts and plans:", digest(), flush=True)
    if shutil.which("nvidia-smi"):
        subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], check=False)
    scratch = pathlib.Path(tempfile.mkdtemp())
    program, listing = scratch / "gpu_check", scratch / "list.txt"
    build(program)
    for name in {line.split()[k] for line in (HERE / "list.txt").read_text().splitlines() for k in (1, 2)}:
        (scratch / name).symlink_to(HERE / name)
    cases = [line for line in (HERE / "list.txt").read_text().splitlines() if args.only in line]
    listing.write_text("\n".join(cases) + "\n")
    groups = collections.Counter(line.split()[0] for line in cases)

    tally = run([str(program)], listing, args.jobs, deadline, False)
    n_bad = len(tally.bad) + len(tally.problems)
    for group, n in groups.items():
        print(f"values, {group}: {tally.ok[group]} of {n} right")
    print(f"values: {sum(tally.ok.values())} of {len(cases)} cases right, {len(tally.bad)} wrong, {time.monotonic() - began:.0f} s")
    for text in [*tally.bad.values(), *tally.problems]:
        print("  " + text)
    failed = n_bad > 0 or sum(tally.ok.values()) != len(cases)
    sanitizer = None if args.no_sanitizer else find_sanitizer()
    if not sanitizer:
        print("skip: no compute-sanitizer")
    for tool in TOOLS if sanitizer else ():
        start = time.monotonic()
        tally = run([sanitizer, "--tool", tool, str(program)], listing, args.jobs, deadline, True)
        n = sum(tally.ok.values()) + len(tally.bad)
        wrong = len(tally.bad) + len(tally.problems)
        failed = failed or wrong > 0 or tally.n_reports > 0
        print(f"{tool}: {tally.n_reports} errors or hazards in {n} of {len(cases)} cases, {len(tally.bad)} wrong, "
              f"{time.monotonic() - start:.0f} s", flush=True)
        for name, lines in sorted(tally.reports.items()):
            if tally.n_reports:
                print(f"  {name}:")
                for line in lines[:6]:
                    print("    " + line)
        for text in [*tally.bad.values(), *tally.problems]:
            print("  " + text)
    shutil.rmtree(scratch)
    print(f"{'FAILED' if failed else 'all well'}, {time.monotonic() - began:.0f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main())
