/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The .fir form: print then parse is the identity, and every user error is one message with its place. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/graph/graph.h"
#include "ir/op/ir_doc.h"

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

static const char *printed(const graph *g) {
    strbuf b = {.a = &job};
    graph_print(&b, g);
    return strbuf_text(&b);
}

static const char *const exact[] = {
    "func @mlp(%x: f32[B, 64]) -> (%y: f32[B, 10]) where B in 1..512 @8 {\n"
    "  %w = const file(\"model.safetensors\", \"fc1.weight\") : f32[64, 10]\n"
    "  %0 = matmul %x, %w : f32[B, 10]\n"
    "  %1 = softmax %0 {axis = 1} : f32[B, 10]\n"
    "  return %1\n"
    "}\n",

    "func @names(%\"a/b\": f32[2], %x: f32[2]) -> (%\"out 1\": f32[2], %y: f32[2]) {\n"
    "  %t = add %\"a/b\", %x : f32[2] loc(\"model.onnx: node \\\"add 1\\\"\")\n"
    "  %t#1 = mul %t, %x : f32[2] loc(\"file.c:12\")\n"
    "  %0 = neg %t#1 : f32[2]\n"
    "  return %0, %t\n"
    "}\n",

    "func @consts() -> (%a: f32[3], %b: i8[2], %c: bool[2], %d: f16[4096, 16], %e: u64[1], %f: f32[], %g: f32[0]) {\n"
    "  %0 = const dense<0.1, -inf, 1e+20> : f32[3]\n"
    "  %1 = const dense<-128, 127> : i8[2]\n"
    "  %2 = const dense<true, false> : bool[2]\n"
    "  %3 = const random(7, 0.02) : f16[4096, 16]\n"
    "  %4 = const dense<18446744073709551615> : u64[1]\n"
    "  %5 = const splat(nan) : f32[]\n"
    "  %6 = const dense<> : f32[0]\n"
    "  return %0, %1, %2, %3, %4, %5, %6\n"
    "}\n",

    "func @states(%x: f32[1, D], %kv: f32[T, D] state 0) -> (%y: f32[D], %kv_out: f32[T, D] state 0) where D in 1..64, "
    "T "
    "in 16..1024 {\n"
    "  %0 = update %kv, %x {starts = [4, 0]} : f32[T, D]\n"
    "  %1 = reduce %0 {axes = [0]} : f32[D]\n"
    "  return %1, %0\n"
    "}\n",

    "func @hosts(%x: f32[S, 4], %n: i64[2] host) -> (%y: f32[N, 4]) where S in 8..8, N = %n[1] in 1..4 {\n"
    "  %0 = slice %x {starts = [0, 0], sizes = [N, 4], steps = [1, 1]} : f32[N, 4]\n"
    "  return %0\n"
    "}\n",

    "func @contracts(%x: f32[A], %y: f32[B]) -> (%z: f32[max(A, B)]) where A in 1..9, B in 1..9, require A ~ B \"add: "
    "sizes A "
    "and "
    "B must be equal\" {\n"
    "  %0 = add %x, %y : f32[max(A, B)]\n"
    "  return %0\n"
    "}\n",

    "func @cases(%x: f32[A], %y: f32[B]) -> (%z: f32[A]) where A in 1..9, B in 1..9, require A ~= B \"add: sizes\", "
    "require A ~> B \"\" {\n"
    "  %0 = add %x, %y : f32[A]\n"
    "  return %0\n"
    "}\n",

    "func @regions(%c: bool[], %x: f32[4]) -> (%y: f32[4]) {\n"
    "  %r = if %c, %x region(%a: f32[4]) {\n"
    "    %0 = neg %a : f32[4]\n"
    "    yield %0\n"
    "  } region(%b: f32[4]) {\n"
    "    %1 = exp %b : f32[4] loc(\"else\")\n"
    "    %2 = add %1, %x : f32[4]\n"
    "    yield %2\n"
    "  } : f32[4] loc(\"branch\")\n"
    "  return %r\n"
    "}\n",

    "func @demands(%c: bool[], %x: f32[A], %y: f32[B]) -> (%z: f32[either]) where A in 1..9, B in 1..9, either = "
    "result in "
    "1..18 {\n"
    "  %0 = if %c {dims = [either]} region() where require A ~ B \"add: sizes\" {\n"
    "    %1 = add %x, %y : f32[max(A, B)]\n"
    "    yield %1\n"
    "  } region() {\n"
    "    %2 = concat %x, %y {axis = 0} : f32[A + B]\n"
    "    yield %2\n"
    "  } : f32[either]\n"
    "  return %0\n"
    "}\n",

    "func @loop(%n: i64[], %x: f32[4]) -> (%y: f32[4], %s: f32[trips, 4]) where trips = result in 0..2147483647 {\n"
    "  %0 = const splat(true) : bool[]\n"
    "  %1, %2 = while %n, %0, %x {n_carried = 1, trips = [trips]} region(%3: i64[], %4: bool[], %5: f32[4]) {\n"
    "    %6 = add %5, %5 : f32[4]\n"
    "    yield %4, %6, %5\n"
    "  } : f32[4], f32[trips, 4]\n"
    "  return %1, %2\n"
    "}\n",

    "func @several(%x: f32[4, K], %i: i64[3]) -> (%v: f32[4, 2], %j: i64[4, 2], %g: f32[3, K], %z: i64[2, nonzero]) "
    "where K "
    "in 2..100, nonzero = result in 0..400 {\n"
    "  %0, %1 = topk %x {k = [2], axis = 1, largest = false} : f32[4, 2], i64[4, 2]\n"
    "  %2 = gather %x, %i {axis = 0} : f32[3, K]\n"
    "  %3 = nonzero %x {dims = [nonzero]} : i64[2, nonzero]\n"
    "  return %0, %1, %2, %3\n"
    "}\n",

    "func @dims(%x: f32[2*B + 1, S]) -> (%y: f32[2*B*S + S]) where B in 1..4, S in 2..65536 {\n"
    "  %0 = reshape %x {dims = [2*B*S + S]} : f32[2*B*S + S]\n"
    "  return %0\n"
    "}\n",
};

