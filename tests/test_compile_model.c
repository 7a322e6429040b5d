/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models compiled into this process through frit.h: bytes and files of ONNX models, with every option. The values are
 * those that the digit reader's own reference (double precision, made without frit) gives. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frit.h"

#define DIGITS FRIT_SOURCE "/examples/digits/"
enum { N_IMAGES = 360, N_PIXELS = 64, N_CLASSES = 10, NPY_HEADER_BYTES = 128, MESSAGE_BYTES = 512 };

static char message[MESSAGE_BYTES];
static float pixels[N_IMAGES * N_PIXELS], logits[N_IMAGES * N_CLASSES];

/* The whole of a file; the caller frees it. */
static void *read_file(const char *path, size_t *out_bytes) {
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    fseek(f, 0, SEEK_END);
    *out_bytes = (size_t)ftell(f);
    rewind(f);
    void *bytes = malloc(*out_bytes);
    ck_assert_uint_eq(fread(bytes, 1, *out_bytes, f), *out_bytes);
    fclose(f);
    return bytes;
}

static void read_npy(const char *path, void *out, size_t n_bytes) {
    size_t all;
    char *bytes = read_file(path, &all);
    ck_assert_uint_eq(all, NPY_HEADER_BYTES + n_bytes);
    memcpy(out, bytes + NPY_HEADER_BYTES, n_bytes);
    free(bytes);
}

static frit_tensor images(int64_t n) {
    static int64_t dims[4] = {0, 1, 8, 8};
    dims[0] = n;
    return (frit_tensor){pixels, FRIT_DT_F32, 4, dims, NULL};
}

static frit_status run(frit_model *m, int64_t n) {
    int64_t dims[2] = {n, N_CLASSES};
    frit_tensor in = images(n), out = {logits, FRIT_DT_F32, 2, dims, NULL};
    memset(logits, 0xff, sizeof logits);
    return frit_run(m, &in, &out);
}

static void check_logits(double tolerance) {
    static double reference[N_IMAGES * N_CLASSES];
    read_npy(DIGITS "reference.npy", reference, sizeof reference);
    for (int i = 0; i < N_IMAGES * N_CLASSES; i++)
        ck_assert_msg(fabs(logits[i] - reference[i]) <= tolerance * (1 + fabs(reference[i])), "logit %d: %g, not %g", i,
                      (double)logits[i], reference[i]);
}

static frit_model *compiled(const frit_source *source, const frit_compile_options *o) {
    frit_model *m;
    ck_assert_msg(frit_compile_model(source, o, &m, message, sizeof message) == FRIT_OK, "%s", message);
    ck_assert_str_eq(message, "");
    return m;
}

/* The compile fails with a text that holds part. */
static void refuses(const frit_source *source, const frit_compile_options *o, frit_status wanted, const char *part) {
    frit_model *m = (frit_model *)message;
    frit_status status = frit_compile_model(source, o, &m, message, sizeof message);
    ck_assert_ptr_null(m);
    ck_assert_msg(strstr(message, part) != NULL, "'%s' lacks '%s'", message, part);
    ck_assert_int_eq(status, wanted);
}

static const frit_source digits = {.path = DIGITS "digits.onnx"};

START_TEST(bytes_become_a_model) {
    frit_source source = {0};
    size_t n;
    void *bytes = read_file(DIGITS "digits.onnx", &n);
    source.bytes = bytes, source.n_bytes = n;
    frit_model *m = compiled(&source, NULL);
    memset(bytes, 0xff, n); /* they were needed during the call only */
    free(bytes);
    read_npy(DIGITS "held_out.npy", pixels, sizeof pixels);
    ck_assert_msg(run(m, N_IMAGES) == FRIT_OK, "%s", frit_model_error(m));
    check_logits(1e-5);
    frit_model_destroy(m);
}
END_TEST

START_TEST(file_gives_the_same_bits) {
    static float first[N_IMAGES * N_CLASSES];
    size_t n;
    void *bytes = read_file(DIGITS "digits.onnx", &n);
    read_npy(DIGITS "held_out.npy", pixels, sizeof pixels);
    frit_source source = {.path = "some/where.onnx", .bytes = bytes, .n_bytes = n};
    frit_model *a = compiled(&source, NULL), *b = compiled(&digits, NULL);
    ck_assert_int_eq(run(a, N_IMAGES), FRIT_OK);
    memcpy(first, logits, sizeof first);
    ck_assert_int_eq(run(b, N_IMAGES), FRIT_OK);
    ck_assert_int_eq(memcmp(first, logits, sizeof first), 0);
    frit_model_destroy(a);
    frit_model_destroy(b);
    source.n_bytes = n / 2;
    refuses(&source, NULL, FRIT_FORMAT, "some/where.onnx: ");
    free(bytes);
}
END_TEST

