/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scalar expressions of kernels: hash-consing, exact folding, substitution.
 *
 * An expression's id is larger than the ids of everything it is made of (arguments, predicates, the expressions behind
 * loaded index symbols), so walking ids upwards visits operands first. Folding changes no bit of any result: constants
 * are computed by eval_scalar, identities are those that hold for NaN, infinities and both zeros. */
#include "ir/kernel/kernel.h"

#include <string.h>

#include "ir/op/eval_scalar.h"

enum { KEY_WORDS = 16, MAX_AT = 32 };

/* Fixed part of a node's key; indices follow. */
static uint32_t node_key(const kx_node *n, uint32_t key[KEY_WORDS + MAX_AT]) {
    ASSERT(n->n_at <= MAX_AT);
    const attr_cast *cast = n->attrs;
    const uint32_t fixed[KEY_WORDS] = {(uint32_t)n->kind,
                                       (uint32_t)n->dt,
                                       (uint32_t)n->op,
                                       n->n_args,
                                       n->arg[0],
                                       n->arg[1],
                                       n->arg[2],
                                       cast ? 1u + cast->saturate : 0,
                                       (uint32_t)n->value.u,
                                       (uint32_t)(n->value.u >> 32),
                                       n->index,
                                       n->ref,
                                       n->component,
                                       n->n_at,
                                       n->pred,
                                       n->fill};
    memcpy(key, fixed, sizeof fixed);
    if (n->n_at) memcpy(key + KEY_WORDS, n->at, n->n_at * sizeof(dim));
    return KEY_WORDS + n->n_at;
}

static kx intern(kernel *k, const kx_node *n) {
    uint32_t key[KEY_WORDS + MAX_AT];
    uint32_t words = node_key(n, key);
    uint32_t id;
    if (map_get(&k->expr_ids, key, words * sizeof *key, &id)) return id;
    id = k->exprs.n;
    kx_node copy = *n;
    if (n->n_at) copy.at = arena_copy(k->a, n->at, n->n_at * sizeof(dim));
    vec_push(k->a, k->exprs, copy);
    map_set(&k->expr_ids, key, words * sizeof *key, id);
    return id;
}

static const kx_node *node_of(const kernel *k, kx x) {
    ASSERT(x && x < k->exprs.n);
    return &k->exprs.at[x];
}

dtype kx_dtype(const kernel *k, kx x) { return node_of(k, x)->dt; }

/* --- constants and indices --- */

kx kx_const(kernel *k, dtype dt, scalar v) {
    kx_node n = {.kind = KX_CONST, .dt = dt, .value = v};
    if (dtype_is_float(dt) && v.f != v.f) n.value.f = __builtin_nan(""); /* one NaN */
    return intern(k, &n);
}

kx kx_number(kernel *k, dtype dt, double v) { return kx_const(k, dt, dtype_from_f64(dt, v)); }

static kx const_bool(kernel *k, bool v) { return kx_const(k, FRIT_DT_BOOL, (scalar){.i = v}); }

kx kx_index(kernel *k, dim d) {
    int64_t v;
    if (dim_is_const(k->dims, d, &v)) return kx_const(k, FRIT_DT_I64, (scalar){.i = v});
    return intern(k, &(kx_node){.kind = KX_INDEX, .dt = FRIT_DT_I64, .index = d});
}

static bool is_const(const kernel *k, kx x, scalar *out) {
    const kx_node *n = &k->exprs.at[x];
    if (n->kind != KX_CONST) return false;
    *out = n->value;
    return true;
}

/* x is the constant v; of the two float zeros only +0 counts as 0 and only -0 as -0. */
static bool is_number(const kernel *k, kx x, double v) {
    scalar s;
    if (!is_const(k, x, &s)) return false;
    dtype dt = k->exprs.at[x].dt;
    if (!dtype_is_float(dt)) return dtype_to_f64(dt, s) == v;
    return s.f == v && __builtin_signbit(s.f) == __builtin_signbit(v);
}

/* --- operators --- */

