# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""digits_case.py OUT: the digit model's held-out images and double-precision logits as a case for gpu_check. No packages needed."""
import ast
import struct
import sys

F32 = 2  # dtype code of include/frit_dtype.h


def npy(path):
    data = open(path, "rb").read()
    n = struct.unpack_from("<H", data, 8)[0]
    head = ast.literal_eval(data[10 : 10 + n].decode())
    return head["descr"], head["shape"], data[10 + n :]


def as_f32(descr, raw):
    if descr == "<f4":
        return raw
    values = struct.unpack("<%dd" % (len(raw) // 8), raw)
    return struct.pack("<%df" % len(values), *values)


with open(sys.argv[1], "wb") as out:
    out.write(struct.pack("<ii", 1, 1))
    for name in ("held_out", "reference"):
        descr, shape, raw = npy("examples/digits/%s.npy" % name)
        raw = as_f32(descr, raw)
        out.write(struct.pack("<ii16qQ", F32, len(shape), *(tuple(shape) + (0,) * (16 - len(shape))), len(raw)))
        out.write(struct.pack("<4d", 0, 1e-5, 0, 0) + raw)  # case_bounds
