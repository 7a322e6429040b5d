/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Symbols, indices and expressions of a kernel that is verified, and what conditions say about indices. */
#include "ir/kernel/kernel_verify.h"

frit_status kverify_fail(verifier *v, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(v->c->scratch, fmt, ap);
    va_end(ap);
    return FAIL(v->c, INTERNAL, v->k->name, "kernel: %s", text);
}

/* --- symbols --- */

bool kverify_is_bound(const verifier *v, sym_id s) {
    for (uint32_t i = 0; i < v->n_loops; i++)
        if (v->loops[i]->u.loop.axis == s) return true;
    const kleaf *l = v->leaf;
    if (l && (l->row == s || l->col == s || l->kk == s || (l->has_taps && l->tap == s))) return true;
    for (uint32_t i = 0; v->def && i < v->def->n_axes; i++)
        if (v->def->axes[i] == s) return true;
    for (uint32_t i = 0; v->def && i < v->def->n_raxes; i++)
        if (v->def->raxes[i] == s) return true;
    return false;
}

static void check_sym(void *data, sym_id s) {
    verifier *v = data;
    const sym_info info = *dim_sym_info(v->k->dims, s);
    if (v->status != FRIT_OK) return;
    if (info.kind == SYM_AXIS && !kverify_is_bound(v, s))
        v->status = kverify_fail(v, "axis %s is mentioned outside its loop", info.name);
    if (info.kind == SYM_LOADED) v->status = kverify_expr(v, info.input);
}

frit_status kverify_dim(verifier *v, dim d) {
    CHECK(v, d != DIM_BAD, "a dim that cannot be computed");
    kx_visit_dim(v->k->dims, d, check_sym, v);
    return v->status;
}

/* --- bounds --- */

void kverify_assume(verifier *v, kx cond) {
    if (!cond || v->n_facts + 2 > KVERIFY_MAX_FACTS) return;
    const kx_node *n = &v->k->exprs.at[cond];
    if (n->kind != KX_OP || n->n_args != 2) return;
    if (n->op == OP_and) {
        kverify_assume(v, n->arg[0]);
        kverify_assume(v, n->arg[1]);
        return;
    }
    dim side[2];
    for (int i = 0; i < 2; i++) {
        const kx_node *e = &v->k->exprs.at[n->arg[i]];
        if (e->kind != KX_INDEX && (e->kind != KX_CONST || e->dt != FRIT_DT_I64)) return;
        side[i] = e->kind == KX_INDEX ? e->index : dim_const(v->k->dims, e->value.i);
    }
    dim_table *t = v->k->dims;
    dim one = dim_const(t, 1);
    bool is_less = n->op == OP_lt || n->op == OP_le, is_greater = n->op == OP_gt || n->op == OP_ge;
    if (!is_less && !is_greater) return;
    dim low = side[is_greater], high = side[is_less]; /* low < high, or low <= high */
    bool is_strict = n->op == OP_lt || n->op == OP_gt;
    v->facts[v->n_facts++] = (fact){.d = low, .bound = is_strict ? high : dim_add(t, high, one), .is_upper = true};
    v->facts[v->n_facts++] = (fact){.d = high, .bound = is_strict ? dim_add(t, low, one) : low};
}

/* d < bound: by itself, or because f.d < f.bound and d - f.d <= bound - f.bound. */
static bool proves_below(verifier *v, dim d, dim bound) {
    dim_table *t = v->k->dims;
    if (dim_lt(t, d, bound)) return true;
    for (uint32_t i = 0; i < v->n_facts; i++) {
        const fact f = v->facts[i];
        if (f.is_upper && dim_le(t, dim_sub(t, d, f.d), dim_sub(t, bound, f.bound))) return true;
    }
    return false;
}

static bool proves_from(verifier *v, dim d, dim lo) {
    dim_table *t = v->k->dims;
    if (dim_le(t, lo, d)) return true;
    for (uint32_t i = 0; i < v->n_facts; i++) {
        const fact f = v->facts[i];
        if (!f.is_upper && dim_le(t, dim_sub(t, lo, f.bound), dim_sub(t, d, f.d))) return true;
    }
    return false;
}