static bool is_op(const kernel *k, kx x, op_code op) { return k->exprs.at[x].kind == KX_OP && k->exprs.at[x].op == op; }

/* Identities of unary operators and select; 0 when none applies. */
static kx fold_other(kernel *k, op_code op, const kx *arg) {
    scalar c;
    if (op == OP_select) {
        if (arg[1] == arg[2]) return arg[1];
        if (is_const(k, arg[0], &c)) return c.i ? arg[1] : arg[2];
    }
    if ((op == OP_neg || op == OP_not) && is_op(k, arg[0], op)) return node_of(k, arg[0])->arg[0];
    if (op == OP_abs && is_op(k, arg[0], OP_abs)) return arg[0];
    return 0;
}

/* x op y where y is the constant side of a commutative operator, or either way round for the others; 0 when none. */
static kx fold_right(kernel *k, op_code op, kx x, kx y) {
    dtype dt = kx_dtype(k, x);
    bool is_float = dtype_is_float(dt);
    if ((op == OP_min || op == OP_max) && x == y) return x;
    if (op == OP_mul && is_number(k, y, 1)) return x;
    if (op == OP_div && is_number(k, y, 1)) return x;
    if (op == OP_sub && is_number(k, y, 0)) return x;
    if (op == OP_add && is_number(k, y, is_float ? -0.0 : 0)) return x;
    if (op == OP_min && is_float && is_number(k, y, __builtin_inf())) return x;
    if (op == OP_max && is_float && is_number(k, y, -__builtin_inf())) return x;
    if (is_float) return 0;
    if (op == OP_mul && is_number(k, y, 0)) return y;
    if ((op == OP_shl || op == OP_shr || op == OP_or || op == OP_xor) && is_number(k, y, 0)) return x;
    if (op == OP_and && is_number(k, y, 0)) return y;
    if ((op == OP_and || op == OP_or) && x == y) return x;
    if (dt != FRIT_DT_BOOL) return 0;
    if (op == OP_and && is_number(k, y, 1)) return x;
    if (op == OP_or && is_number(k, y, 1)) return y;
    return 0;
}

static kx fold_const(kernel *k, op_code op, uint32_t n, const kx *args, dtype result) {
    scalar in[3];
    for (uint32_t i = 0; i < n; i++)
        if (!is_const(k, args[i], &in[i])) return 0;
    dtype dt = kx_dtype(k, args[n - 1]); /* of the operands; select's first is bool */
    return kx_const(k, result, eval_scalar(op, NULL, dt, in));
}

kx kx_op(kernel *k, op_code op, uint32_t n, const kx *args) {
    ASSERT(op_is(op, OPF_EW | OPF_CORE) && op != OP_cast && op != OP_bitcast);
    ASSERT(n >= 1 && n <= 3 && n == op_info_of(op)->n_in_min);
    dtype dt = kx_dtype(k, args[n - 1]);
    dtype result = op_is(op, OPF_CMP) ? FRIT_DT_BOOL : dt;
    for (uint32_t i = op == OP_select; i < n; i++) ASSERT(kx_dtype(k, args[i]) == dt);
    kx folded = fold_const(k, op, n, args, result);
    if (!folded) folded = fold_other(k, op, args);
    if (!folded && n == 2) folded = fold_right(k, op, args[0], args[1]);
    if (!folded && n == 2 && op_is(op, OPF_COMM)) folded = fold_right(k, op, args[1], args[0]);
    if (folded) return folded;
    kx_node made = {.kind = KX_OP, .dt = result, .op = op, .n_args = n};
    memcpy(made.arg, args, n * sizeof *args);
    return intern(k, &made);
}

/* Every value of from is a value of to, and NaN stays NaN. */
static bool is_widening(dtype from, dtype to) {
    if (dtype_is_float(from) && dtype_is_float(to))
        return (to == FRIT_DT_F64 || to == FRIT_DT_F32) && dtype_bits(from) < dtype_bits(to);
    return dtype_kind_of(from) == dtype_kind_of(to) && dtype_bits(from) <= dtype_bits(to) && from != FRIT_DT_BOOL;
}

