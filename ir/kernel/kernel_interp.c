/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs kernels without compiling them: definitions in index order (what is meant), loop trees in exactly the order that
 * ir/kernel/kernel.h states (what compiled code does).
 *
 * Thread loops run one axis value after the other; where the body holds a barrier, all values together, statement by
 * statement. With `checked`, a tile element touched by two threads without a barrier between, or a parameter's element
 * by two parallel items of a phase, one of them writing, is refused: such a kernel has no defined result. So is a load
 * from a local buffer of an element that the item has not written. */
#include "ir/kernel/kernel_interp.h"

#include <string.h>

#include "ir/op/eval_scalar.h"

enum { MAX_AT = 32, MAX_LANE_LOOPS = 8 };

/* --- threads --- */

/* A thread in the state of `like`, or at the start of the kernel. thread_give takes it back. */
static kthread *thread_new(kinterp *s, const kthread *like) {
    const kernel *k = s->k;
    kthread *t = s->pool.n ? s->pool.at[--s->pool.n] : ARENA_NEW(s->a, kthread);
    kthread own = *t;
    if (like) *t = *like;
    t->syms = own.syms ? own.syms : ARENA_ARRAY(s->a, int64_t, s->n_syms + 1);
    t->own = own.own ? own.own : ARENA_ARRAY(s->a, kacc_state *, k->accs.n + 1);
    t->accs = own.accs ? own.accs : ARENA_ARRAY(s->a, kacc_state *, k->accs.n + 1);
    t->lets = own.lets ? own.lets : ARENA_ARRAY(s->a, scalar, k->lets.n + 1);
    memcpy(t->syms, like ? like->syms : s->run->syms, s->n_syms * sizeof *t->syms);
    if (!like) return t;
    memcpy(t->accs, like->accs, k->accs.n * sizeof(kacc_state *));
    memcpy(t->lets, like->lets, k->lets.n * sizeof *t->lets);
    return t;
}

static void thread_give(kinterp *s, kthread *t) { vec_push(s->a, s->pool, t); }

static frit_status run_stmt(kinterp *s, kthread *t, const kstmt *stmt);

static frit_status run_list(kinterp *s, kthread *t, const kstmt *stmt) {
    for (; stmt; stmt = stmt->next) TRY(run_stmt(s, t, stmt));
    return FRIT_OK;
}

static frit_status extent_of(kinterp *s, kthread *t, sym_id axis, int64_t *out) {
    kinterp_fresh(s);
    return kinterp_dim(s, t, dim_sym_info(s->k->dims, axis)->extent, out);
}

/* --- accumulators --- */

static void declare_acc(kinterp *s, kthread *t, acc_id id) {
    const kacc *acc = &s->k->accs.at[id];
    uint32_t n = combiner_info_of(acc->comb)->n;
    kacc_state *state = t->own[id];
    if (!state) {
        state = t->own[id] = ARENA_NEW(s->a, kacc_state);
        state->partials = ARENA_ARRAY(s->a, scalar, (size_t)n * acc->lanes);
    }
    t->accs[id] = state;
    state->lane_depth = t->n_lanes;
    state->is_finished = false;
    for (uint32_t i = 0; i < acc->lanes; i++) kinterp_identity(acc->comb, acc->dt, state->partials + i * n);
}

static frit_status update_acc(kinterp *s, kthread *t, acc_id id, const kx *values) {
    const kacc *acc = &s->k->accs.at[id];
    kacc_state *state = t->accs[id];
    scalar v[COMBINE_MAX];
    if (!state || (state->is_finished && acc->lanes > 1))
        return FAIL(s->c, INTERNAL, s->k->name, "accumulator %s is updated %s", acc->name,
                    state ? "after it was read" : "before its declaration");
    uint32_t n = combiner_info_of(acc->comb)->n;
    for (uint32_t i = 0; i < n; i++) TRY(kinterp_expr(s, t, values[i], &v[i]));
    int64_t lane = t->n_lanes > state->lane_depth ? t->lane[state->lane_depth] % acc->lanes : 0;
    kinterp_combine(s, acc->comb, acc->dt, state->partials + (uint32_t)lane * n, v);
    return FRIT_OK;
}

