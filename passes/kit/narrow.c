/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finding 8-bit integers behind dequantisation, and moving its parameters past the product. */
#include "passes/kit/narrow.h"

#include <string.h>

#include "passes/kit/pattern.h"

static bool same_shape(const graph *g, value_id x, value_id y) {
    const tensor_type *a = graph_type(g, x), *b = graph_type(g, y);
    bool same = a->rank == b->rank;
    for (uint32_t i = 0; same && i < a->rank; i++) same = dim_equal(g->dims, a->shape[i], b->shape[i]);
    return same;
}

static bool is_one(const graph *g, dim d) {
    int64_t n = 0;
    return dim_is_const(g->dims, d, &n) && n == 1;
}

static bool is_byte(dtype dt) { return dt == FRIT_DT_U8 || dt == FRIT_DT_I8; }

static bool is_window(op_code op) { return op == OP_window || op == OP_pad; }

static bool is_followed(op_code op) {
    return op == OP_reshape || op == OP_transpose || op == OP_broadcast || op == OP_slice || is_window(op);
}

/* ---- finding */

static narrow_param param_of(const graph *g, value_id v, const node *at, uint32_t n_views) {
    const tensor_type *t = graph_type(g, v);
    narrow_param p = {.v = v, .at = at, .n_outside = n_views, .is_single = true};
    for (uint32_t i = 0; i < t->rank; i++) p.is_single = p.is_single && is_one(g, t->shape[i]);
    return p;
}

static bool all_whole(const const_data *d) {
    if (dtype_is_integer(d->dt)) return true;
    scalar s = {0};
    bool is_splat = const_is_splat(d, &s);
    if (!is_splat && (d->kind != CONST_DENSE || !d->bytes)) return false;
    int64_t n = is_splat ? 1 : const_count(d);
    for (int64_t i = 0; i < n; i++) {
        double x = dtype_to_f64(d->dt, is_splat ? s : dtype_load(d->dt, d->bytes, (size_t)i));
        if (!(x >= -128 && x <= 255) || x != (double)(int)x) return false;
    }
    return true;
}

/* A zero point is a byte: one that was converted, or constants that could have been. */
static bool is_zero_point(const graph *g, value_id v) {
    const const_data *d = graph_const(g, v);
    if (d) return all_whole(d);
    for (const node *n = graph_def(g, v); n; n = graph_def(g, n->in[0])) {
        if (n->op == OP_cast && is_byte(graph_type(g, n->in[0])->dt)) return true;
        if (n->op != OP_reshape && n->op != OP_transpose && n->op != OP_broadcast) return false;
    }
    return false;
}

/* The operand of a multiplication that goes on towards the integers; 2: neither. */
static uint32_t scaled_side(const graph *g, const node *n) {
    for (uint32_t i = 0; i < 2; i++) {
        value_id v = n->in[i];
        const node *def = graph_def(g, v);
        while (def && is_followed(def->op)) def = graph_def(g, def->in[0]);
        if (def && (def->op == OP_sub || def->op == OP_cast) && same_shape(g, v, n->out)) return i;
    }
    return 2;
}

/* One step from v towards the bytes: records what n does. False when n is nothing that dequantisation does. */
static bool step(const graph *g, const node *n, narrow *x, value_id *next) {
    if (n->n_in == 0) return false;
    *next = n->in[0];
    double fill = 0;
    if (is_followed(n->op)) {
        bool has_fill = is_window(n->op) && n->n_in > 1;
        if (has_fill && (!pattern_number(g, n->in[1], &fill) || fill != 0)) return false;
        if (n->op == OP_pad && ((const attr_pad *)n->attrs)->mode != PM_constant) return false;
        if (x->n_views == NARROW_VIEWS) return false;
        x->views[x->n_views++] = n;
        return true;
    }
    if (n->op == OP_mul && x->scale.v == VALUE_NONE && x->zero.v == VALUE_NONE) {
        uint32_t side = scaled_side(g, n);
        if (side == 2 || !dtype_is_float(graph_type(g, n->out)->dt)) return false;
        *next = n->in[side];
        x->scale = param_of(g, n->in[1 - side], n, x->n_views);
        return true;
    }
    if (n->op != OP_sub || x->zero.v != VALUE_NONE || !same_shape(g, n->in[0], n->out)) return false;
    x->zero = param_of(g, n->in[1], n, x->n_views);
    return is_zero_point(g, n->in[1]);
}

/* ---- along which axes a parameter differs */

/* Axes of `to` (bits) whose elements come from the axes `bits` of `from`: runs of axes with equal products belong
 * together; where symbols hide the runs, all do. */
