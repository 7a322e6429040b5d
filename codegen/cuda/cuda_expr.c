/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernel expressions and dims as C++ text. Floats narrower than f32 are held as float and rounded after each operator;
 * integers narrower than 32 bits as int or unsigned and wrapped after each operator. */
#include "codegen/cuda/cuda_emit.h"

#include <stdlib.h>
#include <string.h>

/* --- names --- */

static const char *const foreign_words[] = {
    "asm",    "auto",   "bool",    "break",     "case",     "char",     "class",   "const",    "continue", "default",
    "delete", "dims",   "do",      "double",    "else",     "enum",     "extern",  "float",    "for",      "friend",
    "goto",   "if",     "index_t", "inline",    "int",      "long",     "mutable", "new",      "operator", "private",
    "public", "return", "short",   "signed",    "sizeof",   "static",   "struct",  "switch",   "template", "this",
    "throw",  "true",   "false",   "try",       "typedef",  "typename", "union",   "unsigned", "using",    "virtual",
    "void",   "while",  "item",    "threadIdx", "blockIdx", "tan",      "abs",     "min",      "max",      "round",
    "y0",     "y1",     "yn",      "j0",        "j1",       "jn",       "gamma",   "index",    "and",      "or",
    "xor",    "not",    "main",
};

bool cuda_is_foreign(const char *name) {
    for (size_t i = 0; i < countof(foreign_words); i++)
        if (!strcmp(foreign_words[i], name)) return true;
    return cuda_is_function(name) || cuda_is_prelude_name(name);
}

/* wanted without a number that only made it unique ("c_12" -> "c"), as an identifier. */
static char *base_name(cemit *e, const char *wanted) {
    char *s = arena_strdup(e->a, wanted && *wanted ? wanted : "v");
    for (char *p = s; *p; p++) {
        bool is_word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_';
        if (!is_word) *p = '_';
    }
    size_t n = strlen(s);
    while (n > 1 && s[n - 1] >= '0' && s[n - 1] <= '9') n--;
    if (n > 1 && s[n - 1] == '_') s[n - 1] = 0;
    if (*s >= '0' && *s <= '9') s = arena_printf(e->a, "v%s", s);
    if (*s == '_' && s[1] == '_') s = arena_printf(e->a, "v%s", s);
    return s;
}

const char *cuda_name(cemit *e, const char *wanted) {
    const char *base = base_name(e, wanted);
    const char *s = base;
    uint32_t is_taken;
    for (unsigned i = 2; cuda_is_foreign(s) || (map_get_str(&e->taken, s, &is_taken) && is_taken); i++)
        s = arena_printf(e->a, "%s_%u", base, i);
    map_set_str(&e->taken, s, 1);
    vec_push(e->a, e->names, s);
    return s;
}

void cuda_free_name(cemit *e, const char *name) { map_set_str(&e->taken, name, 0); }

/* --- text --- */

void cuda_line(cemit *e, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(e->a, fmt, ap);
    va_end(ap);
    for (int i = 0; i < e->indent && *text; i++) strbuf_add(e->b, "    ");
    strbuf_add(e->b, text);
    strbuf_addc(e->b, '\n');
}

/* --- dims --- */

static ctext call2(cemit *e, const char *name, ctext x, ctext y) {
    return cuda_primary(arena_printf(e->a, "%s(%s, %s)", name, x.text, y.text));
}

/* Terms in order; a negative one is subtracted. */
static ctext sum_text(cemit *e, dim d) {
    dim_table *t = e->k->dims;
    ctext sum = cuda_dim(e, dim_arg(t, d, 0));
    for (uint32_t i = 1; i < dim_n_args(t, d); i++) {
        dim term = dim_arg(t, d, i);
        int64_t v;
        dim first = dim_kind_of(t, term) == DIM_PRODUCT ? dim_arg(t, term, 0) : term;
        bool is_negative = dim_is_const(t, first, &v) && v < 0 && v != INT64_MIN;
        if (is_negative) term = dim_sub(t, dim_const(t, 0), term);
        sum = cuda_infix(e, sum, is_negative ? "-" : "+", cuda_dim(e, term), CP_ADD);
    }
    return sum;
}

