/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rows of a ROW group that overlap: while one row is read for the first time, the row before it is in its second sweep,
 * and so on, in one lane loop. Memory is then read and written all the time that the arithmetic takes, and no row waits
 * for the last step of a reduction.
 *
 *   softmax      par block { seq t < rows + 2 {
 *                  acc m; acc s; let m1 = ms[t - 1], s2 = ss[t - 2]
 *                  vec c { if (t < rows) m <- x[t, c]
 *                          if (t - 1 in rows) { e = exp(x[t - 1, c] - m1); tile[(t - 1) mod 2, c] = e; s <- e }
 *                          if (t - 2 in rows) y[t - 2, c] = tile[(t - 2) mod 2, c] / s2 }
 *                  ms[t] = m; ss[t - 1] = s } }        (indices of ms and ss are taken mod 4)
 *
 * Where sums come with squares about them (tree_row_moments.c), the lane loop runs over a block of columns at a time,
 * and a second one follows with the squares of the row that has entered:
 *
 *   layer norm   seq t < rows + 1 { seq b { vec c { if (t < rows) p <- x[t, c]
 *                                                  if (t > 0) y[t - 1, c] = (x[t - 1, c] - c1) * i1 }
 *                                          let m = mean of p; if (t < rows) vec c { q <- (x[t, c] - m)^2 } } }
 *
 * A row is reduced in the same order as alone (tree/row_parts.c), so bits do not depend on this form, nor on the block. */
#include "passes/tree_cpu/tree_row.h"

enum {
    PIPE_ROWS = 32,                /* rows of a block */
    PIPE_ROWS_LEAST = 64,          /* fewer rows in all are not worth filling the pipeline */
    PIPE_ROW_BYTES = 8192,         /* the rows under way and their tiles fit into the first-level cache */
    PIPE_LONG_ROW_BYTES = 1 << 16, /* ... or into a second-level cache of this size, while memory is waited for: */
    PIPE_L2_BYTES = 2 << 20,
    PIPE_PREFETCH_BYTES = 8192,     /* of rows to come that are prefetched */
    PIPE_PREFETCH_LANES = 256,      /* the same along the lanes, of several tensors */
    PIPE_SERIAL = 512,              /* elements from which on a body runs vector by vector: loads, arithmetic, stores */
    PIPE_CHEAP_ROW_BYTES = 1 << 18, /* a row of two sweeps is in the second-level cache when it is read again, and waits
                                       for memory when an output outgrows the caches */
};

/* Bytes of a row of the widest member, as an upper bound. */
static int64_t row_bytes(const row_cx *r) {
    unsigned bits = 8;
    for (uint32_t i = 0; i < r->n_members; i++) {
        unsigned own = dtype_bits(graph_type(r->e->f->g, graph_node(r->e->f->g, r->members[i].n)->out)->dt);
        if (own > bits) bits = own;
    }
    int64_t n = row_bound(r);
    return n > INT32_MAX ? INT64_MAX : n * (bits / 8);
}

/* Whether the target has many misses of the second-level cache under way, as CPUs with a large one do. */
static bool has_large_l2(const row_cx *r) { return r->t->l2_bytes >= PIPE_L2_BYTES; }

static bool is_slow_and_short(const row_cx *r) {
    bool has_slow = false;
    for (uint32_t i = 0; i < r->n_members; i++)
        has_slow |= r->members[i].is_whole && op_is(graph_node(r->e->f->g, r->members[i].n)->op, OPF_SLOW);
    bool is_long = row_bytes(r) > PIPE_ROW_BYTES;
    if (is_long && (!has_large_l2(r) || !row_n_large(r, true))) return false;
    return has_slow && row_bytes(r) <= PIPE_LONG_ROW_BYTES;
}

/* Rows of two sweeps, whose moments are taken in blocks, with an output that no cache holds. */
static bool waits_for_memory(const row_cx *r) {
    return r->block != DIM_BAD && r->n_levels == 2 && row_bytes(r) <= PIPE_CHEAP_ROW_BYTES && row_n_large(r, true);
}

