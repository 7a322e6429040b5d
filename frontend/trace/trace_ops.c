/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recording of elementwise operators, views, sources, movement by data and reductions. */
#include <string.h>

#include "frontend/trace/trace.h"
#include "ir/graph/graph_text.h"
#include "ir/op/attrs.h"

/* The enums of frit.h are those of the operator table in the same order. */
_Static_assert((int)FRIT_PAD_WRAP == (int)PM_wrap && (int)FRIT_PAD_REFLECT == (int)PM_reflect, "pad modes");
_Static_assert((int)FRIT_MAX == (int)SM_max && (int)FRIT_ADD == (int)SM_add, "scatter modes");
_Static_assert((int)FRIT_REDUCE_MIN == (int)RK_min && (int)FRIT_REDUCE_PROD == (int)RK_prod, "reductions");
_Static_assert((int)FRIT_BERNOULLI == (int)RD_bernoulli && (int)FRIT_NORMAL == (int)RD_normal, "random kinds");

/* ---- elementwise ---- */

/* A node of the operands as they are. */
static frit_value *record(const char *where, op_code op, uint32_t n, const frit_value *const *x, const void *attrs) {
    op_call k;
    value_id in[3] = {VALUE_NONE, VALUE_NONE, VALUE_NONE};
    if (!op_begin(&k, where, op_name(op), n, x)) return op_end(&k, VALUE_NONE);
    for (uint32_t i = 0; i < n; i++) in[i] = x[i]->id;
    return op_end(&k, op_add(&k, op, n, in, attrs));
}

static frit_value *record1(const char *where, op_code op, const frit_value *x, const void *attrs) {
    return record(where, op, 1, &x, attrs);
}

static frit_value *record2(const char *where, op_code op, const frit_value *x, const frit_value *y) {
    return record(where, op, 2, (const frit_value *const[]){x, y}, NULL);
}

#define UNARY(op)                                                                                                      \
    frit_value *frit_##op##_at(const char *where, frit_value *x) { return record1(where, OP_##op, x, NULL); }
#define BINARY(op)                                                                                                     \
    frit_value *frit_##op##_at(const char *where, frit_value *x, frit_value *y) {                                      \
        return record2(where, OP_##op, x, y);                                                                          \
    }
#define TERNARY(op)                                                                                                    \
    frit_value *frit_##op##_at(const char *where, frit_value *x, frit_value *y, frit_value *z) {                       \
        return record(where, OP_##op, 3, (const frit_value *const[]){x, y, z}, NULL);                                  \
    }
#define ALPHA(op)                                                                                                      \
    frit_value *frit_##op##_at(const char *where, frit_value *x, double alpha) {                                       \
        return record1(where, OP_##op, x, &(attr_alpha){.alpha = alpha});                                              \
    }
#define ALPHA_BETA(op)                                                                                                 \
    frit_value *frit_##op##_at(const char *where, frit_value *x, double alpha, double beta) {                          \
        return record1(where, OP_##op, x, &(attr_alpha_beta){.alpha = alpha, .beta = beta});                           \
    }
FRIT_UNARY_LIST(UNARY)
FRIT_BINARY_LIST(BINARY)
FRIT_TERNARY_LIST(TERNARY)
FRIT_ALPHA_LIST(ALPHA)
FRIT_ALPHA_BETA_LIST(ALPHA_BETA)

/* Cast and bitcast: to the dtype it has already, nothing happens. */
static frit_value *convert(const char *where, op_code op, frit_value *x, frit_dtype to) {
    op_call k;
    if (!op_begin(&k, where, op_name(op), 1, (const frit_value *const[]){x})) return op_end(&k, VALUE_NONE);
    if (!op_dtype_known(&k, to)) return op_end(&k, VALUE_NONE);
    if (op_type(&k, x->id)->dt == to) return op_end(&k, x->id);
    return op_end(&k, op_add(&k, op, 1, &x->id, &(attr_cast){.to = to, .saturate = true}));
}

frit_value *frit_cast_at(const char *where, frit_value *x, frit_dtype to) { return convert(where, OP_cast, x, to); }
frit_value *frit_bitcast_at(const char *where, frit_value *x, frit_dtype to) {
    return convert(where, OP_bitcast, x, to);
}

/* ---- views ---- */

static bool begin1(op_call *k, const char *where, const char *name, const frit_value *x) {
    return op_begin(k, where, name, 1, &x);
}

