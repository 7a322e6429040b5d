/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The evaluator's frame: binds symbols, walks a graph in order, and checks every result against the inferred type, so
 * that it is also an oracle of inference. The operators are in eval_*.c. */
#include "ir/eval/eval_ops.h"

#include <string.h>

#include "ir/op/op_flags.h"

#define UNBOUND INT64_MIN

/* NULL: elementwise */
static const eval_row *const rows[N_OPS] = {
#define OP(name, attrs, lo, hi, n_out, flags, ...) [OP_##name] = (flags)&EW ? NULL : &row_##name,
#include "ir/ops.def"
#undef OP
};

/* ---- tensors and walks ---- */

int64_t shape_product(uint32_t n, const int64_t *shape) {
    int64_t count = 1;
    for (uint32_t i = 0; i < n; i++) count *= shape[i];
    return count;
}

int64_t tensor_count(const tensor *t) { return shape_product(t->rank, t->shape); }

frit_status tensor_alloc(cx *c, arena *a, dtype dt, uint32_t rank, const int64_t *shape, tensor *out) {
    const int64_t limit = INT64_C(1) << 40;
    if (rank > MAX_RANK) return FAIL(c, SHAPE, NULL, "rank %u is more than %d", rank, MAX_RANK);
    int64_t count = 1;
    bool is_empty = false;
    *out = (tensor){.dt = dt, .rank = rank};
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] < 0) return FAIL(c, SHAPE, NULL, "extent %lld of axis %u is negative", (long long)shape[i], i);
        if (shape[i] == 0) is_empty = true;
        if (shape[i] > 0 && count > limit / shape[i]) return FAIL(c, RANGE, NULL, "a tensor exceeds 2^40 bytes");
        if (shape[i] > 0) count *= shape[i];
        out->shape[i] = shape[i];
    }
    size_t bytes = is_empty ? 0 : dtype_bytes(dt, (size_t)count);
    if (bytes > (size_t)limit) return FAIL(c, RANGE, NULL, "a tensor exceeds 2^40 bytes");
    out->data = arena_alloc(a, bytes ? bytes : 1);
    return FRIT_OK;
}

void walk_axis(walk *w, int64_t extent, int64_t s0, int64_t s1, int64_t s2) {
    ASSERT(w->n < MAX_WALK);
    w->extent[w->n] = extent;
    w->stride[0][w->n] = s0;
    w->stride[1][w->n] = s1;
    w->stride[2][w->n] = s2;
    w->stride[3][w->n] = 0;
    w->n++;
}

bool walk_start(walk *w) {
    for (uint32_t i = 0; i < w->n; i++) {
        w->at[i] = 0;
        if (w->extent[i] <= 0) return false;
    }
    return true;
}

bool walk_next(walk *w) {
    for (uint32_t i = w->n; i-- > 0;) {
        for (int o = 0; o < 4; o++) w->off[o] += w->stride[o][i];
        if (++w->at[i] < w->extent[i]) return true;
        for (int o = 0; o < 4; o++) w->off[o] -= w->stride[o][i] * w->extent[i];
        w->at[i] = 0;
    }
    return false;
}

void strides_of(uint32_t rank, const int64_t *shape, int64_t *out_strides) {
    int64_t stride = 1;
    for (uint32_t i = rank; i-- > 0;) {
        out_strides[i] = stride;
        stride *= shape[i];
    }
}

bool broadcast_strides(const tensor *x, uint32_t rank, const int64_t *shape, int64_t *out_strides) {
    if (x->rank > rank) return false;
    int64_t own[MAX_RANK];
    strides_of(x->rank, x->shape, own);
    uint32_t lead = rank - x->rank;
    for (uint32_t i = 0; i < rank; i++) {
        bool is_stretched = i < lead || (x->shape[i - lead] == 1 && shape[i] != 1);
        if (!is_stretched && x->shape[i - lead] != shape[i]) return false;
        out_strides[i] = is_stretched ? 0 : own[i - lead];
    }
    return true;
}

void copy_element(dtype dt, void *to, int64_t to_at, const void *from, int64_t from_at) {
    size_t bits = dtype_bits(dt);
    if (bits < 8) {
        dtype_store(dt, to, (size_t)to_at, dtype_load(dt, from, (size_t)from_at));
        return;
    }
    size_t bytes = bits / 8;
    memcpy((char *)to + (size_t)to_at * bytes, (const char *)from + (size_t)from_at * bytes, bytes);
}

int64_t list_or(int_list l, uint32_t i, int64_t otherwise) { return i < l.n ? l.at[i] : otherwise; }

