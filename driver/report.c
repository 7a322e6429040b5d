/* The report of --report: for people who want to know what became of their model. */
#include <stdio.h>

#include "driver/cli.h"

static void print_dim_line(strbuf *b, const compiled *m, const char *label, dim d) {
    if (d == DIM_BAD) return;
    strbuf_printf(b, "%s", label);
    dim_print(b, m->plan->iface->dims, d);
    strbuf_addc(b, '\n');
}

static void print_port(strbuf *b, const compiled *m, const char *kind, const port *p) {
    strbuf_printf(b, "  %s %s: %s[", kind, p->name, dtype_name(p->type.dt));
    for (uint32_t i = 0; i < p->type.rank; i++) {
        if (i) strbuf_add(b, ", ");
        dim_print(b, m->plan->iface->dims, p->type.shape[i]);
    }
    strbuf_add(b, p->is_host ? "], read on the host\n" : "]\n");
}

static void print_interface(strbuf *b, const compiled *m) {
    const graph *g = m->plan->iface;
    strbuf_printf(b, "model %s for %s: %u nodes as read, %u after the passes, %u kernels\n", g->name,
                  m->target.kind == TARGET_CUDA ? m->target.arch : m->target.cpu, m->model->nodes.n, m->core->nodes.n,
                  m->plan->kernels.n);
    for (uint32_t i = 0; i < g->inputs.n; i++) print_port(b, m, "input", &g->inputs.at[i]);
    for (uint32_t i = 0; i < g->outputs.n; i++) print_port(b, m, "output", &g->outputs.at[i]);
    for (uint32_t s = 0; s < dim_n_syms(g->dims); s++) {
        const sym_info *info = dim_sym_info(g->dims, s);
        if (info->kind == SYM_AXIS || info->kind == SYM_LOADED) continue;
        strbuf_printf(b, "  %s in %lld..%lld", info->name, (long long)info->lo, (long long)info->hi);
        strbuf_printf(b, info->hint ? ", tuned for %lld\n" : "\n", (long long)info->hint);
    }
}

static void print_kernel(strbuf *b, const compiled *m, uint32_t i) {
    const kernel *k = m->plan->kernels.at[i];
    strbuf_printf(b, "\n%3u  %s: %s\n", i + 1, k->name, k->title ? k->title : "");
    strbuf_printf(b, "     reads");
    for (uint32_t p = 0; p < k->n_params; p++)
        if (!k->bufs.at[p].is_written) strbuf_printf(b, " %s", k->bufs.at[p].name);
    strbuf_printf(b, "; writes");
    for (uint32_t p = 0; p < k->n_params; p++)
        if (k->bufs.at[p].is_written) strbuf_printf(b, " %s", k->bufs.at[p].name);
    strbuf_printf(b, "; %u phase%s\n", k->phases.n, k->phases.n == 1 ? "" : "s");
    print_dim_line(b, m, "     FLOPs: ", k->flops);
    print_dim_line(b, m, "     bytes: ", k->bytes);
}

void report_print(strbuf *b, const compiled *m) {
    print_interface(b, m);
    for (uint32_t i = 0; i < m->plan->kernels.n; i++) print_kernel(b, m, i);
    if (m->plan->notes.n) strbuf_add(b, "\nwhy fusion stopped:\n");
    for (uint32_t i = 0; i < m->plan->notes.n; i++) strbuf_printf(b, "  %s\n", m->plan->notes.at[i]);
    strbuf_printf(b, "\nweights: %llu bytes\n", (unsigned long long)weights_layout(m->plan, NULL));
    print_dim_line(b, m, "memory between kernels, bytes: ", plan_arena_bytes(m->plan));
    print_dim_line(b, m, "scratch of each thread, bytes: ", m->plan->scratch);
    strbuf_printf(b, "copies that could not be avoided: %u\n", m->plan->n_copies);
}
