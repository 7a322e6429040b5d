/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loops over fewer, longer axes: a domain [B, S, D] whose every access is contiguous becomes one axis of B*S*D
 * elements.
 *
 * Neighbouring axes a, b (extent of b: n) merge into one axis f by a = f floordiv n, b = f - n * (f floordiv n); when
 * all offsets stay linear in f, the divisions have cancelled and none is left in the code. */
#include "passes/tree/axes.h"

sym_id axis_sym(kernel *k, dim axis) {
    sym_id s = SYM_NONE;
    bool is_sym = dim_is_sym(k->dims, axis, &s);
    ASSERT(is_sym);
    return s;
}

dim axis_extent(kernel *k, dim axis) { return dim_sym_info(k->dims, axis_sym(k, axis))->extent; }

dim axis_split(kernel *k, dim extent, int64_t size, dim *out_block, dim *out_inner) {
    dim_table *t = k->dims;
    dim n = dim_const(t, size);
    *out_block = dim_axis(t, "b", dim_ceildiv(t, extent, n));
    dim base = dim_mul(t, *out_block, n);
    *out_inner = dim_axis(t, "i", dim_min(t, n, dim_sub(t, extent, base)));
    return dim_add(t, base, *out_inner);
}

void nest_push(nest *s, kloop_kind kind, dim axis, uint32_t lanes, uint32_t unroll) {
    if (dim_is_const(s->k->dims, axis, NULL)) return; /* a loop of one iteration */
    klist alone = {0};
    ASSERT(s->n < countof(s->loops));
    s->loops[s->n++] = kstmt_loop(s->k, &alone, kind, axis_sym(s->k, axis), lanes, unroll);
}

void nest_push_lanes(nest *s, lane_loop l, dim axis) { nest_push(s, l.kind, axis, l.lanes, l.unroll); }

void nest_close(nest *s, klist body, klist *l) {
    for (uint32_t i = s->n; i-- > 0;) {
        klist_close(s->loops[i], &body);
        body = (klist){s->loops[i], s->loops[i]};
    }
    s->n = 0;
    if (!body.first) return;
    if (l->last)
        l->last->next = body.first;
    else
        l->first = body.first;
    l->last = body.last;
}

void axis_map_init(axis_map *m, kernel *k) { *m = (axis_map){.k = k}; }

void axis_map_add(axis_map *m, const char *name, dim axis, uint32_t tag) {
    kernel *k = m->k;
    sym_id s = axis_sym(k, axis);
    dim extent = dim_sym_info(k->dims, s)->extent;
    m->syms[m->n_syms] = s;
    if (dim_equal(k->dims, extent, dim_const(k->dims, 1))) {
        m->by[m->n_syms++] = dim_const(k->dims, 0);
        return;
    }
    dim own = dim_axis(k->dims, name, extent);
    m->by[m->n_syms++] = own;
    m->runs[m->n++] = (axis_run){own, extent, tag};
}

dim axis_map_dim(const axis_map *m, dim d) { return dim_subst(m->k->dims, d, m->n_syms, m->syms, m->by); }

kx axis_map_kx(const axis_map *m, kx x) { return kx_subst(m->k, x, m->n_syms, m->syms, m->by, NULL, NULL); }

typedef struct loaded_cx {
    kernel *k;
    dim_set *out;
} loaded_cx;

static void access_loaded(void *data, sym_id s) {
    const loaded_cx *l = data;
    const sym_info *info = dim_sym_info(l->k->dims, s);
    if (info->kind == SYM_LOADED) access_dims(l->k, info->input, l->out);
}

void access_add(kernel *k, dim d, dim_set *out) {
    uint32_t seen;
    if (d == DIM_BAD) return;
    if (!out->seen.a) out->seen.a = k->a;
    if (map_get(&out->seen, &d, sizeof d, &seen)) return;
    map_set(&out->seen, &d, sizeof d, 1);
    vec_push(k->a, out->dims, d);
    loaded_cx l = {k, out};
    kx_visit_dim(k->dims, d, access_loaded, &l);
}

void access_dims(kernel *k, kx x, dim_set *out) {
    if (!x) return;
    kx_node n = k->exprs.at[x];
    uint64_t key = ((uint64_t)1 << 32) | x;
    uint32_t seen;
    if (!out->seen.a) out->seen.a = k->a;
    if (map_get(&out->seen, &key, sizeof key, &seen)) return;
    map_set(&out->seen, &key, sizeof key, 1);
    if (n.kind == KX_INDEX) access_add(k, n.index, out);
    if (n.kind == KX_LOAD) {
        access_add(k, kbuf_offset(k, n.ref, n.at), out);
        access_dims(k, n.pred, out);
        access_dims(k, n.fill, out);
    }
    for (uint32_t i = 0; n.kind == KX_OP && i < n.n_args; i++) access_dims(k, n.arg[i], out);
}

/* Tries to merge runs i and i + 1; on success the mapping is replaced. */
static bool merge_pair(axis_map *m, uint32_t i, const dim_set *accesses, bool force) {
    dim_table *t = m->k->dims;
    dim outer = m->runs[i].axis, inner = m->runs[i + 1].axis, n = m->runs[i + 1].extent;
    dim extent = dim_mul(t, m->runs[i].extent, n);
    dim merged = dim_axis(t, "i", extent);
    dim q = dim_floordiv(t, merged, n);
    sym_id pair[2] = {axis_sym(m->k, outer), axis_sym(m->k, inner)}, f = axis_sym(m->k, merged);
    dim by[2] = {q, dim_sub(t, merged, dim_mul(t, n, q))};
    axis_map trial = *m;
    for (uint32_t s = 0; s < trial.n_syms; s++) trial.by[s] = dim_subst(t, trial.by[s], 2, pair, by);
    for (uint32_t d = 0; !force && d < (accesses ? accesses->dims.n : 0); d++) {
        dim coeff, rest, now = axis_map_dim(&trial, accesses->dims.at[d]);
        if (!dim_linear(t, now, f, &coeff, &rest)) return false;
    }
    trial.runs[i] = (axis_run){merged, extent, m->runs[i].tag};
    for (uint32_t j = i + 1; j + 1 < m->n; j++) trial.runs[j] = trial.runs[j + 1];
    trial.n--;
    *m = trial;
    return true;
}

void axis_map_merge(axis_map *m, const dim_set *accesses, uint32_t force) {
    for (uint32_t i = m->n; i-- > 1;)
        if (m->runs[i - 1].tag == m->runs[i].tag) merge_pair(m, i - 1, accesses, force >> m->runs[i].tag & 1);
}

typedef struct follow_cx {
    const kernel *k;
    sym_id axes[2];
    bool follows;
} follow_cx;

static void note_loaded(void *data, sym_id s) {
    follow_cx *f = data;
    const sym_info *info = dim_sym_info(f->k->dims, s);
    if (info->kind != SYM_LOADED) return;
    for (uint32_t i = 0; i < countof(f->axes); i++) f->follows |= kx_depends(f->k, info->input, f->axes[i]);
}

bool loaded_follows(kernel *k, dim offset, dim a, dim b) {
    follow_cx f = {.k = k, .axes = {axis_sym(k, a), axis_sym(k, b)}};
    kx_visit_dim(k->dims, offset, note_loaded, &f);
    return f.follows;
}