int64_t load_index(const tensor *t, int64_t at) { return dtype_load(t->dt, t->data, (size_t)at).i; }

double *load_f64(eval_cx *e, const tensor *t) {
    size_t n = (size_t)tensor_count(t);
    double *out = ARENA_ARRAY(e->c->scratch, double, n + 1);
    for (size_t i = 0; i < n; i++) out[i] = dtype_to_f64(t->dt, dtype_load(t->dt, t->data, i));
    return out;
}

void store_f64(tensor *t, int64_t at, double x) {
    scalar v =
        dtype_is_float(t->dt) ? dtype_from_f64(t->dt, x) : dtype_convert(FRIT_DT_F64, t->dt, (scalar){.f = x}, true);
    dtype_store(t->dt, t->data, (size_t)at, v);
}

uint64_t *load_u64(eval_cx *e, const tensor *t) {
    size_t n = (size_t)tensor_count(t);
    uint64_t *out = ARENA_ARRAY(e->c->scratch, uint64_t, n + 1);
    for (size_t i = 0; i < n; i++) out[i] = dtype_load(t->dt, t->data, i).u;
    return out;
}

void store_u64(tensor *t, int64_t at, uint64_t bits) {
    dtype_store(t->dt, t->data, (size_t)at, scalar_wrap(t->dt, (int64_t)bits));
}

/* ---- nodes ---- */

const char *node_where(const eval_cx *e, const node *n) {
    if (n->loc != 0 && n->loc < e->g->locs.n) return e->g->locs.at[n->loc];
    return op_name(n->op);
}

/* Whether every symbol of d has a value. */
static bool dim_known(const eval_cx *e, dim d) {
    if (dim_is_const(e->g->dims, d, NULL)) return true;
    if (!e->syms) return false;
    uint32_t n = dim_n_syms(e->g->dims);
    for (uint32_t s = 0; s < n; s++)
        if (e->syms[s] == UNBOUND && dim_depends(e->g->dims, d, s)) return false;
    return true;
}

frit_status node_dim(eval_cx *e, const node *n, dim d, int64_t *out) {
    if (d != DIM_BAD && dim_is_const(e->g->dims, d, out)) return FRIT_OK;
    if (d == DIM_BAD || !dim_known(e, d))
        return FAIL(e->c, RANGE, node_where(e, n), "%s: a dim has no value here", op_name(n->op));
    return dim_eval(e->c, e->g->dims, d, e->syms, out);
}

frit_status node_dims(eval_cx *e, const node *n, dim_list l, int64_t *out) {
    if (l.n > MAX_RANK) return FAIL(e->c, SHAPE, node_where(e, n), "%u dims are too many", l.n);
    for (uint32_t i = 0; i < l.n; i++) TRY(node_dim(e, n, l.at[i], &out[i]));
    return FRIT_OK;
}

frit_status axis_check(eval_cx *e, const node *n, int64_t axis, uint32_t rank, uint32_t *out) {
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank)
        return FAIL(e->c, SHAPE, node_where(e, n), "%s: axis %lld is outside rank %u", op_name(n->op), (long long)axis,
                    rank);
    *out = (uint32_t)axis;
    return FRIT_OK;
}

/* Compares one extent with its dim; an unbound (or rebindable result) symbol takes it. */
static frit_status dim_bind(eval_cx *e, dim d, int64_t extent, bool may_rebind, const char *where) {
    sym_id s;
    if (e->syms && dim_is_sym(e->g->dims, d, &s)) {
        bool is_result = dim_sym_info(e->g->dims, s)->kind == SYM_RESULT;
        if (e->syms[s] == UNBOUND || (may_rebind && is_result)) e->syms[s] = extent;
    }
    if (!dim_known(e, d)) return FRIT_OK; /* folding, or an expression of a symbol bound later */
    int64_t expected;
    if (!dim_is_const(e->g->dims, d, &expected)) TRY(dim_eval(e->c, e->g->dims, d, e->syms, &expected));
    if (expected == extent) return FRIT_OK;
    return FAIL(e->c, SHAPE, where, "extent is %lld, but inferred %s = %lld", (long long)extent,
                dim_text(e->c->scratch, e->g->dims, d), (long long)expected);
}

static frit_status type_check(eval_cx *e, const tensor_type *ty, const tensor *t, bool may_rebind, const char *where) {
    if (ty->dt != t->dt)
        return FAIL(e->c, TYPE, where, "type is %s, but inferred %s", dtype_name(t->dt), dtype_name(ty->dt));
    if (ty->rank != t->rank) return FAIL(e->c, SHAPE, where, "rank is %u, but inferred %u", t->rank, ty->rank);
    for (uint32_t i = 0; i < t->rank; i++) TRY(dim_bind(e, ty->shape[i], t->shape[i], may_rebind, where));
    return FRIT_OK;
}

