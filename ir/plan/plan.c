/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Plans: text for reports, what must hold of them, and running one with the kernel interpreter.
 *
 * What must hold: every step's buffers and kernel exist and agree in number, dtype and rank; nothing writes an input or
 * a constant; a choice has at most four alternatives, the last without a condition; buffers that share an arena slot
 * are never needed at the same step, all steps of a loop counting as one for what outlives a turn. */
#include "ir/plan/plan.h"

#include "ir/graph/graph_text.h"

#include <string.h>

#include "ir/eval/eval.h"

enum { MAX_ALTS = 4 };

dim plan_arena_bytes(plan *p) {
    dim total = dim_const(p->iface->dims, 0);
    for (uint32_t i = 0; i < p->slots.n; i++) total = dim_add(p->iface->dims, total, p->slots.at[i]);
    return total;
}

bool plan_calls_openblas(const plan *p) {
    for (uint32_t i = 0; i < p->kernels.n; i++)
        if (p->kernels.at[i]->gemm) return true;
    return false;
}

/* --- text --- */

static void line(strbuf *b, int indent) {
    for (int i = 0; i < indent; i++) strbuf_add(b, "  ");
}

static const char *buffer_name(const plan *p, pbuf_id id, arena *a) {
    const char *name = p->bufs.at[id].name;
    return name && *name ? name : arena_printf(a, "b%u", id);
}

static void print_buffer(strbuf *b, const plan *p, pbuf_id id) {
    static const char *const kinds[] = {
        [PB_INPUT] = "input", [PB_OUTPUT] = "output", [PB_CONST] = "const", [PB_ARENA] = "slot"};
    const pbuf *buf = &p->bufs.at[id];
    strbuf_printf(b, "  %s %u %s: %s[", kinds[buf->kind], buf->index, buffer_name(p, id, b->a), dtype_name(buf->dt));
    for (uint32_t i = 0; i < buf->rank; i++) {
        if (i) strbuf_add(b, ", ");
        dim_print(b, p->iface->dims, buf->shape[i]);
    }
    strbuf_add(b, "]\n");
}

static void print_steps(strbuf *b, const plan *p, const pstep_list *l, int indent);

static void print_block(strbuf *b, const plan *p, const pstep_list *l, int indent) {
    strbuf_add(b, " {\n");
    print_steps(b, p, l, indent + 1);
    line(b, indent);
    strbuf_addc(b, '}');
}

static void print_args(strbuf *b, const plan *p, const pstep *s) {
    const kernel *k = s->kind == PS_LAUNCH ? p->kernels.at[s->kernel] : NULL;
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (i) strbuf_add(b, ", ");
        if (k && k->bufs.at[i].is_written) strbuf_add(b, "out ");
        strbuf_add(b, s->args[i] < p->bufs.n ? buffer_name(p, s->args[i], b->a) : "none");
    }
}

/* " gemm M x N x K x(0 by K) w'(0 by K) y(0 by N) batch B(M*K, 0, M*N)": offset and leading dimension of each matrix,
 * ' for a turned one; extent and steps of each axis of the batch. */
static void print_gemm(strbuf *b, const plan *p, const kernel *k) {
    dim_table *t = p->iface->dims;
    const kgemm *g = k->gemm;
    arena *a = b->a;
    strbuf_printf(b, " gemm %s x %s x %s", dim_text(a, t, g->m), dim_text(a, t, g->n), dim_text(a, t, g->k));
    for (uint32_t i = 0; i < N_GEMM_MATRICES; i++)
        strbuf_printf(b, " %s%s(%s by %s)", k->bufs.at[g->of[i].buf].name, g->of[i].is_turned ? "'" : "",
                      dim_text(a, t, g->of[i].offset), dim_text(a, t, g->of[i].ld));
    for (uint32_t i = 0; i < g->n_batch; i++) {
        strbuf_printf(b, " batch %s(", dim_text(a, t, g->batch[i]));
        for (uint32_t j = 0; j < N_GEMM_MATRICES; j++)
            strbuf_printf(b, "%s%s", j ? ", " : "", dim_text(a, t, g->of[j].step[i]));
        strbuf_addc(b, ')');
    }
}

