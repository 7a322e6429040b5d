/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads the text form of kernels (see kernel_text.c for what it looks like) with a dim table of its own. */
#include "ir/kernel/kernel_parse.h"

#include <stdarg.h>
#include <string.h>

/* --- symbols --- */

/* "R in 1..64 @8, ..." */
static frit_status parse_ranges(kparser *p) {
    do {
        const char *name;
        sym_id s;
        TRY(kparse_sym_name(p, &name));
        if (dim_sym_find(p->k->dims, name, &s)) return kparse_fail(p, "symbol '%s' is declared twice", name);
        dim d = dim_sym(p->k->dims, name);
        dim_is_sym(p->k->dims, d, &s);
        sym_info *info = dim_sym_info(p->k->dims, s);
        if (!kparse_word(p, "in")) return kparse_fail(p, "expected 'in' and a range");
        TRY(kparse_i64(p, &info->lo));
        TRY(kparse_expect(p, ".."));
        TRY(kparse_i64(p, &info->hi));
        if (info->lo > info->hi) return kparse_fail(p, "an empty range");
        if (kparse_take(p, "@")) TRY(kparse_i64(p, &info->hint));
        p->n_syms = dim_n_syms(p->k->dims);
    } while (kparse_take(p, ","));
    return FRIT_OK;
}

/* The new symbol must have got the name that the text gives it. */
static frit_status declared(kparser *p, dim d, const char *name) {
    sym_id s = SYM_NONE;
    bool is_sym = dim_is_sym(p->k->dims, d, &s);
    p->n_syms = dim_n_syms(p->k->dims);
    if (!is_sym || strcmp(dim_sym_info(p->k->dims, s)->name, name) != 0)
        return kparse_fail(p, "symbol '%s' is declared twice", name);
    return FRIT_OK;
}

static frit_status parse_axes_line(kparser *p) {
    do {
        const char *name;
        dim extent;
        TRY(kparse_sym_name(p, &name));
        TRY(kparse_expect(p, "<"));
        TRY(kparse_dim(p, &extent));
        TRY(declared(p, dim_axis(p->k->dims, name, extent), name));
    } while (kparse_take(p, ","));
    return FRIT_OK;
}

static frit_status parse_index_line(kparser *p) {
    const char *name;
    dim extent;
    kx x;
    TRY(kparse_sym_name(p, &name));
    TRY(kparse_expect(p, "<"));
    TRY(kparse_dim(p, &extent));
    TRY(kparse_expect(p, "="));
    TRY(kparse_expr(p, &x));
    p->temps.n = 0;
    if (kx_dtype(p->k, x) != FRIT_DT_I64) return kparse_fail(p, "an index must be an i64");
    return declared(p, kx_loaded(p->k, x, extent, name), name);
}

/* --- buffers --- */

static frit_status parse_buffer(kparser *p, kbuf *out, dim shape[KPARSE_MAX_RANK], dim strides[KPARSE_MAX_RANK]) {
    buf_id seen;
    *out = (kbuf){.shape = shape};
    TRY(kparse_name(p, &out->name));
    if (kparse_find_buffer(p, out->name, &seen)) return kparse_fail(p, "buffer '%s' is declared twice", out->name);
    TRY(kparse_expect(p, ":"));
    TRY(kparse_dtype(p, &out->dt));
    TRY(kparse_expect(p, "["));
    while (!kparse_peek(p, "]")) {
        if (out->rank == KPARSE_MAX_RANK) return kparse_fail(p, "more than %d axes", KPARSE_MAX_RANK);
        if (out->rank) TRY(kparse_expect(p, ","));
        TRY(kparse_dim(p, &shape[out->rank++]));
    }
    TRY(kparse_expect(p, "]"));
    if (!kparse_word(p, "strides")) return FRIT_OK;
    TRY(kparse_expect(p, "["));
    TRY(kparse_dims(p, out->rank, strides));
    out->strides = arena_copy(p->k->a, strides, out->rank * sizeof(dim));
    return kparse_expect(p, "]");
}

static frit_status parse_param(kparser *p) {
    dim shape[KPARSE_MAX_RANK], strides[KPARSE_MAX_RANK];
    kbuf b;
    bool is_written = kparse_word(p, "out"), is_const = !is_written && kparse_word(p, "const");
    TRY(parse_buffer(p, &b, shape, strides));
    buf_id id = kernel_param(p->k, b.name, b.dt, b.rank, shape, is_written);
    p->k->bufs.at[id].strides = b.strides;
    p->k->bufs.at[id].is_const = is_const;
    return FRIT_OK;
}

static frit_status parse_local(kparser *p, kbuf_scope scope) {
    dim shape[KPARSE_MAX_RANK], strides[KPARSE_MAX_RANK];
    kbuf b;
    TRY(parse_buffer(p, &b, shape, strides));
    buf_id id = kernel_local(p->k, b.name, b.dt, scope, b.rank, shape);
    p->k->bufs.at[id].strides = b.strides;
    return FRIT_OK;
}

/* --- definitions --- */

static frit_status parse_axis_list(kparser *p, uint32_t *out_n, sym_id axes[KPARSE_MAX_AXES]) {
    do {
        if (*out_n == KPARSE_MAX_AXES) return kparse_fail(p, "more than %d axes", KPARSE_MAX_AXES);
        TRY(kparse_axis(p, &axes[(*out_n)++]));
    } while (kparse_take(p, ","));
    return FRIT_OK;
}

