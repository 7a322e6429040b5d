/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tracer and the public interface: what is inferred, what mistakes say and where, and that a recorded program runs
 * as the evaluator says. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frit.h"
#include "frontend/trace/trace.h"
#include "ir/eval/eval.h"

#define HERE_IS(line_offset) line_text(__LINE__ + (line_offset))
static const char *line_text(int line) {
    static char text[64];
    snprintf(text, sizeof text, "test_trace.c:%d: ", line);
    return text;
}

/* ---- mistakes ---- */

START_TEST(mistake_has_callers_place) {
    frit_tracer *t = frit_tracer_create("f");
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 64));
    frit_value *w = frit_input(t, "w", FRIT_DT_F32, FRIT_LIST(60, 3));
    frit_value *y = frit_matmul(x, w);
    ck_assert_ptr_nonnull(strstr(frit_error(t), HERE_IS(-1)));
    ck_assert_ptr_nonnull(strstr(frit_error(t), "matmul: inner sizes 64 and 60 differ"));
    ck_assert_int_eq(frit_tracer_status(t), FRIT_SHAPE);
    char *first = strdup(frit_error(t));
    frit_output(frit_relu(frit_add(y, x)), "y"); /* all of it does nothing */
    frit_value *z = frit_input(t, "x", FRIT_DT_F32, FRIT_EMPTY);
    ck_assert_int_eq(frit_dtype_of(z), FRIT_DT_NONE);
    ck_assert_uint_eq(frit_rank_of(y), 0);
    frit_model *m;
    ck_assert_int_eq(frit_compile(t, NULL, &m), FRIT_SHAPE);
    ck_assert_ptr_null(m);
    ck_assert_int_eq(frit_save(t, NULL, "/nonexistent/x.so"), FRIT_SHAPE);
    ck_assert_ptr_null(frit_text(t, true));
    ck_assert_str_eq(frit_error(t), first);
    free(first);
    frit_tracer_destroy(t);
}
END_TEST

/* One mistake each; part of the text that it must give. */
static void expect_mistake(frit_tracer *t, const char *part) {
    ck_assert_msg(strstr(frit_error(t), part) && strstr(frit_error(t), "test_trace.c:"), "'%s' lacks '%s'",
                  frit_error(t), part);
    frit_tracer_destroy(t);
}

START_TEST(mistakes_say_what) {
    frit_tracer *t = frit_tracer_create(NULL), *other = frit_tracer_create("other");
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 3));
    frit_add(x, frit_scalar(other, FRIT_DT_F32, 1));
    expect_mistake(t, "add: operand 1 belongs to another tracer");

    t = frit_tracer_create(NULL);
    x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 3));
    frit_add(x, NULL);
    expect_mistake(t, "add: operand 1 is NULL");

    t = frit_tracer_create(NULL);
    frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, frit_dim_sym(other, "B", 0, 0)));
    expect_mistake(t, "dim 1 is negative or no dim of this tracer");

    t = frit_tracer_create(NULL);
    frit_input(t, "x", (frit_dtype)77, FRIT_EMPTY);
    expect_mistake(t, "77 is no frit_dtype");

    t = frit_tracer_create(NULL);
    x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 3));
    frit_reshape(x, FRIT_LIST(4, -1));
    expect_mistake(t, "-1 stands for no dim");

    t = frit_tracer_create(NULL);
    x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 3));
    frit_slice(x, 2, 0, 1);
    expect_mistake(t, "slice: axis 2 is outside rank 2");

    t = frit_tracer_create(NULL);
    x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 3));
    frit_slice(x, 1, 2, 2);
    expect_mistake(t, "lie outside its extent 3");

    t = frit_tracer_create(NULL);
    x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 3));
    frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 3));
    expect_mistake(t, "there is an input 'x' already");

    t = frit_tracer_create(NULL);
    frit_dim_sym(t, "B", 1, 8);
    frit_dim_sym(t, "B", 1, 9);
    expect_mistake(t, "dim 'B' is in 1..8 already");

    t = frit_tracer_create(NULL);
    x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 3));
    frit_reshape(x, FRIT_LIST(frit_dim_mod(t, 3, 0), 2));
    expect_mistake(t, "overflows 64 bits");

    t = frit_tracer_create(NULL);
    frit_constant(t, FRIT_DT_F32, FRIT_LIST(frit_dim_sym(t, "B", 0, 0)), "1234");
    expect_mistake(t, "must be a number");

    t = frit_tracer_create(NULL);
    frit_constant(t, FRIT_DT_F32, FRIT_LIST(1), NULL);
    expect_mistake(t, "has no data");

    t = frit_tracer_create(NULL);
    frit_constant_npy(t, "/nonexistent/w.npy");
    expect_mistake(t, "/nonexistent/w.npy");

    t = frit_tracer_create(NULL);
    x = frit_state(t, "s", FRIT_DT_F32, FRIT_LIST(2, 3));
    frit_store(x, frit_transpose(x, FRIT_LIST(1, 0)));
    expect_mistake(t, "the new value is not of the state's dtype and shape");
    frit_tracer_destroy(other);
}
END_TEST

