/* raise: recognises operators that arrive decomposed, by structure.
 *
 *    %s = matmul %q, %kt      %z = mul %s, %scale      %p = softmax %z {axis = 3}      %y = matmul %p, %v
 *  becomes
 *    %k = transpose %kt       %y = attend %q, %k, %v {scale = ..}
 *
 * The scale may stand on the scores, on q, on k, or be split over several of them; the mask is added, or chosen by a
 * select with -inf, or a select of 0 and -inf that is added; a guard select(isnan(p), 0, p) behind the softmax is
 * dropped. Nothing between may be used elsewhere. Assumes that scores are finite: a row in which everything is masked
 * by -inf gives zeros, as behind the guard, where a model without the guard gives NaN. Masks of large finite numbers
 * stay numbers.
 *
 * Expects canonicalize before it (transposes and scalars in their simplest form). */
#include <math.h>
#include <string.h>

#include "passes/build.h"
#include "passes/pattern.h"
#include "passes/pipeline.h"

/* One row of raise.def, parsed. */
typedef struct raise_row {
    op_code op;
    const char *text;
} raise_row;
static const raise_row rows[] = {
#define RAISE(op, text) {OP_##op, text},
#include "passes/raise.def"
#undef RAISE
};

typedef struct raiser {
    const uint32_t *uses; /* of the old graph */
    const scalar_expr *patterns[countof(rows)];
} raiser;

/* What a decomposed attention consists of, as values of the old graph. */
typedef struct attention {
    value_id q, kt, v;
    const attr_perm *turn; /* kt still has to be transposed by this; NULL: not */
    value_id mask;         /* VALUE_NONE: none */
    bool mask_excludes;    /* bool mask: true excludes, not allows */
    double scale;
} attention;

/* The matcher walks from one value to its definition; every value on the way has only the uses that it knows of. */
typedef struct walker {
    const graph *g;
    const uint32_t *uses;
} walker;

static const node *def_of(const walker *w, value_id v, op_code op, uint32_t n_uses) {
    const node *n = graph_def(w->g, v);
    return n && n->op == op && w->uses[v] == n_uses ? n : NULL;
}

static bool is_number(const walker *w, value_id v, double want) {
    double have = 0;
    return pattern_number(w->g, v, &have) && have == want;
}

/* Strips multiplications and divisions by numbers off v. */
static value_id strip_scale(const walker *w, value_id v, double *scale) {
    for (;;) {
        double x = 0;
        const node *n = graph_def(w->g, v);
        if (!n || w->uses[v] != 1) return v;
        bool is_mul = n->op == OP_mul, is_div = n->op == OP_div;
        uint32_t number = is_mul && pattern_number(w->g, n->in[0], &x) ? 0 : 1;
        if ((!is_mul && !is_div) || !pattern_number(w->g, n->in[number], &x)) return v;
        value_id rest = n->in[1 - number];
        if (graph_type(w->g, rest)->rank != graph_type(w->g, v)->rank) return v;
        *scale = is_mul ? *scale * x : *scale / x;
        v = rest;
    }
}

static bool same_shape(const graph *g, value_id x, value_id y) {
    const tensor_type *a = graph_type(g, x), *b = graph_type(g, y);
    bool same = a->rank == b->rank;
    for (uint32_t i = 0; same && i < a->rank; i++) same = dim_equal(g->dims, a->shape[i], b->shape[i]);
    return same;
}

static bool is_minus_inf(const walker *w, value_id v) { return is_number(w, v, (double)-INFINITY); }

/* A float mask that is select(m, 0, -inf) or its reverse is the bool m. */
static void mask_as_bool(const walker *w, attention *a) {
    const node *n = graph_def(w->g, a->mask);
    if (!n || n->op != OP_select) return;
    bool allows = is_number(w, n->in[1], 0) && is_minus_inf(w, n->in[2]);
    bool excludes = is_minus_inf(w, n->in[1]) && is_number(w, n->in[2], 0);
    if (!allows && !excludes) return;
    a->mask = n->in[0];
    a->mask_excludes = excludes;
}

/* Takes the mask off the scores z; what remains is the scaled product. */
static value_id strip_mask(const walker *w, value_id z, attention *a) {
    const node *n = graph_def(w->g, z);
    if (!n || w->uses[z] != 1) return z;
    if (n->op == OP_add) {
        for (uint32_t i = 0; i < 2; i++) {
            double ignored = 1;
            const node *product = graph_def(w->g, strip_scale(w, n->in[i], &ignored));
            if (!product || product->op != OP_matmul || !same_shape(w->g, n->in[i], z)) continue;
            a->mask = n->in[1 - i];
            mask_as_bool(w, a);
            return n->in[i];
        }
    }
    if (n->op != OP_select) return z;
    uint32_t kept = is_minus_inf(w, n->in[1]) ? 2 : 1;
    if (!is_minus_inf(w, n->in[3 - kept]) || !same_shape(w->g, n->in[kept], z)) return z;
    a->mask = n->in[0];
    a->mask_excludes = kept == 2;
    return n->in[kept];
}

