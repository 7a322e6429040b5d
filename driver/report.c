/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gathers what the forms of the report tell: figures of every kernel, of the whole, and of memory. */
#include "driver/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "driver/cli.h"
#include "driver/info.h"
#include "driver/model_dims.h"

double report_amount(const report *r, dim d) {
    int64_t x;
    if (d == DIM_BAD) return NAN;
    if (dim_eval(r->c, r->p->iface->dims, d, r->values, &x) == FRIT_OK) return (double)x;
    cx_clear(r->c);
    return NAN;
}

double report_buffer_bytes(const report *r, pbuf_id b) { return report_amount(r, r->p->bufs.at[b].bytes); }

const char *report_buffer_name(const report *r, pbuf_id b) {
    const pbuf *buf = &r->p->bufs.at[b];
    if (buf->kind == PB_OUTPUT) return r->p->iface->outputs.at[buf->index].name;
    return buf->name && *buf->name ? buf->name : arena_printf(r->a, "tensor %u", b);
}

const char *report_shape(const report *r, const pbuf *b) {
    strbuf text = {.a = r->a};
    strbuf_printf(&text, "%s[", dtype_name(b->dt));
    for (uint32_t i = 0; i < b->rank; i++) {
        if (i) strbuf_add(&text, ", ");
        dim_print(&text, r->p->iface->dims, b->shape[i]);
    }
    strbuf_addc(&text, ']');
    return strbuf_text(&text);
}

static const char *scaled(arena *a, double x, double step, const char *const *units, size_t n_units) {
    size_t unit = 0;
    if (isnan(x)) return "unknown";
    for (; fabs(x) >= step * 0.9995 && unit + 1 < n_units; unit++) x /= step;
    return arena_printf(a, unit && fabs(x) < 99.5 ? "%.1f %s" : "%.0f %s", x, units[unit]);
}

const char *report_bytes(arena *a, double bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    return scaled(a, bytes, 1024, units, countof(units));
}

const char *report_count(arena *a, double n) {
    static const char *const units[] = {"", "k", "M", "G", "T"};
    return scaled(a, n, 1000, units, countof(units));
}

/* --- nodes and boundaries --- */

const char *report_nodes(const report *r, const plan_holds *h) {
    strbuf b = {.a = r->a};
    for (uint32_t i = 0; i < h->n; i++) {
        const char *loc = h->at[i].loc;
        bool is_known = !*loc;
        for (uint32_t j = 0; j < i && !is_known; j++) is_known = str_equal(h->at[j].loc, loc);
        if (is_known) continue;
        strbuf_printf(&b, "%s%s", b.n ? ", " : "", loc);
        const char *before = " (";
        for (uint32_t j = i; j < h->n; j++) {
            const char *op = h->at[j].model_op;
            bool is_said = op_is(h->at[j].op, OPF_VIEW) || !str_equal(h->at[j].loc, loc);
            for (uint32_t k = i; k < j && !is_said; k++)
                is_said =
                    str_equal(h->at[k].loc, loc) && str_equal(h->at[k].model_op, op) && !op_is(h->at[k].op, OPF_VIEW);
            if (is_said) continue;
            strbuf_printf(&b, "%s%s", before, op);
            before = " ";
        }
        if (*before == ' ' && before[1] == 0) strbuf_addc(&b, ')');
    }
    return strbuf_text(&b);
}

const char *report_stop(const report *r, const plan_stop *s) {
    return arena_printf(r->a, "%s goes from %s to %s through memory: %s", s->value, r->p->kernels.at[s->writer]->name,
                        r->p->kernels.at[s->reader]->name, s->why);
}

bool report_writes(const report *r, const pstep *s, uint32_t i) {
    if (s->kind == PS_LAUNCH) return r->p->kernels.at[s->kernel]->bufs.at[i].is_written;
    return s->kind == PS_COPY && i == 1;
}

/* --- figures --- */

/* By how much a demand of the model is missed at the values. */
static fit_miss demand_miss(void *data, uint32_t demand, const int64_t *values) {
    const report *r = data;
    const graph *g = r->p->iface;
    const contract *k = &g->contracts.at[demand];
    int64_t lhs, rhs;
    fit_miss m = {.is_order = k->kind == CK_AT_MOST};
    if (k->region != 0 || contract_is_counted(g, k)) return m;
    m.is_known = dim_eval(r->c, g->dims, k->lhs, values, &lhs) == FRIT_OK &&
                 dim_eval(r->c, g->dims, k->rhs, values, &rhs) == FRIT_OK;
    if (!m.is_known) cx_clear(r->c);
    m.is_known = m.is_known && !__builtin_sub_overflow(rhs, lhs, &m.by);
    m.holds = m.is_known && contract_holds(k->kind, lhs, rhs);
    return m;
}

/* Hints, else least values, as far as the model allows these together. */
static void set_values(report *r) {
    dim_table *t = r->p->iface->dims;
    uint32_t n = dim_n_syms(t);
    r->values = ARENA_ARRAY(r->a, int64_t, n + 1u);
    int64_t *lo = ARENA_ARRAY(r->a, int64_t, n + 1u), *hi = ARENA_ARRAY(r->a, int64_t, n + 1u);
    bool *is_free = ARENA_ARRAY(r->a, bool, n + 1u);
    for (sym_id s = 0; s < n; s++) {
        const sym_info *info = dim_sym_info(t, s);
        bool is_inner = info->kind == SYM_AXIS || info->kind == SYM_LOADED || info->kind == SYM_ITERATION;
        r->values[s] = is_inner ? 0 : info->hint ? info->hint : info->lo;
        lo[s] = info->lo, hi[s] = info->hi;
        is_free[s] = model_dims_is_given(r->p->iface, s);
    }
    fit_dims(&(fit_problem){.data = r,
                            .n_demands = r->p->iface->contracts.n,
                            .n_symbols = n,
                            .miss = demand_miss,
                            .lo = lo,
                            .hi = hi,
                            .is_free = is_free,
                            .values = r->values});
}