static uint32_t through_reshape(const graph *g, const tensor_type *from, const tensor_type *to, uint32_t bits) {
    uint32_t i = 0, j = 0, out = 0;
    while (i < from->rank || j < to->rank) {
        uint32_t i0 = i, j0 = j;
        dim a = i < from->rank ? from->shape[i++] : dim_const(g->dims, 1);
        dim b = j < to->rank ? to->shape[j++] : dim_const(g->dims, 1);
        int64_t na = 0, nb = 0;
        while (!dim_equal(g->dims, a, b)) {
            bool known = dim_is_const(g->dims, a, &na) && dim_is_const(g->dims, b, &nb);
            if (known && na < nb && i < from->rank)
                a = dim_mul(g->dims, a, from->shape[i++]);
            else if (known && nb < na && j < to->rank)
                b = dim_mul(g->dims, b, to->shape[j++]);
            else {
                i = from->rank;
                j = to->rank;
                break;
            }
        }
        uint32_t ours = ((1u << i) - 1) & ~((1u << i0) - 1), theirs = ((1u << j) - 1) & ~((1u << j0) - 1);
        if (bits & ours) out |= theirs;
    }
    return out;
}

/* The same through any view; windows only where nothing differs along the windowed axes. UINT32_MAX: cannot say. */
static uint32_t through_view(const graph *g, const node *n, uint32_t bits) {
    const tensor_type *from = graph_type(g, n->in[0]), *to = graph_type(g, n->out);
    uint32_t out = 0;
    if (n->op == OP_reshape) return through_reshape(g, from, to, bits);
    if (n->op == OP_broadcast) return bits << (to->rank - from->rank);
    if (n->op == OP_slice) return bits;
    if (n->op != OP_transpose) return bits ? UINT32_MAX : 0;
    const attr_perm *p = n->attrs;
    for (uint32_t i = 0; i < p->perm.n; i++)
        if (bits >> p->perm.at[i] & 1) out |= 1u << i;
    return out;
}

static bool differs_along_kept(const graph *g, const narrow *x, const narrow_param *p, const char *labels,
                               const char *out) {
    if (p->v == VALUE_NONE || p->is_single) return true;
    const tensor_type *t = graph_type(g, p->v), *whole = graph_type(g, p->at->out);
    uint32_t bits = 0;
    for (uint32_t i = 0; i < t->rank; i++)
        if (!is_one(g, t->shape[i])) bits |= 1u << (whole->rank - t->rank + i);
    for (uint32_t i = p->n_outside; i-- > 0 && bits != UINT32_MAX;) bits = through_view(g, x->views[i], bits);
    for (uint32_t i = 0; labels[i]; i++)
        if ((bits >> i & 1) && !strchr(out, labels[i])) return false;
    return bits != UINT32_MAX;
}

/* Beyond an edge stands the zero point, which must be one number then. */
static bool edges_fit(const narrow *x) {
    if (x->zero.v == VALUE_NONE || x->zero.is_single) return true;
    for (uint32_t i = 0; i < x->n_views; i++)
        if (is_window(x->views[i]->op)) return false;
    return true;
}

bool narrow_find(const graph *g, value_id v, const char *labels, const char *out, narrow *found) {
    *found = (narrow){.zero = {.v = VALUE_NONE}, .scale = {.v = VALUE_NONE}};
    for (const node *n = graph_def(g, v); n; n = graph_def(g, v)) {
        if (n->op == OP_cast && is_byte(graph_type(g, n->in[0])->dt)) {
            found->q = n->in[0];
            return edges_fit(found) && differs_along_kept(g, found, &found->zero, labels, out) &&
                   differs_along_kept(g, found, &found->scale, labels, out);
        }
        if (!step(g, n, found, &v)) return false;
    }
    return false;
}

/* ---- building */

static value_id apply_view(build *b, const node *n, value_id x, value_id fill) {
    value_id in[2] = {x, fill};
    return build_node(b, n->op, is_window(n->op) && fill != VALUE_NONE ? 2 : 1, in, n->attrs);
}

value_id narrow_views(graph_rewriter *r, build *b, const narrow *x, value_id q, value_id fill) {
    (void)r;
    for (uint32_t i = x->n_views; i-- > 0;) q = apply_view(b, x->views[i], q, fill);
    return q;
}

value_id narrow_align(build *b, value_id x, const char *labels, const char *out) {
    if (!build_ok(b)) return VALUE_NONE;
    const tensor_type *t = build_type(b, x);
    int64_t perm[MAX_RANK];
    dim shape[MAX_RANK];
    uint32_t rank = 0, n = 0;
    for (; out[rank]; rank++) {
        const char *at = strchr(labels, out[rank]);
        shape[rank] = at ? t->shape[at - labels] : dim_const(b->g->dims, 1);
        if (at) perm[n++] = at - labels;
    }
    return build_reshape(b, build_transpose(b, x, perm), rank, shape);
}

