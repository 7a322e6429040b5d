/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The report for a terminal: a paragraph for each kernel, then the boundaries, memory and the sums. */
#include <math.h>

#include "driver/info.h"
#include "driver/model_dims.h"
#include "driver/report.h"

static void print_ports(strbuf *b, const report *r, const char *kind, uint32_t n, const port *ports) {
    for (uint32_t i = 0; i < n; i++) {
        const port *p = &ports[i];
        pbuf typed = {.dt = p->type.dt, .rank = p->type.rank, .shape = p->type.shape};
        strbuf_printf(b, "  %s %s: %s%s\n", kind, p->name, report_shape(r, &typed),
                      p->is_host ? ", read on the host" : "");
    }
}

static void print_interface(strbuf *b, const report *r) {
    const compiled *m = r->m;
    const graph *g = r->p->iface;
    strbuf_printf(b, "%s: model %s for %s: %u nodes as read, %u after the passes, %u kernels\n", r->head.file, g->name,
                  m->target.kind == TARGET_CUDA ? m->target.arch : m->target.cpu, m->model->nodes.n, m->core->nodes.n,
                  r->p->kernels.n);
    strbuf_printf(b, "  by frit %s on %s%s%s\n", FRIT_VERSION, info_machine(b->a), *r->head.flags ? ", with " : "",
                  r->head.flags);
    print_ports(b, r, "input", g->inputs.n, g->inputs.at);
    print_ports(b, r, "output", g->outputs.n, g->outputs.at);
    for (uint32_t s = 0; s < dim_n_syms(g->dims); s++) {
        const sym_info *info = dim_sym_info(g->dims, s);
        if (model_dims_is_told(g, s)) strbuf_printf(b, "  %s\n", model_dims_figures(b->a, info, r->values[s]));
    }
}

/* "FLOPs: 3.1 k = 3077*batch" */
static void print_amount(strbuf *b, const report *r, const char *label, const char *figure, dim d) {
    strbuf_printf(b, "     %s: %s", label, figure);
    if (d != DIM_BAD && !dim_is_const(r->p->iface->dims, d, NULL)) {
        strbuf_add(b, " = ");
        dim_print(b, r->p->iface->dims, d);
    }
    strbuf_addc(b, '\n');
}

static void print_tensors(strbuf *b, const report *r, const pstep *s, bool written) {
    strbuf_add(b, written ? "     writes" : "     reads");
    const char *before = " ";
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (report_writes(r, s, i) != written) continue;
        const pbuf *buf = &r->p->bufs.at[s->args[i]];
        strbuf_printf(b, "%s%s%s %s", before, buf->kind == PB_CONST ? "weights " : "",
                      report_buffer_name(r, s->args[i]), report_shape(r, buf));
        before = ", ";
    }
    strbuf_addc(b, '\n');
}

static void print_kernel(strbuf *b, const report *r, uint32_t i) {
    const report_kernel *k = &r->kernels[i];
    strbuf_printf(b, "\n%3u  %s: %s\n", i + 1, k->k->name, k->k->title ? k->k->title : "");
    const char *nodes = report_nodes(r, k->holds);
    if (*nodes) strbuf_printf(b, "     holds %s\n", nodes);
    if (k->n_launches) {
        print_tensors(b, r, r->steps.at[k->first_step], false);
        print_tensors(b, r, r->steps.at[k->first_step], true);
    }
    print_amount(b, r, "FLOPs", report_count(r->a, k->flops), k->k->flops);
    print_amount(b, r, "bytes", report_bytes(r->a, k->bytes), k->k->bytes);
    print_amount(b, r, "of these written", report_bytes(r->a, k->written), k->k->written);
    if (!isnan(k->ms))
        strbuf_printf(b, "     predicted: %.3g ms, bound by %s", k->ms, k->is_memory_bound ? "memory" : "arithmetic");
    if (k->n_launches && r->times[k->first_step] > 1) strbuf_printf(b, " x %u", r->times[k->first_step]);
    if (k->n_launches != 1) strbuf_printf(b, "; %u launches", k->n_launches);
    if (k->k->gemm)
        strbuf_add(b, "; computed by OpenBLAS\n");
    else
        strbuf_printf(b, "; %u phase%s\n", k->k->phases.n, k->k->phases.n == 1 ? "" : "s");
}

