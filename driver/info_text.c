/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit info for people. Names come from files, so what could steer a terminal is shown as '?'. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "driver/info.h"
#include "driver/model_dims.h"
#include "runtime/runtime.h"

static const char *shown(arena *a, const char *name) { return str_printable(arena_strdup(a, name)); }

static const char *bytes_text(arena *a, double bytes) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 10240 && unit + 1 < countof(units); unit++) bytes /= 1024;
    return arena_printf(a, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void print_ports(arena *a, const char *title, uint32_t n, const frit_port *ports) {
    printf("%s\n", title);
    for (uint32_t i = 0; i < n; i++)
        printf("  %s: %s%s%s\n", shown(a, ports[i].name), shown(a, port_type_text(a, &ports[i])),
               ports[i].is_host ? ", read on the host" : "", ports[i].state == FRIT_NO_INDEX ? "" : ", state");
}

static void print_symbols(arena *a, const info_subject *s) {
    bool any = false;
    for (uint32_t i = 0; i < s->facts.info.n_symbols; i++) {
        const frit_symbol *y = &s->facts.symbols[i];
        if (y->kind >= FRIT_SYMBOL_UNUSED) continue;
        if (!any) printf("dims\n");
        any = true;
        printf("  %s", dim_range_text(a, shown(a, y->name), y->lo, y->hi));
        if (y->hint) printf(", tuned for %" PRId64, y->hint);
        printf(" (%s %u of %s)%s\n", y->kind == FRIT_SYMBOL_DIM ? "dim" : "element", y->axis,
               shown(a, s->facts.inputs[y->input].name),
               shown(a, model_dims_origin(a, y->lo, y->hi, y->why_lo, y->why_hi)));
    }
}

/* "for B = 8, S = 128", "" when there are no symbols. */
static const char *dims_text(arena *a, const info_subject *s) {
    strbuf b = {.a = a};
    for (uint32_t i = 0; i < s->facts.info.n_symbols; i++) {
        const frit_symbol *y = &s->facts.symbols[i];
        if (y->kind >= FRIT_SYMBOL_UNUSED) continue;
        strbuf_printf(&b, "%s%s = %" PRId64, b.n ? ", " : " for ", shown(a, y->name), s->symbols[i]);
    }
    return strbuf_text(&b);
}

/* Figures of a batch of 1 are seldom meant. */
static void print_least(arena *a, const info_subject *s) {
    if (*s->least) printf("figures are for the least values: %s; %s\n", shown(a, s->least), shown(a, s->how));
}

static void print_memory(arena *a, const info_subject *s) {
    const frit_memory *m = &s->memory;
    uint32_t arena_dim = s->plan->arena;
    const char *formula =
        arena_dim == PF_NONE ? "" : pf_string(s->plan, PF_ROWS(s->plan, pf_dim, dims)[arena_dim].text);
    printf("weights: %s%s%s\n", bytes_text(a, (double)s->facts.info.weights_bytes),
           *s->facts.info.weights_file ? " in " : "", shown(a, s->facts.info.weights_file));
    char text[AMOUNT_TEXT];
    printf("memory of a context%s, %u thread%s: %s\n", dims_text(a, s), m->n_threads, m->n_threads == 1 ? "" : "s",
           amount_text(m->context_bytes, text));
    printf("  between kernels: %s = %s\n", amount_text(m->arena_bytes, text), shown(a, formula));
    printf("  scratch of the threads: %s\n", amount_text(m->scratch_bytes, text));
    printf("  tables: %s\n", amount_text(m->context_bytes - m->arena_bytes - m->scratch_bytes, text));
    if (m->n_stacks)
        printf("  beside the context: %" PRIu64 " stack%s of %s, unless the caller brings a pool\n", m->n_stacks,
               m->n_stacks == 1 ? "" : "s", bytes_text(a, (double)m->stack_bytes));
    if (s->plan->n_copies) printf("copies that could not be avoided: %u\n", s->plan->n_copies);
}

static void print_kernels(arena *a, const info_subject *s) {
    printf("kernels%s: %u, about %.3g ms (%s)\n", dims_text(a, s), s->facts.info.n_kernels, s->predicted_ms,
           info_basis(a));
    for (uint32_t i = 0; i < s->facts.info.n_kernels; i++) {
        const info_kernel *k = &s->kernels[i];
        printf("  %s: %s\n", shown(a, k->facts.name), shown(a, k->facts.title));
        if (isnan(k->flops) || isnan(k->bytes)) continue;
        printf("    %.4g FLOPs, %s, %.3g ms", k->flops, bytes_text(a, k->bytes), k->predicted_ms);
        if (k->facts.n_launches != 1) printf(", %u launches", k->facts.n_launches);
        printf("\n");
    }
}

static void print_operators(arena *a, const info_subject *s) {
    if (!s->operators.n) return;
    printf("operators\n");
    for (uint32_t i = 0; i < s->operators.n; i++) {
        const onnx_operator *o = &s->operators.at[i];
        printf("  %s: %u%s\n", shown(a, o->name), o->n_nodes, o->is_supported ? "" : ", not supported");
    }
}

frit_status info_print_text(cx *c, const info_subject *s) {
    arena *a = c->scratch;
    if (!s->plan) {
        printf("a model that cannot be compiled: %s\n", shown(a, s->refusal));
        print_operators(a, s);
        return FRIT_OK;
    }
    const frit_artifact_info *info = &s->facts.info;
    printf("%s: %s %s", s->path, s->kind, shown(a, info->name));
    if (*s->machine) printf(", %s for %s", bytes_text(a, (double)s->file_bytes), s->machine);
    printf(", %s, %s%s%s\n", shown(a, info->target), shown(a, info->producer), *info->options ? ", " : "",
           shown(a, info->options));
    if (*info->libraries)
        printf("needs %s, which computes products: their bits, memory and threads are its own\n",
               shown(a, info->libraries));
    print_ports(a, "inputs", info->n_inputs, s->facts.inputs);
    print_ports(a, "outputs", info->n_outputs, s->facts.outputs);
    print_symbols(a, s);
    print_operators(a, s);
    print_least(a, s);
    print_memory(a, s);
    print_kernels(a, s);
    return FRIT_OK;
}
