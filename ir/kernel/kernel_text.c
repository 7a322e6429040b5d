/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints kernels; kernel_parse.c reads what this writes, and printing that again gives the same text.
 *
 *     kernel @softmax(x: f32[R, C], out y: f32[R, C]) where R in 1..4096, C in 1..65536 {
 *       schedule cpu lanes 16 unroll 4
 *       axis r < R, c < C, c_1 < C
 *       define {
 *         m[r] = reduce c with max of x[r, c]
 *         y[r, c] -> y = exp(x[r, c] - m[r])
 *       }
 *       phase {
 *         par r < R {
 *           acc m: max f32 lanes 64
 *           vec c < C by 16 x 4 {
 *             m <- x[r, c]
 *           }
 *           vec c_1 < C by 16 x 4 {
 *             y[r, c_1] = exp(x[r, c_1] - m)
 *           }
 *         }
 *       }
 *     }
 *
 * A number without a suffix is f32 when it has a point or an exponent, else i64; others end in ":f64", ":i32". index(d)
 * is a dim as a number, x[r if p else v] a load with predicate and fill. An expression that a statement uses twice
 * stands once before it, as "$1 = ...". */
#include "ir/kernel/kernel_text.h"

#include <stdlib.h>
#include <string.h>

typedef struct printer {
    strbuf *b;
    const kernel *k;
    int indent;
    map temps;        /* expression -> number of its $ name in this statement */
    uint32_t n_temps; /* in this statement */
} printer;

static void print_expr(printer *p, kx x, int prec);

static void line(printer *p) {
    for (int i = 0; i < p->indent; i++) strbuf_add(p->b, "  ");
}

static void print_dims(printer *p, uint32_t n, const dim *d) {
    for (uint32_t i = 0; i < n; i++) {
        if (i) strbuf_add(p->b, ", ");
        dim_print(p->b, p->k->dims, d[i]);
    }
}

/* Quoted where it is no identifier. */
static const char *sym_name(const printer *p, sym_id s) {
    return dim_text(p->b->a, p->k->dims, dim_of_sym(p->k->dims, s));
}

static void print_number(printer *p, const kx_node *n) {
    strbuf *b = p->b;
    if (n->dt == FRIT_DT_BOOL) {
        strbuf_add(b, n->value.i ? "true" : "false");
        return;
    }
    if (dtype_is_float(n->dt)) {
        const char *text = str_from_f64(b->a, n->value.f);
        strbuf_add(b, text);
        if (!strpbrk(text, ".einf")) strbuf_add(b, ".0");
    } else if (dtype_kind_of(n->dt) == DTYPE_UINT) {
        strbuf_printf(b, "%llu", (unsigned long long)n->value.u);
    } else {
        strbuf_printf(b, "%lld", (long long)n->value.i);
    }
    if (n->dt != FRIT_DT_F32 && n->dt != FRIT_DT_I64) strbuf_printf(b, ":%s", dtype_name(n->dt));
}

static const kinfix *infix_of(op_code op) {
    for (size_t i = 0; i < countof(kinfix_rows); i++)
        if (kinfix_rows[i].op == op) return &kinfix_rows[i];
    return NULL;
}

static void print_op(printer *p, const kx_node *n, int prec) {
    strbuf *b = p->b;
    const kinfix *infix = infix_of(n->op);
    int own = infix                                ? infix->prec
              : n->op == OP_select                 ? PREC_TERNARY
              : n->op == OP_neg || n->op == OP_not ? PREC_UNARY
                                                   : PREC_PRIMARY;
    if (own < prec) strbuf_addc(b, '(');
    if (infix) {
        print_expr(p, n->arg[0], own);
        strbuf_printf(b, " %s ", infix->text);
        print_expr(p, n->arg[1], own + 1);
    } else if (own == PREC_TERNARY) {
        print_expr(p, n->arg[0], own + 1);
        strbuf_add(b, " ? ");
        print_expr(p, n->arg[1], own + 1);
        strbuf_add(b, " : ");
        print_expr(p, n->arg[2], own);
    } else if (own == PREC_UNARY) {
        strbuf_addc(b, n->op == OP_neg ? '-' : '!');
        print_expr(p, n->arg[0], PREC_PRIMARY);
    } else {
        if (n->op == OP_cast)
            strbuf_printf(b, "%s(", dtype_name(n->dt));
        else if (n->op == OP_bitcast)
            strbuf_printf(b, "bitcast<%s>(", dtype_name(n->dt));
        else
            strbuf_printf(b, "%s(", op_name(n->op));
        for (uint32_t i = 0; i < n->n_args; i++) {
            if (i) strbuf_add(b, ", ");
            print_expr(p, n->arg[i], PREC_TERNARY);
        }
        if (n->op == OP_cast && !((const attr_cast *)n->attrs)->saturate) strbuf_add(b, ", wrap");
        strbuf_addc(b, ')');
    }
    if (own < prec) strbuf_addc(b, ')');
}

