/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Walks over all of a kernel: the symbols it mentions, and the digest of everything that decides its code. */
#include "base/hash.h"
#include "ir/kernel/kernel.h"

#include <string.h>

/* Receives the parts of a kernel in a fixed order. Expressions are roots: what hangs below them is the visitor's. */
typedef struct kernel_visitor {
    const kernel *k;
    void (*word)(void *, uint64_t); /* a fact that is neither dim, expression nor symbol */
    void (*index)(void *, dim);
    void (*expr)(void *, kx);
    void (*sym)(void *, sym_id);
    void *data;
} kernel_visitor;

static void walk_dims(const kernel_visitor *v, uint32_t n, const dim *d) {
    for (uint32_t i = 0; i < n; i++) v->index(v->data, d[i]);
}

static void walk_leaf(const kernel_visitor *v, const kleaf *l) {
    const buf_id bufs[3] = {l->c, l->a, l->b};
    const dim *const at[3] = {l->c_at, l->a_at, l->b_at};
    const sym_id syms[3] = {l->row, l->col, l->kk};
    const dim extents[3] = {l->rows, l->cols, l->n_k};
    for (int i = 0; i < 3; i++) {
        v->word(v->data, bufs[i]);
        v->sym(v->data, syms[i]);
        v->index(v->data, extents[i]);
        walk_dims(v, v->k->bufs.at[bufs[i]].rank, at[i]);
    }
    v->word(v->data, (uint64_t)l->b_panel << 32 | l->k_pack);
    v->word(v->data, (uint64_t)l->max_cols << 4 | (uint64_t)l->a_walks << 3 | (uint64_t)l->b_streams << 2 |
                         (uint64_t)l->accumulate << 1);
    v->word(v->data, l->padded);
    v->expr(v->data, l->accumulate_if);
    v->expr(v->data, l->factor);
    v->word(v->data, l->has_taps);
    if (!l->has_taps) return;
    v->sym(v->data, l->tap);
    v->index(v->data, l->n_taps);
    v->expr(v->data, l->a_if);
}

static void walk_list(const kernel_visitor *v, const kstmt *s);

static void walk_values(const kernel_visitor *v, combiner comb, const kx *values) {
    for (uint32_t i = 0; i < combiner_info_of(comb)->n; i++) v->expr(v->data, values[i]);
}

static void walk_stmt(const kernel_visitor *v, const kstmt *s) {
    v->word(v->data, (uint64_t)s->kind);
    switch (s->kind) {
    case KS_LOOP:
        v->word(v->data, (uint64_t)s->u.loop.kind << 60 | (uint64_t)s->u.loop.lanes << 28 | s->u.loop.unroll);
        v->word(v->data, (uint64_t)s->u.loop.is_serial << 32 | s->u.loop.prefetch);
        v->sym(v->data, s->u.loop.axis);
        walk_list(v, s->u.loop.body);
        return;
    case KS_IF:
        v->expr(v->data, s->u.branch.cond);
        walk_list(v, s->u.branch.body);
        walk_list(v, s->u.branch.orelse);
        return;
    case KS_ACC:
        v->word(v->data, s->u.acc.acc);
        return;
    case KS_UPDATE:
        v->word(v->data, s->u.update.acc);
        walk_values(v, v->k->accs.at[s->u.update.acc].comb, s->u.update.value);
        return;
    case KS_LET:
        v->word(v->data, s->u.let.let);
        v->expr(v->data, v->k->lets.at[s->u.let.let].value);
        return;
    case KS_STORE:
        v->word(v->data, s->u.store.buf);
        walk_dims(v, v->k->bufs.at[s->u.store.buf].rank, s->u.store.at);
        v->expr(v->data, s->u.store.value);
        v->expr(v->data, s->u.store.pred);
        return;
    case KS_LEAF:
        walk_leaf(v, s->u.leaf);
        return;
    case KS_BARRIER:
        return;
    }
}

/* A list ends with a word that no statement begins with. */
static void walk_list(const kernel_visitor *v, const kstmt *s) {
    for (; s; s = s->next) walk_stmt(v, s);
    v->word(v->data, UINT64_MAX);
}

