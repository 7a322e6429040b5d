/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* canonicalize: rewrites by passes/rules.def, and folds constants, until nothing applies.
 *
 *    %0 = transpose %x {perm = [1, 0]}      %1 = transpose %0 {perm = [1, 0]}      %y = add %1, %zero
 *  becomes
 *    %x
 *
 * Each round visits all nodes once, operands first; a node that a rule makes is seen in the next round. The rounds are
 * bounded, so that a mistake in the rules costs time and never hangs. */
#include "passes/rewrite/canonicalize.h"

#include <string.h>

#include "ir/op/scalar.h"
#include "passes/kit/pattern.h"
#include "passes/pipeline.h"
#include "passes/rewrite/fold.h"

enum { MAX_ROUNDS = 16 };
enum { ANY = 15, FLOAT = 1 << DTYPE_FLOAT, INT = 1 << DTYPE_INT | 1 << DTYPE_UINT, BOOL = 1 << DTYPE_BOOL };
enum { OP_EACH_EW = N_OPS };

/* One row of rules.def: a function, or two texts. */
typedef struct rule_row {
    const char *name;
    rule_fn *apply; /* NULL for patterns */
    int op;         /* op_code, or OP_EACH_EW; of a pattern, its root */
    const char *before, *after;
    unsigned kinds;
} rule_row;
static const rule_row rows[] = {
#define PATTERN(name, before, after, kinds, assumption) {#name, NULL, 0, before, after, kinds},
#define RULE(name, op, text, assumption)                {#name, rule_##name, OP_##op, NULL, NULL, 0},
#include "passes/rules.def"
#undef PATTERN
#undef RULE
};

uint32_t rule_count(void) { return (uint32_t)countof(rows); }
const char *rule_name(uint32_t rule) { return rows[rule].name; }

/* State of one run. */
typedef struct canonicalizer {
    const scalar_expr *before[countof(rows)], *after[countof(rows)];
    uint32_t first[N_OPS + 1], next[countof(rows)]; /* rules of each operator, as lists; UINT32_MAX ends */
    uint32_t *fired;
    bool has_fired;           /* in this round */
    const uint32_t *old_uses; /* of the graph that is read */
    VEC(uint32_t) uses;       /* of the values built so far: the uses of the old values that became them */
} canonicalizer;

static frit_status load_rules(cx *c, canonicalizer *k) {
    for (uint32_t i = 0; i <= N_OPS; i++) k->first[i] = UINT32_MAX;
    for (uint32_t i = (uint32_t)countof(rows); i-- > 0;) {
        int op = rows[i].op;
        if (!rows[i].apply) {
            TRY(scalar_parse(c, c->scratch, rows[i].before, NULL, &k->before[i]));
            TRY(scalar_parse(c, c->scratch, rows[i].after, NULL, &k->after[i]));
            op = (int)k->before[i]->nodes[k->before[i]->n - 1].op;
        }
        k->next[i] = k->first[op];
        k->first[op] = i;
    }
    return FRIT_OK;
}

/* --- patterns --- */

typedef struct pattern_emitter {
    build *b;
    const value_id *bound;
    dtype dt; /* of the result, for constants next to nothing bound */
} pattern_emitter;

static uint32_t emit_constant(void *data, double x, uint32_t like) {
    pattern_emitter *e = data;
    if (like == SCALAR_BOOL) return build_splat(e->b, FRIT_DT_BOOL, x);
    return e->bound[like] == VALUE_NONE ? build_splat(e->b, e->dt, x) : build_like(e->b, e->bound[like], x);
}

static uint32_t emit_op(void *data, op_code op, uint32_t n_args, const uint32_t *args) {
    pattern_emitter *e = data;
    return build_node(e->b, op, n_args, args, NULL);
}