static void list_step(report *r, const pstep *s, bool runs) {
    vec_push(r->a, r->steps, s);
    vec_push(r->a, r->runs, runs);
}

static bool holds(const report *r, const struct palt *alt) {
    return alt->lhs == DIM_BAD || report_amount(r, alt->lhs) <= report_amount(r, alt->rhs);
}

/* In the order in which plan_memory.c numbers them. */
static void list_steps(report *r, const pstep_list *l, bool runs) {
    for (uint32_t i = 0; i < l->n; i++) {
        const pstep *s = &l->at[i];
        list_step(r, s, runs);
        bool is_taken = false;
        for (uint32_t j = 0; j < s->n_alts; j++) {
            bool takes = !is_taken && holds(r, &s->alts[j]);
            list_steps(r, &s->alts[j].body, runs && takes);
            is_taken = is_taken || takes;
        }
        list_steps(r, &s->body[0], runs);
        list_steps(r, &s->body[1], runs);
        if (s->kind == PS_LOOP) list_step(r, s, runs); /* a loop's end has a number, too */
    }
}

static void measure_kernel(report *r, uint32_t i) {
    report_kernel *k = &r->kernels[i];
    *k = (report_kernel){.k = r->p->kernels.at[i], .holds = &r->p->holds.at[i]};
    k->flops = report_amount(r, k->k->flops);
    k->bytes = report_amount(r, k->k->bytes);
    k->written = report_amount(r, k->k->written);
    k->ms = info_predict_ms(k->flops, k->bytes, k->k->k_pack, &r->m->target);
    k->is_memory_bound = info_predict_ms(0, k->bytes, 1, &r->m->target) >= k->ms;
}

static void add_known(double *sum, double x) {
    if (!isnan(x)) *sum += x;
}

static void count_step(report *r, uint32_t number) {
    const pstep *s = r->steps.at[number];
    report_total *all = &r->total;
    if (!r->runs.at[number]) return;
    if (s->kind == PS_COPY) {
        double bytes = report_buffer_bytes(r, s->args[0]);
        all->n_copies++;
        add_known(&all->bytes, 2 * bytes);
        add_known(&all->written, bytes);
    }
    if (s->kind != PS_LAUNCH) return;
    report_kernel *k = &r->kernels[s->kernel];
    if (!k->n_launches++) k->first_step = number;
    all->n_launches++;
    add_known(&all->flops, k->flops);
    add_known(&all->bytes, k->bytes);
    add_known(&all->written, k->written);
    add_known(&all->ms, k->ms);
}

/* The most bytes of buffers in use at one step. */
static double most_live(const report *r) {
    double most = 0;
    for (uint32_t s = 0; s < r->steps.n; s++) {
        double live = 0;
        for (pbuf_id b = 0; r->runs.at[s] && b < r->p->bufs.n; b++) {
            const pbuf *buf = &r->p->bufs.at[b];
            if (buf->kind == PB_ARENA && buf->first <= s && s <= buf->last) add_known(&live, report_buffer_bytes(r, b));
        }
        most = fmax(most, live);
    }
    return most;
}

static void measure_memory(report *r) {
    r->slot_at = ARENA_ARRAY(r->a, double, r->p->slots.n + 1u);
    r->slot_bytes = ARENA_ARRAY(r->a, double, r->p->slots.n + 1u);
    for (uint32_t i = 0; i < r->p->slots.n; i++) {
        r->slot_at[i] = r->arena_bytes;
        r->slot_bytes[i] = report_amount(r, r->p->slots.at[i]);
        add_known(&r->arena_bytes, r->slot_bytes[i]);
    }
    r->live_bytes = most_live(r);
    r->scratch_bytes = report_amount(r, r->p->scratch);
    r->weights_bytes = (double)weights_layout(r->p, NULL);
}

report *report_new(cx *c, const compiled *m, const report_head *head) {
    report *r = ARENA_NEW(c->job, report);
    *r = (report){.a = c->job, .c = c, .m = m, .p = m->plan, .head = *head};
    set_values(r);
    list_steps(r, &r->p->steps, true);
    r->kernels = ARENA_ARRAY(r->a, report_kernel, r->p->kernels.n + 1u);
    for (uint32_t i = 0; i < r->p->kernels.n; i++) measure_kernel(r, i);
    for (uint32_t i = 0; i < r->steps.n; i++) count_step(r, i);
    report_fold_steps(r);
    measure_memory(r);
    r->ideal = report_ideal_of(r);
    return r;
}

frit_status report_write(cx *c, const report *r, const char *path) {
    strbuf b = {.a = c->job};
    if (str_ends(path, ".html") || str_ends(path, ".htm"))
        report_print_html(&b, r);
    else if (str_ends(path, ".json"))
        TRY(report_print_json(c, &b, r));
    else
        report_print_text(&b, r);
    return cli_write_text(c, *path ? path : "-", strbuf_text(&b));
}
