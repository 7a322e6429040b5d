/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
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

/* What refuses a text: the parser, the verifier (left out where the text is to reach the interpreter unverified), or a
 * run with checks. */
static frit_status refuse(sample *s, bool is_verified) {
    TRY(kernel_parse(&c, s->path, s->text, &job, &s->k));
    if (is_verified) TRY(kernel_verify(&c, s->k));
    sample_fill(&c, s, 1);
    kernel_run r = {.k = s->k, .buffers = s->buffers, .syms = s->syms, .a = &job, .checked = true};
    TRY(s->k->defs.n && !is_verified ? kernel_run_defs(&c, &r) : FRIT_OK);
    return kernel_run_tree(&c, &r);
}

/* A line of tests/kernels/bad says what a refusal tells, without the file's name. FRIT_BLESS=1 rewrites it. */
static void bless_bad(const sample *s, const char *lead) {
    size_t n = strlen(s->path);
    bool has_path = !strncmp(c.message, s->path, n);
    FILE *f = fopen(s->path, "w");
    fprintf(f, "%s%s\n%s", lead, c.message + (has_path ? n + 2 : 0), s->text + strcspn(s->text, "\n") + 1);
    fclose(f);
    printf("blessed %s\n", s->path);
}

/* Files of tests/kernels/bad begin with "-- " and the message that reading, verifying or running them gives, or with
 * "-- unverified: " and that of a run without the verifier. */
START_TEST(bad_kernels_are_refused) {
    static const char lead[] = "-- ", unverified[] = "-- unverified: ";
    glob_t g;
    ck_assert_int_eq(glob("tests/kernels/bad/*.kernel", 0, NULL, &g), 0);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        sample s = {.path = g.gl_pathv[i]};
        mapped_file f;
        ck_assert_int_eq(file_map(&c, s.path, &f), FRIT_OK);
        s.text = arena_strndup(&job, (const char *)f.data, f.bytes);
        file_unmap(&f);
        bool is_verified = !str_starts(s.text, unverified);
        const char *begin = is_verified ? lead : unverified;
        const char *expected = arena_strndup(&job, s.text + strlen(begin), strcspn(s.text, "\n") - strlen(begin));
        ck_assert_msg(refuse(&s, is_verified) != FRIT_OK, "%s is accepted", s.path);
        if (getenv("FRIT_BLESS") && (!*expected || !strstr(c.message, expected)))
            bless_bad(&s, begin);
        else
            ck_assert_msg(*expected && strstr(c.message, expected) != NULL, "%s: %s", s.path, c.message);
        cx_clear(&c);
    }
    globfree(&g);
}
END_TEST

/* Any prefix of a kernel's text, and any one byte changed, is refused or read, never a crash. */
START_TEST(damaged_text_is_harmless) {
    glob_t g = sample_files();
    for (size_t i = 0; i < g.gl_pathc; i++) {
        sample s;
        sample_read(&c, g.gl_pathv[i], &s);
        size_t n = strlen(s.text);
        uint64_t state = i;
        for (int turn = 0; turn < 400; turn++) {
            char *text = arena_strdup(&job, s.text);
            size_t at = (size_t)(sample_random(&state) % n);
            text[at] = turn % 2 ? 0 : "(){}[]<>=+-*/.,:$@\"0123456789abcinf"[sample_random(&state) % 35];
            kernel *k;
            if (kernel_parse(&c, "damaged", text, &job, &k) == FRIT_OK) kernel_verify(&c, k);
            cx_clear(&c);
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
    tcase_add_test(t, bad_kernels_are_refused);
    tcase_add_test(t, damaged_text_is_harmless);
    Suite *s = suite_create("kernel");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