START_TEST(operators_by_name) {
    frit_tracer *t = frit_tracer_create(NULL);
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 8));
    frit_value *top = frit_apply("topk", "k = [3], axis = 1", 1, &x);
    ck_assert_int_eq(frit_dim_of(top, 1), 3);
    ck_assert_int_eq(frit_dtype_of(frit_result(top, 1)), FRIT_DT_I64);
    ck_assert_str_eq(frit_error(t), "");
    frit_result(top, 2);
    expect_mistake(t, "the operator has no result 2");

    t = frit_tracer_create(NULL);
    x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 8));
    frit_apply("sofmax", NULL, 1, &x);
    expect_mistake(t, "did you mean 'softmax'");

    t = frit_tracer_create(NULL);
    x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 8));
    frit_apply("softmax", "axes = 1", 1, &x);
    expect_mistake(t, "no attribute 'axes'");

    t = frit_tracer_create(NULL);
    x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, 8));
    frit_apply("softmax", "axis = 1} (", 1, &x);
    expect_mistake(t, "nothing may follow the attributes");
}
END_TEST

START_TEST(files_are_compiled) {
    char message[64];
    ck_assert_int_eq(frit_compile_file(NULL, NULL, "/tmp/x.so", message, sizeof message), FRIT_USAGE);
    ck_assert_int_eq(frit_compile_file("/nowhere/model.onnx", NULL, "/tmp/x.so", message, sizeof message), FRIT_IO);
    ck_assert_ptr_nonnull(strstr(message, "/nowhere/model.onnx"));
}
END_TEST

START_TEST(null_is_harmless) {
    frit_value *x = frit_input(NULL, "x", FRIT_DT_F32, FRIT_EMPTY);
    ck_assert_ptr_null(frit_add(x, frit_relu(NULL)));
    frit_value *indices = x;
    ck_assert_ptr_null(frit_topk(x, 1, NULL, &indices));
    ck_assert_ptr_null(frit_concat(0, 0, NULL));
    frit_output(x, "x");
    frit_store(x, x);
    ck_assert_int_eq(frit_dim_sym(NULL, "B", 0, 0), 0);
    ck_assert_int_eq(frit_dim_of(x, 0), 0);
    frit_model *m;
    ck_assert_int_eq(frit_compile(NULL, NULL, &m), FRIT_USAGE);
    ck_assert_int_eq(frit_run(m, NULL, NULL), FRIT_USAGE);
    frit_model_destroy(m);
    frit_tracer_destroy(NULL);
}
END_TEST

START_TEST(wrong_pointers_say_so) {
    frit_tracer *t = frit_tracer_create("f");
    char text[100];
    ck_assert_int_eq(frit_compile(t, NULL, NULL), FRIT_USAGE);
    ck_assert_ptr_null(frit_map_file(NULL, NULL, NULL));
    frit_input(t, "x", FRIT_DT_F32, (frit_list){3, NULL});
    ck_assert_str_eq(frit_error(t), "a list of 3 entries is NULL");
    frit_tracer_destroy(t);
    t = frit_tracer_create("f");
    ck_assert_ptr_null(frit_map_file(t, "x", NULL));
    ck_assert_ptr_nonnull(strstr(frit_error(t), "no room for the file's size"));
    frit_tracer_destroy(t);
    frit_compile_options o = {.n_threads = 1};
    ck_assert_int_eq(frit_compile_file("a.onnx", &o, "a.so", text, sizeof text), FRIT_USAGE);
    ck_assert_str_eq(text, "frit_compile_options.struct_bytes is 0; set it to sizeof(frit_compile_options)");
    ck_assert_int_eq(frit_compile_file("a.onnx", NULL, "./a.onnx", text, sizeof text), FRIT_USAGE);
    ck_assert_str_eq(text, "./a.onnx: this is the model itself");
}
END_TEST

