# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles recorded models with frit, runs every case from the one .so, and judges the error against double precision.

    python bench/compare_models.py [--frit build/frit] [--compile-flag=FLAG]... [CASES.json ...]

A case file (bench/models/references.py says what is in it) names models, inputs and the double-precision answer, with
ONNX Runtime's own f32 error beside it. frit's error, in ulps of the largest output, may be at most twice that plus 4.
Needs numpy only. Default: the case files of tests/models, and those of build/models where they have been made.
Exit 1 when a model does not compile, does not run or errs too much.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
SECONDS = 600


def ulps(value, reference):
    """Largest difference in f32 ulps of the largest reference value; infinite where shapes or NaNs disagree."""
    if value.shape != reference.shape or np.isnan(value).any():
        return float("inf")
    return float(np.abs(value.astype(np.float64) - reference).max() / np.spacing(np.float32(np.abs(reference).max())))


def frit(argv):
    """Runs a frit command; returns its seconds; raises with its message when it fails."""
    start = time.perf_counter()
    ended = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=SECONDS)
    if ended.returncode != 0:
        raise RuntimeError(f"{argv[1]}: exit {ended.returncode}: {ended.stderr.strip()[-300:]}")
    return time.perf_counter() - start


def run_frit(command, so, inputs, names, work):
    """The named outputs of one run of the artifact."""
    given = []
    for k, (name, value) in enumerate(inputs.items()):
        np.save(work / f"input_{k}.npy", np.asarray(value, order="C"))
        given += ["--input", f"{name}={work / f'input_{k}.npy'}"]
    frit([command, "run", so, *given, "--output-dir", work])
    return [np.load(work / (re.sub(r"[^A-Za-z0-9._-]", "_", name) + ".npy")) for name in names]


def run_case(run, output, folder, case):
    """What run(inputs, names) answers in one case and the reference, both cut to the case's rows."""
    rows = slice(case.get("rows"))
    inputs = {name: np.load(folder / file)[rows] for name, file in case["inputs"].items()}
    reference = np.load(folder / case["reference"])[rows]
    if "carry" not in case:
        return run(inputs, [output])[0], reference
    state, values = {name: np.load(folder / file) for name, file in case["first"].items()}, []
    for k in range(len(reference)):
        step = {name: value[k] for name, value in inputs.items()}
        answers = run({**step, **state}, [output, *case["carry"].values()])
        values.append(answers[0])
        state = dict(zip(case["carry"], answers[1:]))
    return np.stack(values), reference


def told(facts, work):
    """Flags for the dims and constants that the case file tells a compile."""
    flags = [f"--dim={name}={value}" for name, value in facts.get("dims", {}).items()]
    for name, value in facts.get("consts", {}).items():
        np.save(work / f"const_{name}.npy", np.array(value, np.int64))
        flags.append(f"--const={name}={work / f'const_{name}.npy'}")
    return flags


def compare(command, flags, path, model, facts, work):
    """One model over all its cases; prints a line each; returns how many failed."""
    name = pathlib.Path(model).stem
    so = work / f"{name}.so"
    try:
        seconds = frit([command, "compile", path.parent / model, "-o", so, *flags, *told(facts, work)])
        print(f"{name}: compiled in {seconds:.2f} s, {so.stat().st_size / 1e6:.2f} MB")
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"{name}: FAIL {error}")
        return len(facts["cases"])
    failed = 0

    def run(inputs, names):
        left = {name: value for name, value in inputs.items() if name not in facts.get("consts", {})}
        return run_frit(command, so, left, names, work)

    for label, case in facts["cases"].items():
        theirs = facts["onnxruntime_ulps"][model][label]
        limit = 2 * theirs + 4
        try:
            ours = ulps(*run_case(run, facts["output"], path.parent, case))
            good = ours <= limit
            print(f"  {label:12} frit {ours:9.3f} ulp   onnxruntime {theirs:7.3f}   limit {limit:7.3f}   "
                  f"{'ok' if good else 'FAIL'}")
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            good = False
            print(f"  {label:12} FAIL {error}")
        failed += not good
    return failed


def main():
    parser = argparse.ArgumentParser(description="frit's error on recorded models, beside ONNX Runtime's")
    parser.add_argument("--frit", type=pathlib.Path, default=ROOT / "build/frit")
    parser.add_argument("--compile-flag", action="append", default=[])
    parser.add_argument("cases", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    paths = args.cases or sorted((ROOT / "tests/models").glob("*.json")) + sorted((ROOT / "build/models").glob("*.json"))
    failed = 0
    with tempfile.TemporaryDirectory() as work:
        for path in paths:
            facts = json.loads(path.read_text())
            if "onnxruntime_ulps" not in facts: # quantised: bench_peers.py looks at those
                continue
            for model in facts["models"]:
                failed += compare(args.frit.resolve(), args.compile_flag, path, model, facts, pathlib.Path(work))
    print("every model within its limit" if not failed else f"{failed} cases failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
