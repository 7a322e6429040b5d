/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Facts about a loop tree that decide how it becomes CUDA text: threads, barriers, who reads an accumulator, sizes. */
#include "codegen/cuda/cuda_emit.h"

enum { STATIC_SHARED_MAX = 48 * 1024, LOCAL_TILE_MAX = 16 * 1024 };

/* The most threads that a nest of thread loops below s stands for. */
uint32_t cuda_nest_threads(const kstmt *s) {
    uint32_t most = 1;
    for (; s; s = s->next) {
        uint32_t n = 1;
        if (s->kind == KS_LOOP) {
            n = cuda_nest_threads(s->u.loop.body);
            if (s->u.loop.kind == KL_THREAD) n *= s->u.loop.lanes;
        } else if (s->kind == KS_IF) {
            uint32_t yes = cuda_nest_threads(s->u.branch.body), no = cuda_nest_threads(s->u.branch.orelse);
            n = yes > no ? yes : no;
        }
        if (n > most) most = n;
    }
    return most;
}

bool cuda_has_barrier(const kstmt *s) {
    for (; s; s = s->next) {
        if (s->kind == KS_BARRIER) return true;
        if (s->kind == KS_LOOP && cuda_has_barrier(s->u.loop.body)) return true;
        if (s->kind == KS_IF && (cuda_has_barrier(s->u.branch.body) || cuda_has_barrier(s->u.branch.orelse)))
            return true;
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

static bool list_reads_acc(cemit *e, const kstmt *s, acc_id id) {
    for (; s; s = s->next)
        if (cuda_reads_acc(e, s, id)) return true;
    return false;
}

bool cuda_reads_acc(cemit *e, const kstmt *s, acc_id id) {
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

bool cuda_updates_acc(const kstmt *s, acc_id id) {
    if (s->kind == KS_UPDATE) return s->u.update.acc == id;
    const kstmt *lists[2] = {NULL, NULL};
    if (s->kind == KS_LOOP) lists[0] = s->u.loop.body;
    if (s->kind == KS_IF) lists[0] = s->u.branch.body, lists[1] = s->u.branch.orelse;
    for (int i = 0; i < 2; i++)
        for (const kstmt *t = lists[i]; t; t = t->next)
            if (cuda_updates_acc(t, id)) return true;
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

bool cuda_has_small_indices(kernel *k) {
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

bool cuda_has_dynamic_shared(const kernel *k) {
    dim total;
    int64_t bytes;
    kernel_scratch((kernel *)k, KID_NONE, &total);
    return k->bufs.n > k->n_params && (!dim_is_const(k->dims, total, &bytes) || bytes > STATIC_SHARED_MAX);
}

bool cuda_has_threads(const kernel *k, uint32_t phase) {
    return cuda_nest_threads(k->phases.at[phase]) > 1 || cuda_has_barrier(k->phases.at[phase]);
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
bool cuda_is_lonely(const kernel *k, uint32_t phase) {
    return !cuda_has_threads(k, phase) && has_tiles(k) && !tiles_fit_thread(k);
}

cuda_phase cuda_phase_of(const kernel *k, uint32_t phase, arena *a) {
    dim_table *t = k->dims;
    bool has_threads = cuda_has_threads(k, phase), lonely = cuda_is_lonely(k, phase);
    const char *base = cuda_is_foreign(k->name) ? arena_printf(a, "%s_kernel", k->name) : k->name;
    dim items = kernel_items((kernel *)k, phase), shared;
    kernel_scratch((kernel *)k, KID_NONE, &shared);
    uint32_t threads = has_threads ? cuda_nest_threads(k->phases.at[phase]) : lonely ? 1 : CUDA_ITEM_THREADS;
    bool needs_shared = (has_threads || lonely) && cuda_has_dynamic_shared(k);
    return (cuda_phase){.function = k->phases.n > 1 ? arena_printf(a, "%s_phase%u", base, phase) : base,
                        .threads = threads,
                        .blocks = has_threads || lonely ? items : dim_ceildiv(t, items, dim_const(t, threads)),
                        .shared_bytes = needs_shared ? shared : dim_const(t, 0)};
}