static void walk_def(const kernel_visitor *v, const kdef *d) {
    v->word(v->data, (uint64_t)d->comb << 48 | (uint64_t)d->n_axes << 32 | (uint64_t)d->n_raxes << 16 | d->n_values);
    v->word(v->data, d->out);
    for (uint32_t i = 0; i < d->n_axes; i++) v->sym(v->data, d->axes[i]);
    for (uint32_t i = 0; i < d->n_raxes; i++) v->sym(v->data, d->raxes[i]);
    for (uint32_t i = 0; i < d->n_values; i++) v->expr(v->data, d->value[i]);
    if (d->out != KID_NONE && d->out_at) walk_dims(v, v->k->bufs.at[d->out].rank, d->out_at);
}

static void walk_kernel(const kernel_visitor *v) {
    const kernel *k = v->k;
    for (uint32_t i = 0; i < k->bufs.n; i++) {
        const kbuf *b = &k->bufs.at[i];
        v->word(v->data, (uint64_t)b->dt << 32 | (uint64_t)b->scope << 16 | b->rank << 2 | (uint64_t)b->is_const << 1 |
                             b->is_written);
        walk_dims(v, b->rank, b->shape);
        v->word(v->data, b->strides != NULL);
        if (b->strides) walk_dims(v, b->rank, b->strides);
    }
    for (uint32_t i = 0; i < k->accs.n; i++) {
        const kacc *a = &k->accs.at[i];
        v->word(v->data, (uint64_t)a->comb << 48 | (uint64_t)a->dt[0] << 32 | a->lanes);
    }
    for (uint32_t i = 0; i < k->defs.n; i++) walk_def(v, &k->defs.at[i]);
    for (uint32_t i = 0; i < k->phases.n; i++) walk_list(v, k->phases.at[i]);
}

/* --- symbols --- */

typedef struct sym_walk {
    const kernel *k;
    arena *a;
    uint8_t *is_used; /* by symbol */
    uint8_t *is_seen; /* by expression */
} sym_walk;

static void use_expr(void *data, kx x);
static void use_dim(void *data, dim d);

static void use_sym(void *data, sym_id s) {
    sym_walk *w = data;
    if (w->is_used[s]) return;
    w->is_used[s] = 1;
    const sym_info info = *dim_sym_info(w->k->dims, s);
    if (info.kind != SYM_AXIS && info.kind != SYM_LOADED) return;
    use_dim(w, info.extent);
    if (info.kind == SYM_LOADED) use_expr(w, info.input);
}

static void use_dim(void *data, dim d) {
    sym_walk *w = data;
    if (d != DIM_BAD) kx_visit_dim(w->k->dims, d, use_sym, w);
}

static void use_expr(void *data, kx x) {
    sym_walk *w = data;
    if (!x || w->is_seen[x]) return;
    w->is_seen[x] = 1;
    const kx_node *n = &w->k->exprs.at[x];
    for (uint32_t i = 0; i < n->n_args; i++) use_expr(w, n->arg[i]);
    if (n->kind == KX_INDEX) use_dim(w, n->index);
    for (uint32_t i = 0; i < n->n_at; i++) use_dim(w, n->at[i]);
    use_expr(w, n->pred);
    use_expr(w, n->fill);
}

static void ignore_word(void *data, uint64_t word) { (void)data, (void)word; }

const sym_id *kernel_syms(const kernel *k, arena *a, uint32_t *out_n) {
    uint32_t n = dim_n_syms(k->dims);
    sym_walk w = {
        .k = k, .a = a, .is_used = ARENA_ARRAY(a, uint8_t, n), .is_seen = ARENA_ARRAY(a, uint8_t, k->exprs.n)};
    kernel_visitor v = {.k = k, .word = ignore_word, .index = use_dim, .expr = use_expr, .sym = use_sym, .data = &w};
    walk_kernel(&v);
    use_dim(&w, k->flops);
    use_dim(&w, k->bytes);
    sym_id *syms = ARENA_ARRAY(a, sym_id, n);
    *out_n = 0;
    for (sym_id s = 0; s < n; s++)
        if (w.is_used[s]) syms[(*out_n)++] = s;
    return syms;
}

/* --- digest --- */

