/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running a plan on concrete inputs, kernels by the kernel interpreter or by the caller: the oracle of lowering. */
#include <string.h>

#include "ir/eval/eval.h"
#include "ir/plan/plan.h"

typedef struct plan_run {
    cx *c;
    const plan_call *call; /* its syms are this run's own */
    const plan *p;
    int64_t *syms;
    void **memory; /* by buffer */
    arena *a;      /* emptied after each kernel */
} plan_run;

static frit_status run_list(plan_run *r, const pstep_list *l);

static frit_status run_launch(plan_run *r, const pstep *s) {
    const kernel *k = r->p->kernels.at[s->kernel];
    void **buffers = ARENA_ARRAY(r->a, void *, k->n_params + 1);
    for (uint32_t i = 0; i < k->n_params; i++) buffers[i] = r->memory[s->args[i]];
    if (r->call->launch) return r->call->launch(r->c, r->call, s->kernel, buffers);
    kernel_run run = {.k = k, .buffers = buffers, .syms = r->syms, .a = r->a, .checked = true};
    return kernel_run_tree(r->c, &run);
}

static frit_status run_choice(plan_run *r, const pstep *s) {
    for (uint32_t i = 0; i < s->n_alts; i++) {
        int64_t lhs = 0, rhs = 0;
        if (s->alts[i].lhs != DIM_BAD) {
            TRY(dim_eval(r->c, r->p->iface->dims, s->alts[i].lhs, r->syms, &lhs));
            TRY(dim_eval(r->c, r->p->iface->dims, s->alts[i].rhs, r->syms, &rhs));
        }
        if (lhs <= rhs) return run_list(r, &s->alts[i].body);
    }
    return FRIT_OK;
}

/* A symbol that the program counts gets its value. */
static frit_status set_result(plan_run *r, sym_id s, int64_t n, const char *loc) {
    const graph *g = r->p->iface;
    int64_t end;
    TRY(dim_eval(r->c, g->dims, dim_sym_info(g->dims, s)->extent, r->syms, &end));
    if (n < 0 || n >= end)
        return FAIL(r->c, RANGE, loc, "%s = %lld is more than %lld", dim_sym_info(g->dims, s)->name, (long long)n,
                    (long long)end - 1);
    r->syms[s] = n;
    return FRIT_OK;
}

static frit_status run_result(plan_run *r, const pstep *s) {
    int64_t n;
    if (s->n_args == 0)
        TRY(dim_eval(r->c, r->p->iface->dims, s->trips, r->syms, &n));
    else
        memcpy(&n, r->memory[s->args[0]], sizeof n);
    return set_result(r, s->result, n, s->loc);
}

static frit_status run_loop(plan_run *r, const pstep *s) {
    dim_table *t = r->p->iface->dims;
    int64_t trips = INT64_MAX, limit = INT64_MAX, i = 0;
    if (s->trips != DIM_BAD) TRY(dim_eval(r->c, t, s->trips, r->syms, &trips));
    if (s->args[0] != UINT32_MAX) {
        int64_t n;
        memcpy(&n, r->memory[s->args[0]], sizeof n);
        if (n < trips) trips = n;
    }
    if (s->result != SYM_NONE) TRY(dim_eval(r->c, t, dim_sym_info(t, s->result)->extent, r->syms, &limit));
    for (; i < trips; i++) {
        if (s->args[1] != UINT32_MAX && !*(const uint8_t *)r->memory[s->args[1]]) break;
        if (i + 1 >= limit)
            return FAIL(r->c, RANGE, s->loc, "more than %lld iterations of a loop", (long long)limit - 1);
        r->syms[s->iteration] = i;
        TRY(cx_poll(r->c));
        TRY(run_list(r, &s->body[0]));
    }
    return s->result == SYM_NONE ? FRIT_OK : set_result(r, s->result, i, s->loc);
}

static frit_status run_copy(plan_run *r, const pstep *s) {
    int64_t bytes;
    TRY(dim_eval(r->c, r->p->iface->dims, r->p->bufs.at[s->args[0]].bytes, r->syms, &bytes));
    memmove(r->memory[s->args[1]], r->memory[s->args[0]], (size_t)bytes);
    return FRIT_OK;
}