START_TEST(failed_save_does_not_stop_recording) {
    frit_tracer *t = frit_tracer_create("f");
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(3));
    frit_model *m;
    ck_assert_int_eq(frit_compile(t, NULL, &m), FRIT_MISSING);
    ck_assert_str_eq(frit_error(t), "f: the program has no output: call frit_output");
    frit_output(frit_neg(x), "y");
    ck_assert_int_eq(frit_save(t, NULL, "/nonexistent/x.so"), FRIT_IO);
    ck_assert_ptr_nonnull(strstr(frit_error(t), "/nonexistent/x.so"));
    ck_assert_int_eq(frit_tracer_status(t), FRIT_OK);
    ck_assert_int_eq(
        frit_compile(t, &(frit_compile_options){.struct_bytes = sizeof(frit_compile_options), .cpu = "no-such-cpu"},
                     &m),
        FRIT_TARGET);
    ck_assert_int_eq(frit_compile(t, NULL, &m), FRIT_OK);
    ck_assert_str_eq(frit_error(t), "");
    frit_model_destroy(m);
    frit_tracer_destroy(t);
}
END_TEST

/* ---- inference ---- */

START_TEST(shapes_are_inferred_at_the_call) {
    frit_tracer *t = frit_tracer_create("f");
    frit_dim b = frit_dim_sym(t, "B", 1, 32), s = frit_dim_sym(t, "S", 0, 0);
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(b, s, 64));
    ck_assert_int_eq(frit_dim_of(x, 0), b);
    ck_assert_int_eq(frit_dim_of(x, -1), 64);
    frit_value *flat = frit_reshape(x, FRIT_LIST(-1, 64));
    ck_assert_int_eq(frit_dim_of(flat, 0), frit_dim_mul(t, s, b));
    ck_assert_int_eq(frit_dim_floordiv(t, frit_dim_of(flat, 0), b), s);
    ck_assert_int_eq(frit_dim_sub(t, frit_dim_add(t, s, 5), s), 5);
    ck_assert_ptr_eq(frit_reshape(x, FRIT_LIST(b, s, -1))->t, t);
    ck_assert_int_eq(frit_dtype_of(frit_argmax(x, 1)), FRIT_DT_I64);
    ck_assert_int_eq(frit_rank_of(frit_reduce(x, FRIT_REDUCE_SUM, FRIT_LIST(-1), false)), 2);
    frit_value *indices, *top = frit_topk(x, 5, &(frit_topk_options){.axis_from_end = 0}, &indices);
    ck_assert_int_eq(frit_dim_of(top, 2), 5);
    ck_assert_int_eq(frit_dtype_of(indices), FRIT_DT_I64);
    frit_value *half = frit_slice(x, -1, -32, 32);
    ck_assert_int_eq(frit_dim_of(half, 2), 32);
    ck_assert_int_eq(frit_dim_of(frit_concat(1, 2, (frit_value *[]){half, half}), 1), frit_dim_mul(t, 2, s));
    ck_assert_int_eq(frit_dtype_of(frit_lt(half, frit_scalar_like(half, 0))), FRIT_DT_BOOL);
    ck_assert_ptr_ne(frit_squeeze(frit_unsqueeze(x, 1), 1), NULL);
    ck_assert_str_eq(frit_error(t), "");
    frit_tracer_destroy(t);
}
END_TEST

/* ---- running ---- */

enum { MAX_PORTS = 4, MAX_ELEMENTS = 8192 };

/* A recorded program compiled and evaluated on the same numbers; outputs must agree within 1e-5. */
typedef struct trial {
    frit_tracer *t;
    frit_model *m;
    uint32_t n_in, n_out;
    tensor in[MAX_PORTS], expected[MAX_PORTS];
    arena job, scratch;
} trial;

static void trial_init(trial *x, frit_tracer *t) {
    *x = (trial){.t = t};
    arena_init(&x->job);
    arena_init(&x->scratch);
    frit_status status = frit_compile(
        t, &(frit_compile_options){.struct_bytes = sizeof(frit_compile_options), .is_checked = true}, &x->m);
    ck_assert_msg(status == FRIT_OK, "%s", frit_error(t));
}

static void trial_fini(trial *x) {
    frit_model_destroy(x->m);
    arena_fini(&x->scratch);
    arena_fini(&x->job);
}

/* An f32 input of seeded numbers in -2..2. */
static void trial_input(trial *x, uint32_t rank, const int64_t *dims) {
    cx c = {.job = &x->job, .scratch = &x->scratch};
    tensor *in = &x->in[x->n_in++];
    ck_assert_int_eq(tensor_alloc(&c, &x->job, FRIT_DT_F32, rank, dims, in), FRIT_OK);
    uint32_t state = 12345 + x->n_in;
    for (int64_t i = 0; i < tensor_count(in); i++) {
        state = state * 1664525u + 1013904223u;
        ((float *)in->data)[i] = (float)(state >> 8) / (float)(1 << 22) - 2;
    }
}

