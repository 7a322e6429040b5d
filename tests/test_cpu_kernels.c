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

static void check_sample(const char *path, const target *t, unsigned n_turns) {
    sample s;
    sample_read(&c, path, &s);
    if (s.k->schedule.is_cuda) return;
    cpu_options o = {.n_threads = 1, .keep_text = getenv("SHOW_IR") || getenv("SHOW_ASM")};
    cpu_jit *jit = cpu_compile(&c, s.k, t, &o);
    for (unsigned turn = 0; turn < n_turns; turn++) {
        sample_fill(&c, &s, turn);
        void **meant = sample_run(&c, &s, kernel_run_tree);
        void **done = cpu_run(&c, &s, jit, 1 + turn % 3, NULL);
        sample_compare(&s, meant, done, tolerance_of(path, t));
    }
    cpu_jit_close(jit);
}

static void check_level(const char *level) {
    static const char *const patterns[] = {"tests/kernels/*.kernel", "tests/kernels/cpu/*.kernel"};
    target t;
    if (!cpu_level_here(&c, level, &t)) {
        printf("skip: %s: this CPU lacks it\n", level);
        return;
    }
    for (size_t p = 0; p < countof(patterns); p++) {
        glob_t g;
        ck_assert_int_eq(glob(patterns[p], 0, NULL, &g), 0);
        for (size_t i = 0; i < g.gl_pathc; i++) {
            const char *only = getenv("ONLY");
            if (only && !strstr(g.gl_pathv[i], only)) continue;
            check_sample(g.gl_pathv[i], &t, 12);
        }
        globfree(&g);
    }
}

START_TEST(compiled_kernels_do_what_the_interpreter_does) { check_level(cpu_levels[_i]); }
END_TEST

int main(void) {
    TCase *t = tcase_create("cpu kernels");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, compiled_kernels_do_what_the_interpreter_does, 0, (int)countof(cpu_levels));
    Suite *s = suite_create("cpu kernels");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
