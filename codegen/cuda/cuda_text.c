/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loop trees to CUDA C++ text.
 *
 *   par r < R {                              extern "C" __global__ void __launch_bounds__(256)
 *     acc m: max f32 lanes 256               softmax(const float *x, float *y, const long long *dims)
 *     thread c < C by 256 {                  {
 *       m <- x[r, c]               ->            const index_t C = dims[1];
 *     }                                          const index_t r = blockIdx.x;
 *     ...                                        float m = -INFINITY;
 *                                                for (index_t c = threadIdx.x; c < C; c += 256)
 *                                                    m = maximum(m, x[C * r + c]);
 *                                                m = block_max_f32_256(m);
 *
 * What stands outside thread loops every thread computes for itself; a store there is thread 0's, between barriers when
 * it goes to shared memory. A leaf there is shared out by elements of its result. */
#include "codegen/cuda/cuda_emit.h"

#include <string.h>

enum { STATIC_SHARED_MAX = 48 * 1024, LOCAL_TILE_MAX = 16 * 1024 };

/* --- facts about a tree --- */

/* The most threads that a nest of thread loops below s stands for. */
static uint32_t nest_threads(const kstmt *s) {
    uint32_t most = 1;
    for (; s; s = s->next) {
        uint32_t n = 1;
        if (s->kind == KS_LOOP) {
            n = nest_threads(s->u.loop.body);
            if (s->u.loop.kind == KL_THREAD) n *= s->u.loop.lanes;
        } else if (s->kind == KS_IF) {
            uint32_t yes = nest_threads(s->u.branch.body), no = nest_threads(s->u.branch.orelse);
            n = yes > no ? yes : no;
        }
        if (n > most) most = n;
    }
    return most;
}

static bool has_barrier(const kstmt *s) {
    for (; s; s = s->next) {
        if (s->kind == KS_BARRIER) return true;
        if (s->kind == KS_LOOP && has_barrier(s->u.loop.body)) return true;
        if (s->kind == KS_IF && (has_barrier(s->u.branch.body) || has_barrier(s->u.branch.orelse))) return true;
    }
    return false;
}

static bool reads_acc_expr(const kernel *k, kx x, acc_id id, uint8_t *seen) {
    if (!x || seen[x]) return false;
    seen[x] = 1;
    const kx_node *n = &k->exprs.at[x];
    if (n->kind == KX_ACC && n->ref == id) return true;
    for (uint32_t i = 0; i < n->n_args; i++)
        if (reads_acc_expr(k, n->arg[i], id, seen)) return true;
    return reads_acc_expr(k, n->pred, id, seen) || reads_acc_expr(k, n->fill, id, seen);
}

static bool one_reads_acc(cemit *e, const kstmt *s, acc_id id);

static bool list_reads_acc(cemit *e, const kstmt *s, acc_id id) {
    for (; s; s = s->next)
        if (one_reads_acc(e, s, id)) return true;
    return false;
}

static bool one_reads_acc(cemit *e, const kstmt *s, acc_id id) {
    const kernel *k = e->k;
    uint8_t *seen = ARENA_ARRAY(e->a, uint8_t, k->exprs.n);
    switch (s->kind) {
    case KS_LOOP:
        return list_reads_acc(e, s->u.loop.body, id);
    case KS_IF:
        return reads_acc_expr(k, s->u.branch.cond, id, seen) || list_reads_acc(e, s->u.branch.body, id) ||
               list_reads_acc(e, s->u.branch.orelse, id);
    case KS_UPDATE: {
        bool reads = false;
        for (uint32_t i = 0; i < combiner_info_of(k->accs.at[s->u.update.acc].comb)->n; i++)
            reads |= reads_acc_expr(k, s->u.update.value[i], id, seen);
        return reads;
    }
    case KS_LET:
        return reads_acc_expr(k, k->lets.at[s->u.let.let].value, id, seen);
    case KS_STORE:
        return reads_acc_expr(k, s->u.store.value, id, seen) || reads_acc_expr(k, s->u.store.pred, id, seen);
    case KS_LEAF:
        return reads_acc_expr(k, s->u.leaf->accumulate_if, id, seen);
    case KS_ACC:
    case KS_BARRIER:
        return false;
    }
    return false;
}

static bool updates_acc(const kstmt *s, acc_id id) {
    if (s->kind == KS_UPDATE) return s->u.update.acc == id;
    const kstmt *lists[2] = {NULL, NULL};
    if (s->kind == KS_LOOP) lists[0] = s->u.loop.body;
    if (s->kind == KS_IF) lists[0] = s->u.branch.body, lists[1] = s->u.branch.orelse;
    for (int i = 0; i < 2; i++)
        for (const kstmt *t = lists[i]; t; t = t->next)
            if (updates_acc(t, id)) return true;
    return false;
}

/* Every index of the kernel, and every part of its computation, is below 2^31 for all dims. */
typedef struct size_walk {
    dim_table *dims;
    bool is_small;
} size_walk;

static void measure_dim(size_walk *w, dim d) {
    int64_t lo, hi;
    dim_bounds(w->dims, d, &lo, &hi);
    if (lo < -INT32_MAX || hi > INT32_MAX) w->is_small = false;
    for (uint32_t i = 0; i < dim_n_args(w->dims, d) && w->is_small; i++) measure_dim(w, dim_arg(w->dims, d, i));
}

static bool has_small_indices(kernel *k) {
    size_walk w = {.dims = k->dims, .is_small = true};
    uint32_t n_syms;
    const sym_id *syms = kernel_syms(k, k->a, &n_syms);
    for (uint32_t i = 0; i < n_syms; i++) measure_dim(&w, dim_of_sym(k->dims, syms[i]));
    for (buf_id b = 0; b < k->bufs.n; b++) measure_dim(&w, kbuf_elements(k, b));
    for (uint32_t i = 0; i < k->exprs.n && w.is_small; i++) {
        const kx_node n = k->exprs.at[i];
        if (n.kind == KX_INDEX) measure_dim(&w, n.index);
        if (n.kind == KX_LOAD) measure_dim(&w, kbuf_offset(k, n.ref, n.at));
    }
    for (uint32_t i = 0; i < k->phases.n; i++) measure_dim(&w, kernel_items(k, i));
    return w.is_small;
}

static bool is_shared_dynamic(const kernel *k) {
    dim total;
    int64_t bytes;
    kernel_scratch((kernel *)k, KID_NONE, &total);
    return k->bufs.n > k->n_params && (!dim_is_const(k->dims, total, &bytes) || bytes > STATIC_SHARED_MAX);
}

static bool phase_has_threads(const kernel *k, uint32_t phase) {
    return nest_threads(k->phases.at[phase]) > 1 || has_barrier(k->phases.at[phase]);
}

static bool has_tiles(const kernel *k) {
    for (buf_id b = k->n_params; b < k->bufs.n; b++)
        if (k->bufs.at[b].scope == KB_TILE) return true;
    return false;
}

/* Tiles of a phase without threads become local arrays of its one thread. */
static bool tiles_fit_thread(const kernel *k) {
    dim total;
    int64_t bytes;
    kernel_scratch((kernel *)k, KID_NONE, &total);
    return dim_is_const(k->dims, total, &bytes) && bytes <= LOCAL_TILE_MAX;
}

/* One thread in each block: its tiles are too large for a thread's own memory. */
static bool is_lonely(const kernel *k, uint32_t phase) {
    return !phase_has_threads(k, phase) && has_tiles(k) && !tiles_fit_thread(k);
}

cuda_phase cuda_phase_of(const kernel *k, uint32_t phase, arena *a) {
    dim_table *t = k->dims;
    bool has_threads = phase_has_threads(k, phase), lonely = is_lonely(k, phase);
    const char *base = cuda_is_foreign(k->name) ? arena_printf(a, "%s_kernel", k->name) : k->name;
    dim items = kernel_items((kernel *)k, phase), shared;
    kernel_scratch((kernel *)k, KID_NONE, &shared);
    uint32_t threads = has_threads ? nest_threads(k->phases.at[phase]) : lonely ? 1 : CUDA_ITEM_THREADS;
    bool needs_shared = (has_threads || lonely) && is_shared_dynamic(k);
    return (cuda_phase){.function = k->phases.n > 1 ? arena_printf(a, "%s_phase%u", base, phase) : base,
                        .threads = threads,
                        .blocks = has_threads || lonely ? items : dim_ceildiv(t, items, dim_const(t, threads)),
                        .shared_bytes = needs_shared ? shared : dim_const(t, 0)};
}

/* --- statements --- */

static frit_status emit_list(cemit *e, const kstmt *s);

static frit_status emit_body(cemit *e, const kstmt *s) {
    uint32_t n_loaded = e->loaded.n, n_names = e->names.n;
    e->indent++;
    TRY(emit_list(e, s));
    e->indent--;
    while (e->loaded.n > n_loaded) e->sym_name[e->loaded.at[--e->loaded.n]] = NULL;
    while (e->names.n > n_names) cuda_free_name(e, e->names.at[--e->names.n]);
    return FRIT_OK;
}

static void bind_axis(cemit *e, sym_id axis) { e->sym_name[axis] = cuda_name(e, dim_sym_info(e->k->dims, axis)->name); }

static void release_axis(cemit *e, sym_id axis) {
    cuda_free_name(e, e->sym_name[axis]);
    e->sym_name[axis] = NULL;
}

static dim extent_of(cemit *e, const kstmt *loop) { return dim_sym_info(e->k->dims, loop->u.loop.axis)->extent; }

static frit_status emit_plain_loop(cemit *e, const kstmt *s) {
    sym_id axis = s->u.loop.axis;
    dim extent = extent_of(e, s);
    cuda_prepare(e, 0, NULL, 1, &extent);
    const char *end = cuda_dim_text(e, extent);
    bind_axis(e, axis);
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
    uint32_t lanes = s->u.loop.lanes, inner = nest_threads(s->u.loop.body), around = e->inner_lanes;
    dim extent = extent_of(e, s);
    int64_t known;
    bool is_exact = dim_is_const(e->k->dims, extent, &known) && known == lanes;
    bool is_partial = inner * lanes < around && e->n_thread_loops == 0;
    if (inner * lanes < around && e->n_thread_loops) return cuda_unsupported(e, "thread loops of uneven depth");
    if (is_partial && has_barrier(s->u.loop.body)) return cuda_unsupported(e, "a barrier for some of the threads");
    cuda_prepare(e, 0, NULL, 1, &extent);
    const char *end = cuda_dim_text(e, extent);
    const char *first = thread_number(e, inner, lanes);
    bind_axis(e, axis);
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
    bind_axis(e, l->kk);
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
    bind_axis(e, l->row);
    bind_axis(e, l->col);
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
    if (s->kind == KS_LOOP && s->u.loop.kind == KL_THREAD) return updates_acc(s, id);
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
        if (e->acc_done[id] || !e->acc_name[id] || updates_acc(s, id) || !one_reads_acc(e, s, id)) continue;
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

static frit_status emit_list(cemit *e, const kstmt *first) {
    for (const kstmt *s = first; s; s = s->next) {
        TRY(finish_before(e, s));
        TRY(emit_stmt(e, s));
        if (e->c->status != FRIT_OK) return e->c->status;
    }
    return FRIT_OK;
}

/* --- functions --- */

static const char *array_suffix(cemit *e, const kbuf *b) {
    int64_t elements = 1;
    if (b->strides || !b->rank) {
        dim_is_const(e->k->dims, kbuf_elements((kernel *)e->k, (buf_id)(b - e->k->bufs.at)), &elements);
        if (b->strides) {
            elements = 1;
            for (uint32_t i = 0; i < b->rank; i++) {
                int64_t n = 1, stride = 1;
                dim_is_const(e->k->dims, b->shape[i], &n);
                dim_is_const(e->k->dims, b->strides[i], &stride);
                elements += (n - 1) * stride;
            }
        }
        return arena_printf(e->a, "[%lld]", (long long)elements);
    }
    const char *s = "";
    for (uint32_t i = 0; i < b->rank; i++) s = arena_printf(e->a, "%s[%s]", s, cuda_dim_text(e, b->shape[i]));
    return s;
}

static frit_status declare_locals(cemit *e) {
    kernel *k = (kernel *)e->k;
    for (buf_id b = k->n_params; b < k->bufs.n; b++) {
        const kbuf *buf = &k->bufs.at[b];
        const char *type = cuda_storage_type(buf->dt);
        bool is_array = buf->scope == KB_REG || !e->is_shared_dynamic;
        e->buf_name[b] = cuda_name(e, buf->name);
        if (!is_array) {
            const char *offset = cuda_dim_text(e, kernel_scratch(k, b, NULL));
            cuda_line(e, "%s *const %s = (%s *)(shared_memory() + %s);", type, e->buf_name[b], type, offset);
            continue;
        }
        for (uint32_t i = 0; i < buf->rank; i++)
            if (!dim_is_const(k->dims, buf->shape[i], NULL))
                return cuda_unsupported(e, "a local array of symbolic shape");
        bool is_shared = buf->scope == KB_TILE && e->has_threads;
        cuda_line(e, "%s%s %s%s;", is_shared ? "__shared__ " : "", type, e->buf_name[b], array_suffix(e, buf));
    }
    return FRIT_OK;
}

/* Values of the parallel axes from the number of the item, the innermost running fastest. Returns the innermost body.
 */
static const kstmt *bind_items(cemit *e, const kstmt *s, const char *item) {
    const kstmt *loops[32];
    uint32_t n = 0;
    for (; s && s->kind == KS_LOOP && s->u.loop.kind == KL_PAR && n < countof(loops); s = s->u.loop.body)
        loops[n++] = s;
    const char *names[32];
    for (uint32_t i = 0; i < n; i++) {
        bind_axis(e, loops[i]->u.loop.axis);
        names[i] = e->sym_name[loops[i]->u.loop.axis];
    }
    for (uint32_t i = 0; i < n; i++) {
        dim inner = dim_const(e->k->dims, 1);
        for (uint32_t j = i + 1; j < n; j++) inner = dim_mul(e->k->dims, inner, extent_of(e, loops[j]));
        const char *text = item;
        int64_t one;
        if (!dim_is_const(e->k->dims, inner, &one) || one != 1)
            text = arena_printf(e->a, "%s / %s", text, cuda_paren(e, cuda_dim(e, inner), CP_UNARY));
        if (i)
            text = arena_printf(e->a, "%s %% %s", text, cuda_paren(e, cuda_dim(e, extent_of(e, loops[i])), CP_UNARY));
        cuda_line(e, "const index_t %s = %s;", names[i], text);
    }
    return n ? loops[n - 1]->u.loop.body : s;
}

static void print_signature(cemit *e, const cuda_phase *p) {
    const kernel *k = e->k;
    strbuf_printf(e->b, "extern \"C\" __global__ void __launch_bounds__(%u)\n%s(", p->threads, p->function);
    for (buf_id b = 0; b < k->n_params; b++) {
        const kbuf *buf = &k->bufs.at[b];
        e->buf_name[b] = cuda_name(e, buf->name);
        strbuf_printf(e->b, "%s%s *__restrict__ %s, ", buf->is_written ? "" : "const ", cuda_storage_type(buf->dt),
                      e->buf_name[b]);
    }
    strbuf_add(e->b, "const long long *dims)\n{\n");
}

/* Names the shape symbols that the kernel mentions. */
static void name_dims(cemit *e, uint32_t n_syms, const sym_id *syms, const uint32_t *numbers) {
    for (uint32_t i = 0; i < n_syms; i++)
        if (numbers[syms[i]] != UINT32_MAX)
            e->sym_name[syms[i]] = cuda_name(e, dim_sym_info(e->k->dims, syms[i])->name);
}

/* const index_t N = dims[i]; for those that the body uses. */
static void declare_dims(cemit *e, const char *body) {
    dim_table *t = e->k->dims;
    uint32_t n_numbers, n_syms;
    const uint32_t *numbers = plan_number_syms(e->a, t, &n_numbers);
    const sym_id *syms = kernel_syms(e->k, e->a, &n_syms);
    for (uint32_t i = 0; i < n_syms; i++) {
        const char *name = e->sym_name[syms[i]];
        if (numbers[syms[i]] == UINT32_MAX || !cuda_mentions(body, name)) continue;
        cuda_line(e, "const index_t %s = %sdims[%u];", name, e->is_wide ? "" : "(index_t)", numbers[syms[i]]);
    }
}

/* Where this block or thread is, and what it does there. */
static frit_status emit_item(cemit *e, uint32_t phase, uint32_t threads) {
    const kernel *k = e->k;
    const char *item = "blockIdx.x";
    if (!e->has_threads && !is_lonely(k, phase)) {
        item = cuda_name(e, "number");
        cuda_line(e, "const index_t %s = (index_t)blockIdx.x * %u + threadIdx.x;", item, threads);
        cuda_line(e, "if (%s >= %s) return;", item, cuda_dim_text(e, kernel_items((kernel *)k, phase)));
    }
    const kstmt *body = bind_items(e, k->phases.at[phase], item);
    TRY(declare_locals(e));
    return emit_list(e, body);
}

static frit_status emit_phase(cemit *e, uint32_t phase) {
    const kernel *k = e->k;
    cuda_phase p = cuda_phase_of(k, phase, e->a);
    bool lonely = is_lonely(k, phase);
    e->has_threads = phase_has_threads(k, phase);
    e->threads = e->inner_lanes = e->has_threads ? p.threads : 1;
    e->is_shared_dynamic = (e->has_threads || lonely) && is_shared_dynamic(k);
    e->taken = (map){.a = e->a};
    e->temps = (map){.a = e->a};
    e->loaded.n = e->names.n = 0;
    memset(e->sym_name, 0, dim_n_syms(k->dims) * sizeof *e->sym_name);
    memset(e->acc_name, 0, k->accs.n * sizeof *e->acc_name);
    if (p.threads > 1024) return cuda_unsupported(e, "more than 1024 threads in a block");
    print_signature(e, &p);
    uint32_t n_numbers, n_syms;
    const sym_id *syms = kernel_syms(k, e->a, &n_syms);
    name_dims(e, n_syms, syms, plan_number_syms(e->a, k->dims, &n_numbers));
    strbuf *function = e->b, body = {.a = e->a};
    e->b = &body;
    e->indent = 1;
    TRY(emit_item(e, phase, p.threads));
    e->b = function;
    declare_dims(e, strbuf_text(&body));
    strbuf_add(e->b, strbuf_text(&body));
    strbuf_add(e->b, "}\n");
    return FRIT_OK;
}

static void print_comment(strbuf *b, const kernel *k) {
    strbuf_printf(b, "// %s\n//\n", k->title);
    strbuf text = {.a = b->a};
    kernel_print(&text, k);
    /* the first line: parameters, and the ranges of the dims; then the definitions */
    const char *s = strbuf_text(&text);
    size_t n = strcspn(s, "\n");
    strbuf_printf(b, "// %.*s\n", (int)(n > 2 ? n - 2 : n), s);
    const char *from = strstr(s, "\n  define {\n"), *to = from ? strstr(from, "\n  }\n") : NULL;
    for (s = from ? from + strlen("\n  define {\n") : NULL; s && s < to; s += n + 1) {
        n = strcspn(s, "\n");
        strbuf_printf(b, "// %.*s\n", (int)n, s);
    }
}

frit_status cuda_emit_text(cx *c, const kernel *k, strbuf *out) {
    arena *a = out->a;
    strbuf functions = {.a = a}, body = {.a = a}, all = {.a = a};
    cemit e = {.c = c, .k = k, .a = a, .b = &body, .functions = &functions, .made = {.a = a}};
    e.sym_name = ARENA_ARRAY(a, const char *, dim_n_syms(k->dims) + 1);
    e.buf_name = ARENA_ARRAY(a, const char *, k->bufs.n + 1);
    e.acc_name = ARENA_ARRAY(a, const char *, k->accs.n + 1);
    e.let_name = ARENA_ARRAY(a, const char *, k->lets.n + 1);
    e.acc_done = ARENA_ARRAY(a, uint8_t, k->accs.n + 1);
    e.is_wide = !has_small_indices((kernel *)k);
    for (buf_id b = 0; b < k->bufs.n; b++)
        if (!cuda_is_supported(k->bufs.at[b].dt)) return cuda_unsupported(&e, dtype_name(k->bufs.at[b].dt));
    for (uint32_t i = 0; i < k->phases.n; i++) {
        if (i) strbuf_addc(&body, '\n');
        TRY(emit_phase(&e, i));
    }
    strbuf_add(&all, strbuf_text(&functions));
    strbuf_add(&all, strbuf_text(&body));
    print_comment(out, k);
    strbuf_printf(out, "\ntypedef %s index_t;\n\n", e.is_wide ? "long long" : "int");
    cuda_prelude(out, strbuf_text(&all));
    strbuf_add(out, strbuf_text(&all));
    return FRIT_OK;
}
