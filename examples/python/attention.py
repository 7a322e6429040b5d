# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a compiled model from Python with ctypes alone: no NumPy, nothing of frit but the layout of its header.

    frit compile examples/attention/attention.onnx -o attention.so
    python3 examples/python/attention.py ./attention.so examples/attention/x.npy examples/attention/y.npy
"""

import array
import ctypes as c
import os
import sys

ABI, MAX_RANK, F32, OK = 1, 16, 2, 0
BATCH, LENGTH, WIDTH = 2, 19, 64
TOLERANCE = 1e-5


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int32), ("rank", c.c_int32), ("dims", c.POINTER(c.c_int64)),
                ("strides", c.POINTER(c.c_int64))]


class Port(c.Structure):
    _fields_ = [("struct_bytes", c.c_uint32), ("dtype", c.c_int32), ("name", c.c_char_p), ("rank", c.c_uint32),
                ("is_host", c.c_uint32), ("state", c.c_uint32), ("reserved", c.c_uint32), ("dim_text", c.c_char_p * MAX_RANK),
                ("program", c.POINTER(c.c_int64) * MAX_RANK)]


class Options(c.Structure):
    """The first fields of frit_options: an artifact counts what lies behind struct_bytes as zero."""

    _fields_ = [("struct_bytes", c.c_uint32), ("n_threads", c.c_uint32), ("max_symbols", c.POINTER(c.c_int64))]


class Artifact(c.Structure):
    pass


SELF, TENSORS, SYMBOLS, MESSAGE = c.POINTER(Artifact), c.POINTER(Tensor), c.POINTER(c.c_int64), (c.c_char_p, c.c_uint64)
Artifact._fields_ = [
    ("struct_bytes", c.c_uint32), ("abi", c.c_uint32), ("module", c.c_void_p), ("info", c.c_void_p), ("symbol", c.c_void_p),
    ("input", c.CFUNCTYPE(c.c_int, SELF, c.c_uint32, c.POINTER(Port))),
    ("output", c.CFUNCTYPE(c.c_int, SELF, c.c_uint32, c.POINTER(Port))),
    ("kernel", c.c_void_p),
    ("bind", c.CFUNCTYPE(c.c_int, SELF, TENSORS, SYMBOLS, *MESSAGE)),
    ("output_dims", c.CFUNCTYPE(c.c_int, SELF, SYMBOLS, c.c_uint32, SYMBOLS)),
    ("memory", c.c_void_p),
    ("create", c.CFUNCTYPE(c.c_int, SELF, c.POINTER(Options), c.POINTER(c.c_void_p), *MESSAGE)),
    ("run", c.CFUNCTYPE(c.c_int, c.c_void_p, TENSORS, TENSORS)),
    ("error", c.CFUNCTYPE(c.c_char_p, c.c_void_p)),
    ("destroy", c.CFUNCTYPE(None, c.c_void_p)),
]


def read_npy(path, typecode):
    """The data of a version-1 .npy file."""
    with open(path, "rb") as file:
        data = file.read()
    values = array.array(typecode)
    values.frombytes(data[10 + data[8] + 256 * data[9] :])
    return values


def tensor(values, dims):
    """A view of an array of floats; values and dims have to stay alive while it is used."""
    return Tensor(values.buffer_info()[0], F32, len(dims), dims, None)


class Model:
    """A compiled model with one f32 input and one f32 output."""

    def __init__(self, path):
        self.library = c.CDLL(os.path.abspath(path))
        self.library.frit_artifact_table.restype = SELF
        self.a = self.library.frit_artifact_table(c.c_uint32(ABI))
        if not self.a:
            raise RuntimeError(f"{path}: no artifact of this version")
        self.message = c.create_string_buffer(256)

    def check(self, status):
        if status != OK:
            raise RuntimeError(self.message.value.decode())

    def port(self, describe):
        """Name and dims as text of input or output 0."""
        port = Port(struct_bytes=c.sizeof(Port))
        self.check(describe(self.a, 0, c.byref(port)))
        return f"{port.name.decode()}[{', '.join(port.dim_text[i].decode() for i in range(port.rank))}]"

    def __call__(self, values, shape):
        """(output values, output shape) of one call; a context lives as long as the call."""
        a = self.a.contents
        dims, symbols, out_dims = (c.c_int64 * 3)(*shape), (c.c_int64 * 16)(), (c.c_int64 * MAX_RANK)()
        x = tensor(values, dims)
        self.check(a.bind(self.a, x, symbols, c.cast(self.message, c.c_char_p), 256))
        self.check(a.output_dims(self.a, symbols, 0, out_dims))
        result = array.array("f", bytes(4 * shape[0] * shape[1] * out_dims[2]))
        y = tensor(result, (c.c_int64 * 3)(*out_dims[:3]))
        options, context = Options(c.sizeof(Options), 0, symbols), c.c_void_p()
        self.check(a.create(self.a, options, context, c.cast(self.message, c.c_char_p), 256))
        try:
            if a.run(context, x, y) != OK:
                raise RuntimeError(a.error(context).decode())
        finally:
            a.destroy(context)
        return result, list(out_dims[:3])


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: attention.py ARTIFACT.so x.npy y.npy")
    model = Model(sys.argv[1])
    print(f"{model.port(model.a.contents.input)} -> {model.port(model.a.contents.output)}")
    x, expected = read_npy(sys.argv[2], "f"), read_npy(sys.argv[3], "d")
    y, shape = model(x, (BATCH, LENGTH, WIDTH))
    error = max(abs(a - b) for a, b in zip(y, expected, strict=True))
    print(f"{shape}: largest error {error:.2g}")
    try:
        model(x, (BATCH, LENGTH, WIDTH - 1))
        sys.exit("a wrong width was taken")
    except RuntimeError as refusal:
        print(f"a width of {WIDTH - 1} is refused: {refusal}")
    return 0 if error < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
