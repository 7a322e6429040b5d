/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shape arithmetic: the elements of small integer tensors as dims. A value is known when it is a constant, a from_dims,
 * a host input (if those may be used), or computed from known values by one of the operators below; floats are known
 * while they stay whole. Answers are kept by value. */
#include <math.h>
#include <string.h>

#include "frontend/onnx/reader.h"
#include "ir/op/attrs.h"

#define MAX_KNOWN 1024u /* elements of a value that are tracked */
#define MAX_HOST  64    /* elements of a host input */
#define MAX_CHAIN 200   /* nodes between a value and what is known */

typedef struct inquiry {
    reader *r;
    bool host; /* host inputs may become symbols */
    int depth;
} inquiry;

static bool ask(inquiry *q, value_id v, known *out);

/* Constant extents of v; false when symbolic or more than MAX_KNOWN elements. */
static bool static_shape(const reader *r, value_id v, int64_t *shape, uint32_t *out_n) {
    const tensor_type *t = type_of(r, v);
    uint64_t n = 1;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (!dim_is_const(r->dims, t->shape[i], &shape[i]) || shape[i] < 0 || shape[i] > MAX_KNOWN) return false;
        n *= (uint64_t)shape[i];
        if (n > MAX_KNOWN) return false;
    }
    *out_n = (uint32_t)n;
    return true;
}

static bool is_whole(double x) { return x == floor(x) && fabs(x) < 9007199254740992.0; }

static bool const_element(const const_data *d, uint32_t i, int64_t *out) {
    if (d->kind == CONST_RANDOM) return false;
    scalar v = d->kind == CONST_SPLAT ? d->splat : dtype_load(d->dt, d->bytes, i);
    if (dtype_is_float(d->dt)) {
        if (!is_whole(v.f)) return false;
        *out = (int64_t)v.f;
        return true;
    }
    *out = v.i;
    return dtype_kind_of(d->dt) != DTYPE_UINT || v.u <= INT64_MAX;
}

static bool know_const(inquiry *q, const const_data *d, uint32_t n, dim *at) {
    for (uint32_t i = 0; i < n; i++) {
        int64_t v;
        if (!const_element(d, i, &v)) return false;
        at[i] = dim_const(q->r->dims, v);
    }
    return true;
}

/* Elements of model input v as symbols that are bound from the host when the program runs. */
static bool know_host(inquiry *q, value_id v, uint32_t n, dim *at) {
    reader *r = q->r;
    const value *x = graph_value(r->g, v);
    bool is_input = x->def == NODE_NONE && x->region == 0 && dtype_is_integer(x->type.dt) && x->type.rank <= 1;
    if (!q->host || !is_input || n > MAX_HOST || r->options->refuse_host_dims) return false;
    r->g->inputs.at[x->index].is_host = true;
    for (uint32_t i = 0; i < n; i++) {
        const char *name = x->type.rank ? arena_printf(r->c->job, "%s.%u", x->name, i) : x->name;
        sym_id s;
        if (dim_sym_find(r->dims, name, &s)) name = arena_printf(r->c->job, "%s.value", name);
        at[i] = dim_sym(r->dims, name);
        dim_is_sym(r->dims, at[i], &s);
        sym_info *info = dim_sym_info(r->dims, s);
        info->kind = SYM_HOST_ELEM, info->lo = 0, info->input = x->index, info->axis = i;
    }
    return true;
}

/* --- elementwise --- */

static bool not_negative(reader *r, dim d) { return dim_le(r->dims, dimi(r, 0), d); }

/* x / y rounded to zero, where the signs are known. */
static dim truncated(reader *r, dim x, dim y) {
    if (!dim_le(r->dims, dimi(r, 1), y)) return DIM_BAD;
    if (not_negative(r, x)) return dim_floordiv(r->dims, x, y);
    dim minus = dim_sub(r->dims, dimi(r, 0), x);
    if (!not_negative(r, minus)) return DIM_BAD;
    return dim_sub(r->dims, dimi(r, 0), dim_floordiv(r->dims, minus, y));
}

static dim divided(reader *r, dtype dt, dim x, dim y) {
    dim exact;
    if (!dtype_is_float(dt)) return truncated(r, x, y);
    return dim_div_exact(r->dims, x, y, &exact) ? exact : DIM_BAD;
}

