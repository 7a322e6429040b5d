/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads the text form of kernels (see kernel_text.c for what it looks like) with a dim table of its own. */
#include "ir/kernel/kernel_parse.h"

#include <stdarg.h>
#include <string.h>

enum { MAX_RANK_TEXT = 16, MAX_AXES = 32 };

/* --- the cursor --- */

frit_status kparse_fail(kparser *p, const char *fmt, ...) {
    int n = 1;
    for (const char *s = p->start; s < p->at; s++) n += *s == '\n';
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(p->c->scratch, fmt, ap);
    va_end(ap);
    return FAIL(p->c, FORMAT, p->where, "line %d: %s at '%.24s'", n, text, p->at);
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_name_char(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

/* White space, and comments from "--" to the end of the line. */
void kparse_space(kparser *p) {
    for (;;) {
        if (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')
            p->at++;
        else if (p->at[0] == '-' && p->at[1] == '-')
            p->at += strcspn(p->at, "\n");
        else
            return;
    }
}

bool kparse_peek(kparser *p, const char *text) {
    kparse_space(p);
    return !strncmp(p->at, text, strlen(text));
}

bool kparse_take(kparser *p, const char *text) {
    if (!kparse_peek(p, text)) return false;
    p->at += strlen(text);
    return true;
}

bool kparse_word(kparser *p, const char *word) {
    if (!kparse_peek(p, word) || is_name_char(p->at[strlen(word)])) return false;
    p->at += strlen(word);
    return true;
}

frit_status kparse_expect(kparser *p, const char *text) {
    return kparse_take(p, text) ? FRIT_OK : kparse_fail(p, "expected '%s'", text);
}

frit_status kparse_name(kparser *p, const char **out) {
    kparse_space(p);
    if (!is_letter(*p->at)) return kparse_fail(p, "expected a name");
    size_t n = 0;
    while (is_name_char(p->at[n])) n++;
    *out = arena_strndup(p->c->scratch, p->at, n);
    p->at += n;
    return FRIT_OK;
}

frit_status kparse_i64(kparser *p, int64_t *out) {
    kparse_space(p);
    size_t n = *p->at == '-';
    while (p->at[n] >= '0' && p->at[n] <= '9') n++;
    if (!str_parse_i64(arena_strndup(p->c->scratch, p->at, n), out)) return kparse_fail(p, "expected a number");
    p->at += n;
    return FRIT_OK;
}

frit_status kparse_u32(kparser *p, uint32_t *out) {
    int64_t v;
    TRY(kparse_i64(p, &v));
    if (v < 0 || v > INT32_MAX) return kparse_fail(p, "number out of range");
    *out = (uint32_t)v;
    return FRIT_OK;
}

frit_status kparse_dtype(kparser *p, dtype *out) {
    const char *name;
    TRY(kparse_name(p, &name));
    return dtype_parse(name, out) ? FRIT_OK : kparse_fail(p, "'%s' is no dtype", name);
}

frit_status kparse_dim(kparser *p, dim *out) {
    TRY(dim_parse(p->c, p->k->dims, &p->at, out));
    if (*out == DIM_BAD) return kparse_fail(p, "a dim that cannot be computed");
    if (dim_n_syms(p->k->dims) > p->n_syms)
        return kparse_fail(p, "symbol '%s' is not declared", dim_sym_info(p->k->dims, p->n_syms)->name);
    return FRIT_OK;
}

frit_status kparse_dims(kparser *p, uint32_t n, dim *out) {
    for (uint32_t i = 0; i < n; i++) {
        if (i) TRY(kparse_expect(p, ","));
        TRY(kparse_dim(p, &out[i]));
    }
    return FRIT_OK;
}

bool kparse_find_buffer(const kparser *p, const char *name, buf_id *out) {
    for (*out = 0; *out < p->k->bufs.n; ++*out)
        if (!strcmp(p->k->bufs.at[*out].name, name)) return true;
    return false;
}

bool kparse_find_def(const kparser *p, const char *name, def_id *out) {
    for (*out = 0; *out < p->k->defs.n; ++*out)
        if (!strcmp(p->k->defs.at[*out].name, name)) return true;
    return false;
}

bool kparse_find_acc(const kparser *p, const char *name, acc_id *out) {
    for (*out = 0; *out < p->k->accs.n; ++*out)
        if (!strcmp(p->k->accs.at[*out].name, name)) return true;
    return false;
}

bool kparse_find_let(const kparser *p, const char *name, let_id *out) {
    for (*out = 0; *out < p->k->lets.n; ++*out)
        if (!strcmp(p->k->lets.at[*out].name, name)) return true;
    return false;
}

/* --- symbols --- */

/* A name of dims, quoted where it is no identifier. */
static frit_status parse_sym_name(kparser *p, const char **out) {
    kparse_space(p);
    strbuf b = {.a = p->k->a};
    if (*p->at == '"') {
        for (p->at++; *p->at && *p->at != '"'; p->at++) {
            if (*p->at == '\\' && p->at[1]) p->at++;
            strbuf_addc(&b, *p->at);
        }
        TRY(kparse_expect(p, "\""));
    } else {
        while (is_name_char(*p->at) || *p->at == '.') strbuf_addc(&b, *p->at++);
    }
    if (!b.n) return kparse_fail(p, "expected the name of a symbol");
    *out = strbuf_text(&b);
    return FRIT_OK;
}

/* The id of a symbol that is declared already and is an axis. */
static frit_status parse_axis_ref(kparser *p, sym_id *out) {
    const char *name;
    TRY(parse_sym_name(p, &name));
    if (!dim_sym_find(p->k->dims, name, out)) return kparse_fail(p, "axis '%s' is not declared", name);
    if (dim_sym_info(p->k->dims, *out)->kind != SYM_AXIS) return kparse_fail(p, "'%s' is no axis", name);
    return FRIT_OK;
}

/* "R in 1..64 @8, ..." */
static frit_status parse_ranges(kparser *p) {
    do {
        const char *name;
        sym_id s;
        TRY(parse_sym_name(p, &name));
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
        TRY(parse_sym_name(p, &name));
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
    TRY(parse_sym_name(p, &name));
    TRY(kparse_expect(p, "<"));
    TRY(kparse_dim(p, &extent));
    TRY(kparse_expect(p, "="));
    TRY(kparse_expr(p, &x));
    p->temps.n = 0;
    if (kx_dtype(p->k, x) != FRIT_DT_I64) return kparse_fail(p, "an index must be an i64");
    return declared(p, kx_loaded(p->k, x, extent, name), name);
}

/* --- buffers --- */

static frit_status parse_buffer(kparser *p, kbuf *out, dim shape[MAX_RANK_TEXT], dim strides[MAX_RANK_TEXT]) {
    buf_id seen;
    *out = (kbuf){.shape = shape};
    TRY(kparse_name(p, &out->name));
    if (kparse_find_buffer(p, out->name, &seen)) return kparse_fail(p, "buffer '%s' is declared twice", out->name);
    TRY(kparse_expect(p, ":"));
    TRY(kparse_dtype(p, &out->dt));
    TRY(kparse_expect(p, "["));
    while (!kparse_peek(p, "]")) {
        if (out->rank == MAX_RANK_TEXT) return kparse_fail(p, "more than %d axes", MAX_RANK_TEXT);
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
    dim shape[MAX_RANK_TEXT], strides[MAX_RANK_TEXT];
    kbuf b;
    bool is_written = kparse_word(p, "out"), is_const = !is_written && kparse_word(p, "const");
    TRY(parse_buffer(p, &b, shape, strides));
    buf_id id = kernel_param(p->k, b.name, b.dt, b.rank, shape, is_written);
    p->k->bufs.at[id].strides = b.strides;
    p->k->bufs.at[id].is_const = is_const;
    return FRIT_OK;
}

static frit_status parse_local(kparser *p, kbuf_scope scope) {
    dim shape[MAX_RANK_TEXT], strides[MAX_RANK_TEXT];
    kbuf b;
    TRY(parse_buffer(p, &b, shape, strides));
    buf_id id = kernel_local(p->k, b.name, b.dt, scope, b.rank, shape);
    p->k->bufs.at[id].strides = b.strides;
    return FRIT_OK;
}

/* --- definitions --- */

static frit_status parse_axis_list(kparser *p, uint32_t *out_n, sym_id axes[MAX_AXES]) {
    do {
        if (*out_n == MAX_AXES) return kparse_fail(p, "more than %d axes", MAX_AXES);
        TRY(parse_axis_ref(p, &axes[(*out_n)++]));
    } while (kparse_take(p, ","));
    return FRIT_OK;
}

/* "(v0, v1)" or "v0": n values. */
static frit_status parse_values(kparser *p, uint32_t n, kx *out) {
    if (n > 1) TRY(kparse_expect(p, "("));
    for (uint32_t i = 0; i < n; i++) {
        if (i) TRY(kparse_expect(p, ","));
        TRY(kparse_expr(p, &out[i]));
    }
    return n > 1 ? kparse_expect(p, ")") : FRIT_OK;
}

static frit_status parse_combiner(kparser *p, combiner *out) {
    const char *name;
    TRY(kparse_name(p, &name));
    if (!combiner_parse(name, out) || *out == COMBINE_NONE) return kparse_fail(p, "'%s' is no combiner", name);
    return FRIT_OK;
}

/* "$n = expr" lines; they are numbered from 1 in each statement. */
static frit_status parse_temps(kparser *p) {
    p->temps.n = 0;
    while (kparse_take(p, "$")) {
        uint32_t number = 0;
        kx x;
        TRY(kparse_u32(p, &number));
        if (number != p->temps.n + 1) return kparse_fail(p, "expected $%u", p->temps.n + 1);
        TRY(kparse_expect(p, "="));
        TRY(kparse_expr(p, &x));
        vec_push(p->c->scratch, p->temps, x);
    }
    return FRIT_OK;
}

/* "-> y" or "-> y[d, ...]" */
static frit_status parse_def_out(kparser *p, kdef *d, dim at[MAX_RANK_TEXT]) {
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
    sym_id axes[MAX_AXES], raxes[MAX_AXES];
    dim out_at[MAX_RANK_TEXT];
    kdef d = {.axes = axes, .raxes = raxes, .n_values = 1, .out = KID_NONE};
    def_id seen;
    TRY(parse_temps(p));
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
        TRY(parse_combiner(p, &d.comb));
        if (!kparse_word(p, "of")) return kparse_fail(p, "expected 'of'");
        d.n_values = combiner_info_of(d.comb)->n;
    }
    TRY(parse_values(p, d.n_values, d.value));
    kernel_def(p->k, &d);
    return FRIT_OK;
}

/* --- statements --- */

static frit_status parse_list(kparser *p, klist *out);

static frit_status parse_loop(kparser *p, kloop_kind kind, klist *l) {
    sym_id axis;
    dim extent;
    uint32_t lanes = 0, unroll = 0, ahead = 0;
    TRY(parse_axis_ref(p, &axis));
    TRY(kparse_expect(p, "<"));
    TRY(kparse_dim(p, &extent));
    if (extent != dim_sym_info(p->k->dims, axis)->extent) return kparse_fail(p, "the axis has another extent");
    if (kparse_word(p, "by")) TRY(kparse_u32(p, &lanes));
    if (kparse_word(p, "x")) TRY(kparse_u32(p, &unroll));
    bool is_singly = kparse_word(p, "singly");
    if (kparse_word(p, "ahead")) TRY(kparse_u32(p, &ahead));
    kstmt *loop = kstmt_loop(p->k, l, kind, axis, lanes, unroll);
    loop->u.loop.ahead = ahead;
    loop->u.loop.is_singly = is_singly;
    klist body = {0};
    TRY(kparse_expect(p, "{"));
    TRY(parse_list(p, &body));
    klist_close(loop, &body);
    return FRIT_OK;
}

static frit_status parse_if(kparser *p, klist *l) {
    kx cond;
    TRY(kparse_bool(p, &cond));
    kstmt *s = kstmt_if(p->k, l, cond);
    klist body = {0}, orelse = {0};
    TRY(kparse_expect(p, "{"));
    TRY(parse_list(p, &body));
    klist_close(s, &body);
    if (!kparse_word(p, "else")) return FRIT_OK;
    TRY(kparse_expect(p, "{"));
    TRY(parse_list(p, &orelse));
    klist_close_else(s, &orelse);
    return FRIT_OK;
}

static frit_status fresh_scalar(kparser *p, const char *name) {
    uint32_t seen;
    if (kparse_find_acc(p, name, &seen) || kparse_find_let(p, name, &seen))
        return kparse_fail(p, "'%s' is defined twice", name);
    return FRIT_OK;
}

static frit_status parse_acc(kparser *p, klist *l) {
    const char *name;
    combiner comb;
    dtype dt;
    uint32_t lanes = 1;
    TRY(kparse_name(p, &name));
    TRY(fresh_scalar(p, name));
    TRY(kparse_expect(p, ":"));
    TRY(parse_combiner(p, &comb));
    TRY(kparse_dtype(p, &dt));
    if (kparse_word(p, "lanes")) TRY(kparse_u32(p, &lanes));
    kstmt_acc(p->k, l, kernel_acc(p->k, name, comb, dt, lanes));
    return FRIT_OK;
}

static frit_status parse_let(kparser *p, klist *l) {
    const char *name;
    kx x;
    TRY(kparse_name(p, &name));
    TRY(fresh_scalar(p, name));
    TRY(kparse_expect(p, "="));
    TRY(kparse_expr(p, &x));
    kstmt_let(p->k, l, name, x);
    return FRIT_OK;
}

/* name "[" at "]" */
static frit_status parse_place(kparser *p, buf_id *out, const dim **out_at) {
    const char *name;
    dim at[MAX_RANK_TEXT];
    TRY(kparse_name(p, &name));
    if (!kparse_find_buffer(p, name, out)) return kparse_fail(p, "there is no buffer '%s'", name);
    uint32_t rank = p->k->bufs.at[*out].rank;
    TRY(kparse_expect(p, "["));
    TRY(kparse_dims(p, rank, at));
    *out_at = arena_copy(p->k->a, at, rank * sizeof(dim));
    return kparse_expect(p, "]");
}

static frit_status parse_leaf_axis(kparser *p, sym_id *out, dim *out_extent) {
    TRY(parse_axis_ref(p, out));
    TRY(kparse_expect(p, "<"));
    return kparse_dim(p, out_extent);
}

static frit_status parse_leaf(kparser *p, klist *l) {
    kleaf leaf = {0};
    TRY(parse_leaf_axis(p, &leaf.row, &leaf.rows));
    TRY(kparse_expect(p, ","));
    TRY(parse_leaf_axis(p, &leaf.col, &leaf.cols));
    if (!kparse_word(p, "max")) return kparse_fail(p, "expected 'max' and the most columns");
    TRY(kparse_u32(p, &leaf.max_cols));
    TRY(kparse_expect(p, ","));
    TRY(parse_leaf_axis(p, &leaf.kk, &leaf.n_k));
    if (kparse_word(p, "by")) TRY(kparse_u32(p, &leaf.group));
    while (kparse_take(p, ",")) {
        if (kparse_word(p, "taps")) {
            leaf.has_taps = true;
            TRY(parse_leaf_axis(p, &leaf.tap, &leaf.n_taps));
            continue;
        }
        if (kparse_word(p, "panels")) {
            TRY(kparse_u32(p, &leaf.b_panel));
            continue;
        }
        if (kparse_word(p, "padded")) {
            TRY(kparse_u32(p, &leaf.padded));
            continue;
        }
        bool *flag = kparse_word(p, "walks") ? &leaf.a_walks : kparse_word(p, "streams") ? &leaf.b_streams : NULL;
        if (!flag) return kparse_fail(p, "expected 'taps', 'panels', 'padded', 'walks' or 'streams'");
        *flag = true;
    }
    TRY(kparse_expect(p, ":"));
    TRY(parse_place(p, &leaf.c, &leaf.c_at));
    if (kparse_word(p, "times")) {
        TRY(kparse_expect(p, "("));
        TRY(kparse_expr(p, &leaf.factor));
        TRY(kparse_expect(p, ")"));
    }
    leaf.accumulate = kparse_take(p, "+=");
    if (!leaf.accumulate) TRY(kparse_expect(p, "="));
    TRY(parse_place(p, &leaf.a, &leaf.a_at));
    if (kparse_word(p, "where")) {
        TRY(kparse_expect(p, "("));
        TRY(kparse_bool(p, &leaf.a_if));
        TRY(kparse_expect(p, ")"));
    }
    TRY(kparse_expect(p, "*"));
    TRY(parse_place(p, &leaf.b, &leaf.b_at));
    if (kparse_word(p, "if")) {
        TRY(kparse_bool(p, &leaf.accumulate_if));
        leaf.accumulate = false;
    }
    *kstmt_leaf(p->k, l) = leaf;
    return FRIT_OK;
}

/* name "<-" values */
static frit_status parse_update(kparser *p, const char *name, klist *l) {
    acc_id acc;
    kx values[COMBINE_MAX] = {0};
    if (!kparse_find_acc(p, name, &acc)) return kparse_fail(p, "there is no accumulator '%s'", name);
    const kacc a = p->k->accs.at[acc];
    uint32_t n = combiner_info_of(a.comb)->n;
    TRY(parse_values(p, n, values));
    for (uint32_t i = 0; i < n; i++)
        if (kx_dtype(p->k, values[i]) != a.dt[i]) return kparse_fail(p, "'%s' takes other dtypes", name);
    kstmt_update(p->k, l, acc, values);
    return FRIT_OK;
}

static frit_status parse_store(kparser *p, klist *l) {
    buf_id b;
    const dim *at;
    kx x, pred = 0;
    TRY(parse_place(p, &b, &at));
    TRY(kparse_expect(p, "="));
    TRY(kparse_expr(p, &x));
    if (kx_dtype(p->k, x) != p->k->bufs.at[b].dt) return kparse_fail(p, "the stored value has another dtype");
    if (kparse_word(p, "if")) TRY(kparse_bool(p, &pred));
    kstmt_store(p->k, l, b, at, x, pred);
    return FRIT_OK;
}

static frit_status parse_stmt(kparser *p, klist *l) {
    TRY(parse_temps(p));
    for (size_t i = 0; i < countof(kloop_names); i++)
        if (kparse_word(p, kloop_names[i])) return parse_loop(p, (kloop_kind)i, l);
    if (kparse_word(p, "if")) return parse_if(p, l);
    if (kparse_word(p, "acc")) return parse_acc(p, l);
    if (kparse_word(p, "let")) return parse_let(p, l);
    if (kparse_word(p, "leaf")) return parse_leaf(p, l);
    if (kparse_word(p, "barrier")) {
        kstmt_barrier(p->k, l);
        return FRIT_OK;
    }
    const char *before = p->at;
    const char *name;
    TRY(kparse_name(p, &name));
    if (kparse_take(p, "<-")) return parse_update(p, name, l);
    p->at = before;
    return parse_store(p, l);
}

/* Statements up to and with the closing brace. */
static frit_status parse_list(kparser *p, klist *out) {
    if (++p->depth > KPARSE_MAX_DEPTH) return kparse_fail(p, "nested too deep");
    while (!kparse_take(p, "}")) TRY(parse_stmt(p, out));
    p->depth--;
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
    TRY(parse_list(p, &l));
    vec_push(p->k->a, p->k->phases, l.first);
    return FRIT_OK;
}

static frit_status parse_item(kparser *p) {
    TRY(parse_temps(p));
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