START_TEST(fir_text_is_a_model_too) {
    const char *text = "func @f(%x: f32[N]) -> (%y: f32[N]) {\n %y = neg %x\n return %y }";
    frit_source source = {.path = "text.fir", .bytes = text, .n_bytes = strlen(text)};
    frit_model *m = compiled(&source, NULL);
    float x[3] = {1, -2, 3}, y[3] = {0};
    int64_t dims[1] = {3};
    frit_tensor in = {x, FRIT_DT_F32, 1, dims, NULL}, out = {y, FRIT_DT_F32, 1, dims, NULL};
    ck_assert_int_eq(frit_run(m, &in, &out), FRIT_OK);
    ck_assert(y[0] == -1 && y[1] == 2 && y[2] == -3);
    frit_model_destroy(m);
}
END_TEST

START_TEST(dims_are_renamed_and_bounded) {
    const char *dims[] = {"batch:n", "n=1..64@8"};
    frit_compile_options o = {.struct_bytes = sizeof o, .dims = dims, .n_dims = 2};
    frit_model *m = compiled(&digits, &o);
    frit_symbol s = {.struct_bytes = sizeof s};
    ck_assert_int_eq(frit_model_artifact(m)->symbol(frit_model_artifact(m), 0, &s), FRIT_OK);
    ck_assert_str_eq(s.name, "n");
    ck_assert_int_eq(s.hi, 64);
    ck_assert_int_eq(s.hint, 8);
    ck_assert_int_eq(run(m, 64), FRIT_OK);
    ck_assert_int_eq(run(m, 65), FRIT_RANGE);
    frit_model_destroy(m);
    const char *unknown[] = {"bach=3"};
    o.dims = unknown, o.n_dims = 1;
    refuses(&digits, &o, FRIT_USAGE, "has no dim 'bach'; did you mean 'batch'? (dims: batch)");
    o.dims = NULL;
    refuses(&digits, &o, FRIT_USAGE, "dims is NULL, n_dims is 1");
}
END_TEST

START_TEST(an_input_becomes_a_constant) {
    read_npy(DIGITS "held_out.npy", pixels, sizeof pixels);
    frit_model_const image = {"image", images(N_IMAGES)};
    frit_compile_options o = {.struct_bytes = sizeof o, .consts = &image, .n_consts = 1};
    frit_model *m = compiled(&digits, &o);
    memset(pixels, 0xff, sizeof pixels);
    frit_artifact_info info = {.struct_bytes = sizeof info};
    frit_model_artifact(m)->info(frit_model_artifact(m), &info);
    ck_assert_uint_eq(info.n_inputs, 0);
    int64_t dims[2] = {N_IMAGES, N_CLASSES};
    frit_tensor out = {logits, FRIT_DT_F32, 2, dims, NULL};
    ck_assert_int_eq(frit_run(m, NULL, &out), FRIT_OK);
    check_logits(1e-5);
    frit_model_destroy(m);
    image.name = "imag";
    refuses(&digits, &o, FRIT_USAGE, "has no input 'imag'; did you mean 'image'?");
    image = (frit_model_const){"image", {.dtype = FRIT_DT_F32}};
    refuses(&digits, &o, FRIT_USAGE, "image: this constant is no row-major tensor with data");
}
END_TEST

START_TEST(precision_and_target) {
    frit_compile_options o = {.struct_bytes = sizeof o, .precision = "bf16", .target = "cpu"};
    frit_model *m = compiled(&digits, &o);
    frit_artifact_info info = {.struct_bytes = sizeof info};
    read_npy(DIGITS "held_out.npy", pixels, sizeof pixels);
    ck_assert_int_eq(frit_model_artifact(m)->info(frit_model_artifact(m), &info), FRIT_OK);
    ck_assert_int_eq(run(m, N_IMAGES), FRIT_OK);
    check_logits(0.1);
    float narrow = logits[0];
    frit_model_destroy(m);
    m = compiled(&digits, NULL);
    ck_assert_int_eq(run(m, N_IMAGES), FRIT_OK);
    ck_assert(narrow != logits[0]);
    frit_model_destroy(m);
    o.precision = "f16";
    refuses(&digits, &o, FRIT_UNSUPPORTED, "lowering a model to f16 is not built yet");
    o.precision = "f8";
    refuses(&digits, &o, FRIT_USAGE, "unknown precision 'f8'; known: f32, bf16, f16, int8");
    o.precision = NULL, o.target = "cuda";
    refuses(&digits, &o, FRIT_UNSUPPORTED, "code for a GPU only runs from a file");
    o.target = "gpu";
    refuses(&digits, &o, FRIT_USAGE, "unknown target 'gpu'; known: cpu, cuda");
    o.target = NULL, o.arch = "sm_80";
    refuses(&digits, &o, FRIT_USAGE, "arch: names a GPU");
}
END_TEST