static dim truth(reader *r, bool yes, bool no) { return yes ? dimi(r, 1) : no ? dimi(r, 0) : DIM_BAD; }

static dim inverted(reader *r, dim x) { return x == DIM_BAD ? x : dim_sub(r->dims, dimi(r, 1), x); }

static dim elementwise(reader *r, op_code op, dtype dt, const dim *x) {
    dim_table *t = r->dims;
    bool is_bool = dt == FRIT_DT_BOOL, sure;
    switch ((int)op) { /* the operators of shape arithmetic, few of the table */
    case OP_add:
        return dim_add(t, x[0], x[1]);
    case OP_sub:
        return dim_sub(t, x[0], x[1]);
    case OP_mul:
        return dim_mul(t, x[0], x[1]);
    case OP_div:
        return divided(r, dt, x[0], x[1]);
    case OP_mod:
        return dim_le(t, dimi(r, 1), x[1]) ? dim_mod(t, x[0], x[1]) : DIM_BAD;
    case OP_rem:
        sure = not_negative(r, x[0]) && dim_le(t, dimi(r, 1), x[1]);
        return sure ? dim_mod(t, x[0], x[1]) : DIM_BAD;
    case OP_min:
        return dim_min(t, x[0], x[1]);
    case OP_max:
        return dim_max(t, x[0], x[1]);
    case OP_clip:
        return dim_min(t, dim_max(t, x[0], x[1]), x[2]);
    case OP_relu:
        return dim_max(t, x[0], dimi(r, 0));
    case OP_neg:
        return dim_sub(t, dimi(r, 0), x[0]);
    case OP_abs:
        return not_negative(r, x[0]) ? x[0] : DIM_BAD;
    case OP_floor:
    case OP_ceil:
    case OP_round:
    case OP_trunc:
        return x[0]; /* known floats are whole */
    case OP_eq:
        return truth(r, dim_equal(t, x[0], x[1]), dim_never_equal(t, x[0], x[1]));
    case OP_ne:
        return truth(r, dim_never_equal(t, x[0], x[1]), dim_equal(t, x[0], x[1]));
    case OP_lt:
        return truth(r, dim_lt(t, x[0], x[1]), dim_le(t, x[1], x[0]));
    case OP_le:
        return truth(r, dim_le(t, x[0], x[1]), dim_lt(t, x[1], x[0]));
    case OP_gt:
        return truth(r, dim_lt(t, x[1], x[0]), dim_le(t, x[0], x[1]));
    case OP_ge:
        return truth(r, dim_le(t, x[1], x[0]), dim_lt(t, x[0], x[1]));
    case OP_not:
        return is_bool ? inverted(r, x[0]) : DIM_BAD;
    case OP_and:
        return is_bool ? dim_min(t, x[0], x[1]) : DIM_BAD;
    case OP_or:
        return is_bool ? dim_max(t, x[0], x[1]) : DIM_BAD;
    case OP_select:
        return dim_is_const(t, x[0], NULL) ? (x[0] == dimi(r, 0) ? x[2] : x[1]) : DIM_BAD;
    default:
        return DIM_BAD;
    }
}

/* Integers must stay inside their type; symbols are sizes, which every type of 32 bits holds. */
static dim cast_element(reader *r, const node *n, dim x) {
    dtype from = dtype_of(r, n->in[0]), to = ((const attr_cast *)n->attrs)->to;
    int64_t v;
    if (dim_is_const(r->dims, x, &v)) {
        scalar s = dtype_kind_of(from) == DTYPE_FLOAT ? (scalar){.f = (double)v} : (scalar){.i = v};
        scalar y = dtype_convert(from, to, s, true);
        if (dtype_is_float(to)) return is_whole(y.f) ? dimi(r, (int64_t)y.f) : DIM_BAD;
        return dimi(r, y.i);
    }
    if (to == FRIT_DT_BOOL) return truth(r, dim_lt(r->dims, dimi(r, 0), x), x == dimi(r, 0));
    bool wide = to == FRIT_DT_I64 || to == FRIT_DT_I32 || to == FRIT_DT_F32 || to == FRIT_DT_F64;
    return wide ? x : DIM_BAD;
}

