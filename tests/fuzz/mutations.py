# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ways to spoil a model file. Each takes (random, seeds, data) and returns bytes; the same random state, the same bytes.

Three families: damage to the bytes (a bad disk, a broken download), lies in the wire format (a bad writer), and models
that parse but make no sense (a bad or hostile author).
"""

import copy

import numpy as np
import onnx
from google.protobuf.message import Error as ProtobufError
from onnx import TensorProto, helper

import wire

LENGTHS = (0, 1, 127, 128, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
NUMBERS = (0, 1, 2, -1, -2, 7, 255, 256, 65536, 1 << 20, 1 << 31, (1 << 31) - 1, 1 << 40, (1 << 63) - 1, -(1 << 63))
OPERATORS = ("Add", "MatMul", "Conv", "Reshape", "Concat", "Gather", "Softmax", "ReduceSum", "Transpose", "Slice", "Pad",
             "Identity", "If", "Loop", "Scan", "Split", "Resize", "TopK", "Where", "Expand", "Tile", "Einsum", "Cast",
             "LayerNormalization", "ConstantOfShape", "Range", "OneHot", "MaxPool", "Gemm", "NoSuchOperator", "")


def pick(random, items):
    return items[int(random.integers(len(items)))]


# --- bytes ---

def flip_bits(random, seeds, data):
    out = bytearray(data)
    for _ in range(int(random.integers(1, 9))):
        at = int(random.integers(len(out)))
        out[at] ^= 1 << int(random.integers(8))
    return bytes(out)


def set_bytes(random, seeds, data):
    out = bytearray(data)
    at = int(random.integers(len(out)))
    for k in range(at, min(len(out), at + int(random.integers(1, 17)))):
        out[k] = pick(random, (0, 0xFF, 0x7F, 0x80, int(random.integers(256))))
    return bytes(out)


def truncate(random, seeds, data):
    return data[: int(random.integers(len(data)))]


def cut_out(random, seeds, data):
    at, size = int(random.integers(len(data))), int(random.integers(1, 65))
    return data[:at] + data[at + size :]


def splice(random, seeds, data):
    other = pick(random, seeds)
    return data[: int(random.integers(len(data)))] + other[int(random.integers(len(other))) :]


def repeat(random, seeds, data):
    at, size = int(random.integers(len(data))), int(random.integers(1, 257))
    return data[:at] + data[at : at + size] * int(random.integers(2, 9)) + data[at + size :]


def noise(random, seeds, data):
    return random.bytes(int(random.integers(0, 2000)))


# --- wire ---

def _fields(data, kind=None):
    message = wire.parse(data)
    found = [pair for pair in wire.walk(message) if kind is None or pair[1][1] == kind]
    return message, found


def lie_length(random, seeds, data):
    message, found = _fields(data, wire.BYTES)
    field = pick(random, found)[1]
    return wire.dump(message, (field, pick(random, LENGTHS)))


def lie_number(random, seeds, data):
    message, found = _fields(data, wire.VARINT)
    for _ in range(int(random.integers(1, 4))):
        pick(random, found)[1][2] = pick(random, NUMBERS)
    return wire.dump(message)


def drop_field(random, seeds, data):
    message, found = _fields(data)
    holder, field = pick(random, found)
    holder.remove(field)
    return wire.dump(message)


def double_field(random, seeds, data):
    message, found = _fields(data)
    holder, field = pick(random, found)
    holder.insert(int(random.integers(len(holder) + 1)), copy.deepcopy(field))
    return wire.dump(message)


def move_field(random, seeds, data):
    """A field of another file in place of one of this file's."""
    message, found = _fields(data)
    _, others = _fields(pick(random, seeds))
    field, other = pick(random, found)[1], pick(random, others)[1]
    field[1:] = copy.deepcopy(other[1:])
    return wire.dump(message)


def retype_field(random, seeds, data):
    message, found = _fields(data)
    field = pick(random, found)[1]
    field[0] = int(random.integers(1, 40))
    return wire.dump(message)


def nest_deep(random, seeds, data):
    """A chain of messages inside each other, thousands deep: graph in attribute in node, type in type, or any field."""
    path = pick(random, ((7, 1, 5, 6), (7, 11, 2, 4, 1), (7,), (25, 7), (1, 5, 6), (20, 11), (7, 1, 5, 11)))
    depth = pick(random, (50, 100, 200, 1000, 5000, 20000))
    body = b""
    loop = path[-3:] if len(path) > 3 else path
    for k in range(depth):
        body = wire.put_varint(loop[-1 - k % len(loop)] << 3 | wire.BYTES) + wire.put_varint(len(body)) + body
    for number in reversed(path):
        body = wire.put_varint(number << 3 | wire.BYTES) + wire.put_varint(len(body)) + body
    return data + body


