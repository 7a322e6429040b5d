/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The ONNX reader on models written byte by byte: shape arithmetic, symbols, functions, and files that lie. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "frontend/onnx/onnx.h"

static arena job, scratch;
static cx c;
static char folder[] = "/tmp/frit-onnx-XXXXXX";

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void) {
    unlink(arena_printf(&job, "%s/m.onnx", folder));
    unlink(arena_printf(&job, "%s/w.bin", folder));
    ck_assert_int_eq(rmdir(folder), 0);
    arena_fini(&job), arena_fini(&scratch);
}

/* --- a writer of protocol buffers --- */

static strbuf buf(void) { return (strbuf){.a = &job}; }

static void put_varint(strbuf *b, uint64_t v) {
    for (; v >= 0x80; v >>= 7) strbuf_addc(b, (char)(v | 0x80));
    strbuf_addc(b, (char)v);
}
static void put_int(strbuf *b, unsigned field, int64_t v) { put_varint(b, field << 3), put_varint(b, (uint64_t)v); }
static void put_bytes(strbuf *b, unsigned field, const void *p, size_t n) {
    put_varint(b, field << 3 | 2), put_varint(b, n), strbuf_addn(b, p, n);
}
static void put_text(strbuf *b, unsigned field, const char *s) { put_bytes(b, field, s, strlen(s)); }
static void put_msg(strbuf *b, unsigned field, const strbuf *m) { put_bytes(b, field, strbuf_text(m), m->n); }

/* "x" with dims like "B,3,?" (letters are dim_params). */
static strbuf value_info(const char *name, int type, const char *dims) {
    strbuf shape = buf(), type_msg = buf(), t = buf(), info = buf();
    for (const char *p = dims; *p; p += strcspn(p, ","), p += *p == ',') {
        strbuf d = buf();
        if (*p >= '0' && *p <= '9')
            put_int(&d, 1, atoll(p));
        else if (*p != '?')
            put_bytes(&d, 2, p, strcspn(p, ","));
        put_msg(&shape, 1, &d);
    }
    put_int(&type_msg, 1, type), put_msg(&type_msg, 2, &shape);
    put_msg(&t, 1, &type_msg);
    put_text(&info, 1, name), put_msg(&info, 2, &t);
    return info;
}

static strbuf int_attr(const char *name, int64_t v) {
    strbuf a = buf();
    put_text(&a, 1, name), put_int(&a, 3, v), put_int(&a, 20, 2);
    return a;
}

/* "Op in,in -> out,out" with up to one attribute. */
static strbuf op_node(const char *text, const strbuf *attr) {
    strbuf n = buf();
    char *copy = arena_strdup(&job, text), *op = strtok(copy, " "), *in = strtok(NULL, " "), *arrow = strtok(NULL, " ");
    char *out = strtok(NULL, " ");
    ck_assert_str_eq(arrow, "->");
    for (char *s = strtok(in, ","); s; s = strtok(NULL, ",")) put_text(&n, 1, strcmp(s, "_") ? s : "");
    for (char *s = strtok(out, ","); s; s = strtok(NULL, ",")) put_text(&n, 2, s);
    put_text(&n, 3, arena_printf(&job, "the_%s", op)), put_text(&n, 4, op);
    if (attr) put_msg(&n, 5, attr);
    return n;
}

static strbuf ints(const char *name, uint32_t n, const int64_t *v) {
    strbuf t = buf();
    put_int(&t, 1, n), put_int(&t, 2, 7);
    put_text(&t, 8, name), put_bytes(&t, 9, v, n * sizeof *v);
    return t;
}

static strbuf model_of(const strbuf *g, const strbuf *function, int64_t opset) {
    strbuf m = buf(), set = buf(), own = buf();
    put_int(&m, 1, 8), put_msg(&m, 7, g);
    put_text(&set, 1, ""), put_int(&set, 2, opset), put_msg(&m, 8, &set);
    put_text(&own, 1, "own"), put_int(&own, 2, 1), put_msg(&m, 8, &own);
    if (function) put_msg(&m, 25, function);
    return m;
}

