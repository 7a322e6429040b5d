/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Facts about element types, and one element as a number. */
#ifndef FRIT_IR_DTYPE_H
#define FRIT_IR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frit_dtype.h"

typedef frit_dtype dtype;

typedef enum dtype_kind { DTYPE_FLOAT, DTYPE_INT, DTYPE_UINT, DTYPE_BOOL } dtype_kind;

const char *dtype_name(dtype dt);            /* "f32"; "none" for FRIT_DT_NONE */
bool dtype_parse(const char *s, dtype *out); /* by text name */
unsigned dtype_bits(dtype dt);
dtype_kind dtype_kind_of(dtype dt);
bool dtype_is_float(dtype dt);
bool dtype_is_integer(dtype dt);           /* signed or unsigned, not bool */
bool dtype_is_byte_pair(dtype a, dtype b); /* one u8, the other i8 */
/* The type in which products of a and b sum: i32 for a byte pair, f32 for two bf16, else a. */
dtype dtype_of_products(dtype a, dtype b);
/* How many products of a and b the instructions of CPUs sum at once: 4 for a byte pair, 2 for two bf16, else 1. */
uint32_t dtype_k_pack(dtype a, dtype b);
/* The type that arithmetic on dt is done in: f32 for narrower floats, i32/u32 for narrower integers, else dt. */
dtype dtype_compute(dtype dt);
/* Bytes of n packed elements, rounded up to whole bytes. */
size_t dtype_bytes(dtype dt, size_t n);

/* One element. Floats live in f (narrower ones exactly representable), signed integers and bool in i, unsigned in u. */
typedef union scalar {
    double f;
    int64_t i;
    uint64_t u;
} scalar;
scalar dtype_load(dtype dt, const void *base, size_t index); /* element index of a packed buffer */
void dtype_store(dtype dt, void *base, size_t index, scalar v);
/* Conversion by the rules of ONNX Cast: float -> int truncates (out of range saturates to the range's ends, NaN gives
 * 0; to 2 and 4 bits by way of i32, whose low bits are kept), int -> narrower int wraps, anything -> bool is != 0,
 * number -> f8 saturates when saturate. */
scalar dtype_convert(dtype from, dtype to, scalar v, bool saturate);
scalar dtype_from_f64(dtype dt, double x);
double dtype_to_f64(dtype dt, scalar v);

#endif
