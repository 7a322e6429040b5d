/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statements of loop trees as CUDA C++ text. What stands outside thread loops every thread computes for itself; a store
 * there is thread 0's, between barriers when it goes to shared memory. A leaf there is shared out by elements of its
 * result. */
#include "codegen/cuda/cuda_emit.h"

/* --- loops --- */

static frit_status emit_body(cemit *e, const kstmt *s) {
    uint32_t n_loaded = e->loaded.n, n_names = e->names.n;
    e->indent++;
    TRY(cuda_emit_list(e, s));
    e->indent--;
    while (e->loaded.n > n_loaded) e->sym_name[e->loaded.at[--e->loaded.n]] = NULL;
    while (e->names.n > n_names) cuda_free_name(e, e->names.at[--e->names.n]);
    return FRIT_OK;
}

void cuda_bind_axis(cemit *e, sym_id axis) { e->sym_name[axis] = cuda_name(e, dim_sym_info(e->k->dims, axis)->name); }

static void release_axis(cemit *e, sym_id axis) {
    cuda_free_name(e, e->sym_name[axis]);
    e->sym_name[axis] = NULL;
}

dim cuda_extent(cemit *e, const kstmt *loop) { return dim_sym_info(e->k->dims, loop->u.loop.axis)->extent; }

static frit_status emit_plain_loop(cemit *e, const kstmt *s) {
    sym_id axis = s->u.loop.axis;
    dim extent = cuda_extent(e, s);
    cuda_prepare(e, 0, NULL, 1, &extent);
    const char *end = cuda_dim_text(e, extent);
    cuda_bind_axis(e, axis);
    const char *name = e->sym_name[axis];
    if (s->u.loop.kind == KL_UNROLL) cuda_line(e, "#pragma unroll");
    cuda_line(e, "for (index_t %s = 0; %s < %s; %s++) {", name, name, end, name);
    TRY(emit_body(e, s->u.loop.body));
    cuda_line(e, "}");
    release_axis(e, axis);
    return FRIT_OK;
}

/* The number of this thread among the values of a thread loop whose bodies take `inner` threads each. */
static const char *thread_number(cemit *e, uint32_t inner, uint32_t lanes) {
    const char *s = "threadIdx.x";
    if (inner > 1) s = arena_printf(e->a, "%s / %u", s, inner);
    if (e->n_thread_loops) s = arena_printf(e->a, "%s %% %u", s, lanes);
    return s;
}

static frit_status emit_thread_body(cemit *e, const kstmt *s, uint32_t inner) {
    uint32_t around = e->inner_lanes;
    e->inner_lanes = inner;
    e->n_thread_loops++;
    TRY(emit_body(e, s->u.loop.body));
    e->n_thread_loops--;
    e->inner_lanes = around;
    return FRIT_OK;
}

static frit_status emit_thread_loop(cemit *e, const kstmt *s) {
    sym_id axis = s->u.loop.axis;
    uint32_t lanes = s->u.loop.lanes, inner = cuda_nest_threads(s->u.loop.body), around = e->inner_lanes;
    dim extent = cuda_extent(e, s);
    int64_t known;
    bool is_exact = dim_is_const(e->k->dims, extent, &known) && known == lanes;
    bool is_partial = inner * lanes < around && e->n_thread_loops == 0;
    if (inner * lanes < around && e->n_thread_loops) return cuda_unsupported(e, "thread loops of uneven depth");
    if (is_partial && cuda_has_barrier(s->u.loop.body)) return cuda_unsupported(e, "a barrier for some of the threads");
    cuda_prepare(e, 0, NULL, 1, &extent);
    const char *end = cuda_dim_text(e, extent);
    const char *first = thread_number(e, inner, lanes);
    cuda_bind_axis(e, axis);
    const char *name = e->sym_name[axis];
    if (is_partial) {
        cuda_line(e, "if (threadIdx.x < %u) {", inner * lanes);
        e->indent++;
    }
    bool is_once = dim_le(e->k->dims, extent, dim_const(e->k->dims, lanes));
    if (is_exact)
        cuda_line(e, "{");
    else if (is_once)
        cuda_line(e, "if (const index_t %s = %s; %s < %s) {", name, first, name, end);
    else
        cuda_line(e, "for (index_t %s = %s; %s < %s; %s += %u) {", name, first, name, end, name, lanes);
    if (is_exact) {
        e->indent++;
        cuda_line(e, "const index_t %s = %s;", name, first);
        e->indent--;
    }
    TRY(emit_thread_body(e, s, inner));
    cuda_line(e, "}");
    if (is_partial) {
        e->indent--;
        cuda_line(e, "}");
    }
    release_axis(e, axis);
    return FRIT_OK;
}

