/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inputs for running an artifact: read from the files that the command line names, or made up for measuring. */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "driver/session.h"
#include "runtime/runtime.h"

enum { ALIGN = 64 };

/* --- from files --- */

static frit_status find_input(cx *c, const artifact_facts *f, const char *name, uint32_t *out) {
    for (uint32_t i = 0; i < f->info.n_inputs; i++) {
        *out = i;
        if (str_equal(f->inputs[i].name, name)) return FRIT_OK;
    }
    const char **names = ARENA_ARRAY(c->scratch, const char *, f->info.n_inputs + 1);
    for (uint32_t i = 0; i < f->info.n_inputs; i++) names[i] = f->inputs[i].name;
    TRY(args_unknown(c, "input", name, names, f->info.n_inputs));
    return FRIT_USAGE;
}

static frit_status read_given(cx *c, const artifact_facts *f, const args *a, bool *has, tensor *out) {
    const struct opt_values *given = &a->options[OPT_INPUT];
    for (uint32_t i = 0; i < given->n; i++) {
        const char *name, *path;
        uint32_t input;
        TRY(args_pair(c, OPT_INPUT, given->at[i], &name, &path));
        TRY(find_input(c, f, name, &input));
        frit_status status = tensor_file_read(c, path, (dtype)f->inputs[input].dtype, &out[input]);
        if (status != FRIT_OK) {
            cx_prefix(c, arena_printf(c->job, "input '%s'", name));
            return status;
        }
        has[input] = true;
    }
    return FRIT_OK;
}

/* --- made up --- */

frit_status symbols_from_args(cx *c, const artifact_facts *f, const args *a, int64_t *out) {
    const char **names = ARENA_ARRAY(c->scratch, const char *, f->info.n_symbols + 1);
    uint32_t n_names = 0;
    for (uint32_t i = 0; i < f->info.n_symbols; i++) {
        const frit_symbol *s = &f->symbols[i];
        out[i] = s->hint ? s->hint : s->lo;
        if (s->kind < FRIT_SYMBOL_UNUSED) names[n_names++] = s->name;
    }
    const struct opt_values *given = &a->options[OPT_DIM];
    for (uint32_t i = 0; i < given->n; i++) {
        const char *name, *text;
        uint32_t at = 0;
        int64_t n;
        TRY(args_pair(c, OPT_DIM, given->at[i], &name, &text));
        while (at < f->info.n_symbols && !str_equal(f->symbols[at].name, name)) at++;
        if (at == f->info.n_symbols) return args_unknown(c, "dim", name, names, n_names);
        if (!str_parse_i64(text, &n)) return FAIL(c, USAGE, name, "--dim wants a number here, not '%s'", text);
        const frit_symbol *s = &f->symbols[at];
        if (n < s->lo || n > s->hi)
            return FAIL(c, RANGE, name, "%" PRId64 " is not in %" PRId64 "..%" PRId64 ", which the artifact is for", n,
                        s->lo, s->hi);
        out[at] = n;
    }
    return FRIT_OK;
}

/* Values in -1..1 from a hash of the index: no two neighbours alike, the same everywhere. */
static void invent_elements(tensor *t, uint32_t input) {
    size_t n = (size_t)tensor_count(t);
    for (size_t i = 0; i < n; i++) {
        uint64_t key[2] = {i, input};
        double x = (double)(hash_bytes(key, sizeof key, 1) >> 40) * 0x1p-23 - 1;
        bool is_float = dtype_is_float(t->dt);
        dtype_store(t->dt, t->data, i, dtype_from_f64(t->dt, is_float ? x : t->dt == FRIT_DT_BOOL));
    }
}

/* An element that a symbol is read from gets that symbol's value. */
static void place_symbols(const artifact_facts *f, uint32_t input, const int64_t *symbols, tensor *t) {
    for (uint32_t i = 0; i < f->info.n_symbols; i++) {
        const frit_symbol *s = &f->symbols[i];
        bool is_here = s->kind == FRIT_SYMBOL_ELEMENT && s->input == input && s->axis < tensor_count(t);
        if (is_here) dtype_store(t->dt, t->data, s->axis, dtype_from_f64(t->dt, (double)symbols[i]));
    }
}

static frit_status invent(cx *c, const artifact_facts *f, uint32_t input, const int64_t *symbols, tensor *out) {
    const frit_port *p = &f->inputs[input];
    *out = (tensor){.dt = (dtype)p->dtype, .rank = p->rank};
    for (uint32_t i = 0; i < p->rank; i++)
        if (!dim_code_run(p->program[i], symbols, &out->shape[i]) || out->shape[i] < 0)
            return FAIL(c, RANGE, p->name, "dim %u (%s) cannot be computed", i, p->dim_text[i]);
    frit_tensor shape = {.rank = (int32_t)p->rank, .dims = out->shape};
    int64_t count = tensor_elements(&shape);
    if (count < 0 || count > INT64_C(1) << 40) return FAIL(c, RANGE, p->name, "this input would be too large");
    out->data = arena_alloc_aligned(c->job, dtype_bytes(out->dt, (size_t)count) + ALIGN, ALIGN);
    invent_elements(out, input);
    place_symbols(f, input, symbols, out);
    return FRIT_OK;
}

/* Symbols that the given inputs decide take their values from there, so that what is made up fits them. */
static void symbols_from_given(const artifact_facts *f, const bool *has, const tensor *inputs, int64_t *symbols) {
    for (uint32_t i = 0; i < f->info.n_symbols; i++) {
        const frit_symbol *s = &f->symbols[i];
        if (s->kind >= FRIT_SYMBOL_UNUSED || !has[s->input]) continue;
        const tensor *t = &inputs[s->input];
        bool is_plain = s->kind == FRIT_SYMBOL_DIM && s->axis < t->rank &&
                        str_equal(f->inputs[s->input].dim_text[s->axis], s->name);
        if (is_plain) symbols[i] = t->shape[s->axis];
        if (s->kind == FRIT_SYMBOL_ELEMENT && s->axis < tensor_count(t))
            symbols[i] = dtype_load(t->dt, t->data, s->axis).i;
    }
}

frit_status inputs_from_args(cx *c, const artifact_facts *f, const args *a, bool may_invent, tensor *out) {
    bool *has = ARENA_ARRAY(c->job, bool, f->info.n_inputs + 1);
    TRY(read_given(c, f, a, has, out));
    int64_t *symbols = ARENA_ARRAY(c->job, int64_t, f->info.n_symbols + 1);
    if (may_invent) {
        TRY(symbols_from_args(c, f, a, symbols));
        symbols_from_given(f, has, out, symbols);
    }
    for (uint32_t i = 0; i < f->info.n_inputs; i++) {
        if (has[i]) continue;
        const frit_port *p = &f->inputs[i];
        if (!may_invent)
            return FAIL(c, MISSING, p->name, "this input (%s) is missing; give it with --input %s=FILE",
                        port_type_text(c->scratch, p), p->name);
        TRY(invent(c, f, i, symbols, &out[i]));
    }
    return FRIT_OK;
}
