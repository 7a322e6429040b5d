/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sizes that broadcast against each other: the program as it is and the case that they are equal. Each graph runs at
 * several sizes as interpreted kernels for CPUs and for CUDA's threads and as an artifact, and must give what the
 * evaluator gives; the kernels of the case are those of one symbol for both sizes. */
#include <check.h>
#include <string.h>

#include "tests/lowered.h"
#include "tests/op_cases.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&scratch), arena_fini(&job); }

static graph *parsed(const char *text) {
    graph *g = NULL;
    ck_assert_msg(graph_parse(&c, "t", text, &g) == FRIT_OK, "%s", c.message);
    ck_assert_msg(graph_verify(&c, g) == FRIT_OK, "%s", c.message);
    return g;
}

/* Graphs of inputs x and y, whose first symbols are n and m. */
static const char *const graphs[] = {
    "func @add(%x: f32[n, 3], %y: f32[m, 3]) -> (%z: f32[max(m, n)*min(m, n, 1), 3]) where n in 0..9, m in 0..9 {\n"
    " %r = add %x, %y\n return %r }",

    "func @inner(%x: f32[3, n], %y: f32[3, m]) -> (%z: f32[3, max(m, n)]) {\n"
    " %r = mul %x, %y\n %s = softmax %r {axis = 1}\n return %s }",

    "func @row(%x: f32[n, 16], %y: f32[m, 16]) -> (%z: f32[max(m, n)]) {\n"
    " %r = sub %x, %y\n %s = exp %r\n %t = reduce %s {kind = sum, axes = [1]}\n return %t }",

    "func @columns(%x: f32[n, 5], %y: f32[m, 5]) -> (%z: f32[5]) {\n"
    " %r = add %x, %y\n %t = reduce %r {kind = max, axes = [0]}\n return %t }",

    "func @product(%x: f32[n, 4, 8], %y: f32[m, 8, 6]) -> (%z: f32[max(m, n), 4, 6]) {\n"
    " %r = matmul %x, %y\n %s = relu %r\n return %s }",

    "func @weights(%x: f32[n, 32], %y: f32[m, 32]) -> (%z: f32[max(m, n), 32]) {\n"
    " %w = const random(1, 0.1) : f32[32, 32]\n %r = add %x, %y\n %s = matmul %r, %w\n %t = add %s, %x\n return %t }",

    "func @masked(%x: f32[n, 2, 3, 8], %y: f32[m, 1, 3, 3]) -> (%z: f32[max(m, n), 2, 3, 8]) {\n"
    " %t = transpose %x {perm = [0, 1, 3, 2]}\n %s = matmul %x, %t\n %a = add %s, %y\n %p = softmax %a {axis = 3}\n"
    " %r = matmul %p, %x\n return %r }",

    "func @stages(%x: f32[n, 3], %y: f32[m, 3]) -> (%z: f32[max(m, n), 3]) {\n"
    " %r = add %x, %y\n %s = scan %r {kind = sum, axis = 0}\n %t = add %s, %y\n return %t }",

    "func @regions(%x: f32[n, 3], %y: f32[m, 3]) -> (%z: f32[max(m, n), 3], %u: f32[3]) {\n"
    " %r = add %x, %y\n %zero = const splat(0) : f32[3]\n"
    " %u, %s = scan_loop %zero, %r {n_carried = 1, in_axes = [0], out_axes = [0]} region(%h: f32[3], %a: f32[3]) {\n"
    "  %k = add %h, %a\n  yield %k, %k }\n return %s, %u }",

    "func @state(%x: f32[n, 3] state 0, %y: f32[m, 3]) -> (%z: f32[n, 3] state 0, %u: f32[max(m, n), 3]) {\n"
    " %r = add %x, %y\n %o = broadcast %r {dims = [n, 3]}\n return %o, %r }",
};

static tensor input(const graph *g, uint32_t i, const int64_t *values) {
    const tensor_type *t = &g->inputs.at[i].type;
    int64_t shape[MAX_RANK];
    tensor x;
    for (uint32_t k = 0; k < t->rank; k++) ck_assert(dim_eval(&c, g->dims, t->shape[k], values, &shape[k]) == FRIT_OK);
    ck_assert(tensor_alloc(&c, &job, t->dt, t->rank, shape, &x) == FRIT_OK);
    for (int64_t k = 0; k < tensor_count(&x); k++)
        ((float *)x.data)[k] = (float)((k * 7 + (int64_t)i * 3) % 11) / 4 - 1;
    return x;
}