static frit_status emit_if(cemit *e, const kstmt *s) {
    cuda_prepare(e, 1, &s->u.branch.cond, 0, NULL);
    cuda_line(e, "if (%s) {", cuda_expr_text(e, s->u.branch.cond));
    TRY(emit_body(e, s->u.branch.body));
    if (s->u.branch.orelse) {
        cuda_line(e, "} else {");
        TRY(emit_body(e, s->u.branch.orelse));
    }
    cuda_line(e, "}");
    return FRIT_OK;
}

/* Which thread stores where several stand for one value, and how they wait for it. */
typedef struct lone_store {
    const char *guard, *wait; /* NULL: each thread stores for itself */
    bool waits_before;
} lone_store;

static frit_status plan_store(cemit *e, const kbuf *buf, lone_store *out) {
    *out = (lone_store){0};
    if (!e->has_threads || buf->scope == KB_REG || e->inner_lanes == 1) return FRIT_OK;
    out->waits_before = buf->scope == KB_TILE;
    if (!e->n_thread_loops) {
        out->guard = "threadIdx.x == 0";
        out->wait = "__syncthreads();";
        return FRIT_OK;
    }
    if (e->inner_lanes > 32) return cuda_unsupported(e, "a store by more than a warp inside a thread loop");
    out->guard = arena_printf(e->a, "threadIdx.x %% %u == 0", e->inner_lanes);
    out->wait = arena_printf(e->a, "__syncwarp(warp_group(%u));", e->inner_lanes);
    return FRIT_OK;
}

static frit_status emit_store(cemit *e, const kstmt *s) {
    buf_id b = s->u.store.buf;
    const kbuf *buf = &e->k->bufs.at[b];
    kx roots[2] = {s->u.store.value, s->u.store.pred};
    lone_store lone;
    TRY(plan_store(e, buf, &lone));
    cuda_prepare(e, 2, roots, buf->rank, s->u.store.at);
    ctext x = cuda_expr(e, s->u.store.value);
    const char *guard = s->u.store.pred ? cuda_expr_text(e, s->u.store.pred) : lone.guard;
    if (s->u.store.pred && lone.guard) guard = arena_printf(e->a, "%s && (%s)", lone.guard, guard);
    if (lone.waits_before) cuda_line(e, "%s", lone.wait);
    const char *text = arena_printf(e->a, "%s = %s;", cuda_place(e, b, s->u.store.at), cuda_stored(e, buf->dt, x));
    if (dtype_bits(buf->dt) < 8)
        text =
            arena_printf(e->a, "store_packed(%s, %s, %u, %s);", e->buf_name[b],
                         cuda_dim_text(e, kbuf_offset((kernel *)e->k, b, s->u.store.at)), dtype_bits(buf->dt), x.text);
    cuda_line(e, guard ? "if (%s) %s" : "%s%s", guard ? guard : "", text);
    if (lone.wait) cuda_line(e, "%s", lone.wait);
    return FRIT_OK;
}

static frit_status emit_let(cemit *e, let_id id) {
    const klet *l = &e->k->lets.at[id];
    cuda_prepare(e, 1, &l->value, 0, NULL);
    const char *text = cuda_expr_text(e, l->value);
    e->let_name[id] = cuda_name(e, l->name);
    cuda_line(e, "const %s %s = %s;", cuda_value_type(kx_dtype(e->k, l->value)), e->let_name[id], text);
    return FRIT_OK;
}