/* axis in 0..n-1 for one that may count from the end; false after recording a mistake. */
static bool axis_of(op_call *k, int32_t axis, uint32_t n, uint32_t *out) {
    int64_t at = axis < 0 ? (int64_t)axis + n : axis;
    *out = 0;
    if (at < 0 || at >= (int64_t)n) {
        op_fail(k, FRIT_RANGE, "axis %d is outside rank %u", axis, n);
        return false;
    }
    *out = (uint32_t)at;
    return true;
}

/* Replaces the one -1 of a shape by what is left of x's elements. */
static void fill_rest(op_call *k, const tensor_type *x, dim_list shape, frit_list given) {
    dim_table *t = k->t->g->dims;
    dim *hole = NULL, rest = dim_const(t, 1), n = dim_product(t, x->rank, x->shape);
    for (uint32_t i = 0; i < shape.n; i++) {
        if (given.at[i] != -1)
            rest = dim_mul(t, rest, shape.at[i]);
        else if (hole)
            op_fail(k, FRIT_SHAPE, "two dims of the shape are -1");
        else
            hole = (dim *)(uintptr_t)&shape.at[i];
    }
    if (hole && op_ok(k) && !dim_div_exact(t, n, rest, hole))
        op_fail(k, FRIT_SHAPE, "-1 stands for no dim: %s elements are not a multiple of %s", dim_text(&k->t->job, t, n),
                dim_text(&k->t->job, t, rest));
}

frit_value *frit_reshape_at(const char *where, frit_value *x, frit_list shape) {
    op_call k;
    if (!begin1(&k, where, "reshape", x)) return op_end(&k, VALUE_NONE);
    dim_list dims = trace_dims(k.t, shape);
    fill_rest(&k, op_type(&k, x->id), dims, shape);
    return op_end(&k, op_reshape(&k, x->id, dims.n, dims.at));
}

frit_value *frit_transpose_at(const char *where, frit_value *x, frit_list perm) {
    op_call k;
    if (!begin1(&k, where, "transpose", x)) return op_end(&k, VALUE_NONE);
    int_list order = trace_ints(k.t, perm);
    uint32_t rank = op_type(&k, x->id)->rank, fixed = 0;
    while (fixed < rank && fixed < order.n && order.at[fixed] == (int64_t)fixed) fixed++;
    if (fixed == rank && order.n == rank) return op_end(&k, x->id);
    return op_end(&k, op_add(&k, OP_transpose, 1, &x->id, &(attr_perm){.perm = order}));
}

static bool has_shape(const tensor_type *t, dim_list shape) {
    return t->rank == shape.n && (shape.n == 0 || memcmp(t->shape, shape.at, shape.n * sizeof *shape.at) == 0);
}

frit_value *frit_broadcast_at(const char *where, frit_value *x, frit_list shape) {
    op_call k;
    if (!begin1(&k, where, "broadcast", x)) return op_end(&k, VALUE_NONE);
    attr_dims a = {.dims = trace_dims(k.t, shape)};
    if (has_shape(op_type(&k, x->id), a.dims)) return op_end(&k, x->id);
    return op_end(&k, op_add(&k, OP_broadcast, 1, &x->id, &a));
}

frit_value *frit_flatten_at(const char *where, frit_value *x, int32_t axis) {
    op_call k;
    if (!begin1(&k, where, "flatten", x)) return op_end(&k, VALUE_NONE);
    const tensor_type *t = op_type(&k, x->id);
    uint32_t at;
    if (!axis_of(&k, axis, t->rank + 1, &at)) return op_end(&k, VALUE_NONE);
    dim_table *dims = k.t->g->dims;
    dim shape[2] = {dim_product(dims, at, t->shape), dim_product(dims, t->rank - at, t->shape + at)};
    return op_end(&k, op_reshape(&k, x->id, 2, shape));
}

frit_value *frit_squeeze_at(const char *where, frit_value *x, int32_t axis) {
    op_call k;
    if (!begin1(&k, where, "squeeze", x)) return op_end(&k, VALUE_NONE);
    const tensor_type *t = op_type(&k, x->id);
    dim shape[MAX_RANK];
    uint32_t at, rank = 0;
    if (!axis_of(&k, axis, t->rank, &at)) return op_end(&k, VALUE_NONE);
    for (uint32_t i = 0; i < t->rank; i++)
        if (i != at) shape[rank++] = t->shape[i];
    return op_end(&k, op_reshape(&k, x->id, rank, shape));
}