static frit_tensor as_abi(const tensor *t) {
    return (frit_tensor){t->data, (int32_t)t->dt, (int32_t)t->rank, t->shape, NULL};
}

static void trial_run(trial *x) {
    cx c = {.job = &x->job, .scratch = &x->scratch};
    const graph *g = trace_graph(x->t);
    frit_status status = eval_graph(&c, g, &x->job, x->in, x->expected);
    ck_assert_msg(status == FRIT_OK, "%s", c.message);
    frit_tensor in[MAX_PORTS], out[MAX_PORTS];
    tensor got[MAX_PORTS];
    for (uint32_t i = 0; i < x->n_in; i++) in[i] = as_abi(&x->in[i]);
    for (uint32_t i = 0; i < g->outputs.n; i++) {
        const tensor *e = &x->expected[i];
        ck_assert_int_eq(tensor_alloc(&c, &x->job, e->dt, e->rank, e->shape, &got[i]), FRIT_OK);
        out[i] = as_abi(&got[i]);
    }
    status = frit_run(x->m, in, out);
    ck_assert_msg(status == FRIT_OK, "%s", frit_model_error(x->m));
    for (uint32_t i = 0; i < g->outputs.n; i++) {
        for (int64_t k = 0; k < tensor_count(&got[i]); k++) {
            double e = dtype_to_f64(got[i].dt, dtype_load(got[i].dt, x->expected[i].data, (size_t)k));
            double y = dtype_to_f64(got[i].dt, dtype_load(got[i].dt, got[i].data, (size_t)k));
            bool same = e == y || (isnan(e) && isnan(y)) || (isfinite(e) && fabs(e - y) <= 1e-5 * (1 + fabs(e)));
            ck_assert_msg(same, "rows %lld output %u, element %lld: %.9g is not %.9g", (long long)x->in[0].shape[0], i,
                          (long long)k, y, e);
        }
    }
    x->n_in = 0;
}

START_TEST(block_runs_as_evaluated_at_several_dims) {
    static float weight[64 * 48], bias[48], scale[48];
    for (int i = 0; i < 64 * 48; i++) weight[i] = (float)((i * 37 % 101) - 50) / 400;
    for (int i = 0; i < 48; i++) bias[i] = (float)i / 100, scale[i] = 1 - (float)i / 96;
    frit_tracer *t = frit_tracer_create("block");
    frit_dim b = frit_dim_sym(t, "B", 1, 64);
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(b, 64));
    frit_value *w = frit_constant(t, FRIT_DT_F32, FRIT_LIST(64, 48), weight);
    frit_value *h = frit_add(frit_matmul(x, w), frit_constant(t, FRIT_DT_F32, FRIT_LIST(48), bias));
    h = frit_layer_norm(frit_gelu(h), frit_constant(t, FRIT_DT_F32, FRIT_LIST(48), scale), NULL, NULL);
    frit_output(frit_softmax(h, -1), "shares");
    frit_output(frit_mean(h, FRIT_LIST(0), true), "mean");
    frit_output(frit_argmax(h, 1), "best");
    trial k;
    trial_init(&k, t);
    for (int64_t n = 1; n <= 33; n += 16) { /* the context grows */
        trial_input(&k, 2, (int64_t[]){n, 64});
        trial_run(&k);
    }
    const int64_t wide[2] = {65, 64};
    const frit_tensor in = {weight, FRIT_DT_F32, 2, wide, NULL};
    ck_assert_int_eq(frit_run(k.m, &in, &in), FRIT_RANGE);
    ck_assert_ptr_nonnull(strstr(frit_model_error(k.m), "B"));
    trial_fini(&k);
    frit_tracer_destroy(t);
}
END_TEST

