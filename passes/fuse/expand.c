/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The scalar expression of a tensor's element at an index.
 *
 * expand() walks from a value towards memory: elementwise nodes become operators, views become index algebra, a pad or
 * a window adds a guard, a gather loads its index, a stored value becomes a load. Under a guard every load is
 * predicated, so that memory outside a buffer is never touched. Equal (value, index, guard) give the same expression.
 *
 *   %1 = transpose %x {perm = [1, 0]}      y[i, j] = x[j, i] + 1
 *   %y = add %1, %one */
#include "passes/fuse/expand.h"

#include "ir/graph/view_index.h"

/* ---- values */

void expander_init(expander *e, cx *c, fusion *f, kernel *k, uint32_t group_id) {
    *e = (expander){.c = c, .f = f, .k = k, .group = group_id};
    e->buffers.a = k->a;
    e->memo.a = k->a;
}

buf_id expander_param(expander *e, value_id v, bool is_written) {
    uint32_t found;
    if (map_get(&e->buffers, &v, sizeof v, &found)) {
        if (is_written) e->k->bufs.at[found].is_written = true;
        return found;
    }
    const graph *g = e->f->g;
    const value *info = graph_value(g, v);
    const char *name = info->name ? info->name : graph_const(g, v) ? "w" : "t";
    buf_id b = kernel_param(e->k, name, info->type.dt, info->type.rank, info->type.shape, is_written);
    vec_push(e->k->a, e->params, v);
    vec_push(e->k->a, e->packed, NULL);
    map_set(&e->buffers, &v, sizeof v, b);
    return b;
}

buf_id expander_packed(expander *e, const const_data *d, uint32_t rank, const dim *shape) {
    buf_id b = kernel_param(e->k, "packed", d->dt, rank, shape, false);
    e->k->bufs.at[b].is_const = true;
    vec_push(e->k->a, e->params, VALUE_NONE);
    vec_push(e->k->a, e->packed, d);
    return b;
}

/* The index of stored view w that holds element `at` of v, w being reached from v by reshapes and transposes only. */
static void forward_index(const graph *g, value_id v, value_id w, const dim *at, dim *out) {
    if (v == w) {
        for (uint32_t i = 0; i < graph_type(g, v)->rank; i++) out[i] = at[i];
        return;
    }
    const node *n = graph_def(g, w);
    dim in[MAX_RANK];
    forward_index(g, v, n->in[0], at, in);
    if (n->op == OP_transpose) {
        const attr_perm *p = n->attrs;
        for (uint32_t i = 0; i < p->perm.n; i++) out[i] = in[p->perm.at[i]];
    } else {
        ASSERT(n->op == OP_reshape);
        reshape_index(g->dims, graph_type(g, n->in[0]), graph_type(g, w), in, out);
    }
}

/* Parameter and index, in the whole that a loop collects, of element `at` of one iteration's value. */
static buf_id placed_index(expander *e, const placement *p, const dim *at, dim *out) {
    uint32_t rank = graph_type(e->f->g, p->whole)->rank;
    value_id w = e->f->stored_as[p->whole];
    dim in[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) in[i] = i == p->axis ? p->at : at[i < p->axis ? i : i - 1];
    forward_index(e->f->g, p->whole, w, in, out);
    return expander_param(e, w, true);
}

void expander_store(expander *e, klist *l, value_id v, const dim *at, kx x, kx pred) {
    const placement_list *places = &e->f->placements[v];
    dim index[MAX_RANK];
    if (expander_owns(e, v)) {
        value_id w = e->f->stored_as[v];
        forward_index(e->f->g, v, w, at, index);
        buf_id b = expander_param(e, w, true);
        kstmt_store(e->k, l, b, index, x, pred);
    }
    for (uint32_t i = 0; i < places->n; i++) {
        if (places->at[i].by != e->group) continue;
        buf_id b = placed_index(e, &places->at[i], at, index);
        kstmt_store(e->k, l, b, index, x, pred);
    }
}

