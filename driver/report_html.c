/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The report as one page: sums, the graph, memory over time, a table of kernels, the boundaries. Everything is inside:
 * no script or style is fetched, and nothing of a model gets in unescaped. */
#include <math.h>

#include "driver/info.h"
#include "driver/model_dims.h"
#include "driver/report.h"

static const char style[] =
    ":root{color-scheme:light dark;--line:#8888;--ink:#222;--paper:#fff;--cool:#2b7fd4;--warm:#d9622b}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#16181c}}\n"
    "body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2em "
    "auto;max-width:1240px;padding:0 1em}\n"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}\n"
    "table{border-collapse:collapse}td,th{padding:.25em .7em;border-bottom:1px solid "
    "var(--line);text-align:right;vertical-align:top}\n"
    "td.text,th.text{text-align:left}th[data-sort]{cursor:pointer}tr:target{background:#ffd54f55}\n"
    ".small{font-size:.85em;opacity:.8}.scroll{overflow:auto;max-height:85vh;border:1px solid var(--line)}\n"
    "svg text{font:11px system-ui,sans-serif;fill:var(--ink);text-anchor:middle}svg text.name{font-weight:600}svg "
    "text.title{font-size:10px}\n"
    "svg "
    "rect{stroke:var(--ink);stroke-width:1}rect.memory{fill:var(--cool)}rect.arithmetic{fill:var(--warm)}rect.port{"
    "fill:none;stroke-dasharray:4 3}\n"
    "svg.graph path{fill:none;stroke:var(--ink);stroke-opacity:.45}svg a{text-decoration:none}\n"
    "svg path.axis{stroke:var(--line);fill:none}svg text.axis{text-anchor:end}svg "
    "text.life{text-anchor:start;fill:#111}rect.life{stroke:#0006}\n"
    "svg path.live{fill:none;stroke:var(--ink);stroke-width:2}\n";

/* Sorts a table by the column whose heading was clicked: numbers by data-v, words by text. */
static const char script[] =
    "for(const th of document.querySelectorAll('th[data-sort]'))th.onclick=()=>{const "
    "t=th.closest('table'),b=t.tBodies[0],"
    "i=th.cellIndex,s=th.dataset.sort=='down'?1:-1;th.dataset.sort=s<0?'down':'up';const v=r=>{const c=r.cells[i];"
    "return c.dataset.v===undefined?c.textContent:+c.dataset.v};"
    "[...b.rows].sort((p,q)=>{const x=v(p),y=v(q);return s*(x<y?-1:x>y?1:0)}).forEach(r=>b.append(r))}\n";

static void cell(strbuf *b, double key, const char *shown) {
    strbuf_printf(b, "<td data-v=\"%.9g\">%s</td>", isnan(key) ? -1 : key, shown);
}

static void print_tensors(strbuf *b, const report *r, const pstep *s, bool written) {
    const char *before = "";
    strbuf_add(b, "<td class=\"text small\">");
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (report_writes(r, s, i) != written) continue;
        const pbuf *buf = &r->p->bufs.at[s->args[i]];
        strbuf_printf(b, "%s%s", before, buf->kind == PB_CONST ? "weights " : "");
        report_escape(b, report_buffer_name(r, s->args[i]));
        strbuf_addc(b, ' ');
        report_escape(b, report_shape(r, buf));
        before = "<br>";
    }
    strbuf_add(b, "</td>");
}

static void print_kernel(strbuf *b, const report *r, uint32_t i) {
    const report_kernel *k = &r->kernels[i];
    strbuf_printf(b, "<tr id=\"%s\">", k->k->name);
    cell(b, i, arena_printf(b->a, "%u", i + 1));
    strbuf_printf(b, "<td class=\"text\"><b>%s</b><br><span class=\"small\">", k->k->name);
    report_escape(b, k->k->title ? k->k->title : "");
    strbuf_add(b, "</span></td><td class=\"text small\">");
    report_escape(b, report_nodes(r, k->holds));
    strbuf_add(b, "</td>");
    if (k->n_launches) {
        print_tensors(b, r, r->steps.at[k->first_step], false);
        print_tensors(b, r, r->steps.at[k->first_step], true);
    } else {
        strbuf_add(b, "<td></td><td></td>");
    }
    cell(b, k->bytes - k->written, report_bytes(b->a, k->bytes - k->written));
    cell(b, k->written, report_bytes(b->a, k->written));
    cell(b, k->flops, report_count(b->a, k->flops));
    cell(b, k->ms, arena_printf(b->a, "%.3g", k->ms));
    double share = k->ms * k->n_launches / r->total.ms * 100;
    cell(b, share, arena_printf(b->a, "%.1f %%", share));
    strbuf_printf(b, "<td class=\"text\">%s</td></tr>\n", k->is_memory_bound ? "memory" : "arithmetic");
}

