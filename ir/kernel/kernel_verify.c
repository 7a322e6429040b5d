/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What must hold of a kernel:
 *
 *   references   every buffer, accumulator, let, definition and symbol that is mentioned exists; one index per axis
 *   types        stored and folded values have the dtype of their place; conditions are bools
 *   definitions  read earlier definitions only, and neither accumulators nor lets
 *   scopes       the tree reads no definition; lets and accumulators are set once, before they are read, and read in
 *                their statement list or below it; an axis is mentioned inside its loop only, and has one loop at a
 * time loops        parallel loops stand outermost and hold nothing beside each other; lanes are powers of two sums an
 * accumulator of several partials is not updated after its first read; updates pass at most one lane loop inside its
 * declaration; its lanes are a power of two barriers     not in vec loops; in thread loops of extent == lanes only; not
 * below a condition that differs by thread stores       go to local buffers and to parameters that are marked as
 * written registers    reg buffers have constant shapes and, on CUDA, are indexed by unrolled axes only leaves       a
 * is linear in row and kk, b linear in kk with unit stride in col, c linear in row with unit stride in col; columns at
 * most max_cols; no lane loop around bounds       no access is outside its buffer for sure; those that cannot be proved
 * inside are listed by kernel_unproven (--checked guards them) overlap      no two items of a phase store to the same
 * place for sure; unproved cases are listed too */
#include "ir/kernel/kernel.h"

#include <string.h>

enum { MAX_DEPTH = 64, MAX_FACTS = 64 };
enum { SHARED_LIMIT = 227 * 1024 }; /* bytes of shared memory that a block of any supported GPU can be given */

/* lo <= d or d < hi, known where the walk is. */
typedef struct fact {
    dim d, bound;
    bool is_upper;
} fact;

typedef enum acc_phase { ACC_UNDECLARED, ACC_OPEN, ACC_READ, ACC_CLOSED } acc_phase;

typedef struct verifier {
    cx *c;
    const kernel *k;
    strbuf *unproven; /* NULL: not wanted */
    uint32_t n_unproven;
    const kstmt *loops[MAX_DEPTH]; /* around, outermost first */
    uint32_t n_loops;
    const kleaf *leaf; /* its symbols are bound too */
    const kdef *def;   /* likewise */
    fact facts[MAX_FACTS];
    uint32_t n_facts;
    uint8_t *acc_phase;  /* by acc_id */
    uint32_t *acc_lanes; /* lane loops around the declaration */
    uint8_t *let_is_set; /* by let_id: 1 readable, 2 out of scope */
    uint32_t *seen;      /* by expression: number of the check that saw it */
    uint32_t check;
    frit_status status; /* of callbacks that return nothing */
} verifier;

static frit_status bad(verifier *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static frit_status bad(verifier *v, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(v->c->scratch, fmt, ap);
    va_end(ap);
    return FAIL(v->c, INTERNAL, v->k->name, "kernel: %s", text);
}

#define CHECK(v, holds, ...)                                                                                           \
    do {                                                                                                               \
        if (!(holds)) return bad((v), __VA_ARGS__);                                                                    \
    } while (0)

static bool is_power_of_two(uint32_t n) { return n && !(n & (n - 1)); }
static const char *sym_name(verifier *v, sym_id s) { return dim_sym_info(v->k->dims, s)->name; }

static bool is_lane_loop(const kstmt *s) { return s->u.loop.kind == KL_VEC || s->u.loop.kind == KL_THREAD; }

static uint32_t lane_loops(const verifier *v) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_loops; i++) n += is_lane_loop(v->loops[i]);
    return n;
}

/* --- symbols --- */

