/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Memory that a GPU's kernels cannot use as it is; a copy in the arena stands for it.
 *
 * Host inputs: the caller's tensor lies in host memory, where a call reads sizes from it. Where steps use it as data as
 * well, the first step fills a copy.
 *
 *     launch scatter(x, y)     ->   copy x, tmp; launch scatter(tmp, y)
 *     copy x, y                     stays: a copy may begin on the host
 *
 * Outputs of elements smaller than a byte: kernels set their bits by atomic operations on words of four bytes, which an
 * arena slot has whole and a caller's memory need not. The last step copies what is the output's.
 *
 *     launch cast(x, y)        ->   launch cast(x, tmp); copy tmp, y */
#include <string.h>

#include "passes/plan/plan_passes.h"

/* Whether a step other than a copy out of b mentions b. */
static bool is_used_as_data(const pstep_list *l, pbuf_id b) {
    for (uint32_t i = 0; i < l->n; i++) {
        const pstep *s = &l->at[i];
        for (uint32_t k = 0; k < s->n_args && s->kind != PS_COPY; k++)
            if (s->args[k] == b) return true;
        for (uint32_t k = 0; k < s->n_alts; k++)
            if (is_used_as_data(&s->alts[k].body, b)) return true;
        if (is_used_as_data(&s->body[0], b) || is_used_as_data(&s->body[1], b)) return true;
    }
    return false;
}

/* A buffer in the arena that all steps use in b's place. */
static pbuf_id stand_in(plan *p, pbuf_id b) {
    pbuf own = p->bufs.at[b];
    own.kind = PB_ARENA;
    vec_push(p->a, p->bufs, own);
    plan_rename(p, p->steps, b, p->bufs.n - 1);
    return p->bufs.n - 1;
}

static void add_copy(plan *p, pbuf_id from, pbuf_id to, bool is_first) {
    pstep *steps = ARENA_ARRAY(p->a, pstep, p->steps.n + 1u);
    memcpy(steps + is_first, p->steps.at, p->steps.n * sizeof *steps);
    pbuf_id *args = ARENA_ARRAY(p->a, pbuf_id, 2);
    args[0] = from, args[1] = to;
    steps[is_first ? 0 : p->steps.n] = (pstep){.kind = PS_COPY, .n_args = 2, .args = args, .loc = ""};
    p->steps = (pstep_list){p->steps.n + 1, steps};
}

static frit_status check_states(cx *c, const graph *g) {
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        const port *q = &g->inputs.at[i];
        if (q->state == UINT32_MAX) continue;
        if (q->is_host) return FAIL(c, UNSUPPORTED, q->name, "a state that decides sizes cannot live on a GPU");
        if (dtype_bits(q->type.dt) < 8)
            return FAIL(c, UNSUPPORTED, q->name, "a state of elements smaller than a byte cannot live on a GPU");
    }
    return FRIT_OK;
}

frit_status plan_device(cx *c, plan *p) {
    const graph *g = p->iface;
    TRY(check_states(c, g));
    for (pbuf_id b = 0, n = p->bufs.n; b < n; b++) {
        const pbuf *buf = &p->bufs.at[b];
        bool is_host = buf->kind == PB_INPUT && g->inputs.at[buf->index].is_host;
        bool is_packed = buf->kind == PB_OUTPUT && dtype_bits(buf->dt) < 8;
        if ((!is_host && !is_packed) || !is_used_as_data(&p->steps, b)) continue;
        pbuf_id own = stand_in(p, b);
        add_copy(p, is_host ? b : own, is_host ? own : b, is_host);
    }
    return FRIT_OK;
}