/* The softmax behind p, without the guard against NaN. */
static const node *softmax_of(const walker *w, value_id p) {
    const node *guard = def_of(w, p, OP_select, 1);
    if (!guard) return def_of(w, p, OP_softmax, 1);
    const node *test = def_of(w, guard->in[0], OP_isnan, 1);
    bool is_guard = test && test->in[0] == guard->in[2] && is_number(w, guard->in[1], 0);
    return is_guard ? def_of(w, guard->in[2], OP_softmax, 2) : NULL;
}

/* attend's own rules about batch axes and heads, so that a match never becomes an error. */
static bool shapes_fit(const graph *g, const attention *a) {
    const tensor_type *q = graph_type(g, a->q), *k = graph_type(g, a->kt), *v = graph_type(g, a->v);
    uint32_t r = q->rank;
    bool fits = r >= 3 && k->rank == r && v->rank == r && dtype_is_float(q->dt);
    for (uint32_t i = 0; fits && i + 3 < r; i++)
        fits = dim_equal(g->dims, q->shape[i], k->shape[i]) && dim_equal(g->dims, q->shape[i], v->shape[i]);
    if (!fits) return false;
    dim heads = q->shape[r - 3], groups = k->shape[r - 3];
    bool is_grouped = dim_equal(g->dims, heads, groups) || dim_divides(g->dims, groups, heads);
    if (!is_grouped || !dim_equal(g->dims, groups, v->shape[r - 3])) return false;
    return dim_equal(g->dims, q->shape[r - 1], k->shape[r - 2]) && dim_equal(g->dims, k->shape[r - 1], v->shape[r - 2]);
}

static bool find_attention(const walker *w, const node *n, attention *a) {
    *a = (attention){.mask = VALUE_NONE, .scale = 1};
    if (n->op != OP_matmul) return false;
    const node *softmax = softmax_of(w, n->in[0]);
    if (!softmax) return false;
    uint32_t rank = graph_type(w->g, softmax->out)->rank;
    if (((const attr_axis *)softmax->attrs)->axis != (int64_t)rank - 1) return false;
    value_id scores = strip_scale(w, strip_mask(w, softmax->in[0], a), &a->scale);
    const node *product = def_of(w, scores, OP_matmul, 1);
    if (!product) return false;
    a->q = strip_scale(w, product->in[0], &a->scale);
    a->kt = strip_scale(w, product->in[1], &a->scale);
    a->v = n->in[1];
    if (!isfinite(a->scale) || a->scale == 0 || !shapes_fit(w->g, a)) return false;
    const node *turn = def_of(w, a->kt, OP_transpose, 1);
    value_id inner = turn ? strip_scale(w, turn->in[0], &a->scale) : VALUE_NONE;
    if (turn && inner != turn->in[0]) {
        a->kt = inner;
        a->turn = turn->attrs;
    }
    return true;
}

static value_id swap_last(build *b, value_id x) {
    int64_t perm[MAX_RANK];
    uint32_t r = build_rank(b, x);
    for (uint32_t i = 0; i < r; i++) perm[i] = i;
    perm[r - 1] = r - 2;
    perm[r - 2] = r - 1;
    return build_transpose(b, x, perm);
}

static value_id build_attention(graph_rewriter *r, build *b, const attention *a) {
    value_id kt = r->map[a->kt];
    if (a->turn) kt = build_transpose(b, kt, a->turn->perm.at);
    value_id in[4] = {r->map[a->q], swap_last(b, kt), r->map[a->v], VALUE_NONE};
    uint32_t n = 3;
    if (a->mask != VALUE_NONE) {
        in[n] = r->map[a->mask];
        if (a->mask_excludes) in[n] = build_op1(b, OP_not, in[n]);
        n++;
    }
    attr_attend attrs = {.scale = a->scale};
    return build_node(b, OP_attend, n, in, &attrs);
}

/* gelu and its kin by raise.def. */
static value_id raise_elementwise(graph_rewriter *r, build *b, const node *n) {
    const raiser *data = r->data;
    for (uint32_t i = 0; i < countof(rows); i++) {
        pattern_match m = pattern_begin(r->from, data->patterns[i], 3e-7);
        if (!pattern_matches(&m, n) || !same_shape(r->from, m.bound[0], n->out)) continue;
        return build_op1(b, rows[i].op, r->map[m.bound[0]]);
    }
    return VALUE_NONE;
}

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    const raiser *data = r->data;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    walker w = {r->from, data->uses};
    attention a;
    value_id v = VALUE_NONE;
    if (n->op == OP_mul) v = raise_elementwise(r, &b, n);
    if (find_attention(&w, n, &a)) v = build_attention(r, &b, &a);
    if (v != VALUE_NONE) {
        r->map[n->out] = v;
        *out_done = true;
    }
    return b.status;
}

frit_status pass_raise(cx *c, const graph *g, graph **out) {
    raiser data = {0};
    graph *live = NULL, *raised = NULL;
    for (uint32_t i = 0; i < countof(rows); i++)
        TRY(scalar_parse(c, c->scratch, rows[i].text, NULL, &data.patterns[i]));
    TRY(graph_sweep(c, g, &live)); /* uses by dead nodes do not count */
    data.uses = graph_count_uses(c->scratch, live);
    TRY(graph_rewrite(c, live, rewrite_node, &data, &raised));
    return graph_sweep(c, raised, out);
}
