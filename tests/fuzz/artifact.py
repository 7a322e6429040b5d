# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a compiled model through its C interface (include/frit_artifact.h), in memory full of garbage.

Outputs, the context and its scratch are filled with a pattern first, zones before and behind every piece of memory show
writes outside of it, and outputs without elements have an address as well. Nothing is copied but results.
"""

import ctypes
import mmap

import numpy as np

OK, MAX_RANK, ZONE, ALIGN = 0, 16, 256, 64
DTYPES = {1: np.float64, 2: np.float32, 16: np.int64, 17: np.int32, 18: np.int16, 19: np.int8, 24: np.uint64, 25: np.uint32,
          26: np.uint16, 27: np.uint8, 32: np.bool_}
CODES = {np.dtype(t): code for code, t in DTYPES.items()}
# What memory holds before a run: every 32-bit word.
PATTERNS = {"ones": 0xFFFFFFFF, "denormals": 1, "signalling": 0x7FA00001, "zeros": 0}

P, I32, U32, I64, U64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32, ctypes.c_int64, ctypes.c_uint64


class Tensor(ctypes.Structure):
    _fields_ = [("data", P), ("dtype", I32), ("rank", I32), ("dims", ctypes.POINTER(I64)), ("strides", P)]


class Port(ctypes.Structure):
    _fields_ = [("struct_bytes", U32), ("dtype", I32), ("name", ctypes.c_char_p), ("rank", U32), ("is_host", U32),
                ("state", U32), ("reserved", U32), ("dim_text", ctypes.c_char_p * MAX_RANK), ("program", P * MAX_RANK)]


class Info(ctypes.Structure):
    _fields_ = [("struct_bytes", U32), ("n_symbols", U32), ("n_inputs", U32), ("n_outputs", U32), ("n_states", U32),
                ("n_kernels", U32), ("name", ctypes.c_char_p), ("producer", ctypes.c_char_p), ("target", ctypes.c_char_p),
                ("options", ctypes.c_char_p), ("weights_bytes", U64), ("weights_file", ctypes.c_char_p),
                ("libraries", ctypes.c_char_p)]


class Options(ctypes.Structure):
    _fields_ = [("struct_bytes", U32), ("n_threads", U32), ("max_symbols", P), ("memory", P), ("memory_bytes", U64),
                ("pool", P), ("weights", P), ("weights_bytes", U64), ("trace", P), ("stream", P), ("device_memory", P),
                ("device_memory_bytes", U64)]


class Memory(ctypes.Structure):
    _fields_ = [("struct_bytes", U32), ("n_threads", U32), ("context_bytes", U64), ("arena_bytes", U64),
                ("scratch_bytes", U64), ("device_bytes", U64), ("n_stacks", U64), ("stack_bytes", U64)]


class Table(ctypes.Structure):
    _fields_ = [("struct_bytes", U32), ("abi", U32), ("module", P)] + [
        (name, ctypes.CFUNCTYPE(ctypes.c_int, *arguments)) for name, arguments in (
            ("info", (P, P)), ("symbol", (P, U32, P)), ("input", (P, U32, P)), ("output", (P, U32, P)),
            ("kernel", (P, U32, P)), ("bind", (P, P, P, P, U64)), ("output_dims", (P, P, U32, P)),
            ("memory", (P, P, P, P, U64)), ("create", (P, P, P, P, U64)), ("run", (P, P, P)))] + [
        ("error", ctypes.CFUNCTYPE(ctypes.c_char_p, P)), ("destroy", ctypes.CFUNCTYPE(None, P)),
        ("pool_create", ctypes.CFUNCTYPE(P, U32)), ("pool_destroy", ctypes.CFUNCTYPE(None, P)),
        ("result_dims", ctypes.CFUNCTYPE(ctypes.c_int, P, U32, P))]


class Refused(Exception):
    """The artifact said no; the text is its message."""


class TooLarge(Exception):
    """What a counted extent may be at most is more than a test should touch."""


class Overrun(Exception):
    """Something was written outside of the memory that was given."""


class Block:
    """n_bytes of memory that hold a pattern, with zones around them."""

    def __init__(self, name, n_bytes, pattern):
        self.name, self.n_bytes = name, n_bytes
        self.room = mmap.mmap(-1, n_bytes + 2 * ZONE + ALIGN)  # page aligned
        self.bytes = np.frombuffer(self.room, np.uint8)
        words = self.bytes[: len(self.bytes) // 4 * 4].view(np.uint32)
        words[:] = PATTERNS[pattern]
        self.around = [self.bytes[:ZONE].copy(), self.bytes[ZONE + n_bytes :].copy()]
        self.address = self.bytes.ctypes.data + ZONE

    def check(self):
        for kept, here in zip(self.around, (self.bytes[:ZONE], self.bytes[ZONE + self.n_bytes :])):
            if not np.array_equal(kept, here):
                raise Overrun(f"bytes around {self.name} were written")

    def array(self, dtype, dims):
        count = int(np.prod(dims))
        return self.bytes[ZONE : ZONE + count * np.dtype(dtype).itemsize].view(dtype).reshape(dims).copy()


class Artifact:
    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        entry = self.library.frit_artifact_table
        entry.restype, entry.argtypes = P, [U32]
        self.at = entry(1)
        self.table = Table.from_address(self.at)
        self.info = Info(struct_bytes=ctypes.sizeof(Info))
        self.table.info(self.at, ctypes.byref(self.info))
        self.inputs = [self.port(self.table.input, i) for i in range(self.info.n_inputs)]
        self.outputs = [self.port(self.table.output, i) for i in range(self.info.n_outputs)]

    def port(self, get, index):
        port = Port(struct_bytes=ctypes.sizeof(Port))
        get(self.at, index, ctypes.byref(port))
        return port

    def ask(self, function, *arguments):
        text = ctypes.create_string_buffer(512)
        if function(self.at, *arguments, text, U64(512)) != OK:
            raise Refused(text.value.decode(errors="replace"))

    def bind(self, arrays):
        """(tensors, symbols) for the inputs by name."""
        tensors, self.kept = (Tensor * (len(self.inputs) + 1))(), []
        for i, port in enumerate(self.inputs):
            array = np.require(arrays[port.name.decode()], requirements="CA")
            block = Block("an input", array.nbytes, "ones")
            block.bytes[ZONE : ZONE + array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)
            dims = (I64 * max(1, array.ndim))(*array.shape)
            self.kept += [block, dims]
            tensors[i] = Tensor(block.address, CODES[array.dtype], array.ndim, dims, None)
        symbols = (I64 * (self.info.n_symbols + 1))()
        self.ask(self.table.bind, tensors, symbols)
        return tensors, symbols

    def make_outputs(self, symbols, pattern):
        tensors, blocks = (Tensor * (len(self.outputs) + 1))(), []
        for i, port in enumerate(self.outputs):
            dims = (I64 * MAX_RANK)()
            if self.table.output_dims(self.at, symbols, i, dims) != OK:
                raise Refused("output_dims failed")
            n_bytes = int(np.prod(dims[: port.rank], dtype=np.int64)) * np.dtype(DTYPES[port.dtype]).itemsize
            if n_bytes > 1 << 28:
                raise TooLarge(f"output {port.name.decode()} has room for {n_bytes >> 20} MiB")
            blocks.append(Block(f"output {port.name.decode()}", n_bytes, pattern))
            self.kept.append(dims)
            tensors[i] = Tensor(blocks[-1].address, port.dtype, port.rank, dims, None)
        return tensors, blocks

    def run(self, arrays, pattern, n_threads):
        """The outputs, in order, of one run in memory that held the pattern."""
        inputs, symbols = self.bind(arrays)
        outputs, blocks = self.make_outputs(symbols, pattern)
        options = Options(struct_bytes=ctypes.sizeof(Options), n_threads=n_threads, max_symbols=ctypes.addressof(symbols))
        memory = Memory(struct_bytes=ctypes.sizeof(Memory))
        self.ask(self.table.memory, ctypes.byref(options), ctypes.byref(memory))
        block = Block("the context", memory.context_bytes, pattern)
        options.memory, options.memory_bytes = block.address, memory.context_bytes
        context = P()
        self.ask(self.table.create, ctypes.byref(options), ctypes.byref(context))
        try:
            if self.table.run(context, inputs, outputs) != OK:
                raise Refused(self.table.error(context).decode(errors="replace"))
            results = []
            for i, port in enumerate(self.outputs):
                dims = (I64 * MAX_RANK)()
                self.table.result_dims(context, i, dims)
                results.append(blocks[i].array(DTYPES[port.dtype], list(dims[: port.rank])))
        finally:
            self.table.destroy(context)
        for b in [block, *blocks]:
            b.check()
        return results
