/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What must hold of a plan: every step's buffers and kernel exist and agree in number, dtype and rank; nothing writes
 * an input or a constant; a choice has at most four alternatives, the last without a condition; buffers that share an
 * arena slot are never needed at the same step, all steps of a loop counting as one for what outlives an iteration. */
#include "ir/plan/plan.h"

enum { MAX_ALTS = 4 };

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
        return FAIL(c, INTERNAL, s->loc, "plan: a step writes %s", plan_buffer_name(p, id, c->scratch));
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
        if (!is_symbol(p, s->iteration, SYM_ITERATION) ||
            (s->result != SYM_NONE && !is_symbol(p, s->result, SYM_RESULT)))
            return FAIL(c, INTERNAL, s->loc, "plan: a loop without a symbol for its iterations");
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
            return FAIL(c, INTERNAL, NULL, "plan: %s is used by no step", plan_buffer_name(p, i, c->scratch));
        if (b->index >= p->slots.n) return FAIL(c, INTERNAL, NULL, "plan: slot %u does not exist", b->index);
        for (pbuf_id j = 0; j < i; j++) {
            const pbuf *o = &p->bufs.at[j];
            bool shares = o->kind == PB_ARENA && o->index == b->index;
            if (shares && o->first <= b->last && b->first <= o->last)
                return FAIL(c, INTERNAL, NULL, "plan: %s and %s share slot %u at the same time",
                            plan_buffer_name(p, i, c->scratch), plan_buffer_name(p, j, c->scratch), b->index);
        }
    }
    return FRIT_OK;
}

frit_status plan_verify(cx *c, const plan *p) {
    for (uint32_t i = 0; i < p->kernels.n; i++) TRY(kernel_verify(c, p->kernels.at[i]));
    TRY(verify_list(c, p, &p->steps));
    return verify_slots(c, p);
}
