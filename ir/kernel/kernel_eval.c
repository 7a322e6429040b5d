/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The kernel interpreter's expressions and memory. Every operator rounds to its dtype, as compiled code does; so apart
 * from the transcendental functions results are those of compiled code bit by bit. */
#include "ir/kernel/kernel_interp.h"

#include <math.h>
#include <string.h>

#include "ir/op/eval_scalar.h"

enum { MAX_AT = 32, MAX_STACK = 128 };

/* --- dims --- */

typedef struct loaded_list {
    arena *a;
    dim_table *dims;
    VEC(sym_id) syms;
} loaded_list;

static void add_loaded(void *data, sym_id s) {
    loaded_list *l = data;
    if (dim_sym_info(l->dims, s)->kind == SYM_LOADED) vec_push(l->a, l->syms, s);
}

static const kdim_code *code_of(kinterp *s, dim d) {
    while (s->codes.n <= d) vec_push(s->a, s->codes, (const kdim_code *)NULL);
    if (s->codes.at[d]) return s->codes.at[d];
    loaded_list l = {.a = s->a, .dims = s->k->dims};
    kx_visit_dim(s->k->dims, d, add_loaded, &l);
    uint32_t words;
    kdim_code *code = ARENA_NEW(s->a, kdim_code);
    *code =
        (kdim_code){.words = dim_compile(s->a, s->k->dims, d, NULL, &words), .n_loaded = l.syms.n, .loaded = l.syms.at};
    return s->codes.at[d] = code;
}

static int64_t floor_div(int64_t x, int64_t y) { return x / y - (x % y != 0 && (x < 0) != (y < 0)); }

/* One binary word of a dim's code; false on overflow or division by zero. */
static bool apply_word(int64_t op, int64_t x, int64_t y, int64_t *out) {
    bool is_division = op == DC_FLOORDIV || op == DC_MOD;
    if (is_division && (y == 0 || (x == INT64_MIN && y == -1))) return false;
    switch ((dim_code)op) {
    case DC_ADD:
        return !__builtin_add_overflow(x, y, out);
    case DC_MUL:
        return !__builtin_mul_overflow(x, y, out);
    case DC_FLOORDIV:
        *out = floor_div(x, y);
        return true;
    case DC_MOD:
        *out = x - floor_div(x, y) * y;
        return true;
    case DC_MIN:
        *out = x < y ? x : y;
        return true;
    case DC_MAX:
        *out = x > y ? x : y;
        return true;
    case DC_END:
    case DC_CONST:
    case DC_SYM:
        return false;
    }
    return false;
}

frit_status kinterp_dim(kinterp *s, kthread *t, dim d, int64_t *out) {
    if (d == DIM_BAD) return FAIL(s->c, INTERNAL, s->k->name, "a dim that cannot be computed");
    const kdim_code *code = code_of(s, d);
    for (uint32_t i = 0; i < code->n_loaded; i++) {
        scalar v;
        TRY(kinterp_expr(s, t, dim_sym_info(s->k->dims, code->loaded[i])->input, &v));
        t->syms[code->loaded[i]] = v.i;
    }
    int64_t stack[MAX_STACK];
    uint32_t n = 0;
    for (const int64_t *w = code->words; *w != DC_END; w++) {
        if (*w == DC_CONST || *w == DC_SYM) {
            if (n == MAX_STACK) return FAIL(s->c, RANGE, s->k->name, "a dim nested too deep");
            stack[n++] = w[0] == DC_CONST ? w[1] : t->syms[w[1]];
            w++;
            continue;
        }
        n--;
        if (!apply_word(*w, stack[n - 1], stack[n], &stack[n - 1]))
            return FAIL(s->c, RANGE, s->k->name, "dim %s overflows or divides by zero", dim_text(s->a, s->k->dims, d));
    }
    *out = stack[0];
    return FRIT_OK;
}

/* --- memory --- */

static frit_status outside(kinterp *s, buf_id b, uint32_t axis, int64_t index) {
    return FAIL(s->c, RANGE, s->k->name, "index %lld of axis %u is outside buffer %s (extent %lld)", (long long)index,
                axis, s->k->bufs.at[b].name, (long long)s->memory[b].shape[axis]);
}