static void write_file(const char *name, const void *p, size_t n) {
    FILE *f = fopen(arena_printf(&job, "%s/%s", folder, name), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    fclose(f);
}

static frit_status read_model(const strbuf *m, const onnx_options *o, graph **g) {
    write_file("m.onnx", strbuf_text(m), m->n);
    return onnx_read(&c, arena_printf(&job, "%s/m.onnx", folder), o, g);
}

static const char *output_shape(const graph *g, uint32_t i) {
    strbuf b = buf();
    const tensor_type *t = &g->outputs.at[i].type;
    for (uint32_t k = 0; k < t->rank; k++)
        strbuf_printf(&b, "%s%s", k ? "," : "", dim_text(&job, g->dims, t->shape[k]));
    return strbuf_text(&b);
}

#define ADD_NODE(g, text, attr)                                                                                        \
    do {                                                                                                               \
        strbuf node_ = op_node(text, attr);                                                                            \
        put_msg(&(g), 1, &node_);                                                                                      \
    } while (0)
#define ADD_INFO(g, field, name, type, dims)                                                                           \
    do {                                                                                                               \
        strbuf info_ = value_info(name, type, dims);                                                                   \
        put_msg(&(g), field, &info_);                                                                                  \
    } while (0)

/* Reshape to (batch, length * 4) computed from Shape, Gather, Mul and Concat. */
START_TEST(shape_arithmetic_stays_symbolic) {
    strbuf g = buf(), axis = int_attr("axis", 0);
    strbuf zero = ints("zero", 1, (int64_t[]){0}), one = ints("one", 1, (int64_t[]){1}),
           four = ints("four", 1, (int64_t[]){4});
    ADD_NODE(g, "Shape x -> s", NULL);
    ADD_NODE(g, "Gather s,zero -> b", NULL);
    ADD_NODE(g, "Gather s,one -> l", NULL);
    ADD_NODE(g, "Mul l,four -> l4", NULL);
    ADD_NODE(g, "Concat b,l4 -> t", &axis);
    ADD_NODE(g, "Reshape x,t -> y", NULL);
    put_msg(&g, 5, &zero), put_msg(&g, 5, &one), put_msg(&g, 5, &four);
    ADD_INFO(g, 11, "x", 1, "batch,length,4");
    ADD_INFO(g, 12, "y", 1, "");
    strbuf m = model_of(&g, NULL, 17);
    graph *out;
    ck_assert_msg(read_model(&m, NULL, &out) == FRIT_OK, "%s", c.message);
    ck_assert_str_eq(output_shape(out, 0), "batch,4*length");
    ck_assert_uint_eq(out->contracts.n, 0);
    ck_assert_msg(graph_verify(&c, out) == FRIT_OK, "%s", c.message);
}
END_TEST

START_TEST(dims_are_named_and_never_unified) {
    strbuf g = buf();
    ADD_NODE(g, "Relu x -> y", NULL);
    ADD_INFO(g, 11, "x", 1, "?,N,?,3");
    ADD_INFO(g, 12, "y", 1, "");
    strbuf m = model_of(&g, NULL, 17);
    graph *out;
    ck_assert_int_eq(read_model(&m, NULL, &out), FRIT_OK);
    ck_assert_str_eq(output_shape(out, 0), "x.0,N,x.2,3");
    onnx_dim_option n = {.kind = ONNX_DIM_RANGE, .name = "N", .lo = 5, .hi = 5};
    onnx_options o = {.n_dims = 1, .dims = &n};
    ck_assert_int_eq(read_model(&m, &o, &out), FRIT_OK);
    ck_assert_str_eq(output_shape(out, 0), "x.0,5,x.2,3");
    n.name = "M";
    ck_assert_int_eq(read_model(&m, &o, &out), FRIT_USAGE);
}
END_TEST

/* An integer input that decides extents becomes host symbols; one that decides axes must be a constant. */
START_TEST(integer_inputs) {
    strbuf g = buf();
    ADD_NODE(g, "Reshape x,t -> y", NULL);
    ADD_INFO(g, 11, "x", 1, "N");
    ADD_INFO(g, 11, "t", 7, "2");
    ADD_INFO(g, 12, "y", 1, "");
    strbuf m = model_of(&g, NULL, 17);
    graph *out;
    ck_assert_msg(read_model(&m, NULL, &out) == FRIT_OK, "%s", c.message);
    ck_assert_str_eq(output_shape(out, 0), "t.0,t.1");
    ck_assert(out->inputs.at[1].is_host);
    const char *wanted = NULL;
    onnx_options o = {.refuse_host_dims = true, .out_wanted = &wanted};
    ck_assert_int_eq(read_model(&m, &o, &out), FRIT_MISSING);
    ck_assert_str_eq(wanted, "t");
    cx_clear(&c);
    int64_t values[2] = {2, -1}, extent = 2;
    onnx_const k = {"t", {.kind = CONST_DENSE, .dt = FRIT_DT_I64, .dims = {1, &extent}, .bytes = values}};
    o.n_consts = 1, o.consts = &k;
    ck_assert_msg(read_model(&m, &o, &out) == FRIT_OK, "%s", c.message);
    ck_assert_str_eq(output_shape(out, 0), "2,N floordiv 2");
}
END_TEST

static strbuf function_of(const char *name, const char *body) {
    strbuf f = buf(), set = buf();
    put_text(&f, 1, name), put_text(&f, 4, "a"), put_text(&f, 5, "r");
    ADD_NODE(f, "Identity a -> a2", NULL);
    f.n = 0; /* the fields again, with nodes under number 7 */
    put_text(&f, 1, name), put_text(&f, 4, "a"), put_text(&f, 5, "r"), put_text(&f, 10, "own");
    strbuf n = op_node(body, NULL);
    if (strstr(body, name)) put_text(&n, 7, "own");
    put_msg(&f, 7, &n);
    put_text(&set, 1, ""), put_int(&set, 2, 17), put_msg(&f, 9, &set);
    return f;
}

START_TEST(functions_are_inlined) {
    const char *bodies[] = {"Neg a -> r", "Twice a -> r"};
    for (int i = 0; i < 2; i++) {
        strbuf g = buf(), call = op_node("Twice x -> y", NULL), f = function_of("Twice", bodies[i]);
        put_text(&call, 7, "own"), put_msg(&g, 1, &call);
        ADD_INFO(g, 11, "x", 1, "N");
        ADD_INFO(g, 12, "y", 1, "");
        strbuf m = model_of(&g, &f, 17);
        graph *out;
        frit_status status = read_model(&m, NULL, &out);
        if (i == 0) {
            ck_assert_msg(status == FRIT_OK, "%s", c.message);
            ck_assert_int_eq(graph_def(out, out->regions.at[0].results.at[0])->op, OP_neg);
            continue;
        }
        ck_assert_int_eq(status, FRIT_FORMAT);
        ck_assert_ptr_nonnull(strstr(c.message, "calls itself"));
    }
}
END_TEST

START_TEST(unsupported_operators_are_listed_at_once) {
    strbuf g = buf();
    ADD_NODE(g, "Frobnicate x -> y", NULL);
    ADD_NODE(g, "Frobnicate y -> z", NULL);
    ADD_NODE(g, "Swish z -> w", NULL);
    ADD_INFO(g, 11, "x", 1, "N");
    ADD_INFO(g, 12, "w", 1, "");
    strbuf m = model_of(&g, NULL, 17);
    graph *out;
    ck_assert_int_eq(read_model(&m, NULL, &out), FRIT_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(c.message, "Frobnicate (2 nodes, first 'the_Frobnicate')"));
    ck_assert_ptr_nonnull(strstr(c.message, "Swish of opset 17"));
}
END_TEST

/* --- files that lie --- */

static void refused(const strbuf *m, frit_status expected, const char *text) {
    graph *out;
    frit_status status = read_model(m, NULL, &out);
    ck_assert_msg(status == expected, "%s: %s", text, c.message ? c.message : "accepted");
    ck_assert_msg(strstr(c.message, text), "'%s' is not in '%s'", text, c.message);
    ck_assert_ptr_null(out);
    cx_clear(&c);
}

static strbuf relu_of_weight(const strbuf *weight) {
    strbuf g = buf();
    ADD_NODE(g, "Relu w -> y", NULL);
    put_msg(&g, 5, weight);
    ADD_INFO(g, 12, "y", 1, "");
    return model_of(&g, NULL, 17);
}

START_TEST(lying_tensors) {
    strbuf t = buf(), m;
    put_int(&t, 1, INT64_MAX / 2), put_int(&t, 2, 1), put_text(&t, 8, "w");
    m = relu_of_weight(&t), refused(&m, FRIT_FORMAT, "impossible dims");
    t = buf(), put_int(&t, 1, 1 << 30), put_int(&t, 2, 1), put_text(&t, 8, "w"), put_bytes(&t, 9, "abcd", 4);
    m = relu_of_weight(&t), refused(&m, FRIT_FORMAT, "another length");
    t = buf(), put_int(&t, 1, 1 << 30), put_int(&t, 2, 6), put_text(&t, 8, "w"), put_bytes(&t, 5, "abcd", 4);
    m = relu_of_weight(&t), refused(&m, FRIT_FORMAT, "less data");
    const char *names[] = {"../secret", "/etc/passwd", "missing.bin"};
    for (int i = 0; i < 3; i++) {
        strbuf e = buf();
        put_text(&e, 1, "location"), put_text(&e, 2, names[i]);
        t = buf(), put_int(&t, 1, 1), put_int(&t, 2, 1), put_text(&t, 8, "w"), put_msg(&t, 13, &e), put_int(&t, 14, 1);
        graph *out;
        m = relu_of_weight(&t);
        ck_assert_int_ne(read_model(&m, NULL, &out), FRIT_OK);
        cx_clear(&c);
    }
}
END_TEST

START_TEST(external_data) {
    float values[3] = {1, -2, 3};
    write_file("w.bin", values, sizeof values);
    for (int too_far = 0; too_far < 2; too_far++) {
        strbuf e = buf(), offset = buf(), t = buf();
        put_text(&e, 1, "location"), put_text(&e, 2, "w.bin");
        put_text(&offset, 1, "offset"), put_text(&offset, 2, too_far ? "8" : "4");
        put_int(&t, 1, 2), put_int(&t, 2, 1), put_text(&t, 8, "w");
        put_msg(&t, 13, &e), put_msg(&t, 13, &offset), put_int(&t, 14, 1);
        strbuf m = relu_of_weight(&t);
        if (too_far) {
            refused(&m, FRIT_FORMAT, "beyond the end");
            continue;
        }
        graph *g;
        tensor y;
        ck_assert_msg(read_model(&m, NULL, &g) == FRIT_OK, "%s", c.message);
        ck_assert_int_eq(eval_graph(&c, g, &job, NULL, &y), FRIT_OK);
        ck_assert(((float *)y.data)[0] == 0 && ((float *)y.data)[1] == 3);
    }
}
END_TEST

START_TEST(deep_nesting_is_refused) {
    strbuf g = buf();
    for (int i = 0; i < 2000; i++) {
        strbuf a = buf(), n = buf(), outer = buf();
        put_text(&a, 1, "body"), put_msg(&a, 6, &g), put_int(&a, 20, 5);
        put_text(&n, 4, "Loop"), put_msg(&n, 5, &a);
        put_msg(&outer, 1, &n);
        g = outer;
    }
    strbuf m = model_of(&g, NULL, 17);
    refused(&m, FRIT_FORMAT, "nested");
}
END_TEST

START_TEST(cycles_and_missing_values) {
    strbuf g = buf();
    ADD_NODE(g, "Add x,z -> y", NULL);
    ADD_NODE(g, "Relu y -> z", NULL);
    ADD_INFO(g, 11, "x", 1, "N");
    ADD_INFO(g, 12, "z", 1, "");
    strbuf m = model_of(&g, NULL, 17);
    refused(&m, FRIT_FORMAT, "before it is computed");
    g = buf();
    ADD_NODE(g, "Relu x -> y", NULL);
    ADD_NODE(g, "Neg x -> y", NULL);
    ADD_INFO(g, 11, "x", 1, "N");
    ADD_INFO(g, 12, "y", 1, "");
    m = model_of(&g, NULL, 17);
    refused(&m, FRIT_FORMAT, "defined twice");
    m = model_of(&g, NULL, 99);
    refused(&m, FRIT_UNSUPPORTED, "opset 99");
}
END_TEST

START_TEST(opsets_have_to_be_imported) {
    strbuf g = buf(), m = buf(), set = buf();
    ADD_NODE(g, "Softmax x -> y", NULL);
    ADD_INFO(g, 11, "x", 1, "2,3,4");
    ADD_INFO(g, 12, "y", 1, "");
    put_int(&m, 1, 8), put_msg(&m, 7, &g);
    refused(&m, FRIT_FORMAT, "does not say which opset 'the_Softmax' (Softmax) is of");
    put_text(&set, 1, "own"), put_int(&set, 2, 1), put_msg(&m, 8, &set);
    refused(&m, FRIT_FORMAT, "does not say which opset");
}
END_TEST

START_TEST(attributes_of_another_type) {
    strbuf g = buf(), axis = buf();
    put_text(&axis, 1, "axis"), put_text(&axis, 4, "1"), put_int(&axis, 20, 3);
    ADD_NODE(g, "Softmax x -> y", &axis);
    ADD_INFO(g, 11, "x", 1, "2,3");
    ADD_INFO(g, 12, "y", 1, "");
    strbuf m = model_of(&g, NULL, 17);
    refused(&m, FRIT_FORMAT, "the_Softmax (Softmax): attribute 'axis' is of a type that Softmax does not take");
}
END_TEST

START_TEST(weights_of_unknown_types) {
    strbuf t = buf(), m;
    put_int(&t, 1, 1), put_int(&t, 2, 8), put_text(&t, 8, "w"), put_text(&t, 6, "text");
    m = relu_of_weight(&t), refused(&m, FRIT_UNSUPPORTED, "tensor 'w' is of type STRING");
    t = buf(), put_int(&t, 1, 1), put_int(&t, 2, 99), put_text(&t, 8, "w");
    m = relu_of_weight(&t), refused(&m, FRIT_UNSUPPORTED, "tensor 'w' is of type UNKNOWN");
}
END_TEST

/* A file of weights is named by the model: an empty name is not the model file itself. */
START_TEST(external_data_without_a_file) {
    strbuf e = buf(), t = buf(), m;
    put_text(&e, 1, "location"), put_text(&e, 2, "");
    put_int(&t, 1, 1), put_int(&t, 2, 1), put_text(&t, 8, "w"), put_msg(&t, 13, &e), put_int(&t, 14, 1);
    m = relu_of_weight(&t), refused(&m, FRIT_FORMAT, "names no file");
    e = buf(), t = buf(); /* a name that would end earlier where it is read */
    put_text(&e, 1, "location"), put_bytes(&e, 2, "w.bin\0x", 7);
    put_int(&t, 1, 1), put_int(&t, 2, 1), put_text(&t, 8, "w"), put_msg(&t, 13, &e), put_int(&t, 14, 1);
    m = relu_of_weight(&t), refused(&m, FRIT_FORMAT, "'w.bin' holds a zero byte");
    e = buf(), t = buf();
    put_text(&e, 1, "location"), put_text(&e, 2, "gone.bin");
    put_int(&t, 1, 1), put_int(&t, 2, 1), put_text(&t, 8, "w"), put_msg(&t, 13, &e), put_int(&t, 14, 1);
    const char *said =
        arena_printf(&job, "m.onnx: tensor 'w' lies in a file beside the model: %s/gone.bin: No such file", folder);
    m = relu_of_weight(&t), refused(&m, FRIT_IO, said);
}
END_TEST

/* y = x + w, where the model has a w of its own that a caller may replace. */
START_TEST(consts_replace_defaults) {
    static const float own[] = {1, 2}, given[] = {10, 20};
    strbuf g = buf(), t = buf();
    ADD_NODE(g, "Add x,w -> y", NULL);
    put_int(&t, 1, 2), put_int(&t, 2, 1), put_text(&t, 8, "w"), put_bytes(&t, 9, own, sizeof own), put_msg(&g, 5, &t);
    ADD_INFO(g, 11, "x", 1, "2");
    ADD_INFO(g, 11, "w", 1, "2");
    ADD_INFO(g, 12, "y", 1, "");
    strbuf m = model_of(&g, NULL, 17);
    int64_t two = 2, three = 3;
    onnx_const w = {"w", {.kind = CONST_DENSE, .dt = FRIT_DT_F32, .dims = {1, &two}, .bytes = given}};
    onnx_options o = {.n_consts = 1, .consts = &w};
    graph *out;
    tensor x = {.dt = FRIT_DT_F32, .rank = 1, .shape = {2}, .data = (float[]){0, 0}}, y;
    ck_assert_msg(read_model(&m, &o, &out) == FRIT_OK, "%s", c.message);
    ck_assert_int_eq(eval_graph(&c, out, &job, &x, &y), FRIT_OK);
    ck_assert(((float *)y.data)[0] == 10 && ((float *)y.data)[1] == 20);
    w.data.dims = (int_list){1, &three};
    ck_assert_int_eq(read_model(&m, &o, &out), FRIT_SHAPE);
    ck_assert_str_eq(c.message, "w: dim 0 is 2 in the model, 3 in the constant given");
    cx_clear(&c);
    w.data.dims = (int_list){0, NULL};
    ck_assert_int_eq(read_model(&m, &o, &out), FRIT_SHAPE);
    cx_clear(&c);
}
END_TEST

/* Every prefix of a model, and models with bytes changed at random, give an answer and never a fault. */
START_TEST(mutations) {
    mapped_file f;
    const char *path = "tests/models/encoder_dynamo.onnx";
    const char *root = getenv("FRIT_SOURCE");
    if (root) path = arena_printf(&job, "%s/%s", root, path);
    if (access(path, R_OK) != 0) return; /* run from elsewhere */
    ck_assert_int_eq(file_map(&c, path, &f), FRIT_OK);
    uint64_t seed = 1;
    const char *rounds = getenv("FRIT_ROUNDS");
    int n = rounds ? atoi(rounds) : 150;
    for (int i = 0; i < n; i++) {
        arena round_job, round_scratch;
        arena_init(&round_job), arena_init(&round_scratch);
        cx k = {.job = &round_job, .scratch = &round_scratch};
        uint8_t *copy = arena_copy(&round_job, f.data, f.bytes);
        size_t size = f.bytes;
        for (int j = 0; j < 4; j++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t at = (size_t)(seed >> 20) % f.bytes;
            if (i % 5 == 0)
                size = at;
            else
                copy[at] = (uint8_t)(seed >> 56);
        }
        write_file("m.onnx", copy, size);
        graph *g;
        frit_status status = onnx_read(&k, arena_printf(&round_job, "%s/m.onnx", folder), NULL, &g);
        ck_assert(status == FRIT_OK || k.message);
        arena_fini(&round_job), arena_fini(&round_scratch);
    }
    file_unmap(&f);
}
END_TEST

int main(void) {
    Suite *s = suite_create("onnx");
    TCase *k = tcase_create("onnx");
    tcase_set_timeout(k, 60);
    tcase_add_checked_fixture(k, setup, teardown);
    tcase_add_test(k, shape_arithmetic_stays_symbolic);
    tcase_add_test(k, dims_are_named_and_never_unified);
    tcase_add_test(k, integer_inputs);
    tcase_add_test(k, functions_are_inlined);
    tcase_add_test(k, unsupported_operators_are_listed_at_once);
    tcase_add_test(k, lying_tensors);
    tcase_add_test(k, external_data);
    tcase_add_test(k, deep_nesting_is_refused);
    tcase_add_test(k, cycles_and_missing_values);
    tcase_add_test(k, opsets_have_to_be_imported);
    tcase_add_test(k, attributes_of_another_type);
    tcase_add_test(k, weights_of_unknown_types);
    tcase_add_test(k, external_data_without_a_file);
    tcase_add_test(k, consts_replace_defaults);
    tcase_add_test(k, mutations);
    suite_add_tcase(s, k);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int n_failed = srunner_ntests_failed(r);
    srunner_free(r);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