frit_value *frit_unsqueeze_at(const char *where, frit_value *x, int32_t axis) {
    op_call k;
    if (!begin1(&k, where, "unsqueeze", x)) return op_end(&k, VALUE_NONE);
    const tensor_type *t = op_type(&k, x->id);
    dim shape[MAX_RANK + 1];
    uint32_t at;
    if (!axis_of(&k, axis, t->rank + 1, &at)) return op_end(&k, VALUE_NONE);
    for (uint32_t i = 0; i < t->rank; i++) shape[i + (i >= at)] = t->shape[i];
    shape[at] = dim_const(k.t->g->dims, 1);
    return op_end(&k, op_reshape(&k, x->id, t->rank + 1, shape));
}

/* A start that counts from the end of an axis of that extent. */
static dim start_of(op_call *k, frit_dim start, dim extent) {
    dim d = trace_dim(k->t, start);
    int64_t n;
    bool from_end = d != DIM_BAD && dim_is_const(k->t->g->dims, d, &n) && n < 0;
    return from_end ? dim_add(k->t->g->dims, extent, d) : d;
}

frit_value *frit_slice_at(const char *where, frit_value *x, int32_t axis, frit_dim start, frit_dim size) {
    op_call k;
    if (!begin1(&k, where, "slice", x)) return op_end(&k, VALUE_NONE);
    const tensor_type *t = op_type(&k, x->id);
    dim starts[MAX_RANK], sizes[MAX_RANK];
    uint32_t at;
    if (!axis_of(&k, axis, t->rank, &at)) return op_end(&k, VALUE_NONE);
    for (uint32_t i = 0; i < t->rank; i++) starts[i] = dim_const(k.t->g->dims, 0), sizes[i] = t->shape[i];
    starts[at] = start_of(&k, start, t->shape[at]);
    sizes[at] = trace_dim(k.t, size);
    attr_slice a = {.starts = {t->rank, starts}, .sizes = {t->rank, sizes}};
    if (starts[at] == dim_const(k.t->g->dims, 0) && has_shape(t, a.sizes)) return op_end(&k, x->id);
    return op_end(&k, op_add(&k, OP_slice, 1, &x->id, &a));
}

frit_value *frit_strided_at(const char *where, frit_value *x, frit_list starts, frit_list sizes, frit_list steps) {
    op_call k;
    if (!begin1(&k, where, "slice", x)) return op_end(&k, VALUE_NONE);
    const tensor_type *t = op_type(&k, x->id);
    if (starts.n != t->rank || sizes.n != t->rank || steps.n != t->rank)
        return op_end(&k, op_fail(&k, FRIT_SHAPE, "starts, sizes and steps need %u entries each", t->rank));
    dim from[MAX_RANK];
    for (uint32_t i = 0; i < t->rank; i++) from[i] = start_of(&k, starts.at[i], t->shape[i]);
    attr_slice a = {.starts = {t->rank, from}, .sizes = trace_dims(k.t, sizes), .steps = trace_ints(k.t, steps)};
    return op_end(&k, op_add(&k, OP_slice, 1, &x->id, &a));
}

/* The ids of operands, in scratch. */
static value_id *ids_of(op_call *k, uint32_t n, frit_value *const *x) {
    value_id *ids = ARENA_ARRAY(&k->t->scratch, value_id, n + 1u);
    for (uint32_t i = 0; i < n; i++) ids[i] = x[i]->id;
    return ids;
}

frit_value *frit_concat_at(const char *where, int32_t axis, uint32_t n, frit_value *const *x) {
    op_call k;
    if (!op_begin(&k, where, "concat", n, (const frit_value *const *)x)) return op_end(&k, VALUE_NONE);
    if (n == 1) return op_end(&k, x[0]->id);
    return op_end(&k, op_add(&k, OP_concat, n, ids_of(&k, n, x), &(attr_axis){.axis = axis}));
}

frit_value *frit_einsum_at(const char *where, const char *equation, uint32_t n, frit_value *const *x) {
    op_call k;
    if (!op_begin(&k, where, "einsum", n, (const frit_value *const *)x)) return op_end(&k, VALUE_NONE);
    if (!equation) return op_end(&k, op_fail(&k, FRIT_USAGE, "the equation is NULL"));
    return op_end(&k, op_add(&k, OP_einsum, n, ids_of(&k, n, x), &(attr_einsum){.equation = equation}));
}

