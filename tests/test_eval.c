/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The evaluator against recorded references of numpy and onnx.reference, templates against the evaluator, and errors.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/eval/eval_ops.h"
#include "ir/op/scalar.h"
#include "tests/op_cases.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job);
    arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}
static void teardown(void) {
    arena_fini(&scratch);
    arena_fini(&job);
}

/* ---- recorded cases ---- */

static const char *run_case(const op_case *k) {
    tensor got[countof(k->outputs)];
    if (eval_graph(&c, k->g, &job, k->inputs, got) != FRIT_OK) return c.message;
    for (uint32_t i = 0; i < k->g->outputs.n; i++) {
        /* Doubles may differ by the order of a sum; others by one rounding of such a double. */
        const char *why = tensor_difference(&job, &got[i], &k->outputs[i], (closeness){k->tolerance, 1e-13});
        if (why) return arena_printf(&job, "output %u: %s", i, why);
    }
    return NULL;
}

START_TEST(recorded_references) {
    op_case_reader r;
    op_case k = {0};
    int n = 0, n_failed = 0;
    frit_status status = op_cases_open(&c, &r);
    while (status == FRIT_OK && (status = op_cases_next(&r, &k)) == FRIT_OK && k.name) {
        const char *why = run_case(&k);
        n++;
        if (!why) continue;
        n_failed++;
        fprintf(stderr, "case %s: %s\n%s", k.name, why, k.text);
        cx_clear(&c);
    }
    ck_assert_msg(status == FRIT_OK, "%s", c.message);
    ck_assert_msg(n_failed == 0, "%d of %d cases differ", n_failed, n);
    ck_assert_int_gt(n, 400);
}
END_TEST

/* ---- templates ---- */

/* A client that computes a template step by step in dtype dt, as compiled code does. */
typedef struct steps {
    dtype dt;
    uint32_t n;
    scalar at[2 * SCALAR_MAX_NODES];
} steps;

static uint32_t keep(steps *s, scalar v) { return s->at[s->n] = v, s->n++; }

static uint32_t step_constant(void *data, double number, uint32_t like) {
    steps *s = data;
    return keep(s, like == SCALAR_BOOL ? (scalar){.i = number != 0} : dtype_from_f64(s->dt, number));
}

static uint32_t step_op(void *data, op_code op, uint32_t n, const uint32_t *args) {
    steps *s = data;
    scalar in[3];
    for (uint32_t i = 0; i < n; i++) in[i] = s->at[args[i]];
    return keep(s, eval_scalar(op, NULL, s->dt, in));
}

static double by_template(const scalar_expr *e, const void *attrs, dtype dt, const scalar *in) {
    steps s = {.dt = dt};
    uint32_t inputs[3];
    for (uint32_t i = 0; i < 3; i++) inputs[i] = keep(&s, in[i]);
    scalar_emitter to = {&s, step_constant, step_op};
    return s.at[scalar_emit(e, attrs, inputs, &to)].f;
}

/* Inputs lo..hi; the template's result lies within `ulps` of the operator's, where values below `floor` in magnitude
 * count as floor (sums that cancel: an absolute bound). */
typedef struct template_bound {
    op_code op;
    double lo, hi, ulps, floor;
} template_bound;

static const template_bound bounds[] = {
    {OP_relu, -9, 9, 0, 0},         {OP_sigmoid, -80, 80, 2, 0},
    {OP_silu, -80, 80, 2.5, 0},     {OP_gelu, -9, 9, 3, 4},
    {OP_gelu_tanh, -9, 9, 4, 4},    {OP_leaky_relu, -9, 9, 0.5, 0},
    {OP_prelu, -9, 9, 0.5, 0},      {OP_elu, -20, 9, 1.5, 0},
    {OP_celu, -20, 9, 2, 0},        {OP_selu, -20, 9, 2, 0},
    {OP_hard_sigmoid, -9, 9, 1, 0}, {OP_hard_swish, -9, 9, 2, 1},
    {OP_softplus, -80, 80, 2.5, 0}, {OP_softsign, -99, 99, 1.5, 0},
    {OP_mish, -80, 80, 4, 0},       {OP_thresholded_relu, -9, 9, 0, 0},
    {OP_swish, -60, 60, 90, 0},     {OP_shrink, -9, 9, 1, 0},
    {OP_clip, -9, 9, 0, 0},         {OP_reciprocal, -9, 9, 0.5, 0},
    {OP_rsqrt, 0.001, 99, 1.5, 0},  {OP_square, -9, 9, 0.5, 0},
    {OP_tan, -1.5, 1.5, 2, 0},      {OP_asin, -1, 1, 2.5, 0},
    {OP_acos, -1, 1, 2.5, 0},       {OP_sinh, -20, 20, 2, 0},
    {OP_cosh, -20, 20, 2, 0},       {OP_asinh, -99, 99, 3, 0},
    {OP_acosh, 1, 99, 4, 1},        {OP_atanh, -0.999, 0.999, 4, 0},
};

