/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit info: what a model or an artifact takes, gives and costs. An artifact is read through its note and a model is
 * lowered to the same tables in memory, so one description serves both; no code of either runs. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "driver/cli.h"
#include "driver/info.h"
#include "driver/session.h"
#include "runtime/loader.h"
#include "runtime/runtime.h"

/* --- where the tables come from --- */

static frit_status from_artifact(cx *c, const args *a, info_subject *out) {
    static const opt_id of_models[] = {OPT_TARGET, OPT_CPU, OPT_CONST};
    artifact_note note;
    TRY(note_read(c, a->files[0], cli_trust(a), &note));
    for (size_t i = 0; i < countof(of_models); i++)
        if (args_has(a, of_models[i]))
            return FAIL(c, USAGE, args_spelling(c->scratch, of_models[i], args_text(a, of_models[i])),
                        "is for models: %s is compiled already", a->files[0]);
    out->kind = "artifact";
    out->machine = note.machine;
    out->file_bytes = note.file_bytes;
    out->plan = note.plan;
    return FRIT_OK;
}

/* A model that cannot be compiled still has operators to tell of: then out->plan stays NULL and out->refusal says why.
 */
static frit_status from_model(cx *c, const args *a, info_subject *out) {
    compile_options o;
    TRY(cli_compile_options(c, a, NULL, &o));
    onnx_options model = o.model ? *o.model : (onnx_options){0};
    model.out_operators = &out->operators;
    o.model = &model;
    out->kind = "model";
    out->machine = "";
    graph *g = NULL;
    frit_status status = compile_read(c, a->files[0], &o, &g);
    compiled m;
    if (status == FRIT_OK) status = compile_plan(c, g, &o, &m);
    if (status == FRIT_UNSUPPORTED && out->operators.n) {
        out->refusal = c->message;
        cx_clear(c);
        return FRIT_OK;
    }
    TRY(status);
    artifact_options link = {.target = &m.target};
    pf_header *tables = NULL;
    TRY(plan_encode(c, m.plan, &link, "", &tables));
    out->plan = tables;
    return FRIT_OK;
}

static frit_status find_subject(cx *c, const args *a, info_subject *out) {
    mapped_file f;
    TRY(file_map(c, a->files[0], &f));
    bool is_elf = note_is_elf(&f);
    file_unmap(&f);
    *out = (info_subject){.path = a->files[0]};
    return is_elf ? from_artifact(c, a, out) : from_model(c, a, out);
}

/* --- numbers for one set of dims --- */

/* How many times as much as of f32 the target's instructions for narrow products do in a cycle. */
static double narrow_factor(uint32_t product_group, const target *t) {
    enum { OF_TILE = 8 }; /* for each byte less: 16 of bf16, 32 of bytes */
    if (product_group < 2) return 1;
    if (t->has_amx) return OF_TILE * product_group;
    return (product_group == 2 ? t->has_bf16_dot : t->has_vnni) ? product_group : 1;
}

double info_predict_ms(double flops, double bytes, uint32_t product_group, const target *t) {
    uint32_t lanes = t->vector_bytes ? t->vector_bytes / 4 : 4;
    double peak = lanes * 2 * INFO_FMA_UNITS * INFO_GHZ * 1e9 * narrow_factor(product_group, t);
    double bandwidth = INFO_GB_PER_S * 1e9;
    return fmax(flops / peak, bytes / bandwidth) * 1e3;
}

static double value_or_zero(const int64_t *program, const int64_t *symbols) {
    int64_t x;
    return program && dim_code_run(program, symbols, &x) ? (double)x : NAN;
}

/* Whether a call with these symbols takes the alternative. */
static bool is_taken(const pf_header *h, const pf_alt *alt, const int64_t *symbols) {
    int64_t lhs, rhs;
    if (alt->lhs == PF_NONE) return true;
    return plan_dim(h, alt->lhs, symbols, &lhs) && plan_dim(h, alt->rhs, symbols, &rhs) && lhs <= rhs;
}