static void list_unproven(verifier *v, const char *what, const char *buffer, dim d) {
    v->n_unproven++;
    if (v->unproven)
        strbuf_printf(v->unproven, "%s: %s %s, index %s\n", v->k->name, what, buffer,
                      dim_text(v->c->scratch, v->k->dims, d));
}

frit_status kverify_access(verifier *v, buf_id b, const dim *at) {
    CHECK(v, b < v->k->bufs.n, "buffer %u does not exist", b);
    const kbuf *buf = &v->k->bufs.at[b];
    dim zero = dim_const(v->k->dims, 0);
    for (uint32_t i = 0; i < buf->rank; i++) {
        TRY(kverify_dim(v, at[i]));
        bool is_out = dim_lt(v->k->dims, at[i], zero) || dim_le(v->k->dims, buf->shape[i], at[i]);
        CHECK(v, !is_out, "index %s of axis %u is outside %s", dim_text(v->c->scratch, v->k->dims, at[i]), i,
              buf->name);
        if (!proves_from(v, at[i], zero) || !proves_below(v, at[i], buf->shape[i]))
            list_unproven(v, "access to", buf->name, at[i]);
    }
    return FRIT_OK;
}

frit_status kverify_reg_index(verifier *v, buf_id b, const dim *at) {
    const kbuf *buf = &v->k->bufs.at[b];
    if (buf->scope != KB_REG || !v->k->schedule.is_cuda) return FRIT_OK;
    for (uint32_t i = 0; i < v->n_loops; i++) {
        if (v->loops[i]->u.loop.kind == KL_UNROLL) continue;
        for (uint32_t j = 0; j < buf->rank; j++)
            CHECK(v, !dim_depends(v->k->dims, at[j], v->loops[i]->u.loop.axis),
                  "%s is indexed by %s, which is not unrolled", buf->name, kverify_sym(v, v->loops[i]->u.loop.axis));
    }
    return FRIT_OK;
}

/* --- expressions --- */

static frit_status check_load(verifier *v, const kx_node *n) {
    uint32_t n_facts = v->n_facts;
    if (n->pred) {
        TRY(kverify_expr(v, n->pred));
        TRY(kverify_expr(v, n->fill));
        CHECK(v, kx_dtype(v->k, n->pred) == FRIT_DT_BOOL, "the predicate of a load must be a bool");
        CHECK(v, kx_dtype(v->k, n->fill) == n->dt, "the fill value of a load has another dtype");
        kverify_assume(v, n->pred);
    }
    TRY(kverify_access(v, n->ref, n->at));
    TRY(kverify_reg_index(v, n->ref, n->at));
    v->n_facts = n_facts;
    return FRIT_OK;
}

static frit_status check_def_ref(verifier *v, const kx_node *n) {
    CHECK(v, v->def, "a definition is read in the loop tree");
    CHECK(v, &v->k->defs.at[n->ref] < v->def, "definition %s reads %s, which is not before it", v->def->name,
          v->k->defs.at[n->ref].name);
    for (uint32_t i = 0; i < n->n_at; i++) TRY(kverify_dim(v, n->at[i]));
    return FRIT_OK;
}

static frit_status check_scalar_ref(verifier *v, const kx_node *n) {
    CHECK(v, !v->def, "a definition reads a name of the loop tree");
    if (n->kind == KX_LET) {
        CHECK(v, v->let_is_set[n->ref] == 1, "%s is read where it is not set", v->k->lets.at[n->ref].name);
        return FRIT_OK;
    }
    uint8_t *phase = &v->acc_phase[n->ref];
    CHECK(v, *phase == ACC_OPEN || *phase == ACC_READ, "%s is read where it is not declared",
          v->k->accs.at[n->ref].name);
    *phase = ACC_READ;
    return FRIT_OK;
}