static ctext product_text(cemit *e, dim d) {
    dim_table *t = e->k->dims;
    int64_t v;
    bool is_negated = dim_is_const(t, dim_arg(t, d, 0), &v) && v == -1;
    ctext product = cuda_dim(e, dim_arg(t, d, is_negated ? 1 : 0));
    for (uint32_t i = is_negated ? 2 : 1; i < dim_n_args(t, d); i++)
        product = cuda_infix(e, product, "*", cuda_dim(e, dim_arg(t, d, i)), CP_MUL);
    if (is_negated) product = (ctext){arena_printf(e->a, "-%s", cuda_paren(e, product, CP_UNARY)), CP_UNARY};
    return product;
}

static ctext division_text(cemit *e, dim d, const char *op, const char *function) {
    dim_table *t = e->k->dims;
    dim zero = dim_const(t, 0), x = dim_arg(t, d, 0), y = dim_arg(t, d, 1);
    if (dim_le(t, zero, x) && dim_lt(t, zero, y)) return cuda_infix(e, cuda_dim(e, x), op, cuda_dim(e, y), CP_MUL);
    return call2(e, function, cuda_dim(e, x), cuda_dim(e, y));
}

static ctext extreme_text(cemit *e, dim d, const char *function) {
    dim_table *t = e->k->dims;
    ctext x = cuda_dim(e, dim_arg(t, d, 0));
    for (uint32_t i = 1; i < dim_n_args(t, d); i++) x = call2(e, function, x, cuda_dim(e, dim_arg(t, d, i)));
    return x;
}

ctext cuda_dim(cemit *e, dim d) {
    dim_table *t = e->k->dims;
    int64_t v = 0;
    sym_id s = 0;
    switch (dim_kind_of(t, d)) {
    case DIM_CONST:
        dim_is_const(t, d, &v);
        return (ctext){arena_printf(e->a, v > INT32_MAX || v < -INT32_MAX ? "%lldll" : "%lld", (long long)v),
                       v < 0 ? CP_UNARY : CP_PRIMARY};
    case DIM_SYM:
        dim_is_sym(t, d, &s);
        return cuda_primary(e->sym_name[s] ? e->sym_name[s] : "undeclared");
    case DIM_SUM:
        return sum_text(e, d);
    case DIM_PRODUCT:
        return product_text(e, d);
    case DIM_FLOORDIV:
        return division_text(e, d, "/", "floor_div");
    case DIM_MOD:
        return division_text(e, d, "%", "floor_mod");
    case DIM_MIN:
        return extreme_text(e, d, "smaller");
    case DIM_MAX:
        return extreme_text(e, d, "larger");
    }
    return cuda_primary("0");
}

const char *cuda_dim_text(cemit *e, dim d) { return cuda_dim(e, d).text; }

/* --- memory --- */

/* Local arrays of constant shape are indexed axis by axis, all else by offset. */
const char *cuda_place(cemit *e, buf_id b, const dim *at) {
    const kbuf *buf = &e->k->bufs.at[b];
    bool is_array = buf->scope == KB_REG || (buf->scope == KB_TILE && !e->is_shared_dynamic);
    if (!is_array || buf->strides || !buf->rank)
        return arena_printf(e->a, "%s[%s]", e->buf_name[b], cuda_dim_text(e, kbuf_offset((kernel *)e->k, b, at)));
    const char *s = e->buf_name[b];
    for (uint32_t i = 0; i < buf->rank; i++) s = arena_printf(e->a, "%s[%s]", s, cuda_dim_text(e, at[i]));
    return s;
}