static tensor copy_of(const tensor *t) {
    tensor copy;
    ck_assert(tensor_alloc(&c, &job, t->dt, t->rank, t->shape, &copy) == FRIT_OK);
    memcpy(copy.data, t->data, dtype_bytes(t->dt, (size_t)tensor_count(t)));
    return copy;
}

/* n and m of the graph's symbols. */
static const int64_t *sizes(const graph *g, int64_t n, int64_t m) {
    int64_t *values = ARENA_ARRAY(&job, int64_t, dim_n_syms(g->dims) + 1u);
    sym_id s;
    if (dim_sym_find(g->dims, "n", &s)) values[s] = n;
    if (dim_sym_find(g->dims, "m", &s)) values[s] = m;
    return values;
}

static void expect_same(const char *what, const graph *g, const tensor *got, const tensor *want, int64_t n, int64_t m) {
    for (uint32_t i = 0; i < g->outputs.n; i++) {
        const char *why = tensor_difference(&job, &got[i], &want[i], (closeness){16, 4e-6});
        ck_assert_msg(!why, "%s, %s, n = %lld, m = %lld: %s", g->name, what, (long long)n, (long long)m, why);
    }
}

START_TEST(gives_what_the_evaluator_gives) {
    static const int64_t all[][2] = {{4, 4}, {1, 5}, {5, 1}, {1, 1}, {8, 8}, {0, 1}, {1, 0}, {0, 0}};
    static const struct {
        const char *name;
        lowered_options o;
    } ways[] = {{"interpreted", {.cpu = "x86-64-v3", .is_interpreted = true, .is_checked = true}},
                {"interpreted for CUDA", {.arch = "sm_90a", .is_interpreted = true}},
                {"machine code", {.is_checked = true}}};
    bool may_be_empty = strstr(graphs[_i], "n in 0") != NULL, has_state = strstr(graphs[_i], "state") != NULL;
    for (size_t w = 0; w < countof(ways); w++) {
        graph *g = parsed(graphs[_i]);
        lowered l;
        ck_assert_msg(lowered_open(&c, g, &ways[w].o, &l) == FRIT_OK, "%s: %s", g->name, c.message);
        for (size_t k = 0; k < countof(all); k++) {
            int64_t n = all[k][0], m = all[k][1];
            if ((!may_be_empty && (n == 0 || m == 0)) || (has_state && m > n)) continue;
            const int64_t *values = sizes(g, n, m);
            tensor in[2] = {input(g, 0, values), input(g, 1, values)}, want[2], got[2];
            ck_assert_msg(eval_graph(&c, g, &job, in, want) == FRIT_OK, "%s: %s", g->name, c.message);
            if (has_state) in[0] = copy_of(&in[0]);
            ck_assert_msg(lowered_apply(&c, &l, in, got) == FRIT_OK, "%s, %s: %s", g->name, ways[w].name, c.message);
            expect_same(ways[w].name, g, got, want, n, m);
        }
        lowered_close(&l);
    }
}
END_TEST

START_TEST(sizes_that_do_not_fit_are_refused) {
    static const lowered_options ways[] = {{.cpu = "x86-64-v3", .is_interpreted = true}, {0}};
    for (size_t w = 0; w < countof(ways); w++) {
        graph *g = parsed(graphs[0]);
        lowered l;
        ck_assert_msg(lowered_open(&c, g, &ways[w], &l) == FRIT_OK, "%s", c.message);
        const int64_t *values = sizes(g, 3, 5);
        tensor in[2] = {input(g, 0, values), input(g, 1, values)}, got[2];
        ck_assert_int_eq(lowered_apply(&c, &l, in, got), FRIT_SHAPE);
        const char *said = "add: sizes n = 3 and m = 5 do not broadcast: they must be equal or one of them 1";
        ck_assert_str_eq(c.message, said);
        cx_clear(&c);
        ck_assert_int_eq(eval_graph(&c, g, &job, in, got), FRIT_SHAPE);
        ck_assert_str_eq(c.message, said);
        cx_clear(&c);
        lowered_close(&l);
    }
}
END_TEST