/* --- leaves --- */

typedef struct leaf_sizes {
    int64_t rows, cols, n_k, n_taps;
    bool accumulate;
} leaf_sizes;

static frit_status leaf_measure(kinterp *s, kthread *t, const kleaf *l, leaf_sizes *out) {
    kinterp_fresh(s);
    TRY(kinterp_dim(s, t, l->rows, &out->rows));
    TRY(kinterp_dim(s, t, l->cols, &out->cols));
    TRY(kinterp_dim(s, t, kleaf_steps(s->k->dims, l), &out->n_k));
    out->n_taps = 1;
    if (l->has_taps) TRY(kinterp_dim(s, t, l->n_taps, &out->n_taps));
    if (out->cols > l->max_cols) return FAIL(s->c, INTERNAL, s->k->name, "a leaf has more columns than its most");
    TRY(kinterp_dim(s, t, kleaf_cols(s->k->dims, l), &out->cols));
    scalar holds = {.i = l->accumulate};
    if (l->accumulate_if) TRY(kinterp_expr(s, t, l->accumulate_if, &holds));
    out->accumulate = holds.i != 0;
    return FRIT_OK;
}

/* sum = fma(a, b, sum) at the step that the symbols say. */
static frit_status leaf_step(kinterp *s, kthread *t, const kleaf *l, scalar *sum) {
    dtype dt = s->k->bufs.at[l->c].dt;
    scalar a = {0}, b, is_read = {.i = 1};
    kinterp_fresh(s);
    if (l->a_if) TRY(kinterp_expr(s, t, l->a_if, &is_read));
    if (is_read.i) TRY(kinterp_load(s, t, l->a, l->a_at, &a));
    TRY(kinterp_load(s, t, l->b, l->b_at, &b));
    a = dtype_convert(s->k->bufs.at[l->a].dt, dt, a, true);
    b = dtype_convert(s->k->bufs.at[l->b].dt, dt, b, true);
    *sum = kinterp_fma(dt, a, b, *sum);
    return FRIT_OK;
}

static frit_status leaf_element(kinterp *s, kthread *t, const kleaf *l, const leaf_sizes *z) {
    dtype dt = s->k->bufs.at[l->c].dt;
    scalar sum = {0};
    for (int64_t tap = 0; tap < z->n_taps; tap++) {
        if (l->has_taps) t->syms[l->tap] = tap;
        for (int64_t i = 0; i < z->n_k; i++) {
            t->syms[l->kk] = i;
            TRY(leaf_step(s, t, l, &sum));
        }
    }
    kinterp_fresh(s);
    if (z->accumulate) {
        scalar old, factor = dtype_from_f64(dt, 1);
        if (l->factor) TRY(kinterp_expr(s, t, l->factor, &factor));
        TRY(kinterp_load(s, t, l->c, l->c_at, &old));
        sum = kinterp_fma(dt, old, factor, sum);
    }
    return kinterp_store(s, t, l->c, l->c_at, sum);
}

static frit_status run_leaf(kinterp *s, kthread *t, const kleaf *l) {
    leaf_sizes z;
    TRY(leaf_measure(s, t, l, &z));
    for (int64_t row = 0; row < z.rows; row++) {
        t->syms[l->row] = row;
        for (int64_t col = 0; col < z.cols; col++) {
            t->syms[l->col] = col;
            TRY(leaf_element(s, t, l, &z));
        }
    }
    return FRIT_OK;
}

/* --- loops --- */

static bool has_barrier(const kstmt *s) {
    for (; s; s = s->next) {
        if (s->kind == KS_BARRIER) return true;
        if (s->kind == KS_LOOP && has_barrier(s->u.loop.body)) return true;
        if (s->kind == KS_IF && (has_barrier(s->u.branch.body) || has_barrier(s->u.branch.orelse))) return true;
    }
    return false;
}

static bool one_has_barrier(const kstmt *s) {
    return s->kind == KS_BARRIER || (s->kind == KS_LOOP && has_barrier(s->u.loop.body)) ||
           (s->kind == KS_IF && (has_barrier(s->u.branch.body) || has_barrier(s->u.branch.orelse)));
}

