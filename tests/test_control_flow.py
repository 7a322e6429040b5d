# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""If and Loop whose branches differ in extents, against the ONNX reference evaluator: each model is laid out as ONNX tests,
one data set for each course that a call can take, and given to `frit check`; what has to be refused is refused by one
sentence when the branch is taken, and by nothing when it is not."""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
FRIT = os.environ.get("FRIT", str(ROOT / "build/frit"))
LIMIT_S = 120

try:
    import numpy as np
    import onnx
    import onnx.parser
    from onnx.reference import ReferenceEvaluator
except ImportError:
    print("skip: control flow: needs the packages of tests/requirements.txt\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)

from frit_proc import check_folders

HEAD = '<ir_version: 8, opset_import: ["" : 18]>\n'
RANDOM = np.random.default_rng(7)


def f32(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def i64(*values):
    return np.array(values, np.int64)


def flag(value):
    return np.array(value, np.bool_)


def mask(*values):
    return np.array(values, np.bool_)


def if_node(results, condition, then_graph, else_graph):
    return f"{results} = If ({condition}) <then_branch = {then_graph}, else_branch = {else_graph}>\n"


# --- models: name -> (text of the graph, data sets) ---

CASES = {}


def case(name, signature, body, *data_sets):
    CASES[name] = (HEAD + f"m {signature} {{\n{body}}}", data_sets)


def both(**inputs):
    """The same inputs with the condition true, false."""
    return {"c": flag(True), **inputs}, {"c": flag(False), **inputs}


# An If that the program ends with, whose branches' own buffers nothing needs in the end.
for text, then_op, else_op, shape in [
    ("sums", "ReduceSum <keepdims = 0> (x)", "ReduceMax <keepdims = 0> (x)", ""),
    ("sums_kept", "ReduceSum <keepdims = 1> (x)", "ReduceMax <keepdims = 1> (x)", "1, 1"),
    ("softmax", "Softmax (x)", "LogSoftmax (x)", "n, 4"),
    ("product", "MatMul (x, w)", "MatMul (x, v)", "n, 4"),
    ("mixed", "MatMul (x, w)", "Softmax (x)", "n, 4"),
    ("cumsum", "CumSum (x, one)", "Softmax (x)", "n, 4"),
]:
    for extent, name in [("3", ""), ("n", "_of_symbols")]:
        case(f"output_{text}{name}",
             f"(bool c, float[{extent}, 4] x, float[4, 4] w, float[4, 4] v) => (float[{shape.replace('n', extent)}] y)",
             "one = Constant <value_int: int = 1> ()\n" +
             if_node("y", "c", f"a () => (float[{shape.replace('n', extent)}] p) {{ p = {then_op} }}",
                     f"b () => (float[{shape.replace('n', extent)}] q) {{ q = {else_op} }}"),
             *both(x=f32(3, 4), w=f32(4, 4), v=f32(4, 4)))
        case(f"between_{text}{name}",
             f"(bool c, float[{extent}, 4] x, float[4, 4] w, float[4, 4] v) => (float y)",
             "one = Constant <value_int: int = 1> ()\n" +
             if_node("t", "c", f"a () => (float[{shape.replace('n', extent)}] p) {{ p = {then_op} }}",
                     f"b () => (float[{shape.replace('n', extent)}] q) {{ q = {else_op} }}") +
             "u = Exp (t)\n y = ReduceMean <keepdims = 0> (u)\n",
             *both(x=f32(3, 4), w=f32(4, 4), v=f32(4, 4)))

NESTED = if_node("r", "d", "aa () => (float[n] s) { s = ReduceSum <keepdims = 0> (x, last) }",
                 "bb () => (float[n] s2) { s2 = ReduceMax <keepdims = 0> (x, last) }")
case("output_nested", "(bool c, bool d, float[n, 4] x) => (float[n] y)",
     "last = Constant <value_ints = [1]> ()\n" +
     if_node("y", "c", f"a () => (float[n] r) {{ {NESTED} }}",
             "b () => (float[n] q) { q = ReduceMin <keepdims = 0> (x, last) }"),
     *[{"c": flag(c), "d": flag(d), "x": f32(5, 4)} for c in (0, 1) for d in (0, 1)])

# Was anything found: the extents of the branches differ.
FOUND = """size = Shape (z)
 product = ReduceProd <keepdims = 0> (size)
 zero = Constant <value_int: int = 0> ()
 none = Equal (product, zero)