/* Attributes that stress each operator: alpha 1.25, beta 0.5 where it has them. */
static void *stress_attrs(op_code op) {
    char *attrs = attrs_new(&job, op);
    const attr_type *t = op_info_of(op)->attrs;
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (t->fields[i].kind == FK_F64) *(double *)(attrs + t->fields[i].offset) = i == 0 ? 1.25 : 0.5;
    return attrs;
}

static void check_template(const template_bound *b, dtype dt) {
    const scalar_expr *e = scalar_of_op(&job, b->op);
    const void *attrs = stress_attrs(b->op);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t r[4];
        philox(i, b->op, r);
        scalar in[3] = {dtype_from_f64(dt, b->lo + (b->hi - b->lo) * r[0] * 0x1p-32),
                        dtype_from_f64(dt, -1 + r[1] * 0x1p-32), dtype_from_f64(dt, r[2] * 0x1p-32)};
        if (b->op == OP_prelu) in[1] = dtype_from_f64(dt, 2 * r[1] * 0x1p-32);
        double got = by_template(e, attrs, dt, in), want = eval_scalar(b->op, attrs, dt, in).f;
        double unit = dtype_ulp(dt, fmax(fabs(want), b->floor));
        ck_assert_msg(fabs(got - want) <= (b->ulps + 0.5) * unit, "%s %s: %.9g gives %.9g, not %.9g (%.2f ulps)",
                      op_name(b->op), dtype_name(dt), in[0].f, got, want, fabs(got - want) / unit);
    }
}

START_TEST(templates_meet_their_bounds) {
    unsigned n = 0;
    for (unsigned op = 0; op < N_OPS; op++) n += op_info_of((op_code)op)->template_text[0] != 0;
    ck_assert_uint_eq(n, countof(bounds));
    for (size_t i = 0; i < countof(bounds); i++) check_template(&bounds[i], FRIT_DT_F32);
}
END_TEST

/* Far from where bounds are measured: infinities, NaN, numbers whose squares overflow or vanish. The template gives a
 * NaN, an infinity or a number where the operator does. */
START_TEST(templates_hold_far_out) {
    static const double far[] = {0,    -0.0,  INFINITY, -INFINITY, NAN,   1e30, -1e30,
                                 1e20, -1e20, 1e-30,    -1e-30,    1e-42, 3e38};
    for (size_t i = 0; i < countof(bounds); i++) {
        op_code op = bounds[i].op;
        const scalar_expr *e = scalar_of_op(&job, op);
        const void *attrs = stress_attrs(op);
        for (size_t k = 0; k < countof(far); k++) {
            scalar in[3] = {dtype_from_f64(FRIT_DT_F32, far[k]), {.f = 0.25}, {.f = 0.75}};
            double got = by_template(e, attrs, FRIT_DT_F32, in), want = eval_scalar(op, attrs, FRIT_DT_F32, in).f;
            bool same = isnan(want) ? isnan(got) : got == want || fabs(got - want) <= 1e-5 * fabs(want) + 1e-40;
            if (op == OP_tan && fabs(far[k]) > 1) continue; /* cos of large numbers cancels */
            ck_assert_msg(same, "%s of %.9g gives %.9g, not %.9g", op_name(op), far[k], got, want);
        }
    }
}
END_TEST

/* ---- symbols and errors ---- */

static graph *parse(const char *text) {
    graph *g = NULL;
    ck_assert_msg(graph_parse(&c, "test", text, &g) == FRIT_OK, "%s", c.message);
    return g;
}

static tensor floats(uint32_t rank, const int64_t *shape, const float *values) {
    tensor t;
    ck_assert_int_eq(tensor_alloc(&c, &job, FRIT_DT_F32, rank, shape, &t), FRIT_OK);
    if (values) memcpy(t.data, values, (size_t)tensor_count(&t) * sizeof *values);
    return t;
}