static bool is_lane_loop(const kstmt *s) { return s->u.loop.kind == KL_VEC || s->u.loop.kind == KL_THREAD; }

/* Threads that one value of the thread loops around s stands for. */
static uint32_t nest_threads(const kstmt *s) {
    uint32_t most = 1;
    for (; s; s = s->next) {
        uint32_t n = 1, orelse = 1;
        if (s->kind == KS_LOOP) n = nest_threads(s->u.loop.body);
        if (s->kind == KS_LOOP && s->u.loop.kind == KL_THREAD) n *= s->u.loop.lanes;
        if (s->kind == KS_IF) {
            n = nest_threads(s->u.branch.body);
            orelse = nest_threads(s->u.branch.orelse);
        }
        if (n > most) most = n;
        if (orelse > most) most = orelse;
    }
    return most;
}

/* Puts t at value v of a loop's axis; outer is the number of the first thread around the loop. */
static frit_status enter(kinterp *s, kthread *t, const kstmt *loop, int64_t v, uint32_t outer) {
    t->syms[loop->u.loop.axis] = v;
    if (!is_lane_loop(loop)) return FRIT_OK;
    if (t->n_lanes == MAX_LANE_LOOPS) return FAIL(s->c, INTERNAL, s->k->name, "too many lane loops in each other");
    t->lane[t->n_lanes++] = v;
    if (loop->u.loop.kind == KL_THREAD)
        t->thread = outer + (uint32_t)(v % loop->u.loop.lanes) * nest_threads(loop->u.loop.body);
    return FRIT_OK;
}

static frit_status run_group(kinterp *s, uint32_t n, kthread **threads, const kstmt *list);

/* A thread loop whose body has barriers: every axis value becomes a thread of its own, all advance together. */
static frit_status run_thread_loop(kinterp *s, uint32_t n, kthread **threads, const kstmt *loop) {
    int64_t extent;
    TRY(extent_of(s, threads[0], loop->u.loop.axis, &extent));
    if (extent != loop->u.loop.lanes) return FAIL(s->c, INTERNAL, s->k->name, "barrier in a loop of partial threads");
    kthread **inner = ARENA_ARRAY(s->a, kthread *, n * (size_t)extent);
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++)
        for (int64_t v = 0; v < extent; v++) {
            inner[m] = thread_new(s, threads[i]);
            TRY(enter(s, inner[m], loop, v, threads[i]->thread));
            m++;
        }
    TRY(run_group(s, m, inner, loop->u.loop.body));
    while (m-- > 0) thread_give(s, inner[m]);
    return FRIT_OK;
}

static frit_status run_group_loop(kinterp *s, uint32_t n, kthread **threads, const kstmt *loop) {
    if (loop->u.loop.kind == KL_THREAD) return run_thread_loop(s, n, threads, loop);
    int64_t extent;
    TRY(extent_of(s, threads[0], loop->u.loop.axis, &extent));
    for (uint32_t i = 1; i < n; i++) {
        int64_t other;
        TRY(extent_of(s, threads[i], loop->u.loop.axis, &other));
        if (other != extent)
            return FAIL(s->c, INTERNAL, s->k->name, "barrier in a loop whose extent differs by thread");
    }
    for (int64_t v = 0; v < extent; v++) {
        for (uint32_t i = 0; i < n; i++) threads[i]->syms[loop->u.loop.axis] = v;
        TRY(run_group(s, n, threads, loop->u.loop.body));
    }
    return FRIT_OK;
}

static frit_status run_group_if(kinterp *s, uint32_t n, kthread **threads, const kstmt *stmt) {
    scalar first = {0};
    for (uint32_t i = 0; i < n; i++) {
        scalar holds;
        kinterp_fresh(s);
        TRY(kinterp_expr(s, threads[i], stmt->u.branch.cond, &holds));
        if (i && holds.i != first.i)
            return FAIL(s->c, INTERNAL, s->k->name, "barrier in a branch that threads part at");
        first = holds;
    }
    return run_group(s, n, threads, first.i ? stmt->u.branch.body : stmt->u.branch.orelse);
}

