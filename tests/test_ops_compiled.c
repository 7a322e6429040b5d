/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every recorded operator case through the whole compiler, against its independent reference. FRIT_CASE=TEXT picks
 * cases by name. Cases that the compiler refuses as not supported are counted, and their number may not grow. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lowered.h"
#include "tests/op_cases.h"
#include "tests/quick.h"

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

/* Compiled code computes in f32 (f64 for f64), in several rounded steps. */
static closeness tolerance_of(const tensor *want) {
    if (want->dt == FRIT_DT_F64) return (closeness){16, 1e-14};
    if (want->dt == FRIT_DT_F32) return (closeness){16, 2e-6};
    return (closeness){1, 1e-5};
}

enum { MAX_UNSUPPORTED = 4 }; /* control flow */

static const char *run_case(const op_case *k, const lowered_options *o, int *n_unsupported) {
    tensor got[countof(k->outputs)];
    lowered l;
    frit_status status = lowered_open(&c, k->g, o, &l);
    if (status == FRIT_OK) status = lowered_apply(&c, &l, k->inputs, got);
    const char *garbage = status == FRIT_OK && l.j ? lowered_reads_garbage(&c, &l, k->inputs) : NULL;
    lowered_close(&l);
    if (status == FRIT_UNSUPPORTED) {
        cx_clear(&c);
        ++*n_unsupported;
        return NULL;
    }
    if (status != FRIT_OK) return c.message;
    for (uint32_t i = 0; i < k->g->outputs.n; i++) {
        const char *why = tensor_difference(&job, &got[i], &k->outputs[i], tolerance_of(&k->outputs[i]));
        if (why) return arena_printf(&job, "output %u: %s", i, why);
    }
    return garbage;
}

static void run_cases(const lowered_options *o) {
    op_case_reader r;
    op_case k = {0};
    int n = 0, n_failed = 0, n_unsupported = 0;
    const char *only = getenv("FRIT_CASE");
    frit_status status = op_cases_open(&c, &r);
    while (status == FRIT_OK && (status = op_cases_next(&r, &k)) == FRIT_OK && k.name) {
        if (only && !strstr(k.name, only)) continue;
        const char *why = run_case(&k, o, &n_unsupported);
        n++;
        if (!why) continue;
        n_failed++;
        fprintf(stderr, "FRIT_CASE=%s: %s\n%s", k.name, why, only ? k.text : "");
        cx_clear(&c);
    }
    ck_assert_msg(status == FRIT_OK, "%s", c.message);
    ck_assert_msg(n_failed == 0, "%d of %d cases differ", n_failed, n);
    ck_assert_int_le(n_unsupported, MAX_UNSUPPORTED);
}

START_TEST(interpreted) { run_cases(&(lowered_options){.is_interpreted = true, .cpu = "x86-64-v3"}); }
END_TEST
START_TEST(machine_code) { run_cases(&(lowered_options){0}); }
END_TEST
START_TEST(machine_code_checked) {
    if (is_quick())
        printf("skip: machine_code_checked: compiles every case once more, left out of quick runs\n");
    else
        run_cases(&(lowered_options){.is_checked = true});
}
END_TEST
START_TEST(compiled_for_the_oldest_cpu) {
    if (is_quick())
        printf("skip: compiled_for_the_oldest_cpu: compiles every case once more, left out of quick runs\n");
    else
        run_cases(&(lowered_options){.cpu = "x86-64-v2"});
}
END_TEST

int main(void) {
    Suite *s = suite_create("ops_compiled");
    TCase *t = tcase_create("ops_compiled");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, interpreted);
    tcase_add_test(t, machine_code);
    tcase_add_test(t, machine_code_checked);
    tcase_add_test(t, compiled_for_the_oldest_cpu);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