/* Shape symbols count by identity (the order of a call's dims follows it), axes and loaded indices by first use. */
typedef struct digest_walk {
    const kernel *k;
    sha256 hash;
    uint32_t *sym_number;  /* first-use number + 1, 0 unseen */
    uint32_t *expr_number; /* likewise */
    uint32_t n_syms, n_exprs;
} digest_walk;

static void digest_word(void *data, uint64_t word) {
    digest_walk *w = data;
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(word >> (8 * i));
    sha256_add(&w->hash, bytes, sizeof bytes);
}

static void digest_expr(void *data, kx x);
static void digest_dim(void *data, dim d);

static void digest_sym(void *data, sym_id s) {
    digest_walk *w = data;
    const sym_info info = *dim_sym_info(w->k->dims, s);
    bool is_local = info.kind == SYM_AXIS || info.kind == SYM_LOADED;
    if (w->sym_number[s]) {
        digest_word(w, w->sym_number[s]);
        return;
    }
    w->sym_number[s] = ++w->n_syms;
    digest_word(w, (uint64_t)info.kind << 32 | (is_local ? 0 : s + 1));
    if (!is_local) {
        digest_word(w, (uint64_t)info.lo);
        digest_word(w, (uint64_t)info.hi);
        return;
    }
    digest_dim(w, info.extent);
    if (info.kind == SYM_LOADED) digest_expr(w, info.input);
}

static void digest_dim(void *data, dim d) {
    digest_walk *w = data;
    int64_t v;
    sym_id s;
    if (d == DIM_BAD) {
        digest_word(w, UINT64_MAX);
    } else if (dim_is_const(w->k->dims, d, &v)) {
        digest_word(w, 1);
        digest_word(w, (uint64_t)v);
    } else if (dim_is_sym(w->k->dims, d, &s)) {
        digest_word(w, 2);
        digest_sym(w, s);
    } else {
        uint32_t n = dim_n_args(w->k->dims, d);
        digest_word(w, 3 | (uint64_t)dim_kind_of(w->k->dims, d) << 8 | (uint64_t)n << 32);
        for (uint32_t i = 0; i < n; i++) digest_dim(w, dim_arg(w->k->dims, d, i));
    }
}

static void digest_expr(void *data, kx x) {
    digest_walk *w = data;
    if (!x || w->expr_number[x]) {
        digest_word(w, x ? w->expr_number[x] : 0);
        return;
    }
    w->expr_number[x] = ++w->n_exprs;
    const kx_node *n = &w->k->exprs.at[x];
    const attr_cast *cast = n->attrs;
    digest_word(w, (uint64_t)n->kind << 56 | (uint64_t)n->dt << 40 | (uint64_t)n->op << 24 | (uint64_t)n->n_args << 16 |
                       (cast ? 2u | cast->saturate : 0));
    digest_word(w, n->value.u);
    digest_word(w, (uint64_t)n->ref << 32 | n->component);
    for (uint32_t i = 0; i < n->n_args; i++) digest_expr(w, n->arg[i]);
    if (n->kind == KX_INDEX) digest_dim(w, n->index);
    for (uint32_t i = 0; i < n->n_at; i++) digest_dim(w, n->at[i]);
    digest_expr(w, n->pred);
    digest_expr(w, n->fill);
}

void kernel_digest(const kernel *k, uint8_t out[32]) {
    digest_walk w = {.k = k,
                     .sym_number = ARENA_ARRAY(k->a, uint32_t, dim_n_syms(k->dims)),
                     .expr_number = ARENA_ARRAY(k->a, uint32_t, k->exprs.n)};
    sha256_init(&w.hash);
    const kschedule *s = &k->schedule;
    const uint32_t numbers[] = {s->is_cuda, s->lanes,  s->unroll,   s->threads,  s->tile_m,
                                s->tile_n,  s->tile_k, s->thread_m, s->thread_n, s->grain};
    for (size_t i = 0; i < countof(numbers); i++) digest_word(&w, numbers[i]);
    kernel_visitor v = {
        .k = k, .word = digest_word, .index = digest_dim, .expr = digest_expr, .sym = digest_sym, .data = &w};
    walk_kernel(&v);
    sha256_done(&w.hash, out);
}
