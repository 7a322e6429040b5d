# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled models from Python: NumPy arrays in, NumPy arrays out, through the layout of include/frit_artifact.h alone.

    model = artifact.Model("resnet50.so")
    context = model.context({"image": array}, n_threads=2)
    context.run()
    context.outputs["logits"]
"""

import ctypes as c
import os

import numpy as np

ABI, MAX_RANK, OK, MESSAGE_BYTES = 1, 16, 0, 512
DTYPES = {1: np.float64, 2: np.float32, 3: np.float16, 16: np.int64, 17: np.int32, 18: np.int16, 19: np.int8, 24: np.uint64,
          25: np.uint32, 26: np.uint16, 27: np.uint8, 32: np.bool_}
ALIGNMENT = 64


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int32), ("rank", c.c_int32), ("dims", c.POINTER(c.c_int64)),
                ("strides", c.POINTER(c.c_int64))]


class Port(c.Structure):
    _fields_ = [("struct_bytes", c.c_uint32), ("dtype", c.c_int32), ("name", c.c_char_p), ("rank", c.c_uint32),
                ("is_host", c.c_uint32), ("state", c.c_uint32), ("reserved", c.c_uint32), ("dim_text", c.c_char_p * MAX_RANK),
                ("program", c.POINTER(c.c_int64) * MAX_RANK)]


class Info(c.Structure):
    _fields_ = [("struct_bytes", c.c_uint32), *((n, c.c_uint32) for n in ("n_symbols", "n_inputs", "n_outputs", "n_states",
                                                                          "n_kernels")),
                *((n, c.c_char_p) for n in ("name", "producer", "target", "options")), ("weights_bytes", c.c_uint64),
                ("weights_file", c.c_char_p)]


class Options(c.Structure):
    """The first fields of frit_options: an artifact counts what lies behind struct_bytes as zero."""

    _fields_ = [("struct_bytes", c.c_uint32), ("n_threads", c.c_uint32), ("max_symbols", c.POINTER(c.c_int64)),
                ("memory", c.c_void_p), ("memory_bytes", c.c_uint64)]


class Memory(c.Structure):
    _fields_ = [("struct_bytes", c.c_uint32), ("n_threads", c.c_uint32),
                *((n, c.c_uint64) for n in ("context_bytes", "arena_bytes", "scratch_bytes", "device_bytes", "n_stacks",
                                            "stack_bytes"))]


class Artifact(c.Structure):
    pass


SELF, TENSORS, SYMBOLS, MESSAGE = c.POINTER(Artifact), c.POINTER(Tensor), c.POINTER(c.c_int64), (c.c_char_p, c.c_uint64)
Artifact._fields_ = [
    ("struct_bytes", c.c_uint32), ("abi", c.c_uint32), ("module", c.c_void_p),
    ("info", c.CFUNCTYPE(c.c_int, SELF, c.POINTER(Info))), ("symbol", c.c_void_p),
    ("input", c.CFUNCTYPE(c.c_int, SELF, c.c_uint32, c.POINTER(Port))),
    ("output", c.CFUNCTYPE(c.c_int, SELF, c.c_uint32, c.POINTER(Port))),
    ("kernel", c.c_void_p),
    ("bind", c.CFUNCTYPE(c.c_int, SELF, TENSORS, SYMBOLS, *MESSAGE)),
    ("output_dims", c.CFUNCTYPE(c.c_int, SELF, SYMBOLS, c.c_uint32, SYMBOLS)),
    ("memory", c.CFUNCTYPE(c.c_int, SELF, c.POINTER(Options), c.POINTER(Memory), *MESSAGE)),
    ("create", c.CFUNCTYPE(c.c_int, SELF, c.POINTER(Options), c.POINTER(c.c_void_p), *MESSAGE)),
    ("run", c.CFUNCTYPE(c.c_int, c.c_void_p, TENSORS, TENSORS)),
    ("error", c.CFUNCTYPE(c.c_char_p, c.c_void_p)),
    ("destroy", c.CFUNCTYPE(None, c.c_void_p)),
]


def aligned(shape, dtype):
    """An array of zeros that begins at a multiple of 64 bytes."""
    n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    block = np.zeros(n_bytes + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start:start + n_bytes].view(dtype).reshape(shape)


class Context:
    """Inputs and outputs of a model, and a context made for exactly their dims. run() repeats the call. With own_memory the
    context lies in an array of this object, and fill() puts a word all over what a run may find there."""

    def __init__(self, model, inputs, n_threads, own_memory=False):
        self.model, self.handle = model, c.c_void_p()
        arrays = []
        for name, dtype in model.inputs:
            array = aligned(inputs[name].shape, dtype)
            array[...] = inputs[name]
            arrays.append(array)
        self.inputs = dict(zip((n for n, _ in model.inputs), arrays, strict=True))
        self._in, self._kept = self._tensors(arrays)
        symbols = (c.c_int64 * (model.info.n_symbols + 1))()
        model.check(model.a.bind(model.table, self._in, symbols, model.message, MESSAGE_BYTES))
        self.outputs = {name: aligned(model.output_shape(symbols, i), dtype) for i, (name, dtype) in enumerate(model.outputs)}
        self._out, kept = self._tensors(list(self.outputs.values()))
        self._kept += [*kept, symbols]
        options = Options(c.sizeof(Options), n_threads, symbols)
        if own_memory:
            options.memory = self._take_memory(options)
            options.memory_bytes = self.memory.size
        model.check(model.a.create(model.table, options, self.handle, model.message, MESSAGE_BYTES))
        self._run = model.a.run

    def _take_memory(self, options):
        facts, model = Memory(struct_bytes=c.sizeof(Memory)), self.model
        model.check(model.a.memory(model.table, options, facts, model.message, MESSAGE_BYTES))
        self.memory = aligned((facts.context_bytes,), np.uint8)
        self._unwritten = facts.scratch_bytes + facts.arena_bytes  # the end of it: tables lie in front
        return self.memory.ctypes.data

    def fill(self, word):
        bytes_ = self.memory[self.memory.size - self._unwritten:]
        bytes_[:] = np.frombuffer(np.uint32(word).tobytes() * (bytes_.size // 4 + 1), np.uint8)[:bytes_.size]

    @staticmethod
    def _tensors(arrays):
        codes = {np.dtype(d): code for code, d in DTYPES.items()}
        dims = [(c.c_int64 * max(a.ndim, 1))(*a.shape) for a in arrays]
        tensors = (Tensor * max(len(arrays), 1))(*(Tensor(a.ctypes.data, codes[a.dtype], a.ndim, d, None)
                                                   for a, d in zip(arrays, dims, strict=True)))
        return tensors, [dims, arrays]

    def run(self):
        if self._run(self.handle, self._in, self._out) != OK:
            raise RuntimeError(self.model.a.error(self.handle).decode())

    def close(self):
        self.model.a.destroy(self.handle)
        self.handle = c.c_void_p()


class Model:
    """A compiled model; its ports as (name, NumPy type)."""

    def __init__(self, path):
        self.library = c.CDLL(os.path.abspath(path))
        self.library.frit_artifact_table.restype = SELF
        self.table = self.library.frit_artifact_table(c.c_uint32(ABI))
        if not self.table:
            raise RuntimeError(f"{path}: no artifact of this version")
        self.a, self.message = self.table.contents, c.create_string_buffer(MESSAGE_BYTES)
        self.info = Info(struct_bytes=c.sizeof(Info))
        self.check(self.a.info(self.table, self.info))
        self.inputs = [self._port(self.a.input, i) for i in range(self.info.n_inputs)]
        self.outputs = [self._port(self.a.output, i) for i in range(self.info.n_outputs)]

    def check(self, status):
        if status != OK:
            raise RuntimeError(self.message.value.decode())

    def _port(self, describe, index):
        port = Port(struct_bytes=c.sizeof(Port))
        self.check(describe(self.table, index, c.byref(port)))
        return port.name.decode(), DTYPES[port.dtype]

    def output_shape(self, symbols, index):
        port, dims = Port(struct_bytes=c.sizeof(Port)), (c.c_int64 * MAX_RANK)()
        self.check(self.a.output(self.table, index, c.byref(port)))
        self.check(self.a.output_dims(self.table, symbols, index, dims))
        return tuple(dims[:port.rank])

    def context(self, inputs, n_threads, own_memory=False):
        return Context(self, inputs, n_threads, own_memory)