"""
case("nothing_found", "(bool[n] m) => (int64[k] y)",
     "z = NonZero (m)\n last = Constant <value_ints = [0]> ()\n" + FOUND +
     if_node("y", "none", "a () => (int64[0] p) { p = Constant <value = int64[0] {}> () }",
             "b () => (int64[k] q) { z2 = NonZero (m) \n q = Squeeze (z2, last) }"),
     *[{"m": np.array(v, bool)} for v in ([1, 0, 1, 1], [0, 0, 0], [1], [0, 1])])

# torchvision's batched NMS, with another choice in the place of NonMaxSuppression: boxes of each class are moved apart;
# with no boxes at all, the empty list.
BATCHED = """size = Shape (boxes)
 product = ReduceProd <keepdims = 0> (size)
 zero = Constant <value_int: int = 0> ()
 none = Equal (product, zero)
""" + if_node("keep", "none", "a () => (int64[0] p) { p = Constant <value = int64[0] {}> () }", """b () => (int64[k] q) {
 top = ReduceMax <keepdims = 0> (boxes)
 onef = Constant <value_float: float = 1.0> ()
 step = Add (top, onef)
 fidx = Cast <to = 1> (idxs)
 offset = Mul (fidx, step)
 ax1 = Constant <value_ints = [1]> ()
 off2 = Unsqueeze (offset, ax1)
 moved = Add (boxes, off2)
 right = Constant <value_ints = [2]> ()
 left = Constant <value_ints = [0]> ()
 x1 = Gather <axis = 1> (moved, left)
 x2 = Gather <axis = 1> (moved, right)
 wide = Sub (x2, x1)
 width = Squeeze (wide, ax1)
 worth = Mul (width, scores)
 least = Constant <value_float: float = 3.0> ()
 good2 = Greater (worth, least)
 picked0 = NonZero (good2)
 picked = Transpose (picked0)
 q = Squeeze (picked, ax1)
}""")


def boxes(n):
    corner = RANDOM.uniform(0, 20, (n, 2))
    return np.concatenate([corner, corner + RANDOM.uniform(4, 12, (n, 2))], 1).astype(np.float32)


for n_name in ("n", "found"):
    found = n_name == "found"
    case("batched_nms" + ("_of_found_boxes" if found else ""),
         "(float[n, 4] all, float[n] score, int64[n] kind) => (float[k, 4] y, int64[k] keep)",
         ("""half = Constant <value_float: float = 0.5> ()
 good = Greater (score, half)
 boxes = Compress <axis = 0> (all, good)
 scores = Compress <axis = 0> (score, good)
 idxs = Compress <axis = 0> (kind, good)
""" if found else "boxes = Identity (all)\n scores = Identity (score)\n idxs = Identity (kind)\n") + BATCHED +
         "four = Constant <value_ints = [-1, 4]> ()\n g = Gather <axis = 0> (boxes, keep)\n y = Reshape (g, four)\n",
         *[{"all": boxes(n), "score": (RANDOM.uniform(0, 1, n) * scale).astype(np.float32),
            "kind": RANDOM.integers(0, 3, n)} for n, scale in ((12, 1), (7, 1), (5, .4), (1, 1), (30, 1))])

# The size of a tensor decides: with nothing in it, another one is taken.
for of_zero, sizes in (("n", ((3,), (5,), (1,))), ("found", ((3,), (0,), (1,)))):
    pick = "b = Identity (x)\n" if of_zero == "n" else "m = Greater (x, zf)\n b = Compress <axis = 0> (x, m)\n"
    case(f"size_is_zero_of_{of_zero}", "(float[n] x, float[2] w) => (float[k] y, float z)",
         "zf = Constant <value_float: float = 0.0> ()\n" + pick +
         """size = Size (b)
 zero = Constant <value_int: int = 0> ()
 none = Equal (size, zero)