/* "-> y" or "-> y[d, ...]" */
static frit_status parse_def_out(kparser *p, kdef *d, dim at[KPARSE_MAX_RANK]) {
    const char *name;
    TRY(kparse_name(p, &name));
    if (!kparse_find_buffer(p, name, &d->out)) return kparse_fail(p, "there is no buffer '%s'", name);
    uint32_t rank = p->k->bufs.at[d->out].rank;
    if (!kparse_take(p, "[")) {
        if (rank != d->n_axes) return kparse_fail(p, "'%s' has %u axes, the definition %u", name, rank, d->n_axes);
        return FRIT_OK;
    }
    TRY(kparse_dims(p, rank, at));
    d->out_at = at;
    return kparse_expect(p, "]");
}

static frit_status parse_def(kparser *p) {
    sym_id axes[KPARSE_MAX_AXES], raxes[KPARSE_MAX_AXES];
    dim out_at[KPARSE_MAX_RANK];
    kdef d = {.axes = axes, .raxes = raxes, .n_values = 1, .out = KID_NONE};
    def_id seen;
    TRY(kparse_temps(p));
    TRY(kparse_name(p, &d.name));
    if (kparse_find_def(p, d.name, &seen)) return kparse_fail(p, "'%s' is defined twice", d.name);
    TRY(kparse_expect(p, "["));
    if (!kparse_peek(p, "]")) TRY(parse_axis_list(p, &d.n_axes, axes));
    TRY(kparse_expect(p, "]"));
    if (kparse_take(p, "->")) TRY(parse_def_out(p, &d, out_at));
    TRY(kparse_expect(p, "="));
    if (kparse_word(p, "reduce")) {
        TRY(parse_axis_list(p, &d.n_raxes, raxes));
        if (!kparse_word(p, "with")) return kparse_fail(p, "expected 'with' and a combiner");
        TRY(kparse_combiner(p, &d.comb));
        if (!kparse_word(p, "of")) return kparse_fail(p, "expected 'of'");
        d.n_values = combiner_info_of(d.comb)->n;
    }
    TRY(kparse_values(p, d.n_values, d.value));
    kernel_def(p->k, &d);
    return FRIT_OK;
}

/* --- the kernel --- */

static frit_status parse_schedule(kparser *p) {
    kschedule *s = &p->k->schedule;
    s->is_cuda = kparse_word(p, "cuda");
    if (!s->is_cuda && !kparse_word(p, "cpu")) return kparse_fail(p, "expected 'cpu' or 'cuda'");
    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < countof(kschedule_fields) && !found; i++) {
            uint32_t v = 0;
            if (!kparse_word(p, kschedule_fields[i].name)) continue;
            TRY(kparse_u32(p, &v));
            memcpy((char *)s + kschedule_fields[i].offset, &v, sizeof v);
            found = true;
        }
    }
    return FRIT_OK;
}

static frit_status parse_title(kparser *p) {
    strbuf b = {.a = p->k->a};
    TRY(kparse_expect(p, "\""));
    for (; *p->at && *p->at != '"'; p->at++) {
        if (*p->at == '\\' && p->at[1]) p->at++;
        strbuf_addc(&b, *p->at);
    }
    p->k->title = strbuf_text(&b);
    return kparse_expect(p, "\"");
}

static frit_status parse_phase(kparser *p) {
    klist l = {0};
    TRY(kparse_expect(p, "{"));
    TRY(kparse_list(p, &l));
    vec_push(p->k->a, p->k->phases, l.first);
    return FRIT_OK;
}

static frit_status parse_item(kparser *p) {
    TRY(kparse_temps(p));
    if (kparse_word(p, "title")) return parse_title(p);
    if (kparse_word(p, "schedule")) return parse_schedule(p);
    if (kparse_word(p, "flops")) return kparse_dim(p, &p->k->flops);
    if (kparse_word(p, "bytes")) return kparse_dim(p, &p->k->bytes);
    if (kparse_word(p, "tile")) return parse_local(p, KB_TILE);
    if (kparse_word(p, "reg")) return parse_local(p, KB_REG);
    if (kparse_word(p, "axis")) return parse_axes_line(p);
    if (kparse_word(p, "index")) return parse_index_line(p);
    if (kparse_word(p, "phase")) return parse_phase(p);
    if (!kparse_word(p, "define")) return kparse_fail(p, "expected a part of a kernel");
    TRY(kparse_expect(p, "{"));
    while (!kparse_take(p, "}")) TRY(parse_def(p));
    return FRIT_OK;
}

/* Ranges stand after the parameters whose shapes use them: they are read first. */
static frit_status parse_head(kparser *p) {
    const char *params = p->at;
    const char *where = strstr(p->at, " where ");
    const char *brace = strchr(p->at, '{');
    if (!brace) return kparse_fail(p, "expected '{'");
    bool has_ranges = where && where < brace;
    if (has_ranges) {
        p->at = where + strlen(" where ");
        TRY(parse_ranges(p));
    }
    const char *after = p->at;
    p->at = params;
    TRY(kparse_expect(p, "("));
    while (!kparse_take(p, ")")) {
        if (p->k->n_params) TRY(kparse_expect(p, ","));
        TRY(parse_param(p));
    }
    if (has_ranges) p->at = after;
    return kparse_expect(p, "{");
}

frit_status kernel_parse(cx *c, const char *where, const char *text, arena *a, kernel **out) {
    kparser p = {.c = c, .where = where, .start = text, .at = text};
    const char *name;
    if (!kparse_word(&p, "kernel")) return kparse_fail(&p, "expected 'kernel'");
    TRY(kparse_expect(&p, "@"));
    TRY(kparse_name(&p, &name));
    p.k = kernel_new(a, name, dim_table_new(a));
    TRY(parse_head(&p));
    while (!kparse_take(&p, "}")) TRY(parse_item(&p));
    kparse_space(&p);
    if (*p.at) return kparse_fail(&p, "text after the kernel");
    *out = p.k;
    return FRIT_OK;
}
