/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CPU's loop tree of a MAP group: every output element from its own expression, one walk over memory.
 *
 *   par i0.. { vec i { y[..] = expr } }      a single long axis is cut into grains */
#include "passes/tree/map_parts.h"
#include "passes/tree_cpu/trees_cpu.h"

enum {
    MAP_PREFETCH = 512, /* elements from an access to what is prefetched for it */
    MAP_GRAIN = 4096,   /* elements of an item where one axis is long */
    MAP_TINY = 64,      /* an innermost axis of fewer elements: the one around it is not parallel */
    MAP_UNROLL = 2      /* vectors of a step */
};

/* Slow operators over more memory than caches hold: their instructions fill the reorder buffer, so that the loads of
 * later elements do not start in time by themselves. */
static bool waits_for_memory(const expander *e) {
    const group *gr = &e->f->groups.at[e->group];
    bool has_slow = false, is_large = false;
    for (uint32_t i = 0; i < gr->nodes.n; i++) has_slow |= op_is(graph_node(e->f->g, gr->nodes.at[i])->op, OPF_SLOW);
    for (buf_id b = 0; b < e->params.n; b++) is_large |= e->k->bufs.at[b].is_written && kbuf_outgrows_caches(e->k, b);
    return has_slow && is_large;
}

/* The lanes run along the last axis but one where the last is only a few elements long (colours of an image). */
static void move_short_run(axis_map *m, int64_t lanes) {
    int64_t lo, hi, outer_lo, outer_hi;
    if (m->n < 2) return;
    axis_run *last = &m->runs[m->n - 1], *before = last - 1, run = *last;
    dim_bounds(m->k->dims, last->extent, &lo, &hi);
    dim_bounds(m->k->dims, before->extent, &outer_lo, &outer_hi);
    if (hi >= lanes / 2 || outer_hi < lanes) return;
    *last = *before;
    *before = run;
}

frit_status tree_map(expander *e, const target *t) {
    kernel *k = e->k;
    const uint32_t lanes = t->vector_bytes / 4;
    map_cx m;
    TRY(map_begin(&m, e, false));
    move_short_run(&m.axes, lanes);
    const uint32_t n = m.axes.n;
    nest s = {.k = k};
    klist body = {0}, top = {0};
    dim block = DIM_BAD, inner = n ? m.axes.runs[n - 1].axis : DIM_BAD;
    int64_t lo = 0, hi = 0;
    if (n) dim_bounds(k->dims, m.axes.runs[n - 1].extent, &lo, &hi);
    bool is_split = n && hi > 2 * MAP_GRAIN;
    if (is_split) map_replace_inner(&m, axis_split(k, m.axes.runs[n - 1].extent, MAP_GRAIN, &block, &inner));
    for (uint32_t i = 0; i + 1 < n; i++) {
        bool is_tiny = i + 2 == n && i > 0 && hi < MAP_TINY;
        nest_push(&s, is_tiny ? KL_SEQ : KL_PAR, m.axes.runs[i].axis, 0, 0);
    }
    if (is_split) nest_push(&s, KL_PAR, block, 0, 0);
    if (n) nest_push(&s, KL_VEC, inner, lanes, MAP_UNROLL);
    map_store(&m, &body);
    if (n && waits_for_memory(e)) s.loops[s.n - 1]->u.loop.prefetch = MAP_PREFETCH;
    nest_close(&s, body, &top);
    vec_push(k->a, k->phases, top.first);
    k->schedule = (kschedule){.lanes = lanes, .unroll = MAP_UNROLL, .grain = is_split ? MAP_GRAIN : 0};
    return FRIT_OK;
}
