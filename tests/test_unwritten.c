/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* No kernel computes on memory that nobody has written: the programs of tests/lower/, the ones below and the models of
 * tests/models/ give equal bits, and raise equal exceptions, whatever their context's memory and their outputs hold
 * before; and numbers that are not subnormal meet no subnormal one. For every level of CPU that this machine has. The
 * kernel interpreter, which refuses to load what nobody has written, runs them for a CPU with a matrix unit as well. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/compile.h"
#include "tests/lowered.h"
#include "tests/quick.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

/* Tiles whose rows, columns and steps are no whole vectors, blocks or groups; sums of several blocks of steps. */
static const char *const programs[] = {
    "func @products(%x: f32[M, K], %w: f32[K, N], %v: f32[N, K], %d: f64[K, N], %e: f64[M, K], %i: i32[K, N], %j: "
    "i32[M, K])"
    " -> (%a: f32[M, N], %b: f32[M, N], %f: f64[M, N], %g: i32[M, N], %h: f32[M, N]) {"
    "  %a = contract %x, %w {lhs = \"mk\", rhs = \"kn\", out = \"mn\"} : f32[M, N]"
    "  %b = contract %x, %v {lhs = \"mk\", rhs = \"nk\", out = \"mn\"} : f32[M, N]"
    "  %f = contract %e, %d {lhs = \"mk\", rhs = \"kn\", out = \"mn\"} : f64[M, N]"
    "  %g = contract %j, %i {lhs = \"mk\", rhs = \"kn\", out = \"mn\"} : i32[M, N]"
    "  %s = sin %w : f32[K, N]"
    "  %h = contract %x, %s {lhs = \"mk\", rhs = \"kn\", out = \"mn\"} : f32[M, N]"
    "  return %a, %b, %f, %g, %h }",
    "func @narrow(%x: bf16[M, K], %w: bf16[K, N], %v: bf16[N, K], %p: u8[M, K], %q: i8[K, N], %r: i8[N, K], %h: f16[K, "
    "N])"
    " -> (%a: f32[M, N], %b: f32[M, N], %d: i32[M, N], %e: i32[M, N], %f: f32[M, N]) {"
    "  %a = contract %x, %w {lhs = \"mk\", rhs = \"kn\", out = \"mn\"} : f32[M, N]"
    "  %b = contract %x, %v {lhs = \"mk\", rhs = \"nk\", out = \"mn\"} : f32[M, N]"
    "  %d = contract %p, %q {lhs = \"mk\", rhs = \"kn\", out = \"mn\"} : i32[M, N]"
    "  %e = contract %p, %r {lhs = \"mk\", rhs = \"nk\", out = \"mn\"} : i32[M, N]"
    "  %y = cast %x {to = f32} : f32[M, K]"
    "  %g = cast %h {to = f32} : f32[K, N]"
    "  %f = contract %y, %g {lhs = \"mk\", rhs = \"kn\", out = \"mn\"} : f32[M, N]"
    "  return %a, %b, %d, %e, %f }",
    "func @convs(%x: f32[M, 5, 14, 14], %w: f32[K, 5, 3, 3], %v: f32[K, K, 3, 3], %u: f32[K, K, 1, 1], %t: f32[K, 5, "
    "1, 1],"
    " %d: f32[K, 1, 3, 3], %b: f32[K]) -> (%y: f32[M, K, 7, 7], %z: f32[M, K, 3, 3], %m: f32[M, K, 7, 7]) where K in "
    "1..64 {"
    "  %0 = conv %x, %w, %b {strides = [2, 2], pads = [1, 1, 1, 1]}"
    "  %1 = relu %0"
    "  %2 = conv %1, %v {pads = [1, 1, 1, 1]}"
    "  %3 = conv %x, %t {strides = [2, 2]}"
    "  %4 = add %2, %3"
    "  %y = conv %4, %u"
    "  %z = conv %y, %v {strides = [2, 2]}"
    "  %m = conv %y, %v {pads = [2, 2, 2, 2], dilations = [2, 2]}"
    "  return %y, %z, %m }",
    "func @attention(%q: f32[M, 4, N, 10], %k: f32[M, 2, K, 10], %v: f32[M, 2, K, 7], %d: f64[M, 2, N, 10],"
    " %e: f64[M, 2, K, 10], %h: f16[M, 2, K, 10], %m: f32[N, K])"
    " -> (%y: f32[M, 4, N, 7], %z: f64[M, 2, N, 10], %w: f32[M, 4, N, 7]) {"
    "  %y = attend %q, %k, %v {causal = true} : f32[M, 4, N, 7]"
    "  %z = attend %d, %e, %e : f64[M, 2, N, 10]"
    "  %f = cast %h {to = f32} : f32[M, 2, K, 10]"
    "  %w = attend %q, %f, %v, %m {softcap = 3.0} : f32[M, 4, N, 7]"
    "  return %y, %z, %w }",
    "func @rows(%x: f32[M, N], %b: bf16[M, N], %d: f64[M, N], %g: f32[N]) -> (%a: f32[M, N], %e: f32[M, N], %f: f64[M, "
    "N],"
    " %h: f32[M, N], %r: f32[N], %i: i64[M], %v: bf16[M, N]) {"
    "  %a = softmax %x {axis = 1} : f32[M, N]"
    "  %e = layer_norm %x, %g, %g {axis = -1, eps = 1e-05} : f32[M, N]"
    "  %f = softmax %d {axis = 1} : f64[M, N]"
    "  %c = cast %b {to = f32} : f32[M, N]"
    "  %s = softmax %c {axis = 0} : f32[M, N]"
    "  %t = add %s, %e : f32[M, N]"
    "  %h = gelu %t : f32[M, N]"
    "  %r = reduce %h {kind = max, axes = [0]} : f32[N]"
    "  %i = reduce %h {kind = argmax, axes = [1]} : i64[M]"
    "  %v = softmax %b {axis = 1} : bf16[M, N]"
    "  return %a, %e, %f, %h, %r, %i, %v }",
};