/* An element of fewer than 8 bits. */
static ctext load_packed(cemit *e, const kx_node *n) {
    const char *offset = cuda_dim_text(e, kbuf_offset((kernel *)e->k, n->ref, n->at));
    ctext bits =
        cuda_primary(arena_printf(e->a, "packed_bits(%s, %s, %u)", e->buf_name[n->ref], offset, dtype_bits(n->dt)));
    return dtype_kind_of(n->dt) == DTYPE_INT ? cuda_low_bits(e, n->dt, bits) : bits;
}

static ctext load_text(cemit *e, const kx_node *n) {
    ctext x = dtype_bits(n->dt) < 8 ? load_packed(e, n) : cuda_loaded(e, n->dt, cuda_place(e, n->ref, n->at));
    if (!n->pred) return x;
    return (ctext){arena_printf(e->a, "%s ? %s : %s", cuda_paren(e, cuda_expr(e, n->pred), CP_TERNARY + 1),
                                cuda_paren(e, x, CP_TERNARY + 1), cuda_paren(e, cuda_expr(e, n->fill), CP_TERNARY + 1)),
                   CP_TERNARY};
}

/* --- expressions --- */

/* An index compares as it is; anywhere else it is a long long. */
static bool is_plain_index(const kernel *k, kx x) {
    const kx_node *n = &k->exprs.at[x];
    return n->kind == KX_INDEX ||
           (n->kind == KX_CONST && n->dt == FRIT_DT_I64 && n->value.i >= -INT32_MAX && n->value.i <= INT32_MAX);
}

static ctext index_text(cemit *e, const kx_node *n) {
    ctext x = cuda_dim(e, n->index);
    if (e->is_wide) return x;
    return (ctext){arena_printf(e->a, "(long long)%s", cuda_paren(e, x, CP_UNARY)), CP_UNARY};
}

static ctext plain_index(cemit *e, kx x) {
    const kx_node *n = &e->k->exprs.at[x];
    if (n->kind == KX_INDEX) return cuda_dim(e, n->index);
    return (ctext){arena_printf(e->a, "%lld", (long long)n->value.i), n->value.i < 0 ? CP_UNARY : CP_PRIMARY};
}

static ctext op_text(cemit *e, const kx_node *n) {
    ctext args[3];
    bool is_index = op_is(n->op, OPF_CMP) && n->n_args == 2;
    for (uint32_t i = 0; i < n->n_args; i++) is_index = is_index && is_plain_index(e->k, n->arg[i]);
    for (uint32_t i = 0; i < n->n_args; i++) args[i] = is_index ? plain_index(e, n->arg[i]) : cuda_expr(e, n->arg[i]);
    return cuda_op(e, n->op, n->attrs, kx_dtype(e->k, n->arg[n->n_args - 1]), n->dt, args);
}

ctext cuda_expr(cemit *e, kx x) {
    const kx_node *n = &e->k->exprs.at[x];
    uint32_t temp;
    if (map_get(&e->temps, &x, sizeof x, &temp)) return cuda_primary(e->temp_names.at[temp]);
    switch (n->kind) {
    case KX_NONE:
    case KX_DEF:
        return cuda_primary("0");
    case KX_CONST:
        return cuda_number(e, n->dt, n->value);
    case KX_INDEX:
        return index_text(e, n);
    case KX_OP:
        return op_text(e, n);
    case KX_LOAD:
        return load_text(e, n);
    case KX_ACC: {
        const char *name = e->acc_name[n->ref];
        if (combiner_info_of(e->k->accs.at[n->ref].comb)->n == 1) return cuda_primary(name);
        return cuda_primary(arena_printf(e->a, "%s.v%u", name, n->component));
    }
    case KX_LET:
        return cuda_primary(e->let_name[n->ref]);
    }
    return cuda_primary("0");
}

const char *cuda_expr_text(cemit *e, kx x) { return cuda_expr(e, x).text; }

/* --- what stands before a statement --- */

typedef struct need {
    cemit *e;
    map uses;         /* expression -> count */
    VEC(sym_id) syms; /* loaded indices, each after those that it needs */
} need;

static void need_expr(need *w, kx x);

