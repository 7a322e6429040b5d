/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the decompose_<op> functions share. Private to passes/decompose*.c. */
#ifndef FRIT_PASSES_DECOMPOSE_H
#define FRIT_PASSES_DECOMPOSE_H

#include "passes/kit/build.h"

/* One model node to be written in core operators. */
typedef struct decomposition {
    build b;
    op_code op;
    uint32_t n_in;
    const value_id *in; /* operands in the new graph; floats narrower than 32 bits already widened to f32 */
    const void *attrs;  /* normalised by inference */
    uint32_t n_out;
    const tensor_type *types; /* result types of the model node (dtypes as in the model) */
    const bool *is_used;      /* per result */
    value_id *out;            /* per result; VALUE_NONE allowed when not used */
} decomposition;
typedef void decompose_fn(decomposition *d); /* failures are in d->b.status */

/* Every model operator without a template has one. */
#define OP(name, ...) decompose_fn decompose_##name;
#include "ir/ops.def"
#undef OP

/* Product of dims first..last-1 of x as a scalar of type dt. */
value_id decompose_count(build *b, value_id x, dtype dt, uint32_t n, const int64_t *axes);
/* axes first, first + 1, .. last - 1. */
uint32_t decompose_range(uint32_t first, uint32_t last, int64_t *axes);

/* x with its symbolic `axis` resized from one extent to another. */
value_id decompose_resize_symbolic(decomposition *d, value_id x, uint32_t axis, dim from, dim to);

#endif
