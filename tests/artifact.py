# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled models in Python, for tests: an artifact (include/frit_artifact.h) through ctypes. A call's memory and outputs
hold garbage before it runs, so that an element which nobody writes shows."""

import ctypes as c

import ml_dtypes
import numpy as np

ABI, MAX_RANK, OK, ALIGN, GARBAGE, MESSAGE_BYTES = 1, 16, 0, 64, 0xFF, 512
# codes of include/frit_dtype.h
DTYPES = {1: np.float64, 2: np.float32, 3: np.float16, 4: ml_dtypes.bfloat16, 16: np.int64, 17: np.int32, 18: np.int16,
          19: np.int8, 24: np.uint64, 25: np.uint32, 26: np.uint16, 27: np.uint8, 32: np.bool_}
CODES = {np.dtype(t): code for code, t in DTYPES.items()}


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int32), ("rank", c.c_int32), ("dims", c.POINTER(c.c_int64)),
                ("strides", c.c_void_p)]


class Port(c.Structure):
    _fields_ = [("struct_bytes", c.c_uint32), ("dtype", c.c_int32), ("name", c.c_char_p), ("rank", c.c_uint32),
                ("is_host", c.c_uint32), ("state", c.c_uint32), ("reserved", c.c_uint32)]


class Info(c.Structure):
    _fields_ = [("struct_bytes", c.c_uint32), ("n_symbols", c.c_uint32), ("n_inputs", c.c_uint32),
                ("n_outputs", c.c_uint32)]


class Options(c.Structure):
    _fields_ = [("struct_bytes", c.c_uint32), ("n_threads", c.c_uint32), ("max_symbols", c.c_void_p),
                ("memory", c.c_void_p), ("memory_bytes", c.c_uint64)]


class Memory(c.Structure):
    _fields_ = [("struct_bytes", c.c_uint32), ("n_threads", c.c_uint32), ("context_bytes", c.c_uint64)]


class Artifact(c.Structure):
    pass


SELF, DIMS, MESSAGE = c.POINTER(Artifact), c.POINTER(c.c_int64), (c.c_char_p, c.c_uint64)
Artifact._fields_ = [
    ("struct_bytes", c.c_uint32), ("abi", c.c_uint32), ("module", c.c_void_p),
    ("info", c.CFUNCTYPE(c.c_int, SELF, c.POINTER(Info))), ("symbol", c.c_void_p),
    ("input", c.CFUNCTYPE(c.c_int, SELF, c.c_uint32, c.POINTER(Port))),
    ("output", c.CFUNCTYPE(c.c_int, SELF, c.c_uint32, c.POINTER(Port))), ("kernel", c.c_void_p),
    ("bind", c.CFUNCTYPE(c.c_int, SELF, c.POINTER(Tensor), DIMS, *MESSAGE)),
    ("output_dims", c.CFUNCTYPE(c.c_int, SELF, DIMS, c.c_uint32, DIMS)),
    ("memory", c.CFUNCTYPE(c.c_int, SELF, c.POINTER(Options), c.POINTER(Memory), *MESSAGE)),
    ("create", c.CFUNCTYPE(c.c_int, SELF, c.POINTER(Options), c.POINTER(c.c_void_p), *MESSAGE)),
    ("run", c.CFUNCTYPE(c.c_int, c.c_void_p, c.POINTER(Tensor), c.POINTER(Tensor))),
    ("error", c.CFUNCTYPE(c.c_char_p, c.c_void_p)), ("destroy", c.CFUNCTYPE(None, c.c_void_p)),
    ("pool_create", c.c_void_p), ("pool_destroy", c.c_void_p),
    ("result_dims", c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_uint32, DIMS)),
]


class Refused(Exception):
    """The artifact's own message."""


class Block:
    """Memory aligned to ALIGN, full of garbage."""

    def __init__(self, n_bytes):
        self.bytes = np.full(n_bytes + ALIGN, GARBAGE, np.uint8)
        self.start = -self.bytes.ctypes.data % ALIGN
        self.at = self.bytes.ctypes.data + self.start

    def array(self, dtype, dims):
        count = int(np.prod(dims, dtype=np.int64))
        n_bytes = count * np.dtype(dtype).itemsize
        return self.bytes[self.start:self.start + n_bytes].view(dtype).reshape(dims).copy()


class Model:
    def __init__(self, path):
        library = c.CDLL(str(path))
        library.frit_artifact_table.restype = SELF
        self.library, self.a = library, library.frit_artifact_table(c.c_uint32(ABI))
        self.text = c.create_string_buffer(MESSAGE_BYTES)
        info = Info(struct_bytes=c.sizeof(Info))
        self.a.contents.info(self.a, c.byref(info))
        self.n_symbols = info.n_symbols
        self.inputs = [self.port("input", i) for i in range(info.n_inputs)]
        self.outputs = [self.port("output", i) for i in range(info.n_outputs)]

    def port(self, kind, i):
        port = Port(struct_bytes=c.sizeof(Port))
        getattr(self.a.contents, kind)(self.a, i, c.byref(port))
        return port

    def ok(self, status):
        if status != OK:
            raise Refused(self.text.value.decode())

    def run(self, feeds, n_threads=1):
        """{output: array} of {input: array}."""
        a, text = self.a.contents, (self.text, MESSAGE_BYTES)
        given = [np.array(feeds[p.name.decode()], order="C") for p in self.inputs]
        ins = (Tensor * max(1, len(given)))(*[_tensor(x.ctypes.data, CODES[x.dtype], x.shape) for x in given])
        symbols = (c.c_int64 * (self.n_symbols + 1))()
        self.ok(a.bind(self.a, ins, symbols, *text))
        dims = [(c.c_int64 * MAX_RANK)() for _ in self.outputs]
        blocks, outs = [], (Tensor * max(1, len(self.outputs)))()
        for i, port in enumerate(self.outputs):
            a.output_dims(self.a, symbols, i, dims[i])
            shape = dims[i][:port.rank]
            blocks.append(Block(int(np.prod(shape, dtype=np.int64)) * np.dtype(DTYPES[port.dtype]).itemsize))
            outs[i] = _tensor(blocks[i].at, port.dtype, shape)
        options = Options(c.sizeof(Options), n_threads, c.cast(symbols, c.c_void_p))
        memory = Memory(struct_bytes=c.sizeof(Memory))
        self.ok(a.memory(self.a, c.byref(options), c.byref(memory), *text))
        room = Block(memory.context_bytes)
        options.memory, options.memory_bytes = room.at, memory.context_bytes
        context = c.c_void_p()
        self.ok(a.create(self.a, c.byref(options), c.byref(context), *text))
        try:
            if a.run(context, ins, outs) != OK:
                raise Refused(a.error(context).decode())
            for i in range(len(blocks)):
                a.result_dims(context, i, dims[i])
        finally:
            a.destroy(context)
        return {p.name.decode(): b.array(DTYPES[p.dtype], d[:p.rank]) for p, b, d in zip(self.outputs, blocks, dims)}


def _tensor(at, code, shape):
    return Tensor(at, code, len(shape), (c.c_int64 * max(1, len(shape)))(*shape), None)