static frit_status place(kinterp *s, kthread *t, buf_id b, const dim *at, int64_t *out) {
    const kmemory *m = &s->memory[b];
    int64_t offset = 0;
    for (uint32_t i = 0; i < s->k->bufs.at[b].rank; i++) {
        int64_t index;
        TRY(kinterp_dim(s, t, at[i], &index));
        if (s->run->checked && (index < 0 || index >= m->shape[i])) return outside(s, b, i, index);
        offset += index * m->strides[i];
    }
    if (offset < 0 || offset >= m->elements)
        return FAIL(s->c, RANGE, s->k->name, "element %lld is outside buffer %s (%lld elements)", (long long)offset,
                    s->k->bufs.at[b].name, (long long)m->elements);
    *out = offset;
    return FRIT_OK;
}

static uint8_t *copy_of(const kmemory *m, const kthread *t) { return m->base + m->copy_bytes * t->thread; }

/* Two threads may not touch an element, one of them writing, without a barrier between; nor two parallel items in one
 * phase. What is read of a local buffer was written by this item. A local buffer is followed by (epoch, thread), a
 * parameter by its item alone. */
static frit_status follow(kinterp *s, const kthread *t, buf_id b, int64_t offset, bool is_write) {
    if (!s->memory[b].touched) return FRIT_OK;
    bool is_param = b < s->k->n_params, is_own = s->k->bufs.at[b].scope == KB_REG;
    ktouch *m = &s->memory[b].touched[offset + (is_own ? s->memory[b].elements * t->thread : 0)];
    if (!is_param && !is_write && m->write_epoch < s->item_epoch)
        return FAIL(s->c, INTERNAL, s->k->name, "element %lld of %s is read, which nobody has written",
                    (long long)offset, s->k->bufs.at[b].name);
    uint32_t who = is_param ? s->item : t->thread;
    uint32_t since = is_param ? s->first_item : s->epoch; /* of the same phase, or between the same barriers */
    bool written = m->write_epoch >= since && m->write_epoch && m->write_thread != who;
    bool read = m->read_epoch >= since && m->read_epoch && m->read_thread != who;
    if (written || (is_write && read))
        return FAIL(s->c, INTERNAL, s->k->name, "race: element %lld of %s is %s by %s %u and %s by %u",
                    (long long)offset, s->k->bufs.at[b].name, is_write ? "written" : "read",
                    is_param ? "item" : "thread", who, written ? "written" : "read",
                    written ? m->write_thread : m->read_thread);
    uint32_t now = is_param ? s->item : s->epoch;
    if (is_write) {
        m->write_thread = who;
        m->write_epoch = now;
    } else {
        bool is_shared = m->read_epoch >= since && m->read_epoch && m->read_thread != who;
        m->read_thread = is_shared ? KTOUCH_MANY : who;
        m->read_epoch = now;
    }
    return FRIT_OK;
}

frit_status kinterp_load(kinterp *s, kthread *t, buf_id b, const dim *at, scalar *out) {
    int64_t offset;
    TRY(place(s, t, b, at, &offset));
    TRY(follow(s, t, b, offset, false));
    *out = dtype_load(s->k->bufs.at[b].dt, copy_of(&s->memory[b], t), (size_t)offset);
    return FRIT_OK;
}

frit_status kinterp_store(kinterp *s, kthread *t, buf_id b, const dim *at, scalar v) {
    int64_t offset;
    TRY(place(s, t, b, at, &offset));
    TRY(follow(s, t, b, offset, true));
    dtype_store(s->k->bufs.at[b].dt, copy_of(&s->memory[b], t), (size_t)offset, v);
    return FRIT_OK;
}

/* --- operators --- */

scalar kinterp_fma(dtype dt, scalar x, scalar y, scalar z) {
    if (dt == FRIT_DT_F64) return (scalar){.f = fma(x.f, y.f, z.f)};
    if (dt == FRIT_DT_F32) return (scalar){.f = fmaf((float)x.f, (float)y.f, (float)z.f)};
    scalar product = eval_scalar(OP_mul, NULL, dt, (scalar[]){x, y});
    return eval_scalar(OP_add, NULL, dt, (scalar[]){product, z});
}

static scalar apply_bitcast(dtype from, dtype to, scalar v) {
    uint64_t bits = 0;
    dtype_store(from, &bits, 0, v);
    return dtype_load(to, &bits, 0);
}

static scalar apply_op(const kx_node *n, dtype from, const scalar *in) {
    if (n->op == OP_cast) return dtype_convert(from, n->dt, in[0], ((const attr_cast *)n->attrs)->saturate);
    if (n->op == OP_bitcast) return apply_bitcast(from, n->dt, in[0]);
    if (n->op == OP_fma && (n->dt == FRIT_DT_F32 || n->dt == FRIT_DT_F64))
        return kinterp_fma(n->dt, in[0], in[1], in[2]);
    return eval_scalar(n->op, n->attrs, from, in);
}

