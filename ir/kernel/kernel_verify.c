/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What must hold of a kernel:
 *
 *   references   every buffer, accumulator, let, definition and symbol that is mentioned exists; one index per axis
 *   types        stored and folded values have the dtype of their place; conditions are bools
 *   definitions  read earlier definitions only, and neither accumulators nor lets
 *   scopes       the tree reads no definition; lets and accumulators are set once, before they are read, and read in
 *                their statement list or below it; an axis is mentioned inside its loop only, and has one loop at a
 *                time
 *   loops        parallel loops stand outermost and hold nothing beside each other; lanes are powers of two
 *   sums         an accumulator of several partials is not updated after its first read; updates pass at most one lane
 *                loop inside its declaration; its lanes are a power of two
 *   barriers     not in vec loops; in thread loops of extent == lanes only; not below a condition that differs by
 *                thread
 *   stores       go to local buffers and to parameters that are marked as written
 *   registers    reg buffers have constant shapes and, on CUDA, are indexed by unrolled axes only
 *   leaves       the laws of kleaf that can be seen in index expressions; no lane loop around
 *   bounds       no access is outside its buffer for sure; those that cannot be proved inside are listed by
 *                kernel_unproven (--checked guards them)
 *   overlap      no two items of a phase store to the same place for sure; unproved cases are listed too
 *
 * Statements and definitions are here; expressions and indices in kernel_verify_expr.c; leaves in
 * kernel_verify_leaf.c. */
#include "ir/kernel/kernel_verify.h"

enum { SHARED_LIMIT = 227 * 1024 }; /* bytes of shared memory that a block of any supported GPU can be given */

/* --- stores --- */

static frit_status check_store(verifier *v, const kstmt *s) {
    buf_id b = s->u.store.buf;
    CHECK(v, b < v->k->bufs.n, "buffer %u does not exist", b);
    const kbuf *buf = &v->k->bufs.at[b];
    CHECK(v, buf->is_written, "%s is stored to, but not marked as written", buf->name);
    TRY(kverify_typed(v, s->u.store.value, buf->dt, "a stored value"));
    if (s->u.store.pred) TRY(kverify_typed(v, s->u.store.pred, FRIT_DT_BOOL, "the predicate of a store"));
    uint32_t n_facts = v->n_facts;
    kverify_assume(v, s->u.store.pred);
    v->check++;
    TRY(kverify_access(v, b, s->u.store.at));
    TRY(kverify_reg_index(v, b, s->u.store.at));
    TRY(kverify_overlap(v, b, s->u.store.at, s->u.store.pred));
    v->n_facts = n_facts;
    return FRIT_OK;
}

/* --- statements --- */

static frit_status check_list(verifier *v, const kstmt *s);

static frit_status check_loop(verifier *v, const kstmt *s) {
    sym_id axis = s->u.loop.axis;
    kloop_kind kind = s->u.loop.kind;
    CHECK(v, v->n_loops < KVERIFY_MAX_DEPTH, "loops nested too deep");
    CHECK(v, axis < dim_n_syms(v->k->dims) && dim_sym_info(v->k->dims, axis)->kind == SYM_AXIS,
          "a loop without an axis");
    CHECK(v, !kverify_is_bound(v, axis), "axis %s has two loops in each other", kverify_sym(v, axis));
    if (kind == KL_PAR) {
        bool is_outermost = !v->n_loops || v->loops[v->n_loops - 1]->u.loop.kind == KL_PAR;
        CHECK(v, is_outermost && !s->next, "parallel loop over %s is not outermost", kverify_sym(v, axis));
    }
    if (kverify_is_lane_loop(s))
        CHECK(v, kverify_is_power(s->u.loop.lanes), "lanes of %s are no power of two", kverify_sym(v, axis));
    if (kind == KL_VEC)
        CHECK(v, !s->u.loop.unroll || kverify_is_power(s->u.loop.unroll), "unroll of %s", kverify_sym(v, axis));
    v->check++;
    TRY(kverify_dim(v, dim_sym_info(v->k->dims, axis)->extent));
    v->loops[v->n_loops++] = s;
    TRY(check_list(v, s->u.loop.body));
    v->n_loops--;
    return FRIT_OK;
}

static frit_status check_branch(verifier *v, const kstmt *s) {
    TRY(kverify_typed(v, s->u.branch.cond, FRIT_DT_BOOL, "a condition"));
    uint32_t n_facts = v->n_facts;
    kverify_assume(v, s->u.branch.cond);
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
    CHECK(v, a->lanes == 1 || kverify_lane_loops(v) <= v->acc_lanes[id] + 1, "%s is updated through two lane loops",
          a->name);
    for (uint32_t i = 0; i < combiner_info_of(a->comb)->n; i++)
        TRY(kverify_typed(v, s->u.update.value[i], a->dt[i], "an update"));
    CHECK(v, a->lanes == 1 || v->acc_phase[id] == ACC_OPEN, "%s is read by its own update", a->name);
    return FRIT_OK;
}

static frit_status check_acc(verifier *v, acc_id id) {
    CHECK(v, id < v->k->accs.n, "accumulator %u does not exist", id);
    const kacc *a = &v->k->accs.at[id];
    CHECK(v, v->acc_phase[id] == ACC_UNDECLARED, "%s is declared twice", a->name);
    CHECK(v, kverify_is_power(a->lanes), "lanes of %s are no power of two", a->name);
    v->acc_phase[id] = ACC_OPEN;
    v->acc_lanes[id] = kverify_lane_loops(v);
    return FRIT_OK;
}

static frit_status check_barrier(verifier *v) {
    for (uint32_t i = 0; i < v->n_loops; i++) {
        const kstmt *s = v->loops[i];
        int64_t extent;
        bool is_const = dim_is_const(v->k->dims, dim_sym_info(v->k->dims, s->u.loop.axis)->extent, &extent);
        CHECK(v, s->u.loop.kind != KL_VEC, "a barrier in a vec loop");
        CHECK(v, s->u.loop.kind != KL_THREAD || (is_const && extent == s->u.loop.lanes),
              "a barrier in the thread loop over %s, whose extent is not its lanes", kverify_sym(v, s->u.loop.axis));
    }
    return FRIT_OK;
}

static frit_status check_let(verifier *v, let_id id) {
    CHECK(v, id < v->k->lets.n, "let %u does not exist", id);
    CHECK(v, v->let_is_set[id] == 0, "%s is set twice", v->k->lets.at[id].name);
    v->check++;
    TRY(kverify_expr(v, v->k->lets.at[id].value));
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
        return kverify_leaf(v, s->u.leaf);
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
        TRY(kverify_expr(v, d->value[i]));
    }
    if (d->out != KID_NONE) {
        CHECK(v, d->out < v->k->n_params, "definition %s writes no parameter", d->name);
        const kbuf *out = &v->k->bufs.at[d->out];
        CHECK(v, out->is_written, "definition %s writes %s, which is not marked as written", d->name, out->name);
        CHECK(v, out->dt == kx_dtype(v->k, d->value[0]), "definition %s: %s has another dtype", d->name, out->name);
        CHECK(v, d->out_at || out->rank == d->n_axes, "definition %s: %s has another rank", d->name, out->name);
        v->check++;
        if (d->out_at) TRY(kverify_access(v, d->out, d->out_at));
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
            TRY(kverify_dim(v, buf->shape[i]));
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
