/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The report as one page: sums, the graph, a table of kernels, memory over time, the boundaries. Equal layers stand once.
 * Everything is inside: no script or style is fetched, and nothing of a model gets in unescaped. */
#include <math.h>
#include <string.h>

#include "driver/info.h"
#include "driver/model_dims.h"
#include "driver/report.h"

static void cell(strbuf *b, double key, const char *shown) {
    strbuf_printf(b, "<td data-v=\"%.9g\">%s</td>", isnan(key) ? -1 : key, shown);
}

/* --- the table of kernels --- */

static void print_tensors(strbuf *b, const report *r, const pstep *s, bool written, bool of_weights) {
    const char *before = "";
    for (uint32_t i = 0; i < s->n_args; i++) {
        const pbuf *buf = &r->p->bufs.at[s->args[i]];
        if (report_writes(r, s, i) != written || (buf->kind == PB_CONST) != of_weights) continue;
        strbuf_add(b, before);
        report_escape_breaking(b, report_buffer_name(r, s->args[i]));
        strbuf_addc(b, ' ');
        report_escape(b, report_shape(r, buf));
        before = ", ";
    }
}

static bool has_weights(const report *r, const pstep *s) {
    for (uint32_t i = 0; i < s->n_args; i++)
        if (r->p->bufs.at[s->args[i]].kind == PB_CONST) return true;
    return false;
}

static void print_traffic(strbuf *b, const report *r, const pstep *s) {
    strbuf_add(b, "<td class=\"text small\">");
    print_tensors(b, r, s, false, false);
    strbuf_add(b, " &#8594; ");
    print_tensors(b, r, s, true, false);
    if (has_weights(r, s)) {
        strbuf_add(b, "<br>weights ");
        print_tensors(b, r, s, false, true);
    }
    strbuf_add(b, "</td>");
}

/* times: how many kernels the row stands for. */
static void print_kernel(strbuf *b, const report *r, uint32_t i, uint32_t times, bool is_target) {
    const report_kernel *k = &r->kernels[i];
    double share = k->ms * k->n_launches * times / r->total.ms * 100;
    if (is_target)
        strbuf_printf(b, "<tr id=\"%s\">", k->k->name);
    else
        strbuf_add(b, "<tr>");
    strbuf_printf(b, "<td data-v=\"%u\"%s>%u</td>", i, times > 1 ? " class=\"in-fold\"" : "", i + 1);
    cell(b, k->ms, arena_printf(b->a, "%.3g", k->ms));
    cell(b, (double)times * k->n_launches, arena_printf(b->a, "%u", times * k->n_launches));
    strbuf_printf(b, "<td class=\"bar\" style=\"--share:%.1f%%\" data-v=\"%.9g\">%.1f %%</td>", fmin(share, 100), share,
                  share);
    cell(b, k->flops, report_count(b->a, k->flops));
    cell(b, k->bytes - k->written, report_bytes(b->a, k->bytes - k->written));
    cell(b, k->written, report_bytes(b->a, k->written));
    strbuf_printf(b, "<td class=\"word\">%s</td><td class=\"text\"><b>", k->is_memory_bound ? "memory" : "arithmetic");
    report_escape(b, report_operators(r, k->k));
    strbuf_printf(b, "</b> <span class=\"small\">%s<br>", k->k->name);
    report_escape_breaking(b, report_nodes(r, k->holds));
    strbuf_add(b, "</span></td>");
    if (k->n_launches)
        print_traffic(b, r, r->steps.at[k->first_step]);
    else
        strbuf_add(b, "<td></td>");
    strbuf_add(b, "</tr>\n");
}

static void begin_kernels(strbuf *b) {
    static const struct {
        const char *name, *hint, *class;
    } headings[] = {{"#", "in the order of the plan", ""},
                    {"ms", "predicted, of one launch", ""},
                    {"&#215;", "launches in a call", ""},
                    {"share", "of the predicted time of a call, all launches", ""},
                    {"FLOPs", "of one launch", ""},
                    {"read", "bytes of one launch", ""},
                    {"written", "bytes of one launch", ""},
                    {"bound by", "what takes the time", "word"},
                    {"operators, nodes of the model", "what the kernel computes", "text"},
                    {"reads &#8594; writes", "tensors", "text"}};
    strbuf_add(b, "<table><thead><tr>");
    for (size_t i = 0; i < countof(headings); i++)
        strbuf_printf(b, "<th data-sort=\"up\" title=\"%s\" class=\"%s\">%s</th>", headings[i].hint, headings[i].class,
                      headings[i].name);
    strbuf_add(b, "</tr></thead><tbody>\n");
}