dim expander_store_offset(expander *e, value_id v, const dim *at) {
    value_id w = e->f->stored_as[v];
    dim index[MAX_RANK];
    if (!expander_owns(e, v)) { /* a group that only places it */
        const placement_list *places = &e->f->placements[v];
        uint32_t i = 0;
        while (places->at[i].by != e->group) i++;
        buf_id b = placed_index(e, &places->at[i], at, index);
        return kbuf_offset(e->k, b, index);
    }
    forward_index(e->f->g, v, w, at, index);
    return kbuf_offset(e->k, expander_param(e, w, true), index);
}

static kx load_value(expander *e, value_id v, const dim *at, kx guard) {
    dtype dt = graph_type(e->f->g, v)->dt;
    kx own = e->load ? e->load(e, v, at, guard) : 0;
    if (own) return own;
    kx fill = guard ? kx_number(e->k, dt, 0) : 0;
    return kx_load(e->k, expander_param(e, v, false), at, guard, fill);
}

/* select(guard, x, fill), written into the load itself when x is nothing but a load under that guard. */
static kx guarded(expander *e, kx guard, kx x, kx fill) {
    kernel *k = e->k;
    kx_node n = k->exprs.at[x];
    if (n.kind == KX_LOAD && n.pred == guard && k->exprs.at[fill].kind == KX_CONST)
        return kx_load(k, n.ref, n.at, guard, fill);
    kx args[3] = {guard, x, fill};
    return kx_op(k, OP_select, 3, args);
}

/* The condition under which index in lies inside of shape x, where only the axes of bits `unsure` need a look; 0 for
 * always. */
static kx in_bounds(kernel *k, const tensor_type *x, const dim *in, uint32_t unsure) {
    kx guard = 0;
    for (uint32_t i = 0; i < x->rank; i++)
        if (unsure >> i & 1) guard = kx_and(k, guard, kx_in_range(k, in[i], dim_const(k->dims, 0), x->shape[i]));
    return guard;
}

/* pad and window: the element where the index is inside, else the fill operand. */
static frit_status expand_guarded_view(expander *e, const node *n, const dim *at, kx guard, kx *out) {
    const graph *g = e->f->g;
    dim in[MAX_RANK];
    uint32_t unsure;
    view_index(g, n, at, in, &unsure);
    kx inside = in_bounds(e->k, graph_type(g, n->in[0]), in, unsure), x, fill;
    TRY(expand(e, n->in[0], in, kx_and(e->k, guard, inside), &x));
    if (!inside) {
        *out = x;
        return FRIT_OK;
    }
    if (n->n_in > 1)
        TRY(expand(e, n->in[1], NULL, guard, &fill));
    else
        fill = kx_number(e->k, graph_type(g, n->out)->dt, 0);
    kx all = kx_and(e->k, guard, inside);
    *out = guarded(e, guard ? inside : all, x, fill);
    return FRIT_OK;
}

static frit_status expand_concat(expander *e, const node *n, const dim *at, kx guard, kx *out) {
    const graph *g = e->f->g;
    dim_table *t = g->dims;
    const attr_axis *a = n->attrs;
    uint32_t rank = graph_type(g, n->out)->rank, axis = (uint32_t)a->axis;
    dim in[MAX_RANK], offset = dim_const(t, 0);
    for (uint32_t i = 0; i < rank; i++) in[i] = at[i];
    kx result = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        dim extent = graph_type(g, n->in[i])->shape[axis], x_guard_end = extent;
        in[axis] = dim_sub(t, at[axis], offset);
        kx inside = kx_in_range(e->k, in[axis], dim_const(t, 0), x_guard_end), x;
        TRY(expand(e, n->in[i], in, kx_and(e->k, guard, inside), &x));
        kx args[3] = {inside, x, result};
        result = !result || !inside ? x : kx_op(e->k, OP_select, 3, args);
        offset = dim_add(t, offset, extent);
    }
    *out = result;
    return FRIT_OK;
}

