/* Kernels: text and back, the verifier, and both interpreted forms against each other. */
#include "kernel_samples.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

START_TEST(text_round_trip) {
    glob_t g = sample_files();
    for (size_t i = 0; i < g.gl_pathc; i++) {
        sample s;
        sample_read(&c, g.gl_pathv[i], &s);
        strbuf b = {.a = &job};
        kernel_print(&b, s.k);
        if (getenv("BLESS")) {
            FILE *f = fopen(s.path, "w");
            fputs(strbuf_text(&b), f);
            fclose(f);
        }
        ck_assert_msg(!strcmp(strbuf_text(&b), s.text), "%s prints as\n%s", s.path, strbuf_text(&b));
    }
    globfree(&g);
}
END_TEST

START_TEST(samples_are_valid) {
    glob_t g = sample_files();
    for (size_t i = 0; i < g.gl_pathc; i++) {
        sample s;
        strbuf list = {.a = &job};
        uint32_t n;
        sample_read(&c, g.gl_pathv[i], &s);
        ck_assert_msg(kernel_unproven(&c, s.k, &list, &n) == FRIT_OK, "%s: %s", s.path, c.message);
        ck_assert_msg(n == 0, "%s: not proved:\n%s", s.path, strbuf_text(&list));
    }
    globfree(&g);
}
END_TEST

START_TEST(tree_does_what_definitions_say) {
    glob_t g = sample_files();
    for (size_t i = 0; i < g.gl_pathc; i++) {
        sample s;
        sample_read(&c, g.gl_pathv[i], &s);
        for (unsigned turn = 0; turn < 4; turn++) {
            sample_fill(&c, &s, turn);
            void **meant = sample_run(&c, &s, kernel_run_defs);
            void **done = sample_run(&c, &s, kernel_run_tree);
            sample_compare(&s, meant, done, 1e-5);
        }
    }
    globfree(&g);
}
END_TEST

int main(void) {
    TCase *t = tcase_create("kernel");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, text_round_trip);
    tcase_add_test(t, samples_are_valid);
    tcase_add_test(t, tree_does_what_definitions_say);
    Suite *s = suite_create("kernel");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