static const char *const models[] = {"tests/models/encoder_dynamo.onnx", "tests/models/encoder_script.onnx",
                                     "tests/models/encoder_post_dynamo.onnx", "tests/models/encoder_post_script.onnx",
                                     "examples/digits/digits.onnx"};
static const char *const levels[] = {"x86-64-v2", "x86-64-v3", "native"};
enum { N_VARIANTS = 4, MOST_PROGRAMS = 256, SUBNORMAL_OPERAND = 2 };
static const int64_t sizes[N_VARIANTS][3] = {{7, 20, 130}, {33, 50, 37}, {5, 300, 17}, {1, 3, 5}};

static char *files[MOST_PROGRAMS];
static int n_files;

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list_files(void) {
    DIR *d = opendir(FRIT_SOURCE "/tests/lower");
    if (!d) abort();
    for (struct dirent *e; (e = readdir(d)) && n_files < MOST_PROGRAMS;)
        if (strstr(e->d_name, ".fir")) files[n_files++] = strdup(e->d_name);
    closedir(d);
    qsort(files, (size_t)n_files, sizeof *files, by_name);
}

static uint64_t random_state;
static double random_unit(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

/* Numbers far from subnormal ones, of both signs; whole numbers for integers, bools that are mostly true. */
static void fill(tensor *t) {
    for (int64_t i = 0; i < tensor_count(t); i++) {
        double x = random_unit() * 2 - 1;
        if (dtype_is_float(t->dt)) x += x < 0 ? -0.25 : 0.25;
        if (t->dt == FRIT_DT_BOOL) x = x > -0.8;
        if (t->dt == FRIT_DT_I8 || t->dt == FRIT_DT_U8) x = (t->dt == FRIT_DT_U8 ? x + 1 : x) * 100;
        dtype_store(t->dt, t->data, (size_t)i, dtype_from_f64(t->dt, x));
    }
}

/* Inputs of g where symbol number s has its size of the variant, as far as its range allows. */
static frit_status make_inputs(const graph *g, int variant, tensor **out) {
    uint32_t n = dim_n_syms(g->dims), n_sizes = 0;
    int64_t *syms = ARENA_ARRAY(&job, int64_t, n + 1u);
    for (uint32_t s = 0; s < n; s++) {
        const sym_info *info = dim_sym_info(g->dims, s);
        bool is_free = info->kind == SYM_INPUT_DIM || info->kind == SYM_FREE || info->kind == SYM_HOST_ELEM;
        if (!is_free) continue;
        syms[s] = sizes[variant][n_sizes++ % 3];
        if (syms[s] > info->hi) syms[s] = info->hi;
        if (syms[s] < info->lo) syms[s] = info->lo;
    }
    *out = ARENA_ARRAY(&job, tensor, g->inputs.n + 1u);
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        const tensor_type *type = &g->inputs.at[i].type;
        int64_t shape[MAX_RANK];
        for (uint32_t d = 0; d < type->rank; d++) TRY(dim_eval(&c, g->dims, type->shape[d], syms, &shape[d]));
        TRY(tensor_alloc(&c, &job, type->dt, type->rank, shape, &(*out)[i]));
        fill(&(*out)[i]);
    }
    return FRIT_OK;
}

static bool meets_subnormals(const lowered_memory *m) {
    for (uint32_t i = 0; i < m->n_kernels; i++)
        if (m->flags[i] & SUBNORMAL_OPERAND) return true;
    return false;
}