static frit_status index_at(expander *e, value_id indices, const dim *at, kx guard, dim extent, dim *out) {
    kx x;
    TRY(expand(e, indices, at, guard, &x));
    *out = kx_as_index(e->k, x, extent, "at");
    return FRIT_OK;
}

static frit_status expand_gather(expander *e, const node *n, const dim *at, kx guard, kx *out) {
    const graph *g = e->f->g;
    const tensor_type *x = graph_type(g, n->in[0]), *i = graph_type(g, n->in[1]);
    dim in[MAX_RANK];
    if (n->op == OP_gather_nd) {
        const attr_gather_nd *a = n->attrs;
        uint32_t batch = (uint32_t)a->batch_dims, lead = i->rank - 1;
        int64_t depth = 0;
        dim_is_const(g->dims, i->shape[lead], &depth);
        dim index_at_[MAX_RANK];
        for (uint32_t j = 0; j < lead; j++) index_at_[j] = at[j];
        for (uint32_t j = 0; j < batch; j++) in[j] = at[j];
        for (uint32_t j = 0; j < (uint32_t)depth; j++) {
            index_at_[lead] = dim_const(g->dims, j);
            TRY(index_at(e, n->in[1], index_at_, guard, x->shape[batch + j], &in[batch + j]));
        }
        for (uint32_t j = batch + (uint32_t)depth; j < x->rank; j++) in[j] = at[lead + j - batch - (uint32_t)depth];
        return expand(e, n->in[0], in, guard, out);
    }
    const attr_axis *a = n->attrs;
    uint32_t axis = (uint32_t)a->axis;
    if (n->op == OP_gather_elements) {
        for (uint32_t j = 0; j < x->rank; j++) in[j] = at[j];
        TRY(index_at(e, n->in[1], at, guard, x->shape[axis], &in[axis]));
        return expand(e, n->in[0], in, guard, out);
    }
    for (uint32_t j = 0; j < axis; j++) in[j] = at[j];
    TRY(index_at(e, n->in[1], at + axis, guard, x->shape[axis], &in[axis]));
    for (uint32_t j = axis + 1; j < x->rank; j++) in[j] = at[j - 1 + i->rank];
    return expand(e, n->in[0], in, guard, out);
}

frit_status expand_operand(expander *e, const node *n, uint32_t i, const dim *at, kx guard, kx *out) {
    const graph *g = e->f->g;
    dim in[MAX_RANK];
    broadcast_index(g, graph_type(g, n->in[i]), graph_type(g, n->out), at, in);
    return expand(e, n->in[i], in, guard, out);
}

static frit_status expand_elementwise(expander *e, const node *n, const dim *at, kx guard, kx *out) {
    kx args[3];
    for (uint32_t i = 0; i < n->n_in; i++) TRY(expand_operand(e, n, i, at, guard, &args[i]));
    if (n->op == OP_cast) {
        const attr_cast *a = n->attrs;
        *out = kx_cast(e->k, args[0], a->to, a->saturate);
    } else if (n->op == OP_bitcast) {
        *out = kx_bitcast(e->k, args[0], ((const attr_cast *)n->attrs)->to);
    } else {
        *out = kx_op(e->k, n->op, n->n_in, args);
    }
    return FRIT_OK;
}

/* Constants and index sources. */
static frit_status expand_source(expander *e, const node *n, value_id v, const dim *at, kx *out) {
    dim_table *t = e->f->g->dims;
    if (n->op == OP_const) {
        const const_data *d = graph_const(e->f->g, v);
        scalar s = d->kind == CONST_SPLAT ? d->splat : dtype_load(d->dt, d->bytes, 0);
        *out = kx_const(e->k, d->dt, s);
    } else if (n->op == OP_iota) {
        const attr_iota *a = n->attrs;
        *out = kx_cast(e->k, kx_index(e->k, at[a->axis]), a->to, true);
    } else {
        const attr_dims *a = n->attrs;
        kx x = kx_index(e->k, a->dims.n ? a->dims.at[a->dims.n - 1] : dim_const(t, 0));
        for (uint32_t i = a->dims.n; i-- > 1;) {
            kx lt[2] = {kx_index(e->k, at[0]), kx_index(e->k, dim_const(t, i))};
            kx pick[3] = {kx_op(e->k, OP_lt, 2, lt), kx_index(e->k, a->dims.at[i - 1]), x};
            x = kx_op(e->k, OP_select, 3, pick);
        }
        *out = x;
    }
    return FRIT_OK;
}