START_TEST(images_run_as_evaluated) {
    static float weight[6 * 4 * 3 * 3], parameters[4][6];
    for (int i = 0; i < 6 * 4 * 9; i++) weight[i] = (float)((i * 29 % 31) - 15) / 60;
    for (int i = 0; i < 24; i++) parameters[i / 6][i % 6] = (float)(i % 7 + 1) / 5;
    frit_tracer *t = frit_tracer_create("images");
    frit_dim n = frit_dim_sym(t, "N", 0, 0), side = frit_dim_sym(t, "side", 4, 40);
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(n, 4, side, side));
    frit_value *w = frit_constant(t, FRIT_DT_F32, FRIT_LIST(6, 4, 3, 3), weight), *p[4];
    for (int i = 0; i < 4; i++) p[i] = frit_constant(t, FRIT_DT_F32, FRIT_LIST(6), parameters[i]);
    const frit_conv_options two = {.strides = FRIT_LIST(2, 2), .pads = FRIT_LIST(1, 1, 1, 1)};
    frit_value *y = frit_hard_swish(frit_batch_norm(frit_conv(x, w, p[0], &two), p, 0));
    frit_value *indices = NULL;
    frit_output(frit_max_pool(y, &(frit_pool_options){.sizes = FRIT_LIST(2, 2)}, &indices), "pooled");
    frit_output(frit_avg_pool(y, &(frit_pool_options){.sizes = FRIT_LIST(2, 2), .ceil = true}), "mean");
    frit_output(frit_pad(y, FRIT_LIST(0, 0, 1, 2), FRIT_LIST(0, 0, 0, -1), &(frit_pad_options){.fill = 3}), "padded");
    trial k;
    trial_init(&k, t);
    trial_input(&k, 4, (int64_t[]){2, 4, 9, 9});
    trial_run(&k);
    trial_input(&k, 4, (int64_t[]){1, 4, 16, 16});
    trial_run(&k);
    trial_fini(&k);
    frit_tracer_destroy(t);
}
END_TEST

START_TEST(attention_with_views_runs_as_evaluated) {
    frit_tracer *t = frit_tracer_create("attention");
    frit_dim s = frit_dim_sym(t, "S", 1, 100);
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(2, s, 3 * 24));
    frit_value *heads[3];
    for (int i = 0; i < 3; i++) {
        frit_value *part = frit_slice(x, -1, 24 * i, 24);
        heads[i] = frit_transpose(frit_reshape(part, FRIT_LIST(2, s, 3, 8)), FRIT_LIST(0, 2, 1, 3));
    }
    frit_value *y = frit_attend(heads[0], heads[1], heads[2], &(frit_attend_options){.causal = true});
    y = frit_reshape(frit_transpose(y, FRIT_LIST(0, 2, 1, 3)), FRIT_LIST(2, s, -1));
    frit_output(frit_rms_norm(y, frit_scalar(t, FRIT_DT_F32, 1.5), NULL), "y");
    frit_output(frit_scan(y, FRIT_REDUCE_SUM, 1, &(frit_scan_options){.reverse = true}), "sums");
    trial k;
    trial_init(&k, t);
    for (int64_t n = 1; n < 60; n += 29) {
        trial_input(&k, 3, (int64_t[]){2, n, 72});
        trial_run(&k);
    }
    trial_fini(&k);
    frit_tracer_destroy(t);
}
END_TEST

/* The call's host input decides an extent of the result. */
START_TEST(a_call_can_give_a_dim) {
    frit_tracer *t = frit_tracer_create("f");
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(16));
    frit_dim k = frit_dim_input(t, "k", 1, 16);
    frit_output(frit_square(frit_slice(x, 0, 0, k)), "y");
    frit_model *m;
    ck_assert_msg(frit_compile(t, NULL, &m) == FRIT_OK, "%s", frit_error(t));
    float x_data[16], y_data[16] = {0};
    for (int i = 0; i < 16; i++) x_data[i] = (float)i;
    int64_t n = 5;
    const frit_tensor in[2] = {{x_data, FRIT_DT_F32, 1, (int64_t[]){16}, NULL}, {&n, FRIT_DT_I64, 0, NULL, NULL}};
    const frit_tensor out = {y_data, FRIT_DT_F32, 1, &n, NULL};
    ck_assert_msg(frit_run(m, in, &out) == FRIT_OK, "%s", frit_model_error(m));
    ck_assert_float_eq(y_data[4], 16);
    ck_assert_float_eq(y_data[5], 0);
    frit_model_destroy(m);
    frit_tracer_destroy(t);
}
END_TEST

/* Runs m on inputs of f32[a, b] and a number; the call has to be refused with that text. */
static void expect_refusal(frit_model *m, int64_t a, int64_t b, int64_t number, const char *part) {
    static float x_data[64], y_data[64];
    const int64_t in_dims[2] = {a, b}, out_dims[1] = {4};
    const frit_tensor in[2] = {{x_data, FRIT_DT_F32, 2, in_dims, NULL}, {&number, FRIT_DT_I64, 0, NULL, NULL}};
    const frit_tensor out = {y_data, FRIT_DT_F32, 1, out_dims, NULL};
    ck_assert_int_ne(frit_run(m, in, &out), FRIT_OK);
    ck_assert_msg(strstr(frit_model_error(m), part), "'%s' lacks '%s'", frit_model_error(m), part);
}

