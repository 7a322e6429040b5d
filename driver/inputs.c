/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inputs for running an artifact: read from the files that the command line names, or made up for measuring. */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "driver/model_dims.h"
#include "driver/session.h"
#include "runtime/runtime.h"

enum { ALIGN = 64 };

/* --- from files --- */

/* Splits NAME=FILE where NAME is an input: names and files may hold '=', and the longest name that there is wins. */
static frit_status split_input(cx *c, const artifact_facts *f, const char *given, uint32_t *out,
                               const char **out_path) {
    const char *name, **names = ARENA_ARRAY(c->scratch, const char *, f->info.n_inputs + 1);
    size_t longest = 0;
    TRY(args_pair(c, OPT_INPUT, given, &name, out_path));
    for (uint32_t i = 0; i < f->info.n_inputs; i++) {
        size_t n = strlen(f->inputs[i].name);
        names[i] = f->inputs[i].name;
        if (strncmp(given, names[i], n) != 0 || given[n] != '=' || !given[n + 1] || n < longest) continue;
        longest = n;
        *out = i, *out_path = given + n + 1;
    }
    return longest ? FRIT_OK : args_unknown(c, "input", name, names, f->info.n_inputs);
}

static frit_status read_given(cx *c, const artifact_facts *f, const args *a, bool *has, tensor *out) {
    const struct opt_values *given = &a->options[OPT_INPUT];
    const char **paths = ARENA_ARRAY(c->scratch, const char *, f->info.n_inputs + 1);
    for (uint32_t i = 0; i < given->n; i++) {
        uint32_t input = 0;
        const char *path;
        TRY(split_input(c, f, given->at[i], &input, &path));
        if (paths[input]) return FAIL(c, USAGE, NULL, "--input: '%s' is given twice", f->inputs[input].name);
        paths[input] = path;
    }
    for (uint32_t i = 0; i < f->info.n_inputs; i++) {
        if (!paths[i]) continue;
        frit_status status = tensor_file_read(c, paths[i], (dtype)f->inputs[i].dtype, &out[i]);
        if (status != FRIT_OK) {
            cx_prefix(c, arena_printf(c->job, "input '%s'", f->inputs[i].name));
            return status;
        }
        has[i] = true;
    }
    return FRIT_OK;
}

/* --- made up --- */

/* The symbol that --dim names. */
static frit_status find_symbol(cx *c, const artifact_facts *f, const char *name, uint32_t *out) {
    const char **names = ARENA_ARRAY(c->scratch, const char *, f->info.n_symbols + 1);
    uint32_t n_names = 0;
    for (uint32_t i = 0; i < f->info.n_symbols; i++) {
        if (f->symbols[i].kind >= FRIT_SYMBOL_UNUSED) continue;
        if (str_equal(f->symbols[i].name, name)) return *out = i, FRIT_OK;
        names[n_names++] = f->symbols[i].name;
    }
    return args_unknown(c, "dim", name, names, n_names);
}

static frit_status check_value(cx *c, const frit_symbol *s, int64_t n) {
    if (n >= s->lo && n <= s->hi) return FRIT_OK;
    bool is_low = n < s->lo;
    const char *why = is_low ? s->why_lo : s->why_hi;
    if (!why || !*why)
        return FAIL(c, RANGE, s->name, "%" PRId64 " is not in %" PRId64 "..%" PRId64 ", which the artifact is for", n,
                    s->lo, s->hi);
    return FAIL(c, RANGE, NULL,
                "--dim: %s = %" PRId64 " does not fit: this model only works with %s %s %" PRId64 ", from %s", s->name,
                n, s->name,
                s->lo == s->hi ? "="
                : is_low       ? ">="
                               : "<=",
                is_low ? s->lo : s->hi, why);
}

/* Values that --dim gives; has: of which symbols. */
static frit_status read_dims(cx *c, const artifact_facts *f, const args *a, bool *has, int64_t *out) {
    const struct opt_values *given = &a->options[OPT_DIM];
    for (uint32_t i = 0; i < given->n; i++) {
        const char *name, *text;
        uint32_t at = 0;
        int64_t n;
        if (!strchr(given->at[i], '=') && strchr(given->at[i], ':'))
            return FAIL(c, USAGE, NULL, "--dim: '%s' renames a dim, which is for frit compile", given->at[i]);
        TRY(args_pair(c, OPT_DIM, given->at[i], &name, &text));
        TRY(find_symbol(c, f, name, &at));
        if (!str_parse_i64(text, &n)) return FAIL(c, USAGE, name, "--dim wants a number here, not '%s'", text);
        TRY(check_value(c, &f->symbols[at], n));
        out[at] = n;
        has[at] = true;
    }
    return FRIT_OK;
}