static frit_status expand_node(expander *e, value_id v, const dim *at, kx guard, kx *out) {
    const graph *g = e->f->g;
    const node *n = graph_def(g, v);
    ASSERT(n);
    if (op_is(n->op, OPF_EW)) return expand_elementwise(e, n, at, guard, out);
    if (n->op == OP_pad || n->op == OP_window) return expand_guarded_view(e, n, at, guard, out);
    if (n->op == OP_concat) return expand_concat(e, n, at, guard, out);
    if (n->op == OP_gather || n->op == OP_gather_elements || n->op == OP_gather_nd)
        return expand_gather(e, n, at, guard, out);
    if (n->op == OP_const || n->op == OP_iota || n->op == OP_from_dims) return expand_source(e, n, v, at, out);
    if (op_is(n->op, OPF_VIEW)) {
        dim in[MAX_RANK];
        view_index(g, n, at, in, NULL);
        return expand(e, n->in[0], in, guard, out);
    }
    return FAIL(e->c, UNSUPPORTED, g->locs.at[n->loc], "operator '%s' is not supported by the code generator yet",
                op_name(n->op));
}

bool expander_owns(const expander *e, value_id v) {
    node_id n = graph_value(e->f->g, v)->def, base = graph_value(e->f->g, view_base(e->f->g, v))->def;
    return (n != NODE_NONE && e->f->group_of[n] == e->group) ||
           (base != NODE_NONE && e->f->group_of[base] == e->group) || e->f->copied_by[v] == e->group;
}

/* A parameter of a region that has no memory. */
static frit_status expand_alias(expander *e, const value_alias *a, uint32_t rank, const dim *at, kx guard, kx *out) {
    dim in[MAX_RANK + 1];
    switch (a->kind) {
    case ALIAS_VALUE:
        return expand(e, a->of, at, guard, out);
    case ALIAS_SLICE:
        for (uint32_t i = 0; i < rank + 1; i++) in[i] = i == a->axis ? a->at : at[i < a->axis ? i : i - 1];
        return expand(e, a->of, in, guard, out);
    case ALIAS_INDEX:
        *out = kx_index(e->k, a->at);
        return FRIT_OK;
    case ALIAS_TRUE:
        *out = kx_number(e->k, FRIT_DT_BOOL, 1);
        return FRIT_OK;
    case ALIAS_NONE:
        break;
    }
    return FAIL(e->c, INTERNAL, NULL, "a parameter stands for nothing");
}

frit_status expand(expander *e, value_id v, const dim *at, kx guard, kx *out) {
    uint32_t rank = graph_type(e->f->g, v)->rank;
    uint32_t key[MAX_RANK + 2] = {v, guard};
    for (uint32_t i = 0; i < rank; i++) key[i + 2] = at[i];
    size_t key_bytes = (rank + 2) * sizeof *key;
    if (map_get(&e->memo, key, key_bytes, out)) return FRIT_OK;
    if (e->f->is_stored[v] && !expander_owns(e, v))
        *out = load_value(e, v, at, guard);
    else {
        const value_alias *alias = &e->f->alias[v];
        *out = e->resolve ? e->resolve(e, v, at, guard) : 0;
        if (!*out && alias->kind != ALIAS_NONE)
            TRY(expand_alias(e, alias, rank, at, guard, out));
        else if (!*out)
            TRY(expand_node(e, v, at, guard, out));
    }
    map_set(&e->memo, key, key_bytes, *out);
    return FRIT_OK;
}