static void need_sym(void *data, sym_id s) {
    need *w = data;
    const sym_info info = *dim_sym_info(w->e->k->dims, s);
    if (info.kind != SYM_LOADED || w->e->sym_name[s]) return;
    for (uint32_t i = 0; i < w->syms.n; i++)
        if (w->syms.at[i] == s) return;
    need inner = {.e = w->e, .uses = {.a = w->e->a}};
    need_expr(&inner, info.input); /* only for the loaded indices in it */
    for (uint32_t i = 0; i < inner.syms.n; i++) vec_push(w->e->a, w->syms, inner.syms.at[i]);
    vec_push(w->e->a, w->syms, s);
}

static void need_dims(need *w, uint32_t n, const dim *d) {
    for (uint32_t i = 0; i < n; i++) kx_visit_dim(w->e->k->dims, d[i], need_sym, w);
}

static void need_expr(need *w, kx x) {
    uint32_t seen = 0;
    if (!x) return;
    map_get(&w->uses, &x, sizeof x, &seen);
    map_set(&w->uses, &x, sizeof x, seen + 1);
    if (seen) return;
    const kx_node *n = &w->e->k->exprs.at[x];
    for (uint32_t i = 0; i < n->n_args; i++) need_expr(w, n->arg[i]);
    need_expr(w, n->pred);
    need_expr(w, n->fill);
    if (n->kind == KX_INDEX) need_dims(w, 1, &n->index);
    need_dims(w, n->n_at, n->at);
}

static int compare_ids(const void *a, const void *b) {
    const kx x = *(const kx *)a, y = *(const kx *)b;
    return (x > y) - (x < y);
}

/* const T t = ..; for operators and loads that are used more than once. */
static void declare_shared(cemit *e, const need *w) {
    kx *shared = ARENA_ARRAY(e->a, kx, w->uses.n + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->uses.n; i++) {
        kx x;
        memcpy(&x, w->uses.entries[i].key, sizeof x);
        kx_kind kind = e->k->exprs.at[x].kind;
        if (w->uses.entries[i].value > 1 && (kind == KX_OP || kind == KX_LOAD)) shared[n++] = x;
    }
    qsort(shared, n, sizeof *shared, compare_ids);
    for (uint32_t i = 0; i < n; i++) {
        const kx_node *x = &e->k->exprs.at[shared[i]];
        const char *hint = x->kind == KX_LOAD ? arena_printf(e->a, "%s_value", e->k->bufs.at[x->ref].name) : "t";
        const char *text = cuda_expr_text(e, shared[i]);
        const char *name = cuda_name(e, hint);
        cuda_line(e, "const %s %s = %s;", cuda_value_type(x->dt), name, text);
        vec_push(e->a, e->temp_names, name);
        map_set(&e->temps, &shared[i], sizeof *shared, e->temp_names.n - 1);
    }
}

static void declare_loaded(cemit *e, sym_id s) {
    const sym_info info = *dim_sym_info(e->k->dims, s);
    need w = {.e = e, .uses = {.a = e->a}};
    need_expr(&w, info.input);
    e->temps = (map){.a = e->a};
    declare_shared(e, &w);
    const char *text = cuda_expr_text(e, info.input);
    e->sym_name[s] = cuda_name(e, info.name);
    cuda_line(e, e->is_wide ? "const index_t %s = %s;" : "const index_t %s = (index_t)(%s);", e->sym_name[s], text);
    vec_push(e->a, e->loaded, s);
}

void cuda_prepare(cemit *e, uint32_t n, const kx *roots, uint32_t n_dims, const dim *dims) {
    need w = {.e = e, .uses = {.a = e->a}};
    for (uint32_t i = 0; i < n; i++) need_expr(&w, roots[i]);
    need_dims(&w, n_dims, dims);
    for (uint32_t i = 0; i < w.syms.n; i++)
        if (!e->sym_name[w.syms.at[i]]) declare_loaded(e, w.syms.at[i]);
    e->temps = (map){.a = e->a};
    declare_shared(e, &w);
}
