/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors in files: NumPy's .npy and ONNX's TensorProto .pb. */
#ifndef FRIT_DRIVER_NPY_H
#define FRIT_DRIVER_NPY_H

#include "ir/eval/eval.h"

/* npy.c. Reads a .npy as elements of type declared, which decides what the bytes mean: bfloat16 and float16 take two,
 * fp8 one, and 4- and 2-bit types stand unpacked, one in each byte. FRIT_DT_NONE takes the type from the file. Data is
 * in c->job, row-major, 64-byte aligned. Errors: FRIT_IO, FRIT_FORMAT, FRIT_TYPE, all naming the file. */
frit_status npy_read(cx *c, const char *path, dtype declared, tensor *out);
/* Writes t; types that NumPy lacks as <V2 and |V1. */
frit_status npy_write(cx *c, const char *path, const tensor *t);

/* tensor_file.c. Reads .npy or .pb, told apart by content. */
frit_status tensor_file_read(cx *c, const char *path, dtype declared, tensor *out);

#endif
