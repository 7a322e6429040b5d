# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Outputs whose extents data decides get room for every count, also where fewer elements counted give a longer output. Each
model runs through the C interface for every count, with zones around its outputs that show writes outside of them."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FRIT = os.environ.get("FRIT", str(HERE.parent / "build/frit"))
sys.path.insert(0, str(HERE / "fuzz"))

try:
    import numpy as np
    import onnx
    import onnx.parser
except ImportError:
    print("skip: counted outputs: needs the packages of tests/requirements.txt\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)

import artifact

HEAD = '<ir_version: 8, opset_import: ["" : 18]>\n'


def sliced(start, end, step):
    """The positions of what is not zero, cut by start, end and step."""
    text = f"""m (int64[N] x) => (int64[?,?] y)
<int64[1] s = {{{start}}}, int64[1] e = {{{end}}}, int64[1] a = {{1}}, int64[1] d = {{{step}}}> {{
    found = NonZero (x)
    y = Slice (found, s, e, a, d)
}}"""
    return text, lambda x: np.stack(np.nonzero(x))[:, start:end:step]


def others(x):
    """What is zero, counted as what is left: N less the others."""
    return np.ones(len(x) - np.count_nonzero(x), np.float32)


LEFT = """m (int64[N] x) => (float[?] y) <int64[1] zero = {0}, int64[1] one = {1}> {
    found = NonZero (x)
    all = Shape (x)
    shape = Shape (found)
    few = Gather <axis = 0> (shape, one)
    left = Sub (all, few)
    y = ConstantOfShape <value = float[1] {1}> (left)
}"""

NO_TURNS = """m (int64[N] x) => (float[?,?] y) <int64 none = {0}, bool yes = {1}, float[1,3] zero = {0, 0, 0}> {
    last, rows = Loop (none, yes, zero) <body = b (int64 i, bool c, float[1,3] s) => (bool c1, float[1,3] t, float[3] row) {
        c1 = Identity (c)
        t = Add (s, s)
        row = ReduceSum <keepdims = 0> (t, axis)
    }>
    y = Concat <axis = 0> (rows, last)
}""".replace("bool yes", "int64[1] axis = {0}, bool yes")

# Rows that a loop collects until data ends it, seen with their number as another axis.
TURNED = """m (int64[N] x) => (float[?,?,?] y)
<int64[1] axis = {0}, bool yes = {1}, float[2,3] zero = {0, 0, 0, 1, 2, 3}, float one = {1}> {
    total = ReduceSum <keepdims = 0> (x, axis)
    last, rows = Loop (total, yes, zero) <body = b (int64 i, bool c, float[2,3] s) => (bool c1, float[2,3] t, float[2,3] row) {
        c1 = Identity (c)
        t = Add (s, one)
        row = Mul (t, t)
    }>
    y = Transpose <perm = [1, 0, 2]> (rows)
}"""


def turned(x):
    first = np.array([[0, 0, 0], [1, 2, 3]], np.float32)
    rows = [(first + 1 + i) ** 2 for i in range(int(x.sum()))]
    return np.stack(rows, 1) if rows else np.zeros((2, 0, 3), np.float32)


CASES = {"collected_then_turned": (TURNED, turned), "loop_of_no_turns": (NO_TURNS, lambda x: np.zeros((1, 3), np.float32)), "what_is_left": (LEFT, others),
         "slice_0_-2_-2": sliced(0, -2, -2), "slice_1_-3_-1": sliced(1, -3, -1), "slice_0_2_1": sliced(0, 2, 1),
         "slice_-2_end_1": sliced(-2, 1 << 40, 1)}


def check(folder, name, text, wanted):
    model = onnx.parser.parse_model(HEAD + text)
    onnx.save(model, folder / f"{name}.onnx")
    so = folder / f"{name}.so"
    subprocess.run([FRIT, "compile", folder / f"{name}.onnx", "-o", so], check=True, timeout=120)
    a = artifact.Artifact(so)
    for n in range(1, 8):
        for count in range(n + 1):
            x = np.array([k < count for k in range(n)], np.int64)
            (got,) = a.run({"x": x}, "ones", 1)
            if got.shape != wanted(x).shape or not np.array_equal(got, wanted(x)):
                return f"{count} of {n} are not zero: {got.tolist()} instead of {wanted(x).tolist()}"
    return ""


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, (text, wanted) in CASES.items():
            try:
                wrong = check(pathlib.Path(folder), name, text, wanted)
            except (artifact.Refused, artifact.Overrun) as error:
                wrong = str(error)
            if wrong:
                failed += 1
                print(f"FAIL {name}: {wrong}")
    print(f"{len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
