/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside the evaluator: what the files eval_*.c share. Nothing outside ir/eval*.c includes this.
 * Each operator of ops.def that is not elementwise has one `const eval_row row_<name>`, bound by eval.c: a missing one
 * fails the link. Elementwise ones are in ir/op/eval_scalar.c. */
#ifndef FRIT_IR_EVAL_OPS_H
#define FRIT_IR_EVAL_OPS_H

#include <math.h>

#include "ir/eval/eval.h"
#include "ir/op/eval_scalar.h"

/* Evaluates node n on operands in (n->n_in) into out (n->n_out), allocating with result_alloc. */
typedef frit_status eval_fn(eval_cx *e, const node *n, const tensor *in, tensor *out);

/* A sum of f64 with what its roundings lost beside it (Knuth's two-sum), so that long sums of equal terms do not drift:
 * for f64 results the evaluator has no wider type to be exact in. Zero-initialise. */
typedef struct f64_sum {
    double sum, lost;
} f64_sum;
static inline void sum_add(f64_sum *s, double x) {
    double sum = s->sum + x, taken = sum - s->sum;
    s->lost += (s->sum - (sum - taken)) + (x - taken);
    s->sum = sum;
}
/* Infinities and NaN leave nothing sensible in lost. */
static inline double sum_value(const f64_sum *s) { return isfinite(s->lost) ? s->sum + s->lost : s->sum; }

/* How one operator is evaluated that is not elementwise. */
typedef struct eval_row {
    eval_fn *run;
} eval_row;

#define OP(name, ...) extern const eval_row row_##name;
#include "ir/ops.def"
#undef OP

/* An odometer over up to MAX_WALK axes that keeps the element offsets of up to four operands. Zero-initialise. */
#define MAX_WALK 72
typedef struct walk {
    uint32_t n;
    int64_t extent[MAX_WALK], at[MAX_WALK], stride[4][MAX_WALK], off[4];
} walk;
void walk_axis(walk *w, int64_t extent, int64_t s0, int64_t s1, int64_t s2);
bool walk_start(walk *w); /* goes to the first point; false when there is none. off[] keep what the caller set */
bool walk_next(walk *w);  /* false after the last point, with every offset back at its start */

/* eval.c */
const char *node_where(const eval_cx *e, const node *n); /* the node's source, else its operator */
frit_status node_dim(eval_cx *e, const node *n, dim d, int64_t *out);
frit_status node_dims(eval_cx *e, const node *n, dim_list l, int64_t *out); /* l.n <= MAX_RANK values */
/* Allocates result k and checks its type against the inferred one (unbound symbols are bound to it). */
frit_status result_alloc(eval_cx *e, const node *n, uint32_t k, dtype dt, uint32_t rank, const int64_t *shape,
                         tensor *out);
/* As result_alloc with the shape of x. */
frit_status result_like(eval_cx *e, const node *n, dtype dt, const tensor *x, tensor *out);
/* Checks t against the type of value v; result symbols of v's shape are bound (again) to t's extents. */
frit_status value_bind(eval_cx *e, value_id v, const tensor *t, const char *where);
frit_status region_eval(eval_cx *e, region_id r, const tensor *params, tensor *out_results);
dtype result_dtype(const eval_cx *e, const node *n, dtype otherwise); /* inferred type of the first result */
frit_status axis_check(eval_cx *e, const node *n, int64_t axis, uint32_t rank, uint32_t *out);

void strides_of(uint32_t rank, const int64_t *shape, int64_t *out_strides); /* packed row-major */
/* Strides of x seen as a tensor of that rank and shape after numpy broadcasting: 0 along stretched axes. False when x
 * does not broadcast to it. */
bool broadcast_strides(const tensor *x, uint32_t rank, const int64_t *shape, int64_t *out_strides);
int64_t shape_product(uint32_t n, const int64_t *shape);
void copy_element(dtype dt, void *to, int64_t to_at, const void *from, int64_t from_at); /* bit for bit */
int64_t list_or(int_list l, uint32_t i, int64_t otherwise); /* l.at[i], or otherwise when the list is shorter */
int64_t load_index(const tensor *t, int64_t at);            /* integer element as int64 */

/* Whole tensors as f64, in the scratch arena. */
double *load_f64(eval_cx *e, const tensor *t);
void store_f64(tensor *t, int64_t at, double x); /* rounded (integers: truncated) to t's type */
/* As 64-bit integers, for exact wrapping arithmetic. */
uint64_t *load_u64(eval_cx *e, const tensor *t);
void store_u64(tensor *t, int64_t at, uint64_t bits); /* wraps */

/* eval_random.c: Philox 4x32-10 of a 64-bit counter and key. */
void philox(uint64_t counter, uint64_t key, uint32_t out[4]);

#endif