""" + if_node("y", "none", "a () => (float[2] p) { p = Exp (w) }", "e () => (float[n] q) { q = Tanh (b) }") +
         "z = ReduceSum <keepdims = 0> (y)\n",
         *[{"x": np.abs(f32(k[0] or 4)) * (1 if k[0] else -1), "w": f32(2)} for k in sizes])

case("size_is_zero_of_an_input", "(float[?, 3] x, float[2, 3] w) => (float[k, 3] y, int64 n)",
     """size = Size (x)
 zero = Constant <value_int: int = 0> ()
 none = Equal (size, zero)
""" + if_node("t", "none", "a () => (float[2, 3] p) { p = Exp (w) }", "e () => (float[k, 3] q) { q = Tanh (x) }") +
     "y = Softmax (t)\n n = Size (t)\n", *[{"x": f32(n, 3), "w": f32(2, 3)} for n in (4, 0, 1, 2)])

# Branches of other extents, used by every kind of operator behind.
TAKE = if_node("t", "c", "a () => (float[k, 4] p) { p = Exp (x) }", "b () => (float[j, 4] q) { q = MatMul (z, w) }")
BEHIND = "(bool c, float[n, 4] x, float[m, 4] z, float[4, 4] w) => (float[k, 4] y)"
SIZES = [{"c": flag(c), "x": f32(n, 4), "z": f32(m, 4), "w": f32(4, 4)}
         for c, n, m in ((1, 3, 5), (0, 3, 5), (1, 7, 2), (0, 7, 2), (1, 1, 1), (0, 33, 70), (1, 70, 33))]
for text, then in (("elementwise", "y = Tanh (t)"), ("softmax", "y = Softmax <axis = 0> (t)"), ("product", "y = MatMul (t, w)"),
                   ("reshape", "s = Constant <value_ints = [2, -1]> ()\n u = Reshape (t, s)\n v = Exp (u)\n"
                               " r = Constant <value_ints = [-1, 4]> ()\n y = Reshape (v, r)"),
                   ("transposed_product", "u = Transpose (t)\n v = MatMul (t, u)\n y = MatMul (v, t)"),
                   ("concat", "y = Concat <axis = 0> (x, t, z)"), ("shape", "s = Shape (t)\n y = Expand (one, s)"),
                   ("size", "s = Size (t)\n f = Cast <to = 1> (s)\n y = Mul (f, x)"),
                   ("twice", if_node("y", "c", "aa () => (float[k, 4] v) { v = Concat <axis = 0> (t, x) }",
                                     "bb () => (float[k, 4] v2) { v2 = CumSum (t, zero) }").strip()),
                   ("layer_norm", "y = LayerNormalization (t, g)"),
                   ("topk", "k1 = Constant <value_ints = [2]> ()\n y0, i = TopK <axis = 1> (t, k1)\n y = Concat <axis = 1> (y0, y0)")):
    case(f"behind_{text}", BEHIND, "one = Constant <value_float: float = 1.0> ()\n zero = Constant <value_int: int = 0> ()\n"
         " g = Constant <value_floats = [1.0, 2.0, 3.0, 4.0]> ()\n" + TAKE + then + "\n", *SIZES)
case("behind_nothing", BEHIND, TAKE.replace("t =", "y =", 1), *SIZES)
case("both_are_inputs", BEHIND, if_node("y", "c", "a () => (float[k, 4] p) { p = Identity (x) }",
                                        "b () => (float[j, 4] q) { q = Identity (z) }"), *SIZES)

# Only the size of what is found matters.
case("size_of_found", "(float[n] x) => (float[k] y, int64 count)",
     "zf = Constant <value_float: float = 0.0> ()\n one = Constant <value_float: float = 1.0> ()\n m = Greater (x, zf)\n"
     " z = NonZero (m)\n s = Shape <start = 1> (z)\n y = Expand (one, s)\n count = Size (z)\n",
     *[{"x": f32(9)}, {"x": -np.abs(f32(3))}])

# Images of other sizes, which stand with their channels last between convolutions.
case("images", "(bool c, float[1, 8, h, w] x, float[16, 8, 3, 3] k, float[8, 16, 1, 1] k2) => (float[1, 8, a, b] y)",
     if_node("t", "c", "a () => (float[1, 16, a, b] p) { p1 = Conv <pads = [1, 1, 1, 1]> (x, k)\n p = Relu (p1) }",
             "b () => (float[1, 16, a, b] q) { q1 = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (x, k)\n"
             " q = MaxPool <kernel_shape = [2, 2]> (q1) }") + "u = Conv (t, k2)\n y = Relu (u)\n",
     *both(x=f32(1, 8, 12, 10), k=f32(16, 8, 3, 3), k2=f32(8, 16, 1, 1)))

# Several results of one pair of extents are of one extent afterwards.
case("several_results", "(bool c, float[n, 4] x, float[n] s, int64[n] l) => (float[k, 4] y, int64[k] labels)",
     "top = Constant <value_ints = [2]> ()\n" +
     if_node("bx, sc, lb", "c",
             "a () => (float[k, 4] p, float[k] ps, int64[k] pl) { m = NonZero (s)\n ps, best = TopK (s, top)\n"
             " p = Gather <axis = 0> (x, best)\n pl = Gather <axis = 0> (l, best) }",
             "b () => (float[j, 4] q, float[j] qs, int64[j] ql) { q = Identity (x)\n qs = Exp (s)\n ql = Identity (l) }") +
     "ax = Constant <value_ints = [1]> ()\n col = Unsqueeze (sc, ax)\n y = Mul (bx, col)\n labels = Identity (lb)\n",
     *[{"c": flag(c), "x": f32(n, 4), "s": f32(n), "l": np.arange(n)} for c, n in ((1, 5), (0, 5), (1, 2), (0, 3))])

# Counted inside of branches, nested, with captures from everywhere.
INNER = if_node("r", "d", "aa () => (float[k] s) { s = Compress <axis = 0> (x, m) }",
                "bb () => (float[n] s2) { s2 = Add (x, w) }")
case("nested_counts", "(bool c, bool d, float[n] x, bool[n] m, float[n] w) => (float[k] y, int64[1] s)",
     if_node("t", "c", f"a () => (float[k] r2) {{ {INNER} r2 = Exp (r) }}",
             "b () => (float[j] q) { q = Concat <axis = 0> (x, w) }") + "y = Neg (t)\n s = Shape (t)\n",
     *[{"c": flag(c), "d": flag(d), "x": f32(4), "m": mask(1, 0, k, 0), "w": f32(4)}
       for c in (0, 1) for d in (0, 1) for k in (0, 1)])

# A branch that is not taken demands nothing.
DEMANDS = {
    "add": ("float[n] p", "p = Add (x, z)", "float[n] q", "q = Exp (x)"),
    "squeeze": ("float p", "ax = Constant <value_ints = [0]> ()\n p = Squeeze (x, ax)", "float q",
                "q = ReduceMax <keepdims = 0> (z)"),
    "reshape": ("float[2, 3] p", "s = Constant <value_ints = [2, 3]> ()\n p = Reshape (x, s)", "float[2, 3] q",
                "s2 = Constant <value_ints = [2, 3]> ()\n e = Expand (one, s2)\n q = Exp (e)"),
    "slice": ("float[2] p", "i = Constant <value_ints = [0, 4]> ()\n p = Gather (x, i)", "float[2] q",
              "s2 = Constant <value_ints = [2]> ()\n q = Expand (one, s2)"),
    "topk": ("float[4] p", "k = Constant <value_ints = [4]> ()\n p, i = TopK (x, k)", "float[4] q",
             "s2 = Constant <value_ints = [4]> ()\n q = Expand (one, s2)"),
}
FITS = {"add": (5, 5), "squeeze": (1, 3), "reshape": (6, 2), "slice": (5, 2), "topk": (4, 2)}
MISFIT = {"add": (5, 3), "squeeze": (4, 3), "reshape": (4, 2), "slice": (3, 2), "topk": (2, 2)}
for text, (p_type, p_body, q_type, q_body) in DEMANDS.items():
    y_type = p_type.rsplit(" ", 1)[0]
    n, m = FITS[text]
    k, j = MISFIT[text]
    case(f"demands_nothing_{text}", f"(bool c, float[n] x, float[m] z) => ({y_type} y)",
         "one = Constant <value_float: float = 1.0> ()\n" +
         if_node("y", "c", f"a () => ({p_type}) {{ {p_body} }}", f"b () => ({q_type}) {{ {q_body} }}"),
         {"c": flag(1), "x": f32(n), "z": f32(m)}, {"c": flag(0), "x": f32(n), "z": f32(m)},
         {"c": flag(0), "x": f32(k), "z": f32(j)})

# Conditions that the model decides before it runs.
case("decided_by_dims", "(float[n, 4] x) => (float[n, 4] y)",
     """s = Shape (x)
 i = Constant <value_int: int = 1> ()
 d = Gather (s, i)
 four = Constant <value_int: int = 4> ()
 same = Equal (d, four)
