# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sizes that meet only when a model runs: two symbols that broadcast may be equal, or one of them 1. Each form is an ONNX
model with a symbol for every size, compiled once and run at several sizes against the ONNX reference evaluator; sizes that
do not broadcast are refused with one sentence. Needs the packages of tests/requirements.txt."""

import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator
except ImportError:
    onnx = None

HERE = pathlib.Path(__file__).resolve().parent
FRIT = os.environ.get("FRIT", str(HERE.parent / "build/frit"))
LIMIT_S = 120
F, I, B = 1, 7, 9  # FLOAT, INT64 and BOOL of TensorProto.DataType
PAIRS = [(4, 4), (1, 5), (5, 1), (1, 1), (7, 7)]  # n, m
EMPTY = [(0, 1), (1, 0), (0, 0)]
REFUSED = [(3, 5), (5, 3), (0, 5), (5, 0)]


def node(op, *inputs, out="y", **attrs):
    return helper.make_node(op, list(inputs), [out] if isinstance(out, str) else list(out), **attrs)


def const(name, values, dtype=None):
    return numpy_helper.from_array(np.array(values, dtype or np.int64), name)


# --- the forms: name -> (inputs as name, type, dims; nodes; constants). Sizes n and m meet in each of them. ---


def expand_as():
    """What PyTorch's exporter writes for x.expand_as(y)."""
    return [
        node("Shape", "b", out="s"),
        node("ConstantOfShape", "two", out="ones", value=const("", [1])),
        node("Mul", "ones", "minus", out="none"),
        node("Equal", "s", "none", out="is_none"),
        node("Where", "is_none", "ones", "s", out="t"),
        node("Expand", "a", "t"),
    ]


A, C = ("a", F, ["n", 3]), ("b", F, ["m", 3])