static void print_component(printer *p, const char *name, uint32_t component) {
    strbuf_add(p->b, name);
    if (component) strbuf_printf(p->b, ".%u", component);
}

/* A definition hides a buffer of its name: such a load is written load(x)[..]. */
static bool is_def_name(const kernel *k, const char *name) {
    for (uint32_t i = 0; i < k->defs.n; i++)
        if (!strcmp(k->defs.at[i].name, name)) return true;
    return false;
}

static void print_load(printer *p, const kx_node *n) {
    const char *name = p->k->bufs.at[n->ref].name;
    strbuf_printf(p->b, is_def_name(p->k, name) ? "load(%s)[" : "%s[", name);
    print_dims(p, n->n_at, n->at);
    if (n->pred) {
        strbuf_add(p->b, n->n_at ? " if " : "if ");
        print_expr(p, n->pred, PREC_TERNARY);
        strbuf_add(p->b, " else ");
        print_expr(p, n->fill, PREC_TERNARY);
    }
    strbuf_addc(p->b, ']');
}

static void print_expr(printer *p, kx x, int prec) {
    const kx_node *n = &p->k->exprs.at[x];
    uint32_t temp;
    if (map_get(&p->temps, &x, sizeof x, &temp)) {
        strbuf_printf(p->b, "$%u", temp);
        return;
    }
    switch (n->kind) {
    case KX_NONE:
        strbuf_add(p->b, "none");
        return;
    case KX_CONST:
        print_number(p, n);
        return;
    case KX_INDEX:
        strbuf_add(p->b, "index(");
        dim_print(p->b, p->k->dims, n->index);
        strbuf_addc(p->b, ')');
        return;
    case KX_OP:
        print_op(p, n, prec);
        return;
    case KX_LOAD:
        print_load(p, n);
        return;
    case KX_DEF:
        print_component(p, p->k->defs.at[n->ref].name, n->component);
        strbuf_addc(p->b, '[');
        print_dims(p, n->n_at, n->at);
        strbuf_addc(p->b, ']');
        return;
    case KX_ACC:
        print_component(p, p->k->accs.at[n->ref].name, n->component);
        return;
    case KX_LET:
        strbuf_add(p->b, p->k->lets.at[n->ref].name);
        return;
    }
}

/* --- shared subexpressions of one statement --- */

/* Counts uses below x; an expression is entered once. */
static void count_uses(printer *p, kx x, map *uses) {
    uint32_t seen = 0;
    if (!x) return;
    map_get(uses, &x, sizeof x, &seen);
    map_set(uses, &x, sizeof x, seen + 1);
    if (seen) return;
    const kx_node *n = &p->k->exprs.at[x];
    for (uint32_t i = 0; i < n->n_args; i++) count_uses(p, n->arg[i], uses);
    count_uses(p, n->pred, uses);
    count_uses(p, n->fill, uses);
}

static int compare_ids(const void *a, const void *b) {
    const kx x = *(const kx *)a, y = *(const kx *)b;
    return (x > y) - (x < y);
}

/* Prints a "$n = ..." line for every operator or guarded load that is used more than once below the roots. */
static void print_shared(printer *p, uint32_t n, const kx *roots) {
    arena *a = p->b->a;
    map uses = {.a = a};
    p->temps = (map){.a = a};
    p->n_temps = 0;
    for (uint32_t i = 0; i < n; i++) count_uses(p, roots[i], &uses);
    kx *shared = ARENA_ARRAY(a, kx, uses.n + 1);
    uint32_t n_shared = 0;
    for (uint32_t i = 0; i < uses.n; i++) {
        kx x;
        memcpy(&x, uses.entries[i].key, sizeof x);
        const kx_node *e = &p->k->exprs.at[x];
        if (uses.entries[i].value > 1 && (e->kind == KX_OP || e->pred)) shared[n_shared++] = x;
    }
    qsort(shared, n_shared, sizeof *shared, compare_ids);
    for (uint32_t i = 0; i < n_shared; i++) {
        line(p);
        strbuf_printf(p->b, "$%u = ", i + 1);
        print_expr(p, shared[i], PREC_TERNARY);
        strbuf_addc(p->b, '\n');
        map_set(&p->temps, &shared[i], sizeof *shared, i + 1);
    }
}

