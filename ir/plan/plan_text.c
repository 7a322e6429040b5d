/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Plans as text, for reports and goldens. */
#include "ir/graph/graph_text.h"
#include "ir/plan/plan.h"

static void line(strbuf *b, int indent) {
    for (int i = 0; i < indent; i++) strbuf_add(b, "  ");
}

const char *plan_buffer_name(const plan *p, pbuf_id id, arena *a) {
    const char *name = p->bufs.at[id].name;
    return name && *name ? name : arena_printf(a, "b%u", id);
}

static void print_buffer(strbuf *b, const plan *p, pbuf_id id) {
    static const char *const kinds[] = {
        [PB_INPUT] = "input", [PB_OUTPUT] = "output", [PB_CONST] = "const", [PB_ARENA] = "slot"};
    const pbuf *buf = &p->bufs.at[id];
    strbuf_printf(b, "  %s %u %s: %s[", kinds[buf->kind], buf->index, plan_buffer_name(p, id, b->a),
                  dtype_name(buf->dt));
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
        strbuf_add(b, s->args[i] < p->bufs.n ? plan_buffer_name(p, s->args[i], b->a) : "none");
    }
}

/* " gemm M x N x K x(0 by K) w'(0 by K) y(0 by N) batch B(M*K, 0, M*N)": offset and leading dimension of each matrix,
 * ' for a transposed one; extent and steps of each axis of the batch. */
static void print_gemm(strbuf *b, const plan *p, const kernel *k) {
    dim_table *t = p->iface->dims;
    const kgemm *g = k->gemm;
    arena *a = b->a;
    strbuf_printf(b, " gemm %s x %s x %s", dim_text(a, t, g->m), dim_text(a, t, g->n), dim_text(a, t, g->k));
    for (uint32_t i = 0; i < N_GEMM_MATRICES; i++)
        strbuf_printf(b, " %s%s(%s by %s)", k->bufs.at[g->of[i].buf].name, g->of[i].is_transposed ? "'" : "",
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
    strbuf_printf(b, "loop %s", dim_sym_info(t, s->iteration)->name);
    if (s->trips != DIM_BAD) strbuf_printf(b, " < %s", dim_text(b->a, t, s->trips));
    if (s->args[0] != UINT32_MAX) strbuf_printf(b, " < %s", plan_buffer_name(p, s->args[0], b->a));
    if (s->args[1] != UINT32_MAX) strbuf_printf(b, " while %s", plan_buffer_name(p, s->args[1], b->a));
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
