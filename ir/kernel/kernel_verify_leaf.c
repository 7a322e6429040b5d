/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The laws of kleaf (kernel.h) that can be seen in index expressions. */
#include "ir/kernel/kernel_verify.h"

/* The offset of buffer b at `at` is linear in s; out_coeff without s. */
static frit_status linear_in(verifier *v, buf_id b, const dim *at, sym_id s, dim *out_coeff) {
    dim rest;
    dim offset = kbuf_offset((kernel *)v->k, b, at);
    CHECK(v, dim_linear(v->k->dims, offset, s, out_coeff, &rest), "leaf: %s is not linear in %s", v->k->bufs.at[b].name,
          kverify_sym(v, s));
    return FRIT_OK;
}

/* The steps of a pack are neighbours in a and in b, and packs are evenly spaced in b. */
static frit_status check_leaf_packs(verifier *v, const kleaf *l, dim a_step) {
    dim_table *t = v->k->dims;
    dim offset = kbuf_offset((kernel *)v->k, l->b, l->b_at), coeff, rest;
    dim pack = dim_const(t, l->k_pack), kk = dim_of_sym(t, l->kk);
    dim first = dim_mul(t, kk, pack);
    dim at_first = dim_subst(t, offset, 1, &l->kk, &first);
    CHECK(v, a_step == dim_const(t, 1), "leaf: a does not have unit stride in %s", kverify_sym(v, l->kk));
    CHECK(v, dim_linear(t, at_first, l->kk, &coeff, &rest), "leaf: b is not linear in the packs of %s",
          kverify_sym(v, l->kk));
    for (uint32_t i = 1; i < l->k_pack; i++) {
        dim here = dim_add(t, first, dim_const(t, i));
        dim at = dim_subst(t, offset, 1, &l->kk, &here);
        CHECK(v, dim_sub(t, at, at_first) == dim_const(t, i), "leaf: a pack of b does not lie together");
    }
    return FRIT_OK;
}

static frit_status check_leaf_types(verifier *v, const kleaf *l) {
    dtype c = v->k->bufs.at[l->c].dt;
    bool is_power = (l->k_pack & (l->k_pack - 1)) == 0 && l->k_pack <= 64;
    CHECK(v, is_power, "leaf: packs of %u steps", l->k_pack);
    bool is_pairs =
        l->k_pack == 2 && c == FRIT_DT_F32 && dtype_k_pack(v->k->bufs.at[l->a].dt, v->k->bufs.at[l->b].dt) == 2;
    CHECK(v, dtype_is_integer(c) || is_pairs, "leaf: packs of steps are for integers and bf16, not %s", dtype_name(c));
    return FRIT_OK;
}

/* Columns of b are `between` elements apart, all of them or those of a panel. */
static frit_status check_leaf_columns(verifier *v, const kleaf *l, dim between) {
    dim_table *t = v->k->dims;
    dim coeff;
    if (!l->b_panel) {
        TRY(linear_in(v, l->b, l->b_at, l->col, &coeff));
        CHECK(v, coeff == between, "leaf: b does not have unit stride in the column");
        return FRIT_OK;
    }
    CHECK(v, (l->b_panel & (l->b_panel - 1)) == 0 && l->b_panel <= 4096, "leaf: panels of %u columns", l->b_panel);
    dim offset = kbuf_offset((kernel *)v->k, l->b, l->b_at);
    dim first = dim_mul(t, dim_of_sym(t, l->col), dim_const(t, l->b_panel));
    dim at_first = dim_subst(t, offset, 1, &l->col, &first);
    for (uint32_t i = 1; i < l->b_panel; i++) {
        dim here = dim_add(t, first, dim_const(t, i));
        dim apart = dim_sub(t, dim_subst(t, offset, 1, &l->col, &here), at_first);
        CHECK(v, apart == dim_mul(t, between, dim_const(t, i)), "leaf: a panel of b does not lie together");
    }
    return FRIT_OK;
}

