/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building kernels: buffers, accumulators, lets and statements. Expressions are built in kernel_expr.c.
 * Names become identifiers that are unique among those they could be confused with in text: buffers among buffers,
 * accumulators and lets among each other. */
#include "ir/kernel/kernel.h"

#include <string.h>

/* Words of the text form that cannot name anything. */
static const char *const reserved[] = {"acc", "prefetch", "barrier", "by",    "else",   "false", "if",  "index",
                                       "inf", "leaf",     "let",     "lanes", "nan",    "of",    "par", "phase",
                                       "seq", "reduce",   "thread",  "true",  "unroll", "vec",   "with"};

/* Names live in the same map as expressions; their keys begin with a word that no expression kind has. */
enum name_space { NAME_BUFFER = 'b', NAME_SCALAR = 's', NAME_DEF = 'd' };

static bool name_taken(kernel *k, enum name_space space, const char *name) {
    char *key = arena_printf(k->a, "name:%c:%s", (char)space, name);
    uint32_t seen;
    if (map_get_str(&k->expr_ids, key, &seen)) return true;
    map_set_str(&k->expr_ids, key, 0);
    return false;
}

static bool is_reserved(const char *name) {
    for (size_t i = 0; i < countof(reserved); i++)
        if (!strcmp(reserved[i], name)) return true;
    return false;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static const char *make_identifier(arena *a, const char *name) {
    if (!name || !*name) return "t";
    char *s = is_letter(*name) ? arena_strdup(a, name) : arena_printf(a, "_%s", name);
    for (char *p = s; *p; p++)
        if (!is_letter(*p) && !(*p >= '0' && *p <= '9')) *p = '_';
    return is_reserved(s) ? arena_printf(a, "%s_", s) : s;
}

static const char *unique_name(kernel *k, enum name_space space, const char *name) {
    const char *base = make_identifier(k->a, name);
    const char *s = base;
    for (unsigned i = 1; name_taken(k, space, s); i++) s = arena_printf(k->a, "%s_%u", base, i);
    return s;
}

kernel *kernel_new(arena *a, const char *name, dim_table *dims) {
    kernel *k = ARENA_NEW(a, kernel);
    k->a = a;
    k->name = make_identifier(a, name);
    k->title = k->name;
    k->dims = dims;
    k->expr_ids.a = a;
    k->flops = k->bytes = k->written = DIM_BAD;
    vec_push(a, k->exprs, (kx_node){.kind = KX_NONE});
    return k;
}

static buf_id add_buffer(kernel *k, const kbuf *b) {
    kbuf copy = *b;
    copy.name = unique_name(k, NAME_BUFFER, b->name);
    copy.shape = arena_copy(k->a, b->shape, b->rank * sizeof(dim));
    vec_push(k->a, k->bufs, copy);
    return k->bufs.n - 1;
}

buf_id kernel_param(kernel *k, const char *name, dtype dt, uint32_t rank, const dim *shape, bool is_written) {
    k->n_params++;
    return add_buffer(
        k, &(kbuf){.name = name, .dt = dt, .scope = KB_ARENA, .is_written = is_written, .rank = rank, .shape = shape});
}

buf_id kernel_local(kernel *k, const char *name, dtype dt, kbuf_scope scope, uint32_t rank, const dim *shape) {
    ASSERT(scope != KB_ARENA);
    return add_buffer(
        k, &(kbuf){.name = name, .dt = dt, .scope = scope, .is_written = true, .rank = rank, .shape = shape});
}

acc_id kernel_acc(kernel *k, const char *name, combiner comb, dtype dt, uint32_t lanes) {
    kacc acc = {.name = unique_name(k, NAME_SCALAR, name), .comb = comb, .lanes = lanes ? lanes : 1};
    for (uint32_t i = 0; i < combiner_info_of(comb)->n; i++)
        acc.dt[i] = i && combiner_has_index(comb) ? FRIT_DT_I64 : dt;
    vec_push(k->a, k->accs, acc);
    return k->accs.n - 1;
}

let_id kernel_let(kernel *k, const char *name, kx value) {
    vec_push(k->a, k->lets, (klet){.name = unique_name(k, NAME_SCALAR, name), .value = value});
    return k->lets.n - 1;
}

def_id kernel_def(kernel *k, const kdef *def) {
    kdef d = *def;
    d.name = unique_name(k, NAME_DEF, def->name);
    d.axes = arena_copy(k->a, def->axes, def->n_axes * sizeof(sym_id));
    d.raxes = arena_copy(k->a, def->raxes, def->n_raxes * sizeof(sym_id));
    if (def->out_at && def->out != KID_NONE)
        d.out_at = arena_copy(k->a, def->out_at, k->bufs.at[def->out].rank * sizeof(dim));
    vec_push(k->a, k->defs, d);
    return k->defs.n - 1;
}

/* --- statements --- */

static kstmt *append(kernel *k, klist *l, kstmt_kind kind) {
    kstmt *s = ARENA_NEW(k->a, kstmt);
    s->kind = kind;
    if (l->last)
        l->last->next = s;
    else
        l->first = s;
    l->last = s;
    return s;
}

kstmt *kstmt_loop(kernel *k, klist *l, kloop_kind kind, sym_id axis, uint32_t lanes, uint32_t unroll) {
    kstmt *s = append(k, l, KS_LOOP);
    s->u.loop.kind = kind;
    s->u.loop.axis = axis;
    s->u.loop.lanes = lanes;
    s->u.loop.unroll = unroll;
    return s;
}

kstmt *kstmt_if(kernel *k, klist *l, kx cond) {
    kstmt *s = append(k, l, KS_IF);
    s->u.branch.cond = cond;
    return s;
}

void kstmt_acc(kernel *k, klist *l, acc_id acc) { append(k, l, KS_ACC)->u.acc.acc = acc; }

void kstmt_update(kernel *k, klist *l, acc_id acc, const kx *values) {
    kstmt *s = append(k, l, KS_UPDATE);
    s->u.update.acc = acc;
    memcpy(s->u.update.value, values, combiner_info_of(k->accs.at[acc].comb)->n * sizeof *values);
}

kx kstmt_let(kernel *k, klist *l, const char *name, kx value) {
    let_id id = kernel_let(k, name, value);
    append(k, l, KS_LET)->u.let.let = id;
    return kx_let(k, id);
}

void kstmt_store(kernel *k, klist *l, buf_id b, const dim *at, kx value, kx pred) {
    kstmt *s = append(k, l, KS_STORE);
    s->u.store.buf = b;
    s->u.store.at = arena_copy(k->a, at, k->bufs.at[b].rank * sizeof(dim));
    s->u.store.value = value;
    s->u.store.pred = pred;
}

kleaf *kstmt_leaf(kernel *k, klist *l) {
    kstmt *s = append(k, l, KS_LEAF);
    s->u.leaf = ARENA_NEW(k->a, kleaf);
    return s->u.leaf;
}

void kstmt_barrier(kernel *k, klist *l) { append(k, l, KS_BARRIER); }

void klist_close(kstmt *loop_or_if, const klist *body) {
    ASSERT(loop_or_if->kind == KS_LOOP || loop_or_if->kind == KS_IF);
    if (loop_or_if->kind == KS_LOOP)
        loop_or_if->u.loop.body = body->first;
    else
        loop_or_if->u.branch.body = body->first;
}

void klist_close_else(kstmt *branch, const klist *body) {
    ASSERT(branch->kind == KS_IF);
    branch->u.branch.orelse = body->first;
}

/* --- facts --- */

uint32_t kernel_n_functions(const kernel *k) { return k->gemm ? 0 : k->phases.n; }

dim kernel_items(kernel *k, uint32_t phase) {
    dim items = dim_const(k->dims, 1);
    const kstmt *s = k->phases.at[phase];
    for (; s && s->kind == KS_LOOP && s->u.loop.kind == KL_PAR; s = s->u.loop.body)
        items = dim_mul(k->dims, items, dim_sym_info(k->dims, s->u.loop.axis)->extent);
    return items;
}

static dim whole_multiple(dim_table *t, dim n, uint32_t of) {
    dim by = dim_const(t, of);
    return of > 1 ? dim_mul(t, dim_ceildiv(t, n, by), by) : n;
}

dim kleaf_cols(dim_table *t, const kleaf *l) { return whole_multiple(t, l->cols, l->padded); }

dim kleaf_steps(dim_table *t, const kleaf *l) { return whole_multiple(t, l->n_k, l->k_pack); }

dim kbuf_stride(kernel *k, buf_id b, uint32_t axis) {
    const kbuf *buf = &k->bufs.at[b];
    if (buf->strides) return buf->strides[axis];
    return dim_product(k->dims, buf->rank - axis - 1, buf->shape + axis + 1);
}

dim kbuf_offset(kernel *k, buf_id b, const dim *at) {
    const kbuf *buf = &k->bufs.at[b];
    dim offset = dim_const(k->dims, 0);
    dim stride = dim_const(k->dims, 1);
    for (uint32_t i = buf->rank; i-- > 0;) {
        offset = dim_add(k->dims, offset, dim_mul(k->dims, at[i], buf->strides ? buf->strides[i] : stride));
        stride = dim_mul(k->dims, stride, buf->shape[i]);
    }
    return offset;
}

dim kbuf_elements(kernel *k, buf_id b) { return dim_product(k->dims, k->bufs.at[b].rank, k->bufs.at[b].shape); }

bool kbuf_outgrows_caches(kernel *k, buf_id b) {
    enum { LARGE_BYTES = 32 << 20 };
    int64_t lo, hi;
    dim_bounds(k->dims, kbuf_elements(k, b), &lo, &hi);
    return lo >= LARGE_BYTES * 8ll / dtype_bits(k->bufs.at[b].dt);
}

dim kbuf_span(kernel *k, buf_id b) {
    const kbuf *buf = &k->bufs.at[b];
    if (!buf->strides) return kbuf_elements(k, b);
    dim one = dim_const(k->dims, 1), span = one;
    for (uint32_t i = 0; i < buf->rank; i++)
        span = dim_add(k->dims, span, dim_mul(k->dims, dim_sub(k->dims, buf->shape[i], one), buf->strides[i]));
    return span;
}

static dim buffer_bytes(kernel *k, buf_id b) {
    unsigned bits = dtype_bits(k->bufs.at[b].dt);
    dim n = kbuf_span(k, b);
    if (bits % 8 == 0) return dim_mul(k->dims, n, dim_const(k->dims, bits / 8));
    return dim_ceildiv(k->dims, dim_mul(k->dims, n, dim_const(k->dims, bits)), dim_const(k->dims, 8));
}

dim kernel_scratch(kernel *k, buf_id b, dim *out_total) {
    dim at = dim_const(k->dims, 0);
    dim offset = DIM_BAD;
    for (buf_id i = k->n_params; i < k->bufs.n; i++) {
        if (k->schedule.is_cuda && k->bufs.at[i].scope == KB_REG) continue;
        if (i == b) offset = at;
        at = dim_add(k->dims, at, dim_align(k->dims, buffer_bytes(k, i), 64));
    }
    if (out_total) *out_total = at;
    return offset;
}