START_TEST(symbols_come_from_inputs) {
    graph *g = parse("func @t(%x: f32[B, S], %y: f32[S]) -> (%z: f32[B, S]) where B in 1..4, S in 1..8 {\n"
                     "  %z = add %x, %y : f32[B, S]\n  return %z\n}\n");
    tensor in[2] = {floats(2, (int64_t[]){2, 3}, (float[]){1, 2, 3, 4, 5, 6}),
                    floats(1, (int64_t[]){3}, (float[]){1, 0, 2})};
    tensor out;
    ck_assert_msg(eval_graph(&c, g, &job, in, &out) == FRIT_OK, "%s", c.message);
    const float want[] = {2, 2, 5, 5, 5, 8};
    ck_assert_int_eq(memcmp(out.data, want, sizeof want), 0);
    in[1] = floats(1, (int64_t[]){4}, NULL);
    ck_assert_int_eq(eval_graph(&c, g, &job, in, &out), FRIT_SHAPE);
    ck_assert_ptr_nonnull(strstr(c.message, "y"));
    cx_clear(&c);
    in[0] = floats(2, (int64_t[]){5, 4}, NULL);
    ck_assert_int_eq(eval_graph(&c, g, &job, in, &out), FRIT_RANGE);
    ck_assert_ptr_nonnull(strstr(c.message, "B"));
}
END_TEST

enum { LONG_ROW = 8840 };

/* %y = text, of x[i] = unit * (i mod 3) and u of ones: the largest error relative to want[i mod 3]. */
static double worst_of_row(const char *text, const char *type, double unit, const long double want[3]) {
    tensor in[2], out;
    graph *g = parse(
        arena_printf(&job, "func @t(%%x: f64[%d], %%u: f64[%d]) -> (%%y: %s) {\n  %%y = %s : %s\n  return %%y\n}\n",
                     LONG_ROW, LONG_ROW, type, text, type));
    for (int k = 0; k < 2; k++)
        ck_assert_int_eq(tensor_alloc(&c, &job, FRIT_DT_F64, 1, (int64_t[]){LONG_ROW}, &in[k]), FRIT_OK);
    for (int i = 0; i < LONG_ROW; i++) ((double *)in[0].data)[i] = unit * (i % 3), ((double *)in[1].data)[i] = 1;
    ck_assert_msg(eval_graph(&c, g, &job, in, &out) == FRIT_OK, "%s", c.message);
    double worst = 0;
    for (int64_t i = 0; i < tensor_count(&out); i++)
        worst = fmax(worst, (double)fabsl((long double)((double *)out.data)[i] / want[i % 3] - 1));
    return worst;
}

/* Equal terms round alike, so that plain sums of them drift by hundreds of units in the last place. (1 - mean cancels
 * to 1e-4, so that a norm has fewer exact bits.) */
START_TEST(long_sums_do_not_drift) {
    const long double n_of[3] = {2947, 2947, 2946}, n = LONG_ROW, mean = (n_of[1] + 2 * n_of[2]) / n;
    long double square = 0, exps = 0, norm[3], share[3], sum[3] = {(long double)0.1 * n * mean};
    for (int k = 0; k < 3; k++) square += n_of[k] * (k - mean) * (k - mean) / n, exps += n_of[k] * expl(k);
    for (int k = 0; k < 3; k++) norm[k] = (k - mean) / sqrtl(square + 0.001L), share[k] = expl(k) / exps;
    ck_assert_double_le(worst_of_row("layer_norm %x, %u {axis = 0, eps = 0.001}", "f64[8840]", 1, norm), 0x1p-47);
    ck_assert_double_le(worst_of_row("softmax %x {axis = 0}", "f64[8840]", 1, share), 0x1p-50);
    ck_assert_double_le(worst_of_row("reduce %x {axes = [0]}", "f64[]", 0.1, sum), 0x1p-52);
    ck_assert_double_le(worst_of_row("contract %x, %u {lhs = \"i\", rhs = \"i\", out = \"\"}", "f64[]", 0.1, sum),
                        0x1p-52);
}
END_TEST