kx kx_cast(kernel *k, kx x, dtype to, bool saturate) {
    const kx_node *n = node_of(k, x);
    if (n->dt == to) return x;
    if (n->kind == KX_CONST) return kx_const(k, to, dtype_convert(n->dt, to, n->value, saturate));
    if (is_op(k, x, OP_cast) && kx_dtype(k, n->arg[0]) == to && is_widening(to, n->dt)) return n->arg[0];
    attr_cast *attrs = attrs_new(k->a, OP_cast);
    attrs->to = to;
    attrs->saturate = saturate;
    return intern(k, &(kx_node){.kind = KX_OP, .dt = to, .op = OP_cast, .n_args = 1, .arg = {x}, .attrs = attrs});
}

kx kx_bitcast(kernel *k, kx x, dtype to) {
    const kx_node *n = node_of(k, x);
    if (n->dt == to) return x;
    ASSERT(dtype_bits(n->dt) == dtype_bits(to));
    attr_cast *attrs = attrs_new(k->a, OP_bitcast);
    attrs->to = to;
    return intern(k, &(kx_node){.kind = KX_OP, .dt = to, .op = OP_bitcast, .n_args = 1, .arg = {x}, .attrs = attrs});
}

/* --- references --- */

kx kx_load(kernel *k, buf_id b, const dim *at, kx pred, kx fill) {
    scalar c;
    ASSERT(b < k->bufs.n && !pred == !fill);
    if (pred && is_const(k, pred, &c)) {
        if (!c.i) return fill;
        pred = fill = 0;
    }
    const kbuf *buf = &k->bufs.at[b];
    ASSERT(!fill || kx_dtype(k, fill) == buf->dt);
    return intern(
        k,
        &(kx_node){.kind = KX_LOAD, .dt = buf->dt, .ref = b, .n_at = buf->rank, .at = at, .pred = pred, .fill = fill});
}

kx kx_def(kernel *k, def_id d, uint32_t component, const dim *at) {
    const kdef *def = &k->defs.at[d];
    ASSERT(component < def->n_values);
    return intern(k, &(kx_node){.kind = KX_DEF,
                                .dt = kx_dtype(k, def->value[component]),
                                .ref = d,
                                .component = component,
                                .n_at = def->n_axes,
                                .at = at});
}

kx kx_acc(kernel *k, acc_id a, uint32_t component) {
    ASSERT(a < k->accs.n && component < combiner_info_of(k->accs.at[a].comb)->n);
    return intern(k, &(kx_node){.kind = KX_ACC, .dt = k->accs.at[a].dt[component], .ref = a, .component = component});
}

kx kx_let(kernel *k, let_id l) {
    ASSERT(l < k->lets.n);
    return intern(k, &(kx_node){.kind = KX_LET, .dt = kx_dtype(k, k->lets.at[l].value), .ref = l});
}

/* --- predicates and loaded indices --- */

kx kx_and(kernel *k, kx a, kx b) {
    if (!a || !b) return a ? a : b;
    return kx_op(k, OP_and, 2, (kx[]){a, b});
}

kx kx_in_range(kernel *k, dim d, dim lo, dim hi) {
    kx at_least = 0, below = 0;
    if (dim_lt(k->dims, d, lo) || dim_le(k->dims, hi, d)) return const_bool(k, false);
    if (!dim_le(k->dims, lo, d)) at_least = kx_op(k, OP_ge, 2, (kx[]){kx_index(k, d), kx_index(k, lo)});
    if (!dim_lt(k->dims, d, hi)) below = kx_op(k, OP_lt, 2, (kx[]){kx_index(k, d), kx_index(k, hi)});
    return kx_and(k, at_least, below);
}