START_TEST(reports_and_files) {
    char folder[] = "/tmp/frit-compile-XXXXXX", path[64], so[64];
    struct stat s;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/r.json", folder);
    snprintf(so, sizeof so, "%s/d.so", folder);
    frit_compile_options o = {.struct_bytes = sizeof o, .report = path};
    frit_model_destroy(compiled(&digits, &o));
    ck_assert_int_eq(stat(path, &s), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(frit_compile_file(digits.path, &o, so, message, sizeof message), FRIT_OK);
    ck_assert(stat(path, &s) == 0 && stat(so, &s) == 0);
    ck_assert(unlink(path) == 0 && unlink(so) == 0);
    o.report = "/dev/full"; /* neither report nor artifact */
    ck_assert_int_eq(frit_compile_file(digits.path, &o, so, message, sizeof message), FRIT_IO);
    ck_assert_int_ne(stat(so, &s), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* Structs of older and newer callers. */
START_TEST(options_have_a_size) {
    frit_compile_options o = {.struct_bytes = 8, .n_threads = 1, .cpu = "no-such-cpu"};
    frit_model_destroy(compiled(&digits, &o)); /* cpu lies behind its end */
    o.struct_bytes = sizeof o;
    refuses(&digits, &o, FRIT_TARGET, "no-such-cpu");
    o.n_threads = 1000000000;
    refuses(&digits, &o, FRIT_USAGE, "n_threads is 1000000000; 1024 at most");
    o.struct_bytes = 0;
    refuses(&digits, &o, FRIT_USAGE, "struct_bytes is 0; set it to sizeof(frit_compile_options)");
    struct {
        frit_compile_options o;
        int64_t more;
    } later = {.o = {.struct_bytes = sizeof later}};
    frit_model_destroy(compiled(&digits, &later.o));
    later.more = 1;
    refuses(&digits, &later.o, FRIT_UNSUPPORTED, "asks for something that this version of frit");
}
END_TEST

START_TEST(sources_that_are_none) {
    frit_source none = {0}, missing = {.path = "/nowhere/model.onnx"}, empty = {.bytes = "", .n_bytes = 0};
    refuses(NULL, NULL, FRIT_USAGE, "needs a path or bytes");
    refuses(&none, NULL, FRIT_USAGE, "needs a path or bytes");
    refuses(&missing, NULL, FRIT_IO, "/nowhere/model.onnx");
    refuses(&empty, NULL, FRIT_FORMAT, "model: is empty");
    frit_model *m;
    ck_assert_int_eq(frit_compile_model(&none, NULL, &m, NULL, 0), FRIT_USAGE);
    ck_assert_int_eq(frit_compile_model(&digits, NULL, NULL, NULL, 0), FRIT_USAGE);
}
END_TEST

/* What one compile asks of a recorded program's dims is not there in the next. */
START_TEST(tracers_keep_their_own_dims) {
    frit_tracer *t = frit_tracer_create("f");
    frit_dim n = frit_dim_sym(t, "N", 1, 100);
    frit_output(frit_neg(frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(n))), "y");
    const char *dims[] = {"N=1..5"};
    frit_compile_options o = {.struct_bytes = sizeof o, .dims = dims, .n_dims = 1};
    frit_symbol s = {.struct_bytes = sizeof s};
    frit_model *m;
    for (int k = 0; k < 2; k++) {
        ck_assert_msg(frit_compile(t, k ? NULL : &o, &m) == FRIT_OK, "%s", frit_error(t));
        frit_model_artifact(m)->symbol(frit_model_artifact(m), 0, &s);
        ck_assert_int_eq(s.hi, k ? 100 : 5);
        frit_model_destroy(m);
    }
    frit_model_const x = {"x", images(1)};
    frit_compile_options with_const = {.struct_bytes = sizeof o, .consts = &x, .n_consts = 1};
    ck_assert_int_eq(frit_compile(t, &with_const, &m), FRIT_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(frit_error(t), "consts: are for model files"));
    frit_tracer_destroy(t);
}
END_TEST

int main(void) {
    Suite *s = suite_create("compile_model");
    TCase *k = tcase_create("compile_model");
    tcase_set_timeout(k, 300);
    tcase_add_test(k, bytes_become_a_model);
    tcase_add_test(k, file_gives_the_same_bits);
    tcase_add_test(k, fir_text_is_a_model_too);
    tcase_add_test(k, dims_are_renamed_and_bounded);
    tcase_add_test(k, an_input_becomes_a_constant);
    tcase_add_test(k, precision_and_target);
    tcase_add_test(k, reports_and_files);
    tcase_add_test(k, options_have_a_size);
    tcase_add_test(k, sources_that_are_none);
    tcase_add_test(k, tracers_keep_their_own_dims);
    suite_add_tcase(s, k);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int n_failed = srunner_ntests_failed(r);
    srunner_free(r);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
