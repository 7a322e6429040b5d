/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The case in which sizes that broadcast are equal: one symbol is written for two, and the graph is inferred again.
 *
 *    %s = add %x, %y : f32[max(n, m)]      -- require n ~ m          %s = add %x, %y : f32[n]      when n == m
 *
 * A size that is a sum or the like is solved for a symbol that stands in it alone (total ~ past + 1: total is past +
 * 1). Sizes that cannot be solved are left as they are and assumed to be equal (graph.is_case). Sizes that the program
 * counts belong to no case: which alternative a call takes is decided before it begins. */
#include "passes/plan/cases.h"

typedef VEC(dim) dim_vec;

/* Equations from[i] == to[i]; to mentions no symbol that stands in from. */
typedef struct solver {
    arena *a;
    const graph *g;
    dim_table *t;
    dim_vec from, to;
    map done; /* dim -> the dim in its place, for the equations so far */
} solver;

/* d with every part that an equation names replaced. */
static dim solved(void *data, dim d) {
    solver *s = data;
    uint32_t known;
    if (d == DIM_BAD) return d;
    for (uint32_t i = 0; i < s->from.n; i++)
        if (s->from.at[i] == d) return s->to.at[i];
    dim_kind kind = dim_kind_of(s->t, d);
    if (kind == DIM_CONST || kind == DIM_SYM) return d;
    if (map_get(&s->done, &d, sizeof d, &known)) return known;
    dim result = DIM_BAD;
    for (uint32_t i = 0; i < dim_n_args(s->t, d); i++) {
        dim arg = solved(s, dim_arg(s->t, d, i));
        result = i == 0 || arg == DIM_BAD ? arg : dim_combine(s->t, kind, result, arg);
        if (result == DIM_BAD) break;
    }
    map_set(&s->done, &d, sizeof d, result);
    return result;
}

static void add_equation(solver *s, dim from, dim to) {
    vec_push(s->a, s->from, from);
    vec_push(s->a, s->to, to);
    s->done = (map){.a = s->a};
}

/* The same with the new equation put into the older ones. */
static void add_symbol(solver *s, dim symbol, dim by) {
    solver own = {.a = s->a, .g = s->g, .t = s->t, .done = {.a = s->a}};
    add_equation(&own, symbol, by);
    for (uint32_t i = 0; i < s->from.n; i++) s->to.at[i] = solved(&own, s->to.at[i]);
    add_equation(s, symbol, by);
}

/* How well `by` stands for a symbol: 0 not at all, 1 its values are no less than the symbol's may be, 2 nor more. */
static int suits(solver *s, sym_id symbol, dim by) {
    const sym_info *info = dim_sym_info(s->t, symbol);
    bool is_input = info->kind == SYM_INPUT_DIM || info->kind == SYM_HOST_ELEM || info->kind == SYM_FREE;
    int64_t number, lo = info->lo, hi = info->hi;
    if (!is_input || by == DIM_BAD || dim_depends(s->t, by, symbol)) return 0;
    if (dim_is_const(s->t, by, &number)) return number >= lo && number <= hi ? 2 : 0;
    if (!dim_le(s->t, dim_const(s->t, lo), by)) return 0;
    return dim_le(s->t, by, dim_const(s->t, hi)) ? 2 : 1;
}

/* x == y solved for the symbol whose values suit best, the youngest of several. */
static bool solve(solver *s, dim x, dim y) {
    dim difference = dim_sub(s->t, x, y), best = DIM_BAD, best_by = DIM_BAD;
    int best_suits = 0;
    if (difference == DIM_BAD) return false;
    for (sym_id k = dim_n_syms(s->t); k-- > 0;) {
        dim coefficient, rest;
        int64_t factor = 0;
        if (!dim_depends(s->t, difference, k) || !dim_linear(s->t, difference, k, &coefficient, &rest)) continue;
        if (!dim_is_const(s->t, coefficient, &factor) || (factor != 1 && factor != -1)) continue;
        dim by = factor == 1 ? dim_sub(s->t, dim_const(s->t, 0), rest) : rest;
        int fit = suits(s, k, by);
        if (fit <= best_suits) continue;
        best_suits = fit;
        best = dim_of_sym(s->t, k);
        best_by = by;
    }
    if (!best_suits) return false;
    add_symbol(s, best, best_by);
    return true;
}