/* --- accumulators --- */

void kinterp_identity(combiner comb, const dtype *dt, scalar *out) {
    for (uint32_t i = 0; i < combiner_info_of(comb)->n; i++) out[i] = combiner_identity(comb, i, dt[i]);
}

/* One component of a combiner's template over a0..a2, b0..b2. */
static scalar combine_component(const scalar_expr *e, const dtype *dt, const scalar *in) {
    scalar v[SCALAR_MAX_NODES] = {0};
    dtype types[SCALAR_MAX_NODES];
    for (uint32_t i = 0; i < e->n; i++) {
        const scalar_node *n = &e->nodes[i];
        types[i] = n->like == SCALAR_BOOL ? FRIT_DT_BOOL : dt[n->like % COMBINE_MAX];
        if (n->kind == SCALAR_INPUT) v[i] = in[n->input];
        if (n->kind == SCALAR_CONST) v[i] = dtype_from_f64(types[i], n->value);
        if (n->kind != SCALAR_OP) continue;
        scalar args[3];
        for (uint32_t j = 0; j < n->n_args; j++) args[j] = v[n->args[j]];
        v[i] = eval_scalar(n->op, NULL, types[n->args[n->n_args - 1]], args);
    }
    return v[e->n - 1];
}

void kinterp_combine(kinterp *s, combiner comb, const dtype *dt, scalar *a, const scalar *b) {
    scalar in[2 * COMBINE_MAX] = {0}, result[COMBINE_MAX];
    uint32_t n = combiner_info_of(comb)->n;
    for (uint32_t i = 0; i < n; i++) {
        in[i] = a[i];
        in[COMBINE_MAX + i] = b[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!s->combine[comb][i]) s->combine[comb][i] = scalar_of_combiner(s->a, comb, i);
        result[i] = combine_component(s->combine[comb][i], dt, in);
    }
    memcpy(a, result, n * sizeof *a);
}

/* Partials by halving, once, at the first read. */
static void finish(kinterp *s, const kacc *acc, kacc_state *state) {
    uint32_t n = combiner_info_of(acc->comb)->n;
    for (uint32_t half = acc->lanes / 2; half >= 1 && !state->is_finished; half /= 2)
        for (uint32_t i = 0; i < half; i++)
            kinterp_combine(s, acc->comb, acc->dt, state->partials + i * n, state->partials + (i + half) * n);
    state->is_finished = true;
}

static frit_status read_acc(kinterp *s, kthread *t, const kx_node *n, scalar *out) {
    kacc_state *state = t->accs[n->ref];
    const kacc *acc = &s->k->accs.at[n->ref];
    if (!state) return FAIL(s->c, INTERNAL, s->k->name, "accumulator %s is read before its declaration", acc->name);
    finish(s, acc, state);
    *out = state->partials[n->component];
    return FRIT_OK;
}

/* --- expressions --- */

static frit_status read_def(kinterp *s, kthread *t, const kx_node *n, scalar *out) {
    const kdef_values *d = s->defs ? &s->defs[n->ref] : NULL;
    if (!d || !d->at) return FAIL(s->c, INTERNAL, s->k->name, "definition %s has no value", s->k->defs.at[n->ref].name);
    int64_t offset = 0;
    for (uint32_t i = 0; i < n->n_at; i++) {
        int64_t index;
        TRY(kinterp_dim(s, t, n->at[i], &index));
        if (index < 0 || index >= d->extents[i])
            return FAIL(s->c, RANGE, s->k->name, "index %lld of axis %u is outside definition %s", (long long)index, i,
                        s->k->defs.at[n->ref].name);
        offset = offset * d->extents[i] + index;
    }
    *out = d->at[d->elements * n->component + offset];
    return FRIT_OK;
}

static frit_status read_memory(kinterp *s, kthread *t, const kx_node *n, scalar *out) {
    scalar holds = {.i = 1};
    if (n->pred) TRY(kinterp_expr(s, t, n->pred, &holds));
    if (!holds.i) return kinterp_expr(s, t, n->fill, out);
    return kinterp_load(s, t, n->ref, n->at, out);
}

static frit_status eval_node_op(kinterp *s, kthread *t, const kx_node *n, scalar *out) {
    scalar in[3];
    for (uint32_t i = 0; i < n->n_args; i++) TRY(kinterp_expr(s, t, n->arg[i], &in[i]));
    *out = apply_op(n, kx_dtype(s->k, n->arg[n->n_args - 1]), in);
    return FRIT_OK;
}