START_TEST(calls_that_would_leave_a_tensor_are_refused) {
    for (int which = 0; which < 4; which++) {
        frit_tracer *t = frit_tracer_create("f");
        frit_dim a = frit_dim_sym(t, "A", 0, 64), b = frit_dim_sym(t, "B", 0, 64);
        frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(a, b)), *y = NULL;
        frit_dim k = frit_dim_input(t, "k", 0, 100);
        frit_value *zero = frit_scalar(t, FRIT_DT_I64, 0);
        frit_list less = FRIT_LIST(frit_dim_sub(t, a, 3), frit_dim_sub(t, b, 3));
        if (which == 0) y = frit_slice(frit_reshape(x, FRIT_LIST(-1)), 0, k, 4); /* beyond the end */
        if (which == 1) y = frit_reshape(frit_strided(x, FRIT_LIST(3, 3), less, FRIT_LIST(1, 1)), FRIT_LIST(-1));
        if (which == 2) y = frit_gather(x, zero, 0); /* of no rows */
        if (which == 3) y = frit_pad(x, FRIT_LIST(2, 0), FRIT_LIST(2, 0), &(frit_pad_options){FRIT_PAD_EDGE, 0});
        frit_output(frit_neg(y), "y");
        frit_model *m;
        ck_assert_msg(frit_compile(t, NULL, &m) == FRIT_OK, "%s", frit_error(t));
        if (which == 0) expect_refusal(m, 2, 4, 5, "of axis 0 lie outside its extent A*B");
        if (which == 1) expect_refusal(m, 1, 1, 0, "only works with A >= 3"); /* -2 by -2 is no 4 elements */
        if (which == 2) expect_refusal(m, 0, 4, 0, "only works with A >= 1");
        if (which == 3) expect_refusal(m, 0, 1, 0, "only works with A >= 1");
        frit_model_destroy(m);
        frit_tracer_destroy(t);
    }
}
END_TEST

START_TEST(model_outlives_its_tracer) {
    float *w = malloc(3 * sizeof *w);
    for (int i = 0; i < 3; i++) w[i] = (float)i + 1;
    frit_tracer *t = frit_tracer_create("f");
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(frit_dim_sym(t, "B", 0, 0), 3));
    frit_output(frit_mul(x, frit_constant(t, FRIT_DT_F32, FRIT_LIST(3), w)), "y");
    frit_model *m;
    ck_assert_msg(frit_compile(t, NULL, &m) == FRIT_OK, "%s", frit_error(t));
    frit_tracer_destroy(t);
    free(w);
    float x_data[6] = {1, 1, 1, 2, 2, 2}, y_data[6];
    const int64_t dims[2] = {2, 3};
    const frit_tensor in = {x_data, FRIT_DT_F32, 2, dims, NULL}, out = {y_data, FRIT_DT_F32, 2, dims, NULL};
    ck_assert_msg(frit_run(m, &in, &out) == FRIT_OK, "%s", frit_model_error(m));
    ck_assert_float_eq(y_data[5], 6);
    frit_model_destroy(m);
}
END_TEST

START_TEST(state_is_handed_on) {
    frit_tracer *t = frit_tracer_create("f");
    frit_value *total = frit_state(t, "total", FRIT_DT_F32, FRIT_LIST(4));
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(4));
    frit_model *m;
    ck_assert_int_eq(frit_compile(t, NULL, &m), FRIT_MISSING);
    ck_assert_str_eq(frit_error(t), "total: the state is never stored: call frit_store");
    frit_store(total, frit_add(total, x));
    ck_assert_msg(frit_compile(t, NULL, &m) == FRIT_OK, "%s", frit_error(t));
    float s[4] = {1, 2, 3, 4}, x_data[4] = {10, 10, 10, 10};
    const int64_t n = 4;
    const frit_tensor in[2] = {{s, FRIT_DT_F32, 1, &n, NULL}, {x_data, FRIT_DT_F32, 1, &n, NULL}};
    for (int i = 0; i < 3; i++) ck_assert_msg(frit_run(m, in, in) == FRIT_OK, "%s", frit_model_error(m));
    ck_assert_float_eq(s[3], 34);
    frit_model_destroy(m);
    frit_tracer_destroy(t);
}
END_TEST

/* Outputs of states share the memory of their inputs: a transpose of itself, two that swap, and readers of old values.
 */
