/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Two plans of one program as one: a choice between their steps, over one set of inputs, outputs, constants and slots.
 *
 *    if distance <= 0 { steps of the case } else { steps for every call }
 *
 * Constants with the same elements in the same order are held once, packed ones too, whichever plan made them. */
#include <string.h>

#include "ir/op/attrs.h"
#include "passes/plan/cases.h"
#include "passes/plan/plan_passes.h"

/* ---- constants */

static bool same_parts(arena *a, const const_maker *x, const const_maker *y) {
    if (x->n_parts != y->n_parts || x->part_bytes != y->part_bytes || x->make != y->make) return false;
    arena_mark mark = arena_save(a);
    uint8_t *left = arena_alloc_aligned(a, x->part_bytes + 1, 64),
            *right = arena_alloc_aligned(a, x->part_bytes + 1, 64);
    bool same = true;
    for (uint32_t i = 0; same && i < x->n_parts; i++) {
        x->make(x->data, i, left);
        y->make(y->data, i, right);
        same = memcmp(left, right, x->part_bytes) == 0;
    }
    arena_release(a, mark);
    return same;
}

/* Whether two constants are known to hold the same elements. */
static bool same_const(arena *a, const const_data *x, const const_data *y) {
    if (x == y) return true;
    bool same = x->kind == y->kind && x->dt == y->dt && x->dims.n == y->dims.n;
    for (uint32_t i = 0; same && i < x->dims.n; i++) same = x->dims.at[i] == y->dims.at[i];
    if (!same) return false;
    if (x->kind == CONST_MADE) return same_parts(a, x->maker, y->maker);
    if (x->kind == CONST_RANDOM) return x->seed == y->seed && x->scale == y->scale;
    if (x->kind == CONST_SPLAT) return memcmp(&x->splat, &y->splat, sizeof x->splat) == 0;
    return x->bytes == y->bytes || memcmp(x->bytes, y->bytes, dtype_bytes(x->dt, (size_t)const_count(x))) == 0;
}

/* ---- joining */

typedef struct joiner {
    cx *c;
    plan *to;
    const plan *from;
    uint32_t n_own;     /* constants that `to` had before */
    uint32_t *const_of; /* constant of `from` -> of `to` */
    pbuf_id *buf_of;    /* buffer of `from` -> of `to` */
    uint32_t first_kernel, first_demand;
} joiner;

static void join_consts(joiner *j) {
    plan *to = j->to;
    for (uint32_t i = 0; i < j->from->consts.n; i++) {
        const const_data *d = j->from->consts.at[i];
        uint32_t k = 0;
        while (k < j->n_own && !same_const(j->c->scratch, to->consts.at[k], d)) k++;
        j->const_of[i] = k < j->n_own ? k : to->consts.n;
        if (k == j->n_own) vec_push(to->a, to->consts, d);
    }
}

/* The buffer of `to` that is the same memory, UINT32_MAX none. */
static pbuf_id buffer_of(const plan *p, pbuf_kind kind, uint32_t index) {
    if (kind == PB_ARENA) return UINT32_MAX;
    for (pbuf_id b = 0; b < p->bufs.n; b++)
        if (p->bufs.at[b].kind == kind && p->bufs.at[b].index == index) return b;
    return UINT32_MAX;
}

static void join_buffers(joiner *j) {
    plan *to = j->to;
    for (pbuf_id b = 0; b < j->from->bufs.n; b++) {
        pbuf buf = j->from->bufs.at[b];
        if (buf.kind == PB_CONST) buf.index = j->const_of[buf.index];
        pbuf_id known = buffer_of(to, buf.kind, buf.index);
        j->buf_of[b] = known == UINT32_MAX ? to->bufs.n : known;
        if (known == UINT32_MAX)
            vec_push(to->a, to->bufs, buf);
        else if (buf.kind != PB_CONST)
            to->bufs.at[known] = buf; /* with the dims of the interface */
    }
}

static pstep_list joined_steps(joiner *j, const pstep_list *l) {
    arena *a = j->to->a;
    pstep *steps = ARENA_ARRAY(a, pstep, l->n + 1u);
    for (uint32_t i = 0; i < l->n; i++) {
        pstep s = l->at[i];
        pbuf_id *args = ARENA_ARRAY(a, pbuf_id, s.n_args + 1u);
        for (uint32_t k = 0; k < s.n_args; k++) args[k] = s.args[k] == UINT32_MAX ? UINT32_MAX : j->buf_of[s.args[k]];
        s.args = args;
        if (s.kind == PS_LAUNCH) s.kernel += j->first_kernel;
        if (s.kind == PS_REQUIRE) s.contract += j->first_demand;
        struct palt *alts = ARENA_ARRAY(a, struct palt, s.n_alts + 1u);
        for (uint32_t k = 0; k < s.n_alts; k++) {
            alts[k] = s.alts[k];
            alts[k].body = joined_steps(j, &s.alts[k].body);
        }
        s.alts = alts;
        for (uint32_t k = 0; k < 2; k++) s.body[k] = joined_steps(j, &s.body[k]);
        steps[i] = s;
    }
    return (pstep_list){l->n, steps};
}

/* The parts of plan `from` become parts of `to`; its steps as they read there. */
static pstep_list join(cx *c, plan *to, const plan *from) {
    joiner j = {.c = c,
                .to = to,
                .from = from,
                .n_own = to->consts.n,
                .first_kernel = to->kernels.n,
                .first_demand = to->demands.n};
    j.const_of = ARENA_ARRAY(c->scratch, uint32_t, from->consts.n + 1u);
    j.buf_of = ARENA_ARRAY(c->scratch, pbuf_id, from->bufs.n + 1u);
    join_consts(&j);
    join_buffers(&j);
    for (uint32_t i = 0; i < from->kernels.n; i++) {
        vec_push(to->a, to->kernels, from->kernels.at[i]);
        vec_push(to->a, to->holds, from->holds.at[i]);
    }
    for (uint32_t i = 0; i < from->stops.n; i++) {
        plan_stop s = from->stops.at[i];
        s.writer += j.first_kernel, s.reader += j.first_kernel;
        vec_push(to->a, to->stops, s);
    }
    for (uint32_t i = 0; i < from->demands.n; i++) vec_push(to->a, to->demands, from->demands.at[i]);
    if (from->n_copies > to->n_copies) to->n_copies = from->n_copies;
    return joined_steps(&j, &from->steps);
}

frit_status plan_choose(cx *c, plan *first, dim distance, plan *general, plan **out) {
    plan *p = ARENA_NEW(c->job, plan);
    *p = (plan){.a = c->job, .iface = general->iface};
    pstep *choice = ARENA_NEW(p->a, pstep);
    *choice =
        (pstep){.kind = PS_CHOICE, .n_alts = 2, .trips = DIM_BAD, .iteration = SYM_NONE, .result = SYM_NONE, .loc = ""};
    choice->alts = ARENA_ARRAY(p->a, struct palt, 2);
    choice->alts[0] = (struct palt){distance, dim_const(p->iface->dims, 0), join(c, p, first)};
    choice->alts[1] = (struct palt){DIM_BAD, DIM_BAD, join(c, p, general)};
    p->steps = (pstep_list){1, choice};
    *out = p;
    return plan_memory(c, p);
}
