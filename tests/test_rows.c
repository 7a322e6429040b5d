/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rows whose moments come from one sweep (passes/tree_cpu/tree_row_moments.c): against the evaluator at extents around
 * the blocks, on numbers that lose digits or have none, interpreted, compiled and checked; and bit for bit, a row
 * alone, in a batch, and among rows that overlap. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lowered.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

/* Each takes x[B, N], r[B, N], p[N] and q[B, 1]. */
static const char *const programs[] = {
    /* a norm of a sum that is wanted too */
    "func @residual(%x: f32[B, N], %r: f32[B, N], %p: f32[N], %q: f32[B, 1]) -> (%s: f32[B, N], %y: f32[B, N]) {"
    "  %s = add %x, %r : f32[B, N]"
    "  %t = layer_norm %s, %p, %p {axis = -1, eps = 1e-05} : f32[B, N]"
    "  %y = mul %t, %q : f32[B, N]"
    "  return %s, %y }",
    /* squares about anything that the row knows, here its largest; other reductions beside; a norm of a norm */
    "func @about(%x: f32[B, N], %r: f32[B, N], %p: f32[N], %q: f32[B, 1])"
    " -> (%s: f32[B], %v: f32[B], %z: f32[B, N], %top: i64[B]) {"
    "  %s = reduce %x {kind = sum, axes = [1]} : f32[B]"
    "  %m = reduce %x {kind = max, axes = [1]} : f32[B]"
    "  %a = reshape %m {dims = [B, 1]} : f32[B, 1]"
    "  %d = sub %x, %a : f32[B, N]"
    "  %e = mul %d, %d : f32[B, N]"
    "  %v = reduce %e {kind = sum, axes = [1]} : f32[B]"
    "  %top = reduce %x {kind = argmax, axes = [1]} : i64[B]"
    "  %t = layer_norm %x, %p, %p {axis = -1, eps = 1e-05} : f32[B, N]"
    "  %u = add %t, %r : f32[B, N]"
    "  %z = layer_norm %u, %p, %p {axis = -1, eps = 1e-05} : f32[B, N]"
    "  return %s, %v, %z, %top }",
    "func @doubles(%x: f32[B, N], %r: f32[B, N], %p: f32[N], %q: f32[B, 1]) -> (%y: f64[B, N]) {"
    "  %a = cast %x {to = f64} : f64[B, N]"
    "  %b = cast %r {to = f64} : f64[B, N]"
    "  %s = add %a, %b : f64[B, N]"
    "  %g = cast %p {to = f64} : f64[N]"
    "  %y = layer_norm %s, %g, %g {axis = -1, eps = 1e-05} : f64[B, N]"
    "  return %y }",
};

enum { N_INPUTS = 4, MOST_OUTPUTS = 4 };

/* What the numbers of x are like; those of a row are like the row before it, but others. */
typedef enum numbers {
    NUMBERS_PLAIN,
    NUMBERS_FAR,
    NUMBERS_FARTHER,
    NUMBERS_OUTLIER,
    NUMBERS_EQUAL,
    NUMBERS_INF,
    NUMBERS_NAN
} numbers;

