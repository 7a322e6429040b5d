/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vector math of generated code against the C library in higher precision: the largest errors promised in cpu_math.h,
 * and special values bit by bit where they have only one. */
#include "cpu_run.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

typedef long double unary_fn(long double);
typedef long double binary_fn(long double, long double);

/* One function: its reference, the range sampled densely, and the largest error allowed in ulp for f32 and f64. */
typedef struct math_row {
    const char *name;
    unary_fn *unary;
    binary_fn *binary;
    double lo, hi;
    double lo2, hi2; /* of the second argument */
    double ulp_f32, ulp_f64;
} math_row;

static const math_row rows[] = {
    {"exp", expl, NULL, -104, 89, 0, 0, 2, 2},
    {"exp", expl, NULL, -745, 710, 0, 0, 2, 2},
    {"expm1", expm1l, NULL, -20, 89, 0, 0, 3, 3},
    {"expm1", expm1l, NULL, -1, 1, 0, 0, 3, 3},
    {"expm1", expm1l, NULL, -1e-5, 1e-5, 0, 0, 3, 3},
    {"log", logl, NULL, 0, 4, 0, 0, 2, 2},
    {"log", logl, NULL, 0, 1e30, 0, 0, 2, 2},
    {"log", logl, NULL, 0, 1e-38, 0, 0, 2, 2},
    {"log1p", log1pl, NULL, -1, 2, 0, 0, 3, 3},
    {"log1p", log1pl, NULL, -1e-4, 1e-4, 0, 0, 3, 3},
    {"log1p", log1pl, NULL, 0, 1e20, 0, 0, 3, 3},
    {"sin", sinl, NULL, -10, 10, 0, 0, 2, 2},
    {"sin", sinl, NULL, -1e5, 1e5, 0, 0, 2, 2},
    {"cos", cosl, NULL, -10, 10, 0, 0, 2, 2},
    {"cos", cosl, NULL, -1e5, 1e5, 0, 0, 2, 2},
    {"atan", atanl, NULL, -5, 5, 0, 0, 3, 3},
    {"atan", atanl, NULL, -1e6, 1e6, 0, 0, 3, 3},
    {"tanh", tanhl, NULL, -10, 10, 0, 0, 4, 4},
    {"tanh", tanhl, NULL, -0.1, 0.1, 0, 0, 4, 4},
    {"erf", erfl, NULL, -5, 5, 0, 0, 3, 3},
    {"erf", erfl, NULL, -1, 1, 0, 0, 3, 3},
    {"pow", NULL, powl, 0, 10, -20, 20, 2, 16},
    {"pow", NULL, powl, 0.9, 1.1, -300, 300, 2, 16},
    {"atan2", NULL, atan2l, -3, 3, -3, 3, 4, 4},
    {"atan2", NULL, atan2l, -1e9, 1e9, -1, 1, 4, 4},
    {"hypot", NULL, hypotl, -5, 5, -5, 5, 2, 2},
    {"hypot", NULL, hypotl, -1e-42, 1e-42, -1e-40, 1e-40, 2, 2},
    {"hypot", NULL, hypotl, 0, 2e38, 0, 2e38, 2, 2},
    {"hypot", NULL, hypotl, 1e17, 1e19, 0, 1e18, 2, 2},
    {"hypot", NULL, hypotl, -1e-14, 1e-14, -1e-16, 1e-16, 2, 2},
};

enum { N_SAMPLES = 50000 };

static kernel *math_kernel(const math_row *row, dtype dt) {
    static const char form[] = "kernel @f(x: %s[%d], z: %s[%d], out y: %s[%d]) {\n  axis i < %d\n  phase {\n"
                               "    vec i < %d by %d x 2 {\n      y[i] = %s(x[i]%s)\n    }\n  }\n}\n";
    const char *t = dtype_name(dt);
    const char *text = arena_printf(&job, form, t, N_SAMPLES, t, N_SAMPLES, t, N_SAMPLES, N_SAMPLES, N_SAMPLES,
                                    dt == FRIT_DT_F32 ? 16 : 8, row->name, row->binary ? ", z[i]" : "");
    kernel *k;
    ck_assert_msg(kernel_parse(&c, row->name, text, &job, &k) == FRIT_OK, "%s", c.message);
    return k;
}

static double get(dtype dt, const void *p, size_t i) { return dtype_load(dt, p, i).f; }