START_TEST(print_then_parse_is_identity) {
    graph *g = NULL;
    frit_status s = graph_parse(&c, "t.fir", exact[_i], &g);
    ck_assert_msg(s == FRIT_OK, "%s", c.message);
    ck_assert_str_eq(printed(g), exact[_i]);
    ck_assert_msg(graph_verify(&c, g) == FRIT_OK, "%s", c.message);
}
END_TEST

/* A text and the message that it earns. */
typedef struct bad_text {
    const char *text, *message;
} bad_text;

#define BODY(lines) "func @f(%x: f32[B, 4]) -> (%y: f32[B, 4]) {\n" lines "\n return %x }"
static const bad_text bad[] = {
    {"", "t.fir:1:1: expected 'func'"},
    {"func @f", "t.fir:1:8: expected '(', found ''"},
    {"func @f() -> () { return", "t.fir:1:25: expected '}', found ''"},
    {"func @f() -> () { return } x", "t.fir:1:28: text after the function"},
    {BODY("%a = sofmax %x"), "t.fir:2:6: 'sofmax' is not an operator; did you mean 'softmax'?"},
    {BODY("%a = neg %z"), "t.fir:2:10: '%z' is not defined before its use"},
    {BODY("%a = neg %x\n%a = exp %x"), "t.fir:4:2: 'a' is defined twice"},
    {BODY("%a, %b = neg %x"), "t.fir:3:2: neg gives 1 results, the text names 2"},
    {BODY("%a = neg %x : f32[B, 5]"), "t.fir:2:15: neg gives f32[B, 4], the text says f32[B, 5]"},
    {BODY("%a = softmax %x {axis = 2}"), "t.fir:2:14: softmax: axis 2 is outside rank 2"},
    {BODY("%a = softmax %x {axe = 2}"), "t.fir:2:21: softmax has no attribute 'axe'"},
    {BODY("%a = reduce %x {kind = sun}"), "t.fir:2:27: kind cannot be 'sun'; did you mean 'sum'?"},
    {BODY("%a = reduce %x {axes = [1, 1]}"), "t.fir:2:13: reduce: axis 1 is named twice"},
    {BODY("%c = const dense<1, 2, 3> : f32[3, 2]\n%a = matmul %x, %c"),
     "t.fir:2:26: the payload has 3 elements, its type needs 6"},
    {BODY("%c = const splat(1) : f32[3, 2]\n%a = matmul %x, %c"), "t.fir:3:13: matmul: inner sizes 4 and 3 differ"},
    {BODY("%c = const dense<300> : i8[1]"), "t.fir:2:18: '300' is not a value of i8"},
    {BODY("%c = const dense<1> : i8[99999999999, 99999999999]"), NULL},
    {BODY("%c = const dense<0xab> : i8[2]"), "t.fir:2:20: the payload has 2 hex digits, its type needs 4"},
    {BODY("%c = const \"unclosed"), "t.fir:3:13: a string is not closed"},
    {BODY("%a = add %x"), "t.fir:2:10: add: takes 2 operands, got 1"},
    {BODY("%a = not %x"), "t.fir:2:10: not: needs bool or an integer type, got f32"},
    {BODY("%a = reshape %x {dims = [B, 5]}"), "t.fir:2:14: reshape: [B, 4] has not as many elements as [B, 5]"},
    {BODY("%a = transpose %x {perm = [0]}"), "t.fir:2:16: transpose: perm has 1 entries, needs 2"},
    {BODY("%a = cast %x"), "t.fir:2:11: cast: has no 'to' type"},
    {BODY("%a = contract %x, %x {lhs = \"ab\", rhs = \"cb\", out = \"a\"}"),
     "t.fir:2:15: contract: label c is only in rhs: reduce it before"},
    {"func @f(%x: f32[B]) -> (%y: f32[B]) where B in 5..4 { return %x }", "t.fir:1:52: the range of 'B' is empty"},
    {"func @f(%x: f32[B]) -> (%y: f32[4]) { return %x }",
     "t.fir:1:50: output 'y' is f32[B], the signature says f32[4]"},
    {"func @f(%x: f33[B]) -> (%y: f32[4]) { return %x }", "t.fir:1:13: 'f33' is not an element type"},
    {"func @f(%x: f32[-1]) -> (%y: f32[4]) { return %x }", "t.fir:1:19: a size is negative: -1"},
    {"func @f(%0: f32[1]) -> (%y: f32[1]) { return %0 }", "t.fir:1:11: inputs and outputs have names, not numbers"},
    {"func @f(%x: f32[N]) -> (%y: f32[N]) where N = %k[0] in 1..2 { return %x }",
     "t.fir:1:36: 'N' is bound to an element of no input"},
};