static void print_choice(strbuf *b, const plan *p, const pstep *s, int indent) {
    for (uint32_t i = 0; i < s->n_alts; i++) {
        bool has_condition = s->alts[i].lhs != DIM_BAD;
        strbuf_add(b, !i ? "" : has_condition ? " else " : " else");
        if (has_condition) {
            strbuf_add(b, "if ");
            dim_print(b, p->iface->dims, s->alts[i].lhs);
            strbuf_add(b, " <= ");
            dim_print(b, p->iface->dims, s->alts[i].rhs);
        }
        print_block(b, p, &s->alts[i].body, indent);
    }
}

static void print_loop(strbuf *b, const plan *p, const pstep *s) {
    dim_table *t = p->iface->dims;
    strbuf_printf(b, "loop %s", dim_sym_info(t, s->turn)->name);
    if (s->trips != DIM_BAD) strbuf_printf(b, " < %s", dim_text(b->a, t, s->trips));
    if (s->args[0] != UINT32_MAX) strbuf_printf(b, " < %s", buffer_name(p, s->args[0], b->a));
    if (s->args[1] != UINT32_MAX) strbuf_printf(b, " while %s", buffer_name(p, s->args[1], b->a));
    if (s->result != SYM_NONE) strbuf_printf(b, " counts %s", dim_sym_info(t, s->result)->name);
}

static void print_contract(strbuf *b, const plan *p, const contract *k) {
    strbuf_printf(b, "require %s", dim_text(b->a, p->iface->dims, k->lhs));
    strbuf_printf(b, " %s %s", contract_signs[k->kind], dim_text(b->a, p->iface->dims, k->rhs));
}

static void print_step(strbuf *b, const plan *p, const pstep *s, int indent) {
    line(b, indent);
    switch (s->kind) {
    case PS_LAUNCH:
        strbuf_printf(b, "%s(", p->kernels.at[s->kernel]->name);
        print_args(b, p, s);
        strbuf_addc(b, ')');
        if (p->kernels.at[s->kernel]->gemm) print_gemm(b, p, p->kernels.at[s->kernel]);
        break;
    case PS_COPY:
        strbuf_add(b, "copy(");
        print_args(b, p, s);
        strbuf_addc(b, ')');
        break;
    case PS_CHOICE:
        print_choice(b, p, s, indent);
        break;
    case PS_IF:
        strbuf_add(b, "if ");
        print_args(b, p, s);
        print_block(b, p, &s->body[0], indent);
        strbuf_add(b, " else");
        print_block(b, p, &s->body[1], indent);
        break;
    case PS_LOOP:
        print_loop(b, p, s);
        print_block(b, p, &s->body[0], indent);
        break;
    case PS_RESULT:
        strbuf_printf(b, "%s := ", dim_sym_info(p->iface->dims, s->result)->name);
        if (s->n_args == 0) dim_print(b, p->iface->dims, s->trips);
        print_args(b, p, s);
        break;
    case PS_REQUIRE:
        print_contract(b, p, &p->demands.at[s->contract]);
        break;
    }
    if (s->kind == PS_LAUNCH) strbuf_printf(b, "    -- %s", p->kernels.at[s->kernel]->title);
    strbuf_addc(b, '\n');
}

static void print_steps(strbuf *b, const plan *p, const pstep_list *l, int indent) {
    for (uint32_t i = 0; i < l->n; i++) print_step(b, p, &l->at[i], indent);
}

void plan_print(strbuf *b, const plan *p) {
    dim_table *t = p->iface->dims;
    strbuf_printf(b, "plan @%s {\n", p->iface->name);
    for (pbuf_id i = 0; i < p->bufs.n; i++) print_buffer(b, p, i);
    for (uint32_t i = 0; i < p->slots.n; i++)
        strbuf_printf(b, "  slot %u bytes %s\n", i, dim_text(b->a, t, p->slots.at[i]));
    strbuf_printf(b, "  arena bytes %s\n", dim_text(b->a, t, plan_arena_bytes((plan *)p)));
    strbuf_printf(b, "  scratch bytes %s\n", dim_text(b->a, t, p->scratch));
    if (p->n_copies) strbuf_printf(b, "  copies %u\n", p->n_copies);
    print_steps(b, p, &p->steps, 1);
    strbuf_add(b, "}\n");
}