static bool is_bound(const verifier *v, sym_id s) {
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

static frit_status check_expr(verifier *v, kx x);

static void check_sym(void *data, sym_id s) {
    verifier *v = data;
    const sym_info info = *dim_sym_info(v->k->dims, s);
    if (v->status != FRIT_OK) return;
    if (info.kind == SYM_AXIS && !is_bound(v, s))
        v->status = bad(v, "axis %s is mentioned outside its loop", info.name);
    if (info.kind == SYM_LOADED) v->status = check_expr(v, info.input);
}

static frit_status check_dim(verifier *v, dim d) {
    CHECK(v, d != DIM_BAD, "a dim that cannot be computed");
    kx_visit_dim(v->k->dims, d, check_sym, v);
    return v->status;
}

/* --- bounds --- */

/* Adds what a condition says about dims: its conjuncts of the form index(a) < index(b) and their like. */
static void assume(verifier *v, kx cond) {
    if (!cond || v->n_facts + 2 > MAX_FACTS) return;
    const kx_node *n = &v->k->exprs.at[cond];
    if (n->kind != KX_OP || n->n_args != 2) return;
    if (n->op == OP_and) {
        assume(v, n->arg[0]);
        assume(v, n->arg[1]);
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

static frit_status check_access(verifier *v, buf_id b, const dim *at) {
    CHECK(v, b < v->k->bufs.n, "buffer %u does not exist", b);
    const kbuf *buf = &v->k->bufs.at[b];
    dim zero = dim_const(v->k->dims, 0);
    for (uint32_t i = 0; i < buf->rank; i++) {
        TRY(check_dim(v, at[i]));
        bool is_out = dim_lt(v->k->dims, at[i], zero) || dim_le(v->k->dims, buf->shape[i], at[i]);
        CHECK(v, !is_out, "index %s of axis %u is outside %s", dim_text(v->c->scratch, v->k->dims, at[i]), i,
              buf->name);
        if (!proves_from(v, at[i], zero) || !proves_below(v, at[i], buf->shape[i]))
            list_unproven(v, "access to", buf->name, at[i]);
    }
    return FRIT_OK;
}

static frit_status check_reg_index(verifier *v, buf_id b, const dim *at) {
    const kbuf *buf = &v->k->bufs.at[b];
    if (buf->scope != KB_REG || !v->k->schedule.is_cuda) return FRIT_OK;
    for (uint32_t i = 0; i < v->n_loops; i++) {
        if (v->loops[i]->u.loop.kind == KL_UNROLL) continue;
        for (uint32_t j = 0; j < buf->rank; j++)
            CHECK(v, !dim_depends(v->k->dims, at[j], v->loops[i]->u.loop.axis),
                  "%s is indexed by %s, which is not unrolled", buf->name, sym_name(v, v->loops[i]->u.loop.axis));
    }
    return FRIT_OK;
}

/* --- expressions --- */

static frit_status check_load(verifier *v, const kx_node *n) {
    uint32_t n_facts = v->n_facts;
    if (n->pred) {
        TRY(check_expr(v, n->pred));
        TRY(check_expr(v, n->fill));
        CHECK(v, kx_dtype(v->k, n->pred) == FRIT_DT_BOOL, "the predicate of a load must be a bool");
        CHECK(v, kx_dtype(v->k, n->fill) == n->dt, "the fill value of a load has another dtype");
        assume(v, n->pred);
    }
    TRY(check_access(v, n->ref, n->at));
    TRY(check_reg_index(v, n->ref, n->at));
    v->n_facts = n_facts;
    return FRIT_OK;
}

static frit_status check_def_ref(verifier *v, const kx_node *n) {
    CHECK(v, v->def, "a definition is read in the loop tree");
    CHECK(v, &v->k->defs.at[n->ref] < v->def, "definition %s reads %s, which is not before it", v->def->name,
          v->k->defs.at[n->ref].name);
    for (uint32_t i = 0; i < n->n_at; i++) TRY(check_dim(v, n->at[i]));
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

static frit_status check_expr(verifier *v, kx x) {
    CHECK(v, x && x < v->k->exprs.n, "a missing expression");
    if (v->seen[x] == v->check) return FRIT_OK;
    v->seen[x] = v->check;
    const kx_node *n = &v->k->exprs.at[x];
    for (uint32_t i = 0; i < n->n_args; i++) TRY(check_expr(v, n->arg[i]));
    switch (n->kind) {
    case KX_NONE:
    case KX_CONST:
    case KX_OP:
        return FRIT_OK;
    case KX_INDEX:
        return check_dim(v, n->index);
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

static frit_status check_typed(verifier *v, kx x, dtype dt, const char *what) {
    v->check++;
    TRY(check_expr(v, x));
    CHECK(v, kx_dtype(v->k, x) == dt, "%s is %s, not %s", what, dtype_name(kx_dtype(v->k, x)), dtype_name(dt));
    return FRIT_OK;
}

/* --- stores --- */

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

/* Parallel items may not store to the same place of a parameter. */
static frit_status check_overlap(verifier *v, buf_id b, const dim *at, kx pred) {
    const kbuf *buf = &v->k->bufs.at[b];
    sym_id left[MAX_DEPTH];
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
            return bad(v, "all items along %s store to the same place of %s", sym_name(v, left[i]), buf->name);
        list_unproven(v, "items may overlap in", buf->name, at[0]);
    }
    return FRIT_OK;
}

static frit_status check_store(verifier *v, const kstmt *s) {
    buf_id b = s->u.store.buf;
    CHECK(v, b < v->k->bufs.n, "buffer %u does not exist", b);
    const kbuf *buf = &v->k->bufs.at[b];
    CHECK(v, buf->is_written, "%s is stored to, but not marked as written", buf->name);
    TRY(check_typed(v, s->u.store.value, buf->dt, "a stored value"));
    if (s->u.store.pred) TRY(check_typed(v, s->u.store.pred, FRIT_DT_BOOL, "the predicate of a store"));
    uint32_t n_facts = v->n_facts;
    assume(v, s->u.store.pred);
    v->check++;
    TRY(check_access(v, b, s->u.store.at));
    TRY(check_reg_index(v, b, s->u.store.at));
    TRY(check_overlap(v, b, s->u.store.at, s->u.store.pred));
    v->n_facts = n_facts;
    return FRIT_OK;
}

/* --- leaves --- */

/* The offset of buffer b at `at` is linear in s; out_coeff without s. */
static frit_status linear_in(verifier *v, buf_id b, const dim *at, sym_id s, dim *out_coeff) {
    dim rest;
    dim offset = kbuf_offset((kernel *)v->k, b, at);
    CHECK(v, dim_linear(v->k->dims, offset, s, out_coeff, &rest), "leaf: %s is not linear in %s", v->k->bufs.at[b].name,
          sym_name(v, s));
    return FRIT_OK;
}

/* The steps of a group are neighbours in a and in b, and groups are evenly spaced in b. */
static frit_status check_leaf_groups(verifier *v, const kleaf *l, dim a_step) {
    dim_table *t = v->k->dims;
    dim offset = kbuf_offset((kernel *)v->k, l->b, l->b_at), coeff, rest;
    dim group = dim_const(t, l->group), kk = dim_of_sym(t, l->kk);
    dim first = dim_mul(t, kk, group);
    dim at_first = dim_subst(t, offset, 1, &l->kk, &first);
    CHECK(v, a_step == dim_const(t, 1), "leaf: a does not have unit stride in %s", sym_name(v, l->kk));
    CHECK(v, dim_linear(t, at_first, l->kk, &coeff, &rest), "leaf: b is not linear in the groups of %s",
          sym_name(v, l->kk));
    for (uint32_t i = 1; i < l->group; i++) {
        dim here = dim_add(t, first, dim_const(t, i));
        dim at = dim_subst(t, offset, 1, &l->kk, &here);
        CHECK(v, dim_sub(t, at, at_first) == dim_const(t, i), "leaf: a group of b does not lie together");
    }
    return FRIT_OK;
}

static frit_status check_leaf_types(verifier *v, const kleaf *l) {
    dtype c = v->k->bufs.at[l->c].dt;
    bool is_power = (l->group & (l->group - 1)) == 0 && l->group <= 64;
    CHECK(v, is_power, "leaf: groups of %u", l->group);
    bool is_pairs =
        l->group == 2 && c == FRIT_DT_F32 && dtype_product_group(v->k->bufs.at[l->a].dt, v->k->bufs.at[l->b].dt) == 2;
    CHECK(v, dtype_is_integer(c) || is_pairs, "leaf: groups of steps are for integers and bf16, not %s", dtype_name(c));
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
    if (l->group > 1) {
        TRY(check_leaf_types(v, l));
        TRY(check_leaf_groups(v, l, coeff));
        one = dim_const(v->k->dims, l->group);
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
    TRY(check_access(v, l->c, l->c_at));
    TRY(check_access(v, l->b, l->b_at));
    if (l->a_if) TRY(check_typed(v, l->a_if, FRIT_DT_BOOL, "leaf: its condition on a"));
    if (l->factor) {
        dtype dt = v->k->bufs.at[l->c].dt;
        CHECK(v, dtype_is_float(dt), "leaf: a factor of c, which is no float");
        TRY(check_typed(v, l->factor, dt, "leaf: the factor of c"));
    }
    uint32_t n_without = v->n_facts;
    assume(v, l->a_if);
    TRY(check_access(v, l->a, l->a_at));
    v->n_facts = n_without;
    TRY(check_overlap(v, l->c, l->c_at, 0));
    v->n_facts = n_facts;
    v->leaf = NULL;
    return FRIT_OK;
}

static frit_status check_leaf(verifier *v, const kleaf *l) {
    CHECK(v, l->a < v->k->bufs.n && l->b < v->k->bufs.n && l->c < v->k->bufs.n, "leaf: a buffer does not exist");
    CHECK(v, v->k->bufs.at[l->c].is_written, "leaf: %s is not marked as written", v->k->bufs.at[l->c].name);
    CHECK(v, lane_loops(v) == 0, "leaf: inside a lane loop");
    CHECK(v, v->n_facts + 4 <= MAX_FACTS, "leaf: nested too deep");
    v->check++;
    TRY(check_dim(v, l->rows));
    TRY(check_dim(v, l->cols));
    TRY(check_dim(v, l->n_k));
    if (l->has_taps) TRY(check_dim(v, l->n_taps));
    CHECK(v, !dim_lt(v->k->dims, dim_const(v->k->dims, l->max_cols), l->cols), "leaf: more columns than its most");
    CHECK(v, (l->padded & (l->padded - 1)) == 0 && l->padded <= 4096, "leaf: padded to %u columns", l->padded);
    if (l->accumulate_if) TRY(check_typed(v, l->accumulate_if, FRIT_DT_BOOL, "leaf: its condition"));
    TRY(check_leaf_strides(v, l));
    return check_leaf_access(v, l);
}

/* --- statements --- */

static frit_status check_list(verifier *v, const kstmt *s);

static frit_status check_loop(verifier *v, const kstmt *s) {
    sym_id axis = s->u.loop.axis;
    kloop_kind kind = s->u.loop.kind;
    CHECK(v, v->n_loops < MAX_DEPTH, "loops nested too deep");
    CHECK(v, axis < dim_n_syms(v->k->dims) && dim_sym_info(v->k->dims, axis)->kind == SYM_AXIS,
          "a loop without an axis");
    CHECK(v, !is_bound(v, axis), "axis %s has two loops in each other", sym_name(v, axis));
    if (kind == KL_PAR) {
        bool is_outermost = !v->n_loops || v->loops[v->n_loops - 1]->u.loop.kind == KL_PAR;
        CHECK(v, is_outermost && !s->next, "parallel loop over %s is not outermost", sym_name(v, axis));
    }
    if (is_lane_loop(s))
        CHECK(v, is_power_of_two(s->u.loop.lanes), "lanes of %s are no power of two", sym_name(v, axis));
    if (kind == KL_VEC)
        CHECK(v, !s->u.loop.unroll || is_power_of_two(s->u.loop.unroll), "unroll of %s", sym_name(v, axis));
    v->check++;
    TRY(check_dim(v, dim_sym_info(v->k->dims, axis)->extent));
    v->loops[v->n_loops++] = s;
    TRY(check_list(v, s->u.loop.body));
    v->n_loops--;
    return FRIT_OK;
}

static frit_status check_branch(verifier *v, const kstmt *s) {
    TRY(check_typed(v, s->u.branch.cond, FRIT_DT_BOOL, "a condition"));
    uint32_t n_facts = v->n_facts;
    assume(v, s->u.branch.cond);
    TRY(check_list(v, s->u.branch.body));
    v->n_facts = n_facts;
    return check_list(v, s->u.branch.orelse);
}

static frit_status check_update(verifier *v, const kstmt *s) {
    acc_id id = s->u.update.acc;
    CHECK(v, id < v->k->accs.n, "accumulator %u does not exist", id);
    const kacc *a = &v->k->accs.at[id];
    bool is_open = v->acc_phase[id] == ACC_OPEN || (a->lanes == 1 && v->acc_phase[id] == ACC_READ);
    CHECK(v, is_open, "%s is updated %s", a->name,
          v->acc_phase[id] == ACC_READ ? "after it was read" : "where it is not declared");
    CHECK(v, a->lanes == 1 || lane_loops(v) <= v->acc_lanes[id] + 1, "%s is updated through two lane loops", a->name);
    for (uint32_t i = 0; i < combiner_info_of(a->comb)->n; i++)
        TRY(check_typed(v, s->u.update.value[i], a->dt[i], "an update"));
    CHECK(v, a->lanes == 1 || v->acc_phase[id] == ACC_OPEN, "%s is read by its own update", a->name);
    return FRIT_OK;
}

static frit_status check_acc(verifier *v, acc_id id) {
    CHECK(v, id < v->k->accs.n, "accumulator %u does not exist", id);
    const kacc *a = &v->k->accs.at[id];
    CHECK(v, v->acc_phase[id] == ACC_UNDECLARED, "%s is declared twice", a->name);
    CHECK(v, is_power_of_two(a->lanes), "lanes of %s are no power of two", a->name);
    v->acc_phase[id] = ACC_OPEN;
    v->acc_lanes[id] = lane_loops(v);
    return FRIT_OK;
}

static frit_status check_barrier(verifier *v) {
    for (uint32_t i = 0; i < v->n_loops; i++) {
        const kstmt *s = v->loops[i];
        int64_t extent;
        bool is_const = dim_is_const(v->k->dims, dim_sym_info(v->k->dims, s->u.loop.axis)->extent, &extent);
        CHECK(v, s->u.loop.kind != KL_VEC, "a barrier in a vec loop");
        CHECK(v, s->u.loop.kind != KL_THREAD || (is_const && extent == s->u.loop.lanes),
              "a barrier in the thread loop over %s, whose extent is not its lanes", sym_name(v, s->u.loop.axis));
    }
    return FRIT_OK;
}

static frit_status check_let(verifier *v, let_id id) {
    CHECK(v, id < v->k->lets.n, "let %u does not exist", id);
    CHECK(v, v->let_is_set[id] == 0, "%s is set twice", v->k->lets.at[id].name);
    v->check++;
    TRY(check_expr(v, v->k->lets.at[id].value));
    v->let_is_set[id] = 1;
    return FRIT_OK;
}

static frit_status check_stmt(verifier *v, const kstmt *s) {
    switch (s->kind) {
    case KS_LOOP:
        return check_loop(v, s);
    case KS_IF:
        return check_branch(v, s);
    case KS_ACC:
        return check_acc(v, s->u.acc.acc);
    case KS_UPDATE:
        return check_update(v, s);
    case KS_LET:
        return check_let(v, s->u.let.let);
    case KS_STORE:
        return check_store(v, s);
    case KS_LEAF:
        return check_leaf(v, s->u.leaf);
    case KS_BARRIER:
        return check_barrier(v);
    }
    return FRIT_OK;
}

/* Names of a list end with it. */
static frit_status check_list(verifier *v, const kstmt *first) {
    for (const kstmt *s = first; s; s = s->next) TRY(check_stmt(v, s));
    for (const kstmt *s = first; s; s = s->next) {
        if (s->kind == KS_ACC) v->acc_phase[s->u.acc.acc] = ACC_CLOSED;
        if (s->kind == KS_LET) v->let_is_set[s->u.let.let] = 2;
    }
    return FRIT_OK;
}

/* --- definitions, buffers, all --- */

static frit_status check_def(verifier *v, const kdef *d) {
    uint32_t n = d->comb == COMBINE_NONE ? 1 : combiner_info_of(d->comb)->n;
    CHECK(v, d->n_values == n, "definition %s has %u values, not %u", d->name, d->n_values, n);
    CHECK(v, (d->comb == COMBINE_NONE) == (d->n_raxes == 0), "definition %s: a reduction has axes, a map none",
          d->name);
    v->def = d;
    for (uint32_t i = 0; i < n; i++) {
        v->check++;
        TRY(check_expr(v, d->value[i]));
    }
    if (d->out != KID_NONE) {
        CHECK(v, d->out < v->k->n_params, "definition %s writes no parameter", d->name);
        const kbuf *out = &v->k->bufs.at[d->out];
        CHECK(v, out->is_written, "definition %s writes %s, which is not marked as written", d->name, out->name);
        CHECK(v, out->dt == kx_dtype(v->k, d->value[0]), "definition %s: %s has another dtype", d->name, out->name);
        CHECK(v, d->out_at || out->rank == d->n_axes, "definition %s: %s has another rank", d->name, out->name);
        v->check++;
        if (d->out_at) TRY(check_access(v, d->out, d->out_at));
    }
    v->def = NULL;
    return FRIT_OK;
}

static frit_status check_buffers(verifier *v) {
    const kernel *k = v->k;
    CHECK(v, k->n_params <= k->bufs.n, "fewer buffers than parameters");
    for (buf_id b = 0; b < k->bufs.n; b++) {
        const kbuf *buf = &k->bufs.at[b];
        CHECK(v, (b < k->n_params) == (buf->scope == KB_ARENA), "%s: parameters come first and are arena buffers",
              buf->name);
        CHECK(v, buf->dt != FRIT_DT_NONE, "%s has no dtype", buf->name);
        for (uint32_t i = 0; i < buf->rank; i++) {
            v->check++;
            TRY(check_dim(v, buf->shape[i]));
            bool is_const = dim_is_const(k->dims, buf->shape[i], NULL);
            CHECK(v, buf->scope != KB_REG || is_const || !k->schedule.is_cuda, "%s: registers of a symbolic shape",
                  buf->name);
        }
    }
    dim total;
    int64_t bytes;
    kernel_scratch((kernel *)k, KID_NONE, &total);
    bool is_fixed = k->schedule.is_cuda && dim_is_const(k->dims, total, &bytes);
    CHECK(v, !is_fixed || bytes <= SHARED_LIMIT, "%lld bytes of shared memory", (long long)bytes);
    return FRIT_OK;
}

static frit_status verify(verifier *v) {
    const kernel *k = v->k;
    arena *a = v->c->scratch;
    v->acc_phase = ARENA_ARRAY(a, uint8_t, k->accs.n + 1);
    v->acc_lanes = ARENA_ARRAY(a, uint32_t, k->accs.n + 1);
    v->let_is_set = ARENA_ARRAY(a, uint8_t, k->lets.n + 1);
    v->seen = ARENA_ARRAY(a, uint32_t, k->exprs.n);
    TRY(check_buffers(v));
    strbuf *wanted = v->unproven;
    v->unproven = NULL; /* only the tree is run: nothing is listed for definitions */
    for (def_id d = 0; d < k->defs.n; d++) TRY(check_def(v, &k->defs.at[d]));
    v->unproven = wanted;
    v->n_unproven = 0;
    for (uint32_t i = 0; i < k->phases.n; i++) TRY(check_list(v, k->phases.at[i]));
    return FRIT_OK;
}

frit_status kernel_verify(cx *c, const kernel *k) {
    verifier v = {.c = c, .k = k};
    return verify(&v);
}

frit_status kernel_unproven(cx *c, const kernel *k, strbuf *out, uint32_t *out_n) {
    verifier v = {.c = c, .k = k, .unproven = out};
    TRY(verify(&v));
    *out_n = v.n_unproven;
    return FRIT_OK;
}
