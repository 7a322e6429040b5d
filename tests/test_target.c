/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* base/target: names, suggestions, and that "native" is something this machine can run. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/target.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job);
    arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}
static void teardown(void) {
    arena_fini(&job);
    arena_fini(&scratch);
}

START_TEST(levels_have_the_widths_their_names_promise) {
    target t;
    ck_assert_int_eq(target_cpu(&c, "x86-64-v2", &t), FRIT_OK);
    ck_assert(t.vector_bytes == 16 && t.n_vector_regs == 16 && !t.has_fma && !t.has_f16c && !t.has_masks);
    ck_assert_int_eq(target_cpu(&c, "x86-64-v3", &t), FRIT_OK);
    ck_assert(t.vector_bytes == 32 && t.n_vector_regs == 16 && t.has_fma && t.has_f16c && !t.has_masks);
    ck_assert_int_eq(target_cpu(&c, "x86-64-v4", &t), FRIT_OK);
    ck_assert(t.vector_bytes == 64 && t.n_vector_regs == 32 && t.has_fma && t.has_masks && !t.has_vnni);
    ck_assert_int_eq(target_cpu(&c, "znver4", &t), FRIT_OK);
    ck_assert(t.has_vnni && t.has_bf16_dot);
    ck_assert_int_eq(target_cuda(&c, "sm_90a", &t), FRIT_OK);
    ck_assert_str_eq(t.arch, "sm_90a");
}
END_TEST

START_TEST(native_runs_here) {
    target t;
    if (target_cpu(&c, "native", &t) != FRIT_OK) {
        printf("skip: native_runs_here: %s\n", c.message);
        return;
    }
    ck_assert_str_ne(t.cpu, "native");
    ck_assert_ptr_null(target_missing(t.cpu, true));
    ck_assert_ptr_null(target_missing("x86-64-v2", true));
    ck_assert_str_eq(target_missing("z80", true), "z80");
}
END_TEST

START_TEST(unknown_names_get_a_suggestion) {
    target t;
    ck_assert_int_eq(target_cpu(&c, "x86-64-v5", &t), FRIT_TARGET);
    ck_assert_ptr_nonnull(strstr(c.message, "did you mean x86-64-v"));
    cx_clear(&c);
    ck_assert_int_eq(target_cuda(&c, "sm_91", &t), FRIT_TARGET);
    ck_assert_ptr_nonnull(strstr(c.message, "did you mean sm_90"));
}
END_TEST

int main(void) {
    Suite *s = suite_create("target");
    TCase *tc = tcase_create("target");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, levels_have_the_widths_their_names_promise);
    tcase_add_test(tc, native_runs_here);
    tcase_add_test(tc, unknown_names_get_a_suggestion);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
