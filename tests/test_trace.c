/* The recording interface of frit.h: what is inferred, what errors say, and that compiled programs compute. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frit.h"

#define DIMS(...) ((int64_t[]){__VA_ARGS__})

/* The error names this file and a line, and says what. */
static void check_error(const frit_program *p, int line, const char *what) {
    char where[64];
    snprintf(where, sizeof where, "test_trace.c:%d: ", line);
    const char *error = frit_program_error(p);
    ck_assert_msg(strstr(error, where) != NULL, "'%s' does not name '%s'", error, where);
    ck_assert_msg(strstr(error, what) != NULL, "'%s' does not say '%s'", error, what);
}

START_TEST(infers_shapes_at_each_call) {
    frit_program *p = frit_program_create("f");
    int64_t b = frit_dim_symbol(p, "B", 1, 64);
    frit_value x = frit_input(p, "x", FRIT_DT_F32, 3, DIMS(b, 6, 4));
    frit_value y = frit_reshape(x, 2, DIMS(frit_dim_mul(p, b, 3), FRIT_INFERRED));
    ck_assert_int_eq(frit_rank_of(y), 2);
    ck_assert_int_eq(frit_dim_of(y, 1), 8);
    ck_assert_int_eq(frit_dim_of(y, 0), frit_dim_mul(p, 3, b));
    ck_assert_int_eq(frit_dtype_of(frit_less(x, x)), FRIT_DT_BOOL);
    ck_assert_int_eq(frit_dim_of(frit_reduce("sum", x, 1, DIMS(1)), -1), 4);
    ck_assert_int_eq(frit_dtype_of(frit_result(frit_apply("topk", "k = [2], axis = 1", x), 1)), FRIT_DT_I64);
    ck_assert_str_eq(frit_program_error(p), "");
    frit_program_destroy(p);
}
END_TEST

START_TEST(errors_carry_the_callers_line) {
    frit_program *p = frit_program_create("f");
    frit_value x = frit_input(p, "x", FRIT_DT_F32, 2, DIMS(4, 5));
    frit_value y = frit_input(p, "y", FRIT_DT_F32, 2, DIMS(6, 7));
    frit_value z = frit_matmul(x, y);
    int line = __LINE__ - 1;
    frit_output(p, "z", frit_relu(z)); /* nothing after the first error counts */
    check_error(p, line, "matmul");
    ck_assert_ptr_null(frit_program_compile(p, NULL));
    ck_assert_ptr_null(frit_program_text(p));
    check_error(p, line, "matmul");
    frit_program_destroy(p);
}
END_TEST

/* One wrong call each; the line is that of the call. */
static void wrong_call(int which, const char *what) {
    frit_program *p = frit_program_create("f"), *other = frit_program_create("g");
    frit_value x = frit_input(p, "x", FRIT_DT_F32, 2, DIMS(4, 5));
    int line = 0;
    switch (which) {
    case 0:
        frit_apply("sofmax", "", x), line = __LINE__;
        break;
    case 1:
        frit_apply("softmax", "axes = 1", x), line = __LINE__;
        break;
    case 2:
        frit_softmax(x, 7), line = __LINE__;
        break;
    case 3:
        frit_input(p, "x", FRIT_DT_F32, 1, DIMS(4)), line = __LINE__;
        break;
    case 4:
        frit_reshape(x, 2, DIMS(7, FRIT_INFERRED)), line = __LINE__;
        break;
    case 5:
        frit_add(x, frit_input(other, "y", FRIT_DT_F32, 0, NULL)), line = __LINE__;
        break;
    case 6:
        frit_cast(x, 1234), line = __LINE__;
        break;
    case 7:
        frit_dim_symbol(p, "B", 9, 3), line = __LINE__;
        break;
    case 8:
        frit_reshape(x, 99, DIMS(1)), line = __LINE__;
        break;
    case 9:
        frit_input(p, "z", FRIT_DT_F32, 1, DIMS(-1)), line = __LINE__;
        break;
    case 10:
        frit_reduce("mean", x, 1, DIMS(0)), line = __LINE__;
        break;
    default:
        frit_slice(x, 5, 0, 1, 1), line = __LINE__;
        break;
    }
    check_error(p, line, what);
    frit_program_destroy(p);
    frit_program_destroy(other);
}