/* Flat index into an operand of shape in (rank n_in) of the element at flat index i of shape out, broadcasting. */
static uint32_t broadcast_index(uint32_t i, uint32_t rank, const int64_t *out, uint32_t n_in, const int64_t *in) {
    uint32_t flat = 0, stride = 1;
    for (uint32_t k = 0; k < rank; k++) { /* from the last axis */
        uint32_t at = i % (uint32_t)out[rank - 1 - k];
        i /= (uint32_t)out[rank - 1 - k];
        if (k >= n_in) continue;
        if (in[n_in - 1 - k] != 1) flat += at * stride;
        stride *= (uint32_t)in[n_in - 1 - k];
    }
    return flat;
}

static bool know_elementwise(inquiry *q, const node *n, const known *in, uint32_t count, dim *at) {
    reader *r = q->r;
    int64_t out_shape[MAX_RANK], shapes[3][MAX_RANK];
    uint32_t ignored, rank = rank_of(r, n->out);
    if (n->n_in > 3 || !static_shape(r, n->out, out_shape, &ignored)) return false;
    for (uint32_t k = 0; k < n->n_in; k++)
        if (!static_shape(r, n->in[k], shapes[k], &ignored)) return false;
    dtype dt = dtype_of(r, n->in[n->n_in - 1]);
    for (uint32_t i = 0; i < count; i++) {
        dim x[3] = {0};
        for (uint32_t k = 0; k < n->n_in; k++)
            x[k] = in[k].at[broadcast_index(i, rank, out_shape, rank_of(r, n->in[k]), shapes[k])];
        bool moves = n->op == OP_broadcast || n->op == OP_reshape;
        at[i] = moves ? x[0] : n->op == OP_cast ? cast_element(r, n, x[0]) : elementwise(r, n->op, dt, x);
        if (at[i] == DIM_BAD) return false;
    }
    return true;
}

/* --- movement and reductions --- */

/* Walks the result; fills coord with the coordinates of flat index i. */
static void coordinates(uint32_t i, uint32_t rank, const int64_t *shape, int64_t *coord) {
    for (uint32_t k = rank; k-- > 0;) coord[k] = i % (uint32_t)shape[k], i /= (uint32_t)shape[k];
}

static bool flat_index(uint32_t rank, const int64_t *shape, const int64_t *coord, uint32_t *out) {
    uint32_t flat = 0;
    for (uint32_t k = 0; k < rank; k++) {
        if (coord[k] < 0 || coord[k] >= shape[k]) return false;
        flat = flat * (uint32_t)shape[k] + (uint32_t)coord[k];
    }
    *out = flat;
    return true;
}

/* The operand's coordinates of a result element of slice, transpose or gather; false when not known. */
static bool source_of(inquiry *q, const node *n, const known *in, const int64_t *at, int64_t *from) {
    reader *r = q->r;
    uint32_t rank = rank_of(r, n->in[0]);
    if (n->op == OP_transpose) {
        const attr_perm *p = n->attrs;
        for (uint32_t k = 0; k < rank; k++) from[p->perm.at[k]] = at[k];
        return true;
    }
    if (n->op == OP_slice) {
        const attr_slice *s = n->attrs;
        for (uint32_t k = 0; k < rank; k++) {
            int64_t start;
            if (!dim_is_const(r->dims, s->starts.at[k], &start)) return false;
            from[k] = start + at[k] * s->steps.at[k];
        }
        return true;
    }
    uint32_t axis = (uint32_t)((const attr_axis *)n->attrs)->axis, n_index = rank_of(r, n->in[1]), flat, ignored;
    int64_t shape[MAX_RANK], index;
    if (!static_shape(r, n->in[1], shape, &ignored) || !flat_index(n_index, shape, at + axis, &flat)) return false;
    if (!dim_is_const(r->dims, in[1].at[flat], &index)) return false;
    int64_t extent = 0;
    if (!dim_is_const(r->dims, extent_of(r, n->in[0], axis), &extent)) return false;
    for (uint32_t k = 0; k < rank; k++) from[k] = k < axis ? at[k] : k == axis ? index : at[k + n_index - 1];
    if (index < 0) from[axis] += extent;
    return true;
}

