# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whether time depends on what memory holds that nobody has written: ResNet-18 with its weights as inputs, one thread, on
zeroed context memory and on memory full of subnormal numbers, signalling NaNs and 0xFF, taking turns in one process. Scratch
and arena are filled anew before each run; outputs are compared bit by bit.

    bench_memory.py [--rounds N] [--cpu NAME]

Needs numpy and onnx. The command in FRIT is measured, build/frit by default; run through the command in FRIT_BENCH_WRAP when
that is set.
"""

import argparse
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "models"))
import artifact  # noqa: E402
import resnet18  # noqa: E402

FRIT = pathlib.Path(os.environ.get("FRIT", HERE.parent / "build/frit"))
WORDS = {"zeros": 0, "subnormals": 1, "signalling NaNs": 0x7F817F81, "0xFF": 0xFFFFFFFF}
SHOWN_MS = 1e3


def measure(model, inputs, rounds):
    """Milliseconds that the thread worked in every run, by what memory holds."""
    contexts = {name: model.context(inputs, 1, own_memory=True) for name in WORDS}
    times, want = {name: [] for name in WORDS}, None
    for turn in range(rounds + 1):
        for name, context in contexts.items():
            context.fill(WORDS[name])
            start = time.thread_time()
            context.run()
            if turn:
                times[name].append((time.thread_time() - start) * SHOWN_MS)
            got = [array.tobytes() for array in context.outputs.values()]
            want = want or got
            if got != want:
                sys.exit(f"outputs on {name} are not those on zeros")
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--cpu", default="native")
    options = parser.parse_args()
    if "FRIT_BENCH_WRAP" in os.environ and "FRIT_BENCH_WRAPPED" not in os.environ:
        wrap = shlex.split(os.environ["FRIT_BENCH_WRAP"])
        return subprocess.call([*wrap, sys.executable, *sys.argv], env={**os.environ, "FRIT_BENCH_WRAPPED": "1"})
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work) / "resnet18.onnx"
        inputs = resnet18.write(path)
        subprocess.run([FRIT, "compile", path, "-o", path.with_suffix(".so"), "--cpu", options.cpu], check=True)
        times = measure(artifact.Model(path.with_suffix(".so")), inputs, options.rounds)
    zeros = times["zeros"]
    print(f"{'memory holds':<16} {'least':>8} {'median':>8}  of zeros: median of ratios, turn by turn")
    for name, ms in times.items():
        ratio = statistics.median(a / b for a, b in zip(ms, zeros, strict=True))
        print(f"{name:<16} {min(ms):8.2f} {statistics.median(ms):8.2f}  {ratio:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