frit_value *frit_pad_at(const char *where, frit_value *x, frit_list lo, frit_list hi, const frit_pad_options *o) {
    op_call k;
    if (!begin1(&k, where, "pad", x)) return op_end(&k, VALUE_NONE);
    value_id in[2] = {x->id, VALUE_NONE};
    attr_pad a = {.lo = trace_dims(k.t, lo), .hi = trace_dims(k.t, hi), .mode = o ? (pad_mode)o->mode : PM_constant};
    if (a.mode > PM_wrap) return op_end(&k, op_fail(&k, FRIT_USAGE, "%d is no frit_pad_mode", (int)a.mode));
    bool has_fill = o && o->mode == FRIT_PAD_CONSTANT && o->fill != 0;
    if (has_fill) in[1] = frit_scalar_like_at(where, x, o->fill)->id;
    return op_end(&k, op_add(&k, OP_pad, has_fill ? 2 : 1, in, &a));
}

/* ---- by name ---- */

static bool find_op(op_call *k, const char *name, op_code *out) {
    const char *names[N_OPS];
    bool is_found = name && op_parse(name, out);
    if (is_found && *out != OP_const && !op_is(*out, OPF_REGION)) return true;
    for (int i = 0; i < N_OPS; i++) names[i] = op_name((op_code)i);
    const char *near = name && !is_found ? str_nearest(name, names, N_OPS) : NULL;
    op_fail(k, FRIT_USAGE, "'%s' is no operator that can be recorded by name%s%s%s", name ? name : "",
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

/* Reads attributes of the text form into attrs; false after recording a mistake. */
static bool read_attributes(op_call *k, op_code op, const char *text, void *attrs) {
    cx *c = &k->t->c;
    fir_reader r = {.c = c, .where = k->where ? k->where : op_name(op), .g = k->t->g};
    r.text = r.at = arena_printf(&k->t->job, "{%s}", text);
    if (fir_attrs(&r, op, attrs) != FRIT_OK) return false;
    fir_skip(&r);
    if (*r.at) op_fail(k, FRIT_FORMAT, "nothing may follow the attributes '%s'", text);
    return op_ok(k);
}

frit_value *frit_apply_at(const char *where, const char *op, const char *attributes, uint32_t n, frit_value *const *x) {
    op_call k;
    op_code code;
    if (!op_begin(&k, where, op ? op : "apply", n, (const frit_value *const *)x) || !find_op(&k, op, &code))
        return op_end(&k, VALUE_NONE);
    void *attrs = attrs_new(&k.t->job, code);
    if (attributes && !read_attributes(&k, code, attributes, attrs)) return op_end(&k, VALUE_NONE);
    return op_end(&k, op_add(&k, code, n, ids_of(&k, n, x), attrs));
}

frit_value *frit_result_at(const char *where, frit_value *x, uint32_t index) {
    op_call k;
    if (!begin1(&k, where, "result", x)) return op_end(&k, VALUE_NONE);
    const node *n = graph_def(k.t->g, x->id);
    if (!n || index >= n->n_out) return op_end(&k, op_fail(&k, FRIT_USAGE, "the operator has no result %u", index));
    return op_end(&k, n->out + index);
}

/* ---- made from nothing ---- */

frit_value *frit_iota_at(const char *where, frit_tracer *t, frit_dtype dt, frit_list shape, int32_t axis) {
    op_call k;
    if (!op_begin_in(&k, where, "iota", t) || !op_dtype_known(&k, dt)) return op_end(&k, VALUE_NONE);
    attr_iota a = {.dims = trace_dims(t, shape), .axis = axis, .to = dt};
    return op_end(&k, op_add(&k, OP_iota, 0, NULL, &a));
}

frit_value *frit_from_dims_at(const char *where, frit_tracer *t, frit_list dims) {
    op_call k;
    if (!op_begin_in(&k, where, "from_dims", t)) return op_end(&k, VALUE_NONE);
    return op_end(&k, op_add(&k, OP_from_dims, 0, NULL, &(attr_dims){.dims = trace_dims(t, dims)}));
}

frit_value *frit_random_at(const char *where, frit_tracer *t, frit_dtype dt, frit_list shape,
                           const frit_random_options *o) {
    op_call k;
    if (!op_begin_in(&k, where, "random", t) || !op_dtype_known(&k, dt)) return op_end(&k, VALUE_NONE);
    frit_random_options given = o ? *o : (frit_random_options){0};
    if (given.kind > FRIT_BERNOULLI) return op_end(&k, op_fail(&k, FRIT_USAGE, "%d is no kind", (int)given.kind));
    bool is_default = given.a == 0 && given.b == 0;
    if (is_default && given.kind == FRIT_BERNOULLI) given.a = 0.5;
    if (is_default && given.kind != FRIT_BERNOULLI) given.b = 1;
    attr_random a = {.kind = (random_kind)given.kind,
                     .dims = trace_dims(t, shape),
                     .to = dt,
                     .seed = given.seed,
                     .a = given.a,
                     .b = given.b};
    return op_end(&k, op_add(&k, OP_random, 0, NULL, &a));
}

/* ---- movement by data ---- */

static frit_value *indexed(const char *where, op_code op, frit_value *x, frit_value *index, const void *attrs) {
    return record(where, op, 2, (const frit_value *const[]){x, index}, attrs);
}

frit_value *frit_gather_at(const char *where, frit_value *x, frit_value *index, int32_t axis) {
    return indexed(where, OP_gather, x, index, &(attr_axis){.axis = axis});
}

frit_value *frit_gather_elements_at(const char *where, frit_value *x, frit_value *index, int32_t axis) {
    return indexed(where, OP_gather_elements, x, index, &(attr_axis){.axis = axis});
}

frit_value *frit_gather_nd_at(const char *where, frit_value *x, frit_value *index, int32_t batch_dims) {
    return indexed(where, OP_gather_nd, x, index, &(attr_gather_nd){.batch_dims = batch_dims});
}

static frit_value *scattered(const char *where, op_code op, const frit_value *const x[3],
                             const frit_scatter_options *o) {
    attr_scatter a = {.axis = o ? o->axis : 0, .mode = o ? (scatter_mode)o->mode : SM_set};
    op_call k;
    if (!op_begin(&k, where, op_name(op), 3, x)) return op_end(&k, VALUE_NONE);
    if (a.mode > SM_max) return op_end(&k, op_fail(&k, FRIT_USAGE, "%d is no frit_scatter_mode", (int)a.mode));
    return op_end(&k, op_add(&k, op, 3, (value_id[]){x[0]->id, x[1]->id, x[2]->id}, &a));
}

frit_value *frit_scatter_elements_at(const char *where, frit_value *x, frit_value *index, frit_value *updates,
                                     const frit_scatter_options *o) {
    return scattered(where, OP_scatter_elements, (const frit_value *const[]){x, index, updates}, o);
}

frit_value *frit_scatter_nd_at(const char *where, frit_value *x, frit_value *index, frit_value *updates,
                               const frit_scatter_options *o) {
    return scattered(where, OP_scatter_nd, (const frit_value *const[]){x, index, updates}, o);
}

frit_value *frit_topk_at(const char *where, frit_value *x, frit_dim k_given, const frit_topk_options *o,
                         frit_value **out_indices) {
    op_call k;
    value_id first = VALUE_NONE, second = VALUE_NONE;
    if (begin1(&k, where, "topk", x)) {
        dim n = trace_dim(k.t, k_given);
        int64_t from_end = o ? (int64_t)o->axis_from_end : 0;
        attr_topk a = {.k = {1, &n}, .axis = -1 - from_end, .largest = !(o && o->is_smallest)};
        first = op_add(&k, OP_topk, 1, &x->id, &a);
    }
    if (first != VALUE_NONE) second = first + 1;
    frit_value *values = op_end(&k, first);
    if (out_indices) *out_indices = k.t && second != VALUE_NONE ? trace_value(k.t, second) : trace_nothing(k.t);
    return values;
}

frit_value *frit_nonzero_at(const char *where, frit_value *x) { return record1(where, OP_nonzero, x, NULL); }

frit_value *frit_update_at(const char *where, frit_value *x, frit_value *block, frit_list starts) {
    op_call k;
    if (!op_begin(&k, where, "update", 2, (const frit_value *const[]){x, block})) return op_end(&k, VALUE_NONE);
    attr_update a = {.starts = trace_dims(k.t, starts)};
    return op_end(&k, op_add(&k, OP_update, 2, (value_id[]){x->id, block->id}, &a));
}

/* ---- reductions ---- */

/* x reduced over axes (which are in range); with keep they stay, with extent 1. */
static value_id reduced(op_call *k, value_id x, reduce_kind kind, int_list axes, bool keep) {
    value_id y = axes.n ? op_add(k, OP_reduce, 1, &x, &(attr_reduce){.kind = kind, .axes = axes}) : x;
    if (!keep || y == VALUE_NONE) return y;
    const tensor_type *t = op_type(k, x);
    dim shape[MAX_RANK];
    memcpy(shape, t->shape, t->rank * sizeof *shape);
    for (uint32_t i = 0; i < axes.n; i++)
        shape[axes.at[i] < 0 ? axes.at[i] + t->rank : axes.at[i]] = dim_const(k->t->g->dims, 1);
    return op_reshape(k, y, t->rank, shape);
}

frit_value *frit_reduce_at(const char *where, frit_value *x, frit_reduction kind, frit_list axes, bool keep) {
    op_call k;
    if (!begin1(&k, where, "reduce", x)) return op_end(&k, VALUE_NONE);
    if (kind > FRIT_REDUCE_MIN) return op_end(&k, op_fail(&k, FRIT_USAGE, "%d is no frit_reduction", (int)kind));
    return op_end(&k, reduced(&k, x->id, (reduce_kind)kind, trace_ints(k.t, axes), keep));
}

/* How many elements of x one element of a mean is made of, as a scalar of x's dtype. */
static value_id count_of(op_call *k, value_id x, int_list axes) {
    dim_table *dims = k->t->g->dims;
    tensor_type t = *op_type(k, x);
    dim count = dim_const(dims, 1);
    for (uint32_t i = 0; i < axes.n; i++)
        count = dim_mul(dims, count, t.shape[axes.at[i] < 0 ? axes.at[i] + t.rank : axes.at[i]]);
    int64_t n;
    if (dim_is_const(dims, count, &n)) {
        attr_const a = {.data = {.kind = CONST_SPLAT, .dt = t.dt, .splat = dtype_from_f64(t.dt, (double)n)}};
        return op_add(k, OP_const, 0, NULL, &a);
    }
    value_id size = op_add(k, OP_from_dims, 0, NULL, &(attr_dims){.dims = {1, &count}});
    size = op_reshape(k, size, 0, NULL);
    if (t.dt == FRIT_DT_I64) return size;
    return op_add(k, OP_cast, 1, &size, &(attr_cast){.to = t.dt, .saturate = true});
}

frit_value *frit_mean_at(const char *where, frit_value *x, frit_list axes, bool keep) {
    op_call k;
    if (!begin1(&k, where, "mean", x)) return op_end(&k, VALUE_NONE);
    int_list at = trace_ints(k.t, axes);
    value_id sum = reduced(&k, x->id, RK_sum, at, keep); /* checks the axes */
    if (sum == VALUE_NONE) return op_end(&k, VALUE_NONE);
    return op_end(&k, op_add(&k, OP_div, 2, (value_id[]){sum, count_of(&k, x->id, at)}, NULL));
}

static frit_value *arg_of(const char *where, frit_value *x, reduce_kind kind, int64_t axis) {
    op_call k;
    if (!begin1(&k, where, kind == RK_argmax ? "argmax" : "argmin", x)) return op_end(&k, VALUE_NONE);
    return op_end(&k, reduced(&k, x->id, kind, (int_list){1, &axis}, false));
}

frit_value *frit_argmax_at(const char *where, frit_value *x, int32_t axis) { return arg_of(where, x, RK_argmax, axis); }
frit_value *frit_argmin_at(const char *where, frit_value *x, int32_t axis) { return arg_of(where, x, RK_argmin, axis); }

frit_value *frit_scan_at(const char *where, frit_value *x, frit_reduction kind, int32_t axis,
                         const frit_scan_options *o) {
    op_call k;
    if (!begin1(&k, where, "scan", x)) return op_end(&k, VALUE_NONE);
    if (kind > FRIT_REDUCE_MIN) return op_end(&k, op_fail(&k, FRIT_USAGE, "%d is no frit_reduction", (int)kind));
    attr_scan a = {.kind = (reduce_kind)kind, .axis = axis, .exclusive = o && o->exclusive, .reverse = o && o->reverse};
    return op_end(&k, op_add(&k, OP_scan, 1, &x->id, &a));
}