""" + if_node("y", "same", "a () => (float[n, 4] p) { p = Exp (x) }", "b () => (float[4] q) { q = ReduceSum <keepdims = 0> (x, i0) }")
     .replace("i0", "ax0") .replace("y =", "ax0 = Constant <value_ints = [0]> ()\n y =", 1), {"x": f32(3, 4)})

# In loops: what a branch gives is counted anew in every turn.
LOOP = """total = Loop (trips, yes, start) <body = body (int64 i, bool go, float acc) => (bool on, float next) {
 on = Identity (go)
 two = Constant <value_int: int = 2> ()
 rest = Mod (i, two)
 even = Cast <to = 9> (rest)
 CHOICE
 part = ReduceSum <keepdims = 0> (t)
 next = Add (acc, part)
}>
"""
LOOP_SIGNATURE = "(int64 trips, float[n] x, bool[n] m) => (float total)"
LOOP_HEAD = "yes = Constant <value = bool {1}> ()\n start = Constant <value_float: float = 0.0> ()\n"
case("in_loop", LOOP_SIGNATURE, LOOP_HEAD + LOOP.replace(
    "CHOICE", if_node("t", "even", "a () => (float[k] p) { p = Compress <axis = 0> (x, m) }", "b () => (float[j] q) { q = Concat <axis = 0> (x, x) }")),
     *[{"trips": np.array(k, np.int64), "x": f32(4), "m": mask(*v)} for k, v in ((0, (1, 1, 1, 1)), (5, (1, 0, 0, 1)), (2, (0, 0, 0, 0)))])
case("in_loop_nothing_found", LOOP_SIGNATURE, LOOP_HEAD + LOOP.replace(
    "CHOICE", """fi = Cast <to = 1> (i)
 big = Greater (x, fi)
 z = NonZero (big)
 size = Size (z)
 zero = Constant <value_int: int = 0> ()
 none = Equal (size, zero)
 """ + if_node("t", "none", "a () => (float[1] p) { p = Constant <value_floats = [-1.0]> () }",
              "b () => (float[k] q) { ax = Constant <value_ints = [0]> ()\n zz = Squeeze (z, ax)\n q = Gather (x, zz) }")),
     *[{"trips": np.array(k, np.int64), "x": np.array(x, np.float32), "m": mask(1, 1, 1, 1)}
       for k, x in ((5, (.5, 1.5, 1.2, 9)), (3, (-1, -1, -2, -3)))])
case("in_loop_demands", LOOP_SIGNATURE.replace("bool[n] m", "bool[m] m"), LOOP_HEAD + LOOP.replace(
    "CHOICE", if_node("t", "even", "a () => (float[n] p) { f = Cast <to = 1> (m)\n p = Mul (x, f) }",
                      "b () => (float[n] q) { q = Exp (x) }")),
     *[{"trips": np.array(k, np.int64), "x": f32(4), "m": mask(*v)} for k, v in ((0, (1, 1)), (1, (1, 0, 0)), (3, (0, 1, 0, 0)))])
CARRIED = """last = Loop (trips, yes, x) <body = body (int64 i, bool go, float[n] acc) => (bool on, float[n] next) {
 on = Identity (go)
 two = Constant <value_int: int = 2> ()
 rest = Mod (i, two)
 even = Cast <to = 9> (rest)
 CHOICE
}>
total = ReduceSum <keepdims = 0> (last)
""".replace("CHOICE", if_node("next", "even", "a () => (float[k] p) { p = Compress <axis = 0> (acc, m) }",
                              "b () => (float[n] q) { q = Add (acc, x) }"))
case("in_loop_carried", LOOP_SIGNATURE, LOOP_HEAD + CARRIED,
     *[{"trips": np.array(k, np.int64), "x": f32(3), "m": mask(*v)}
       for k, v in ((5, (1, 1, 1)), (1, (0, 1, 0)), (0, (0, 0, 0)))])
case("loop_in_branch", "(bool c, int64 trips, float[n] x) => (float[k] y)",
     "yes = Constant <value = bool {1}> ()\n" +
     if_node("y", "c", """a () => (float[k, n] sums) {
 last, sums = Loop (trips, yes, x) <body = body (int64 i, bool go, float[n] acc) => (bool on, float[n] next, float[n] out) {
 on = Identity (go)
 next = Add (acc, x)
 out = Exp (acc)
}> }""", "b () => (float[1, n] q) { ax = Constant <value_ints = [0]> ()\n q = Unsqueeze (x, ax) }").replace("y =", "t =", 1) +
     "ax1 = Constant <value_ints = [1]> ()\n y = ReduceMax <keepdims = 0> (t, ax1)\n",
     *[{"c": flag(c), "trips": np.array(k, np.int64), "x": f32(3)} for c, k in ((1, 4), (0, 4), (1, 1))])

# Ranks that differ: what follows is computed for the rank of the branch that is taken. A result of the program has the
# axes of 1 of either branch.
case("rank_squeezed", "(float[n, 3] x) => (float[k] y)",
     """s = Shape (x)
 i = Constant <value_int: int = 0> ()
 d = Gather (s, i)
 one = Constant <value_int: int = 1> ()
 same = Equal (d, one)
 ax = Constant <value_ints = [0]> ()