/* The loaded symbol for a clamped index expression; one for each (expression, extent). */
static dim loaded_symbol(kernel *k, kx expr, dim extent, const char *name) {
    const uint32_t key[3] = {UINT32_MAX, expr, extent};
    uint32_t id;
    if (map_get(&k->expr_ids, key, sizeof key, &id)) return id;
    dim d = dim_loaded(k->dims, name, extent, expr);
    map_set(&k->expr_ids, key, sizeof key, d);
    return d;
}

dim kx_as_index(kernel *k, kx index, dim extent, const char *name) {
    kx v = kx_cast(k, index, FRIT_DT_I64, true);
    kx n = kx_index(k, extent);
    kx zero = kx_number(k, FRIT_DT_I64, 0);
    const kx_node *made = node_of(k, v);
    dim d = made->kind == KX_INDEX ? made->index : DIM_BAD;
    if (made->kind == KX_CONST) d = dim_const(k->dims, made->value.i);
    if (d != DIM_BAD && dim_le(k->dims, dim_const(k->dims, 0), d) && dim_lt(k->dims, d, extent)) return d;
    kx wrapped = kx_op(k, OP_add, 2, (kx[]){v, n});
    kx is_negative = kx_op(k, OP_lt, 2, (kx[]){v, zero});
    v = kx_op(k, OP_select, 3, (kx[]){is_negative, wrapped, v});
    v = kx_op(k, OP_min, 2, (kx[]){v, kx_op(k, OP_sub, 2, (kx[]){n, kx_number(k, FRIT_DT_I64, 1)})});
    v = kx_op(k, OP_max, 2, (kx[]){v, zero});
    made = node_of(k, v);
    if (made->kind == KX_CONST) return dim_const(k->dims, made->value.i);
    return loaded_symbol(k, v, extent, name);
}

dim kx_loaded(kernel *k, kx index, dim extent, const char *name) {
    ASSERT(kx_dtype(k, index) == FRIT_DT_I64);
    return loaded_symbol(k, index, extent, name);
}

/* --- walking --- */

/* Calls fn for each occurrence of a symbol in d. */
static void visit_syms(const dim_table *t, dim d, void (*fn)(void *, sym_id), void *data) {
    sym_id s;
    if (dim_is_const(t, d, NULL)) return;
    if (dim_is_sym(t, d, &s)) {
        fn(data, s);
        return;
    }
    for (uint32_t i = 0; i < dim_n_args(t, d); i++) visit_syms(t, dim_arg(t, d, i), fn, data);
}

void kx_visit_dim(dim_table *t, dim d, void (*fn)(void *, sym_id), void *data) { visit_syms(t, d, fn, data); }

/* Marks of expressions known not to depend on the symbol. */
typedef struct depends_walk {
    const kernel *k;
    sym_id s;
    uint8_t *seen;
    bool found;
} depends_walk;

static bool walk_depends(depends_walk *w, kx x);

static void depends_symbol(void *data, sym_id s) {
    depends_walk *w = data;
    if (s == w->s) w->found = true;
    const sym_info *info = dim_sym_info(w->k->dims, s);
    if (!w->found && info->kind == SYM_LOADED) walk_depends(w, info->input);
}

static bool walk_depends(depends_walk *w, kx x) {
    if (!x || w->found || w->seen[x]) return w->found;
    w->seen[x] = 1;
    const kx_node *n = node_of(w->k, x);
    for (uint32_t i = 0; i < n->n_args; i++) walk_depends(w, n->arg[i]);
    if (n->kind == KX_INDEX) visit_syms(w->k->dims, n->index, depends_symbol, w);
    for (uint32_t i = 0; i < n->n_at; i++) visit_syms(w->k->dims, n->at[i], depends_symbol, w);
    walk_depends(w, n->pred);
    walk_depends(w, n->fill);
    if (n->kind == KX_LET) walk_depends(w, w->k->lets.at[n->ref].value);
    return w->found;
}

bool kx_depends(const kernel *k, kx x, sym_id s) {
    /* Small kernels, asked often, need no memory: the arena cannot be released here, dims may grow in it meanwhile. */
    uint8_t local[2048] = {0};
    bool is_small = k->exprs.n <= sizeof local;
    depends_walk w = {.k = k, .s = s, .seen = is_small ? local : ARENA_ARRAY(k->a, uint8_t, k->exprs.n)};
    return walk_depends(&w, x);
}