/* By how much a demand of the artifact is missed at the values. */
static fit_miss demand_miss(void *data, uint32_t demand, const int64_t *values) {
    const pf_header *h = data;
    const pf_contract *k = &PF_ROWS(h, pf_contract, contracts)[demand];
    int64_t lhs, rhs;
    fit_miss m = {.is_order = k->kind == PF_AT_MOST};
    m.is_known = !k->is_late && plan_dim(h, k->lhs, values, &lhs) && plan_dim(h, k->rhs, values, &rhs) &&
                 !__builtin_sub_overflow(rhs, lhs, &m.by);
    m.holds = m.is_known && bind_contract_holds(k->kind, lhs, rhs);
    return m;
}

/* Changes symbols that nobody gave so that the artifact's demands are kept, where that can be. */
static void fit_symbols(cx *c, const artifact_facts *f, const bool *has, int64_t *symbols) {
    uint32_t n = f->info.n_symbols;
    int64_t *lo = ARENA_ARRAY(c->scratch, int64_t, n + 1u), *hi = ARENA_ARRAY(c->scratch, int64_t, n + 1u);
    bool *is_free = ARENA_ARRAY(c->scratch, bool, n + 1u);
    for (uint32_t i = 0; i < n; i++) {
        lo[i] = f->symbols[i].lo, hi[i] = f->symbols[i].hi;
        is_free[i] = !has[i] && f->symbols[i].kind < FRIT_SYMBOL_UNUSED;
    }
    fit_dims(&(fit_problem){.data = (void *)f->plan,
                            .n_demands = f->plan->contracts.count,
                            .n_symbols = n,
                            .miss = demand_miss,
                            .lo = lo,
                            .hi = hi,
                            .is_free = is_free,
                            .values = symbols});
}

static void default_symbols(const artifact_facts *f, int64_t *out) {
    for (uint32_t i = 0; i < f->info.n_symbols; i++)
        out[i] = f->symbols[i].hint ? f->symbols[i].hint : f->symbols[i].lo;
}

frit_status symbols_from_args(cx *c, const artifact_facts *f, const args *a, int64_t *out) {
    bool *has = ARENA_ARRAY(c->scratch, bool, f->info.n_symbols + 1);
    default_symbols(f, out);
    TRY(read_dims(c, f, a, has, out));
    fit_symbols(c, f, has, out);
    return FRIT_OK;
}

static bool is_given(const args *a, opt_id id, const char *name) {
    size_t n = strlen(name);
    for (uint32_t i = 0; i < a->options[id].n; i++) {
        const char *given = a->options[id].at[i];
        if (strncmp(given, name, n) == 0 && given[n] == '=') return true;
    }
    return false;
}

const char *symbols_at_least(arena *a, const artifact_facts *f, const args *given, const int64_t *symbols,
                             const char **out_first) {
    strbuf b = {.a = a};
    for (uint32_t i = 0; i < f->info.n_symbols; i++) {
        const frit_symbol *s = &f->symbols[i];
        if (s->kind >= FRIT_SYMBOL_UNUSED || s->lo == s->hi || s->hint || symbols[i] != s->lo) continue;
        if (is_given(given, OPT_DIM, s->name) || is_given(given, OPT_INPUT, f->inputs[s->input].name)) continue;
        if (!b.n) *out_first = s->name;
        strbuf_printf(&b, "%s%s = %" PRId64, b.n ? ", " : "", s->name, symbols[i]);
    }
    return strbuf_text(&b);
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
static void symbols_from_given(const artifact_facts *f, const bool *has, const tensor *inputs, bool *is_known,
                               int64_t *symbols) {
    for (uint32_t i = 0; i < f->info.n_symbols; i++) {
        const frit_symbol *s = &f->symbols[i];
        if (s->kind >= FRIT_SYMBOL_UNUSED || !has[s->input]) continue;
        const tensor *t = &inputs[s->input];
        bool is_plain = s->kind == FRIT_SYMBOL_DIM && s->axis < t->rank &&
                        str_equal(f->inputs[s->input].dim_text[s->axis], s->name);
        bool is_element = s->kind == FRIT_SYMBOL_ELEMENT && s->axis < tensor_count(t);
        if (is_plain) symbols[i] = t->shape[s->axis];
        if (is_element) symbols[i] = dtype_load(t->dt, t->data, s->axis).i;
        is_known[i] = is_known[i] || is_plain || is_element;
    }
}

frit_status inputs_from_args(cx *c, const artifact_facts *f, const args *a, bool may_invent, tensor *out) {
    bool *has = ARENA_ARRAY(c->job, bool, f->info.n_inputs + 1);
    TRY(read_given(c, f, a, has, out));
    int64_t *symbols = ARENA_ARRAY(c->job, int64_t, f->info.n_symbols + 1);
    if (may_invent) {
        bool *is_known = ARENA_ARRAY(c->scratch, bool, f->info.n_symbols + 1);
        default_symbols(f, symbols);
        TRY(read_dims(c, f, a, is_known, symbols));
        symbols_from_given(f, has, out, is_known, symbols);
        fit_symbols(c, f, is_known, symbols);
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
