/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scalar templates and combiners: each parses, and gives the values that its doc promises. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/op/scalar.h"

static arena job;
static cx c;

static void setup(void) {
    arena_init(&job);
    c = (cx){.job = &job, .scratch = &job};
}
static void teardown(void) { arena_fini(&job); }

/* A client that computes: ids index values. */
typedef struct calculator {
    uint32_t n;
    double at[SCALAR_MAX_NODES * 2];
    uint32_t likes[SCALAR_MAX_NODES];
    uint32_t n_constants;
} calculator;

static uint32_t keep(calculator *k, double v) { return k->at[k->n] = v, k->n++; }

static uint32_t calc_constant(void *data, double value, uint32_t like) {
    calculator *k = data;
    k->likes[k->n_constants++] = like;
    return keep(k, value);
}

static double apply(op_code op, double x, double y, double z) {
#define CASE(name, e)                                                                                                  \
    if (op == OP_##name) return (e)
    CASE(neg, -x);
    CASE(abs, fabs(x));
    CASE(sign, x > 0 ? 1 : x < 0 ? -1 : x);
    CASE(sqrt, sqrt(x));
    CASE(exp, exp(x));
    CASE(expm1, expm1(x));
    CASE(log, log(x));
    CASE(log1p, log1p(x));
    CASE(sin, sin(x));
    CASE(cos, cos(x));
    CASE(tanh, tanh(x));
    CASE(erf, erf(x));
    CASE(atan2, atan2(x, y));
    CASE(add, x + y);
    CASE(sub, x - y);
    CASE(mul, x * y);
    CASE(div, x / y);
    CASE(min, isnan(x) || isnan(y) ? NAN : x < y ? x : y);
    CASE(max, isnan(x) || isnan(y) ? NAN : x > y ? x : y);
    CASE(and, x != 0 && y != 0);
    CASE(or, x != 0 || y != 0);
    CASE(eq, x == y);
    CASE(ne, x != y);
    CASE(lt, x < y);
    CASE(gt, x > y);
    CASE(isinf, isinf(x) != 0);
    CASE(select, x != 0 ? y : z);
    CASE(fma, fma(x, y, z));
    ck_abort_msg("the calculator lacks %s", op_name(op));
}

static uint32_t calc_op(void *data, op_code op, uint32_t n, const uint32_t *args) {
    calculator *k = data;
    double v[3] = {0};
    for (uint32_t i = 0; i < n; i++) v[i] = k->at[args[i]];
    return keep(k, apply(op, v[0], v[1], v[2]));
}

static double calculate(const scalar_expr *e, const void *attrs, uint32_t n, const double *in) {
    calculator k = {0};
    uint32_t inputs[SCALAR_MAX_INPUTS];
    for (uint32_t i = 0; i < n; i++) inputs[i] = keep(&k, in[i]);
    scalar_emitter to = {&k, calc_constant, calc_op};
    return k.at[scalar_emit(e, attrs, inputs, &to)];
}

static double op_value(op_code op, double x) { return calculate(scalar_of_op(&job, op), attrs_new(&job, op), 1, &x); }

START_TEST(templates_of_operators) {
    for (unsigned op = 0; op < N_OPS; op++) scalar_of_op(&job, (op_code)op);
    for (double x = -3; x <= 3; x += 0.25) {
        ck_assert_double_eq_tol(op_value(OP_sigmoid, x), 1 / (1 + exp(-x)), 1e-12);
        ck_assert_double_eq_tol(op_value(OP_gelu, x), x * 0.5 * erfc(-x / sqrt(2)), 1e-12);
        ck_assert_double_eq_tol(op_value(OP_sinh, x), sinh(x), 1e-12);
        ck_assert_double_eq_tol(op_value(OP_asinh, x), asinh(x), 1e-12);
        ck_assert_double_eq_tol(op_value(OP_softplus, x), log1p(exp(x)), 1e-12);
        if (fabs(x) < 1) ck_assert_double_eq_tol(op_value(OP_acos, x), acos(x), 1e-12);
        if (fabs(x) < 1) ck_assert_double_eq_tol(op_value(OP_atanh, x), atanh(x), 1e-12);
    }
    attr_alpha leak = {.alpha = 0.1};
    double x = -2;
    ck_assert_double_eq_tol(calculate(scalar_of_op(&job, OP_leaky_relu), &leak, 1, &x), -0.2, 1e-15);
}
END_TEST

/* Calls nested n deep, with a number in each where it is to be wide. */
static const char *long_template(uint32_t n, bool is_wide) {
    strbuf b = {.a = &job};
    for (uint32_t i = 0; i < n; i++) strbuf_printf(&b, is_wide ? "fma(%u, %u, " : "neg(", 2 * i + 2, 2 * i + 3);
    strbuf_add(&b, "x");
    for (uint32_t i = 0; i < n; i++) strbuf_addc(&b, ')');
    return strbuf_text(&b);
}

START_TEST(bad_templates) {
    const struct {
        const char *text, *says;
    } bad[] = {{"", "expected a number or name at ''"},
               {"x y", "unexpected text at 'y'"},
               {"add(x)", "wrong number of operands before at ''"},
               {"fma(x, x, x, x)", "too many operands at ' x)'"},
               {"nosuch(x)", "no such core operator at '(x)'"},
               {"w", "unknown name before at ''"},
               {"matmul(x, y)", "no such core operator at '(x, y)'"},
               {"add(x, y", "expected , or ) at ''"},
               {"softmax(x)", "no such core operator at '(x)'"},
               {long_template(40, false), "nested too deep at '("},
               {long_template(30, true), "the template is too long at '"}};
    for (size_t i = 0; i < countof(bad); i++) {
        const scalar_expr *e;
        ck_assert_msg(scalar_parse(&c, &job, bad[i].text, NULL, &e) == FRIT_FORMAT, "%s", bad[i].text);
        ck_assert_msg(strstr(c.message, bad[i].says) != NULL, "'%s' instead of '%s'", c.message, bad[i].says);
        cx_clear(&c);
    }
    const scalar_expr *e;
    ck_assert_int_eq(scalar_parse(&c, &job, "x", NULL, &e), FRIT_OK);
    ck_assert_int_eq(scalar_parse(&c, &job, "select(lt(x, y), 0, 1)", NULL, &e), FRIT_OK);
}
END_TEST

static void combine(combiner k, const double *a, const double *b, double *out) {
    uint32_t n = combiner_info_of(k)->n;
    double in[6] = {0};
    memcpy(in, a, n * sizeof *in), memcpy(in + 3, b, n * sizeof *in);
    double result[3];
    for (uint32_t i = 0; i < n; i++) result[i] = calculate(scalar_of_combiner(&job, k, i), NULL, 6, in);
    memcpy(out, result, n * sizeof *out);
}

static dtype component_type(combiner k, uint32_t i) {
    bool is_arg = k == COMBINE_argmax || k == COMBINE_argmin || k == COMBINE_argmax_last || k == COMBINE_argmin_last;
    return is_arg && i == 1 ? FRIT_DT_I32 : FRIT_DT_F64;
}

static void identity(combiner k, double *out) {
    for (uint32_t i = 0; i < combiner_info_of(k)->n; i++)
        out[i] = dtype_to_f64(component_type(k, i), combiner_identity(k, i, component_type(k, i)));
}

/* Folds n elements, as two halves when split is set. */
static void fold(combiner k, uint32_t n, double (*const elements)[3], uint32_t split, double *out) {
    double right[3];
    identity(k, out), identity(k, right);
    for (uint32_t i = 0; i < n; i++) combine(k, i < split ? out : right, elements[i], i < split ? out : right);
    combine(k, out, right, out);
}

START_TEST(identities_change_nothing) {
    static const double xs[] = {0, 1.5, -7, INFINITY, -INFINITY};
    for (unsigned k = COMBINE_NONE + 1; k < N_COMBINERS; k++) {
        for (size_t i = 0; i < countof(xs); i++) {
            bool counts_first = k == COMBINE_welford;
            double x[3] = {counts_first ? 1 : xs[i], 1, xs[i]}, id[3], left[3], right[3];
            if (k == COMBINE_attend && isinf(xs[i])) x[2] = 3;
            identity((combiner)k, id);
            combine((combiner)k, id, x, left), combine((combiner)k, x, id, right);
            for (uint32_t j = 0; j < combiner_info_of((combiner)k)->n; j++) {
                ck_assert_msg(left[j] == x[j] && right[j] == x[j], "%s component %u of %g: %g and %g",
                              combiner_info_of((combiner)k)->name, j, x[j], left[j], right[j]);
            }
        }
    }
}
END_TEST

START_TEST(arg_reductions_follow_numpy) {
    double ties[][3] = {{1, 0}, {3, 1}, {3, 2}, {0, 3}}, nans[][3] = {{1, 0}, {NAN, 1}, {3, 2}, {NAN, 3}}, out[3];
    for (uint32_t split = 0; split <= 4; split++) {
        fold(COMBINE_argmax, 4, ties, split, out);
        ck_assert(out[0] == 3 && out[1] == 1);
        fold(COMBINE_argmax_last, 4, ties, split, out);
        ck_assert(out[0] == 3 && out[1] == 2);
        fold(COMBINE_argmin, 4, nans, split, out);
        ck_assert(isnan(out[0]) && out[1] == 1);
        fold(COMBINE_max, 4, nans, split, out);
        ck_assert(isnan(out[0]));
    }
}
END_TEST

START_TEST(tuples_give_what_they_promise) {
    double w[][3] = {{1, 2, 0}, {1, 4, 0}, {1, 4, 0}, {1, 10, 0}}, out[3];
    double s[][3] = {{-INFINITY, 1, 9}, {2, 1, 5}, {-INFINITY, 1, 9}, {1, 1, 7}};
    for (uint32_t split = 0; split <= 4; split++) {
        fold(COMBINE_welford, 4, w, split, out);
        ck_assert(out[0] == 4 && fabs(out[1] - 5) < 1e-12 && fabs(out[2] - 36) < 1e-12);
        fold(COMBINE_online_softmax, 4, s, split, out);
        ck_assert(out[0] == 2 && fabs(out[1] - (1 + exp(-1))) < 1e-12);
        fold(COMBINE_attend, 4, s, split, out);
        ck_assert(fabs(out[2] - (5 + 7 * exp(-1))) < 1e-12);
    }
}
END_TEST

int main(void) {
    Suite *s = suite_create("scalar");
    TCase *k = tcase_create("scalar");
    tcase_add_checked_fixture(k, setup, teardown);
    tcase_add_test(k, templates_of_operators);
    tcase_add_test(k, bad_templates);
    tcase_add_test(k, identities_change_nothing);
    tcase_add_test(k, arg_reductions_follow_numpy);
    tcase_add_test(k, tuples_give_what_they_promise);
    suite_add_tcase(s, k);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int n_failed = srunner_ntests_failed(r);
    srunner_free(r);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
