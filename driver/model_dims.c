/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What is asked of a model's dims (--dim), and how their bounds are told. */
#include "driver/model_dims.h"

#include <string.h>

#include "base/str.h"

static frit_status malformed(cx *c, const char *given) {
    return FAIL(c, USAGE, NULL, "--dim: '%s' is not NAME=N, NAME=LO..HI, NAME=LO..HI@HINT, NAME=OTHER or OLD:NEW",
                given);
}

/* OLD:NEW. The last colon splits: names of dims that a model leaves nameless begin with their input's name, which may
 * hold colons. */
static frit_status parse_rename(cx *c, const char *given, onnx_dim_option *out) {
    const char *colon = strrchr(given, ':');
    if (!colon || colon == given || !colon[1]) return malformed(c, given);
    *out = (onnx_dim_option){
        .kind = ONNX_DIM_RENAMED, .name = arena_strndup(c->job, given, (size_t)(colon - given)), .other = colon + 1};
    return FRIT_OK;
}

/* N, LO..HI, LO..HI@HINT */
static bool parse_range(cx *c, const char *text, onnx_dim_option *out) {
    char *lo = arena_strdup(c->scratch, text), *hint = strchr(lo, '@'), *dots = strstr(lo, "..");
    if (hint) *hint++ = 0;
    if (dots) *dots = 0;
    const char *hi = dots ? dots + 2 : lo;
    return str_parse_i64(lo, &out->lo) && str_parse_i64(hi, &out->hi) && (!hint || str_parse_i64(hint, &out->hint));
}

static frit_status check_range(cx *c, const char *given, const onnx_dim_option *o) {
    if (o->lo < 0) return FAIL(c, USAGE, NULL, "--dim: '%s': a dim cannot be negative", given);
    if (o->hi > INT32_MAX) return FAIL(c, USAGE, NULL, "--dim: '%s': a dim is %d at most", given, INT32_MAX);
    if (o->lo > o->hi) return FAIL(c, USAGE, NULL, "--dim: '%s': a range goes from small to large", given);
    if (o->hint && (o->hint < o->lo || o->hint > o->hi))
        return FAIL(c, USAGE, NULL, "--dim: '%s': the hint is outside the range", given);
    return FRIT_OK;
}

frit_status model_dims_parse(cx *c, const char *given, onnx_dim_option *out) {
    const char *equals = strchr(given, '=');
    if (!equals) return parse_rename(c, given, out);
    const char *text = equals + 1;
    if (equals == given || !*text) return malformed(c, given);
    *out = (onnx_dim_option){.kind = ONNX_DIM_RANGE, .name = arena_strndup(c->job, given, (size_t)(equals - given))};
    if (parse_range(c, text, out)) return check_range(c, given, out);
    bool is_number = (*text >= '0' && *text <= '9') || strchr("+-.@", *text);
    if (is_number) return malformed(c, given);
    *out = (onnx_dim_option){.kind = ONNX_DIM_TIED, .name = out->name, .other = text};
    return str_equal(out->name, text) ? FAIL(c, USAGE, NULL, "--dim: '%s' ties a dim to itself", given) : FRIT_OK;
}

/* --- on a graph --- */

bool model_dims_is_given(const graph *g, sym_id s) {
    const sym_info *info = dim_sym_info(g->dims, s);
    if (info->kind == SYM_HOST_ELEM) return true;
    if (info->kind != SYM_INPUT_DIM && info->kind != SYM_FREE) return false;
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        const tensor_type *t = &g->inputs.at[i].type;
        for (uint32_t k = 0; k < t->rank; k++)
            if (dim_depends(g->dims, t->shape[k], s)) return true;
    }
    return false;
}

bool model_dims_is_told(const graph *g, sym_id s) {
    return model_dims_is_given(g, s) || dim_sym_info(g->dims, s)->kind == SYM_RESULT;
}

static frit_status find_dim(cx *c, const graph *g, const char *name, sym_id *out) {
    const char **names = ARENA_ARRAY(c->scratch, const char *, dim_n_syms(g->dims) + 1u);
    uint32_t n = 0;
    for (sym_id s = 0; s < dim_n_syms(g->dims); s++) {
        if (model_dims_is_given(g, s)) names[n++] = dim_sym_info(g->dims, s)->name;
    }
    if (dim_sym_find(g->dims, name, out) && model_dims_is_given(g, *out)) return FRIT_OK;
    const char *near = str_nearest(name, names, n);
    const char *meant = near ? arena_printf(c->job, "; did you mean '%s'?", near) : "";
    return FAIL(c, USAGE, NULL, "--dim: the model has no dim '%s'%s (dims: %s)", name, meant,
                str_list(c->job, names, n));
}

const char *model_dims_bound(arena *a, const sym_info *info, bool is_low) {
    const char *why = is_low ? info->why_lo : info->why_hi;
    bool is_one = info->lo == info->hi;
    if (!why) return NULL;
    return arena_printf(a, "%s, from %s",
                        dim_range_text(a, info->name, is_low || is_one ? info->lo : INT64_MIN,
                                       !is_low || is_one ? info->hi : INT64_MAX),
                        why);
}

/* "seq = 700 does not fit: this model only works with seq <= 512, from /emb/Add" */
static frit_status does_not_fit(cx *c, const onnx_dim_option *o, const sym_info *info) {
    const char *given = dim_range_text(c->scratch, info->name, o->lo, o->hi);
    const char *bound = model_dims_bound(c->scratch, info, o->lo < info->lo);
    if (bound) return FAIL(c, RANGE, NULL, "--dim: %s does not fit: this model only works with %s", given, bound);
    return FAIL(c, RANGE, NULL, "--dim: %s does not fit: the model has %s", given,
                dim_range_text(c->scratch, info->name, info->lo, info->hi));
}

