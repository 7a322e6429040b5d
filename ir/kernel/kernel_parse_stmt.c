/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statements of the kernel text form. */
#include "ir/kernel/kernel_parse.h"

static frit_status parse_loop(kparser *p, kloop_kind kind, klist *l) {
    sym_id axis;
    dim extent;
    uint32_t lanes = 0, unroll = 0, prefetch = 0;
    TRY(kparse_axis(p, &axis));
    TRY(kparse_expect(p, "<"));
    TRY(kparse_dim(p, &extent));
    if (extent != dim_sym_info(p->k->dims, axis)->extent) return kparse_fail(p, "the axis has another extent");
    if (kparse_word(p, "by")) TRY(kparse_u32(p, &lanes));
    if (kparse_word(p, "x")) TRY(kparse_u32(p, &unroll));
    bool is_serial = kparse_word(p, "serial");
    if (kparse_word(p, "prefetch")) TRY(kparse_u32(p, &prefetch));
    kstmt *loop = kstmt_loop(p->k, l, kind, axis, lanes, unroll);
    loop->u.loop.prefetch = prefetch;
    loop->u.loop.is_serial = is_serial;
    klist body = {0};
    TRY(kparse_expect(p, "{"));
    TRY(kparse_list(p, &body));
    klist_close(loop, &body);
    return FRIT_OK;
}

static frit_status parse_if(kparser *p, klist *l) {
    kx cond;
    TRY(kparse_bool(p, &cond));
    kstmt *s = kstmt_if(p->k, l, cond);
    klist body = {0}, orelse = {0};
    TRY(kparse_expect(p, "{"));
    TRY(kparse_list(p, &body));
    klist_close(s, &body);
    if (!kparse_word(p, "else")) return FRIT_OK;
    TRY(kparse_expect(p, "{"));
    TRY(kparse_list(p, &orelse));
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
    TRY(kparse_combiner(p, &comb));
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
    dim at[KPARSE_MAX_RANK];
    TRY(kparse_name(p, &name));
    if (!kparse_find_buffer(p, name, out)) return kparse_fail(p, "there is no buffer '%s'", name);
    uint32_t rank = p->k->bufs.at[*out].rank;
    TRY(kparse_expect(p, "["));
    TRY(kparse_dims(p, rank, at));
    *out_at = arena_copy(p->k->a, at, rank * sizeof(dim));
    return kparse_expect(p, "]");
}

static frit_status parse_leaf_axis(kparser *p, sym_id *out, dim *out_extent) {
    TRY(kparse_axis(p, out));
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
    if (kparse_word(p, "by")) TRY(kparse_u32(p, &leaf.k_pack));
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
    TRY(kparse_values(p, n, values));
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
    TRY(kparse_temps(p));
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
frit_status kparse_list(kparser *p, klist *out) {
    if (++p->depth > KPARSE_MAX_DEPTH) return kparse_fail(p, "nested too deep");
    while (!kparse_take(p, "}")) TRY(parse_stmt(p, out));
    p->depth--;
    return FRIT_OK;
}
