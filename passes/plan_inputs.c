/* Host inputs on a GPU: the caller's tensor lies in host memory, where a call reads sizes from it, and kernels cannot
 * reach it. Where steps use it as data as well, a copy in the arena stands for it. The first step fills the copy.
 *
 *     launch scatter(x, y)     ->   copy x, tmp; launch scatter(tmp, y)
 *     copy x, y                     stays: a copy may begin on the host */
#include <string.h>

#include "passes/lower.h"

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

static void copy_first(plan *p, pbuf_id from) {
    pbuf own = p->bufs.at[from];
    own.kind = PB_ARENA;
    vec_push(p->a, p->bufs, own);
    plan_rename(p, p->steps, from, p->bufs.n - 1);
    pstep *steps = ARENA_ARRAY(p->a, pstep, p->steps.n + 1u);
    memcpy(steps + 1, p->steps.at, p->steps.n * sizeof *steps);
    pbuf_id *args = ARENA_ARRAY(p->a, pbuf_id, 2);
    args[0] = from, args[1] = p->bufs.n - 1;
    steps[0] = (pstep){.kind = PS_COPY, .n_args = 2, .args = args, .loc = ""};
    p->steps = (pstep_list){p->steps.n + 1, steps};
}

frit_status plan_host_inputs(cx *c, plan *p) {
    const graph *g = p->iface;
    for (uint32_t i = 0; i < g->inputs.n; i++)
        if (g->inputs.at[i].is_host && g->inputs.at[i].state != UINT32_MAX)
            return FAIL(c, UNSUPPORTED, g->inputs.at[i].name, "a state that decides sizes cannot live on a GPU");
    for (pbuf_id b = 0, n = p->bufs.n; b < n; b++) {
        bool is_host = p->bufs.at[b].kind == PB_INPUT && g->inputs.at[p->bufs.at[b].index].is_host;
        if (is_host && is_used_as_data(&p->steps, b)) copy_first(p, b);
    }
    return FRIT_OK;
}