static frit_status set_range(cx *c, graph *g, const onnx_dim_option *o) {
    sym_id s;
    TRY(find_dim(c, g, o->name, &s));
    sym_info *info = dim_sym_info(g->dims, s);
    if (o->lo < info->lo || o->hi > info->hi) return does_not_fit(c, o, info);
    if (o->lo > info->lo) info->why_lo = NULL;
    if (o->hi < info->hi) info->why_hi = NULL;
    info->lo = o->lo, info->hi = o->hi, info->hint = o->hint;
    return FRIT_OK;
}

/* The symbol that stands for s from here on: a new one, or the one that s is tied to. */
static frit_status replacement(cx *c, graph *g, const onnx_dim_option *o, sym_id s, sym_id *out) {
    if (o->kind == ONNX_DIM_RENAMED) {
        if (dim_sym_find(g->dims, o->other, out))
            return FAIL(c, USAGE, NULL, "--dim: a dim '%s' is there already; --dim %s=%s ties the two", o->other,
                        o->name, o->other);
        dim_is_sym(g->dims, dim_sym(g->dims, o->other), out);
        sym_info *info = dim_sym_info(g->dims, *out);
        const char *name = info->name;
        *info = *dim_sym_info(g->dims, s);
        info->name = name;
        return FRIT_OK;
    }
    TRY(find_dim(c, g, o->other, out));
    const sym_info *from = dim_sym_info(g->dims, s);
    sym_info *to = dim_sym_info(g->dims, *out);
    if (from->lo > to->hi || from->hi < to->lo)
        return FAIL(c, RANGE, NULL, "--dim: '%s' and '%s' have no value in common", o->name, o->other);
    if (from->lo > to->lo) to->lo = from->lo, to->why_lo = from->why_lo;
    if (from->hi < to->hi) to->hi = from->hi, to->why_hi = from->why_hi;
    return FRIT_OK;
}

typedef struct exchange {
    dim_table *t;
    sym_id from;
    dim to;
} exchange;

static dim exchanged(void *data, dim d) {
    const exchange *x = data;
    return dim_subst(x->t, d, 1, &x->from, &x->to);
}

static frit_status exchange_dim(cx *c, graph **g, const onnx_dim_option *o) {
    sym_id s, by;
    dim_table *t = (*g)->dims;
    TRY(find_dim(c, *g, o->name, &s));
    TRY(replacement(c, *g, o, s, &by));
    exchange x = {t, s, dim_of_sym(t, by)};
    for (sym_id k = 0; k < dim_n_syms(t); k++) {
        sym_info *info = dim_sym_info(t, k);
        if (info->extent != DIM_BAD) info->extent = exchanged(&x, info->extent);
    }
    return graph_map_dims(c, *g, &(dim_mapping){exchanged, &x, .is_case = false}, g);
}

frit_status model_dims_set(cx *c, graph **g, uint32_t n, const onnx_dim_option *options) {
    for (uint32_t i = 0; i < n; i++)
        if (options[i].kind != ONNX_DIM_RANGE) TRY(exchange_dim(c, g, &options[i]));
    for (uint32_t i = 0; i < n; i++)
        if (options[i].kind == ONNX_DIM_RANGE) TRY(set_range(c, *g, &options[i]));
    return FRIT_OK;
}

frit_status model_dims_check(cx *c, const graph *g, const onnx_dim_option *option) {
    sym_id s;
    if (option->kind != ONNX_DIM_RANGE || !dim_sym_find(g->dims, option->name, &s)) return FRIT_OK;
    const sym_info *info = dim_sym_info(g->dims, s);
    bool is_low = option->hi<info->lo, is_high = option->lo> info->hi;
    bool is_known = (is_low && info->why_lo) || (is_high && info->why_hi);
    return is_known ? does_not_fit(c, option, info) : FRIT_OK;
}

/* --- texts --- */

static bool is_there(const char *why) { return why && *why; }

const char *model_dims_origin(arena *a, int64_t lo, int64_t hi, const char *why_lo, const char *why_hi) {
    bool has_lo = is_there(why_lo), has_hi = is_there(why_hi);
    strbuf b = {.a = a};
    if (lo == hi && has_lo && has_hi && str_equal(why_lo, why_hi)) {
        strbuf_printf(&b, ", from %s", why_lo);
        return strbuf_text(&b);
    }
    if (has_lo) strbuf_printf(&b, ", at least %lld from %s", (long long)lo, why_lo);
    if (has_hi) strbuf_printf(&b, ", at most %lld from %s", (long long)hi, why_hi);
    return strbuf_text(&b);
}

const char *model_dims_figures(arena *a, const sym_info *info, int64_t at) {
    strbuf b = {.a = a};
    strbuf_printf(&b, "%s%s", dim_range_text(a, info->name, info->lo, info->hi),
                  model_dims_origin(a, info->lo, info->hi, info->why_lo, info->why_hi));
    if (info->lo == info->hi) return strbuf_text(&b);
    strbuf_printf(&b, "; figures are for %lld", (long long)at);
    if (!info->hint && at == info->lo && info->kind != SYM_RESULT)
        strbuf_printf(&b, ", the least; --dim %s=%lld..%lld@N is for another", info->name, (long long)info->lo,
                      (long long)info->hi);
    return strbuf_text(&b);
}
