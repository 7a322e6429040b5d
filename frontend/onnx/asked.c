/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the caller asks of a model's inputs: ranges, names and ties of their dims, and constants in their place. */
#include "frontend/onnx/reader.h"

static bool is_among(const char *name, uint32_t n, const char *const *names) {
    for (uint32_t i = 0; i < n; i++)
        if (str_equal(names[i], name)) return true;
    return false;
}

static const onnx_dim_option *dim_option(const reader *r, const char *name, bool is_range) {
    for (uint32_t i = 0; i < r->options->n_dims; i++) {
        const onnx_dim_option *o = &r->options->dims[i];
        if ((o->kind == ONNX_DIM_RANGE) == is_range && str_equal(o->name, name)) return o;
    }
    return NULL;
}

/* What a dim of the model is called in the end; *out_range: what --dim says of its values, NULL nothing. */
static const char *final_name(reader *r, const char *name, const onnx_dim_option **out_range) {
    *out_range = dim_option(r, name, true);
    for (uint32_t n = 0; n <= r->options->n_dims; n++) {
        const onnx_dim_option *o = dim_option(r, name, false);
        if (!o) return name;
        name = o->other;
        const onnx_dim_option *range = dim_option(r, name, true);
        if (range) *out_range = range;
    }
    fail_node(r, FRIT_USAGE, "--dim: '%s' is tied to itself in a circle", name);
    return name;
}

/* The symbol of that name, or the number that --dim gives it. */
static dim symbol(reader *r, const char *name, bool may_be_empty) {
    const onnx_dim_option *range;
    if (!is_among(name, r->dim_names.n, r->dim_names.at)) vec_push(r->c->job, r->dim_names, name);
    name = final_name(r, name, &range);
    if (range && range->lo == range->hi) return dimi(r, range->lo);
    sym_id s;
    bool is_new = !dim_sym_find(r->dims, name, &s);
    dim d = dim_sym(r->dims, name);
    dim_is_sym(r->dims, d, &s);
    sym_info *info = dim_sym_info(r->dims, s);
    if (is_new && may_be_empty) info->lo = 0;
    if (range) info->lo = range->lo, info->hi = range->hi, info->hint = range->hint;
    return d;
}

/* Extents of an input: numbers, named symbols (shared by name), or a symbol of their own named INPUT.AXIS. */
void asked_shape(reader *r, const onnx_value_info *info, dim *shape) {
    for (uint32_t i = 0; i < info->dims.n; i++) {
        const onnx_dim *d = &info->dims.at[i];
        bool is_named = d->param && *d->param && !str_equal(d->param, "?");
        if (d->value > 0)
            shape[i] = dimi(r, d->value);
        else if (is_named)
            shape[i] = symbol(r, d->param, false);
        else
            shape[i] = symbol(r, arena_printf(r->c->job, "%s.%u", info->name, i),
                              !d->param && d->value == 0 && info->has_shape);
    }
}

const onnx_const *asked_const(const reader *r, const char *name) {
    for (uint32_t i = 0; i < r->options->n_consts; i++)
        if (str_equal(r->options->consts[i].name, name)) return &r->options->consts[i];
    return NULL;
}

/* A --const has the type and the extents that the model declares of that input. */
frit_status asked_check_const(reader *r, const onnx_value_info *info, const const_data *given) {
    dtype dt = onnx_dtype(info->type);
    if (given->dt != dt)
        return FAIL(r->c, TYPE, info->name, "the model declares %s, the constant given is %s", dtype_name(dt),
                    dtype_name(given->dt));
    if (info->has_shape && info->dims.n != given->dims.n)
        return FAIL(r->c, SHAPE, info->name, "the model declares %u dims, the constant given has %u", info->dims.n,
                    given->dims.n);
    for (uint32_t i = 0; i < info->dims.n; i++) {
        int64_t declared = info->dims.at[i].value;
        if (declared > 0 && declared != given->dims.at[i])
            return FAIL(r->c, SHAPE, info->name, "dim %u is %lld in the model, %lld in the constant given", i,
                        (long long)declared, (long long)given->dims.at[i]);
    }
    return FRIT_OK;
}

/* name is none of names: says so, with a suggestion and what there is. */
static frit_status unknown_name(reader *r, const char *what, const char *name, uint32_t n, const char *const *names) {
    const char *near = str_nearest(name, names, n);
    const char *meant = near ? arena_printf(r->c->job, "; did you mean '%s'?", near) : "";
    return FAIL(r->c, USAGE, r->path, "has no %s '%s'%s (%ss: %s)", what, name, meant, what,
                str_list(r->c->job, names, n));
}

/* A --const that names no input. */
frit_status asked_check_consts(reader *r) {
    const onnx_graph *g = r->model.graph;
    const char **names = ARENA_ARRAY(r->c->job, const char *, g->inputs.n + 1);
    for (uint32_t i = 0; i < g->inputs.n; i++) names[i] = g->inputs.at[i].name;
    for (uint32_t k = 0; k < r->options->n_consts; k++) {
        const char *name = r->options->consts[k].name;
        if (!is_among(name, g->inputs.n, names)) return unknown_name(r, "input", name, g->inputs.n, names);
    }
    return FRIT_OK;
}

/* Whether a dim is called name in the model or by a --dim OLD:NEW. */
static bool is_dim_name(const reader *r, const char *name) {
    for (uint32_t i = 0; i < r->options->n_dims; i++)
        if (r->options->dims[i].kind == ONNX_DIM_RENAMED && str_equal(r->options->dims[i].other, name)) return true;
    return is_among(name, r->dim_names.n, r->dim_names.at);
}

/* A new name is nobody else's: two dims of one name would be one dim. */
static frit_status check_rename(reader *r, uint32_t at) {
    const onnx_dim_option *o = &r->options->dims[at];
    bool is_taken = is_among(o->other, r->dim_names.n, r->dim_names.at);
    for (uint32_t i = 0; i < at && !is_taken; i++)
        is_taken = r->options->dims[i].kind == ONNX_DIM_RENAMED && str_equal(r->options->dims[i].other, o->other);
    if (!is_taken) return FRIT_OK;
    return FAIL(r->c, USAGE, r->path, "a dim '%s' is there already; --dim %s=%s ties the two", o->other, o->name,
                o->other);
}

/* A --dim that names no symbol of an input, or an empty range. */
frit_status asked_check_dims(reader *r) {
    for (uint32_t k = 0; k < r->options->n_dims; k++) {
        const onnx_dim_option *d = &r->options->dims[k];
        const char *unknown = NULL;
        if (!is_dim_name(r, d->name)) unknown = d->name;
        if (d->kind == ONNX_DIM_TIED && !is_dim_name(r, d->other)) unknown = d->other;
        if (unknown) return unknown_name(r, "dim", unknown, r->dim_names.n, r->dim_names.at);
        if (d->kind == ONNX_DIM_RENAMED) TRY(check_rename(r, k));
        bool is_empty = d->kind == ONNX_DIM_RANGE && (d->lo < 0 || d->lo > d->hi);
        if (is_empty) return FAIL(r->c, USAGE, d->name, "a dim's range is LO..HI with 0 <= LO <= HI");
    }
    return FRIT_OK;
}
