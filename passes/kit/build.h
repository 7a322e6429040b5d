/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing formulas as graph nodes. A builder carries the first failure along: after one, every call returns VALUE_NONE
 * and adds nothing, so that a decomposition reads as its formula and checks once, at the end. */
#ifndef FRIT_PASSES_BUILD_H
#define FRIT_PASSES_BUILD_H

#include "ir/graph/graph.h"
#include "ir/op/attrs.h"

typedef struct build {
    cx *c;
    graph *g;
    loc_id loc;
    frit_status status;
    const uint32_t *uses; /* rules only: how often each of the first n_uses values is used; NULL otherwise */
    uint32_t n_uses;
} build;

static inline const tensor_type *build_type(const build *b, value_id v) { return graph_type(b->g, v); }
static inline uint32_t build_rank(const build *b, value_id v) { return graph_type(b->g, v)->rank; }
static inline bool build_ok(const build *b) { return b->status == FRIT_OK; }
value_id build_fail(build *b, frit_status code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

value_id build_node(build *b, op_code op, uint32_t n_in, const value_id *in, const void *attrs);
value_id build_op1(build *b, op_code op, value_id x);
value_id build_op2(build *b, op_code op, value_id x, value_id y);
static inline value_id build_add(build *b, value_id x, value_id y) { return build_op2(b, OP_add, x, y); }
static inline value_id build_sub(build *b, value_id x, value_id y) { return build_op2(b, OP_sub, x, y); }
static inline value_id build_mul(build *b, value_id x, value_id y) { return build_op2(b, OP_mul, x, y); }
static inline value_id build_div(build *b, value_id x, value_id y) { return build_op2(b, OP_div, x, y); }
value_id build_select(build *b, value_id condition, value_id x, value_id y);
value_id build_cast(build *b, value_id x, dtype to);

/* Rank-0 constants; the second and third of x's type. build_of_dim is the value of a dim, symbolic or not. */
value_id build_splat(build *b, dtype dt, double v);
value_id build_like(build *b, value_id x, double v);
value_id build_lowest(build *b, dtype dt); /* -inf, or the least integer */
value_id build_of_dim(build *b, dtype dt, dim d);
value_id build_filled(build *b, const tensor_type *t, scalar x); /* a constant of one value in type t */

value_id build_reshape(build *b, value_id x, uint32_t rank, const dim *shape);
value_id build_broadcast(build *b, value_id x, uint32_t rank, const dim *shape);
value_id build_transpose(build *b, value_id x, const int64_t *perm);
/* Reduces n axes; build_reduce_keep leaves them with extent 1. */
value_id build_reduce(build *b, reduce_kind kind, value_id x, uint32_t n, const int64_t *axes);
value_id build_reduce_keep(build *b, reduce_kind kind, value_id x, uint32_t n, const int64_t *axes);
/* x of rank 1 as [1, .., n, .., 1]: its axis at `axis` of `rank`. */
value_id build_along(build *b, value_id x, uint32_t axis, uint32_t rank);
value_id build_contract(build *b, value_id x, value_id y, const char *lhs, const char *rhs, const char *out);
/* size elements of one axis from start on, by step. */
value_id build_slice_axis(build *b, value_id x, uint32_t axis, dim start, dim size, int64_t step);
/* 0, 1, .. along axis, of extent n at `axis` of `rank` axes of extent 1. */
value_id build_iota(build *b, dtype dt, uint32_t axis, uint32_t rank, dim n);

#endif