""" + if_node("t", "same", "a () => (float[3] p) { p = Squeeze (x, ax) }", "b () => (float[n, 3] q) { q = Identity (x) }") +
     "flat = Constant <value_ints = [-1]> ()\n u = Exp (t)\n y = Reshape (u, flat)\n", {"x": f32(1, 3)}, {"x": f32(4, 3)})
case("rank_of_a_scalar", "(bool c, float[n] x) => (float[k] y)",
     if_node("t", "c", "a () => (float p) { p = ReduceSum <keepdims = 0> (x) }",
             "b () => (float[1] q) { q = ReduceMax <keepdims = 1> (x) }") +
     "flat = Constant <value_ints = [-1]> ()\n u = Exp (t)\n y = Reshape (u, flat)\n", *both(x=f32(4)))
case("rank_decides_behind", "(bool c, float[n, 3] x) => (float y)",
     "ax = Constant <value_ints = [0]> ()\n" +
     if_node("t", "c", "a () => (float[3] p) { p = ReduceSum <keepdims = 0> (x, ax) }",
             "b () => (float[1, 3] q) { q = ReduceMax <keepdims = 1> (x, ax) }") +
     "u = ReduceSum <keepdims = 0> (t, ax)\n v = Exp (u)\n y = ReduceMax <keepdims = 0> (v)\n", *both(x=f32(4, 3)))

case("rank_in_loop", LOOP_SIGNATURE, LOOP_HEAD + LOOP.replace(
    "CHOICE", "ax = Constant <value_ints = [0]> ()\n row = Unsqueeze (x, ax)\n" +
    if_node("r", "even", "a () => (float[n] p) { p = Exp (x) }", "b () => (float[1, n] q) { q = Tanh (row) }") +
    "most = ReduceMax <keepdims = 0> (r, ax)\n t = Mul (most, most)\n"),
     *[{"trips": np.array(k, np.int64), "x": f32(4), "m": mask(1, 1, 1, 1)} for k in (0, 1, 2, 5)])
# What follows fits one of the ranks alone: the other branch is refused when it is taken, and not before.
FITS_ONE = ("(bool c, float[n, 3] x, float[3] z) => (float[k] y)", "ax = Constant <value_ints = [0]> ()\n" +
            if_node("t", "c", "a () => (float[3] p) { p = ReduceSum <keepdims = 0> (x, ax) }",
                    "b () => (float[1, 3] q) { q = ReduceMax <keepdims = 1> (x, ax) }") + "y = Concat <axis = 0> (t, z)\n")
case("rank_fits_one", *FITS_ONE, {"c": flag(1), "x": f32(4, 3), "z": f32(3)})
TWO_LESS = ("(bool c, float[n, 3] x) => (float[n, 3] y)",
            if_node("y", "c", "a () => (float p) { p = ReduceSum <keepdims = 0> (x) }", "b () => (float[n, 3] q) { q = Exp (x) }"))
case("rank_of_two_less", *TWO_LESS, {"c": flag(0), "x": f32(4, 3)})

# Sizes that never fit.
NEVER = ("(bool c, float[3] x, float[4] z) => (float[k] y)",
         if_node("t", "c", "a () => (float[3] p) { p = Add (x, z) }", "b () => (float[k] q) { m = Greater (x, zero)\n q = Compress (x, m) }")
         .replace("t =", "zero = Constant <value_float: float = 0.0> ()\n t =", 1) + "y = Exp (t)\n")
case("never_fits", *NEVER, {"c": flag(0), "x": np.array([1, -1, 2], np.float32), "z": f32(4)})
case("constant_condition", "(float[n] x) => (float[n] y)",
     "k = Constant <value_floats = [1.5, 2.5]> ()\n s = ReduceSum <keepdims = 0> (k)\n two = Constant <value_float: float = 2.0> ()\n"
     " c = Greater (s, two)\n" +
     if_node("y", "c", "a () => (float[n] p) { p = Exp (x) }", "b () => (float[n, 2, 2] q) { q = Constant <value_float: float = 0.0> () }"),
     {"x": f32(3)})

# --- what is refused when it happens: name -> (text, inputs, what is said) ---

REFUSED = {}
for text, (p_type, p_body, q_type, q_body) in DEMANDS.items():
    if text == "slice":
        continue  # a gather wraps and clamps
    k, j = MISFIT[text]
    REFUSED[text] = (CASES[f"demands_nothing_{text}"][0], {"c": flag(1), "x": f32(k), "z": f32(j)},
                     {"add": "must be equal", "topk": "must not exceed"}.get(text, ""))


for text, (signature, body), inputs, says in [
    ("rank_fits_one", FITS_ONE, {"c": flag(0), "x": f32(4, 3), "z": f32(3)}, "concat"),
    ("rank_of_two_less", TWO_LESS, {"c": flag(1), "x": f32(4, 3)}, "of rank 0, the other one of rank 2"),
    ("in_loop_carried", (LOOP_SIGNATURE, LOOP_HEAD + CARRIED),
     {"trips": np.array(2, np.int64), "x": f32(3), "m": mask(0, 1, 1)}, "carried value before and after"),
    ("never_fits", NEVER, {"c": flag(1), "x": f32(3), "z": f32(4)}, "sizes 3 and 4 differ"),
]:
    REFUSED[text] = (HEAD + f"m {signature} {{\n{body}}}", inputs, says)


def lay_out(folder, text, data_sets):
    """Writes the model, the inputs, and what the reference evaluator gives for them."""
    model = onnx.parser.parse_model(text)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    reference = ReferenceEvaluator(model)
    for at, inputs in enumerate(data_sets):
        data = folder / f"test_data_set_{at}"
        data.mkdir()
        for k, port in enumerate(model.graph.input):
            tensor = onnx.numpy_helper.from_array(np.asarray(inputs[port.name]), port.name)
            (data / f"input_{k}.pb").write_bytes(tensor.SerializeToString())
        for k, value in enumerate(reference.run(None, inputs)):
            tensor = onnx.numpy_helper.from_array(np.asarray(value), model.graph.output[k].name)
            (data / f"output_{k}.pb").write_bytes(tensor.SerializeToString())


def refusal(folder, text, inputs, says):
    """None when the model compiles and the call is refused by one line with `says` in it, else what happened."""
    folder.mkdir()
    (folder / "m.onnx").write_bytes(onnx.parser.parse_model(text).SerializeToString())
    words = ["run", folder / "m.so", "--output-dir", folder]
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        words += ["--input", f"{name}={folder / name}.npy"]
    for command in (["compile", folder / "m.onnx", "-o", folder / "m.so"], words):
        done = subprocess.run([FRIT, *command], capture_output=True, text=True, timeout=LIMIT_S, check=False)
        if command is not words and done.returncode:
            return f"does not compile: {done.stderr.strip()}"
    lines = done.stderr.splitlines()
    if done.returncode == 1 and len(lines) == 1 and says in lines[0]:
        return None
    return f"exit {done.returncode}, wanted 1 and one line with '{says}', got: {done.stderr.strip()}"


def main():
    if not os.access(FRIT, os.X_OK):
        print(f"skip: control flow: no {FRIT}\n0 passed, 0 failed, 1 skipped")
        return 0
    chosen = sys.argv[1:]
    passed, bad = 0, []
    with tempfile.TemporaryDirectory() as work:
        paths = {}
        for name, (text, data_sets) in CASES.items():
            if chosen and name not in chosen:
                continue
            paths[str(pathlib.Path(work) / name)] = name
            lay_out(pathlib.Path(work) / name, text, data_sets)
        found = check_folders(FRIT, list(paths), 120, ("--rtol", "1e-5", "--atol", "1e-6"))
        bad += [(name, ": ".join(found[path])) for path, name in paths.items() if found[path][0] != "pass"]
        passed += len(paths) - len(bad)
        for name, (text, inputs, says) in REFUSED.items():
            if chosen and f"refused_{name}" not in chosen:
                continue
            fault = refusal(pathlib.Path(work) / f"refused_{name}", text, inputs, says)
            passed += fault is None
            bad += [(f"refused_{name}", fault)] if fault else []
    for name, fault in bad:
        print(f"{name}: {fault}; repeat: FRIT={FRIT} python3 tests/test_control_flow.py {name}")
    print(f"{passed} passed, {len(bad)} failed, 0 skipped")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