static frit_status run_step(plan_run *r, const pstep *s) {
    switch (s->kind) {
    case PS_LAUNCH: {
        arena_mark mark = arena_save(r->a);
        frit_status status = run_launch(r, s);
        arena_release(r->a, mark);
        return status;
    }
    case PS_COPY:
        return run_copy(r, s);
    case PS_CHOICE:
        return run_choice(r, s);
    case PS_IF:
        return run_list(r, &s->body[*(const uint8_t *)r->memory[s->args[0]] ? 0 : 1]);
    case PS_LOOP:
        return run_loop(r, s);
    case PS_RESULT:
        return run_result(r, s);
    case PS_REQUIRE:
        return contract_check(r->c, r->p->iface->dims, &r->p->demands.at[s->contract], r->syms);
    }
    return FRIT_OK;
}

static frit_status run_list(plan_run *r, const pstep_list *l) {
    for (uint32_t i = 0; i < l->n; i++) TRY(run_step(r, &l->at[i]));
    return FRIT_OK;
}

/* Memory of every buffer: slots are shared as the plan says, so that a wrong life shows. */
static frit_status give_memory(plan_run *r, arena *a) {
    const plan *p = r->p;
    uint8_t **slots = ARENA_ARRAY(a, uint8_t *, p->slots.n + 1);
    for (uint32_t i = 0; i < p->slots.n; i++) {
        int64_t bytes;
        TRY(dim_eval(r->c, p->iface->dims, p->slots.at[i], r->syms, &bytes));
        slots[i] = arena_alloc_aligned(a, (size_t)bytes + 64, 64);
    }
    for (pbuf_id i = 0; i < p->bufs.n; i++) {
        const pbuf *b = &p->bufs.at[i];
        if (b->kind == PB_INPUT) r->memory[i] = (void *)(uintptr_t)r->call->inputs[b->index];
        if (b->kind == PB_OUTPUT) r->memory[i] = r->call->outputs[b->index];
        if (b->kind == PB_ARENA) r->memory[i] = slots[b->index];
        if (b->kind != PB_CONST) continue;
        tensor t;
        TRY(eval_const(r->c, a, b->data, &t));
        r->memory[i] = t.data;
    }
    return FRIT_OK;
}

static frit_status check_contracts(cx *c, const plan_call *call) {
    const graph *g = call->p->iface;
    for (uint32_t i = 0; i < g->contracts.n; i++) {
        const contract *k = &g->contracts.at[i];
        if (k->region == 0 && !contract_is_counted(g, k)) TRY(contract_check(c, g->dims, k, call->syms));
    }
    return FRIT_OK;
}

/* The run's own symbols: those that it counts have their greatest values until then. */
static frit_status own_symbols(plan_run *r, arena *a) {
    dim_table *t = r->p->iface->dims;
    uint32_t n = dim_n_syms(t);
    r->syms = ARENA_ARRAY(a, int64_t, n + 1);
    memcpy(r->syms, r->call->syms, n * sizeof *r->syms);
    for (sym_id s = 0; s < n; s++) {
        const sym_info *info = dim_sym_info(t, s);
        if (info->kind == SYM_ITERATION) r->syms[s] = 0;
        if (info->kind != SYM_RESULT) continue;
        TRY(dim_eval(r->c, t, info->extent, r->syms, &r->syms[s]));
        r->syms[s]--;
    }
    return FRIT_OK;
}

frit_status plan_run_by(cx *c, const plan_call *call) {
    arena memory, work;
    TRY(check_contracts(c, call));
    arena_init(&memory);
    arena_init(&work);
    plan_call own = *call;
    plan_run r = {.c = c, .call = &own, .p = call->p, .a = &work};
    r.memory = ARENA_ARRAY(&memory, void *, call->p->bufs.n + 1);
    frit_status status = own_symbols(&r, &memory);
    own.syms = r.syms;
    if (status == FRIT_OK) status = give_memory(&r, &memory);
    if (status == FRIT_OK) status = run_list(&r, &call->p->steps);
    uint32_t n_syms = dim_n_syms(call->p->iface->dims);
    if (status == FRIT_OK && call->end_syms) memcpy(call->end_syms, r.syms, n_syms * sizeof *r.syms);
    arena_fini(&memory);
    arena_fini(&work);
    return status;
}

frit_status plan_interpret(cx *c, const plan *p, const void *const *inputs, const int64_t *syms, void *const *outputs) {
    return plan_run_by(c, &(plan_call){.p = p, .inputs = inputs, .syms = syms, .outputs = outputs});
}