static uint64_t random_state;
static double random_unit(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static float number(numbers kind, int64_t column, int64_t n) {
    double x = random_unit() * 4 - 2;
    switch (kind) {
    case NUMBERS_PLAIN:
        return (float)x;
    case NUMBERS_FAR:
        return (float)(x + 1e4);
    case NUMBERS_FARTHER:
        return (float)(x + 1e6);
    case NUMBERS_OUTLIER:
        return (float)(column ? x : 3e4);
    case NUMBERS_EQUAL:
        return 0.75F;
    case NUMBERS_INF:
        return column == n / 2 ? (float)INFINITY : (float)x;
    case NUMBERS_NAN:
        return column == n - 1 ? (float)NAN : (float)x;
    }
    return 0;
}

static void make(tensor *t, numbers kind, uint32_t rank, const int64_t *shape) {
    ck_assert_int_eq(tensor_alloc(&c, &job, FRIT_DT_F32, rank, shape, t), FRIT_OK);
    int64_t n = shape[rank - 1];
    for (int64_t i = 0; i < tensor_count(t); i++) ((float *)t->data)[i] = number(kind, i % n, n);
}

static void make_inputs(numbers kind, int64_t rows, int64_t columns, tensor *out) {
    const int64_t whole[2] = {rows, columns}, kept[2] = {rows, 1};
    random_state = 42;
    make(&out[0], kind, 2, whole);
    make(&out[1], NUMBERS_PLAIN, 2, whole);
    make(&out[2], NUMBERS_PLAIN, 1, &columns);
    make(&out[3], NUMBERS_PLAIN, 2, kept);
}

static double element(const tensor *t, int64_t i) { return dtype_to_f64(t->dt, dtype_load(t->dt, t->data, (size_t)i)); }

static double largest(const tensor *t) {
    double most = 1;
    for (int64_t i = 0; i < tensor_count(t); i++)
        if (isfinite(element(t, i))) most = fmax(most, fabs(element(t, i)));
    return most;
}

/* How far apart results may lie, relative to the largest: numbers far from zero have lost digits before anything is
 * summed. */
static double tolerance(numbers kind, dtype dt) {
    if (dt == FRIT_DT_I64) return 0;
    if (dt == FRIT_DT_F64) return 1e-8;
    return kind == NUMBERS_FAR ? 5e-3 : kind == NUMBERS_FARTHER ? 0.3 : 2e-5;
}

static void compare(const char *what, numbers kind, const tensor *got, const tensor *want) {
    double relative = tolerance(kind, want->dt);
    double most = largest(want);
    for (int64_t i = 0; i < tensor_count(want); i++) {
        double a = element(got, i), b = element(want, i);
        bool is_same = a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= relative * most;
        ck_assert_msg(is_same, "%s: element %lld is %.9g, should be %.9g", what, (long long)i, a, b);
    }
}

static graph *parse(const char *text) {
    graph *g;
    ck_assert_msg(graph_parse(&c, "program", text, &g) == FRIT_OK, "%s", c.message);
    return g;
}

static void check_at(graph *g, const lowered *l, const char *how, int64_t columns) {
    for (numbers kind = NUMBERS_PLAIN; kind <= NUMBERS_NAN; kind++) {
        tensor in[N_INPUTS], want[MOST_OUTPUTS], got[MOST_OUTPUTS];
        make_inputs(kind, 2, columns, in);
        ck_assert_msg(eval_graph(&c, g, &job, in, want) == FRIT_OK, "%s", c.message);
        ck_assert_msg(lowered_apply(&c, l, in, got) == FRIT_OK, "%s", c.message);
        for (uint32_t o = 0; o < g->outputs.n; o++)
            compare(arena_printf(&job, "%s, rows of %lld, numbers %d, output %u", how, (long long)columns, kind, o),
                    kind, &got[o], &want[o]);
    }
}

static const int64_t extents[] = {1, 2, 1023, 1024, 1025, 2048, 8195};

START_TEST(gives_what_the_graph_gives) {
    static const struct {
        const char *name;
        lowered_options options;
    } ways[] = {{"interpreted", {.is_interpreted = true}}, {"compiled", {0}}, {"checked", {.is_checked = true}}};
    for (size_t w = 0; w < countof(ways); w++) {
        graph *g = parse(programs[_i]);
        lowered l;
        ck_assert_msg(lowered_open(&c, g, &ways[w].options, &l) == FRIT_OK, "%s", c.message);
        for (size_t i = 0; i < countof(extents); i++) check_at(g, &l, ways[w].name, extents[i]);
        lowered_close(&l);
    }
}
END_TEST

/* Row `row` of t. */
static tensor row_of(const tensor *t, int64_t row) {
    tensor one = *t;
    int64_t columns = t->shape[t->rank - 1];
    if (t->rank < 2) return one;
    one.shape[0] = 1;
    one.data = (char *)t->data + dtype_bytes(t->dt, (size_t)(row * columns));
    return one;
}

START_TEST(a_row_has_the_bits_that_it_has_alone) {
    enum { ROWS = 9, COLUMNS = 2049 };
    graph *g = parse(programs[0]);
    lowered l;
    tensor in[N_INPUTS], one[N_INPUTS], got[MOST_OUTPUTS], alone[MOST_OUTPUTS];
    ck_assert_msg(lowered_open(&c, g, &(lowered_options){0}, &l) == FRIT_OK, "%s", c.message);
    make_inputs(NUMBERS_FAR, ROWS, COLUMNS, in);
    ck_assert_msg(lowered_apply(&c, &l, in, got) == FRIT_OK, "%s", c.message);
    for (int64_t row = 0; row < ROWS; row++) {
        for (int i = 0; i < N_INPUTS; i++) one[i] = row_of(&in[i], row);
        ck_assert_msg(lowered_apply(&c, &l, one, alone) == FRIT_OK, "%s", c.message);
        for (uint32_t o = 0; o < g->outputs.n; o++)
            ck_assert_mem_eq(row_of(&got[o], row).data, alone[o].data, COLUMNS * sizeof(float));
    }
    lowered_close(&l);
}
END_TEST

/* An output of 32 MiB lets rows overlap, short ones too where two inputs are as large; rows of the same program for any
 * batch do not. */
START_TEST(rows_that_overlap_have_the_same_bits) {
    static const int64_t columns[] = {8192, 2051, 1536, 1000};
    const int64_t n = columns[_i], rows = (9 << 20) / n, whole[2] = {rows, n};
    const char *text = "func @norm(%%x: %s, %%r: %s, %%p: f32[%lld]) -> (%%s: %s, %%y: %s) {"
                       "  %%s = add %%x, %%r : %s"
                       "  %%y = layer_norm %%s, %%p, %%p {axis = -1, eps = 1e-05} : %s"
                       "  return %%s, %%y }";
    const char *any = arena_printf(&job, "f32[B, %lld]", (long long)n);
    const char *given = arena_printf(&job, "f32[%lld, %lld]", (long long)rows, (long long)n);
    const struct {
        const char *type;
        lowered_options options;
    } ways[] = {{any, {0}}, {given, {0}}, {given, {.is_checked = true}}};
    tensor in[3], got[countof(ways)][2];
    plan *p;
    make(&in[0], NUMBERS_PLAIN, 2, whole);
    make(&in[1], NUMBERS_PLAIN, 2, whole);
    make(&in[2], NUMBERS_PLAIN, 1, &n);
    for (size_t i = 0; i < countof(ways); i++) {
        const char *t = ways[i].type;
        graph *g = parse(arena_printf(&job, text, t, t, (long long)n, t, t, t, t));
        ck_assert_msg(lowered_plan(&c, g, &ways[i].options, &p) == FRIT_OK, "%s", c.message);
        ck_assert_msg(lowered_run(&c, g, &ways[i].options, in, got[i]) == FRIT_OK, "%s", c.message);
        for (int o = 0; o < 2; o++)
            ck_assert_int_eq(memcmp(got[0][o].data, got[i][o].data, (size_t)(rows * n) * sizeof(float)), 0);
    }
}
END_TEST

int main(void) {
    Suite *s = suite_create("rows");
    TCase *t = tcase_create("rows");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, gives_what_the_graph_gives, 0, countof(programs));
    tcase_add_test(t, a_row_has_the_bits_that_it_has_alone);
    tcase_add_loop_test(t, rows_that_overlap_have_the_same_bits, 0, 4);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