static const char *const wrong_texts[] = {
    "did you mean 'softmax'", "no attribute 'axes'", "axis",    "already",   "do not divide", "another program",
    "no element type",        "cannot be from 9",    "rank 99", "neither a", "mean",          "no axis 5",
};

START_TEST(wrong_calls_are_told) { wrong_call(_i, wrong_texts[_i]); }
END_TEST

START_TEST(programs_compute) {
    frit_program *p = frit_program_create("f");
    int64_t b = frit_dim_symbol(p, "B", 1, 64);
    frit_value x = frit_input(p, "x", FRIT_DT_F32, 2, DIMS(b, 3));
    float w[3] = {1, 10, 100};
    frit_value y = frit_mul(x, frit_constant(p, "w", FRIT_DT_F32, 1, DIMS(3), w));
    frit_output(p, "y", frit_reduce("sum", frit_add(y, frit_number(p, FRIT_DT_F32, 0.5)), 1, DIMS(1)));
    w[0] = 7; /* was copied */
    for (int64_t n = 1; n <= 5; n += 2) {
        float in[15], out[5];
        for (int i = 0; i < 15; i++) in[i] = (float)i;
        frit_tensor in_t = {in, FRIT_DT_F32, 2, DIMS(n, 3), NULL}, out_t = {out, FRIT_DT_F32, 1, DIMS(n), NULL};
        ck_assert_msg(frit_program_run(p, &in_t, &out_t) == FRIT_OK, "%s", frit_program_error(p));
        for (int i = 0; i < n; i++)
            ck_assert_float_eq(out[i], (float)(3 * i + 10 * (3 * i + 1) + 100 * (3 * i + 2)) + 1.5f);
    }
    frit_program_destroy(p);
}
END_TEST

START_TEST(a_call_that_does_not_fit_can_be_repeated) {
    frit_program *p = frit_program_create("f");
    frit_value x = frit_input(p, "x", FRIT_DT_F32, 1, DIMS(frit_dim_symbol(p, "N", 1, 4)));
    frit_output(p, "y", frit_neg(x));
    float in[8] = {1, 2, 3, 4}, out[8];
    frit_tensor in_t = {in, FRIT_DT_F32, 1, DIMS(8), NULL}, out_t = {out, FRIT_DT_F32, 1, DIMS(8), NULL};
    ck_assert_int_ne(frit_program_run(p, &in_t, &out_t), FRIT_OK);
    ck_assert_ptr_nonnull(strstr(frit_program_error(p), "N"));
    in_t.dims = out_t.dims = DIMS(4);
    ck_assert_int_eq(frit_program_run(p, &in_t, &out_t), FRIT_OK);
    ck_assert_float_eq(out[3], -4);
    ck_assert_int_eq(frit_dtype_of(frit_neg(x)), FRIT_DT_NONE); /* compiled: nothing can be added */
    frit_program_destroy(p);
}
END_TEST

START_TEST(texts_of_programs_are_named) {
    frit_program *p = frit_program_create("f");
    frit_value x = frit_input(p, "x", FRIT_DT_F32, 1, DIMS(4));
    frit_output(p, "y", frit_named("twice", frit_add(x, x)));
    ck_assert_ptr_nonnull(strstr(frit_program_text(p), "%twice = add %x, %x : f32[4]"));
    frit_program_destroy(p);
}
END_TEST

START_TEST(files_are_compiled) {
    char message[256];
    ck_assert_int_eq(frit_compile_file("/nowhere/model.onnx", "/tmp/x.so", NULL, message, sizeof message), FRIT_IO);
    ck_assert_ptr_nonnull(strstr(message, "/nowhere/model.onnx"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trace");
    TCase *t = tcase_create("trace");
    tcase_add_test(t, infers_shapes_at_each_call);
    tcase_add_test(t, errors_carry_the_callers_line);
    tcase_add_loop_test(t, wrong_calls_are_told, 0, (int)(sizeof wrong_texts / sizeof *wrong_texts));
    tcase_add_test(t, programs_compute);
    tcase_add_test(t, a_call_that_does_not_fit_can_be_repeated);
    tcase_add_test(t, texts_of_programs_are_named);
    tcase_add_test(t, files_are_compiled);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