static bool know_moved(inquiry *q, const node *n, const known *in, uint32_t count, dim *at) {
    int64_t out_shape[MAX_RANK], in_shape[MAX_RANK], coord[MAX_RANK], from[MAX_RANK];
    uint32_t ignored, flat, rank = rank_of(q->r, n->out);
    if (!static_shape(q->r, n->out, out_shape, &ignored) || !static_shape(q->r, n->in[0], in_shape, &ignored))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        coordinates(i, rank, out_shape, coord);
        if (!source_of(q, n, in, coord, from)) return false;
        if (!flat_index(rank_of(q->r, n->in[0]), in_shape, from, &flat)) return false;
        at[i] = in[0].at[flat];
    }
    return true;
}

static bool know_concat(inquiry *q, const node *n, const known *in, uint32_t count, dim *at) {
    reader *r = q->r;
    uint32_t axis = (uint32_t)((const attr_axis *)n->attrs)->axis, rank = rank_of(r, n->out), done = 0;
    int64_t shape[MAX_RANK];
    uint32_t ignored, outer = 1;
    if (!static_shape(r, n->out, shape, &ignored)) return false;
    for (uint32_t k = 0; k < axis && k < rank; k++) outer *= (uint32_t)shape[k];
    for (uint32_t o = 0; o < outer; o++) {
        for (uint32_t k = 0; k < n->n_in; k++) {
            uint32_t part = in[k].n / outer;
            for (uint32_t i = 0; i < part && done < count; i++) at[done++] = in[k].at[o * part + i];
        }
    }
    return done == count;
}

static bool know_reduce(inquiry *q, const node *n, const known *in, uint32_t count, dim *at) {
    static const op_code ops[] = {[RK_sum] = OP_add, [RK_prod] = OP_mul, [RK_max] = OP_max, [RK_min] = OP_min};
    const attr_reduce *a = n->attrs;
    int64_t shape[MAX_RANK], coord[MAX_RANK];
    uint32_t ignored, rank = rank_of(q->r, n->in[0]);
    if (a->kind > RK_min || in[0].n == 0 || !static_shape(q->r, n->in[0], shape, &ignored)) return false;
    bool *started = ARENA_ARRAY(q->r->c->job, bool, count + 1);
    for (uint32_t i = 0; i < in[0].n; i++) {
        coordinates(i, rank, shape, coord);
        uint32_t flat = 0;
        for (uint32_t k = 0; k < rank; k++) {
            bool gone = false;
            for (uint32_t j = 0; j < a->axes.n; j++) gone |= a->axes.at[j] == k;
            if (!gone) flat = flat * (uint32_t)shape[k] + (uint32_t)coord[k];
        }
        dim pair[3] = {at[flat], in[0].at[i], 0};
        at[flat] = started[flat] ? elementwise(q->r, ops[a->kind], dtype_of(q->r, n->out), pair) : in[0].at[i];
        if (at[flat] == DIM_BAD) return false;
        started[flat] = true;
    }
    return true;
}

static bool know_iota(inquiry *q, const node *n, uint32_t count, dim *at) {
    const attr_iota *a = n->attrs;
    int64_t shape[MAX_RANK], coord[MAX_RANK];
    uint32_t ignored;
    if (!static_shape(q->r, n->out, shape, &ignored)) return false;
    for (uint32_t i = 0; i < count; i++) {
        coordinates(i, rank_of(q->r, n->out), shape, coord);
        at[i] = dimi(q->r, coord[a->axis]);
    }
    return true;
}

static bool know_node(inquiry *q, const node *n, uint32_t count, dim *at) {
    known in[16];
    if (n->op == OP_const) return know_const(q, &((const attr_const *)n->attrs)->data, count, at);
    if (n->op == OP_iota) return know_iota(q, n, count, at);
    if (n->op == OP_from_dims) {
        if (count) memcpy(at, ((const attr_dims *)n->attrs)->dims.at, count * sizeof *at);
        return true;
    }
    bool moves = n->op == OP_slice || n->op == OP_transpose || n->op == OP_gather;
    bool computes = op_is(n->op, OPF_EW) || n->op == OP_broadcast;
    bool supported = moves || computes || n->op == OP_reshape || n->op == OP_concat || n->op == OP_reduce;
    if (!supported || n->n_in > countof(in)) return false;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!ask(q, n->in[i], &in[i])) return false;
    if (n->op == OP_reshape) {
        if (in[0].n != count) return false;
        if (count) memcpy(at, in[0].at, count * sizeof *at);
        return true;
    }
    if (computes) return know_elementwise(q, n, in, count, at);
    if (n->op == OP_concat) return know_concat(q, n, in, count, at);
    return n->op == OP_reduce ? know_reduce(q, n, in, count, at) : know_moved(q, n, in, count, at);
}