static frit_status run_group(kinterp *s, uint32_t n, kthread **threads, const kstmt *list) {
    for (const kstmt *stmt = list; stmt; stmt = stmt->next) {
        if (stmt->kind == KS_BARRIER) {
            s->epoch++;
        } else if (!one_has_barrier(stmt)) {
            for (uint32_t i = 0; i < n; i++) TRY(run_stmt(s, threads[i], stmt));
        } else if (stmt->kind == KS_LOOP) {
            TRY(run_group_loop(s, n, threads, stmt));
        } else {
            TRY(run_group_if(s, n, threads, stmt));
        }
    }
    return FRIT_OK;
}

/* What local buffers hold when an item begins is nobody's business: a load of it is refused, or conspicuous where
 * buffers are not followed. */
static void begin_item(kinterp *s) {
    s->item++;
    s->epoch++;
    s->item_epoch = s->epoch;
    if (!s->run->checked) return;
    for (buf_id b = s->k->n_params; b < s->k->bufs.n; b++)
        memset(s->memory[b].base, 0x7f, dtype_bytes(s->k->bufs.at[b].dt, (size_t)s->memory[b].elements));
}

static bool is_par(const kstmt *s) { return s && s->kind == KS_LOOP && s->u.loop.kind == KL_PAR; }

static frit_status run_loop(kinterp *s, kthread *t, const kstmt *loop) {
    if (loop->u.loop.kind == KL_THREAD && has_barrier(loop->u.loop.body)) return run_thread_loop(s, 1, &t, loop);
    int64_t extent;
    uint32_t outer = t->thread, n_lanes = t->n_lanes;
    TRY(extent_of(s, t, loop->u.loop.axis, &extent));
    for (int64_t v = 0; v < extent; v++) {
        TRY(enter(s, t, loop, v, outer));
        if (is_par(loop) && !is_par(loop->u.loop.body)) begin_item(s);
        TRY(run_list(s, t, loop->u.loop.body));
        t->thread = outer;
        t->n_lanes = n_lanes;
    }
    return FRIT_OK;
}

static frit_status run_store(kinterp *s, kthread *t, const kstmt *stmt) {
    scalar v, holds = {.i = 1};
    if (stmt->u.store.pred) TRY(kinterp_expr(s, t, stmt->u.store.pred, &holds));
    if (!holds.i) return FRIT_OK;
    TRY(kinterp_expr(s, t, stmt->u.store.value, &v));
    return kinterp_store(s, t, stmt->u.store.buf, stmt->u.store.at, v);
}

static frit_status run_stmt(kinterp *s, kthread *t, const kstmt *stmt) {
    kinterp_fresh(s);
    switch (stmt->kind) {
    case KS_LOOP:
        return run_loop(s, t, stmt);
    case KS_IF: {
        scalar holds;
        TRY(kinterp_expr(s, t, stmt->u.branch.cond, &holds));
        return run_list(s, t, holds.i ? stmt->u.branch.body : stmt->u.branch.orelse);
    }
    case KS_ACC:
        declare_acc(s, t, stmt->u.acc.acc);
        return FRIT_OK;
    case KS_UPDATE:
        return update_acc(s, t, stmt->u.update.acc, stmt->u.update.value);
    case KS_LET:
        return kinterp_expr(s, t, s->k->lets.at[stmt->u.let.let].value, &t->lets[stmt->u.let.let]);
    case KS_STORE:
        return run_store(s, t, stmt);
    case KS_LEAF:
        return run_leaf(s, t, stmt->u.leaf);
    case KS_BARRIER:
        s->epoch++;
        return FRIT_OK;
    }
    return FRIT_OK;
}

frit_status kernel_run_tree(cx *c, const kernel_run *r) {
    kinterp s;
    TRY(kinterp_init(&s, c, r));
    for (uint32_t i = 0; i < r->k->phases.n; i++) {
        s.first_item = s.item + 1;
        if (!is_par(r->k->phases.at[i])) begin_item(&s);
        TRY(cx_poll(c));
        TRY(run_list(&s, thread_new(&s, NULL), r->k->phases.at[i]));
    }
    return FRIT_OK;
}

