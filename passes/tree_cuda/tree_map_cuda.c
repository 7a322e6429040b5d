/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA's loop tree of a MAP group: every output element from its own expression, several loads in flight for each
 * thread.
 *
 *   par b { unroll u { thread i { y[(4 b + u) T + i] = expr } } } */
#include "passes/tree/map_parts.h"
#include "passes/tree_cuda/trees_cuda.h"

enum {
    THREADS = 256,
    UNROLL = 4,            /* elements of a thread ... */
    UNROLL_FROM = 1 << 17, /* ... where an axis may have so many that threads abound */
};

/* Replaces the innermost run of m by a block of elements, UNROLL or one for each thread, so pushed; returns the thread
 * axis. */
static dim split_inner(map_cx *m, nest *s) {
    dim_table *t = m->axes.k->dims;
    const axis_run *run = &m->axes.runs[m->axes.n - 1];
    int64_t lo, hi;
    dim_bounds(t, run->extent, &lo, &hi);
    int64_t n = hi >= UNROLL_FROM ? UNROLL : 1;
    dim block = dim_axis(t, "b", dim_ceildiv(t, run->extent, dim_const(t, n * THREADS)));
    dim base = dim_mul(t, block, dim_const(t, n * THREADS));
    dim u = n > 1 ? dim_axis(t, "u", dim_const(t, n)) : dim_const(t, 0);
    base = dim_add(t, base, dim_mul(t, u, dim_const(t, THREADS)));
    dim inner = dim_axis(t, "i", dim_min(t, dim_const(t, THREADS), dim_sub(t, run->extent, base)));
    map_replace_inner(m, dim_add(t, base, inner));
    nest_push(s, KL_PAR, block, 0, 0);
    if (n > 1) nest_push(s, KL_UNROLL, u, 0, 0);
    return inner;
}

frit_status tree_map_cuda(expander *e, const target *t) {
    kernel *k = e->k;
    map_cx m;
    (void)t;
    TRY(map_begin(&m, e, true));
    nest s = {.k = k};
    klist body = {0}, top = {0};
    for (uint32_t i = 0; i + 1 < m.axes.n; i++) nest_push(&s, KL_PAR, m.axes.runs[i].axis, 0, 0);
    if (m.axes.n) nest_push(&s, KL_THREAD, split_inner(&m, &s), THREADS, 0);
    map_store(&m, &body);
    nest_close(&s, body, &top);
    vec_push(k->a, k->phases, top.first);
    k->schedule = (kschedule){.is_cuda = true, .lanes = THREADS, .threads = THREADS};
    return FRIT_OK;
}