/* Distance in units in the last place of the reference (of the smallest subnormal near 0). */
static double error_ulp(dtype dt, double x, long double meant) {
    if (isnan(x) || isnan(meant)) return isnan(x) && isnan(meant) ? 0 : INFINITY;
    double rounded = dt == FRIT_DT_F32 ? (double)(float)meant : (double)meant;
    if (x == rounded) return 0;
    if (isinf(rounded) || isinf(x)) /* just beside the edge of the range is fine */
        return fabsl(meant) > (dt == FRIT_DT_F32 ? 3.4e38L : 1.79e308L) ? 0 : INFINITY;
    int e;
    frexpl(meant, &e);
    int lowest = dt == FRIT_DT_F32 ? -125 : -1021;
    long double ulp = ldexpl(1, (e < lowest ? lowest : e) - (dt == FRIT_DT_F32 ? 24 : 53));
    return (double)(fabsl((long double)x - meant) / ulp);
}

static void fill_range(dtype dt, void *p, double lo, double hi) {
    for (int i = 0; i < N_SAMPLES; i++)
        dtype_store(dt, p, (size_t)i, (scalar){.f = lo + (hi - lo) * (i + 0.37) / (double)N_SAMPLES});
}

static void measure(const math_row *row, dtype dt, const target *t) {
    double limit = dt == FRIT_DT_F32 ? row->ulp_f32 : row->ulp_f64, worst = 0, worst_x = 0, worst_z = 0;
    kernel *k = math_kernel(row, dt);
    cpu_jit *jit = cpu_compile(&c, k, t, &(cpu_options){.n_threads = 1, .keep_text = getenv("SHOW_ASM")});
    size_t bytes = dtype_bytes(dt, N_SAMPLES);
    void *x = arena_alloc(&job, bytes), *z = arena_alloc(&job, bytes), *y = arena_alloc(&job, bytes);
    fill_range(dt, x, row->lo, row->hi);
    fill_range(dt, z, row->lo2, row->hi2);
    uint64_t state = 1; /* the second argument in another order */
    for (int i = 0; i < N_SAMPLES && row->binary; i++)
        dtype_store(dt, z, (size_t)i, dtype_load(dt, z, sample_random(&state) % N_SAMPLES));
    cpu_jit_phase(jit, 0, 0)((void *[]){x, z, y}, NULL, 0, 1, arena_alloc_aligned(&job, 4096, 64));
    for (size_t i = 0; i < N_SAMPLES; i++) {
        double a = get(dt, x, i), b = get(dt, z, i);
        long double meant = row->unary ? row->unary((long double)a) : row->binary((long double)a, (long double)b);
        double error = error_ulp(dt, get(dt, y, i), meant);
        if (error > worst) worst = error, worst_x = a, worst_z = b;
    }
    if (getenv("SHOW_ULP"))
        printf("%-10s %-6s %s [%g, %g]: %.2f ulp at %.9g %.9g\n", t->cpu, row->name, dtype_name(dt), row->lo, row->hi,
               worst, worst_x, worst_z);
    ck_assert_msg(worst <= limit, "%s %s %s: %g ulp at %.17g, %.17g", t->cpu, row->name, dtype_name(dt), worst, worst_x,
                  worst_z);
    cpu_jit_close(jit);
}

START_TEST(the_meter_sees_errors) {
    double one_off = nextafter(1.5, 2), two_off = nextafter(one_off, 2);
    ck_assert_double_eq(error_ulp(FRIT_DT_F64, 1.5, 1.5L), 0);
    ck_assert_double_eq(error_ulp(FRIT_DT_F64, one_off, 1.5L), 1);
    ck_assert_double_eq(error_ulp(FRIT_DT_F64, two_off, 1.5L), 2);
    ck_assert_double_eq(error_ulp(FRIT_DT_F32, (double)nextafterf(0.75F, 1), 0.75L), 1);
    ck_assert_double_eq(error_ulp(FRIT_DT_F32, 0x1p-148, 0x1p-149L), 1);
    ck_assert(isinf(error_ulp(FRIT_DT_F32, NAN, 1)));
    ck_assert(isinf(error_ulp(FRIT_DT_F32, INFINITY, 1)));
}
END_TEST

START_TEST(errors_are_within_the_promise) {
    target t;
    if (skips_level(&c, "errors_are_within_the_promise", cpu_levels[_i], &t)) return;
    for (size_t r = 0; r < countof(rows); r++) {
        measure(&rows[r], FRIT_DT_F32, &t);
        measure(&rows[r], FRIT_DT_F64, &t);
    }
}
END_TEST