/* --- leaves --- */

static ctext leaf_operand(cemit *e, dtype to, buf_id b, const dim *at) {
    dtype from = e->k->bufs.at[b].dt;
    ctext x = cuda_loaded(e, from, cuda_place(e, b, at));
    return from == to ? x : cuda_op(e, OP_cast, NULL, from, to, &x);
}

/* One element of the result: row and col are bound. */
static void leaf_element(cemit *e, const kleaf *l) {
    dtype dt = e->k->bufs.at[l->c].dt;
    const char *type = cuda_value_type(dt), *zero = cuda_number(e, dt, (scalar){0}).text;
    const char *place = cuda_place(e, l->c, l->c_at), *sum = cuda_name(e, "sum");
    const char *start = l->accumulate ? place : zero;
    if (l->accumulate_if)
        start = arena_printf(e->a, "%s ? %s : %s", cuda_paren(e, cuda_expr(e, l->accumulate_if), CP_TERNARY + 1), place,
                             zero);
    cuda_line(e, "%s %s = %s;", type, sum, start);
    cuda_bind_axis(e, l->kk);
    const char *kk = e->sym_name[l->kk];
    cuda_line(e, "for (index_t %s = 0; %s < %s; %s++) {", kk, kk, cuda_dim_text(e, l->n_k), kk);
    ctext args[3] = {leaf_operand(e, dt, l->a, l->a_at), leaf_operand(e, dt, l->b, l->b_at), {sum, CP_PRIMARY}};
    e->indent++;
    if (dtype_is_float(dt)) {
        cuda_line(e, "%s = %s;", sum, cuda_op(e, OP_fma, NULL, dt, dt, args).text);
    } else {
        ctext both[2] = {args[2], cuda_op(e, OP_mul, NULL, dt, dt, args)};
        cuda_line(e, "%s = %s;", sum, cuda_op(e, OP_add, NULL, dt, dt, both).text);
    }
    e->indent--;
    cuda_line(e, "}");
    cuda_line(e, "%s = %s;", place, sum);
    release_axis(e, l->kk);
    cuda_free_name(e, sum);
}

/* Loaded indices that mention row, col or kk would have to be computed inside: they are refused. */
static frit_status check_leaf(cemit *e, const kleaf *l) {
    const dim *lists[3] = {l->c_at, l->a_at, l->b_at};
    const buf_id bufs[3] = {l->c, l->a, l->b};
    for (int i = 0; i < 3; i++) cuda_prepare(e, 0, NULL, e->k->bufs.at[bufs[i]].rank, lists[i]);
    if (l->has_taps) return cuda_unsupported(e, "a matrix product with taps");
    if (l->factor) return cuda_unsupported(e, "a matrix product that scales what it is added to");
    if (!dtype_is_float(e->k->bufs.at[l->c].dt) && e->k->bufs.at[l->c].dt != FRIT_DT_I32)
        return cuda_unsupported(e, "a matrix product of this dtype");
    return FRIT_OK;
}

static frit_status emit_leaf(cemit *e, const kleaf *l) {
    TRY(check_leaf(e, l));
    if (l->accumulate_if) cuda_prepare(e, 1, &l->accumulate_if, 0, NULL);
    const char *rows = cuda_dim_text(e, l->rows), *cols = cuda_paren(e, cuda_dim(e, l->cols), CP_UNARY);
    cuda_bind_axis(e, l->row);
    cuda_bind_axis(e, l->col);
    const char *row = e->sym_name[l->row], *col = e->sym_name[l->col];
    bool is_shared_out = e->has_threads && e->n_thread_loops == 0;
    if (is_shared_out) {
        const char *i = cuda_name(e, "element");
        cuda_line(e, "for (index_t %s = threadIdx.x; %s < %s * %s; %s += %u) {", i, i,
                  cuda_paren(e, cuda_dim(e, l->rows), CP_MUL), cols, i, e->threads);
        e->indent++;
        cuda_line(e, "const index_t %s = %s / %s;", row, i, cols);
        cuda_line(e, "const index_t %s = %s %% %s;", col, i, cols);
        cuda_free_name(e, i);
    } else {
        cuda_line(e, "for (index_t %s = 0; %s < %s; %s++)", row, row, rows, row);
        cuda_line(e, "for (index_t %s = 0; %s < %s; %s++) {", col, col, cols, col);
        e->indent++;
    }
    leaf_element(e, l);
    e->indent--;
    cuda_line(e, "}");
    release_axis(e, l->row);
    release_axis(e, l->col);
    return FRIT_OK;
}

