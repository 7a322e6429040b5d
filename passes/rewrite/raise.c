/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* raise: recognises operators that arrive decomposed, by structure.
 *
 *    %s = matmul %q, %kt      %z = mul %s, %scale      %p = softmax %z {axis = 3}      %y = matmul %p, %v
 *  becomes
 *    %k = transpose %kt       %y = attend %q, %k, %v {scale = ..}
 *
 * The scale may stand on the scores, on q, on k, or be split over several of them, with a soft cap c * tanh(z / c)
 * behind it. Masks (up to four: position biases, paddings, causal orders) are added, or chosen by a select with -inf,
 * or a select of 0 and -inf that is added; several become one, which moves the sum of numbers before that with the
 * scores. A guard select(isnan(p), 0, p) behind the softmax is dropped: attend gives zeros for rows in which everything is
 * masked by -inf, and without the guard NaN (masked_nan). Nothing between may be used elsewhere. Masks of large finite
 * numbers stay numbers.
 *
 * Assumes that q k^T is finite, and behind a guard that no mask is +inf or NaN at run time. A mask that is so by its
 * constants is left alone.
 *
 * raise_narrow does the same where a float narrower than f32 takes part. It drops the roundings between the operators, as
 * attend and gelu compute in f32, so that --exact-casts disables it.
 *
 * Expects canonicalize before it (transposes and scalars in their simplest form). */
#include <math.h>
#include <string.h>

#include "passes/kit/build.h"
#include "passes/kit/pattern.h"
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
    bool is_narrow;       /* raise what drops roundings, and nothing else */
    const scalar_expr *patterns[countof(rows)];
} raiser;

enum { MAX_MASKS = 4, MAX_STEPS = 12 };

/* One mask. */
typedef struct mask {
    value_id v;
    bool is_choice; /* bool: which scores count; else numbers to add */
    bool excludes;  /* a choice whose true excludes */
} mask;