/* --- statements --- */

static void print_list(printer *p, const kstmt *s);

static void print_body(printer *p, const kstmt *s) {
    strbuf_add(p->b, " {\n");
    p->indent++;
    print_list(p, s);
    p->indent--;
    line(p);
    strbuf_addc(p->b, '}');
}

static void print_loop(printer *p, const kstmt *s) {
    sym_id axis = s->u.loop.axis;
    line(p);
    strbuf_printf(p->b, "%s %s < ", kloop_names[s->u.loop.kind], sym_name(p, axis));
    dim_print(p->b, p->k->dims, dim_sym_info(p->k->dims, axis)->extent);
    if (s->u.loop.lanes) strbuf_printf(p->b, " by %u", s->u.loop.lanes);
    if (s->u.loop.unroll) strbuf_printf(p->b, " x %u", s->u.loop.unroll);
    if (s->u.loop.is_serial) strbuf_add(p->b, " serial");
    if (s->u.loop.prefetch) strbuf_printf(p->b, " prefetch %u", s->u.loop.prefetch);
    print_body(p, s->u.loop.body);
    strbuf_addc(p->b, '\n');
}

/* "(v0, v1)" or "v0". */
static void print_values(printer *p, uint32_t n, const kx *values) {
    if (n > 1) strbuf_addc(p->b, '(');
    for (uint32_t i = 0; i < n; i++) {
        if (i) strbuf_add(p->b, ", ");
        print_expr(p, values[i], PREC_TERNARY);
    }
    if (n > 1) strbuf_addc(p->b, ')');
}

static void print_at(printer *p, buf_id b, const dim *at) {
    strbuf_printf(p->b, "%s[", p->k->bufs.at[b].name);
    print_dims(p, p->k->bufs.at[b].rank, at);
    strbuf_addc(p->b, ']');
}

static void print_leaf_axis(printer *p, sym_id axis, dim extent) {
    strbuf_printf(p->b, "%s < ", sym_name(p, axis));
    dim_print(p->b, p->k->dims, extent);
}

static void print_leaf(printer *p, const kleaf *l) {
    print_shared(p, 3, (kx[]){l->accumulate_if, l->factor, l->a_if});
    line(p);
    strbuf_add(p->b, "leaf ");
    print_leaf_axis(p, l->row, l->rows);
    strbuf_add(p->b, ", ");
    print_leaf_axis(p, l->col, l->cols);
    strbuf_printf(p->b, " max %u, ", l->max_cols);
    print_leaf_axis(p, l->kk, l->n_k);
    if (l->k_pack) strbuf_printf(p->b, " by %u", l->k_pack);
    if (l->has_taps) {
        strbuf_add(p->b, ", taps ");
        print_leaf_axis(p, l->tap, l->n_taps);
    }
    if (l->padded) strbuf_printf(p->b, ", padded %u", l->padded);
    if (l->a_walks) strbuf_add(p->b, ", walks");
    if (l->b_streams) strbuf_add(p->b, ", streams");
    if (l->b_panel) strbuf_printf(p->b, ", panels %u", l->b_panel);
    strbuf_add(p->b, ": ");
    print_at(p, l->c, l->c_at);
    if (l->factor) {
        strbuf_add(p->b, " times (");
        print_expr(p, l->factor, PREC_TERNARY);
        strbuf_addc(p->b, ')');
    }
    strbuf_add(p->b, l->accumulate || l->accumulate_if ? " += " : " = ");
    print_at(p, l->a, l->a_at);
    if (l->a_if) {
        strbuf_add(p->b, " where (");
        print_expr(p, l->a_if, PREC_TERNARY);
        strbuf_addc(p->b, ')');
    }
    strbuf_add(p->b, " * ");
    print_at(p, l->b, l->b_at);
    if (l->accumulate_if) {
        strbuf_add(p->b, " if ");
        print_expr(p, l->accumulate_if, PREC_TERNARY);
    }
    strbuf_addc(p->b, '\n');
}

static void print_if(printer *p, const kstmt *s) {
    print_shared(p, 1, &s->u.branch.cond);
    line(p);
    strbuf_add(p->b, "if ");
    print_expr(p, s->u.branch.cond, PREC_TERNARY);
    print_body(p, s->u.branch.body);
    if (s->u.branch.orelse) {
        strbuf_add(p->b, " else");
        print_body(p, s->u.branch.orelse);
    }
    strbuf_addc(p->b, '\n');
}