value_id narrow_param_over(graph_rewriter *r, build *b, const narrow *x, const narrow_param *p, dtype dt,
                           const char *labels, const char *out) {
    value_id v = build_cast(b, r->map[p->v], dt);
    if (p->is_single) return build_reshape(b, v, 0, NULL);
    const tensor_type *whole = graph_type(r->from, p->at->out);
    char kept[MAX_RANK + 1] = "";
    uint32_t rank = 0, n = 0;
    dim shape[MAX_RANK];
    v = build_broadcast(b, v, whole->rank, whole->shape);
    for (uint32_t i = p->n_outside; i-- > 0;) v = apply_view(b, x->views[i], v, VALUE_NONE);
    for (; labels[rank] && build_ok(b); rank++) {
        bool is_kept = strchr(out, labels[rank]) != NULL;
        if (!is_kept) v = build_slice_axis(b, v, rank, dim_const(b->g->dims, 0), dim_const(b->g->dims, 1), 1);
        if (!is_kept || !build_ok(b)) continue;
        shape[n] = build_type(b, v)->shape[rank];
        kept[n++] = labels[rank];
    }
    kept[n] = 0;
    return narrow_align(b, build_reshape(b, v, n, shape), kept, out);
}

/* ---- sums of constants */

/* Constant bytes under reshapes and transposes: an element's place is linear in its index. */
typedef struct strided {
    uint32_t rank;
    int64_t shape[MAX_RANK], stride[MAX_RANK];
} strided;

static bool known_shape(const graph *g, const tensor_type *t, int64_t *out) {
    for (uint32_t i = 0; i < t->rank; i++)
        if (!dim_is_const(g->dims, t->shape[i], &out[i])) return false;
    return true;
}

static bool is_row_major(const strided *s) {
    int64_t want = 1;
    for (uint32_t i = s->rank; i-- > 0; want *= s->shape[i])
        if (s->shape[i] != 1 && s->stride[i] != want) return false;
    return true;
}

static void row_major(strided *s) {
    int64_t stride = 1;
    for (uint32_t i = s->rank; i-- > 0; stride *= s->shape[i]) s->stride[i] = stride;
}

static bool view_strided(const graph *g, const node *n, strided *s) {
    strided from = *s;
    if (n->op == OP_reshape && is_row_major(s)) {
        s->rank = graph_type(g, n->out)->rank;
        if (!known_shape(g, graph_type(g, n->out), s->shape)) return false;
        row_major(s);
        return true;
    }
    if (n->op != OP_transpose) return false;
    const attr_perm *p = n->attrs;
    for (uint32_t i = 0; i < p->perm.n; i++) {
        s->shape[i] = from.shape[p->perm.at[i]];
        s->stride[i] = from.stride[p->perm.at[i]];
    }
    return true;
}

/* Adds every element to the sum of its kept indices. to: strides in out, 0 for summed axes. */
static void add_up(const const_data *d, const strided *s, const int64_t *to, int32_t *out) {
    int64_t index[MAX_RANK] = {0}, from = 0, at = 0;
    bool is_signed = d->dt == FRIT_DT_I8;
    const uint8_t *bytes = d->bytes;
    uint32_t last = s->rank - 1;
    for (;;) {
        for (int64_t i = 0; i < s->shape[last]; i++) {
            uint8_t x = bytes[from + i * s->stride[last]];
            out[at + i * to[last]] += is_signed ? (int8_t)x : x;
        }
        uint32_t axis = last;
        while (axis-- > 0) {
            from += s->stride[axis];
            at += to[axis];
            if (++index[axis] < s->shape[axis]) break;
            from -= index[axis] * s->stride[axis];
            at -= index[axis] * to[axis];
            index[axis] = 0;
        }
        if (axis == UINT32_MAX) return;
    }
}

value_id narrow_constant_sums(build *b, const narrow *x, const const_data *d, const char *labels, const char *out) {
    strided s = {.rank = d->dims.n};
    int64_t to[MAX_RANK] = {0}, kept[MAX_RANK], count = 1;
    if (!build_ok(b) || d->kind != CONST_DENSE || !d->bytes || s.rank > MAX_RANK) return VALUE_NONE;
    memcpy(s.shape, d->dims.at, s.rank * sizeof *s.shape);
    row_major(&s);
    for (uint32_t i = x->n_views; i-- > 0;)
        if (!view_strided(b->g, x->views[i], &s)) return VALUE_NONE;
    if (s.rank == 0 || const_count(d) == 0) return VALUE_NONE;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s.rank; i++)
        if (strchr(out, labels[i])) kept[n++] = s.shape[i];
    for (uint32_t i = s.rank; i-- > 0;) {
        if (!strchr(out, labels[i])) continue;
        to[i] = count;
        count *= s.shape[i];
    }
    int32_t *sums = ARENA_ARRAY(b->g->a, int32_t, count);
    add_up(d, &s, to, sums);
    const_data sum = {
        .dt = FRIT_DT_I32, .dims = {n, arena_copy(b->g->a, kept, (n + 1u) * sizeof *kept)}, .bytes = sums};
    value_id v = VALUE_NONE;
    b->status = graph_const_bytes(b->c, b->g, &sum, &v);
    return v;
}