static plan *planned(const char *text) {
    plan *p;
    ck_assert_msg(lowered_plan(&c, parsed(text), &(lowered_options){.cpu = "x86-64-v3"}, &p) == FRIT_OK, "%s",
                  c.message);
    return p;
}

/* text with every m written as n, and extents of both as n. */
static const char *with_one_symbol(const char *text) {
    static const char *const pairs[][2] = {{"max(m, n)", "n"}, {"[m,", "[n,"}, {", m]", ", n]"}};
    strbuf b = {.a = &job};
    while (*text) {
        size_t k = 0;
        while (k < countof(pairs) && strncmp(text, pairs[k][0], strlen(pairs[k][0]))) k++;
        if (k < countof(pairs))
            strbuf_add(&b, pairs[k][1]);
        else
            strbuf_addc(&b, *text);
        text += k < countof(pairs) ? strlen(pairs[k][0]) : 1;
    }
    return strbuf_text(&b);
}

static bool step_is_launch(const pstep *s, uint32_t number) { return s->kind == PS_LAUNCH && s->kernel == number; }

START_TEST(case_costs_what_one_symbol_costs) {
    if (strstr(graphs[_i], "n in 0")) return;    /* its symbols have ranges of their own */
    if (strstr(graphs[_i], "scan_loop")) return; /* the number of a turn's symbol counts the symbols before it */
    plan *two = planned(graphs[_i]), *one = planned(with_one_symbol(graphs[_i]));
    ck_assert_uint_eq(two->steps.n, 1);
    const pstep *choice = &two->steps.at[0];
    ck_assert_int_eq(choice->kind, PS_CHOICE);
    ck_assert_uint_eq(choice->n_alts, 2);
    ck_assert_uint_eq(choice->alts[0].body.n, one->steps.n);
    ck_assert_uint_ge(two->kernels.n, one->kernels.n);
    for (uint32_t i = 0; i < one->kernels.n; i++) {
        uint8_t a[32], b[32];
        kernel_digest(one->kernels.at[i], a);
        kernel_digest(two->kernels.at[i], b);
        ck_assert_msg(!memcmp(a, b, sizeof a), "%s: kernel %s differs", two->iface->name, one->kernels.at[i]->name);
    }
    for (uint32_t i = 0; i < one->steps.n; i++)
        ck_assert_int_eq(step_is_launch(&one->steps.at[i], i), step_is_launch(&choice->alts[0].body.at[i], i));
    ck_assert_uint_eq(two->consts.n, one->consts.n);
}
END_TEST

START_TEST(nothing_tied_is_compiled_once) {
    plan *p = planned("func @f(%x: f32[n, 3], %y: f32[n, 3]) -> (%z: f32[n, 3]) {\n %r = add %x, %y\n return %r }");
    ck_assert_int_eq(p->steps.at[0].kind, PS_LAUNCH);
    ck_assert_uint_eq(p->kernels.n, 1);
}
END_TEST

/* A size that is a sum is solved for the symbol that stands alone. */
START_TEST(sums_make_a_case) {
    plan *p = planned("func @f(%x: f32[p, 3], %y: f32[t, 3]) -> (%z: f32[p + 1, 3]) {\n"
                      " %one = const splat(1) : f32[1, 3]\n %k = concat %x, %one {axis = 0}\n"
                      " %r = add %k, %y\n return %r }");
    ck_assert_int_eq(p->steps.at[0].kind, PS_CHOICE);
    dim d = p->steps.at[0].alts[0].lhs;
    int64_t values[2] = {3, 4}, distance = -1;
    ck_assert(dim_eval(&c, p->iface->dims, d, values, &distance) == FRIT_OK);
    ck_assert_int_eq(distance, 0);
    values[1] = 1;
    ck_assert(dim_eval(&c, p->iface->dims, d, values, &distance) == FRIT_OK);
    ck_assert_int_gt(distance, 0);
}
END_TEST

int main(void) {
    Suite *s = suite_create("cases");
    TCase *t = tcase_create("cases");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, gives_what_the_evaluator_gives, 0, (int)countof(graphs));
    tcase_add_loop_test(t, case_costs_what_one_symbol_costs, 0, (int)countof(graphs));
    tcase_add_test(t, sizes_that_do_not_fit_are_refused);
    tcase_add_test(t, nothing_tied_is_compiled_once);
    tcase_add_test(t, sums_make_a_case);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
