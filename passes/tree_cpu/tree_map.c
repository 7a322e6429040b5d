/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loop tree of a MAP group: every output element from its own expression, one pass over memory.
 *
 *   CPU:  par i0.. { vec i { y[..] = expr } }      a single long axis is cut into grains
 *   CUDA: par b { unroll u { thread i { y[(4 b + u) T + i] = expr } } }     several loads in flight for each thread */
#include "passes/tree/axes.h"
#include "passes/tree/tree.h"

enum {
    MAP_PREFETCH = 512,
    MAP_GRAIN = 4096,
    MAP_UNROLL = 2,
    CUDA_THREADS = 256,
    CUDA_UNROLL = 4,
    CUDA_UNROLL_FROM = 1 << 17
};

typedef struct map_output {
    value_id v;
    kx x;
} map_output;

/* A group that only copies has no nodes: its value is computed elsewhere, at an index of its own. */
static const dim *output_index(const expander *e, value_id v) {
    const group *gr = &e->f->groups.at[e->group];
    return gr->nodes.n ? e->f->index[v] : gr->axes;
}

static void store_all(expander *e, klist *body, const axis_map *m, const map_output *outs, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        dim at[MAX_RANK];
        uint32_t rank = graph_type(e->f->g, outs[i].v)->rank;
        const dim *index = output_index(e, outs[i].v);
        for (uint32_t j = 0; j < rank; j++) at[j] = axis_map_dim(m, index[j]);
        expander_store(e, body, outs[i].v, at, axis_map_kx(m, outs[i].x), 0);
    }
}

/* Replaces the innermost run of m by block and inner axes. */
static void map_split_inner(axis_map *m, int64_t size, dim *out_block, dim *out_inner) {
    axis_run *run = &m->runs[m->n - 1];
    dim whole = axis_split(m->k, run->extent, size, out_block, out_inner);
    sym_id s = axis_sym(m->k, run->axis);
    for (uint32_t i = 0; i < m->n_syms; i++) m->by[i] = dim_subst(m->k->dims, m->by[i], 1, &s, &whole);
}

/* On CUDA: replaces the innermost run of m by a block of turns x threads elements, so pushed; returns the thread axis.
 */
static dim map_split_threads(axis_map *m, nest *s) {
    dim_table *t = m->k->dims;
    axis_run *run = &m->runs[m->n - 1];
    int64_t lo, hi;
    dim_bounds(t, run->extent, &lo, &hi);
    int64_t turns = hi >= CUDA_UNROLL_FROM ? CUDA_UNROLL : 1;
    dim block = dim_axis(t, "b", dim_ceildiv(t, run->extent, dim_const(t, turns * CUDA_THREADS)));
    dim base = dim_mul(t, block, dim_const(t, turns * CUDA_THREADS));
    dim turn = turns > 1 ? dim_axis(t, "u", dim_const(t, turns)) : dim_const(t, 0);
    base = dim_add(t, base, dim_mul(t, turn, dim_const(t, CUDA_THREADS)));
    dim inner = dim_axis(t, "i", dim_min(t, dim_const(t, CUDA_THREADS), dim_sub(t, run->extent, base)));
    dim whole = dim_add(t, base, inner);
    sym_id old = axis_sym(m->k, run->axis);
    for (uint32_t i = 0; i < m->n_syms; i++) m->by[i] = dim_subst(t, m->by[i], 1, &old, &whole);
    nest_push(s, KL_PAR, block, 0, 0);
    if (turns > 1) nest_push(s, KL_UNROLL, turn, 0, 0);
    return inner;
}

/* Slow operators over more memory than caches hold: their instructions fill the reorder buffer, so that the loads of
 * later elements do not start in time by themselves. */
static bool waits_for_memory(const expander *e) {
    const group *gr = &e->f->groups.at[e->group];
    bool has_slow = false, is_large = false;
    for (uint32_t i = 0; i < gr->nodes.n; i++) has_slow |= op_is(graph_node(e->f->g, gr->nodes.at[i])->op, OPF_SLOW);
    for (buf_id b = 0; b < e->params.n; b++) is_large |= e->k->bufs.at[b].is_written && kbuf_outgrows_caches(e->k, b);
    return has_slow && is_large;
}