START_TEST(states_never_destroy_what_is_read) {
    frit_tracer *t = frit_tracer_create("f");
    frit_value *s = frit_state(t, "s", FRIT_DT_F32, FRIT_LIST(3, 3));
    frit_value *a = frit_state(t, "a", FRIT_DT_F32, FRIT_LIST(3)), *b = frit_state(t, "b", FRIT_DT_F32, FRIT_LIST(3));
    frit_store(s, frit_transpose(s, FRIT_LIST(1, 0)));
    frit_store(a, b);
    frit_store(b, a);
    frit_output(frit_reduce(s, FRIT_REDUCE_SUM, FRIT_LIST(1), false), "sums");
    frit_output(a, "old");
    frit_model *m;
    ck_assert_msg(frit_compile(t, NULL, &m) == FRIT_OK, "%s", frit_error(t));
    float s_data[9], ab[2][3] = {{1, 1, 1}, {2, 2, 2}}, sums[3], old[3];
    for (int i = 0; i < 9; i++) s_data[i] = (float)i;
    const int64_t square[2] = {3, 3}, n = 3;
    const frit_tensor tensors[5] = {{s_data, FRIT_DT_F32, 2, square, NULL},
                                    {ab[0], FRIT_DT_F32, 1, &n, NULL},
                                    {ab[1], FRIT_DT_F32, 1, &n, NULL},
                                    {sums, FRIT_DT_F32, 1, &n, NULL},
                                    {old, FRIT_DT_F32, 1, &n, NULL}};
    ck_assert_msg(frit_run(m, tensors, tensors) == FRIT_OK, "%s", frit_model_error(m));
    for (int i = 0; i < 9; i++) ck_assert_float_eq(s_data[i], (float)(i % 3 * 3 + i / 3));
    for (int i = 0; i < 3; i++) {
        ck_assert_float_eq(ab[0][i], 2);
        ck_assert_float_eq(ab[1][i], 1);
        ck_assert_float_eq(sums[i], (float)(9 * i + 3));
        ck_assert_float_eq(old[i], 1);
    }
    frit_model_destroy(m);
    frit_tracer_destroy(t);
}
END_TEST

/* A state and an input of sizes of their own: the sum is as long as the longer one, and the state keeps its size. */
START_TEST(sizes_that_meet_at_run_time) {
    frit_tracer *t = frit_tracer_create("f");
    frit_dim n = frit_dim_sym(t, "n", 1, 9), m = frit_dim_sym(t, "m", 1, 9);
    frit_value *s = frit_state(t, "s", FRIT_DT_F32, FRIT_LIST(n)), *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(m));
    frit_value *sum = frit_add(s, x);
    ck_assert(frit_dim_of(sum, 0) == frit_dim_max(t, n, m));
    frit_store(s, sum);
    frit_output(frit_mul(sum, x), "y");
    frit_model *f;
    ck_assert_msg(frit_compile(t, NULL, &f) == FRIT_OK, "%s", frit_error(t));
    static const int64_t sizes[][2] = {{3, 3}, {3, 1}, {1, 1}};
    for (size_t k = 0; k < 3; k++) {
        float old[3] = {1, 2, 3}, x_data[3] = {10, 20, 30}, y[3];
        const frit_tensor in[2] = {{old, FRIT_DT_F32, 1, &sizes[k][0], NULL},
                                   {x_data, FRIT_DT_F32, 1, &sizes[k][1], NULL}};
        const frit_tensor out[2] = {in[0], {y, FRIT_DT_F32, 1, &sizes[k][0], NULL}};
        ck_assert_msg(frit_run(f, in, out) == FRIT_OK, "%s", frit_model_error(f));
        for (int i = 0; i < sizes[k][0]; i++) {
            float x_i = x_data[sizes[k][1] == 1 ? 0 : i];
            ck_assert_float_eq(old[i], (float)(i + 1) + x_i);
            ck_assert_float_eq(y[i], old[i] * x_i);
        }
    }
    const int64_t one = 1, three = 3;
    float a[3] = {0}, b[3] = {0}, y[3] = {0};
    const frit_tensor in[2] = {{a, FRIT_DT_F32, 1, &one, NULL}, {b, FRIT_DT_F32, 1, &three, NULL}};
    const frit_tensor out[2] = {in[0], {y, FRIT_DT_F32, 1, &three, NULL}};
    ck_assert_int_eq(frit_run(f, in, out), FRIT_SHAPE); /* a state does not grow */
    frit_model_destroy(f);
    frit_tracer_destroy(t);
}
END_TEST

/* ---- texts and files ---- */