/* Where equal layers begin: "kernels 2 to 8, 12 times over (to 85)". */
static void print_fold(strbuf *b, const report *r, uint32_t index) {
    const report_kernel *k = &r->kernels[index];
    for (uint32_t i = 0; k->n_launches && i < r->folds.n; i++) {
        const report_fold *f = &r->folds.at[i];
        if (f->first != k->first_step) continue;
        strbuf_printf(b, "\n%u equal layers of %u kernel%s: the first one stands for all\n", f->n_times, f->n_steps,
                      f->n_steps == 1 ? "" : "s");
    }
}

static void print_memory(strbuf *b, const report *r) {
    dim_table *t = r->p->iface->dims;
    strbuf_printf(b, "\nmemory\n  weights: %.0f bytes\n  between kernels: %.0f bytes", r->weights_bytes,
                  r->arena_bytes);
    dim arena_dim = plan_arena_bytes(r->p);
    if (!dim_is_const(t, arena_dim, NULL)) strbuf_printf(b, " = %s", dim_text(b->a, t, arena_dim));
    strbuf_printf(b, "; at most %.0f in use at a time\n", r->live_bytes);
    for (uint32_t i = 0; i < r->p->slots.n; i++) {
        strbuf_printf(b, "    slot %u, %.0f bytes:", i, r->slot_bytes[i]);
        const char *before = " ";
        for (pbuf_id v = 0; v < r->p->bufs.n; v++) {
            const pbuf *buf = &r->p->bufs.at[v];
            if (buf->kind != PB_ARENA || buf->index != i || buf->first == UINT32_MAX) continue;
            strbuf_printf(b, "%s%s (steps %u to %u)", before, report_buffer_name(r, v), buf->first + 1, buf->last + 1);
            before = ", ";
        }
        strbuf_addc(b, '\n');
    }
    strbuf_printf(b, "  scratch of each thread: %.0f bytes", r->scratch_bytes);
    if (!dim_is_const(t, r->p->scratch, NULL)) strbuf_printf(b, " = %s", dim_text(b->a, t, r->p->scratch));
    strbuf_printf(b, "\n  copies that could not be avoided: %u\n", r->p->n_copies);
}

static void print_totals(strbuf *b, const report *r) {
    const report_total *all = &r->total;
    strbuf_printf(b, "\nin all: %u launches", all->n_launches);
    if (all->n_copies) strbuf_printf(b, ", %u copies", all->n_copies);
    strbuf_printf(b, ", %s FLOPs, predicted %.3g ms (%s)\n", report_count(r->a, all->flops), all->ms, info_basis(r->a));
    strbuf_printf(b, "  bytes read: %.0f, written: %.0f, together %.0f\n", all->bytes - all->written, all->written,
                  all->bytes);
    strbuf_printf(b, "  inputs, outputs and weights once: %.0f; the plan moves %.3g times that\n", r->ideal.floor,
                  all->bytes / r->ideal.floor);
    if (r->ideal.n_products)
        strbuf_printf(b,
                      "  weights, operands and results of the %u products once, and residuals: %.0f; the plan moves "
                      "%.3g times that\n",
                      r->ideal.n_products, r->ideal.products, all->bytes / r->ideal.products);
}

void report_print_text(strbuf *b, const report *r) {
    print_interface(b, r);
    for (uint32_t i = 0; i < r->p->kernels.n; i++) {
        if (!report_is_drawn(r, &r->kernels[i])) continue;
        print_fold(b, r, i);
        print_kernel(b, r, i);
    }
    if (r->p->stops.n) strbuf_add(b, "\nwhy fusion stopped\n");
    for (uint32_t i = 0; i < r->p->stops.n; i++)
        if (report_is_drawn(r, &r->kernels[r->p->stops.at[i].reader]))
            strbuf_printf(b, "  %s\n", report_stop(r, &r->p->stops.at[i]));
    print_memory(b, r);
    print_totals(b, r);
}
