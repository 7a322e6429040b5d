# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Feeds spoilt model files to frit: none may crash it, hang it, fill memory or leave a file behind.

    python tests/fuzz/mutate.py --frit build/frit [--count 10000] [--seed 0] [-j 2] [--only N] [--corpus DIR]

File number N of a seed is the same bytes everywhere (--only N makes and runs just that one). Each goes through
`frit compile` in a folder of its own, and every fourth through `frit info` as well; what compiles although it was
spoilt is run on the seed's own inputs. A failure's file is kept under build/fuzz/ with the command to repeat it. The
corpus is every small model of the ONNX backend suite (onnx_suite.py lays it out), the recorded encoders and the examples.
Exit 1 on: a signal, an exit code other than 0 and 1, a sanitizer's report, more time or memory than allowed, exit 1
without a message, an output where there was an error, any other file left.
"""

import argparse
import concurrent.futures
import pathlib
import shutil
import sys
import tempfile

import numpy as np
import onnx

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

import frit_proc
import mutations

LARGEST_SEED = 150_000
MEMORY_MIB = 6144


def corpus(folder):
    """(paths, bytes) of the seed files, in a fixed order."""
    if not (folder / "node").is_dir():
        sys.exit(f"mutate: no ONNX suite in {folder}: python tests/onnx_suite.py lay-out")
    files = [f for f in sorted(folder.glob("*/*/model.onnx")) if "/real/" not in str(f)]
    files += sorted((ROOT / "tests/models").glob("*.onnx")) + sorted((ROOT / "examples").glob("*/*.onnx"))
    files = [f for f in files if 0 < f.stat().st_size <= LARGEST_SEED]
    return files, [f.read_bytes() for f in files]


def make(seeds, seed, number):
    """File `number`: which seed it comes from, what was done, and its bytes."""
    return mutations.mutate(np.random.default_rng([seed, number]), seeds)


def inputs_of(path):
    """--input arguments with the inputs that the suite recorded for this seed."""
    arguments = []
    graph = onnx.load(path).graph
    for k, value in enumerate(graph.input):
        data = path.parent / "test_data_set_0" / f"input_{k}.pb"
        if data.exists():
            arguments += ["--input", f"{value.name}={data}"]
    return arguments


def complaint(ended, folder, before, out):
    """What was wrong with this run; empty when nothing was."""
    left = {p.name for p in folder.iterdir()} - before
    if ended.trouble:
        return ended.trouble
    if ended.code == 1 and not ended.err.strip():
        return "exit 1 without a message"
    if ended.code == 0 and out and out not in left:
        return "exit 0 without an output"
    if left - ({out} if ended.code == 0 else set()):
        return f"files left behind: {', '.join(sorted(left))}"
    return ""


def try_one(args, paths, seeds, number):
    """Runs file `number`; (mutation, exit code of compile, complaint, last of stderr)."""
    which, what, data = make(seeds, args.seed, number)
    with tempfile.TemporaryDirectory(prefix="frit-fuzz-") as name:
        folder = pathlib.Path(name)
        (folder / "model.onnx").write_bytes(data)
        runs = [(["compile", "model.onnx", "-o", "out.so"], "out.so")]
        if number % 4 == 0:
            runs.insert(0, (["info", "model.onnx"], ""))
        for argv, out in runs:
            ended = frit_proc.run([str(args.frit), *argv], args.seconds, MEMORY_MIB, cwd=folder)
            wrong = complaint(ended, folder, {"model.onnx"}, out)
            if wrong:
                keep(args, number, data)
                return what, ended.code, f"{argv[0]}: {wrong}", ended.err.strip()[-600:]
        if ended.code == 0:
            (folder / "outputs").mkdir()
            argv = [str(args.frit), "run", "out.so", *inputs_of(paths[which]), "--output-dir", "outputs"]
            # 2: an input was made a constant, so that its name is no input's any more
            run = frit_proc.run(argv, args.seconds, MEMORY_MIB, cwd=folder, allowed=(0, 1, 2))
            if run.trouble:
                keep(args, number, data)
                return what, run.code, f"run: {run.trouble}", run.err.strip()[-600:]
    return what, ended.code, "", ""


def keep(args, number, data):
    args.failures.mkdir(parents=True, exist_ok=True)
    (args.failures / f"{args.seed}-{number}.onnx").write_bytes(data)


def parse():
    parser = argparse.ArgumentParser(description="feed spoilt model files to frit")
    parser.add_argument("--frit", type=pathlib.Path, default=ROOT / "build/frit")
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT / "build/cache/onnx_suite")
    parser.add_argument("--failures", type=pathlib.Path, default=ROOT / "build/fuzz")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="run this one file")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("-j", type=int, default=2)
    return parser.parse_args()


def main():
    args = parse()
    args.frit = args.frit.resolve()
    if not shutil.which(args.frit):
        sys.exit(f"mutate: no command {args.frit}")
    paths, seeds = corpus(args.corpus)
    numbers = [args.only] if args.only is not None else range(args.first, args.first + args.count)
    accepted = refused = 0
    failures = {}
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        tried = pool.map(lambda n: (n, *try_one(args, paths, seeds, n)), numbers)
        for number, what, code, wrong, text in tried:
            accepted += code == 0 and not wrong
            refused += code == 1 and not wrong
            if wrong:
                failures.setdefault(wrong, []).append(number)
                print(f"FAIL {number} ({what}): {wrong}\n  {text}\n  repeat: python tests/fuzz/mutate.py --frit {args.frit} "
                      f"--seed {args.seed} --only {number}   (file {args.failures}/{args.seed}-{number}.onnx)", flush=True)
    for wrong, where in sorted(failures.items()):
        print(f"{len(where):6}  {wrong}  e.g. {where[:5]}")
    failed = sum(map(len, failures.values()))
    print(f"{len(numbers)} files from {len(seeds)} seeds: {accepted} compiled, {refused} refused, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