# --- models that parse ---

def _model(data):
    return onnx.load_model_from_string(data)


def _node(random, model):
    return pick(random, model.graph.node)


def other_operator(random, seeds, data):
    model = _model(data)
    node = _node(random, model)
    node.op_type = pick(random, OPERATORS)
    node.domain = pick(random, ("", "", "", "ai.onnx.ml", "no.such.domain"))
    return model.SerializeToString()


def other_attribute(random, seeds, data):
    """New numbers in an attribute, or one more attribute that this operator may or may not know."""
    model = _model(data)
    node = _node(random, model)
    if node.attribute and random.random() < 0.7:
        a = pick(random, node.attribute)
        a.i = pick(random, NUMBERS)
        a.f = pick(random, (0.0, float("nan"), float("inf"), -1e30))
        for k in range(len(a.ints)):
            if random.random() < 0.5:
                a.ints[k] = pick(random, NUMBERS)
        if random.random() < 0.3:
            a.ints.extend([pick(random, NUMBERS)] * int(random.integers(1, 9)))
        return model.SerializeToString()
    name = pick(random, ("axis", "axes", "to", "perm", "keepdims", "strides", "pads", "kernel_shape", "group", "dilations",
                         "equation", "auto_pad", "mode", "num_outputs", "value", "split", "body", "then_branch"))
    values = (pick(random, NUMBERS), [pick(random, NUMBERS)] * int(random.integers(1, 5)), "x" * int(random.integers(1, 99)))
    node.attribute.append(helper.make_attribute(name, pick(random, values)))
    return model.SerializeToString()


def other_wiring(random, seeds, data):
    """Cycles, missing values, names defined twice, inputs too many or too few."""
    model = _model(data)
    node = _node(random, model)
    names = [name for n in model.graph.node for name in [*n.input, *n.output]] + ["", "nowhere"]
    for _ in range(int(random.integers(1, 4))):
        what = int(random.integers(5))
        if what == 0 and node.input:
            node.input[int(random.integers(len(node.input)))] = pick(random, names)
        elif what == 1:
            node.input.append(pick(random, names))
        elif what == 2 and node.input:
            del node.input[-1]
        elif what == 3 and node.output:
            node.output[int(random.integers(len(node.output)))] = pick(random, names)
        else:
            node.output.append(pick(random, names))
    return model.SerializeToString()


def other_type(random, seeds, data):
    """Declared dtypes and dims that are wrong, huge, negative, or symbols with odd names."""
    model = _model(data)
    value = pick(random, [*model.graph.input, *model.graph.output])
    tensor = value.type.tensor_type
    if random.random() < 0.4:
        tensor.elem_type = int(random.integers(0, 30))
    if random.random() < 0.2:
        del tensor.shape.dim[:]
    for _ in range(int(random.integers(0, 3))):
        tensor.shape.dim.add()
    for dim in tensor.shape.dim:
        if random.random() < 0.5:
            dim.dim_value = pick(random, NUMBERS)
        elif random.random() < 0.5:
            dim.dim_param = pick(random, ("N", "", "?", "N*2", "a" * 300, "\n", "%s%n", "N+"))
    return model.SerializeToString()


def other_tensor(random, seeds, data):
    """Initializers whose dims, dtype and bytes disagree, or whose data is said to lie in another file."""
    model = _model(data)
    tensors = [*model.graph.initializer] + [a.t for n in model.graph.node for a in n.attribute if a.HasField("t")]
    tensor = pick(random, tensors) if tensors else model.graph.initializer.add(name="extra", data_type=1, dims=[2])
    what = int(random.integers(5))
    if what == 0:
        del tensor.dims[:]
        tensor.dims.extend(pick(random, NUMBERS) for _ in range(int(random.integers(0, 10))))
    elif what == 1:
        tensor.data_type = int(random.integers(0, 30))
    elif what == 2:
        tensor.raw_data = random.bytes(int(random.integers(0, 64)))
    elif what == 3:
        tensor.int64_data.extend(pick(random, NUMBERS) for _ in range(int(random.integers(1, 5))))
    else:
        tensor.data_location = TensorProto.EXTERNAL
        location = pick(random, ("/etc/passwd", "../../../../etc/passwd", "", ".", "model.onnx", "a/../../b", "/dev/zero",
                                 "no such file", "x" * 5000))
        tensor.external_data.add(key="location", value=location)
        for key in ("offset", "length"):
            tensor.external_data.add(key=key, value=pick(random, ("0", "-1", "99999999999", "18446744073709551615", "x", "")))
    return model.SerializeToString()