bool row_wants_pipe(const row_cx *r) {
    uint32_t reduced, kept;
    if (r->is_column || r->n_levels < 2 || !row_is_one_run(r, TAG_REDUCED, &reduced)) return false;
    if (!is_slow_and_short(r) && !waits_for_memory(r)) return false;
    kept = UINT32_MAX;
    row_is_one_run(r, TAG_KEPT, &kept);
    if (kept == UINT32_MAX) return false;
    int64_t lo, hi;
    dim_bounds(r->k->dims, r->axes.runs[kept].extent, &lo, &hi);
    return hi >= PIPE_ROWS_LEAST;
}

static int64_t power_of_two_from(uint32_t n) {
    int64_t p = 1;
    while (p < n) p *= 2;
    return p;
}

/* Rows of a tile lie a stride apart that keeps their equal columns out of each other's cache sets: loads after a store
 * to the same place in another page wait for it. */
static dim apart(dim_table *t, dim row, unsigned bits) {
    enum { PAGE = 4096, LINE = 64, AWAY = 17 * LINE };
    int64_t n, elements = AWAY * 8 / bits;
    if (dim_is_const(t, row, &n) && (n * bits / 8 + AWAY) % PAGE < 4 * LINE) elements *= 2;
    return dim_add(t, dim_align(t, row, LINE * 8 / bits), dim_const(t, elements));
}

/* Tiles of placed maps for the rows between their first and last sweep; scalars of the rows under way. */
static void make_buffers(row_cx *r) {
    dim_table *t = r->k->dims;
    uint32_t run = 0;
    row_is_one_run(r, TAG_REDUCED, &run);
    dim n_slots = dim_const(t, power_of_two_from(r->n_levels + 1));
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        dtype dt = graph_type(r->e->f->g, graph_node(r->e->f->g, m->n)->out)->dt;
        if (m->tile != KID_NONE) {
            uint32_t first = 0, last = 63;
            while (!(m->sweeps >> first & 1)) first++;
            while (!(m->sweeps >> last & 1)) last--;
            dim shape[2] = {dim_const(t, power_of_two_from(last - first + 1)), r->axes.runs[run].extent};
            dim strides[2] = {apart(t, shape[1], dtype_bits(dt)), dim_const(t, 1)};
            m->tile = kernel_local(r->k, "row", dt, KB_TILE, 2, arena_copy(r->k->a, shape, sizeof shape));
            if (dtype_bits(dt) >= 8) r->k->bufs.at[m->tile].strides = arena_copy(r->k->a, strides, sizeof strides);
        }
        if (!m->is_whole && m->level + m->is_reduce < r->n_levels)
            m->rows = kernel_local(r->k, "rows", dt, KB_TILE, 1, arena_copy(r->k->a, &n_slots, sizeof n_slots));
    }
}

/* What sweeps read of rows before the first one has been there. */
static void clear_rows(row_cx *r, klist *l) {
    for (uint32_t i = 0; i < r->n_members; i++) {
        const member *m = &r->members[i];
        int64_t n_slots;
        if (m->rows == KID_NONE || !dim_is_const(r->k->dims, r->k->bufs.at[m->rows].shape[0], &n_slots)) continue;
        dim slot = dim_axis(r->k->dims, "z", r->k->bufs.at[m->rows].shape[0]);
        nest s = {.k = r->k};
        klist body = {0};
        kstmt_store(r->k, &body, m->rows, &slot, kx_const(r->k, r->k->bufs.at[m->rows].dt, (scalar){0}), 0);
        nest_push(&s, KL_VEC, slot, (uint32_t)n_slots, 1);
        nest_close(&s, body, l);
    }
}

/* The loops' axes and what they mean for the domain. */
typedef struct pipe {
    row_cx *r;
    axis_map whole;  /* of the domain, over the unsplit axes */
    sym_id row_axis; /* the axis of the rows in it */
    dim block, n_rows, trip;
    kx *lets; /* per sweep and member: the let of its value for that sweep's row */
} pipe;