static known *fact_of(reader *r, value_id v) {
    while (r->facts.n <= v) vec_push(r->c->job, r->facts, (known){0});
    return &r->facts.at[v];
}

static bool ask(inquiry *q, value_id v, known *out) {
    reader *r = q->r;
    known k = *fact_of(r, v);
    if (k.state == 3) return *out = k, true;
    if (k.state == 2 || (k.state == 1 && !q->host) || q->depth > MAX_CHAIN) return false;
    int64_t shape[MAX_RANK];
    k.state = q->host ? 2 : 1;
    if (static_shape(r, v, shape, &k.n)) {
        dim *at = ARENA_ARRAY(r->c->job, dim, k.n + 1);
        const node *n = graph_def(r->g, v);
        node copy;
        q->depth++;
        if (n) copy = *n; /* building dims may move the node table */
        bool first_result = !n || copy.out == v;
        if (first_result && (n ? know_node(q, &copy, k.n, at) : know_host(q, v, k.n, at))) k.state = 3, k.at = at;
        q->depth--;
    }
    *fact_of(r, v) = k;
    *out = k;
    return k.state == 3;
}

bool known_dims(reader *r, value_id v, bool with_host_inputs, known *out) {
    inquiry q = {.r = r, .host = with_host_inputs};
    return v != VALUE_NONE && !failed(r) && ask(&q, v, out);
}

/* --- simplification while building --- */

/* A constant of v's type with these elements. */
static value_id as_const(reader *r, value_id v, const known *k) {
    const tensor_type *t = type_of(r, v);
    int64_t *extents = ARENA_ARRAY(r->c->job, int64_t, MAX_RANK), x;
    for (uint32_t i = 0; i < t->rank; i++) dim_is_const(r->dims, t->shape[i], &extents[i]);
    void *bytes = arena_alloc(r->c->job, dtype_bytes(t->dt, k->n) + 1);
    for (uint32_t i = 0; i < k->n; i++) {
        if (!dim_is_const(r->dims, k->at[i], &x)) return VALUE_NONE;
        dtype_store(t->dt, bytes, i, dtype_convert(FRIT_DT_I64, t->dt, (scalar){.i = x}, true));
        scalar stored =
            dtype_load(t->dt, bytes, i); /* arithmetic in a narrow type would have wrapped: leave it alone */
        if (!dtype_is_float(t->dt) && stored.i != x) return VALUE_NONE;
    }
    const_data d = {.kind = CONST_DENSE, .dt = t->dt, .dims = {t->rank, extents}, .bytes = bytes};
    value_id out;
    return graph_const_bytes(r->c, r->g, &d, &out) == FRIT_OK ? out : VALUE_NONE;
}

value_id simplify(reader *r, value_id v) {
    const node *n = graph_def(r->g, v);
    known k;
    if (!n || n->op == OP_const || n->op == OP_iota || n->n_out != 1 || !known_dims(r, v, false, &k) || k.n > 64)
        return v;
    value_id out = as_const(r, v, &k);
    if (out != VALUE_NONE || n->op == OP_from_dims || dtype_of(r, v) != FRIT_DT_I64 || failed(r)) {
        return out != VALUE_NONE ? out : v;
    }
    const node *def = graph_def(r->g, v);
    bool is_direct =
        def->op == OP_reshape && graph_def(r->g, def->in[0]) && graph_def(r->g, def->in[0])->op == OP_from_dims;
    if (is_direct) return v;
    attr_dims a = {.dims = {k.n, k.at}};
    if (graph_add(r->c, r->g, OP_from_dims, r->loc, 0, NULL, &a, &out) != FRIT_OK) return v;
    tensor_type t = *type_of(r, v);
    value_id shaped = t.rank == 1 ? out : VALUE_NONE;
    if (t.rank != 1 && graph_reshape(r->c, r->g, r->loc, out, t.rank, t.shape, &shaped) != FRIT_OK) return v;
    return shaped;
}