/* --- definitions --- */

/* Folds the values of a definition over its reduced axes from number `axis` on. */
static frit_status reduce_def(kinterp *s, kthread *t, const kdef *d, uint32_t axis, scalar *total) {
    dtype dt[COMBINE_MAX];
    scalar v[COMBINE_MAX];
    int64_t extent;
    if (axis == d->n_raxes) {
        kinterp_fresh(s);
        for (uint32_t i = 0; i < d->n_values; i++) {
            dt[i] = kx_dtype(s->k, d->value[i]);
            TRY(kinterp_expr(s, t, d->value[i], &v[i]));
        }
        kinterp_combine(s, d->comb, dt, total, v);
        return FRIT_OK;
    }
    TRY(extent_of(s, t, d->raxes[axis], &extent));
    for (int64_t i = 0; i < extent; i++) {
        t->syms[d->raxes[axis]] = i;
        TRY(reduce_def(s, t, d, axis + 1, total));
    }
    return FRIT_OK;
}

static frit_status def_element(kinterp *s, kthread *t, const kdef *d, scalar *out) {
    dtype dt[COMBINE_MAX];
    kinterp_fresh(s);
    if (d->comb == COMBINE_NONE) return kinterp_expr(s, t, d->value[0], &out[0]);
    for (uint32_t i = 0; i < d->n_values; i++) dt[i] = kx_dtype(s->k, d->value[i]);
    kinterp_identity(d->comb, dt, out);
    return reduce_def(s, t, d, 0, out);
}

/* Component 0 of element number i goes to the definition's output buffer. */
static frit_status write_out(kinterp *s, kthread *t, const kdef *d, scalar v) {
    dim own[MAX_AT];
    kinterp_fresh(s);
    if (d->out == KID_NONE) return FRIT_OK;
    for (uint32_t i = 0; i < d->n_axes; i++) own[i] = dim_of_sym(s->k->dims, d->axes[i]);
    return kinterp_store(s, t, d->out, d->out_at ? d->out_at : own, v);
}

/* Sets the axes of d to element number i (row-major). */
static void set_axes(kthread *t, const kdef *d, const kdef_values *values, int64_t i) {
    for (uint32_t axis = d->n_axes; axis-- > 0; i /= values->extents[axis])
        t->syms[d->axes[axis]] = i % values->extents[axis];
}

static frit_status run_def(kinterp *s, kthread *t, const kdef *d, kdef_values *out) {
    scalar v[COMBINE_MAX];
    out->elements = 1;
    out->extents = ARENA_ARRAY(s->a, int64_t, d->n_axes + 1);
    for (uint32_t i = 0; i < d->n_axes; i++) {
        TRY(extent_of(s, t, d->axes[i], &out->extents[i]));
        if (out->extents[i] < 0 || __builtin_mul_overflow(out->elements, out->extents[i], &out->elements) ||
            out->elements > INT64_C(1) << 32)
            return FAIL(s->c, RANGE, s->k->name, "definition %s is too large to interpret", d->name);
    }
    out->at = ARENA_ARRAY(s->a, scalar, out->elements * d->n_values + 1);
    for (int64_t i = 0; i < out->elements; i++) {
        set_axes(t, d, out, i);
        TRY(def_element(s, t, d, v));
        for (uint32_t j = 0; j < d->n_values; j++) out->at[out->elements * j + i] = v[j];
    }
    for (int64_t i = 0; i < out->elements; i++) {
        set_axes(t, d, out, i);
        TRY(write_out(s, t, d, out->at[i]));
    }
    return FRIT_OK;
}

frit_status kernel_run_defs(cx *c, const kernel_run *r) {
    kinterp s;
    TRY(kinterp_init(&s, c, r));
    s.defs = ARENA_ARRAY(s.a, kdef_values, r->k->defs.n + 1);
    kthread *t = thread_new(&s, NULL);
    for (def_id d = 0; d < r->k->defs.n; d++) {
        s.first_item = ++s.item; /* each definition is a phase of one item */
        TRY(run_def(&s, t, &r->k->defs.at[d], &s.defs[d]));
    }
    return FRIT_OK;
}
