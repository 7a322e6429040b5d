/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The artifact's check_indices, as a host calls it; what run does with an index outside. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "frit.h"

enum { ROWS = 10, MESSAGE = 256 };

/* y[B] = table[ids]. */
static frit_model *lookup(void) {
    static const float table[ROWS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    frit_tracer *t = frit_tracer_create("lookup");
    frit_dim batch = frit_dim_sym(t, "B", 1, 8);
    frit_value *ids = frit_input(t, "ids", FRIT_DT_I32, FRIT_LIST(batch)),
               *x = frit_constant(t, FRIT_DT_F32, FRIT_LIST(ROWS), table);
    frit_output(frit_gather(x, ids, 0), "y");
    frit_model *m = NULL;
    ck_assert_msg(frit_compile(t, NULL, &m) == FRIT_OK, "%s", frit_error(t));
    frit_tracer_destroy(t);
    return m;
}

static frit_status check(const frit_artifact *a, const frit_tensor *in, char message[MESSAGE]) {
    int64_t symbols[4];
    message[0] = 0;
    ck_assert_int_eq(a->bind(a, in, symbols, message, MESSAGE), FRIT_OK);
    return a->check_indices(a, in, symbols, message, MESSAGE);
}

START_TEST(names_the_element) {
    frit_model *m = lookup();
    const frit_artifact *a = frit_model_artifact(m);
    int32_t ids[3] = {0, -ROWS, ROWS - 1};
    int64_t dims[1] = {3}, symbols[4] = {3};
    frit_tensor in = {ids, FRIT_DT_I32, 1, dims, NULL};
    char message[MESSAGE];
    ck_assert_int_eq(check(a, &in, message), FRIT_OK);
    ids[1] = INT32_MIN;
    ck_assert_int_eq(check(a, &in, message), FRIT_RANGE);
    ck_assert_ptr_nonnull(strstr(
        message, "input 'ids': element [1] is -2147483648, which is outside what it indexes: -10..9 are allowed"));
    ids[1] = 0, ids[2] = ROWS;
    ck_assert_int_eq(check(a, &in, message), FRIT_RANGE);
    ck_assert_ptr_nonnull(strstr(message, "element [2] is 10"));
    ck_assert_int_eq(a->check_indices(a, NULL, symbols, message, MESSAGE), FRIT_USAGE);
    ck_assert_int_eq(a->check_indices(a, &in, NULL, NULL, 0), FRIT_USAGE);
    in.data = NULL;
    ck_assert_int_eq(a->check_indices(a, &in, symbols, message, MESSAGE), FRIT_MISSING);
    frit_model_destroy(m);
}
END_TEST

/* What USING.md says: the nearest index inside, negative ones from the end. */
START_TEST(run_clamps) {
    frit_model *m = lookup();
    int32_t ids[4] = {ROWS + 5, -1, -ROWS - 1, 3};
    float y[4];
    int64_t dims[1] = {4};
    frit_tensor in = {ids, FRIT_DT_I32, 1, dims, NULL}, out = {y, FRIT_DT_F32, 1, dims, NULL};
    ck_assert_msg(frit_run(m, &in, &out) == FRIT_OK, "%s", frit_model_error(m));
    ck_assert(y[0] == 9 && y[1] == 9 && y[2] == 0 && y[3] == 3);
    frit_model_destroy(m);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("check_indices");
    tcase_add_test(tests, names_the_element);
    tcase_add_test(tests, run_clamps);
    Suite *suite = suite_create("check_indices");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed != 0;
}