static void print_kernels(strbuf *b, const report *r) {
    static const char *const headings[] = {
        "#",     "kernel",  "nodes of the model", "reads", "writes", "bytes read", "bytes written", "FLOPs", "ms",
        "share", "bound by"};
    strbuf_add(b, "<div class=\"scroll\"><table><thead><tr>");
    for (size_t i = 0; i < countof(headings); i++) {
        bool is_text = (i >= 1 && i <= 4) || i + 1 == countof(headings);
        strbuf_printf(b, "<th data-sort=\"up\"%s>%s</th>", is_text ? " class=\"text\"" : "", headings[i]);
    }
    strbuf_add(b, "</tr></thead><tbody>\n");
    for (uint32_t i = 0; i < r->p->kernels.n; i++) print_kernel(b, r, i);
    strbuf_add(b, "</tbody></table></div>\n");
}

static void print_stops(strbuf *b, const report *r) {
    strbuf_add(b, "<ul>\n");
    for (uint32_t i = 0; i < r->p->stops.n; i++) {
        const plan_stop *s = &r->p->stops.at[i];
        const char *writer = r->p->kernels.at[s->writer]->name, *reader = r->p->kernels.at[s->reader]->name;
        strbuf_add(b, "<li>");
        report_escape(b, s->value);
        strbuf_printf(b, " goes from <a href=\"#%s\">%s</a> to <a href=\"#%s\">%s</a> through memory: %s</li>\n",
                      writer, writer, reader, reader, s->why);
    }
    strbuf_add(b, "</ul>\n");
}

static void fact(strbuf *b, const char *label, const char *text) {
    strbuf_printf(b, "<tr><th class=\"text\">%s</th><td class=\"text\">", label);
    report_escape(b, text);
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

static void print_totals(strbuf *b, const report *r) {
    const report_total *all = &r->total;
    dim_table *t = r->p->iface->dims;
    strbuf_add(b, "<table>\n");
    print_port_facts(b, r, "input", r->p->iface->inputs.n, r->p->iface->inputs.at);
    print_port_facts(b, r, "output", r->p->iface->outputs.n, r->p->iface->outputs.at);
    print_dims(b, r);
    fact(b, "launches",
         arena_printf(b->a, "%u of %u kernels, %u copies", all->n_launches, r->p->kernels.n, all->n_copies));
    fact(b, "FLOPs", report_count(b->a, all->flops));
    fact(b, "predicted",
         arena_printf(b->a, "%.3g ms (one thread at %.0f GHz and %.0f GB/s)", all->ms, INFO_GHZ, INFO_GB_PER_S));
    fact(b, "bytes moved",
         arena_printf(b->a, "%s: %s read, %s written", report_bytes(b->a, all->bytes),
                      report_bytes(b->a, all->bytes - all->written), report_bytes(b->a, all->written)));
    fact(b, "inputs, outputs, weights once",
         arena_printf(b->a, "%s; the plan moves %.3g times that", report_bytes(b->a, r->ideal.floor),
                      all->bytes / r->ideal.floor));
    if (r->ideal.n_products)
        fact(b, "weights, operands and results of products once, residuals",
             arena_printf(b->a, "%s for %u products; the plan moves %.3g times that",
                          report_bytes(b->a, r->ideal.products), r->ideal.n_products, all->bytes / r->ideal.products));
    fact(b, "weights", report_bytes(b->a, r->weights_bytes));
    fact(b, "memory between kernels",
         arena_printf(b->a, "%.0f bytes = %s; at most %s in use at a time", r->arena_bytes,
                      dim_text(b->a, t, plan_arena_bytes(r->p)), report_bytes(b->a, r->live_bytes)));
    fact(b, "scratch of each thread", report_bytes(b->a, r->scratch_bytes));
    strbuf_add(b, "</table>\n");
}

void report_print_html(strbuf *b, const report *r) {
    const target *t = &r->m->target;
    strbuf_add(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    report_escape(b, r->p->iface->name);
    strbuf_printf(b, "</title><style>\n%s</style></head><body>\n<h1>", style);
    report_escape(b, r->p->iface->name);
    strbuf_printf(b, " for %s</h1>\n<p>%u nodes as read, %u after the passes, %u kernels.</p>\n",
                  t->kind == TARGET_CUDA ? t->arch : t->cpu, r->m->model->nodes.n, r->m->core->nodes.n,
                  r->p->kernels.n);
    print_totals(b, r);
    strbuf_add(
        b,
        "<h2>The graph of kernels</h2>\n<p class=\"small\">A box is a launch; the stronger its colour, the more of the "
        "predicted time it takes; blue ones are bound by memory, red ones by arithmetic. The wider a line, the more "
        "bytes.</p>\n<div class=\"scroll\">\n");
    report_draw_graph(b, r);
    strbuf_add(
        b, "</div>\n<h2>Memory between kernels, step by step</h2>\n<p class=\"small\">A bar is a tensor over the steps "
           "of its life, in its slot; the line tells how much is in use.</p>\n<div class=\"scroll\">\n");
    report_draw_memory(b, r);
    strbuf_add(b, "</div>\n<h2>Kernels</h2>\n");
    print_kernels(b, r);
    if (r->p->stops.n) strbuf_add(b, "<h2>Why fusion stopped</h2>\n");
    if (r->p->stops.n) print_stops(b, r);
    strbuf_printf(b, "<script>\n%s</script>\n</body></html>\n", script);
}