/* Puts the row of sweep s at hand: trip - s. Returns the condition under which there is one, 0: always. */
static kx at_sweep(pipe *p, uint32_t s) {
    row_cx *r = p->r;
    dim_table *t = r->k->dims;
    r->row = dim_sub(t, p->trip, dim_const(t, s));
    r->sweep = s;
    r->axes = p->whole;
    dim whole = dim_add(t, dim_mul(t, p->block, dim_const(t, PIPE_ROWS)), r->row);
    for (uint32_t i = 0; i < r->axes.n_syms; i++) r->axes.by[i] = dim_subst(t, r->axes.by[i], 1, &p->row_axis, &whole);
    row_forget(r);
    return kx_in_range(r->k, r->row, dim_const(t, 0), p->n_rows);
}

/* Appends what becomes known when the reductions of level `level - 1` of the row at hand are finished: their values,
 * kept maps, outputs over the kept axes. */
static frit_status keep_level(pipe *p, klist *l, uint32_t level) {
    row_cx *r = p->r;
    kx is_row = at_sweep(p, level ? level - 1 : 0);
    klist body = {0};
    r->fresh = level;
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        value_id v = graph_node(r->e->f->g, m->n)->out;
        if (m->is_whole || m->level + m->is_reduce != level) continue;
        kx x;
        TRY(m->sum ? r->moments->squares(r, &body, m, &x) : row_value(r, v, &x));
        if (!m->is_reduce || m->sum) m->let = x = kstmt_let(r->k, &body, "v", x);
        row_forget(r);
        dim slot = m->rows == KID_NONE ? DIM_BAD : dim_mod(r->k->dims, r->row, r->k->bufs.at[m->rows].shape[0]);
        if (m->rows != KID_NONE) kstmt_store(r->k, &body, m->rows, &slot, x, 0);
        if (row_is_output(r, v)) TRY(row_store(r, &body, v));
    }
    for (uint32_t i = 0; i < r->n_members; i++) r->members[i].let = 0;
    r->fresh = UINT32_MAX;
    if (!body.first) return FRIT_OK;
    if (is_row)
        klist_close(kstmt_if(r->k, l, is_row), &body);
    else if (l->last)
        l->last->next = body.first, l->last = body.last;
    else
        *l = body;
    return FRIT_OK;
}

/* Reads, in front of the lane loop, what sweep s needs of the rows' scalars. */
static void read_rows(pipe *p, klist *l, uint32_t s) {
    row_cx *r = p->r;
    at_sweep(p, s);
    for (uint32_t i = 0; i < r->n_members; i++) {
        const member *m = &r->members[i];
        if (m->rows == KID_NONE || m->level + m->is_reduce > s) continue;
        dim slot = dim_mod(r->k->dims, r->row, r->k->bufs.at[m->rows].shape[0]);
        p->lets[s * r->n_members + i] = kstmt_let(r->k, l, "v", kx_load(r->k, m->rows, &slot, 0, 0));
    }
}

static frit_status emit_sweep(pipe *p, klist *l, uint32_t s) {
    row_cx *r = p->r;
    klist body = {0};
    kx is_row = at_sweep(p, s);
    for (uint32_t i = 0; i < r->n_members; i++) r->members[i].let = p->lets[s * r->n_members + i];
    TRY(row_sweep_body(r, &body));
    for (uint32_t i = 0; i < r->n_members; i++) r->members[i].let = 0;
    if (body.first) klist_close(kstmt_if(r->k, l, is_row), &body);
    return FRIT_OK;
}

/* The lane loop of all sweeps. */
static frit_status emit_lanes(pipe *p, dim column, klist *l) {
    row_cx *r = p->r;
    nest lanes = {.k = r->k};
    klist body = {0};
    nest_push(&lanes, KL_VEC, column, r->lanes / ROW_UNROLL, ROW_UNROLL);
    lanes.loops[lanes.n - 1]->u.loop.prefetch = r->prefetch;
    lanes.loops[lanes.n - 1]->u.loop.is_serial = row_bound(r) >= PIPE_SERIAL;
    for (uint32_t s = 0; s < r->n_levels; s++) TRY(emit_sweep(p, &body, s));
    nest_close(&lanes, body, l);
    return FRIT_OK;
}