/* --- checks --- */

static frit_status verify_list(cx *c, const plan *p, const pstep_list *l);

static frit_status verify_args(cx *c, const plan *p, const pstep *s) {
    for (uint32_t i = 0; i < s->n_args; i++) {
        bool may_lack = s->kind == PS_LOOP && s->args[i] == UINT32_MAX;
        if (s->args[i] >= p->bufs.n && !may_lack)
            return FAIL(c, INTERNAL, s->loc, "plan: a step uses buffer %u of %u", s->args[i], p->bufs.n);
    }
    return FRIT_OK;
}

static frit_status verify_written(cx *c, const plan *p, const pstep *s, pbuf_id id) {
    pbuf_kind kind = p->bufs.at[id].kind;
    if (kind == PB_INPUT || kind == PB_CONST)
        return FAIL(c, INTERNAL, s->loc, "plan: a step writes %s", buffer_name(p, id, c->scratch));
    return FRIT_OK;
}

static frit_status verify_launch(cx *c, const plan *p, const pstep *s) {
    if (s->kernel >= p->kernels.n) return FAIL(c, INTERNAL, s->loc, "plan: kernel %u does not exist", s->kernel);
    const kernel *k = p->kernels.at[s->kernel];
    if (s->n_args != k->n_params)
        return FAIL(c, INTERNAL, k->name, "plan: %u buffers for %u parameters", s->n_args, k->n_params);
    for (uint32_t i = 0; i < s->n_args; i++) {
        const pbuf *b = &p->bufs.at[s->args[i]];
        if (b->dt != k->bufs.at[i].dt)
            return FAIL(c, INTERNAL, k->name, "plan: parameter %s is %s, its buffer %s", k->bufs.at[i].name,
                        dtype_name(k->bufs.at[i].dt), dtype_name(b->dt));
        if (k->bufs.at[i].is_written) TRY(verify_written(c, p, s, s->args[i]));
    }
    return FRIT_OK;
}

static frit_status verify_choice(cx *c, const plan *p, const pstep *s) {
    if (s->n_alts < 1 || s->n_alts > MAX_ALTS) return FAIL(c, INTERNAL, s->loc, "plan: %u alternatives", s->n_alts);
    if (s->alts[s->n_alts - 1].lhs != DIM_BAD)
        return FAIL(c, INTERNAL, s->loc, "plan: the last alternative has a condition");
    for (uint32_t i = 0; i < s->n_alts; i++) TRY(verify_list(c, p, &s->alts[i].body));
    return FRIT_OK;
}

static bool is_symbol(const plan *p, sym_id s, sym_kind kind) {
    return s < dim_n_syms(p->iface->dims) && dim_sym_info(p->iface->dims, s)->kind == kind;
}

static bool is_count(const plan *p, const pstep *s) {
    return s->n_args == 0 ? s->trips != DIM_BAD : s->n_args == 1 && p->bufs.at[s->args[0]].dt == FRIT_DT_I64;
}

static frit_status verify_step(cx *c, const plan *p, const pstep *s) {
    TRY(verify_args(c, p, s));
    switch (s->kind) {
    case PS_LAUNCH:
        return verify_launch(c, p, s);
    case PS_COPY:
        if (s->n_args != 2) return FAIL(c, INTERNAL, s->loc, "plan: a copy of %u buffers", s->n_args);
        return verify_written(c, p, s, s->args[1]);
    case PS_CHOICE:
        return verify_choice(c, p, s);
    case PS_IF:
        if (s->n_args != 1) return FAIL(c, INTERNAL, s->loc, "plan: a branch on %u buffers", s->n_args);
        TRY(verify_list(c, p, &s->body[0]));
        return verify_list(c, p, &s->body[1]);
    case PS_LOOP:
        if (s->n_args != 2) return FAIL(c, INTERNAL, s->loc, "plan: a loop over %u buffers", s->n_args);
        if (!is_symbol(p, s->turn, SYM_TURN) || (s->result != SYM_NONE && !is_symbol(p, s->result, SYM_RESULT)))
            return FAIL(c, INTERNAL, s->loc, "plan: a loop without a symbol for its turns");
        return verify_list(c, p, &s->body[0]);
    case PS_RESULT:
        if (!is_symbol(p, s->result, SYM_RESULT) || !is_count(p, s))
            return FAIL(c, INTERNAL, s->loc, "plan: a step that counts nothing");
        return FRIT_OK;
    case PS_REQUIRE:
        if (s->n_args || s->contract >= p->demands.n) return FAIL(c, INTERNAL, s->loc, "plan: a check of nothing");
        return FRIT_OK;
    }
    return FRIT_OK;
}