def forms():
    two = [A, C]
    pairs = {
        "expand_shape": (two, [node("Shape", "b", out="s"), node("Expand", "a", "s")], []),
        "expand_as": (two, expand_as(), [const("two", [2]), const("minus", -1)]),
        "expand_new_axis": (
            [A, ("b", F, [2, "m", 3])],
            [node("Shape", "b", out="s"), node("Expand", "a", "s")],
            [],
        ),
        "expand_behind_reduction": (
            [("a", F, ["n", 6]), C],
            [node("Shape", "b", out="s"), node("ReduceMax", "a", "one", out="r"), node("Expand", "r", "s")],
            [const("one", [1])],
        ),
        "expand_then_reduce": (
            two,
            [node("Shape", "b", out="s"), node("Expand", "a", "s", out="e"), node("ReduceSum", "e", "axis", keepdims=0)],
            [const("axis", [0])],
        ),
        "expand_of_sum": (
            two,
            [
                node("Add", "a", "b", out="c"),
                node("Shape", "c", out="s"),
                node("Expand", "a", "s", out="e"),
                node("Mul", "e", "b"),
            ],
            [],
        ),
        "add_chain": (
            two,
            [node("Mul", "a", "b", out="c"), node("Add", "c", "a", out="d"), node("Sub", "b", "d"),],
            [],
        ),
        "add_shared_axis": (
            [("a", F, ["n", "m"]), ("b", F, ["m", "n"])],
            [node("Add", "a", "b")],
            [],
        ),
        "add_inner": ([("a", F, [3, "n"]), ("b", F, [3, "m"])], [node("Add", "a", "b")], []),
        "add_new_axis": ([("a", F, ["n"]), ("b", F, [2, "m"])], [node("Add", "a", "b")], []),
        "where": (
            [("c", B, ["n", 3]), ("a", F, ["m", 1]), ("b", F, ["n", 3])],
            [node("Where", "c", "a", "b")],
            [],
        ),
        "where_of_three": (
            [("c", B, ["k", 3]), ("a", F, ["n", 3]), ("b", F, ["m", 3])],
            [node("Where", "c", "a", "b")],
            [],
        ),
        "less": (two, [node("Less", "a", "b")], []),
        "prelu": ([("a", F, ["n", 3]), ("b", F, ["m", 1])], [node("PRelu", "a", "b")], []),
        "mean_of_three": ([A, C, ("c", F, ["k", 1])], [node("Mean", "a", "b", "c")], []),
        "max_of_three": ([("c", F, [1, 3]), A, C], [node("Max", "c", "a", "b")], []),
        "matmul_batch": (
            [("a", F, ["n", 2, 4]), ("b", F, ["m", 4, 3])],
            [node("MatMul", "a", "b")],
            [],
        ),
        "matmul_two_batches": (
            [("a", F, ["n", "k", 2, 4]), ("b", F, ["m", 1, 4, 3])],
            [node("MatMul", "a", "b")],
            [],
        ),
        "einsum_ellipsis": (
            [("a", F, ["n", 2, 4]), ("b", F, ["m", 4, 3])],
            [node("Einsum", "a", "b", equation="...ij,...jk->...ik")],
            [],
        ),
        "attention_mask": (
            [("q", F, ["n", 2, 3, 8]), ("k", F, ["n", 2, 5, 8]), ("v", F, ["n", 2, 5, 8]), ("b", F, ["m", 1, 3, 5])],
            [
                node("Transpose", "k", out="kt", perm=[0, 1, 3, 2]),
                node("MatMul", "q", "kt", out="s"),
                node("Add", "s", "b", out="z"),
                node("Softmax", "z", out="p", axis=-1),
                node("MatMul", "p", "v"),
            ],
            [],
        ),
        "attention_key_mask": (
            [("q", F, [2, 2, 3, 8]), ("k", F, [2, 2, "n", 8]), ("v", F, [2, 2, "n", 8]), ("b", F, [2, 1, 1, "m"])],
            [
                node("Transpose", "k", out="kt", perm=[0, 1, 3, 2]),
                node("MatMul", "q", "kt", out="s"),
                node("Add", "s", "b", out="z"),
                node("ReduceMax", "z", "last"),
            ],
            [const("last", [3])],
        ),
        "conv_then_add": (
            [("a", F, ["n", 3, 6, 6]), ("b", F, ["m", 4, 6, 6])],
            [node("Conv", "a", "w", out="c", pads=[1, 1, 1, 1]), node("Add", "c", "b", out="d"), node("Relu", "d")],
            [const("w", np.arange(108).reshape(4, 3, 3, 3) % 7 / 8, np.float32)],
        ),
        "layer_norm_of_sum": (
            [("a", F, ["n", 3, 16]), ("b", F, ["m", 1, 16])],
            [node("Add", "a", "b", out="c"), node("LayerNormalization", "c", "w", axis=-1)],
            [const("w", np.arange(16) / 8, np.float32)],
        ),
        "sum_reduced": (
            two,
            [node("Add", "a", "b", out="c"), node("ReduceMean", "c", "axis", keepdims=0)],
            [const("axis", [0])],
        ),
        "softmax_over_it": (
            [("a", F, [2, "n"]), ("b", F, [2, "m"])],
            [node("Add", "a", "b", out="c"), node("Softmax", "c", axis=-1)],
            [],
        ),
        "cumsum_of_sum": (two, [node("Add", "a", "b", out="c"), node("CumSum", "c", "zero")], [const("zero", 0)]),
        "concat_of_sum": (two, [node("Add", "a", "b", out="c"), node("Concat", "c", "b", "a", axis=0)], []),
        "slice_of_sum": (
            two,
            [node("Add", "a", "b", out="c"), node("Slice", "c", "from", "to")],
            [const("from", [0]), const("to", [-1])],
        ),
        "flat_sum": (two, [node("Add", "a", "b", out="c"), node("Reshape", "c", "flat")], [const("flat", [-1])]),
        "gather_from_sum": (
            [("a", F, ["n", 1]), ("b", F, ["m", 3])],
            [node("Add", "a", "b", out="c"), node("Gather", "c", "at", axis=1)],
            [const("at", [2, 0])],
        ),
        "shape_of_sum": (two, [node("Add", "a", "b", out="c"), node("Shape", "c")], []),
        "integers": ([("a", I, ["n", 3]), ("b", I, ["m", 3])], [node("Add", "a", "b")], []),
    }
    five = {
        "add_five": ([A, ("b", F, [5, 3])], [node("Add", "a", "b")], []),
        "add_five_constants": (
            [A],
            [node("Add", "a", "w")],
            [const("w", np.arange(15).reshape(5, 3) / 8, np.float32)],
        ),
        "expand_five": ([A], [node("Expand", "a", "s")], [const("s", [5, 3])]),
        "matmul_five": (
            [("a", F, ["n", 2, 4])],
            [node("MatMul", "a", "w")],
            [const("w", np.arange(60).reshape(5, 4, 3) % 7 / 8, np.float32)],
        ),
    }
    sums = {
        "decode_mask": (
            [("past", F, ["p", 3]), ("x", F, ["s", 3]), ("mask", F, ["t", 1])],
            [node("Concat", "past", "x", out="k", axis=0), node("Mul", "k", "mask")],
            [],
        ),
    }
    bias = {
        "gemm_bias": (
            [("a", F, ["n", 4]), ("b", F, ["m", 3])],
            [node("Gemm", "a", "w", "b")],
            [const("w", np.arange(12).reshape(4, 3) / 8, np.float32)],
        ),
    }
    most = {
        "expand_to_max": (
            two,
            [
                node("Shape", "a", out="sa"),
                node("Shape", "b", out="sb"),
                node("Max", "sa", "sb", out="s"),
                node("Expand", "a", "s"),
            ],
            [],
        ),
    }
    return pairs, five, sums, bias, most