/* "layers 1 to 12" where such a row begins. */
static void print_fold(strbuf *b, const report *r, const report_kernel *k) {
    for (uint32_t i = 0; k->n_launches && i < r->folds.n; i++) {
        const report_fold *f = &r->folds.at[i];
        double ms = 0;
        if (f->first != k->first_step) continue;
        for (uint32_t s = f->first; s < f->first + f->n_steps; s++)
            if (r->steps.at[s]->kind == PS_LAUNCH) ms += r->kernels[r->steps.at[s]->kernel].ms;
        strbuf_printf(
            b,
            "<tr class=\"fold\"><td colspan=\"10\">&#215; %u: equal layers of %u kernel%s, %.3g ms each, %.3g ms "
            "together</td></tr>\n",
            f->n_times, f->n_steps, f->n_steps == 1 ? "" : "s", ms, ms * f->n_times);
    }
}

static void print_kernels(strbuf *b, const report *r) {
    begin_kernels(b);
    uint32_t n_hidden = 0;
    for (uint32_t i = 0; i < r->p->kernels.n; i++) {
        const report_kernel *k = &r->kernels[i];
        n_hidden += !report_is_drawn(r, k);
        if (!report_is_drawn(r, k)) continue;
        print_fold(b, r, k);
        print_kernel(b, r, i, k->n_launches ? r->times[k->first_step] : 1, true);
    }
    strbuf_add(b, "</tbody></table>\n");
    if (!n_hidden) return;
    strbuf_printf(b, "<details><summary>the %u kernels that equal those above</summary>\n", n_hidden);
    begin_kernels(b);
    for (uint32_t i = 0; i < r->p->kernels.n; i++)
        if (!report_is_drawn(r, &r->kernels[i])) print_kernel(b, r, i, 1, true);
    strbuf_add(b, "</tbody></table></details>\n");
}

/* --- boundaries --- */

static void print_stop(strbuf *b, const report *r, const plan_stop *s) {
    const kernel *writer = r->p->kernels.at[s->writer], *reader = r->p->kernels.at[s->reader];
    strbuf_add(b, "<li>");
    report_escape_breaking(b, s->value);
    strbuf_printf(b, " goes from <a href=\"#%s\">%s</a> (", writer->name, writer->name);
    report_escape(b, report_operators(r, writer));
    strbuf_printf(b, ") to <a href=\"#%s\">%s</a> (", reader->name, reader->name);
    report_escape(b, report_operators(r, reader));
    strbuf_printf(b, "): %s</li>\n", s->why);
}

static void print_stops(strbuf *b, const report *r) {
    strbuf_add(
        b, "<h2>Why fusion stopped</h2>\n<p class=\"small\">Each tensor that goes from one kernel to another through "
           "memory, once for equal layers.</p>\n<details open><summary>boundaries</summary><ul>\n");
    for (uint32_t i = 0; i < r->p->stops.n; i++)
        if (report_is_drawn(r, &r->kernels[r->p->stops.at[i].reader])) print_stop(b, r, &r->p->stops.at[i]);
    strbuf_add(b, "</ul></details>\n");
}

/* --- the head --- */

static void tile(strbuf *b, const char *figure, const char *label) {
    strbuf_add(b, "<div><b>");
    report_escape(b, figure);
    strbuf_add(b, "</b>");
    report_escape(b, label);
    strbuf_add(b, "</div>\n");
}

static void print_tiles(strbuf *b, const report *r) {
    const report_total *all = &r->total;
    strbuf_add(b, "<div class=\"tiles\">\n");
    tile(b, arena_printf(b->a, "%u", all->n_launches), "launches a call");
    tile(b, report_count(b->a, all->flops), "FLOPs");
    tile(b, arena_printf(b->a, "%.3g ms", all->ms), "predicted");
    tile(b, report_bytes(b->a, all->bytes), "read and written");
    tile(b, report_bytes(b->a, r->weights_bytes), "weights");
    tile(b, report_bytes(b->a, r->arena_bytes), "between kernels");
    tile(b, report_bytes(b->a, r->scratch_bytes), "scratch a thread");
    strbuf_add(b, "</div>\n");
}

static void fact(strbuf *b, const char *label, const char *text) {
    strbuf_printf(b, "<tr><th class=\"text\">%s</th><td class=\"text\">", label);
    report_escape_breaking(b, text);
    strbuf_add(b, "</td></tr>\n");
}