def other_constants(random, seeds, data):
    """Integer initializers (shapes, axes, indices, splits) filled with extreme numbers of the right size."""
    model = _model(data)
    tensors = [t for t in model.graph.initializer if t.data_type in (TensorProto.INT64, TensorProto.INT32)]
    for tensor in tensors[:4] or [model.graph.initializer.add(name="k", data_type=TensorProto.INT64, dims=[1])]:
        count = int(np.prod([d for d in tensor.dims], dtype=np.int64)) if tensor.dims else 1
        if 0 < count < 64:
            values = np.array([pick(random, NUMBERS) for _ in range(count)], np.int64)
            tensor.ClearField("int64_data")
            tensor.ClearField("int32_data")
            tensor.raw_data = values.astype(np.int64 if tensor.data_type == TensorProto.INT64 else np.int32).tobytes()
    return model.SerializeToString()


def inputs_to_constants(random, seeds, data):
    """Inputs become initializers of extreme or odd values: everything folds at compile time."""
    model = _model(data)
    for value in list(model.graph.input):
        tensor = value.type.tensor_type
        dims = [d.dim_value for d in tensor.shape.dim]
        if tensor.elem_type in (1, 6, 7, 9, 11) and all(0 <= d < 100 for d in dims) and random.random() < 0.7:
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            numbers = [n for n in NUMBERS if dtype.itemsize > 4 or abs(n) < 1 << 31] if dtype.kind == "i" else (0, 1, 2, 3)
            array = random.choice(np.array(numbers), size=dims).astype(dtype)
            model.graph.input.remove(value)
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
    return model.SerializeToString()


def other_opset(random, seeds, data):
    model = _model(data)
    for opset in model.opset_import:
        opset.version = pick(random, (*NUMBERS, 6, 7, 9, 11, 13, 18, 27, 28, 99))
    if random.random() < 0.3:
        model.opset_import.add(domain=pick(random, ("", "local")), version=1)
    return model.SerializeToString()


def local_functions(random, seeds, data):
    """Local functions that call themselves, each other, or nothing; wrong arity; thirty that double at each level."""
    model = _model(data)
    model.opset_import.add(domain="local", version=1)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    count = int(random.integers(1, 31))
    what = int(random.integers(3))
    for k in range(count):
        callee = f"f{(k + 1) % count}" if what == 0 else f"f{k + 1}" if k + 1 < count else "Neg"
        domain = "local" if callee.startswith("f") else ""
        body = [helper.make_node(callee, ["x"], ["y"], domain=domain)]
        if what == 2:
            body = [helper.make_node(callee, ["x"], ["a"], domain=domain), helper.make_node(callee, ["a"], ["y"], domain=domain)]
        model.functions.append(helper.make_function("local", f"f{k}", ["x"], ["y"], body, opsets))
    node = _node(random, model)
    node.op_type, node.domain = "f0", "local"
    return model.SerializeToString()


BYTE_LEVEL = (flip_bits, set_bytes, truncate, cut_out, splice, repeat, noise)
WIRE_LEVEL = (lie_length, lie_number, drop_field, double_field, move_field, retype_field, nest_deep)
MODEL_LEVEL = (other_operator, other_attribute, other_wiring, other_type, other_tensor, other_constants,
               inputs_to_constants, other_opset, local_functions)


def mutate(random, seeds):
    """(which seed, name of what was done, bytes): one or more mutations of one seed file."""
    which = int(random.integers(len(seeds)))
    data = seeds[which]
    names = []
    for _ in range(pick(random, (1, 1, 1, 2, 3))):
        how = pick(random, pick(random, (BYTE_LEVEL, WIRE_LEVEL, MODEL_LEVEL, MODEL_LEVEL)))
        try:
            data = how(random, seeds, data) or b"\0"
            names.append(how.__name__)
        except (ValueError, TypeError, IndexError, KeyError, ProtobufError, UnicodeError, OverflowError):
            data = flip_bits(random, seeds, data)
            names.append("flip_bits")
    return which, "+".join(names), data