# --- running ---


def model_of(form):
    inputs, nodes, constants = form
    infos = [helper.make_tensor_value_info(name, t, dims) for name, t, dims in inputs]
    graph = helper.make_graph(nodes, "g", infos, [helper.make_empty_tensor_value_info("y")], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 8
    return model


def values(form, sizes):
    rng = np.random.default_rng(1)
    found = {}
    for name, t, dims in form[0]:
        x = rng.standard_normal([d if isinstance(d, int) else sizes[d] for d in dims])
        found[name] = x > 0 if t == B else (x * 8).astype(np.int64) if t == I else x.astype(np.float32)
    return found


def symbols_of(form):
    return sorted({d for _, _, dims in form[0] for d in dims if isinstance(d, str)})


def frit(*words):
    done = subprocess.run([FRIT, *map(str, words)], capture_output=True, text=True, timeout=LIMIT_S, errors="replace",
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr.strip()


def run_artifact(folder, artifact, inputs):
    """y, or the sentence of the refusal."""
    words = []
    for name, x in inputs.items():
        np.save(folder / f"{name}.npy", x)
        words.append(f"--input={name}={folder / name}.npy")
    code, said = frit("run", artifact, *words, f"--output-dir={folder}", "--threads=2")
    return np.load(folder / "y.npy") if code == 0 else said


class Fault(Exception):
    pass


def compare(got, want, sizes):
    if isinstance(got, str):
        raise Fault(f"{sizes}: refused: {got}")
    if got.shape != want.shape or got.dtype != want.dtype:
        raise Fault(f"{sizes}: {got.dtype}{list(got.shape)}, should be {want.dtype}{list(want.shape)}")
    if not np.allclose(got, want, rtol=1e-5, atol=1e-5, equal_nan=True):
        raise Fault(f"{sizes}: {np.max(np.abs(got.astype(float) - want.astype(float)))} off")


def compiled(folder, model, name, *options):
    path, artifact = folder / "m.onnx", folder / f"{name}.so"
    onnx.save(model, path)
    code, said = frit("compile", path, "-o", artifact, *options)
    if code:
        raise Fault(f"compile: {said}")
    return artifact


def try_sizes(folder, form, all_sizes, options, wants):
    """wants: what NumPy would say of these sizes, as a dict of the sizes -> y; the reference evaluator otherwise."""
    model = model_of(form)
    artifact = compiled(folder, model, "m", *options)
    evaluator = ReferenceEvaluator(model)
    for sizes in all_sizes:
        inputs = values(form, sizes)
        want = wants(inputs) if wants else evaluator.run(None, inputs)[0]
        compare(run_artifact(folder, artifact, inputs), want, sizes)
    return artifact


def refuse_sizes(folder, form, artifact, all_sizes):
    for sizes in all_sizes:
        said = run_artifact(folder, artifact, values(form, sizes))
        if not isinstance(said, str):
            raise Fault(f"{sizes}: gave {list(said.shape)}, should be refused")
        if "do not broadcast: they must be equal or" not in said or "\n" in said:
            raise Fault(f"{sizes}: said {said}")


def ranges(form, lo):
    return [f"--dim={s}={lo}..64" for s in symbols_of(form)]


def sizes_of(form, pairs):
    """The pairs as sizes of n and m; k goes with n, then is 1."""
    some = [{"n": n, "m": m, "k": k} for n, m in pairs for k in ({n, 1} if "k" in symbols_of(form) else {1})]
    return [s for s in some if len({v for v in s.values() if v != 1}) <= 1]


def by_numpy(form):
    """The mean by NumPy: the reference evaluator's adds in place. None for other operators."""
    return (lambda x: (x["a"] + x["b"] + x["c"]) / np.float32(3)) if form[1][0].op_type == "Mean" else None


def check_pairs(folder, form):
    wants = by_numpy(form)
    try_sizes(folder, form, sizes_of(form, PAIRS), [], wants)
    has_conv = form[1][0].op_type == "Conv"  # which the reference evaluator has not over nothing
    some = PAIRS if has_conv else PAIRS + EMPTY
    artifact = try_sizes(folder, form, sizes_of(form, some), ranges(form, 0) + ["--checked"], wants)
    refuse_sizes(folder, form, artifact, [{"n": n, "m": m, "k": 1} for n, m in REFUSED])


def check_bias(folder, form):
    """m is n or 1: what is added does not stretch the product."""
    artifact = try_sizes(folder, form, [{"n": n, "m": m} for n, m in ((4, 4), (5, 1), (1, 1))], ["--checked"], None)
    refuse_sizes(folder, form, artifact, [{"n": 1, "m": 5}, {"n": 3, "m": 5}])


def check_most(folder, form):
    """The target is the greater of both, whatever the other is."""
    artifact = try_sizes(folder, form, sizes_of(form, PAIRS) + [{"n": 5, "m": 3}], ["--checked"], None)
    refuse_sizes(folder, form, artifact, [{"n": 3, "m": 5}])
    try_sizes(folder, form, sizes_of(form, PAIRS + EMPTY) + [{"n": 5, "m": 0}], ranges(form, 0) + ["--checked"], None)


def check_five(folder, form):
    artifact = try_sizes(folder, form, [{"n": 5}, {"n": 1}], ["--checked"], None)
    said = run_artifact(folder, artifact, values(form, {"n": 3}))
    if not isinstance(said, str) or "do not broadcast" not in said:
        raise Fault(f"n = 3: {said}")


def check_sums(folder, form):
    sizes = [{"p": 3, "s": 1, "t": 4}, {"p": 3, "s": 2, "t": 1}, {"p": 2, "s": 4, "t": 6}]
    artifact = try_sizes(folder, form, sizes, ["--checked"], None)
    refuse_sizes(folder, form, artifact, [{"p": 3, "s": 1, "t": 5}])


# --- sizes that an input's elements give ---


def check_size_input(folder, _):
    model = model_of(([("a", F, ["n", 3]), ("s", I, [2])], [node("Expand", "a", "s")], []))
    artifact = compiled(folder, model, "m", "--checked")
    for n, size in ((1, [5, 3]), (5, [5, 3]), (5, [1, 1]), (1, [1, 1]), (4, [1, 3]), (1, [0, 3])):
        a = np.arange(n * 3, dtype=np.float32).reshape(n, 3)
        want = np.broadcast_to(a, np.broadcast_shapes(a.shape, size))
        compare(run_artifact(folder, artifact, {"a": a, "s": np.array(size)}), want, (n, size))
    said = run_artifact(folder, artifact, {"a": np.ones((2, 3), np.float32), "s": np.array([5, 3])})
    if not isinstance(said, str) or "do not broadcast" not in said:
        raise Fault(f"2 to 5: {said}")


def check_size_input_new_axis(folder, _):
    model = model_of(([("a", F, ["n", 1]), ("s", I, [3])], [node("Expand", "a", "s")], []))
    artifact = compiled(folder, model, "m", "--checked")
    for n, size in ((1, [2, 5, 3]), (5, [2, 5, 3]), (5, [2, 1, 4]), (3, [1, 3, 1])):
        a = np.arange(n, dtype=np.float32).reshape(n, 1)
        want = np.broadcast_to(a, np.broadcast_shapes(a.shape, size))
        compare(run_artifact(folder, artifact, {"a": a, "s": np.array(size)}), want, (n, size))


# --- a size that the program counts ---


def check_counted(folder, _):
    nodes = [
        node("NonZero", "a", out="z"),
        node("Cast", "z", out="f", to=F),
        node("Add", "f", "b"),
    ]
    form = ([("a", F, ["n"]), ("b", F, [1, "m"])], nodes, [])
    artifact = compiled(folder, model_of(form), "m", "--checked")
    for a, m in (([1, 0, 2], 2), ([1, 0, 2], 1), ([0, 0, 2], 4), ([0, 3, 0], 1), ([0, 0], 1)):
        a, b = np.array(a, np.float32), np.arange(m, dtype=np.float32).reshape(1, m)
        compare(run_artifact(folder, artifact, {"a": a, "b": b}), np.array(np.nonzero(a), np.float32) + b, (list(a), m))
    said = run_artifact(folder, artifact, {"a": np.ones(3, np.float32), "b": np.ones((1, 2), np.float32)})
    if not isinstance(said, str) or "do not broadcast" not in said:
        raise Fault(f"3 and 2: {said}")


def all_checks():
    pairs, five, sums, bias, most = forms()
    checks = {name: (check_pairs, form) for name, form in pairs.items()}
    checks.update({name: (check_five, form) for name, form in five.items()})
    checks.update({name: (check_sums, form) for name, form in sums.items()})
    checks.update({name: (check_bias, form) for name, form in bias.items()})
    checks.update({name: (check_most, form) for name, form in most.items()})
    for check in (check_size_input, check_size_input_new_axis, check_counted):
        checks[check.__name__.removeprefix("check_")] = (check, None)
    return checks


def main():
    if onnx is None or not os.access(FRIT, os.X_OK):
        print("skip: broadcast: no packages, or no frit\n0 passed, 0 failed, 1 skipped")
        return 0
    checks = all_checks()
    chosen = [name for name in checks if not sys.argv[1:] or name in sys.argv[1:]]
    failed = 0
    warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing
    for name in chosen:
        check, form = checks[name]
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(pathlib.Path(folder), form)
            except Fault as fault:
                failed += 1
                print(f"{name}: {fault}; repeat: FRIT={FRIT} {sys.executable} tests/test_broadcast.py {name}")
    print(f"{len(chosen) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