START_TEST(user_errors_say_what_and_where) {
    graph *g = NULL;
    frit_status s = graph_parse(&c, "t.fir", bad[_i].text, &g);
    ck_assert_msg(s != FRIT_OK, "accepted: %s", bad[_i].text);
    ck_assert_ptr_nonnull(c.message);
    if (bad[_i].message) ck_assert_str_eq(c.message, bad[_i].message);
}
END_TEST

START_TEST(deep_nesting_is_refused) {
    strbuf b = {.a = &job};
    strbuf_add(&b, "func @f(%c: bool[]) -> () {\n");
    for (int i = 0; i < 5000; i++) strbuf_add(&b, "if %c region() {\n");
    graph *g = NULL;
    ck_assert_int_ne(graph_parse(&c, "t.fir", strbuf_text(&b), &g), FRIT_OK);
    ck_assert_ptr_nonnull(strstr(c.message, "nest more than"));
}
END_TEST

/* Cut and scrambled texts must fail or parse, never crash; what parses must print and verify. */
START_TEST(damaged_text_never_crashes) {
    uint64_t seed = 88172645463325252u + (uint64_t)_i;
    for (size_t k = 0; k < sizeof exact / sizeof exact[0]; k++) {
        for (int round = 0; round < 40; round++) {
            char *text = strdup(exact[k]);
            size_t n = strlen(text);
            for (int cuts = 0; cuts < 3; cuts++) {
                seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
                text[seed % n] = exact[k][(seed >> 20) % n];
            }
            if (round % 4 == 0) text[seed % n] = 0;
            graph *g = NULL;
            cx_clear(&c);
            if (graph_parse(&c, "t.fir", text, &g) == FRIT_OK) {
                ck_assert_msg(graph_verify(&c, g) == FRIT_OK, "%s\n%s", c.message, text);
                (void)printed(g);
            } else {
                ck_assert_ptr_nonnull(c.message);
            }
            free(text);
        }
    }
}
END_TEST

START_TEST(equal_nodes_are_one) {
    const char *text = "func @f(%x: f32[4], %y: f32[4]) -> (%z: f32[4]) {\n"
                       "  %a = add %x, %y\n  %b = add %y, %x\n  %c = mul %a, %b\n  return %c\n}\n";
    graph *g = NULL;
    ck_assert_int_eq(graph_parse(&c, "t.fir", text, &g), FRIT_OK);
    ck_assert_uint_eq(g->nodes.n, 2);
}
END_TEST

/* docs/IR.md is printed, not written: FRIT_BLESS=1 prints it again. */
START_TEST(document_is_the_printed_one) {
    strbuf b = {.a = &job};
    ir_doc_print(&b);
    FILE *f = fopen(IR_DOC, getenv("FRIT_BLESS") ? "w+b" : "rb");
    ck_assert_ptr_nonnull(f);
    if (getenv("FRIT_BLESS")) fputs(strbuf_text(&b), f);
    rewind(f);
    char *text = arena_alloc(&job, b.n + 2);
    size_t n = fread(text, 1, b.n + 1, f);
    fclose(f);
    ck_assert_msg(n == b.n && !memcmp(text, b.at, n), "docs/IR.md is not what the tables say: FRIT_BLESS=1");
}
END_TEST

int main(void) {
    Suite *s = suite_create("graph_text");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, print_then_parse_is_identity, 0, (int)countof(exact));
    tcase_add_loop_test(t, user_errors_say_what_and_where, 0, (int)countof(bad));
    tcase_add_loop_test(t, damaged_text_never_crashes, 0, 10);
    tcase_add_test(t, deep_nesting_is_refused);
    tcase_add_test(t, equal_nodes_are_one);
    tcase_add_test(t, document_is_the_printed_one);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