static frit_status check_leaf_strides(verifier *v, const kleaf *l) {
    dim one = dim_const(v->k->dims, 1), zero = dim_const(v->k->dims, 0), coeff;
    if (!l->has_taps) TRY(linear_in(v, l->a, l->a_at, l->row, &coeff));
    if (l->has_taps) TRY(linear_in(v, l->b, l->b_at, l->tap, &coeff));
    TRY(linear_in(v, l->a, l->a_at, l->col, &coeff));
    CHECK(v, coeff == zero, "leaf: a depends on the column");
    TRY(linear_in(v, l->a, l->a_at, l->kk, &coeff));
    if (l->a_if) CHECK(v, coeff == one, "leaf: a has a condition and no unit stride");
    if (l->k_pack > 1) {
        TRY(check_leaf_types(v, l));
        TRY(check_leaf_packs(v, l, coeff));
        one = dim_const(v->k->dims, l->k_pack);
    } else {
        TRY(linear_in(v, l->b, l->b_at, l->kk, &coeff));
    }
    TRY(linear_in(v, l->b, l->b_at, l->row, &coeff));
    CHECK(v, coeff == zero, "leaf: b depends on the row");
    TRY(check_leaf_columns(v, l, one));
    one = dim_const(v->k->dims, 1);
    TRY(linear_in(v, l->c, l->c_at, l->row, &coeff));
    TRY(linear_in(v, l->c, l->c_at, l->kk, &coeff));
    CHECK(v, coeff == zero, "leaf: c depends on k");
    TRY(linear_in(v, l->c, l->c_at, l->col, &coeff));
    CHECK(v, coeff == one, "leaf: c does not have unit stride in the column");
    return FRIT_OK;
}

static frit_status check_leaf_access(verifier *v, const kleaf *l) {
    uint32_t n_facts = v->n_facts;
    const sym_id syms[3] = {l->row, l->col, l->kk};
    const dim extents[3] = {l->rows, kleaf_cols(v->k->dims, l), kleaf_steps(v->k->dims, l)};
    v->leaf = l;
    for (int i = 0; i < 3; i++)
        v->facts[v->n_facts++] = (fact){.d = dim_of_sym(v->k->dims, syms[i]), .bound = extents[i], .is_upper = true};
    if (l->has_taps)
        v->facts[v->n_facts++] = (fact){.d = dim_of_sym(v->k->dims, l->tap), .bound = l->n_taps, .is_upper = true};
    TRY(kverify_access(v, l->c, l->c_at));
    TRY(kverify_access(v, l->b, l->b_at));
    if (l->a_if) TRY(kverify_typed(v, l->a_if, FRIT_DT_BOOL, "leaf: its condition on a"));
    if (l->factor) {
        dtype dt = v->k->bufs.at[l->c].dt;
        CHECK(v, dtype_is_float(dt), "leaf: a factor of c, which is no float");
        TRY(kverify_typed(v, l->factor, dt, "leaf: the factor of c"));
    }
    uint32_t n_without = v->n_facts;
    kverify_assume(v, l->a_if);
    TRY(kverify_access(v, l->a, l->a_at));
    v->n_facts = n_without;
    TRY(kverify_overlap(v, l->c, l->c_at, 0));
    v->n_facts = n_facts;
    v->leaf = NULL;
    return FRIT_OK;
}

frit_status kverify_leaf(verifier *v, const kleaf *l) {
    CHECK(v, l->a < v->k->bufs.n && l->b < v->k->bufs.n && l->c < v->k->bufs.n, "leaf: a buffer does not exist");
    CHECK(v, v->k->bufs.at[l->c].is_written, "leaf: %s is not marked as written", v->k->bufs.at[l->c].name);
    CHECK(v, kverify_lane_loops(v) == 0, "leaf: inside a lane loop");
    CHECK(v, v->n_facts + 4 <= KVERIFY_MAX_FACTS, "leaf: nested too deep");
    v->check++;
    TRY(kverify_dim(v, l->rows));
    TRY(kverify_dim(v, l->cols));
    TRY(kverify_dim(v, l->n_k));
    if (l->has_taps) TRY(kverify_dim(v, l->n_taps));
    CHECK(v, !dim_lt(v->k->dims, dim_const(v->k->dims, l->max_cols), l->cols), "leaf: more columns than its most");
    CHECK(v, (l->padded & (l->padded - 1)) == 0 && l->padded <= 4096, "leaf: padded to %u columns", l->padded);
    if (l->accumulate_if) TRY(kverify_typed(v, l->accumulate_if, FRIT_DT_BOOL, "leaf: its condition"));
    TRY(check_leaf_strides(v, l));
    return check_leaf_access(v, l);
}