static void map_loops(expander *e, axis_map *m, const map_output *outs, uint32_t n_outs, const lower_options *o) {
    kernel *k = e->k;
    bool is_cuda = o->t->kind == TARGET_CUDA;
    uint32_t lanes = is_cuda ? CUDA_THREADS : o->t->vector_bytes / 4;
    nest s = {.k = k};
    klist body = {0}, top = {0};
    dim block = DIM_BAD, inner = DIM_BAD;
    int64_t lo = 0, hi = 0;
    if (m->n) dim_bounds(k->dims, m->runs[m->n - 1].extent, &lo, &hi);
    bool is_split = m->n && !is_cuda && hi > 2 * MAP_GRAIN;
    if (is_split) map_split_inner(m, MAP_GRAIN, &block, &inner);
    for (uint32_t i = 0; i + 1 < m->n; i++) {
        bool is_tiny = i + 2 == m->n && i > 0 && hi < 64;
        nest_push(&s, is_tiny && !is_cuda ? KL_SEQ : KL_PAR, m->runs[i].axis, 0, 0);
    }
    if (is_split) nest_push(&s, KL_PAR, block, 0, 0);
    if (m->n && is_cuda) inner = map_split_threads(m, &s);
    if (m->n)
        nest_push(&s, is_cuda ? KL_THREAD : KL_VEC, inner != DIM_BAD ? inner : m->runs[m->n - 1].axis, lanes,
                  is_cuda ? 0 : MAP_UNROLL);
    store_all(e, &body, m, outs, n_outs);
    if (m->n && !is_cuda && waits_for_memory(e)) s.loops[s.n - 1]->u.loop.prefetch = MAP_PREFETCH;
    nest_close(&s, body, &top);
    vec_push(k->a, k->phases, top.first);
    k->schedule = (kschedule){.is_cuda = is_cuda,
                              .lanes = lanes,
                              .unroll = is_cuda ? 0 : MAP_UNROLL,
                              .threads = is_cuda ? CUDA_THREADS : 0,
                              .grain = is_split ? MAP_GRAIN : 0};
}

/* The lanes run along the last axis but one where the last is only a few elements long (colours of an image). */
static void turn_short_run(axis_map *m, int64_t lanes) {
    int64_t lo, hi, outer_lo, outer_hi;
    if (m->n < 2) return;
    axis_run *last = &m->runs[m->n - 1], *before = last - 1, run = *last;
    dim_bounds(m->k->dims, last->extent, &lo, &hi);
    dim_bounds(m->k->dims, before->extent, &outer_lo, &outer_hi);
    if (hi >= lanes / 2 || outer_hi < lanes) return;
    *last = *before;
    *before = run;
}

frit_status tree_map(expander *e, const lower_options *o) {
    const group *gr = &e->f->groups.at[e->group];
    kernel *k = e->k;
    map_output *outs = ARENA_ARRAY(k->a, map_output, gr->outputs.n + 1u);
    dim_set accesses = {0};
    for (uint32_t i = 0; i < gr->outputs.n; i++) {
        value_id v = gr->outputs.at[i];
        outs[i].v = v;
        TRY(expand(e, v, output_index(e, v), 0, &outs[i].x));
        access_dims(k, outs[i].x, &accesses);
        access_add(k, expander_store_offset(e, v, output_index(e, v)), &accesses);
    }
    axis_map m;
    axis_map_init(&m, k);
    for (uint32_t i = 0; i < gr->rank; i++) axis_map_add(&m, "i", gr->axes[i], 0);
    axis_map_merge(&m, &accesses, o->t->kind == TARGET_CUDA);
    if (o->t->kind != TARGET_CUDA) turn_short_run(&m, o->t->vector_bytes / 4);
    map_loops(e, &m, outs, gr->outputs.n, o);
    return FRIT_OK;
}
