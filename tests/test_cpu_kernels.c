/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiled kernels against the kernel interpreter: every sample of tests/kernels and tests/kernels/cpu, for each level
 * of instruction sets that this machine has, over small, large and random dims. */
#include "cpu_run.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

/* Files whose name says "approx" hold operators that are not exact, or need FMA. */
static double tolerance_of(const char *path, const target *t) {
    if (strstr(path, "approx") || strstr(path, "softmax")) return 2e-6;
    return strstr(path, "leaf") && !t->has_fma ? 1e-5 : 0;
}

/* Extents around whole vectors, where tails begin and end. Each symbol takes what its range allows of them. */
static const int64_t extents[] = {0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 257, 300};
enum { N_EXTENTS = sizeof extents / sizeof extents[0], N_RANDOM = 6 };

static void use_extents(sample *s, size_t turn) {
    for (sym_id i = 0; i < dim_n_syms(s->k->dims); i++) {
        sym_info *info = dim_sym_info(s->k->dims, i);
        if (info->kind == SYM_AXIS || info->kind == SYM_LOADED || info->hi < 64) continue;
        int64_t v = extents[turn];
        info->lo = info->hi = v < info->lo ? info->lo : v > info->hi ? info->hi : v;
    }
}

static void compare_once(sample *s, const cpu_jit *jit, const target *t, unsigned turn) {
    sample_fill(&c, s, turn);
    void **meant = sample_run(&c, s, kernel_run_tree);
    void **done = cpu_run(&c, s, jit, 1 + turn % 3, NULL);
    sample_compare(s, meant, done, tolerance_of(s->path, t));
}

static void check_sample(const char *path, const target *t) {
    sample s;
    sample_read(&c, path, &s);
    if (s.k->schedule.is_cuda) return;
    cpu_options o = {.n_threads = 1, .keep_text = getenv("SHOW_IR") || getenv("SHOW_ASM")};
    cpu_jit *jit = cpu_compile(&c, s.k, t, &o); /* before any range is narrowed: the code is for all dims */
    for (unsigned turn = 0; turn < N_RANDOM; turn++) compare_once(&s, jit, t, turn);
    for (unsigned turn = 0; turn < N_EXTENTS; turn++) {
        sample fixed;
        sample_read(&c, path, &fixed);
        use_extents(&fixed, turn);
        compare_once(&fixed, jit, t, 2 + turn);
    }
    cpu_jit_close(jit);
}

static void check_level(const char *level) {
    static const char *const patterns[] = {"tests/kernels/*.kernel", "tests/kernels/cpu/*.kernel"};
    target t;
    if (skips_level(&c, "compiled_kernels_do_what_the_interpreter_does", level, &t)) return;
    for (size_t p = 0; p < countof(patterns); p++) {
        glob_t g;
        ck_assert_int_eq(glob(patterns[p], 0, NULL, &g), 0);
        for (size_t i = 0; i < g.gl_pathc; i++) {
            const char *only = getenv("ONLY");
            if (only && !strstr(g.gl_pathv[i], only)) continue;
            check_sample(g.gl_pathv[i], &t);
        }
        globfree(&g);
    }
}

START_TEST(compiled_kernels_do_what_the_interpreter_does) { check_level(cpu_levels[_i]); }
END_TEST

/* A large output is stored past the caches where its address allows, and plainly where not: same bits either way. */
START_TEST(large_outputs_at_any_address) {
    static const char text[] = "kernel @big(x: f32[2100, 4096], out y: f32[2100, 4096]) {\n  axis r < 2100, i < 4096\n"
                               "  phase {\n    par r < 2100 {\n      vec i < 4096 by 16 x 4 {\n"
                               "        y[r, i] = x[r, i] + 1.0\n      }\n    }\n  }\n}\n";
    enum { ROWS = 2100, COLS = 4096 };
    target t;
    if (skips_level(&c, "large_outputs_at_any_address", cpu_levels[_i], &t)) return;
    kernel *k;
    ck_assert_msg(kernel_parse(&c, "big", text, &job, &k) == FRIT_OK, "%s", c.message);
    cpu_options o = {.n_threads = 1, .keep_text = true};
    cpu_objects objects;
    cpu_jit *jit;
    ck_assert_int_eq(cpu_emit_kernels(&c, 1, &k, &t, &o, &objects), FRIT_OK);
    ck_assert_ptr_nonnull(strstr(objects.objects[0].ir, "!nontemporal"));
    ck_assert_ptr_nonnull(strstr(objects.objects[0].assembly, "sfence"));
    ck_assert_int_eq(cpu_jit_load(&c, &objects, &jit), FRIT_OK);
    size_t n = (size_t)ROWS * COLS;
    float *x = arena_alloc_aligned(&job, (n + 16) * sizeof *x, 64),
          *y = arena_alloc_aligned(&job, (n + 16) * sizeof *y, 64);
    for (size_t i = 0; i < n; i++) x[i] = (float)(i % 1000);
    for (size_t shift = 0; shift < 3; shift++) {
        memset(y, 0, (n + 16) * sizeof *y);
        cpu_jit_phase(jit, 0, 0)((void *[]){x, y + shift}, NULL, 0, ROWS, arena_alloc_aligned(&job, 4096, 64));
        size_t n_wrong = 0;
        for (size_t i = 0; i < n; i++) n_wrong += y[shift + i] != x[i] + 1;
        ck_assert_msg(n_wrong == 0, "shift %zu: %zu elements are wrong", shift, n_wrong);
        ck_assert(y[shift + n] == 0 && (shift == 0 || y[shift - 1] == 0));
    }
    cpu_jit_close(jit);
}
END_TEST