static void record_small(frit_tracer *t, bool is_moved) {
    static const float w[3] = {1, 2, 3};
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(frit_dim_sym(t, "B", 1, 9), 3));
    if (is_moved) frit_exp(x); /* dead */
    frit_value *y = frit_name(frit_constant(t, FRIT_DT_F32, FRIT_LIST(3), w), "w");
    frit_output(frit_add(x, y), "y");
}

START_TEST(plain_text_is_the_program_alone) {
    frit_tracer *a = frit_tracer_create("f"), *b = frit_tracer_create("f");
    record_small(a, false);
    record_small(b, true);
    ck_assert_str_eq(frit_text(a, true), "func @f(%x: f32[B, 3]) -> (%y: f32[B, 3]) where B in 1..9 {\n"
                                         "  %w = const dense<1, 2, 3> : f32[3]\n"
                                         "  %0 = add %x, %w : f32[B, 3]\n"
                                         "  return %0\n"
                                         "}\n");
    ck_assert_str_eq(frit_text(a, true), frit_text(b, true));
    ck_assert_ptr_nonnull(strstr(frit_text(b, false), "loc(\""));
    frit_tracer_destroy(a);
    frit_tracer_destroy(b);
}
END_TEST

static char *file_bytes(const char *path, size_t *out_n) {
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    char *bytes = malloc(1 << 20);
    *out_n = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    unlink(path);
    return bytes;
}

/* Compiling changes nothing of a program: what is saved afterwards is the same. */
START_TEST(saving_twice_gives_the_same_bytes) {
    char path[] = "/tmp/frit_trace_XXXXXX";
    close(mkstemp(path));
    frit_tracer *t = frit_tracer_create("f");
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(frit_dim_sym(t, "B", 0, 0), 12));
    frit_output(frit_softmax(frit_layer_norm(x, frit_scalar(t, FRIT_DT_F32, 2), NULL, NULL), -1), "y");
    char *bytes[2];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(frit_save(t, NULL, path) == FRIT_OK, "%s", frit_error(t));
        bytes[i] = file_bytes(path, &n[i]);
    }
    ck_assert_uint_eq(n[0], n[1]);
    ck_assert_int_eq(memcmp(bytes[0], bytes[1], n[0]), 0);
    free(bytes[0]);
    free(bytes[1]);
    frit_tracer_destroy(t);
}
END_TEST

/* Code that calls a library cannot be loaded into this process: it is for files. */
START_TEST(products_of_a_library_are_for_files) {
    char path[] = "/tmp/frit_trace_XXXXXX";
    close(mkstemp(path));
    frit_tracer *t = frit_tracer_create("product");
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(4, 8)),
               *w = frit_input(t, "w", FRIT_DT_F32, FRIT_LIST(8, 8));
    frit_output(frit_matmul(x, w), "y");
    frit_compile_options o = {.struct_bytes = sizeof o, .calls_openblas = true};
    frit_model *m;
    ck_assert_int_eq(frit_compile(t, &o, &m), FRIT_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(frit_error(t), "only run from a file"));
    ck_assert_msg(frit_save(t, &o, path) == FRIT_OK, "%s", frit_error(t));
    unlink(path);
    frit_tracer_destroy(t);
}
END_TEST

int main(void) {
    Suite *s = suite_create("trace");
    TCase *c = tcase_create("trace");
    tcase_add_test(c, mistake_has_callers_place);
    tcase_add_test(c, mistakes_say_what);
    tcase_add_test(c, operators_by_name);
    tcase_add_test(c, files_are_compiled);
    tcase_add_test(c, null_is_harmless);
    tcase_add_test(c, wrong_pointers_say_so);
    tcase_add_test(c, failed_save_does_not_stop_recording);
    tcase_add_test(c, shapes_are_inferred_at_the_call);
    tcase_add_test(c, block_runs_as_evaluated_at_several_dims);
    tcase_add_test(c, images_run_as_evaluated);
    tcase_add_test(c, attention_with_views_runs_as_evaluated);
    tcase_add_test(c, a_call_can_give_a_dim);
    tcase_add_test(c, calls_that_would_leave_a_tensor_are_refused);
    tcase_add_test(c, model_outlives_its_tracer);
    tcase_add_test(c, state_is_handed_on);
    tcase_add_test(c, states_never_destroy_what_is_read);
    tcase_add_test(c, sizes_that_meet_at_run_time);
    tcase_add_test(c, plain_text_is_the_program_alone);
    tcase_add_test(c, saving_twice_gives_the_same_bytes);
    tcase_add_test(c, products_of_a_library_are_for_files);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