static void print_store(printer *p, const kstmt *s) {
    print_shared(p, 2, (kx[]){s->u.store.value, s->u.store.pred});
    line(p);
    print_at(p, s->u.store.buf, s->u.store.at);
    strbuf_add(p->b, " = ");
    print_expr(p, s->u.store.value, PREC_TERNARY);
    if (s->u.store.pred) {
        strbuf_add(p->b, " if ");
        print_expr(p, s->u.store.pred, PREC_TERNARY);
    }
    strbuf_addc(p->b, '\n');
}

static void print_acc(printer *p, const kacc *a) {
    line(p);
    strbuf_printf(p->b, "acc %s: %s %s", a->name, combiner_info_of(a->comb)->name, dtype_name(a->dt[0]));
    if (a->lanes > 1) strbuf_printf(p->b, " lanes %u", a->lanes);
    strbuf_addc(p->b, '\n');
}

static void print_stmt(printer *p, const kstmt *s) {
    const kernel *k = p->k;
    switch (s->kind) {
    case KS_LOOP:
        print_loop(p, s);
        return;
    case KS_IF:
        print_if(p, s);
        return;
    case KS_ACC:
        print_acc(p, &k->accs.at[s->u.acc.acc]);
        return;
    case KS_UPDATE: {
        const kacc *a = &k->accs.at[s->u.update.acc];
        uint32_t n = combiner_info_of(a->comb)->n;
        print_shared(p, n, s->u.update.value);
        line(p);
        strbuf_printf(p->b, "%s <- ", a->name);
        print_values(p, n, s->u.update.value);
        strbuf_addc(p->b, '\n');
        return;
    }
    case KS_LET: {
        const klet *l = &k->lets.at[s->u.let.let];
        print_shared(p, 1, &l->value);
        line(p);
        strbuf_printf(p->b, "let %s = ", l->name);
        print_expr(p, l->value, PREC_TERNARY);
        strbuf_addc(p->b, '\n');
        return;
    }
    case KS_STORE:
        print_store(p, s);
        return;
    case KS_LEAF:
        print_leaf(p, s->u.leaf);
        return;
    case KS_BARRIER:
        line(p);
        strbuf_add(p->b, "barrier\n");
        return;
    }
}

static void print_list(printer *p, const kstmt *s) {
    for (; s; s = s->next) print_stmt(p, s);
}

/* --- definitions and declarations --- */

static void print_axes(printer *p, uint32_t n, const sym_id *axes) {
    for (uint32_t i = 0; i < n; i++) strbuf_printf(p->b, i ? ", %s" : "%s", sym_name(p, axes[i]));
}

static void print_def(printer *p, const kdef *d) {
    print_shared(p, d->n_values, d->value);
    line(p);
    strbuf_printf(p->b, "%s[", d->name);
    print_axes(p, d->n_axes, d->axes);
    strbuf_addc(p->b, ']');
    if (d->out != KID_NONE) {
        strbuf_printf(p->b, " -> %s", p->k->bufs.at[d->out].name);
        if (d->out_at) {
            strbuf_addc(p->b, '[');
            print_dims(p, p->k->bufs.at[d->out].rank, d->out_at);
            strbuf_addc(p->b, ']');
        }
    }
    strbuf_add(p->b, " = ");
    if (d->comb != COMBINE_NONE) {
        strbuf_add(p->b, "reduce ");
        print_axes(p, d->n_raxes, d->raxes);
        strbuf_printf(p->b, " with %s of ", combiner_info_of(d->comb)->name);
    }
    print_values(p, d->n_values, d->value);
    strbuf_addc(p->b, '\n');
}

static void print_buffer(printer *p, const kbuf *b) {
    strbuf_printf(p->b, "%s: %s[", b->name, dtype_name(b->dt));
    print_dims(p, b->rank, b->shape);
    strbuf_addc(p->b, ']');
    if (!b->strides) return;
    strbuf_add(p->b, " strides [");
    print_dims(p, b->rank, b->strides);
    strbuf_addc(p->b, ']');
}

static bool is_local_sym(const sym_info *s) { return s->kind == SYM_AXIS || s->kind == SYM_LOADED; }