/* What a decomposed attention consists of, as values of the old graph. */
typedef struct attention {
    value_id q, kt, v;
    const attr_perm *transpose; /* kt still has to be transposed by this; NULL: not */
    uint32_t n_masks;
    mask masks[MAX_MASKS]; /* outermost first */
    double scale, softcap; /* softcap 0: none */
    bool is_guarded, is_narrow;
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
static mask added_mask(const walker *w, value_id v) {
    const node *n = graph_def(w->g, v);
    if (!n || n->op != OP_select) return (mask){.v = v};
    bool allows = is_number(w, n->in[1], 0) && is_minus_inf(w, n->in[2]);
    bool excludes = is_minus_inf(w, n->in[1]) && is_number(w, n->in[2], 0);
    return allows || excludes ? (mask){n->in[0], true, excludes} : (mask){.v = v};
}

/* Whether v, of the shape of z, comes from a matmul through at most n_steps masks, scales and caps that nothing else
 * uses. */
static bool comes_from_product(const walker *w, value_id v, value_id z, uint32_t n_steps) {
    const node *n = graph_def(w->g, v);
    if (!n || !n_steps || w->uses[v] != 1 || !same_shape(w->g, v, z)) return false;
    if (n->op == OP_matmul) return true;
    bool is_step = n->op == OP_add || n->op == OP_select || n->op == OP_mul || n->op == OP_div || n->op == OP_tanh;
    for (uint32_t i = 0; is_step && i < n->n_in; i++)
        if (comes_from_product(w, n->in[i], z, n_steps - 1)) return true;
    return false;
}

/* Takes one mask off the scores *z. */
static bool strip_mask(const walker *w, value_id *z, attention *a) {
    const node *n = graph_def(w->g, *z);
    if (!n || w->uses[*z] != 1 || a->n_masks == MAX_MASKS) return false;
    if (n->op == OP_add) {
        uint32_t kept = comes_from_product(w, n->in[0], *z, MAX_STEPS) ? 0 : 1;
        if (!comes_from_product(w, n->in[kept], *z, MAX_STEPS)) return false;
        a->masks[a->n_masks++] = added_mask(w, n->in[1 - kept]);
        *z = n->in[kept];
        return true;
    }
    if (n->op != OP_select) return false;
    uint32_t kept = is_minus_inf(w, n->in[1]) ? 2 : 1;
    if (!is_minus_inf(w, n->in[3 - kept]) || !same_shape(w->g, n->in[kept], *z)) return false;
    a->masks[a->n_masks++] = (mask){n->in[0], true, kept == 2};
    *z = n->in[kept];
    return true;
}

/* The product behind the scores z, without masks, cap and scale. */
static value_id strip_scores(const walker *w, value_id z, attention *a) {
    while (strip_mask(w, &z, a)) {
    }
    double outer = 1;
    value_id inner = strip_scale(w, z, &outer);
    const node *cap = def_of(w, inner, OP_tanh, 1);
    if (!cap || !(outer > 0) || !isfinite(outer)) {
        a->scale *= outer;
        return inner;
    }
    a->softcap = outer;
    a->scale *= outer; /* c * tanh(x) caps the score c * x */
    return strip_scale(w, cap->in[0], &a->scale);
}

static bool is_float(const graph *g, value_id v) { return dtype_is_float(graph_type(g, v)->dt); }

static bool is_narrow(const graph *g, value_id v) { return is_float(g, v) && dtype_bits(graph_type(g, v)->dt) < 32; }

/* What v rounds to another float type, when nothing else uses it; else v. attend computes in f32 itself. */
static value_id strip_cast(const walker *w, value_id v, attention *a) {
    const node *n = def_of(w, v, OP_cast, 1);
    if (!n || !is_float(w->g, v) || !is_float(w->g, n->in[0])) return v;
    a->is_narrow |= is_narrow(w->g, v) || is_narrow(w->g, n->in[0]);
    return n->in[0];
}

/* The softmax behind p, without the guard against NaN. */
static const node *softmax_of(const walker *w, value_id p, attention *a) {
    p = strip_cast(w, p, a);
    const node *guard = def_of(w, p, OP_select, 1);
    if (!guard) return def_of(w, p, OP_softmax, 1);
    const node *test = def_of(w, guard->in[0], OP_isnan, 1);
    a->is_guarded = test && test->in[0] == guard->in[2] && is_number(w, guard->in[1], 0);
    return a->is_guarded ? def_of(w, guard->in[2], OP_softmax, 2) : NULL;
}

/* Whether constants of m say that it adds +inf or NaN somewhere, which the guard turns into zeros and attend does not. */
static bool spoils_scores(const walker *w, const mask *m) {
    double x;
    const node *n = m->is_choice ? NULL : graph_def(w->g, m->v);
    while (n && n->op == OP_broadcast) n = graph_def(w->g, n->in[0]);
    if (!n) return false;
    if (pattern_number(w->g, n->out, &x)) return !(x < (double)INFINITY);
    for (uint32_t i = 1; n->op == OP_select && i < 3; i++)
        if (pattern_number(w->g, n->in[i], &x) && !(x < (double)INFINITY)) return true;
    return false;
}

static bool masks_fit(const walker *w, const attention *a) {
    for (uint32_t i = 0; a->is_guarded && i < a->n_masks; i++)
        if (spoils_scores(w, &a->masks[i])) return false;
    return true;
}

/* attend's own rules about types, batch axes and heads, so that a match never becomes an error. */
static bool shapes_fit(const graph *g, const attention *a) {
    const tensor_type *q = graph_type(g, a->q), *k = graph_type(g, a->kt), *v = graph_type(g, a->v);
    uint32_t r = q->rank;
    bool fits = r >= 3 && k->rank == r && v->rank == r && dtype_is_float(q->dt) && k->dt == q->dt && v->dt == q->dt;
    for (uint32_t i = 0; fits && i + 3 < r; i++)
        fits = dim_equal(g->dims, q->shape[i], k->shape[i]) && dim_equal(g->dims, q->shape[i], v->shape[i]);
    if (!fits) return false;
    dim heads = q->shape[r - 3], groups = k->shape[r - 3];
    bool is_grouped = dim_equal(g->dims, heads, groups) || dim_divides(g->dims, groups, heads);
    if (!is_grouped || !dim_equal(g->dims, groups, v->shape[r - 3])) return false;
    return dim_equal(g->dims, q->shape[r - 1], k->shape[r - 2]) && dim_equal(g->dims, k->shape[r - 1], v->shape[r - 2]);
}

static bool find_attention(const walker *w, const node *n, attention *a) {
    *a = (attention){.scale = 1};
    if (n->op != OP_matmul) return false;
    const node *softmax = softmax_of(w, n->in[0], a);
    if (!softmax) return false;
    uint32_t rank = graph_type(w->g, softmax->out)->rank;
    if (((const attr_axis *)softmax->attrs)->axis != (int64_t)rank - 1) return false;
    value_id scores = strip_scores(w, strip_cast(w, softmax->in[0], a), a);
    const node *product = def_of(w, scores, OP_matmul, 1);
    if (!product) return false;
    a->q = strip_scale(w, product->in[0], &a->scale);
    a->kt = strip_scale(w, product->in[1], &a->scale);
    a->v = n->in[1];
    if (!shapes_fit(w->g, a) || !masks_fit(w, a)) return false;
    a->is_narrow |= is_narrow(w->g, n->out);
    const node *transpose = def_of(w, a->kt, OP_transpose, 1);
    value_id inner = transpose ? strip_scale(w, transpose->in[0], &a->scale) : VALUE_NONE;
    if (transpose && inner != transpose->in[0]) {
        a->kt = inner;
        a->transpose = transpose->attrs;
    }
    return isfinite(a->scale) && a->scale != 0; /* attend takes 0 for its default */
}

static value_id swap_last(build *b, value_id x) {
    int64_t perm[MAX_RANK];
    uint32_t r = build_rank(b, x);
    for (uint32_t i = 0; i < r; i++) perm[i] = i;
    perm[r - 1] = r - 2;
    perm[r - 2] = r - 1;
    return build_transpose(b, x, perm);
}

/* All masks as one; choices come out as bool where there are only choices. */
static value_id build_mask(graph_rewriter *r, build *b, const attention *a) {
    value_id all = VALUE_NONE;
    bool is_choice = true;
    for (uint32_t i = a->n_masks; i-- > 0;) {
        const mask *m = &a->masks[i];
        value_id own = r->map[m->v];
        if (m->excludes) own = build_op1(b, OP_not, own);
        if (all == VALUE_NONE) {
            all = own;
            is_choice = m->is_choice;
            continue;
        }
        if (is_choice && m->is_choice) {
            all = build_op2(b, OP_and, all, own);
        } else if (!is_choice && !m->is_choice) {
            all = build_op2(b, OP_add, all, own);
        } else {
            value_id number = is_choice ? own : all, choice = is_choice ? all : own;
            all = build_select(b, choice, number, build_like(b, number, (double)-INFINITY));
            is_choice = false;
        }
    }
    return all;
}

static value_id build_attention(graph_rewriter *r, build *b, const attention *a) {
    value_id kt = r->map[a->kt];
    if (a->transpose) kt = build_transpose(b, kt, a->transpose->perm.at);
    value_id in[4] = {r->map[a->q], swap_last(b, kt), r->map[a->v], VALUE_NONE};
    uint32_t n = 3;
    if (a->n_masks) in[n++] = build_mask(r, b, a);
    attr_attend attrs = {.scale = a->scale, .softcap = a->softcap, .masked_nan = !a->is_guarded};
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
    if (n->op == OP_mul && is_narrow(r->from, n->out) == data->is_narrow) v = raise_elementwise(r, &b, n);
    if (find_attention(&w, n, &a) && a.is_narrow == data->is_narrow) v = build_attention(r, &b, &a);
    if (v != VALUE_NONE) {
        r->map[n->out] = v;
        *out_done = true;
    }
    return b.status;
}

static frit_status raise_those(cx *c, const graph *g, bool narrow, graph **out) {
    raiser data = {.is_narrow = narrow};
    graph *live = NULL, *raised = NULL;
    for (uint32_t i = 0; i < countof(rows); i++)
        TRY(scalar_parse(c, c->scratch, rows[i].text, NULL, &data.patterns[i]));
    TRY(graph_sweep(c, g, &live)); /* uses by dead nodes do not count */
    data.uses = graph_count_uses(c->scratch, live);
    TRY(graph_rewrite(c, live, rewrite_node, &data, &raised));
    return graph_sweep(c, raised, out);
}

frit_status pass_raise(cx *c, const graph *g, graph **out) { return raise_those(c, g, false, out); }

frit_status pass_raise_narrow(cx *c, const graph *g, graph **out) { return raise_those(c, g, true, out); }