/* That lane loop a block at a time, each followed by the squares of rows whose sums it held. */
static frit_status emit_blocks(pipe *p, klist *l) {
    row_cx *r = p->r;
    const axis_map whole = p->whole;
    nest blocks = {.k = r->k};
    klist block = {0};
    r->axes = whole;
    row_enter_block(r);
    p->whole = r->axes;
    for (uint32_t s = 0; s < r->n_levels; s++) {
        at_sweep(p, s);
        row_open_block(r, &block);
    }
    TRY(emit_lanes(p, r->column, &block));
    for (uint32_t s = 0; s < r->n_levels; s++) {
        klist body = {0};
        kx is_row = at_sweep(p, s);
        if (!row_has_moments(r, s)) continue;
        TRY(row_close_block(r, &body));
        klist_close(kstmt_if(r->k, &block, is_row), &body);
    }
    nest_push(&blocks, KL_SEQ, r->block, 0, 0);
    nest_close(&blocks, block, l);
    p->whole = whole;
    return FRIT_OK;
}

/* One trip: a row enters, the others move on by one sweep. */
static frit_status emit_trip(pipe *p, dim column, klist *l) {
    row_cx *r = p->r;
    TRY(keep_level(p, l, 0));
    for (uint32_t s = 0; s < r->n_levels; s++) {
        read_rows(p, l, s);
        row_declare(r, l, true);
    }
    TRY(r->block == DIM_BAD ? emit_lanes(p, column, l) : emit_blocks(p, l));
    for (uint32_t level = 1; level <= r->n_levels; level++) TRY(keep_level(p, l, level));
    return FRIT_OK;
}

frit_status row_pipe_tree(row_cx *r) {
    dim_table *t = r->k->dims;
    uint32_t row_run = 0, column_run = 0;
    row_is_one_run(r, TAG_KEPT, &row_run);
    row_is_one_run(r, TAG_REDUCED, &column_run);
    const axis_run rows = r->axes.runs[row_run];
    pipe p = {.r = r, .whole = r->axes, .row_axis = axis_sym(r->k, rows.axis)};
    p.lets = ARENA_ARRAY(r->k->a, kx, r->n_levels * r->n_members + 1u);
    dim size = dim_const(t, PIPE_ROWS);
    p.block = dim_axis(t, "b", dim_ceildiv(t, rows.extent, size));
    p.n_rows = dim_min(t, size, dim_sub(t, rows.extent, dim_mul(t, p.block, size)));
    p.trip = dim_axis(t, "t", dim_add(t, p.n_rows, dim_const(t, r->n_levels - 1)));
    make_buffers(r);
    bool are_several = row_n_large(r, true) && row_n_large(r, false) > 1;
    if (has_large_l2(r) && are_several) r->prefetch = PIPE_PREFETCH_LANES;
    nest s = {.k = r->k}, trips = {.k = r->k};
    klist body = {0}, trip = {0}, top = {0};
    for (uint32_t i = 0; i < row_run; i++)
        if (r->axes.runs[i].tag == TAG_KEPT) nest_push(&s, KL_PAR, r->axes.runs[i].axis, 0, 0);
    nest_push(&s, KL_PAR, p.block, 0, 0);
    nest_push(&trips, KL_SEQ, p.trip, 0, 0);
    int64_t distance = PIPE_PREFETCH_BYTES / (row_bytes(r) > 0 ? row_bytes(r) : 1);
    trips.loops[trips.n - 1]->u.loop.prefetch = (uint32_t)(distance < 2           ? 2
                                                           : distance > PIPE_ROWS ? PIPE_ROWS
                                                                                  : distance);
    TRY(emit_trip(&p, r->axes.runs[column_run].axis, &trip));
    clear_rows(r, &body);
    nest_close(&trips, trip, &body);
    nest_close(&s, body, &top);
    vec_push(r->k->a, r->k->phases, top.first);
    r->k->schedule = (kschedule){.lanes = r->lanes, .unroll = ROW_UNROLL, .grain = PIPE_ROWS};
    return FRIT_OK;
}