/* Angles of every size: what is left after the turns are taken off depends on bits of pi far behind the point. */
START_TEST(sine_and_cosine_of_any_size) {
    static const math_row angles[] = {{"sin", sinl, NULL, 0, 0, 0, 0, 2, 3}, {"cos", cosl, NULL, 0, 0, 0, 0, 2, 3}};
    static const dtype types[] = {FRIT_DT_F32, FRIT_DT_F64};
    target t;
    if (skips_level(&c, "sine_and_cosine_of_any_size", cpu_levels[_i], &t)) return;
    for (size_t i = 0; i < countof(angles) * countof(types); i++) {
        const math_row *row = &angles[i / 2];
        dtype dt = types[i % 2];
        cpu_jit *jit = cpu_compile(&c, math_kernel(row, dt), &t, &(cpu_options){.n_threads = 1});
        size_t bytes = dtype_bytes(dt, N_SAMPLES);
        void *x = arena_alloc(&job, bytes), *y = arena_alloc(&job, bytes);
        for (size_t k = 0; k < N_SAMPLES;
             k++) { /* both signs, exponents evenly, nearest numbers to multiples of pi too */
            double size = pow(dt == FRIT_DT_F32 ? 2e38 : 1e307, (double)k / (double)N_SAMPLES);
            if (k % 5 == 0) size = rint(size) * M_PI_2;
            dtype_store(dt, x, k, dtype_from_f64(dt, k % 2 ? -size : size));
        }
        cpu_jit_phase(jit, 0, 0)((void *[]){x, x, y}, NULL, 0, 1, arena_alloc_aligned(&job, 4096, 64));
        double worst = 0, worst_x = 0;
        for (size_t k = 0; k < N_SAMPLES; k++) {
            double a = get(dt, x, k);
            double error = error_ulp(dt, get(dt, y, k), row->unary((long double)a));
            if (error > worst) worst = error, worst_x = a;
        }
        if (getenv("SHOW_ULP"))
            printf("%s %s %s any size: %.2f ulp at %.9g\n", t.cpu, row->name, dtype_name(dt), worst, worst_x);
        ck_assert_msg(worst <= (i % 2 ? row->ulp_f64 : row->ulp_f32), "%s %s: %g ulp at %.17g", t.cpu, row->name, worst,
                      worst_x);
        cpu_jit_close(jit);
    }
}
END_TEST

/* Arguments whose results the C standard fixes, and the edges of subnormal numbers and overflow. */
static const double specials[] = {0.0,  -0.0,  INFINITY, -INFINITY, NAN,    1,     -1,     2,     -2,     0.5,
                                  -0.5, 3,     -3,       1e-45,     -1e-45, 1e-40, 1e38,   -1e38, 3e38,   -3e38,
                                  88.8, -87.5, -103.9,   -104.5,    1e-320, 1e308, -1e308, 709.9, -745.2, 1.5,
                                  1e10, -1e10, 0.1,      -0.1,      1000,   -1000, 7,      -7,    1e-20,  -1e-20};
enum { N_SPECIALS = sizeof specials / sizeof specials[0] };

static void check_special(const math_row *row, dtype dt, const target *t) {
    kernel *k = math_kernel(row, dt);
    cpu_jit *jit = cpu_compile(&c, k, t, &(cpu_options){.n_threads = 1});
    size_t bytes = dtype_bytes(dt, N_SAMPLES);
    void *x = arena_alloc(&job, bytes), *z = arena_alloc(&job, bytes), *y = arena_alloc(&job, bytes);
    for (size_t i = 0; i < N_SPECIALS * N_SPECIALS; i++) {
        dtype_store(dt, x, i, dtype_from_f64(dt, specials[i % N_SPECIALS]));
        dtype_store(dt, z, i, dtype_from_f64(dt, specials[i / N_SPECIALS]));
    }
    cpu_jit_phase(jit, 0, 0)((void *[]){x, z, y}, NULL, 0, 1, arena_alloc_aligned(&job, 4096, 64));
    for (size_t i = 0; i < N_SPECIALS * (row->binary ? N_SPECIALS : 1); i++) {
        double a = get(dt, x, i), b = get(dt, z, i), got = get(dt, y, i);
        long double meant = row->unary ? row->unary((long double)a) : row->binary((long double)a, (long double)b);
        double error = error_ulp(dt, got, meant);
        bool sign_differs = meant == 0 && got == 0 && signbit(got) != signbit((double)meant);
        ck_assert_msg(error <= 16 && !sign_differs, "%s %s(%g, %g) %s: %.9g instead of %.9Lg", t->cpu, row->name, a, b,
                      dtype_name(dt), got, meant);
    }
    cpu_jit_close(jit);
}

START_TEST(special_values) {
    target t;
    if (skips_level(&c, "special_values", cpu_levels[_i], &t)) return;
    for (size_t r = 0; r < countof(rows); r++) {
        if (r && !strcmp(rows[r].name, rows[r - 1].name)) continue;
        check_special(&rows[r], FRIT_DT_F32, &t);
        check_special(&rows[r], FRIT_DT_F64, &t);
    }
}
END_TEST

int main(void) {
    TCase *t = tcase_create("cpu math");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_meter_sees_errors);
    tcase_add_loop_test(t, errors_are_within_the_promise, 0, (int)countof(cpu_levels));
    tcase_add_loop_test(t, sine_and_cosine_of_any_size, 0, (int)countof(cpu_levels));
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, special_values, 0, (int)countof(cpu_levels));
    Suite *s = suite_create("cpu math");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