frit_status value_bind(eval_cx *e, value_id v, const tensor *t, const char *where) {
    return type_check(e, graph_type(e->g, v), t, true, where);
}

frit_status result_alloc(eval_cx *e, const node *n, uint32_t k, dtype dt, uint32_t rank, const int64_t *shape,
                         tensor *out) {
    TRY(tensor_alloc(e->c, e->a, dt, rank, shape, out));
    if (n->out == VALUE_NONE) return FRIT_OK;
    return type_check(e, graph_type(e->g, n->out + k), out, n->op == OP_nonzero, node_where(e, n));
}

frit_status result_like(eval_cx *e, const node *n, dtype dt, const tensor *x, tensor *out) {
    return result_alloc(e, n, 0, dt, x->rank, x->shape, out);
}

dtype result_dtype(const eval_cx *e, const node *n, dtype otherwise) {
    return n->out == VALUE_NONE ? otherwise : graph_type(e->g, n->out)->dt;
}

/* ---- elementwise ---- */

/* Shape of all operands broadcast together. False when they do not agree. */
static bool broadcast_shape(uint32_t n_in, const tensor *in, uint32_t *out_rank, int64_t *out_shape) {
    uint32_t rank = 0;
    for (uint32_t k = 0; k < n_in; k++)
        if (in[k].rank > rank) rank = in[k].rank;
    for (uint32_t i = 0; i < rank; i++) out_shape[i] = 1;
    for (uint32_t k = 0; k < n_in; k++) {
        for (uint32_t i = 0; i < in[k].rank; i++) {
            int64_t *extent = &out_shape[rank - in[k].rank + i], own = in[k].shape[i];
            if (*extent == 1)
                *extent = own;
            else if (own != 1 && own != *extent)
                return false;
        }
    }
    *out_rank = rank;
    return true;
}

static frit_status eval_elementwise(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    uint32_t rank;
    int64_t shape[MAX_RANK], strides[3][MAX_RANK] = {0};
    if (n->n_in == 0 || n->n_in > 3 || !broadcast_shape(n->n_in, in, &rank, shape))
        return FAIL(e->c, SHAPE, node_where(e, n), "%s: shapes do not broadcast", op_name(n->op));
    const ew_row *row = ew_row_of(n->op);
    bool is_cmp = op_is(n->op, OPF_CMP);
    const tensor *last = &in[n->n_in - 1]; /* select's first operand is a bool, the others have the type */
    dtype to = is_cmp ? FRIT_DT_BOOL : row->is_cast ? ((const attr_cast *)n->attrs)->to : last->dt;
    TRY(result_alloc(e, n, 0, to, rank, shape, out));
    for (uint32_t k = 0; k < n->n_in; k++) broadcast_strides(&in[k], rank, shape, strides[k]);
    walk w = {0};
    for (uint32_t i = 0; i < rank; i++) walk_axis(&w, shape[i], strides[0][i], strides[1][i], strides[2][i]);
    ew_args a = ew_args_of(last->dt, n->attrs);
    size_t at = 0;
    for (bool more = walk_start(&w); more; more = walk_next(&w)) {
        scalar v[3];
        for (uint32_t k = 0; k < n->n_in; k++) v[k] = dtype_load(in[k].dt, in[k].data, (size_t)w.off[k]);
        dtype_store(to, out->data, at++, ew_apply(row, &a, is_cmp, v, n->n_in));
    }
    return FRIT_OK;
}

frit_status eval_node(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const eval_row *row = rows[n->op];
    return row ? row->run(e, n, in, out) : eval_elementwise(e, n, in, out);
}

/* ---- graphs ---- */

static frit_status run_node(eval_cx *e, const node *n) {
    arena_mark mark = arena_save(e->c->scratch);
    tensor *in = ARENA_ARRAY(e->c->scratch, tensor, n->n_in + 1);
    tensor *out = ARENA_ARRAY(e->c->scratch, tensor, n->n_out + 1);
    for (uint32_t i = 0; i < n->n_in; i++) {
        in[i] = e->values[n->in[i]];
        if (!in[i].data) return FAIL(e->c, INTERNAL, node_where(e, n), "operand %u was not computed", i);
    }
    TRY(eval_node(e, n, in, out));
    for (uint32_t i = 0; i < n->n_out; i++) e->values[n->out + i] = out[i];
    if (e->a != e->c->scratch) arena_release(e->c->scratch, mark);
    return FRIT_OK;
}

