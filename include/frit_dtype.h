/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Element types: one row each. The code is part of the ABI of artifacts and never changes.
 * Row: NAME (FRIT_DT_<NAME>), code, text, bits per element, kind. 4- and 2-bit types are packed low half first in
 * memory of whole tensors and unpacked one per byte in .npy files. */
#ifndef FRIT_DTYPE_H
#define FRIT_DTYPE_H

#define FRIT_DTYPE_LIST(X)                                                                                             \
    X(F64, 1, "f64", 64, FLOAT)                                                                                        \
    X(F32, 2, "f32", 32, FLOAT)                                                                                        \
    X(F16, 3, "f16", 16, FLOAT)                                                                                        \
    X(BF16, 4, "bf16", 16, FLOAT)                                                                                      \
    X(F8E4M3, 5, "f8e4m3", 8, FLOAT)                                                                                   \
    X(F8E5M2, 6, "f8e5m2", 8, FLOAT)                                                                                   \
    X(F8E4M3FNUZ, 7, "f8e4m3fnuz", 8, FLOAT)                                                                           \
    X(F8E5M2FNUZ, 8, "f8e5m2fnuz", 8, FLOAT)                                                                           \
    X(F8E8M0, 9, "f8e8m0", 8, FLOAT)                                                                                   \
    X(F4E2M1, 10, "f4e2m1", 4, FLOAT)                                                                                  \
    X(I64, 16, "i64", 64, INT)                                                                                         \
    X(I32, 17, "i32", 32, INT)                                                                                         \
    X(I16, 18, "i16", 16, INT)                                                                                         \
    X(I8, 19, "i8", 8, INT)                                                                                            \
    X(I4, 20, "i4", 4, INT)                                                                                            \
    X(I2, 21, "i2", 2, INT)                                                                                            \
    X(U64, 24, "u64", 64, UINT)                                                                                        \
    X(U32, 25, "u32", 32, UINT)                                                                                        \
    X(U16, 26, "u16", 16, UINT)                                                                                        \
    X(U8, 27, "u8", 8, UINT)                                                                                           \
    X(U4, 28, "u4", 4, UINT)                                                                                           \
    X(U2, 29, "u2", 2, UINT)                                                                                           \
    X(BOOL, 32, "bool", 8, BOOL)

typedef enum frit_dtype {
    FRIT_DT_NONE = 0,
#define FRIT_DTYPE_ROW(name, code, text, bits, kind) FRIT_DT_##name = (code),
    FRIT_DTYPE_LIST(FRIT_DTYPE_ROW)
#undef FRIT_DTYPE_ROW
} frit_dtype;

#endif