static frit_status compute(kinterp *s, kthread *t, const kx_node *n, scalar *out) {
    switch (n->kind) {
    case KX_NONE:
        return FAIL(s->c, INTERNAL, s->k->name, "a missing expression");
    case KX_CONST:
        *out = n->value;
        return FRIT_OK;
    case KX_INDEX:
        return kinterp_dim(s, t, n->index, &out->i);
    case KX_OP:
        return eval_node_op(s, t, n, out);
    case KX_LOAD:
        return read_memory(s, t, n, out);
    case KX_DEF:
        return read_def(s, t, n, out);
    case KX_ACC:
        return read_acc(s, t, n, out);
    case KX_LET:
        *out = t->lets[n->ref];
        return FRIT_OK;
    }
    return FRIT_OK;
}

void kinterp_fresh(kinterp *s) { s->now++; }

frit_status kinterp_expr(kinterp *s, kthread *t, kx x, scalar *out) {
    if (s->stamp[x] == s->now) {
        *out = s->value[x];
        return FRIT_OK;
    }
    TRY(compute(s, t, &s->k->exprs.at[x], out));
    s->value[x] = *out;
    s->stamp[x] = s->now;
    return FRIT_OK;
}

/* --- set-up --- */

static frit_status measure(kinterp *s, kthread *t, buf_id b) {
    const kbuf *buf = &s->k->bufs.at[b];
    kmemory *m = &s->memory[b];
    m->shape = ARENA_ARRAY(s->a, int64_t, buf->rank + 1);
    m->strides = ARENA_ARRAY(s->a, int64_t, buf->rank + 1);
    int64_t dense = 1;
    for (uint32_t i = buf->rank; i-- > 0;) {
        TRY(kinterp_dim(s, t, buf->shape[i], &m->shape[i]));
        if (m->shape[i] < 0) return FAIL(s->c, RANGE, s->k->name, "buffer %s has a negative extent", buf->name);
        m->strides[i] = dense;
        if (buf->strides) TRY(kinterp_dim(s, t, buf->strides[i], &m->strides[i]));
        if (__builtin_mul_overflow(dense, m->shape[i], &dense) || dense > INT64_C(1) << 40)
            return FAIL(s->c, RANGE, s->k->name, "buffer %s is too large", buf->name);
    }
    m->elements = dense ? 1 : 0;
    for (uint32_t i = 0; i < buf->rank && dense; i++) m->elements += (m->shape[i] - 1) * m->strides[i];
    return FRIT_OK;
}

static void give_memory(kinterp *s, buf_id b) {
    const kbuf *buf = &s->k->bufs.at[b];
    kmemory *m = &s->memory[b];
    size_t bytes = (dtype_bytes(buf->dt, (size_t)m->elements) + 15) / 16 * 16;
    uint32_t threads = s->k->schedule.is_cuda && s->k->schedule.threads ? s->k->schedule.threads : 1;
    bool is_reg = buf->scope == KB_REG;
    m->copy_bytes = is_reg ? bytes : 0;
    m->base = b < s->k->n_params ? s->run->buffers[b] : arena_alloc(s->a, is_reg ? bytes * threads : bytes);
    bool is_followed = s->run->checked && (b >= s->k->n_params || buf->is_written);
    if (is_followed) m->touched = ARENA_ARRAY(s->a, ktouch, m->elements * (is_reg ? threads : 1) + 1);
}

frit_status kinterp_init(kinterp *s, cx *c, const kernel_run *run) {
    const kernel *k = run->k;
    *s = (kinterp){.c = c, .run = run, .k = k, .a = run->a, .now = 1, .epoch = 1};
    s->n_syms = dim_n_syms(k->dims);
    s->memory = ARENA_ARRAY(s->a, kmemory, k->bufs.n);
    s->value = ARENA_ARRAY(s->a, scalar, k->exprs.n);
    s->stamp = ARENA_ARRAY(s->a, uint32_t, k->exprs.n);
    kthread t = {.syms = ARENA_ARRAY(s->a, int64_t, s->n_syms + 1)};
    memcpy(t.syms, run->syms, s->n_syms * sizeof *t.syms);
    for (buf_id b = 0; b < k->bufs.n; b++) {
        TRY(measure(s, &t, b));
        give_memory(s, b);
    }
    return FRIT_OK;
}
