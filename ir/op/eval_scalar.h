/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators on scalars: the oracle of the evaluator, of kernels' interpreters and of constant folding. */
#ifndef FRIT_IR_EVAL_SCALAR_H
#define FRIT_IR_EVAL_SCALAR_H

#include "ir/op/ops.h"

/* One elementwise operator on scalars: in[] of dtype dt (select: in[0] bool), result of dt (CMP ops: bool). Computes
 * floats in f64 and rounds once to dt. */
scalar eval_scalar(op_code op, const void *attrs, dtype dt, const scalar *in);
scalar scalar_wrap(dtype dt, int64_t v); /* v cut to dt's width; bool: v != 0 */

/* The same for many elements: what does not change from one to the next is found once. */
/* Operands of one elementwise operator on scalars. Floats are in x, y, z; integers and bools in i, j, k (unsigned ones
 * as their bits). */
typedef struct ew_args {
    dtype dt;
    bool is_unsigned;
    unsigned bits;
    double x, y, z;
    int64_t i, j, k;
    const void *attrs;
} ew_args;

/* How one operator computes. */
typedef struct ew_row {
    double (*real)(const ew_args *a);     /* floats, rounded once by the caller; integers too where integer is NULL */
    int64_t (*integer)(const ew_args *a); /* integers and bools, wrapped by the caller */
    scalar (*any)(const void *attrs, dtype dt, const scalar *in); /* cast, bitcast, select: whole scalars */
    bool is_cast;                                                 /* result type is attr_cast.to */
} ew_row;

const ew_row *ew_row_of(op_code op); /* of an elementwise one */
ew_args ew_args_of(dtype dt, const void *attrs);
scalar ew_apply(const ew_row *row, const ew_args *fixed, bool is_cmp, const scalar *in, uint32_t n_in);

#endif