/* Whether a node of k's region itself counts a symbol that k mentions: then k is checked when the region has run. */
static bool is_late(const eval_cx *e, const contract *k) {
    for (sym_id s = 0; s < dim_n_syms(e->g->dims); s++) {
        if (dim_sym_info(e->g->dims, s)->kind != SYM_RESULT || !contract_mentions(e->g, k, s)) continue;
        node_id by = graph_counter(e->g, s);
        if (by != NODE_NONE && graph_node(e->g, by)->region == k->region) return true;
    }
    return false;
}

static frit_status check_contracts(eval_cx *e, region_id r, bool late) {
    for (uint32_t i = 0; i < e->g->contracts.n; i++) {
        const contract *k = &e->g->contracts.at[i];
        if (k->region != r || !dim_known(e, k->lhs) || !dim_known(e, k->rhs) || is_late(e, k) != late) continue;
        TRY(contract_check(e->c, e->g->dims, k, e->syms));
    }
    return FRIT_OK;
}

/* Runs region r with its parameters set. Values of regions around it are visible. */
frit_status region_eval(eval_cx *e, region_id r, const tensor *params, tensor *out_results) {
    const region *body = &e->g->regions.at[r];
    for (uint32_t i = 0; i < body->params.n; i++) {
        TRY(value_bind(e, body->params.at[i], &params[i], "region parameter"));
        e->values[body->params.at[i]] = params[i];
    }
    if (e->syms) TRY(check_contracts(e, r, false));
    for (uint32_t i = 0; i < body->nodes.n; i++) TRY(run_node(e, graph_node(e->g, body->nodes.at[i])));
    if (e->syms) TRY(check_contracts(e, r, true));
    for (uint32_t i = 0; i < body->results.n; i++) out_results[i] = e->values[body->results.at[i]];
    return FRIT_OK;
}

/* Values of symbols that are elements of host inputs. */
static frit_status bind_host(eval_cx *e, const tensor *inputs) {
    for (uint32_t s = 0; s < dim_n_syms(e->g->dims); s++) {
        const sym_info *info = dim_sym_info(e->g->dims, s);
        if (info->kind != SYM_HOST_ELEM) continue;
        if (info->input >= e->g->inputs.n || info->axis >= tensor_count(&inputs[info->input]))
            return FAIL(e->c, SHAPE, info->name, "the host input has no element %u", info->axis);
        e->syms[s] = load_index(&inputs[info->input], info->axis);
    }
    return FRIT_OK;
}

/* Two passes: symbols first, then everything else against them. */
static frit_status bind_inputs(eval_cx *e, const tensor *inputs) {
    for (uint32_t i = 0; i < e->g->inputs.n; i++) {
        const port *p = &e->g->inputs.at[i];
        sym_id s;
        if (p->type.rank != inputs[i].rank)
            return FAIL(e->c, SHAPE, p->name, "rank is %u, expected %u", inputs[i].rank, p->type.rank);
        for (uint32_t k = 0; k < p->type.rank; k++)
            if (dim_is_sym(e->g->dims, p->type.shape[k], &s) && e->syms[s] == UNBOUND) e->syms[s] = inputs[i].shape[k];
    }
    TRY(bind_host(e, inputs));
    for (uint32_t i = 0; i < e->g->inputs.n; i++)
        TRY(type_check(e, &e->g->inputs.at[i].type, &inputs[i], false, e->g->inputs.at[i].name));
    for (uint32_t s = 0; s < dim_n_syms(e->g->dims); s++) {
        const sym_info *info = dim_sym_info(e->g->dims, s);
        bool is_bound = e->syms[s] != UNBOUND;
        if (is_bound && (e->syms[s] < info->lo || e->syms[s] > info->hi))
            return FAIL(e->c, RANGE, info->name, "%lld is outside %lld..%lld", (long long)e->syms[s],
                        (long long)info->lo, (long long)info->hi);
    }
    return FRIT_OK;
}

frit_status eval_graph(cx *c, const graph *g, arena *a, const tensor *inputs, tensor *outputs) {
    uint32_t n_syms = dim_n_syms(g->dims);
    eval_cx e = {.c = c, .g = g, .a = a};
    e.syms = ARENA_ARRAY(a, int64_t, n_syms + 1);
    e.values = ARENA_ARRAY(a, tensor, g->values.n + 1);
    for (uint32_t s = 0; s < n_syms; s++) e.syms[s] = UNBOUND;
    TRY(bind_inputs(&e, inputs));
    return region_eval(&e, 0, inputs, outputs);
}