/* --checked: an access outside its buffer is reported, and nothing after it runs. */
START_TEST(checked_code_reports_what_it_refused) {
    static const char text[] = "kernel @over(x: f32[N], ids: i32[N], out y: f32[N]) where N in 1..64 {\n  axis i < N\n"
                               "  index v < N = i64(ids[i])\n  phase {\n    vec i < N by 16 {\n      y[i] = x[v]\n"
                               "    }\n  }\n}\n";
    target t;
    if (skips_level(&c, "checked_code_reports_what_it_refused", cpu_levels[_i], &t)) return;
    sample s = {.path = "over", .text = text};
    ck_assert_msg(kernel_parse(&c, "over", text, &job, &s.k) == FRIT_OK, "%s", c.message);
    cpu_jit *jit = cpu_compile(&c, s.k, &t, &(cpu_options){.n_threads = 1, .checked = true});
    sample_fill(&c, &s, 1);
    for (int64_t i = 0; i < 64; i++) dtype_store(FRIT_DT_I32, s.buffers[1], (size_t)i, (scalar){.i = i});
    kernel_report report;
    cpu_run(&c, &s, jit, 1, &report);
    ck_assert_int_eq(report.failed, 0);
    dtype_store(FRIT_DT_I32, s.buffers[1], 37, (scalar){.i = 1000});
    cpu_run(&c, &s, jit, 1, &report);
    ck_assert(report.failed == 1 && report.param == 0 && report.offset == 1000 && report.elements == 64);
    cpu_jit_close(jit);
}
END_TEST

/* The bytes do not depend on how many threads compile, and equal kernels are compiled once. */
START_TEST(objects_do_not_depend_on_threads) {
    static const char *const paths[] = {"tests/kernels/softmax_cpu.kernel", "tests/kernels/matmul_leaf.kernel",
                                        "tests/kernels/softmax_cpu.kernel", "tests/kernels/argmax.kernel"};
    target t;
    ck_assert_int_eq(target_cpu(&c, "x86-64-v3", &t), FRIT_OK);
    kernel *kernels[countof(paths)];
    cpu_objects one, two;
    for (size_t i = 0; i < countof(paths); i++) {
        sample s;
        sample_read(&c, paths[i], &s);
        kernels[i] = s.k;
    }
    ck_assert_int_eq(cpu_emit_kernels(&c, countof(paths), kernels, &t, &(cpu_options){.n_threads = 1}, &one), FRIT_OK);
    ck_assert_int_eq(cpu_emit_kernels(&c, countof(paths), kernels, &t, &(cpu_options){.n_threads = 2}, &two), FRIT_OK);
    ck_assert_uint_eq(one.n_objects, countof(paths) - 1);
    ck_assert_str_eq(one.kernels[0].symbols[0], one.kernels[2].symbols[0]);
    for (uint32_t i = 0; i < one.n_objects; i++) {
        ck_assert_uint_eq(one.objects[i].n_bytes, two.objects[i].n_bytes);
        ck_assert_mem_eq(one.objects[i].bytes, two.objects[i].bytes, one.objects[i].n_bytes);
    }
}
END_TEST

int main(void) {
    TCase *t = tcase_create("cpu kernels");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, compiled_kernels_do_what_the_interpreter_does, 0, (int)countof(cpu_levels));
    tcase_add_loop_test(t, large_outputs_at_any_address, 0, (int)countof(cpu_levels));
    tcase_add_loop_test(t, checked_code_reports_what_it_refused, 0, (int)countof(cpu_levels));
    tcase_add_test(t, objects_do_not_depend_on_threads);
    Suite *s = suite_create("cpu kernels");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
