# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Extents of 0, for every operator and every place (tests/zero_cases.py): products over nothing are zeros, reductions
give their identity, everything else an empty tensor. Each case is compiled with the extent fixed, and with a symbol that
is 0 when it runs; memory and outputs hold garbage before.

    test_zero_extents.py [TEXT]...      only cases with TEXT in their names"""

import ctypes
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import artifact
import zero_cases

ROOT = pathlib.Path(__file__).resolve().parents[1]
FRIT = os.environ.get("FRIT", str(ROOT / "build/frit"))
LIMIT_S, OPSET, BATCH, ATOL = 300, 24, 60, 1e-5


@dataclasses.dataclass
class Form:
    range: str  # of what is 0; empty: the model declares 0, which says nothing of it
    flags: tuple = ()
    only_products: bool = False
    rtol: float = 1e-5
    step: int = 1  # of so many cases one


FORMS = {"fixed": Form("0"), "symbolic": Form("0..700", step=2), "short": Form("0..70", step=3), "unsaid": Form(""),
         "openblas": Form("0..700", ("--blas=openblas",), True), "bf16": Form("0..700", ("--precision=bf16",), True, 1e-2, 2),
         "oldest": Form("0..700", ("--cpu=x86-64-v2",), True, step=2)}
PRODUCTS = {"MatMul", "Gemm", "Einsum", "Attention", "Conv", "ConvTranspose", "MatMulInteger", "ConvInteger", "QLinearMatMul"}
SONAME = "libopenblas.so.0"
QUICK_STEP = 12  # of so many cases one, in a quick run


def onnx_type(x):
    return helper.np_dtype_to_tensor_dtype(np.dtype(x.dtype))


def symbol(name, axis):
    return f"{name}_{axis}"


def declared(name, x, is_unsaid):
    dims = [d or (0 if is_unsaid else symbol(name, i)) for i, d in enumerate(x.shape)]
    return helper.make_tensor_value_info(name, onnx_type(x), dims)


def ranges(cases, form):
    """--dim for every symbol."""
    named = [(f"c{i}_{name}", x) for i, case in enumerate(cases) for name, x in case.feeds.items() if FORMS[form].range]
    return [f"--dim={symbol(name, axis)}={FORMS[form].range}" for name, x in named for axis, d in enumerate(x.shape) if d == 0]


def merged(cases, form):
    """One model of several cases; the names of case i begin with ci_."""
    nodes, inputs, outputs, constants = [], [], [], []
    for i, case in enumerate(cases):
        at = f"c{i}_"
        for n in case.nodes:
            domain, _, op = n.op.rpartition(":")
            names = [x and at + x for x in n.ins], [at + y for y in n.outs]
            nodes.append(helper.make_node(op, *names, domain=domain, **n.attrs))
        inputs += [declared(at + name, x, not FORMS[form].range) for name, x in case.feeds.items()]
        constants += [numpy_helper.from_array(x, at + name) for name, x in case.consts.items()]
        outputs += [helper.make_tensor_value_info(f"{at}y{k}", onnx_type(w), None) for k, w in enumerate(case.wants)]
    model = helper.make_model(helper.make_graph(nodes, "zero", inputs, outputs, constants),
                              opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 11
    return model


def run(cases, form, folder):
    """What each case gives: lists of arrays."""
    onnx.save(merged(cases, form), folder / "m.onnx")
    name = f"m{len(list(folder.iterdir()))}.so"  # a library that is open stays what it is
    words = [FRIT, "compile", folder / "m.onnx", "-o", folder / name, *ranges(cases, form), *FORMS[form].flags]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode:
        raise artifact.Refused(done.stderr.strip()[-300:] or f"exit {done.returncode}")
    feeds = {f"c{i}_{name}": x for i, case in enumerate(cases) for name, x in case.feeds.items()}
    found = artifact.Model(folder / name).run(feeds)
    return [[found[f"c{i}_y{k}"] for k in range(len(case.wants))] for i, case in enumerate(cases)]


def difference(case, found, rtol):
    for k, (got, want) in enumerate(zip(found, case.wants)):
        if got.shape != want.shape or got.dtype != want.dtype:
            return f"y{k} is {got.dtype}{list(got.shape)}, not {want.dtype}{list(want.shape)}"
        if not np.allclose(got.astype(np.float64), want.astype(np.float64), rtol, ATOL, equal_nan=True):
            return f"y{k} is {got.ravel()[:4]}.., not {want.ravel()[:4]}.."
    return ""


def failures(cases, form, folder):
    """(case, what is wrong), trying the cases one by one where they do not compile together."""
    try:
        found = run(cases, form, folder)
    except artifact.Refused as why:
        if len(cases) == 1:
            return [(cases[0], str(why))]
        half = len(cases) // 2
        return failures(cases[:half], form, folder) + failures(cases[half:], form, folder)
    return [(case, text) for case, f in zip(cases, found) if (text := difference(case, f, FORMS[form].rtol))]


def ask_reference(case):
    """The reference evaluator's answer to a case that does not bring its own."""
    asked = dataclasses.replace(case, wants=[np.zeros(0, np.float32)])
    outputs = ReferenceEvaluator(merged([asked], "unsaid")).run(None, {f"c0_{k}": x for k, x in case.feeds.items()})
    return dataclasses.replace(case, wants=[np.asarray(y) for y in outputs])


def has_openblas():
    try:
        ctypes.CDLL(SONAME)
    except OSError:
        return False
    return True


def cases_of(form, number, cases):
    """Those that a form is for; where only some of them are run, other ones in each form."""
    step = 1 if sys.argv[1:] else QUICK_STEP if os.environ.get("QUICK") else form.step
    fit = [c for c in cases if not form.only_products or any(n.op in PRODUCTS for n in c.nodes)]
    return fit[number % step::step]


def main():
    if not os.access(FRIT, os.X_OK):
        print(f"skip: zero_extents: no {FRIT}\n0 passed, 0 failed, 1 skipped")
        return 0
    cases = [c for c in zero_cases.CASES if not sys.argv[1:] or any(t in c.name for t in sys.argv[1:])]
    cases = [c if c.wants else ask_reference(c) for c in cases]
    passed = failed = skipped = 0
    for number, (name, form) in enumerate(FORMS.items()):
        if name == "openblas" and not has_openblas():
            print(f"skip: zero_extents: {SONAME} is not there")
            skipped += 1
            continue
        chosen = cases_of(form, number, cases)
        with tempfile.TemporaryDirectory() as folder:
            for at in range(0, len(chosen), BATCH):
                some = chosen[at:at + BATCH]
                wrong = failures(some, name, pathlib.Path(folder))
                passed, failed = passed + len(some) - len(wrong), failed + len(wrong)
                for case, text in wrong:
                    print(f"{name}: {case.name}: {text}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