static void print_head(printer *p, uint32_t n_syms, const sym_id *syms) {
    const kernel *k = p->k;
    strbuf_printf(p->b, "kernel @%s(", k->name);
    for (uint32_t i = 0; i < k->n_params; i++) {
        if (i) strbuf_add(p->b, ", ");
        if (k->bufs.at[i].is_written) strbuf_add(p->b, "out ");
        if (k->bufs.at[i].is_const) strbuf_add(p->b, "const ");
        print_buffer(p, &k->bufs.at[i]);
    }
    strbuf_addc(p->b, ')');
    const char *separator = " where ";
    for (uint32_t i = 0; i < n_syms; i++) {
        const sym_info *s = dim_sym_info(k->dims, syms[i]);
        if (is_local_sym(s)) continue;
        strbuf_printf(p->b, "%s%s in %lld..%lld", separator, sym_name(p, syms[i]), (long long)s->lo, (long long)s->hi);
        if (s->hint) strbuf_printf(p->b, " @%lld", (long long)s->hint);
        separator = ", ";
    }
    strbuf_add(p->b, " {\n");
}

/* Axes and loaded indices in the order of their making: each after what it mentions. */
static void print_local_syms(printer *p, uint32_t n_syms, const sym_id *syms) {
    bool is_open = false; /* an axis line */
    for (uint32_t i = 0; i < n_syms; i++) {
        const sym_info *s = dim_sym_info(p->k->dims, syms[i]);
        if (!is_local_sym(s)) continue;
        bool is_axis = s->kind == SYM_AXIS;
        if (is_open && is_axis) strbuf_add(p->b, ", ");
        if (is_open && !is_axis) strbuf_addc(p->b, '\n');
        if (!is_axis) print_shared(p, 1, &s->input);
        if (!is_open || !is_axis) {
            line(p);
            strbuf_add(p->b, is_axis ? "axis " : "index ");
        }
        strbuf_printf(p->b, "%s < ", sym_name(p, syms[i]));
        dim_print(p->b, p->k->dims, s->extent);
        if (!is_axis) {
            strbuf_add(p->b, " = ");
            print_expr(p, s->input, PREC_TERNARY);
            strbuf_addc(p->b, '\n');
        }
        is_open = is_axis;
    }
    if (is_open) strbuf_addc(p->b, '\n');
}

static void print_schedule(printer *p, const kschedule *s) {
    static const kschedule none;
    if (!memcmp(s, &none, sizeof none)) return;
    line(p);
    strbuf_add(p->b, s->is_cuda ? "schedule cuda" : "schedule cpu");
    for (size_t i = 0; i < countof(kschedule_fields); i++) {
        uint32_t v;
        memcpy(&v, (const char *)s + kschedule_fields[i].offset, sizeof v);
        if (v) strbuf_printf(p->b, " %s %u", kschedule_fields[i].name, v);
    }
    strbuf_addc(p->b, '\n');
}

static void print_title(printer *p) {
    if (str_equal(p->k->title, p->k->name)) return;
    line(p);
    strbuf_add(p->b, "title \"");
    for (const char *s = p->k->title; *s; s++) {
        if (*s == '"' || *s == '\\') strbuf_addc(p->b, '\\');
        strbuf_addc(p->b, *s == '\n' ? ' ' : *s);
    }
    strbuf_add(p->b, "\"\n");
}

static void print_cost(printer *p, const char *what, dim d) {
    if (d == DIM_BAD) return;
    line(p);
    strbuf_printf(p->b, "%s ", what);
    dim_print(p->b, p->k->dims, d);
    strbuf_addc(p->b, '\n');
}

void kernel_print(strbuf *b, const kernel *k) {
    printer p = {.b = b, .k = k, .indent = 1};
    uint32_t n_syms;
    const sym_id *syms = kernel_syms(k, b->a, &n_syms);
    print_head(&p, n_syms, syms);
    print_title(&p);
    print_schedule(&p, &k->schedule);
    print_cost(&p, "flops", k->flops);
    print_cost(&p, "bytes", k->bytes);
    for (uint32_t i = k->n_params; i < k->bufs.n; i++) {
        line(&p);
        strbuf_add(b, k->bufs.at[i].scope == KB_TILE ? "tile " : "reg ");
        print_buffer(&p, &k->bufs.at[i]);
        strbuf_addc(b, '\n');
    }
    print_local_syms(&p, n_syms, syms);
    if (k->defs.n) strbuf_add(b, "  define {\n");
    p.indent = 2;
    for (uint32_t i = 0; i < k->defs.n; i++) print_def(&p, &k->defs.at[i]);
    if (k->defs.n) strbuf_add(b, "  }\n");
    for (uint32_t i = 0; i < k->phases.n; i++) {
        strbuf_add(b, "  phase {\n");
        print_list(&p, k->phases.at[i]);
        strbuf_add(b, "  }\n");
    }
    strbuf_add(b, "}\n");
}