START_TEST(nonzero_binds_its_symbol) {
    graph *g = NULL;
    dim_table *dims = dim_table_new(&job);
    g = graph_new(&job, "t", dims);
    value_id x = graph_input(g, "x", FRIT_DT_F32, 2, (dim[]){dim_const(dims, 2), dim_const(dims, 3)}), i, t;
    ck_assert_int_eq(graph_add(&c, g, OP_nonzero, 0, 1, &x, NULL, &i), FRIT_OK);
    ck_assert_int_eq(graph_transpose(&c, g, 0, i, (int64_t[]){1, 0}, &t), FRIT_OK);
    graph_output(g, "t", t);
    tensor in = floats(2, (int64_t[]){2, 3}, (float[]){0, 2, 0, -1, NAN, 0}), out;
    ck_assert_msg(eval_graph(&c, g, &job, &in, &out) == FRIT_OK, "%s", c.message);
    const int64_t want[] = {0, 1, 1, 0, 1, 1};
    ck_assert_int_eq(out.shape[0], 3);
    ck_assert_int_eq(memcmp(out.data, want, sizeof want), 0);
}
END_TEST

START_TEST(indices_outside_are_errors) {
    static const char *const bodies[] = {
        "gather %x, %i {axis = 0} : f32[1]",
        "gather_elements %x, %i {axis = 0} : f32[1]",
        "scatter_elements %x, %i, %u {axis = 0} : f32[3]",
    };
    for (size_t k = 0; k < countof(bodies); k++) {
        graph *g = parse(arena_printf(&job,
                                      "func @t(%%x: f32[3], %%i: i64[1], %%u: f32[1]) -> (%%y: %s) {\n"
                                      "  %%y = %s\n  return %%y\n}\n",
                                      strrchr(bodies[k], ':') + 2, bodies[k]));
        for (int64_t bad = -4; bad <= 3; bad += 7) {
            tensor in[3] = {floats(1, (int64_t[]){3}, NULL), {0}, floats(1, (int64_t[]){1}, NULL)}, out;
            ck_assert_int_eq(tensor_alloc(&c, &job, FRIT_DT_I64, 1, (int64_t[]){1}, &in[1]), FRIT_OK);
            *(int64_t *)in[1].data = bad;
            ck_assert_int_eq(eval_graph(&c, g, &job, in, &out), FRIT_RANGE);
            cx_clear(&c);
        }
    }
}
END_TEST

START_TEST(sizes_are_limited) {
    tensor t;
    ck_assert_int_eq(tensor_alloc(&c, &job, FRIT_DT_F32, 2, (int64_t[]){INT64_C(1) << 40, 2}, &t), FRIT_RANGE);
    cx_clear(&c);
    ck_assert_int_eq(tensor_alloc(&c, &job, FRIT_DT_F32, 2, (int64_t[]){0, INT64_MAX}, &t), FRIT_RANGE);
    cx_clear(&c);
    ck_assert_int_eq(tensor_alloc(&c, &job, FRIT_DT_F32, 2, (int64_t[]){0, 7}, &t), FRIT_OK);
    ck_assert_int_eq(tensor_alloc(&c, &job, FRIT_DT_F32, 1, (int64_t[]){-1}, &t), FRIT_SHAPE);
}
END_TEST

/* ---- random numbers ---- */

START_TEST(philox_known_answers) {
    uint32_t r[4];
    philox(0, 0, r); /* from the authors' known-answer file */
    const uint32_t want[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    ck_assert_int_eq(memcmp(r, want, sizeof r), 0);
}
END_TEST

START_TEST(random_moments) {
    const_data d = {.kind = CONST_RANDOM, .dt = FRIT_DT_F32, .dims = {1, (int64_t[]){40000}}, .seed = 3, .scale = 2};
    tensor t;
    ck_assert_int_eq(eval_const(&c, &job, &d, &t), FRIT_OK);
    double sum = 0, squares = 0;
    for (int i = 0; i < 40000; i++) {
        double v = ((float *)t.data)[i];
        sum += v;
        squares += v * v;
    }
    ck_assert_double_eq_tol(sum / 40000, 0, 0.04);
    ck_assert_double_eq_tol(squares / 40000, 4, 0.12);
}
END_TEST

int main(void) {
    Suite *s = suite_create("eval");
    TCase *t = tcase_create("eval");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, recorded_references);
    tcase_add_test(t, templates_meet_their_bounds);
    tcase_add_test(t, templates_hold_far_out);
    tcase_add_test(t, symbols_come_from_inputs);
    tcase_add_test(t, long_sums_do_not_drift);
    tcase_add_test(t, nonzero_binds_its_symbol);
    tcase_add_test(t, indices_outside_are_errors);
    tcase_add_test(t, sizes_are_limited);
    tcase_add_test(t, philox_known_answers);
    tcase_add_test(t, random_moments);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
