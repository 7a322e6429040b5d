# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""CUDA C++ text to cubins by libnvrtc, without headers, as codegen/cuda/nvrtc.c does; needs no GPU."""

import ctypes
import glob
import os
import sys

FIXED = ["--std=c++17", "--ftz=false", "--fmad=false", "--prec-div=true", "--prec-sqrt=true"]


def find_library():
    """The loader's libnvrtc.so.13, a toolkit's, or one of Python's packages; FRIT_NVRTC names another."""
    named = os.environ.get("FRIT_NVRTC")
    packages = [p for root in sys.path for p in glob.glob(os.path.join(root, "nvidia", "*", "lib", "libnvrtc.so.1[23]"))]
    for path in [named] if named else ["libnvrtc.so.13", *glob.glob("/usr/local/cuda*/lib64/libnvrtc.so.1[23]"), *packages, "libnvrtc.so.12"]:
        try:
            return ctypes.CDLL(path)
        except OSError:
            continue
    sys.exit("libnvrtc was not found; name it with FRIT_NVRTC")


class Nvrtc:
    def __init__(self, arch="sm_90a"):
        self.lib, self.arch = find_library(), arch
        self.lib.nvrtcGetErrorString.restype = ctypes.c_char_p
        major, minor = ctypes.c_int(), ctypes.c_int()
        self.must(self.lib.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
        self.version = f"{major.value}.{minor.value}"

    def must(self, result, log=""):
        if result:
            raise RuntimeError(f"NVRTC: {self.lib.nvrtcGetErrorString(result).decode()}\n{log}")

    def text_of(self, program, size_of, get):
        n = ctypes.c_size_t()
        self.must(size_of(program, ctypes.byref(n)))
        room = ctypes.create_string_buffer(n.value + 1)
        self.must(get(program, room))
        return room.raw[: n.value]

    def compile(self, text, name):
        """The cubin, and the compiler's log: registers, spills."""
        program = ctypes.c_void_p()
        self.must(self.lib.nvrtcCreateProgram(ctypes.byref(program), text.encode(), (name + ".cu").encode(), 0, None, None))
        options = [o.encode() for o in [*FIXED, f"--gpu-architecture={self.arch}", "--ptxas-options=-v"]]
        result = self.lib.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
        log = self.text_of(program, self.lib.nvrtcGetProgramLogSize, self.lib.nvrtcGetProgramLog).decode(errors="replace")
        self.must(result, log)
        cubin = self.text_of(program, self.lib.nvrtcGetCUBINSize, self.lib.nvrtcGetCUBIN)
        self.lib.nvrtcDestroyProgram(ctypes.byref(program))
        return cubin, log
