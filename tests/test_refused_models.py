# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the ONNX reader refuses, and the sentence with which it does: small models, each wrong in one place or in need of
what is not built, given to `frit opt`. tests/test_refusals.py looks here for the messages of frontend/onnx."""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FRIT = os.environ.get("FRIT", str(pathlib.Path(__file__).resolve().parents[1] / "build/frit"))
ONLY = sys.argv[1:]
TYPES = {
    "f32": TensorProto.FLOAT, "i64": TensorProto.INT64, "u8": TensorProto.UINT8, "bool": TensorProto.BOOL,
    "i32": TensorProto.INT32, "text": TensorProto.STRING, "f16": TensorProto.FLOAT16,
}  # fmt: skip
MICROSOFT = "com.microsoft"
ROWS = []


def row(says, model, *words):
    """`frit opt MODEL words` must exit with 1 and say that."""
    ROWS.append((says, model, words))


def typed(name, text):
    """An input from "f32[2, N]"."""
    kind, _, dims = text.rstrip("]").partition("[")
    shape = [int(d) if d.lstrip("-").isdigit() else d for d in dims.replace(" ", "").split(",") if d]
    return helper.make_tensor_value_info(name, TYPES[kind], shape)


def ints(*values):
    return np.array(values, np.int64)


def i64(value):
    return np.array(value, np.int64)


def f32(value):
    return np.array(value, np.float32)


def model_of(nodes, inputs=(), outputs=("y",), weights=(), opset=18, functions=()):
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "g", list(inputs), results, list(weights))
    domains = {n.domain for n in nodes if n.domain} | {f.domain for f in functions}
    imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, 1) for d in sorted(domains)]
    return helper.make_model(graph, opset_imports=imports, functions=list(functions))


def node(op, *operands, outputs=1, opset=18, domain="", **attributes):
    """A model about one node: operands are inputs ("f32[2, N]"), constants (arrays) or left out (None)."""
    names, inputs, weights = [], [], []
    for i, x in enumerate(operands):
        names.append("" if x is None else f"x{i}")
        if isinstance(x, str):
            inputs.append(typed(names[-1], x))
        elif x is not None:
            weights.append(numpy_helper.from_array(x, names[-1]))
    results = ["y"] + [f"y{i}" for i in range(1, outputs)]
    made = helper.make_node(op, names, results, name="n", domain=domain, **attributes)
    return model_of([made], inputs, weights=weights, opset=opset)


def of(op, *operands, **rest):
    return node(op, *operands, domain=MICROSOFT, **rest)


def subgraph(nodes=(), inputs=(), outputs=("r",), weights=()):
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    return helper.make_graph(list(nodes), "s", list(inputs), results, list(weights))


# --- the file ---

row("not a valid ONNX file: the model is malformed or cut off", b"\x08\x08\x3a\x7f")
row("not an ONNX model: it holds no graph", onnx.ModelProto(ir_version=8))


def weight(**changes):
    m = node("Add", "f32[2]", np.ones(2, np.float32))
    changes.pop("change")(m.graph.initializer[0])
    return m


def outside(key, value):
    def change(t):
        t.ClearField("raw_data")
        t.data_location = TensorProto.EXTERNAL
        t.external_data.add(key="location", value="w.bin")
        t.external_data.add(key=key, value=value)

    return weight(change=change)


row("external data: 'a' holds a zero byte", outside("location", "a\0b"))
row("external data has the offset '-4'", outside("offset", "-4"))
row("a tensor in segments", weight(change=lambda t: t.segment.SetInParent()))


def field(number, content):
    """A field of a protobuf message: protobuf itself nests less deep than frit reads."""
    n, length = len(content), b""
    while n > 127:
        length, n = length + bytes([n & 127 | 128]), n >> 7
    return bytes([number << 3 | 2]) + length + bytes([n]) + content


def nested(depth):
    inner = b""
    for _ in range(depth):
        inner = field(1, field(5, field(1, b"body") + field(6, inner)))
    return field(7, inner)


row("graphs nested more than 64 deep", nested(70))


# --- inputs, outputs, names ---

row("is of opset 99; frit reads opsets up to 27: export it for one of them", node("Neg", "f32[2]", opset=99))
row("1 operator is not supported: NoSuchThing (1 node, first 'n')", node("NoSuchThing", "f32[2]"))
bare = node("Neg", "f32[2]")
del bare.opset_import[:]
bare.opset_import.append(helper.make_opsetid("elsewhere", 1))
row("does not say which opset 'n' (Neg) is of; export it with its opset imports", bare)
row("the input is of type STRING", node("Neg", "text[2]"))
sequence = helper.make_tensor_sequence_value_info("x0", TensorProto.FLOAT, [2])
negated = [helper.make_node("Neg", ["x0"], ["y"])]
row("the input is a sequence; only tensors can be inputs", model_of(negated, [sequence]))
rankless = helper.make_tensor_value_info("x0", TensorProto.FLOAT, None)
row("the model does not say the rank of this input", model_of(negated, [rankless]))
row("the input has more than 16 axes", node("Neg", "f32[" + ", ".join(["1"] * 17) + "]"))
sparse = node("Neg", "f32[2]")
values = helper.make_tensor("w", TensorProto.FLOAT, [1], [1])
indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
sparse.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2]))
row("the model has sparse weights", sparse)
twice = [helper.make_node("Neg", ["x0"], ["y"]), helper.make_node("Abs", ["x0"], ["y"])]
row("value 'y' is defined twice", model_of(twice, [typed("x0", "f32[2]")]))
row("two outputs are named 'y'", model_of(twice[:1], [typed("x0", "f32[2]")], outputs=("y", "y")))
early = [helper.make_node("Neg", ["z"], ["y"], name="n")]
row("value 'z' is used before it is computed, or is no tensor that frit knows", model_of(early))
lists = [helper.make_node("SequenceConstruct", ["x0"], ["s"])]
row("'s' is a sequence where only a tensor can be", model_of(lists, [typed("x0", "f32[2]")], outputs=("s",)))
row("attribute 'axis' is of a type that Softmax does not take", node("Softmax", "f32[2]", axis=1.5))
row("result 3 ('y3') is not supported", node("BatchNormalization", "f32[1, 2, 3]", *["f32[2]"] * 4, outputs=5, opset=8))
row("a required operand is left out", node("Add", "f32[2]", None))
row("to asks for type STRING", node("Cast", "f32[2]", to=TensorProto.STRING))
row("the model declares i64, the constant given is f32", node("Reshape", "f32[4]", "i64[1]"), "--const", "x1=F32")
row("the model declares 2 dims, the constant given has 1", node("Add", "f32[4]", "f32[1, 1]"), "--const", "x1=F32")
row("dim 0 is 3 in the model, 1 in the constant given", node("Add", "f32[3]", "f32[3]"), "--const", "x1=F32")
row("input 'x1' decides ranks or axes: give its value with --const x1=FILE", node("ReduceSum", "f32[4]", "i64[1]"))
row("operand 1 is left out", node("Tile", "f32[4]", None))

# --- functions and subgraphs ---

def function(name, inputs, outputs, nodes):
    return helper.make_function("own", name, inputs, outputs, nodes, [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)])


def call(name, operands=("x0",)):
    return helper.make_node(name, list(operands), ["y"], name="n", domain="own")


row("function f calls itself",
    model_of([call("f")], [typed("x0", "f32[2]")], functions=[function("f", ["a"], ["y"], [call("f", ["a"])])]))
row("function f takes 1 operands and gives 1 results",
    model_of([call("f", ["x0", "x0"])], [typed("x0", "f32[2]")],
             functions=[function("f", ["a"], ["y"], [helper.make_node("Neg", ["a"], ["y"])])]))
chain = [function(f"f{i}", ["a"], ["y"], [helper.make_node(f"f{i + 1}", ["a"], ["b"], domain="own"),
                                         helper.make_node(f"f{i + 1}", ["b"], ["y"], domain="own")]) for i in range(24)]
chain.append(function("f24", ["a"], ["y"], [helper.make_node("Neg", ["a"], ["y"])]))
row("functions or subgraphs are nested too deep or grow too large",
    model_of([call("f0")], [typed("x0", "f32[2]")], functions=chain))
same = subgraph([helper.make_node("Identity", ["x1"], ["r"])])
two = subgraph([helper.make_node("Identity", ["x1"], ["r"]), helper.make_node("Neg", ["x1"], ["q"])], outputs=("r", "q"))
row("has no subgraph 'else_branch', or one of too many results", node("If", "bool[]", "f32[2]", then_branch=same))
row("the branches give 1 and 2 results", node("If", "bool[]", "f32[2]", then_branch=same, else_branch=two))
flags = [typed("i", "i64[]"), typed("c", "bool[]")]
keeps = [helper.make_node("Identity", ["c"], ["d"])]
row("the body has fewer results than carried values",
    node("Loop", "i64[]", "bool[]", "f32[2]", body=subgraph(keeps, [*flags, typed("v", "f32[2]")], outputs=("d",))))
row("a subgraph takes 2 values, not 3",
    node("Loop", "i64[]", "bool[]", "f32[2]", body=subgraph(
        [*keeps, helper.make_node("Neg", ["x2"], ["r"])], flags, outputs=("d", "r"))))
row("3 scan inputs do not fit the operands and the body", node("Scan", "f32[2]", body=same, num_scan_inputs=3))


row("collected results have too many axes",
    node("Loop", i64(0), np.array(True), "f32[" + ", ".join(["2"] * 16) + "]", body=subgraph(
        [*keeps, helper.make_node("Identity", ["v"], ["e"]), helper.make_node("Identity", ["v"], ["r"])],
        [*flags, typed("v", "f32[" + ", ".join(["2"] * 16) + "]")], outputs=("d", "e", "r"))))
inside = subgraph([*keeps, helper.make_node("ReduceSum", ["x3", "v"], ["r"], name="n"), helper.make_node("Neg", ["v"], ["e"])],
                  [*flags, typed("v", "i64[1]")], outputs=("d", "e", "r"))
row("operand 1 decides ranks or axes but is computed while the model runs",
    model_of([helper.make_node("Loop", ["x0", "x1", "x2"], ["z", "y"], body=inside)],
             [typed("x0", "i64[]"), typed("x1", "bool[]"), typed("x2", "i64[1]"), typed("x3", "f32[4]")]))


def ranks_apart(count):
    """Ifs one after another, each of whose branches gives another rank."""
    made = []
    for i in range(count):
        here = "x1" if i == 0 else f"v{i - 1}"
        stays = subgraph([helper.make_node("Identity", [here], ["r"])])
        shape = numpy_helper.from_array(ints(2, 2, -1), "t")
        grows = subgraph([helper.make_node("Reshape", [here, "t"], ["r"])], weights=[shape])
        made.append(helper.make_node("If", ["x0"], [f"v{i}"], name=f"n{i}", then_branch=stays, else_branch=grows))
    made.append(helper.make_node("Flatten", [f"v{count - 1}"], ["y"], axis=0))
    return model_of(made, [typed("x0", "bool[]"), typed("x1", "f32[8]")])


row("too many branches give results of different ranks", ranks_apart(40))


# --- windows ---

IMAGE, KERNEL = "f32[1, 2, 6]", "f32[2, 2, 3]"
row("needs an operand of three axes or more", node("MaxPool", "f32[2, 4]", kernel_shape=[2]))
row("weights of 4 axes for an operand of 3", node("Conv", IMAGE, "f32[2, 2, 3, 3]"))
row("kernel sizes, strides and dilations must be positive", node("Conv", IMAGE, KERNEL, strides=[0]))
row("strides has 2 entries, needs 1", node("Conv", IMAGE, KERNEL, strides=[1, 1]))
row("pads[0] is out of range", node("Conv", IMAGE, KERNEL, pads=[1 << 40, 0]))
row("auto_pad SAME with stride 2 needs a constant extent, not W",
    node("Conv", "f32[1, 2, W]", KERNEL, strides=[2], auto_pad="SAME_UPPER"))
row("output_shape has too few entries", node("ConvTranspose", "f32[1, 2, 6, 6]", "f32[2, 2, 3, 3]", output_shape=[9]))
row("output_shape and SAME need constant extents", node("ConvTranspose", "f32[1, 2, W]", KERNEL, output_shape=[9]))
row("shapes do not fit", node("Col2Im", "f32[1, 4, 9]", ints(4, 4), ints(2)))
row("a block of an unlikely size", node("Col2Im", "f32[1, 4, 9]", ints(4, 4), ints(2, 0)))
row("the channels are not a multiple of the block", node("Col2Im", "f32[1, 5, 9]", ints(4, 4), ints(2, 2)))
row("needs an image and a grid of one to three spatial axes", node("GridSample", "f32[1, 2, 4, 4]", "f32[1, 4, 2]", opset=20))
row("needs theta of three axes and a size of four or five", node("AffineGrid", "f32[1, 2, 3]", ints(1, 2, 3), opset=20))
row("needs two spatial axes, a kernel and groups of moderate size", node("DeformConv", IMAGE, KERNEL, "f32[1, 6, 4]", opset=19))
row("needs four axes, and a sampling_ratio that says how many points a bin has",
    node("RoiAlign", "f32[1, 2, 4, 4]", "f32[3, 4]", "i64[3]"))


# --- resizing ---

RESIZED = "f32[1, 2, 4]"


def resize(*operands, x=RESIZED, **rest):
    return node("Resize", x, None, *operands, **rest)


row("neither scales nor sizes are given", resize())
row("2 scales for 3 axes", resize(np.ones(2, np.float32)))
row("2 sizes for 3 axes", resize(None, ints(1, 2)))
row("a scale of -1", resize(np.array([1, 1, -1], np.float32)))
row("a scale of 1.4142 on the extent W", resize(np.array([1, 1, 1.4142], np.float32), x="f32[1, 2, W]"))
row("tf_crop_and_resize needs a constant roi", resize(None, ints(1, 2, 8), coordinate_transformation_mode="tf_crop_and_resize"))


# --- shapes ---

row("-1 beside an extent of 0 may stand for any extent", node("Reshape", "f32[2, 0]", ints(0, -1), allowzero=1))
row("a tensor of 17 axes", node("ConstantOfShape", np.ones(17, np.int64)))
row("2 repeats for rank 1", node("Tile", "f32[4]", ints(2, 2)))
row("3 parts of unknown size", node("Split", "f32[4]", ints(2, 2), outputs=3, axis=0))
row("a slice of step 0", node("Slice", "f32[4]", ints(0), ints(4), ints(0), ints(0)))
row("starts, ends, axes and steps differ in length", node("Slice", "f32[4]", ints(0), ints(4, 4)))
row("3 pads for 1 axes", node("Pad", "f32[4]", ints(1, 1, 1)))
row("start, limit and delta must be single numbers, delta not 0", node("Range", i64(0), i64(4), i64(0)))
row("a range of 1e+12 elements", node("Range", *[f32(v) for v in (0, 1e12, 1)]))
row("needs four axes and a positive block size", node("DepthToSpace", "f32[1, 4, 2]", blocksize=2))
row("as many sizes as axes are needed", node("CenterCropPad", "f32[4, 4]", ints(2)))
row("a constant that is text or sparse", node("Constant", value_string="a"))
row("needs square matrices of at most 5 rows", node("Det", "f32[2, 3]"))
row("dropout in training mode", node("Dropout", "f32[4]", None, np.array(True)))
signs = [helper.make_node("Shape", ["x0"], ["s"]), helper.make_node("Sub", ["s", "four"], ["t"]),
         helper.make_node("Slice", ["x0", "t", "s"], ["y"], name="n")]
row("a slice bound whose sign is not known: N - 4",
    model_of(signs, [typed("x0", "f32[N]")], weights=[numpy_helper.from_array(ints(4), "four")]))


# --- recurrence, attention, sequences, signals ---

row("X, W and R need three axes", node("RNN", "f32[2, 3]", "f32[1, 4, 3]", "f32[1, 4, 4]", hidden_size=4))
row("the activation Wave", node("RNN", "f32[2, 1, 3]", "f32[1, 4, 3]", "f32[1, 4, 4]", hidden_size=4, activations=["Wave"]))
row("needs four axes, or three and the number of heads", node("Attention", *["f32[1, 4, 8]"] * 3, opset=23))
row("needs operands of three axes", node("CausalConvWithState", "f32[1, 2]", "f32[2, 1, 3]", opset=27, outputs=2))
row("needs three axes and query heads that are a multiple of the key heads",
    node("LinearAttention", *["f32[1, 4, 8]"] * 3, opset=27, outputs=2, q_num_heads=3, kv_num_heads=2))
row("sequences of unknown length, or of more than 64 steps",
    node("LinearAttention", *["f32[1, N, 8]"] * 3, opset=27, outputs=2, q_num_heads=2, kv_num_heads=2))
pair = subgraph([helper.make_node("Identity", ["z"], ["r"]), helper.make_node("Neg", ["z"], ["q"])],
                [typed("z", "f32[1, 1, 4, 4]")], outputs=("r", "q"))
row("score_mod must give one result",
    node("FlexAttention", *["f32[1, 1, 4, 8]"] * 3, domain="ai.onnx.preview", score_mod=pair))
row("operand 0 is no sequence that is known while reading", node("SequenceAt", "f32[4]", i64(0)))
items = [helper.make_node("SequenceConstruct", ["x0", "x0"], ["s"])]


def over_items(*more, **rest):
    return model_of([*items, *more], [typed("x0", "f32[4]")], weights=[numpy_helper.from_array(np.array(5), "five")], **rest)


row("position 5 in a sequence of 2", over_items(helper.make_node("SequenceAt", ["s", "five"], ["y"], name="n")))
row("parts of an axis of unknown extent",
    model_of([helper.make_node("SplitToSequence", ["x0"], ["s"], name="n"), helper.make_node("SequenceLength", ["s"], ["y"])],
             [typed("x0", "f32[N]")]))
row("a sequence of more than 4096 tensors",
    model_of([helper.make_node("SplitToSequence", ["x0"], ["s"], name="n"), helper.make_node("SequenceLength", ["s"], ["y"])],
             [typed("x0", "f32[5000]")]))
mapped = subgraph([helper.make_node("Add", ["a", "b"], ["r"])], [typed("a", "f32[4]"), typed("b", "f32[4]")])
row("sequences of 2 and 1 tensors",
    over_items(helper.make_node("SequenceConstruct", ["x0"], ["t"]),
               helper.make_node("SequenceMap", ["s", "t"], ["u"], name="n", body=mapped),
               helper.make_node("SequenceLength", ["u"], ["y"])))
row("a body of unlikely form",
    over_items(helper.make_node("SequenceMap", ["s"], ["u"], name="n"), helper.make_node("SequenceLength", ["u"], ["y"])))
row("a transform of unknown or great length", node("DFT", "f32[1, N, 1]", axis=1))
row("a signal or frames of unknown length", node("STFT", "f32[1, N, 1]", i64(4), np.ones(8, np.float32)))
row("a filter bank of unlikely size",
    node("MelWeightMatrix", *[np.array(v) for v in (10**7, 8, 8000)], f32(0), f32(4000)))
row("an edge frequency beyond the spectrum",
    node("MelWeightMatrix", *[np.array(v) for v in (8, 16, 8000)], f32(0), f32(9e6)))


# --- contributed operators ---

HEADS = "f32[1, 4, 8]"
row("activation 'Wave'", of("FusedConv", IMAGE, KERNEL, activation="Wave"))
row("needs four axes", of("GroupNorm", "f32[1, 4, 4]", "f32[4]", "f32[4]", groups=2))
row("a skip with channels first",
    of("SkipGroupNorm", "f32[1, 4, 4, 4]", "f32[4]", "f32[4]", "f32[1, 4, 4, 4]", groups=2, channels_last=0))
row("needs two matrices", of("CDist", "f32[4]", "f32[4]", metric="euclidean"))
row("needs one axis", of("ExpandDims", "f32[4]", np.array([0, 1], np.int32)))
row("channels last", of("QLinearAveragePool", "u8[1, 2, 6]", f32(1), np.array(0, np.uint8), f32(1),
                        np.array(0, np.uint8), kernel_shape=[2], channels_last=1))
row("operands do not come in threes", of("QLinearConcat", f32(1), np.array(0, np.uint8), "u8[4]", f32(1)))
row("K, N, bits or block_size", of("MatMulNBits", "f32[2, 32]", "u8[4, 1, 16]", "f32[4]", K=32, N=4, bits=5, block_size=32))
row("rows in an order of their own",
    of("MatMulNBits", "f32[2, 32]", "u8[4, 1, 16]", "f32[4]", None, "i32[32]", K=32, N=4, bits=4, block_size=32))
row("weights packed for another device",
    of("MatMulNBits", "f32[2, 32]", "u8[4, 1, 16]", "f32[4]", K=32, N=4, bits=4, block_size=32, weight_prepacked=1))
row("other than rows of blocks along the last axis",
    of("GatherBlockQuantized", "u8[4, 16]", "i64[2]", "f32[4, 1]", gather_axis=1))
row("packed operands with a bias",
    of("MultiHeadAttention", "f32[1, 4, 2, 3, 4]", None, None, "f32[24]", num_heads=2))
row("packed batches, or a scale", of("RotaryEmbedding", HEADS, "i64[1, 4]", "f32[8, 2]", "f32[8, 2]", scale=2.0))
row("heads of unknown size", of("RotaryEmbedding", "f32[1, 4, D]", "i64[1, 4]", "f32[8, 2]", "f32[8, 2]"))
row("tables of unknown width", of("RotaryEmbedding", "f32[1, 2, 4, 8]", "i64[1, 4]", "f32[8, H]", "f32[8, H]"))
GQA = (HEADS, HEADS, HEADS, None, None, "i32[1]")
row("needs num_heads and kv_num_heads", of("GroupQueryAttention", *GQA, np.array(4, np.int32)))
row("total_sequence_length is one number",
    of("GroupQueryAttention", *GQA, np.array([4, 4], np.int32), num_heads=2, kv_num_heads=2))
row("a quantised cache",
    of("GroupQueryAttention", *GQA, np.array(4, np.int32), num_heads=2, kv_num_heads=2, k_quant_type="PER_TENSOR"))
row("a cache that slides, or padded chunks",
    of("GroupQueryAttention", *GQA, np.array(4, np.int32), num_heads=2, kv_num_heads=2, sliding_window_cache=1))
row("rotary embedding inside, or a cache shared with its past",
    of("Attention", HEADS, "f32[8, 24]", "f32[24]", num_heads=2, do_rotary=1))
row("a mask of this many lengths", of("Attention", HEADS, "f32[8, 24]", "f32[24]", "i32[5]", num_heads=2))
row("a cache shared with its past", of("Attention", HEADS, "f32[8, 24]", "f32[24]", *[None] * 3, "i32[]", num_heads=2))


def check(says, model, words, folder):
    """None, or what is wrong."""
    path = os.path.join(folder, "m.onnx")
    with open(path, "wb") as f:
        f.write(model if isinstance(model, bytes) else model.SerializeToString())
    np.save(os.path.join(folder, "F32.npy"), np.ones(1, np.float32))
    words = [w.replace("=F32", "=F32.npy") for w in words]
    done = subprocess.run([FRIT, "opt", path, *words], cwd=folder, capture_output=True, text=True, errors="replace", timeout=60)
    if done.returncode == 1 and says in done.stderr and done.stderr.count("\n") == 1:
        return None
    return f"exit {done.returncode}, said '{done.stderr.strip()[-300:]}' instead of '{says}'"


def main():
    rows = [r for r in ROWS if (not ONLY or any(word in r[0] for word in ONLY))]
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for says, model, words in rows:
            fault = check(says, model, words, folder)
            if fault:
                faults.append(fault)
    for fault in faults:
        print(fault)
    print(f"{len(rows) - len(faults)} passed, {len(faults)} failed, 0 skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