/* --- lists --- */

static bool is_thread_fed(const kstmt *s, acc_id id) {
    if (s->kind == KS_LOOP && s->u.loop.kind == KL_THREAD) return cuda_updates_acc(s, id);
    const kstmt *lists[2] = {NULL, NULL};
    if (s->kind == KS_LOOP) lists[0] = s->u.loop.body;
    if (s->kind == KS_IF) lists[0] = s->u.branch.body, lists[1] = s->u.branch.orelse;
    for (int i = 0; i < 2; i++)
        for (const kstmt *t = lists[i]; t; t = t->next)
            if (is_thread_fed(t, id)) return true;
    return false;
}

/* Combines what s reads and does not still add to. */
static frit_status finish_before(cemit *e, const kstmt *s) {
    for (acc_id id = 0; id < e->k->accs.n; id++) {
        if (e->acc_done[id] || !e->acc_name[id] || cuda_updates_acc(s, id) || !cuda_reads_acc(e, s, id)) continue;
        TRY(cuda_acc_finish(e, id));
    }
    return FRIT_OK;
}

/* Partials that the threads do not hold cannot be told apart here. */
static frit_status check_acc(cemit *e, const kstmt *decl) {
    acc_id id = decl->u.acc.acc;
    bool is_fed = false;
    for (const kstmt *s = decl->next; s; s = s->next) is_fed |= is_thread_fed(s, id);
    const kacc *acc = &e->k->accs.at[id];
    if (acc->lanes == 1 && is_fed) return cuda_unsupported(e, "one partial fed by several threads");
    if (acc->lanes > 1 && !is_fed && e->has_threads) return cuda_unsupported(e, "several partials fed by one thread");
    if (acc->lanes > 1 && !e->has_threads) return cuda_unsupported(e, "partials of a vector loop");
    return FRIT_OK;
}

static frit_status emit_stmt(cemit *e, const kstmt *s) {
    switch (s->kind) {
    case KS_LOOP:
        if (s->u.loop.kind == KL_PAR) return cuda_unsupported(e, "a parallel loop inside another loop");
        return s->u.loop.kind == KL_THREAD ? emit_thread_loop(e, s) : emit_plain_loop(e, s);
    case KS_IF:
        return emit_if(e, s);
    case KS_ACC:
        TRY(check_acc(e, s));
        cuda_acc_declare(e, s->u.acc.acc);
        return FRIT_OK;
    case KS_UPDATE:
        cuda_acc_update(e, s->u.update.acc, s->u.update.value);
        return FRIT_OK;
    case KS_LET:
        return emit_let(e, s->u.let.let);
    case KS_STORE:
        return emit_store(e, s);
    case KS_LEAF:
        return emit_leaf(e, s->u.leaf);
    case KS_BARRIER:
        if (e->has_threads) cuda_line(e, "__syncthreads();");
        return FRIT_OK;
    }
    return FRIT_OK;
}

frit_status cuda_emit_list(cemit *e, const kstmt *first) {
    for (const kstmt *s = first; s; s = s->next) {
        TRY(finish_before(e, s));
        TRY(emit_stmt(e, s));
        if (e->c->status != FRIT_OK) return e->c->status;
    }
    return FRIT_OK;
}