static void print_dims(strbuf *b, const report *r) {
    dim_table *t = r->p->iface->dims;
    for (sym_id s = 0; s < dim_n_syms(t); s++) {
        const sym_info *info = dim_sym_info(t, s);
        if (model_dims_is_told(r->p->iface, s)) fact(b, "dim", model_dims_figures(b->a, info, r->values[s]));
    }
}

static void print_port_facts(strbuf *b, const report *r, const char *label, uint32_t n, const port *ports) {
    for (uint32_t i = 0; i < n; i++) {
        pbuf typed = {.dt = ports[i].type.dt, .rank = ports[i].type.rank, .shape = ports[i].type.shape};
        fact(b, label, arena_printf(b->a, "%s: %s", ports[i].name, report_shape(r, &typed)));
    }
}

static void print_origin(strbuf *b, const report *r) {
    const target *t = &r->m->target;
    fact(b, "compiled",
         arena_printf(b->a, "by frit %s for %s %s, %s", FRIT_VERSION, t->kind == TARGET_CUDA ? "cuda" : "cpu",
                      t->kind == TARGET_CUDA ? t->arch : t->cpu,
                      *r->head.flags ? arena_printf(b->a, "with %s", r->head.flags) : "without flags"));
    fact(b, "on", info_machine(b->a));
    fact(b, "model",
         arena_printf(b->a, "%s: %u nodes as read, %u after the passes, %u kernels", r->p->iface->name,
                      r->m->model->nodes.n, r->m->core->nodes.n, r->p->kernels.n));
}

static void print_totals(strbuf *b, const report *r) {
    const report_total *all = &r->total;
    dim_table *t = r->p->iface->dims;
    strbuf_add(b, "<table>\n");
    print_origin(b, r);
    print_port_facts(b, r, "input", r->p->iface->inputs.n, r->p->iface->inputs.at);
    print_port_facts(b, r, "output", r->p->iface->outputs.n, r->p->iface->outputs.at);
    print_dims(b, r);
    fact(b, "predicted", arena_printf(b->a, "%.3g ms for %s", all->ms, info_basis(b->a)));
    fact(b, "bytes moved",
         arena_printf(b->a, "%s: %s read, %s written", report_bytes(b->a, all->bytes),
                      report_bytes(b->a, all->bytes - all->written), report_bytes(b->a, all->written)));
    fact(b, "at least",
         arena_printf(b->a, "%s: inputs, outputs and weights once; the plan moves %.3g times that",
                      report_bytes(b->a, r->ideal.floor), all->bytes / r->ideal.floor));
    if (r->ideal.n_products)
        fact(b, "unfused products",
             arena_printf(b->a,
                          "%s: weights, operands and results of %u products once, and residuals; the plan moves %.3g "
                          "times that",
                          report_bytes(b->a, r->ideal.products), r->ideal.n_products, all->bytes / r->ideal.products));
    dim arena_dim = plan_arena_bytes(r->p);
    const char *formula =
        dim_is_const(t, arena_dim, NULL) ? "" : arena_printf(b->a, " = %s", dim_text(b->a, t, arena_dim));
    fact(b, "memory",
         arena_printf(b->a, "%.0f bytes between kernels%s; at most %s in use at a time; %u copies", r->arena_bytes,
                      formula, report_bytes(b->a, r->live_bytes), all->n_copies));
    strbuf_add(b, "</table>\n");
}

void report_print_html(strbuf *b, const report *r) {
    const char *slash = strrchr(r->head.file, '/');
    report_begin_page(b, slash ? slash + 1 : r->head.file);
    print_tiles(b, r);
    print_totals(b, r);
    strbuf_add(
        b,
        "<h2>The graph of kernels</h2>\n<p class=\"small\">A box is a launch; the stronger its colour, the more of the "
        "predicted time it takes; blue ones are bound by memory, orange ones by arithmetic. The wider a line, the more "
        "bytes. A frame holds the first of equal layers.</p>\n<div class=\"scroll zoom\">\n");
    report_draw_graph(b, r);
    strbuf_add(b, "</div>\n<h2>Kernels</h2>\n");
    print_kernels(b, r);
    strbuf_add(b, "<h2>Memory between kernels, step by step</h2>\n<p class=\"small\">A bar is a tensor over the steps "
                  "of its life, in its slot; the line tells how much is in use.</p>\n<div class=\"scroll\">\n");
    report_draw_memory(b, r);
    strbuf_add(b, "</div>\n");
    if (r->p->stops.n) print_stops(b, r);
    report_end_page(b);
}