static bool is_tie(const contract *k) { return k->kind == CK_BROADCASTS || k->kind == CK_EXPANDS; }

/* Sizes of a tie that are not equal yet and may be. */
static bool open_tie(solver *s, const contract *k, dim *x, dim *y) {
    if (!is_tie(k)) return false;
    *x = solved(s, k->lhs);
    *y = solved(s, k->rhs);
    return *x != DIM_BAD && *y != DIM_BAD && !dim_equal(s->t, *x, *y) && graph_may_assume_equal(s->g, *x, *y);
}

/* A size that is written for another where it stands as a whole: the one that is no number. */
static void write_for(solver *s, dim x, dim y) {
    sym_id ignored;
    bool swap = dim_is_const(s->t, y, NULL) || (dim_is_sym(s->t, y, &ignored) && !dim_is_sym(s->t, x, &ignored));
    dim from = swap ? x : y, to = swap ? y : x;
    if (!dim_is_const(s->t, from, NULL) && !dim_is_sym(s->t, from, &ignored)) add_equation(s, from, to);
}

static dim distance_between(dim_table *t, dim x, dim y) { return dim_sub(t, dim_max(t, x, y), dim_min(t, x, y)); }

frit_status case_of_equal_sizes(cx *c, const graph *g, size_case *out) {
    solver s = {.a = c->scratch, .g = g, .t = g->dims, .done = {.a = c->scratch}};
    bool any = false;
    dim x, y;
    *out = (size_case){.distance = dim_const(g->dims, 0)};
    for (uint32_t i = 0; i < g->contracts.n; i++) {
        if (!open_tie(&s, &g->contracts.at[i], &x, &y)) continue;
        any = true;
        solve(&s, x, y);
    }
    if (!any) return FRIT_OK;
    for (uint32_t i = 0; i < g->contracts.n; i++)
        if (open_tie(&s, &g->contracts.at[i], &x, &y)) write_for(&s, x, y);
    for (uint32_t i = 0; i < s.from.n; i++)
        out->distance = dim_add(s.t, out->distance, distance_between(s.t, s.from.at[i], s.to.at[i]));
    cx quiet = *c; /* sizes that are never all equal make no case */
    dim_mapping mapping = {solved, &s, .is_case = true};
    if (graph_map_dims(&quiet, g, &mapping, &out->g) != FRIT_OK) out->g = NULL;
    return FRIT_OK;
}

static void case_add_assumed(size_case *k, const graph *core) {
    dim_table *t = core->dims;
    for (uint32_t i = 0; i < core->contracts.n; i++) {
        const contract *assumed = &core->contracts.at[i];
        if (assumed->kind != CK_ASSUMED) continue;
        k->distance = dim_add(t, k->distance, distance_between(t, assumed->lhs, assumed->rhs));
    }
}

/* Sizes that turn out never to be equal make no case. */
static bool is_no_case(frit_status s) { return s == FRIT_SHAPE || s == FRIT_RANGE; }

frit_status passes_of_cases(cx *c, const graph *g, const pipeline_options *o, graph **out_core, size_case *out) {
    TRY(case_of_equal_sizes(c, g, out));
    TRY(pipeline_run(c, g, o, out_core));
    if (!out->g) return FRIT_OK;
    frit_status status = pipeline_run(c, out->g, o, &out->g);
    if (!is_no_case(status)) return status;
    cx_clear(c);
    out->g = NULL;
    return FRIT_OK;
}

frit_status lower_cases(cx *c, graph *core, size_case *k, const lower_options *o, plan **out) {
    lower_options own = *o;
    plan *first = NULL, *general = NULL;
    if (k->g) {
        case_add_assumed(k, k->g);
        TRY(lower_graph(c, k->g, &own, &first));
        own.first_kernel += first->kernels.n;
    }
    TRY(lower_graph(c, core, &own, &general));
    *out = general;
    return first ? plan_choose(c, first, k->distance, general, out) : FRIT_OK;
}
