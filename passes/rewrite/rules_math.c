/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rules over casts and scalars; see rules.def for what each one does. */
#include <math.h>

#include "passes/rewrite/canonicalize.h"

value_id rule_cast_same(build *b, const node *n) {
    const attr_cast *a = n->attrs;
    return build_type(b, n->in[0])->dt == a->to ? n->in[0] : VALUE_NONE;
}

/* Every value of `from` is a value of `to`. */
static bool holds(dtype from, dtype to) {
    if (from == to) return true;
    dtype_kind f = dtype_kind_of(from), t = dtype_kind_of(to);
    if (f == DTYPE_BOOL) return t != DTYPE_BOOL;
    if (f == DTYPE_INT || f == DTYPE_UINT) {
        bool floats = (to == FRIT_DT_F64 && dtype_bits(from) <= 32) || (to == FRIT_DT_F32 && dtype_bits(from) <= 16);
        bool widens = f == t ? dtype_bits(from) < dtype_bits(to) : f == DTYPE_UINT && dtype_bits(from) < dtype_bits(to);
        return t == DTYPE_FLOAT ? floats : t != DTYPE_BOOL && widens;
    }
    bool is_half = from == FRIT_DT_F16 || from == FRIT_DT_BF16 || dtype_bits(from) <= 8;
    return (to == FRIT_DT_F64 && dtype_bits(from) <= 32) || (to == FRIT_DT_F32 && is_half);
}

value_id rule_cast_of_wider(build *b, const node *n) {
    node inner;
    const attr_cast *outer = n->attrs;
    if (!rule_operand(b, n, 0, OP_cast, &inner)) return VALUE_NONE;
    dtype from = build_type(b, inner.in[0])->dt, mid = build_type(b, n->in[0])->dt;
    /* through bool or out of an unsigned type of the same width a cast is not the identity: holds() excludes both */
    if (!holds(from, mid)) return VALUE_NONE;
    if (from == outer->to) return inner.in[0];
    return build_node(b, OP_cast, 1, inner.in, outer);
}

value_id rule_div_by_power_of_two(build *b, const node *n) {
    const const_data *d = graph_const(b->g, n->in[1]);
    scalar s = {0};
    int exponent = 0;
    bool is_splat = d && dtype_is_float(d->dt) && dtype_bits(d->dt) >= 16 && (d->kind != CONST_DENSE || d->bytes) &&
                    const_is_splat(d, &s);
    if (!is_splat || !isfinite(s.f) || s.f == 0 || fabs(frexp(s.f, &exponent)) != 0.5) return VALUE_NONE;
    if (exponent < -10 || exponent > 10) return VALUE_NONE; /* the reciprocal must be normal in every type */
    const tensor_type *t = build_type(b, n->out);
    value_id y = build_mul(b, n->in[0], build_like(b, n->in[0], 1 / s.f));
    return build_broadcast(b, y, t->rank, t->shape);
}

static bool shape_equals(const build *b, uint32_t rank, const dim *shape, const tensor_type *t) {
    bool same = rank == t->rank;
    for (uint32_t i = 0; same && i < rank; i++) same = dim_equal(b->g->dims, shape[i], t->shape[i]);
    return same;
}

/* Whether the operands of n other than i have, broadcast together, n's shape. */
static bool others_give_shape(const build *b, const node *n, uint32_t skip) {
    const tensor_type *t = build_type(b, n->out);
    int64_t extent = 0;
    for (uint32_t axis = 0; axis < t->rank; axis++) {
        bool is_unit = dim_is_const(b->g->dims, t->shape[axis], &extent) && extent == 1;
        bool is_given = is_unit;
        uint32_t most = 0;
        for (uint32_t i = 0; i < n->n_in; i++) {
            const tensor_type *x = build_type(b, n->in[i]);
            if (i == skip) continue;
            if (x->rank > most) most = x->rank;
            uint32_t shift = t->rank - x->rank;
            is_given = is_given || (axis >= shift && dim_equal(b->g->dims, x->shape[axis - shift], t->shape[axis]));
        }
        if (!is_given || most < t->rank) return false;
    }
    return true;
}

static value_id with_operand(build *b, const node *n, uint32_t i, value_id v) {
    value_id in[3];
    for (uint32_t k = 0; k < n->n_in; k++) in[k] = k == i ? v : n->in[k];
    return build_node(b, n->op, n->n_in, in, n->attrs);
}

value_id rule_scalar_operand(build *b, const node *n) {
    for (uint32_t i = 0; i < n->n_in && n->n_in > 1; i++) {
        const const_data *d = graph_const(b->g, n->in[i]);
        scalar s = {0};
        bool has_bytes = d && d->dims.n > 0 && (d->kind != CONST_DENSE || d->bytes);
        if (!has_bytes || !const_is_splat(d, &s) || !others_give_shape(b, n, i)) continue;
        const_data one = {.kind = CONST_SPLAT, .dt = d->dt, .splat = s};
        value_id v = VALUE_NONE;
        b->status = graph_const_bytes(b->c, b->g, &one, &v);
        return build_ok(b) ? with_operand(b, n, i, v) : VALUE_NONE;
    }
    return VALUE_NONE;
}

/* Whether a call decides which elements of x the result of n reads. */
static bool may_stretch(const build *b, const node *n, value_id x) {
    const tensor_type *from = build_type(b, x), *t = build_type(b, n->out);
    for (uint32_t i = 0; i < from->rank; i++)
        if (graph_axis_fit(b->g, from->shape[i], t->shape[t->rank - from->rank + i]) == FIT_EITHER) return true;
    return false;
}

value_id rule_broadcast_operand(build *b, const node *n) {
    for (uint32_t i = 0; i < n->n_in && n->n_in > 1; i++) {
        node inner;
        if (!rule_operand(b, n, i, OP_broadcast, &inner) || !others_give_shape(b, n, i)) continue;
        if (may_stretch(b, n, inner.in[0])) continue;
        value_id v = with_operand(b, n, i, inner.in[0]);
        const tensor_type *t = build_type(b, n->out);
        if (!build_ok(b) || !shape_equals(b, t->rank, build_type(b, v)->shape, t)) continue;
        return v;
    }
    return VALUE_NONE;
}