static frit_status verify_list(cx *c, const plan *p, const pstep_list *l) {
    for (uint32_t i = 0; i < l->n; i++) TRY(verify_step(c, p, &l->at[i]));
    return FRIT_OK;
}

static frit_status verify_slots(cx *c, const plan *p) {
    for (pbuf_id i = 0; i < p->bufs.n; i++) {
        const pbuf *b = &p->bufs.at[i];
        if (b->kind != PB_ARENA) continue;
        if (b->first == UINT32_MAX)
            return FAIL(c, INTERNAL, NULL, "plan: %s is used by no step", buffer_name(p, i, c->scratch));
        if (b->index >= p->slots.n) return FAIL(c, INTERNAL, NULL, "plan: slot %u does not exist", b->index);
        for (pbuf_id j = 0; j < i; j++) {
            const pbuf *o = &p->bufs.at[j];
            bool shares = o->kind == PB_ARENA && o->index == b->index;
            if (shares && o->first <= b->last && b->first <= o->last)
                return FAIL(c, INTERNAL, NULL, "plan: %s and %s share slot %u at the same time",
                            buffer_name(p, i, c->scratch), buffer_name(p, j, c->scratch), b->index);
        }
    }
    return FRIT_OK;
}

frit_status plan_verify(cx *c, const plan *p) {
    for (uint32_t i = 0; i < p->kernels.n; i++) TRY(kernel_verify(c, p->kernels.at[i]));
    TRY(verify_list(c, p, &p->steps));
    return verify_slots(c, p);
}

/* --- running --- */

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
    int64_t trips = INT64_MAX, limit = INT64_MAX, turn = 0;
    if (s->trips != DIM_BAD) TRY(dim_eval(r->c, t, s->trips, r->syms, &trips));
    if (s->args[0] != UINT32_MAX) {
        int64_t n;
        memcpy(&n, r->memory[s->args[0]], sizeof n);
        if (n < trips) trips = n;
    }
    if (s->result != SYM_NONE) TRY(dim_eval(r->c, t, dim_sym_info(t, s->result)->extent, r->syms, &limit));
    for (; turn < trips; turn++) {
        if (s->args[1] != UINT32_MAX && !*(const uint8_t *)r->memory[s->args[1]]) break;
        if (turn + 1 >= limit) return FAIL(r->c, RANGE, s->loc, "more than %lld turns of a loop", (long long)limit - 1);
        r->syms[s->turn] = turn;
        TRY(cx_poll(r->c));
        TRY(run_list(r, &s->body[0]));
    }
    return s->result == SYM_NONE ? FRIT_OK : set_result(r, s->result, turn, s->loc);
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
        if (info->kind == SYM_TURN) r->syms[s] = 0;
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

uint32_t *plan_number_syms(arena *a, dim_table *t, uint32_t *out_n) {
    uint32_t n = dim_n_syms(t), next = 0;
    uint32_t *numbers = ARENA_ARRAY(a, uint32_t, n + 1);
    for (sym_id s = 0; s < n; s++) {
        sym_kind kind = dim_sym_info(t, s)->kind;
        numbers[s] = kind == SYM_AXIS || kind == SYM_LOADED ? UINT32_MAX : next++;
    }
    if (out_n) *out_n = next;
    return numbers;
}
