/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random graphs: the compiled program gives what the evaluator gives, element by element.
 *
 * How far may they lie apart? The evaluator is run again with every operand moved by a few units in the last place, and
 * an element may differ as far as that moves it (times a factor); one whose value jumps is not compared. So no operator
 * needs a tolerance of its own. Nor may a result depend on what memory held before (lowered_reads_garbage).
 *
 *   FRIT_FUZZ_SEED=N FRIT_FUZZ_COUNT=M build/tests/test_fuzz_graphs      other graphs than the suite's 250
 *   CK_RUN_CASE=machine_code ...                                         in that mode alone */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lowered.h"
#include "tests/quick.h"
#include "tests/random_graph.h"

enum { DEFAULT_COUNT = 250, QUICK_COUNT = 15, N_OPS_EACH = 12, OTHER_SIZES = 3 };
enum { FEW_RUNS = 4, MANY_RUNS = 40, MANY_TIMES = 4 };
enum { SPOILT_COUNT = 200, QUICK_SPOILT_COUNT = 70, SPOILT = 64, LIMIT_S = 3600 };

static arena job, scratch;
static cx c;

static void reset(void) {
    arena_fini(&scratch);
    arena_fini(&job);
    arena_init(&job);
    arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static double element(const tensor *t, int64_t i) { return dtype_to_f64(t->dt, dtype_load(t->dt, t->data, (size_t)i)); }

static tensor copy_of(const tensor *t) {
    tensor out = *t;
    size_t n_bytes = dtype_bytes(t->dt, (size_t)tensor_count(t));
    out.data = arena_alloc(&job, n_bytes + 1);
    if (n_bytes) memcpy(out.data, t->data, n_bytes);
    return out;
}

/* ---- the evaluator with noise */

/* Relative size of one step of noise: a few roundings of the type that arithmetic is done in, one of a narrow type. */
static double noise_of(dtype dt) {
    if (dt == FRIT_DT_F64) return 0x1p-49;
    if (dt == FRIT_DT_F32) return 0x1p-21;
    return dt == FRIT_DT_F16 ? 0x1p-10 : 0x1p-7;
}

static double largest_of(const tensor *t) {
    double largest = 0;
    for (int64_t i = 0; dtype_is_float(t->dt) && i < tensor_count(t); i++) {
        double v = fabs(dtype_load(t->dt, t->data, (size_t)i).f);
        if (isfinite(v) && v > largest) largest = v;
    }
    return largest;
}

/* Moves every element of a float tensor relative to itself, and a little relative to the largest one or to `least`. */
static tensor moved(random_graph *r, const tensor *t, double least) {
    if (!dtype_is_float(t->dt)) return *t;
    tensor out = *t;
    int64_t n = tensor_count(t);
    double largest = fmax(least, largest_of(t)), noise = noise_of(t->dt);
    out.data = arena_alloc(&job, dtype_bytes(t->dt, (size_t)n) + 1);
    for (int64_t i = 0; i < n; i++) {
        double v = dtype_load(t->dt, t->data, (size_t)i).f;
        v += noise * (v * random_between(r, -1, 1) + 0.1 * largest * random_between(r, -1, 1));
        dtype_store(t->dt, out.data, (size_t)i, dtype_from_f64(t->dt, v));
    }
    return out;
}

/* ---- poles
 *
 * Near a pole noise has no bound: a few runs do not show how far it moves 1 / x for an x that it may bring to 0. So
 * where it may, as far as near() trusts what runs show, the operand of that run is the pole itself. What comes of that,
 * an infinity or a NaN, goes on through the graph as the evaluator has it, and says which elements cannot be compared.
 */

enum { LARGEST_F16 = 65504 };
enum { TRUST = 8 }; /* how much further than in the runs noise may move a value */
static const double SMALLEST_F16 = 0x1p-24;
static const double PI = 3.14159265358979323846;

/* A pole of operand i of op between lo and hi, in *out_pole: the operand that gives the value there. Divisors of mod
 * and rem count: near 0 the result is any number below the divisor, at 0 a NaN. */
static bool has_pole_between(op_code op, uint32_t i, double lo, double hi, double *out_pole) {
    bool is_divisor = i == 1 && (op == OP_div || op == OP_mod || op == OP_rem);
    bool is_at_0 = is_divisor || op == OP_reciprocal || op == OP_rsqrt || (op == OP_pow && i == 0);
    *out_pole = is_at_0 ? 0 : NAN; /* no number is a pole of tan */
    if (is_at_0) return lo <= 0 && hi >= 0;
    return op == OP_tan && floor(lo / PI - 0.5) != floor(hi / PI - 0.5);
}

/* Operand i of op: noisy, but at the pole where it may get there. exact: without noise. What is 0 in a narrow type is
 * often a small number in compiled code, which rounds to it only what it stores. */
static tensor moved_onto_poles(random_graph *r, op_code op, uint32_t i, const tensor *exact, const tensor *noisy) {
    double pole;
    if (!dtype_is_float(noisy->dt) || !has_pole_between(op, i, -INFINITY, INFINITY, &pole)) return *noisy;
    bool is_narrow = noisy->dt == FRIT_DT_F16 || noisy->dt == FRIT_DT_BF16;
    tensor out = copy_of(noisy);
    for (int64_t k = 0; k < tensor_count(noisy); k++) {
        double x = element(exact, k), y = x + TRUST * (element(noisy, k) - x);
        if (!has_pole_between(op, i, fmin(x, y), fmax(x, y), &pole)) continue;
        bool is_wide = is_narrow && x == 0 && random_chance(r, 50);
        double at = is_wide ? SMALLEST_F16 : pole;
        dtype_store(out.dt, out.data, (size_t)k, dtype_from_f64(out.dt, random_chance(r, 50) ? at : -at));
    }
    return out;
}

/* Whether a NaN among n's operands may end in a plain answer: a comparison's, an integer's, a branch of a template's.
 */
static bool decides(const graph *g, const node *n) {
    bool is_plain = n->n_regions || strstr(op_info_of(n->op)->template_text, "select") != NULL;
    for (uint32_t i = 0; i < n->n_out; i++) is_plain = is_plain || !dtype_is_float(graph_type(g, n->out + i)->dt);
    return is_plain;
}

/* What is NaN by noise alone may be any number: an infinity of either sign, more often where something is decided on
 * it, or still the NaN. Only so does doubt show where the answer without noise is NaN, or false. What is infinite in
 * f16 is often a large number in compiled code, which rounds to f16 only what it stores. */
static tensor moved_off_specials(random_graph *r, bool is_decided, const tensor *exact, const tensor *noisy) {
    if (!dtype_is_float(noisy->dt)) return *noisy;
    tensor out = copy_of(noisy);
    for (int64_t k = 0; k < tensor_count(noisy); k++) {
        double x = element(noisy, k);
        bool is_doubt = isnan(x) && !isnan(element(exact, k)) && random_chance(r, is_decided ? 70 : 50);
        bool is_large = noisy->dt == FRIT_DT_F16 && isinf(x) && random_chance(r, 50);
        if (is_doubt) x = random_chance(r, 50) ? INFINITY : -INFINITY;
        if (is_large) x = copysign(LARGEST_F16, x);
        if (is_doubt || is_large) dtype_store(out.dt, out.data, (size_t)k, dtype_from_f64(out.dt, x));
    }
    return out;
}

/* Evaluates r->g into values, by value_id. exact: NULL, or the values of an evaluation without noise; then all values
 * but constants and views are moved. Nodes with regions are evaluated as one: their operands and results are moved. */
static frit_status evaluate(random_graph *r, const tensor *exact, tensor *values) {
    const graph *g = r->g;
    int64_t *syms = arena_copy(&job, r->sym_values, sizeof r->sym_values);
    eval_cx e = {.c = &c, .g = g, .a = &job, .syms = syms, .values = values};
    const region *body = &g->regions.at[0];
    for (uint32_t i = 0; i < body->params.n; i++)
        values[body->params.at[i]] = exact ? moved(r, &r->inputs[i], 0) : r->inputs[i];
    for (uint32_t k = 0; k < body->nodes.n; k++) {
        const node *n = graph_node(g, body->nodes.at[k]);
        tensor in[8], results[8];
        /* Sums inside of model operators round for each element, equal ones too. */
        bool is_summed = exact && (n->n_regions || (!op_is(n->op, OPF_EW) && !op_is(n->op, OPF_CORE)));
        for (uint32_t i = 0; i < n->n_in; i++) {
            in[i] = is_summed ? moved(r, &values[n->in[i]], 0) : values[n->in[i]];
            if (exact) in[i] = moved_onto_poles(r, n->op, i, &exact[n->in[i]], &in[i]);
            if (exact) in[i] = moved_off_specials(r, decides(g, n), &exact[n->in[i]], &in[i]);
        }
        TRY(eval_node(&e, n, in, results));
        bool is_moved = exact && !op_is(n->op, OPF_VIEW) && n->op != OP_const;
        /* Templates cancel between terms of about 1 or of the operand's size. */
        double least = op_info_of(n->op)->template_text[0] ? fmin(1, largest_of(&in[0])) : 0;
        for (uint32_t i = 0; i < n->n_out; i++)
            values[n->out + i] = is_moved ? moved(r, &results[i], least) : results[i];
    }
    return FRIT_OK;
}

static tensor *values_new(const random_graph *r) { return ARENA_ARRAY(&job, tensor, r->g->values.n + 1); }
static const tensor *output_of(const random_graph *r, const tensor *values, uint32_t i) {
    return &values[r->g->regions.at[0].results.at[i]];
}

/* ---- comparison */

typedef struct suspect {
    uint32_t output;
    int64_t at;
    double got, want;
} suspect;

static bool near(dtype dt, double got, double want, double spread) {
    if (isnan(got) || isnan(want)) return isnan(got) && isnan(want);
    if (got == want) return true;
    return dtype_is_float(dt) && fabs(got - want) <= TRUST * spread + 4 * noise_of(dt) * fabs(want);
}

static bool same_shape(const tensor *x, const tensor *y) {
    return x->rank == y->rank && memcmp(x->shape, y->shape, x->rank * sizeof *x->shape) == 0;
}

/* Whether noise decides how many elements output o has. */
static bool shape_jumps(const random_graph *r, tensor *const *runs, int n_runs, uint32_t o, const tensor *want) {
    for (int k = 0; k < n_runs; k++)
        if (!same_shape(output_of(r, runs[k], o), want)) return true;
    return false;
}

/* The first element that noise does not explain. Spread grows with n_runs; an element whose value changes kind is out.
 * exact: the evaluator's values. */
static bool find_suspect(random_graph *r, const tensor *got, const tensor *exact, int n_runs, suspect *out) {
    tensor **runs = ARENA_ARRAY(&job, tensor *, (size_t)n_runs);
    for (int k = 0; k < n_runs; k++) {
        runs[k] = values_new(r);
        if (evaluate(r, exact, runs[k]) != FRIT_OK) return cx_clear(&c), false;
    }
    for (uint32_t o = 0; o < r->g->outputs.n; o++) {
        const tensor *want = output_of(r, exact, o);
        int64_t count = tensor_count(want);
        if (shape_jumps(r, runs, n_runs, o, want)) continue;
        if (!same_shape(&got[o], want)) {
            *out = (suspect){o, -1, (double)tensor_count(&got[o]), (double)count};
            return true;
        }
        for (int64_t i = 0; i < count; i++) {
            double spread = 0, y = element(want, i), x = element(&got[o], i);
            bool jumps = false;
            for (int k = 0; k < n_runs; k++) {
                double z = element(output_of(r, runs[k], o), i);
                jumps = jumps || isnan(z) != isnan(y) || isinf(z) != isinf(y);
                jumps = jumps || (!dtype_is_float(want->dt) && z != y);
                spread = fmax(spread, fabs(z - y));
            }
            if (jumps || near(want->dt, x, y, isfinite(spread) ? spread : 0)) continue;
            *out = (suspect){o, i, x, y};
            return true;
        }
    }
    return false;
}

/* Whether noise does not explain an element, for a suspicion as for a verdict. */
static bool finds_fault(random_graph *r, const tensor *got, const tensor *exact, suspect *out) {
    bool is_found = find_suspect(r, got, exact, FEW_RUNS, out);
    for (int i = 0; i < MANY_TIMES && is_found; i++) is_found = find_suspect(r, got, exact, MANY_RUNS, out);
    return is_found;
}

typedef enum verdict { AGREES, UNSUPPORTED, UNDEFINED, FAILS } verdict;

/* Sizes that break a contract: the compiled program has to refuse them, whatever the evaluator would broadcast. */
static verdict judge_refusal(random_graph *r, const lowered *l, const char **out_why) {
    tensor got[16];
    *out_why = "sizes that break a contract were taken";
    return lowered_apply(&c, l, r->inputs, got) == FRIT_OK ? FAILS : UNDEFINED;
}

/* One run at the sizes at hand. */
static verdict judge_sizes(random_graph *r, const lowered *l, const char **out_why) {
    tensor *exact = values_new(r), got[16];
    suspect s;
    *out_why = NULL;
    if (!random_contracts_hold(r, 0)) return judge_refusal(r, l, out_why);
    if (evaluate(r, NULL, exact) != FRIT_OK) {
        *out_why = c.message;
        return UNDEFINED;
    }
    if (lowered_apply(&c, l, r->inputs, got) != FRIT_OK) {
        *out_why = c.message;
        return FAILS;
    }
    if (!finds_fault(r, got, exact, &s)) {
        *out_why = l->j ? lowered_reads_garbage(&c, l, r->inputs) : NULL;
        return *out_why ? FAILS : AGREES;
    }
    if (s.at < 0)
        *out_why = arena_printf(&job, "%s has %g elements, not %g, or other extents", r->g->outputs.at[s.output].name,
                                s.got, s.want);
    else
        *out_why = arena_printf(&job, "%s[%lld] is %.17g, not %.17g", r->g->outputs.at[s.output].name, (long long)s.at,
                                s.got, s.want);
    return FAILS;
}

/* Sizes that a later run may have: none of its inputs or values is large, and the evaluator takes them. */
static bool sizes_fit(random_graph *r) {
    for (uint32_t v = 0; v < r->g->values.n; v++)
        if (!random_is_small(r, v)) return false;
    return true;
}

/* Whether compiled and evaluated results agree, at the sizes that the graph was made for and at others; *out_why says
 * what does not. */
static verdict judge(random_graph *r, const lowered_options *o, const char **out_why) {
    lowered l;
    frit_status status = lowered_open(&c, r->g, o, &l);
    *out_why = c.message;
    verdict v = status == FRIT_OK ? judge_sizes(r, &l, out_why) : status == FRIT_UNSUPPORTED ? UNSUPPORTED : FAILS;
    for (int i = 0; i < OTHER_SIZES && v == AGREES; i++) {
        random_graph other = *r;
        do random_graph_choose_sizes(&other);
        while (!sizes_fit(&other));
        random_graph_inputs(&other);
        v = judge_sizes(&other, &l, out_why);
        if (v == FAILS) *r = other;
        if (v == UNDEFINED) v = AGREES, cx_clear(&c); /* a contract of the graph */
        r->rng = other.rng;
    }
    lowered_close(&l);
    return v;
}

static void print_graph(random_graph *r) {
    strbuf b = {.a = &job};
    graph_print(&b, r->g);
    for (uint32_t i = 0; i < RANDOM_SYMS; i++)
        fprintf(stderr, "-- %s = %lld\n", dim_text(&job, r->g->dims, r->syms[i]),
                (long long)random_concrete(r, r->syms[i]));
    fputs(strbuf_text(&b), stderr);
}

/* Prints the earliest value of the graph that fails on its own, else the whole graph. */
static void report(uint64_t seed, const lowered_options *o, const char *why) {
    fprintf(stderr, "\nFRIT_FUZZ_SEED=%llu FRIT_FUZZ_COUNT=1: %s\n", (unsigned long long)seed, why);
    random_graph r;
    for (uint32_t only = 0; only < 64; only++) {
        reset();
        const char *own = NULL;
        if (!random_graph_make(&c, seed, N_OPS_EACH, only, &r)) continue;
        if (judge(&r, o, &own) != FAILS) continue;
        fprintf(stderr, "the first value to fail: %s\n", own);
        print_graph(&r);
        return;
    }
    reset();
    if (random_graph_make(&c, seed, N_OPS_EACH, UINT32_MAX, &r)) print_graph(&r);
}

static uint64_t number_from(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void fuzz(const lowered_options *o) {
    uint64_t usual = is_quick() ? QUICK_COUNT : DEFAULT_COUNT;
    uint64_t first = number_from("FRIT_FUZZ_SEED", 1), count = number_from("FRIT_FUZZ_COUNT", usual);
    int tally[FAILS + 1] = {0};
    for (uint64_t seed = first; seed < first + count; seed++) {
        random_graph r;
        const char *why = NULL;
        reset();
        if (!random_graph_make(&c, seed, N_OPS_EACH, UINT32_MAX, &r)) continue;
        ck_assert_msg(graph_verify(&c, r.g) == FRIT_OK, "seed %llu: %s", (unsigned long long)seed, c.message);
        verdict v = judge(&r, o, &why);
        tally[v]++;
        if ((v == UNSUPPORTED || v == UNDEFINED) && getenv("FRIT_FUZZ_VERBOSE")) fprintf(stderr, "%s\n", why);
        if (v == FAILS) report(seed, o, arena_strdup(&scratch, why ? why : ""));
    }
    fprintf(stderr, "%d graphs agree, %d not supported, %d undefined, %d fail\n", tally[AGREES], tally[UNSUPPORTED],
            tally[UNDEFINED], tally[FAILS]);
    ck_assert_int_eq(tally[FAILS], 0);
}

/* Outputs as the evaluator has them, one element of one of them spoilt: an integer by one, a number by SPOILT roundings
 * of the largest of its tensor. False when there is no element that says something. */
static bool spoil(random_graph *r, const tensor *exact, tensor *out_got) {
    for (uint32_t i = 0; i < r->g->outputs.n; i++) out_got[i] = *output_of(r, exact, i);
    tensor *t = &out_got[random_below(r, r->g->outputs.n)];
    int64_t n = tensor_count(t);
    *t = copy_of(t);
    if (n == 0) return false;
    int64_t at = random_below(r, (uint32_t)n);
    scalar s = dtype_load(t->dt, t->data, (size_t)at);
    if (!isfinite(element(t, at))) return false;
    if (dtype_is_float(t->dt))
        s = dtype_from_f64(t->dt, s.f + SPOILT * noise_of(t->dt) * largest_of(t));
    else
        s.i ^= 1;
    dtype_store(t->dt, t->data, (size_t)at, s);
    return !dtype_is_float(t->dt) || largest_of(t) > 0;
}

/* The judge sees a wrong element, unless it lies where noise alone moves it as far. */
START_TEST(spoilt_elements_are_seen) {
    int n_spoilt = 0, n_seen = 0, count = is_quick() ? QUICK_SPOILT_COUNT : SPOILT_COUNT;
    for (uint64_t seed = 1; seed <= (uint64_t)count; seed++) {
        random_graph r;
        suspect s;
        tensor got[16];
        reset();
        if (!random_graph_make(&c, seed, N_OPS_EACH, UINT32_MAX, &r)) continue;
        tensor *exact = values_new(&r);
        if (evaluate(&r, NULL, exact) != FRIT_OK || !spoil(&r, exact, got)) continue;
        n_spoilt++;
        n_seen += finds_fault(&r, got, exact, &s);
    }
    fprintf(stderr, "%d of %d spoilt elements seen\n", n_seen, n_spoilt);
    ck_assert_int_ge(n_spoilt, count / 2);
    ck_assert_int_ge(10 * n_seen, 9 * n_spoilt);
}
END_TEST

START_TEST(interpreted) { fuzz(&(lowered_options){.is_interpreted = true, .cpu = "x86-64-v3"}); }
END_TEST
START_TEST(machine_code) { fuzz(&(lowered_options){.cpu = getenv("FRIT_CPU")}); }
END_TEST
START_TEST(machine_code_checked) { fuzz(&(lowered_options){.is_checked = true, .cpu = "x86-64-v3"}); }
END_TEST

static void add_case(Suite *s, const char *name, const TTest *test) {
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, LIMIT_S);
    tcase_add_test(t, test);
    suite_add_tcase(s, t);
}

int main(void) {
    Suite *s = suite_create("fuzz_graphs");
    add_case(s, "judge", spoilt_elements_are_seen);
    add_case(s, "interpreted", interpreted);
    add_case(s, "machine_code", machine_code);
    add_case(s, "machine_code_checked", machine_code_checked);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