/* --- substitution --- */

typedef struct subst {
    kernel *k;
    kx_subst_def_fn *fn;
    void *data;
    map done;         /* expression -> its copy */
    VEC(sym_id) syms; /* replaced axes, then loaded symbols met so far */
    VEC(dim) by;
    VEC(sym_id) fixed; /* loaded symbols that stay as they are */
} subst;

static kx subst_expr(subst *s, kx x);

static void subst_loaded(void *data, sym_id sym) {
    subst *s = data;
    const sym_info info = *dim_sym_info(s->k->dims, sym);
    if (info.kind != SYM_LOADED) return;
    for (uint32_t i = 0; i < s->syms.n; i++)
        if (s->syms.at[i] == sym) return;
    for (uint32_t i = 0; i < s->fixed.n; i++)
        if (s->fixed.at[i] == sym) return;
    kx by = subst_expr(s, info.input);
    if (by == info.input) {
        vec_push(s->k->a, s->fixed, sym);
        return;
    }
    dim extent = dim_subst(s->k->dims, info.extent, s->syms.n, s->syms.at, s->by.at);
    const kx_node *n = node_of(s->k, by);
    dim d = n->kind == KX_CONST ? dim_const(s->k->dims, n->value.i) : loaded_symbol(s->k, by, extent, info.name);
    vec_push(s->k->a, s->syms, sym);
    vec_push(s->k->a, s->by, d);
}

static dim subst_index(subst *s, dim d) {
    visit_syms(s->k->dims, d, subst_loaded, s);
    return s->syms.n ? dim_subst(s->k->dims, d, s->syms.n, s->syms.at, s->by.at) : d;
}

/* The copy of a node whose operands are copied already. */
static kx rebuild(subst *s, kx x, const kx arg[3], const dim *at) {
    kernel *k = s->k;
    const kx_node n = *node_of(k, x);
    if (n.kind == KX_OP && n.op == OP_cast) return kx_cast(k, arg[0], n.dt, ((const attr_cast *)n.attrs)->saturate);
    if (n.kind == KX_OP && n.op == OP_bitcast) return kx_bitcast(k, arg[0], n.dt);
    if (n.kind == KX_OP) return kx_op(k, n.op, n.n_args, arg);
    if (n.kind == KX_INDEX) return kx_index(k, subst_index(s, n.index));
    if (n.kind == KX_LOAD) return kx_load(k, n.ref, at, subst_expr(s, n.pred), subst_expr(s, n.fill));
    if (n.kind == KX_DEF) {
        kx by = s->fn ? s->fn(k, n.ref, n.component, at, s->data) : 0;
        return by ? by : kx_def(k, n.ref, n.component, at);
    }
    return x;
}

static kx subst_expr(subst *s, kx x) {
    uint32_t done;
    if (!x) return 0;
    if (map_get(&s->done, &x, sizeof x, &done)) return done;
    const kx_node n = *node_of(s->k, x); /* a copy: building moves the array */
    kx arg[3] = {0};
    dim at[MAX_AT];
    for (uint32_t i = 0; i < n.n_args; i++) arg[i] = subst_expr(s, n.arg[i]);
    for (uint32_t i = 0; i < n.n_at; i++) at[i] = subst_index(s, n.at[i]);
    kx result = rebuild(s, x, arg, at);
    map_set(&s->done, &x, sizeof x, result);
    return result;
}

kx kx_subst(kernel *k, kx x, uint32_t n, const sym_id *syms, const dim *by, kx_subst_def_fn *fn, void *data) {
    subst s = {.k = k, .fn = fn, .data = data, .done = {.a = k->a}};
    for (uint32_t i = 0; i < n; i++) {
        vec_push(k->a, s.syms, syms[i]);
        vec_push(k->a, s.by, by[i]);
    }
    return subst_expr(&s, x);
}