frit_status kverify_expr(verifier *v, kx x) {
    CHECK(v, x && x < v->k->exprs.n, "a missing expression");
    if (v->seen[x] == v->check) return FRIT_OK;
    v->seen[x] = v->check;
    const kx_node *n = &v->k->exprs.at[x];
    for (uint32_t i = 0; i < n->n_args; i++) TRY(kverify_expr(v, n->arg[i]));
    switch (n->kind) {
    case KX_NONE:
    case KX_CONST:
    case KX_OP:
        return FRIT_OK;
    case KX_INDEX:
        return kverify_dim(v, n->index);
    case KX_LOAD:
        return check_load(v, n);
    case KX_DEF:
        return check_def_ref(v, n);
    case KX_ACC:
    case KX_LET:
        return check_scalar_ref(v, n);
    }
    return FRIT_OK;
}

frit_status kverify_typed(verifier *v, kx x, dtype dt, const char *what) {
    v->check++;
    TRY(kverify_expr(v, x));
    CHECK(v, kx_dtype(v->k, x) == dt, "%s is %s, not %s", what, dtype_name(kx_dtype(v->k, x)), dtype_name(dt));
    return FRIT_OK;
}

/* --- stores of parallel items --- */

/* True when two different values of the parallel axes in `left` give different values of d: d is a mixed-radix number
 * whose digits are such axes (removed from the list as they are found), ending in a part smaller than the last radix.
 */
static void strike_digits(verifier *v, dim d, uint32_t *n_left, sym_id *left) {
    dim_table *t = v->k->dims;
    dim zero = dim_const(t, 0);
    for (uint32_t i = 0; i < *n_left; i++) {
        dim radix, rest;
        if (!dim_depends(t, d, left[i]) || !dim_linear(t, d, left[i], &radix, &rest)) continue;
        if (!dim_lt(t, zero, radix) || !proves_from(v, rest, zero) || !dim_lt(t, rest, radix)) continue;
        left[i] = left[--*n_left];
        strike_digits(v, rest, n_left, left);
        return;
    }
}

/* Whether an index mentions a symbol, through loaded indices too. */
typedef struct mention {
    const kernel *k;
    sym_id s;
    bool found;
} mention;

static void find_mention(void *data, sym_id s) {
    mention *m = data;
    const sym_info *info = dim_sym_info(m->k->dims, s);
    m->found = m->found || s == m->s || (info->kind == SYM_LOADED && kx_depends(m->k, info->input, m->s));
}

static bool mentions(const kernel *k, dim d, sym_id s) {
    mention m = {.k = k, .s = s};
    kx_visit_dim(k->dims, d, find_mention, &m);
    return m.found;
}

frit_status kverify_overlap(verifier *v, buf_id b, const dim *at, kx pred) {
    const kbuf *buf = &v->k->bufs.at[b];
    sym_id left[KVERIFY_MAX_DEPTH];
    uint32_t n_left = 0;
    if (buf->scope != KB_ARENA) return FRIT_OK;
    for (uint32_t i = 0; i < v->n_loops; i++)
        if (v->loops[i]->u.loop.kind == KL_PAR) left[n_left++] = v->loops[i]->u.loop.axis;
    for (uint32_t i = 0; i < buf->rank; i++) strike_digits(v, at[i], &n_left, left);
    for (uint32_t i = 0; i < n_left; i++) {
        bool is_used = pred && kx_depends(v->k, pred, left[i]);
        for (uint32_t j = 0; j < buf->rank; j++) is_used |= mentions(v->k, at[j], left[i]);
        int64_t lo, hi;
        dim_bounds(v->k->dims, dim_sym_info(v->k->dims, left[i])->extent, &lo, &hi);
        if (hi == 1) continue;
        if (!is_used && v->n_facts == 0)
            return kverify_fail(v, "all items along %s store to the same place of %s", kverify_sym(v, left[i]),
                                buf->name);
        list_unproven(v, "items may overlap in", buf->name, at[0]);
    }
    return FRIT_OK;
}