static value_id apply_pattern(const canonicalizer *k, uint32_t rule, build *b, const node *n) {
    const scalar_expr *e = k->before[rule];
    pattern_match m = pattern_begin(b->g, e, 0);
    if (!pattern_matches(&m, n)) return VALUE_NONE;
    value_id x = m.bound[0];
    if (x != VALUE_NONE && !(rows[rule].kinds >> dtype_kind_of(graph_type(b->g, x)->dt) & 1)) return VALUE_NONE;
    pattern_emitter pe = {b, m.bound, graph_type(b->g, n->out)->dt};
    scalar_emitter to = {&pe, emit_constant, emit_op};
    value_id v = scalar_emit(k->after[rule], NULL, m.bound, &to);
    if (!build_ok(b)) return VALUE_NONE;
    const tensor_type *t = build_type(b, n->out);
    return build_broadcast(b, v, t->rank, t->shape);
}

/* --- the pass --- */

static bool has_type_of(const graph *g, value_id v, value_id old) {
    const tensor_type *x = graph_type(g, v), *y = graph_type(g, old);
    bool same = x->dt == y->dt && x->rank == y->rank;
    for (uint32_t i = 0; same && i < x->rank; i++) same = dim_equal(g->dims, x->shape[i], y->shape[i]);
    return same;
}

/* Tries the rules of one list; a replacement that is the node itself is none. */
static value_id apply_rules(canonicalizer *k, uint32_t first, build *b, const node *n) {
    for (uint32_t i = first; i != UINT32_MAX && build_ok(b); i = k->next[i]) {
        value_id v = rows[i].apply ? rows[i].apply(b, n) : apply_pattern(k, i, b, n);
        if (v == VALUE_NONE || v == n->out || !build_ok(b)) continue;
        ASSERT(has_type_of(b->g, v, n->out));
        if (k->fired) k->fired[i]++;
        return v;
    }
    return VALUE_NONE;
}

static value_id simplify(canonicalizer *k, build *b, const node *n) {
    value_id v = fold_node(b, n);
    if (v == VALUE_NONE) v = apply_rules(k, k->first[n->op], b, n);
    if (v == VALUE_NONE && op_is(n->op, OPF_EW)) v = apply_rules(k, k->first[OP_EACH_EW], b, n);
    return v;
}

static void count_uses(canonicalizer *k, cx *c, value_id v, uint32_t n) {
    while (k->uses.n <= v) vec_push(c->scratch, k->uses, 0);
    k->uses.at[v] += n;
}

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    canonicalizer *k = r->data;
    if (op_is(n->op, OPF_REGION) || n->n_out != 1 || n->op == OP_const) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc, .uses = k->uses.at, .n_uses = k->uses.n};
    value_id v = build_node(&b, n->op, n->n_in, graph_rewrite_operands(r, n), n->attrs);
    if (!build_ok(&b)) return b.status;
    const node *candidate = graph_def(r->to, v);
    node copy = *candidate;
    value_id better = simplify(k, &b, &copy);
    k->has_fired = k->has_fired || better != VALUE_NONE;
    r->map[n->out] = better != VALUE_NONE ? better : v;
    count_uses(k, r->c, r->map[n->out], k->old_uses[n->out]);
    *out_done = true;
    return b.status;
}

frit_status canonicalize_counted(cx *c, const graph *g, uint32_t *fired, graph **out) {
    canonicalizer k = {.fired = fired};
    TRY(load_rules(c, &k));
    graph *now = NULL;
    TRY(graph_sweep(c, g, &now)); /* dead code first: rules ask what is used */
    for (int round = 0; round < MAX_ROUNDS; round++) {
        graph *next = NULL;
        k.has_fired = false;
        k.old_uses = graph_count_uses(c->scratch, now);
        k.uses.n = 0;
        TRY(graph_rewrite(c, now, rewrite_node, &k, &next));
        if (!k.has_fired) break;
        now = next;
    }
    return graph_sweep(c, now, out);
}

frit_status pass_canonicalize(cx *c, const graph *g, graph **out) { return canonicalize_counted(c, g, NULL, out); }
frit_status pass_canonicalize_core(cx *c, const graph *g, graph **out) { return canonicalize_counted(c, g, NULL, out); }
