/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* States: the caller passes one memory as a state's input and as its output, so that writing the output destroys the
 * input. An output is written in place when no launch needs the old value any more: nothing after its writer reads the
 * input, and the writer reads of it at most the very element that it writes. Otherwise it is computed into the arena
 * and copied at the end; n_copies counts those.
 *
 *     launch add(total.in, x, total.out)         stays
 *     launch transpose(s.in, s.out)         ->   launch transpose(s.in, tmp); copy tmp, s.out */
#include <string.h>

#include "passes/plan/plan_passes.h"

/* Number of stores in the list, leaves counted; *out_store is the last one. */
static uint32_t count_stores(const kstmt *s, const kstmt **out_store) {
    uint32_t n = 0;
    for (; s; s = s->next) {
        switch (s->kind) {
        case KS_LOOP:
            n += count_stores(s->u.loop.body, out_store);
            break;
        case KS_IF:
            n += count_stores(s->u.branch.body, out_store) + count_stores(s->u.branch.orelse, out_store);
            break;
        case KS_STORE:
            *out_store = s;
            n++;
            break;
        case KS_LEAF:
            n += 2; /* reads and writes much at a time */
            break;
        case KS_ACC:
        case KS_UPDATE:
        case KS_LET:
        case KS_BARRIER:
            break;
        }
    }
    return n;
}

typedef struct loaded_search {
    const kernel *k;
    bool is_found;
} loaded_search;

static void note_loaded(void *data, sym_id s) {
    loaded_search *l = data;
    l->is_found |= dim_sym_info(l->k->dims, s)->kind == SYM_LOADED;
}

bool plan_is_elementwise(const kernel *k, buf_id in, buf_id out) {
    const kstmt *store = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->phases.n; i++) n += count_stores(k->phases.at[i], &store);
    if (n != 1 || store->u.store.buf != out) return false;
    uint32_t rank = k->bufs.at[out].rank;
    loaded_search l = {.k = k};
    for (uint32_t i = 0; i < rank; i++) kx_visit_dim(k->dims, store->u.store.at[i], note_loaded, &l);
    if (l.is_found) return false;
    for (uint32_t i = 0; i < k->exprs.n; i++) {
        const kx_node *x = &k->exprs.at[i];
        if (x->kind != KX_LOAD || x->ref != in) continue;
        if (x->n_at != rank || (rank && memcmp(x->at, store->u.store.at, rank * sizeof *x->at))) return false;
    }
    return true;
}

static uint32_t param_of(const pstep *s, pbuf_id b) {
    for (uint32_t i = 0; i < s->n_args; i++)
        if (s->args[i] == b) return i;
    return UINT32_MAX;
}

static void list_touches(const plan *p, const pstep_list *l, pbuf_id b, plan_touches *t) {
    for (uint32_t i = 0; i < l->n; i++) {
        plan_touches one = plan_step_touches(p, &l->at[i], b);
        t->reads |= one.reads;
        t->writes |= one.writes;
    }
}

plan_touches plan_step_touches(const plan *p, const pstep *s, pbuf_id b) {
    plan_touches t = {0};
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (s->args[i] != b) continue;
        bool is_launch = s->kind == PS_LAUNCH;
        bool writes = s->kind == PS_COPY ? i == 1 : is_launch && p->kernels.at[s->kernel]->bufs.at[i].is_written;
        t.writes |= writes;
        t.reads |= !writes || is_launch; /* a kernel may read what it writes */
    }
    for (uint32_t i = 0; i < s->n_alts; i++) list_touches(p, &s->alts[i].body, b, &t);
    for (uint32_t i = 0; i < 2; i++) list_touches(p, &s->body[i], b, &t);
    return t;
}

/* Whether writing out as its memory's new content hurts a reader of in, the same memory's old content. */
static bool in_place_hurts(const plan *p, pbuf_id in, pbuf_id out) {
    uint32_t i = 0;
    while (i < p->steps.n && !plan_step_touches(p, &p->steps.at[i], out).writes) i++;
    if (i == p->steps.n) return false;
    const pstep *writer = &p->steps.at[i];
    uint32_t read = param_of(writer, in);
    bool is_itself = writer->kind == PS_COPY && read == 0; /* the memory onto itself */
    if (plan_step_touches(p, writer, in).reads && !is_itself) {
        if (writer->kind != PS_LAUNCH) return true;
        if (!plan_is_elementwise(p->kernels.at[writer->kernel], read, param_of(writer, out))) return true;
    }
    for (i++; i < p->steps.n; i++)
        if (plan_step_touches(p, &p->steps.at[i], in).reads) return true;
    return false;
}

static pbuf_id buffer_of_port(const plan *p, pbuf_kind kind, uint32_t index) {
    for (pbuf_id b = 0; b < p->bufs.n; b++)
        if (p->bufs.at[b].kind == kind && p->bufs.at[b].index == index) return b;
    return UINT32_MAX;
}

void plan_rename(plan *p, pstep_list l, pbuf_id from, pbuf_id to) {
    for (uint32_t i = 0; i < l.n; i++) {
        pstep *s = &l.at[i];
        pbuf_id *args = ARENA_ARRAY(p->a, pbuf_id, s->n_args + 1u);
        if (s->n_args) memcpy(args, s->args, s->n_args * sizeof *args);
        for (uint32_t k = 0; k < s->n_args; k++)
            if (args[k] == from) args[k] = to;
        s->args = args;
        for (uint32_t k = 0; k < s->n_alts; k++) plan_rename(p, s->alts[k].body, from, to);
        for (uint32_t k = 0; k < 2; k++) plan_rename(p, s->body[k], from, to);
    }
}

/* Everything that used out uses an arena buffer instead; a copy at the end fills out. */
static void redirect(plan *p, pbuf_id out) {
    pbuf own = p->bufs.at[out];
    own.kind = PB_ARENA;
    vec_push(p->a, p->bufs, own);
    pbuf_id temporary = p->bufs.n - 1;
    plan_rename(p, p->steps, out, temporary);
    pstep *steps = ARENA_ARRAY(p->a, pstep, p->steps.n + 1u);
    memcpy(steps, p->steps.at, p->steps.n * sizeof *steps);
    pbuf_id *args = ARENA_ARRAY(p->a, pbuf_id, 2);
    args[0] = temporary, args[1] = out;
    steps[p->steps.n] = (pstep){.kind = PS_COPY, .n_args = 2, .args = args, .loc = ""};
    p->steps = (pstep_list){p->steps.n + 1, steps};
    p->n_copies++;
}

void plan_states(plan *p) {
    const graph *g = p->iface;
    for (uint32_t o = 0; o < g->outputs.n; o++) {
        uint32_t state = g->outputs.at[o].state;
        for (uint32_t i = 0; state != UINT32_MAX && i < g->inputs.n; i++) {
            if (g->inputs.at[i].state != state) continue;
            pbuf_id in = buffer_of_port(p, PB_INPUT, i), out = buffer_of_port(p, PB_OUTPUT, o);
            if (in != UINT32_MAX && out != UINT32_MAX && in_place_hurts(p, in, out)) redirect(p, out);
        }
    }
}