static frit_status check_graph(const char *name, const char *cpu, bool is_plain, graph *g) {
    lowered l;
    TRY(lowered_open(&c, g, &(lowered_options){.cpu = cpu}, &l));
    const char *why = NULL;
    for (int variant = 0; variant < N_VARIANTS && !why; variant++) {
        tensor *in, *out = ARENA_ARRAY(&job, tensor, g->outputs.n + 1u);
        lowered_memory m = {.word = 1};
        random_state = 42;
        TRY(make_inputs(g, variant, &in));
        why = lowered_reads_garbage(&c, &l, in);
        if (!why) TRY(lowered_apply_in(&c, &l, in, &m, out));
        if (!why && is_plain && meets_subnormals(&m)) why = "an operand is subnormal";
        if (why) why = arena_printf(&job, "%s for %s, sizes %d: %s", name, cpu, variant, why);
    }
    lowered_close(&l);
    if (why) fprintf(stderr, "%s\n", why);
    return why ? FAIL(&c, INTERNAL, NULL, "%s", why) : FRIT_OK;
}

/* Whether this machine runs code for a level of CPU. */
static bool has_level(const char *level) {
    target t;
    bool has = target_cpu(&c, level, &t) == FRIT_OK && !target_missing(t.cpu, t.has_amx);
    cx_clear(&c);
    return has && !(is_quick() && strcmp(level, "native") != 0);
}

/* At the levels that this machine has, of which native is always one; quick runs take that alone. */
static void check_levels(const char *name, bool is_plain, frit_status (*read)(const char *name, graph **out)) {
    int n_bad = 0, n_run = 0;
    for (size_t i = 0; i < countof(levels); i++) {
        graph *g;
        if (!has_level(levels[i])) continue;
        n_run++;
        ck_assert_msg(read(name, &g) == FRIT_OK, "%s", c.message);
        n_bad += check_graph(name, levels[i], is_plain, g) != FRIT_OK;
        cx_clear(&c);
    }
    ck_assert_int_eq(n_bad, 0);
    ck_assert_int_gt(n_run, 0);
}

static frit_status read_program(const char *name, graph **out) {
    return graph_parse(&c, "program", programs[name[0] - '0'], out);
}

static frit_status read_model(const char *name, graph **out) {
    return compile_read(&c, arena_printf(&job, FRIT_SOURCE "/%s", name), &(compile_options){0}, out);
}

static frit_status read_lower(const char *name, graph **out) {
    return read_model(arena_printf(&job, "tests/lower/%s", name), out);
}

/* The interpreter's run: its loads of what was not written fail, its results are those that the graph gives elsewhere.
 */
static void interpret(const char *name, int n_variants, frit_status (*read)(const char *name, graph **out)) {
    static const char *const cpus[] = {"x86-64-v2", "sapphirerapids"};
    for (size_t i = 0; i < countof(cpus); i++) {
        const lowered_options o = {.is_interpreted = true, .cpu = cpus[i]};
        graph *g;
        lowered l;
        ck_assert_msg(read(name, &g) == FRIT_OK, "%s", c.message);
        ck_assert_msg(lowered_open(&c, g, &o, &l) == FRIT_OK, "%s for %s: %s", name, cpus[i], c.message);
        for (int variant = N_VARIANTS - n_variants; variant < N_VARIANTS; variant++) {
            tensor *in, *out = ARENA_ARRAY(&job, tensor, g->outputs.n + 1u);
            random_state = 42;
            frit_status status = make_inputs(g, variant, &in);
            if (status == FRIT_OK) status = lowered_apply(&c, &l, in, out);
            ck_assert_msg(status == FRIT_OK, "%s for %s, sizes %d: %s", name, cpus[i], variant, c.message);
        }
        lowered_close(&l);
    }
}

START_TEST(programs_read_what_was_written) { check_levels((const char[]){(char)('0' + _i), 0}, true, read_program); }
END_TEST
START_TEST(lowered_programs_read_what_was_written) { check_levels(files[_i], false, read_lower); }
END_TEST
START_TEST(interpreted_programs_read_what_was_written) {
    interpret((const char[]){(char)('0' + _i), 0}, is_quick() ? 1 : 2, read_program);
}
END_TEST
START_TEST(interpreted_lowered_programs_read_what_was_written) { interpret(files[_i], 1, read_lower); }
END_TEST
START_TEST(models_read_what_was_written) { check_levels(models[_i], false, read_model); }
END_TEST

static void add_case(Suite *s, const char *name, const TTest *test, int n) {
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, test, 0, n);
    suite_add_tcase(s, t);
}

int main(void) {
    list_files();
    Suite *s = suite_create("unwritten");
    add_case(s, "programs", programs_read_what_was_written, countof(programs));
    add_case(s, "lowered", lowered_programs_read_what_was_written, n_files);
    add_case(s, "models", models_read_what_was_written, countof(models));
    add_case(s, "interpreted", interpreted_programs_read_what_was_written, countof(programs));
    add_case(s, "interpreted_lowered", interpreted_lowered_programs_read_what_was_written, n_files);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