/* Places that launch each kernel, without those of alternatives that these symbols do not take. */
static void count_launches(const pf_header *h, uint32_t first, uint32_t n, const int64_t *symbols, info_kernel *out) {
    for (uint32_t i = 0; i < n; i++) {
        const pf_step *s = &PF_ROWS(h, pf_step, steps)[first + i];
        const pf_alt *alts = PF_ROWS(h, pf_alt, alts) + s->first_alt;
        if (s->kind == PF_LAUNCH) out[s->kernel].facts.n_launches++;
        for (uint32_t k = 0; k < s->n_alts; k++) {
            bool runs = s->kind != PF_CHOICE || is_taken(h, &alts[k], symbols);
            if (runs) count_launches(h, alts[k].first_step, alts[k].n_steps, symbols, out);
            if (runs && s->kind == PF_CHOICE) break;
        }
    }
}

static frit_status measure(cx *c, const args *a, info_subject *s) {
    artifact_facts *f = &s->facts;
    s->symbols = ARENA_ARRAY(c->job, int64_t, f->info.n_symbols + 1);
    /* A model's dims are already what --dim made of them. */
    args no_dims = *a;
    no_dims.options[OPT_DIM].n = 0;
    bool is_model = str_equal(s->kind, "model");
    TRY(symbols_from_args(c, f, is_model ? &no_dims : a, s->symbols));
    const char *first;
    s->least = symbols_at_least(c->job, f, a, s->symbols, &first);
    if (*s->least)
        s->how =
            arena_printf(c->job, is_model ? "--dim %s=LO..HI@N is for another" : "--dim %s=N is for another", first);
    int64_t n_threads;
    TRY(args_int(c, a, OPT_THREADS, 1, 1024, 0, &n_threads));
    char text[256];
    frit_options o = {.struct_bytes = sizeof o, .n_threads = (uint32_t)n_threads, .max_symbols = s->symbols};
    s->memory.struct_bytes = sizeof s->memory;
    frit_status status = f->a->memory(f->a, &o, &s->memory, text, sizeof text);
    if (status != FRIT_OK) return cx_fail(c, status, s->path, "%s", text);

    target t;
    const char *cpu = pf_string(s->plan, s->plan->cpu);
    if (target_cpu(c, cpu, &t) != FRIT_OK) cx_clear(c), t = (target){.vector_bytes = 16};
    s->kernels = ARENA_ARRAY(c->job, info_kernel, f->info.n_kernels + 1);
    for (uint32_t i = 0; i < f->info.n_kernels; i++) {
        info_kernel *k = &s->kernels[i];
        k->facts.struct_bytes = sizeof k->facts;
        f->a->kernel(f->a, i, &k->facts);
        k->flops = value_or_zero(k->facts.flops_program, s->symbols);
        k->bytes = value_or_zero(k->facts.bytes_program, s->symbols);
        k->predicted_ms = info_predict_ms(k->flops, k->bytes, k->facts.product_group, &t);
        k->facts.n_launches = 0;
    }
    count_launches(s->plan, s->plan->first_step, s->plan->n_steps, s->symbols, s->kernels);
    for (uint32_t i = 0; i < f->info.n_kernels; i++) {
        const info_kernel *k = &s->kernels[i];
        if (!isnan(k->predicted_ms)) s->predicted_ms += k->predicted_ms * k->facts.n_launches;
    }
    return FRIT_OK;
}

frit_status cmd_info(cx *c, const args *a) {
    info_subject s;
    TRY(find_subject(c, a, &s));
    module mod = {.plan = s.plan, .backend = &backend_cpu};
    frit_artifact table = artifact_over(&mod);
    if (s.plan) {
        s.facts = artifact_facts_of(c, &table);
        TRY(measure(c, a, &s));
    }
    TRY(args_has(a, OPT_JSON) ? info_print_json(c, &s) : info_print_text(c, &s));
    return s.refusal ? cx_fail(c, FRIT_UNSUPPORTED, NULL, "%s", s.refusal) : FRIT_OK;
}
