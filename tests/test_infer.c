/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inference and the verifier: every mistake of a user is one sentence with operator and dims; every invariant of the
 * verifier is broken once and found. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ir/graph/graph.h"

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

/* Inputs that the lines below may use. */
#define SIGNATURE                                                                                                      \
    "func @f(%v: f32[4], %x: f32[B, 4], %n: f32[2, 3], %q: f32[B, 2, S, 8], %k: f32[B, 3, T, 8], %i: i64[3], %b: "     \
    "bool[2, 3], %s: f32[], %img: f32[1, 4, 5, 5], %w: f32[6, 4, 3, 3], %u: bool[], %h: f16[2, 3]) -> () where B in "  \
    "1..64, S in 1..64, T in 1..64 {\n"

/* A line and what is said about it; NULL: accepted. */
typedef struct line_case {
    const char *line, *message;
} line_case;
static const line_case lines[] = {
    {"%r = add %x, %n", "add: sizes 4 and 3 differ"},
    {"%r = add %n, %i", "add: operands 0 and 1 are f32 and i64"},
    {"%r = add %b, %b", "add: needs a number type, got bool"},
    {"%r = exp %i", "exp: needs a float type, got i64"},
    {"%r = popcount %n", "popcount: needs an integer type, got f32"},
    {"%r = select %n, %n, %n", "select: the condition is f32, not bool"},
    {"%r = bitcast %n {to = f16}", "bitcast: f32 and f16 differ in width"},
    {"%r = add %x, %v", NULL},
    {"%r = broadcast %n {dims = [3, 2]}", "broadcast: sizes 3 and 2 differ"},
    {"%r = broadcast %n {dims = [3]}", "broadcast: sizes: [2, 3] does not broadcast to [3]"},
    {"%r = reshape %n {dims = [7]}", "reshape: [2, 3] has not as many elements as [7]"},
    {"%r = reshape %n {dims = [-6]}", "reshape: dims[0] is -6, below 0"},
    {"%r = transpose %n {perm = [0, 0]}", "transpose: axis 0 is named twice"},
    {"%r = slice %n {starts = [0, 1], sizes = [2, 3]}", "slice: axis 1: elements 1..3 lie outside its extent 3"},
    {"%r = slice %n {starts = [0, 0], sizes = [2, 3], steps = [1, 0]}", "slice: steps[1] is 0"},
    {"%r = slice %n {starts = [0], sizes = [2, 3]}", "slice: starts has 1 entries, needs 2"},
    {"%r = pad %n {lo = [0, -4], hi = [0, 0]}", "pad: size[1] is -1, below 0"},
    {"%r = pad %n, %v {lo = [0, 0], hi = [0, 0]}", "pad: operand 1 is [4], its rank must be 0"},
    {"%r = window %n {axes = [1], sizes = [0]}", "window: sizes[0] is 0, outside 1..2147483647"},
    {"%r = window %n {axes = [2], sizes = [1]}", "window: axis 2 is outside rank 2"},
    {"%r = concat %n, %v {axis = 0}", "concat: operand 1 is [4], its rank must be 2"},
    {"%r = concat %n, %h {axis = 0}", "concat: operands 0 and 1 are f32 and f16"},
    {"%r = gather %n, %n {axis = 0}", "gather: the indices are f32, not integers"},
    {"%r = gather_elements %n, %i {axis = 0}", "gather_elements: operand 1 is [3], its rank must be 2"},
    {"%r = gather_nd %n, %i {batch_dims = 2}", "gather_nd: batch_dims 2 is outside the ranks 2 and 1"},
    {"%r = gather_nd %n, %i", "gather_nd: indices [3] must end in a constant axis of 1..2"},
    {"%r = scatter_nd %v, %i, %v", "scatter_nd: indices [3] must end in a constant axis of 1..1"},
    {"%r, %t = topk %n {k = [4]}", "topk: k 4 must not exceed the axis, 3"},
    {"%r, %t = topk %n", "topk: k has 0 entries, needs 1"},
    {"%r = reduce %n {kind = argmax}", "reduce: argmin and argmax take one axis, got 0"},
    {"%r = reduce %b {axes = [0]}", "reduce: sum and prod need a number type, got bool"},
    {"%r = scan %n {kind = argmax}", "scan: running argmin and argmax do not exist"},
    {"%r = contract %n, %n {lhs = \"ij\", rhs = \"jk\", out = \"ik\"}", "contract: inner sizes 3 and 2 differ"},
    {"%r = contract %n, %h {lhs = \"ij\", rhs = \"ij\", out = \"i\"}", "contract: operands 0 and 1 are f32 and f16"},
    {"%r = contract %n, %n {lhs = \"ii\", rhs = \"ij\", out = \"j\"}", "contract: lhs \"ii\" repeats a label"},
    {"%r = contract %n, %n {lhs = \"i\", rhs = \"ij\", out = \"j\"}", "contract: lhs \"i\" has 1 labels for rank 2"},
    {"%r = contract %n, %n {lhs = \"ij\", rhs = \"ij\", out = \"k\"}", "contract: label k of out is in no operand"},
    {"%r = attend %q, %k, %k", "attend: 2 query heads are not a multiple of 3 key heads"},
    {"%r = attend %q, %q, %k", "attend: heads of k and v 2 and 3 differ"},
    {"%r = attend %n, %n, %n", "attend: q is [2, 3], its rank must be 3 or more"},
    {"%r = update %n, %n {starts = [1, 0]}", "update: block end 3 on axis 0 must not exceed 2"},
    {"%r = matmul %n, %n", "matmul: inner sizes 3 and 2 differ"},
    {"%r = matmul %n, %s", "matmul: operands must have rank 1 or more"},
    {"%r = einsum %n, %n {equation = \"ij,jk\"}", "einsum: sizes of a label 3 and 2 differ"},
    {"%r = einsum %n {equation = \"ij->ik\"}", "einsum \"ij->ik\": the output has a label that no operand has"},
    {"%r = einsum %n {equation = \"i->i\"}", "einsum \"i->i\": operand 0 has rank 2, its term has 1 labels"},
    {"%r = einsum %n {equation = \"ij,jk->ik\"}", "einsum \"ij,jk->ik\": has more terms than operands"},
    {"%r = einsum %n {equation = \"i%->i\"}", "einsum \"i%->i\": labels are letters"},
    {"%r = softmax %s", "softmax: axis -1 is outside rank 0"},
    {"%r = layer_norm %n, %v", "layer_norm: scale sizes 4 and 3 differ"},
    {"%r = batch_norm %n, %v, %v, %v, %v", "batch_norm: parameter and channel sizes 4 and 3 differ"},
    {"%r = conv %img, %w {groups = 3}", "conv: input channels 4 and 12 differ"},
    {"%r = conv %img, %w {groups = 2}", "conv: input channels 4 and 8 differ"},
    {"%r = conv %img, %w {dilations = [4, 4]}", "conv: the window does not fit into spatial axis 0: output -3"},
    {"%r = conv %img, %w {strides = [1]}", "conv: strides has 1 entries, needs 2"},
    {"%r = conv %img, %w, %v", "conv: bias and output channels 4 and 6 differ"},
    {"%r = conv %img, %n", "conv: operand 1 is [2, 3], its rank must be 4"},
    {"%r, %t = max_pool %img {sizes = [2]}", "max_pool: sizes has 1 entries, needs 2"},
    {"%r, %t = max_pool %n {sizes = [2]}", "max_pool: x is [2, 3], its rank must be 3 or more"},
    {"%r = group_norm %img, %v, %v {groups = 3}", "group_norm: channels 4 are not a multiple of 3 groups"},
    {"%r = rope %n, %s, %s", "rope: rotary_dim 3 must be even and in 2..3"},
    {"%r = resize %n {out = [4]}", "resize: out has 1 dims for rank 2"},
    {"%r = if %u region() { yield %n } region() { yield %n, %n }", "if: its regions give 1 and 2 results"},
    {"%r = if %u region() { yield %n } region() { yield %v }", "if: results of the two regions are [2, 3] and [4]"},
    {"%r = if %n region() { yield %n } region() { yield %n }", "if: the condition is f32[2, 3], must be a scalar bool"},
    {"%r = if %u region() { yield %n }", "if: has 1 regions, needs 2"},
    {"%r = while %u, %u region(%p: bool[], %p2: bool[]) { yield %p }",
     "while: the trip count is bool[], must be a scalar i64"},
    {"%r = scan_loop %n {n_carried = 2}", "scan_loop: has 0 regions, needs 1"},
    {"%r = const splat(1) : f32[B]", "a const has constant sizes, at most 2^40 elements"},
    {"%r = iota {dims = [3], axis = 1}", "iota: axis 1 is outside rank 1"},
    {"%t = iota {dims = [S]}\n %r = gather %v, %t {axis = 0}", NULL},
    {"%t = iota {dims = [5]}\n %r = gather %v, %t {axis = 0}", "gather: indices 0..5 - 1 reach past the axis of 4"},
};

START_TEST(mistakes_are_named) {
    const char *text = arena_printf(&job, "%s%s\n return\n}\n", SIGNATURE, lines[_i].line);
    graph *g = NULL;
    frit_status s = graph_parse(&c, "t", text, &g);
    if (!lines[_i].message) {
        ck_assert_msg(s == FRIT_OK, "%s", c.message);
        return;
    }
    ck_assert_msg(s != FRIT_OK, "accepted: %s", lines[_i].line);
    ck_assert_msg(strstr(c.message, lines[_i].message) != NULL, "%s\n%s", lines[_i].line, c.message);
}
END_TEST

static graph *parsed(const char *text) {
    graph *g = NULL;
    ck_assert_msg(graph_parse(&c, "t", text, &g) == FRIT_OK, "%s", c.message);
    ck_assert_msg(graph_verify(&c, g) == FRIT_OK, "%s", c.message);
    return g;
}

START_TEST(unequal_symbols_become_a_contract) {
    graph *g = parsed("func @f(%x: f32[A], %y: f32[B]) -> (%z: f32[max(A, B)]) {\n %r = add %x, %y\n return %r }");
    ck_assert_uint_eq(g->contracts.n, 1);
    ck_assert_str_eq(g->contracts.at[0].text, "add: sizes");
    ck_assert_uint_eq(g->contracts.at[0].kind, CK_BROADCASTS);
}
END_TEST

/* A size met again belongs to the extent already: nothing more is required. */
START_TEST(an_extent_takes_its_parts) {
    graph *g = parsed("func @f(%x: f32[A], %y: f32[B]) -> (%z: f32[max(A, B)]) {\n"
                      " %r = add %x, %y\n %s = mul %r, %x\n %t = sub %y, %s\n return %t }");
    ck_assert_uint_eq(g->contracts.n, 1);
}
END_TEST

START_TEST(empty_sizes_stay_empty) {
    graph *g = parsed("func @f(%x: f32[A], %y: f32[B], %u: f32[C]) -> (%z: f32[max(A, B, C)*min(A, B, C, 1)])"
                      " where A in 0..9, B in 0..9, C in 0..9 {\n %r = add %u, %y\n %s = add %x, %r\n return %s }");
    ck_assert_uint_eq(g->contracts.n, 2);
}
END_TEST

/* A symbol beside a constant is that or 1, which narrows its range. */
START_TEST(symbol_beside_a_constant) {
    graph *g = parsed("func @f(%x: f32[A], %y: f32[5]) -> (%z: f32[5]) where A in 0..9 {\n"
                      " %r = add %x, %y\n return %r }");
    sym_id s = SYM_NONE;
    ck_assert(dim_sym_find(g->dims, "A", &s));
    ck_assert_int_eq(dim_sym_info(g->dims, s)->lo, 1);
    ck_assert_int_eq(dim_sym_info(g->dims, s)->hi, 5);
    ck_assert_int_eq(dim_sym_info(g->dims, s)->hint, 5);
}
END_TEST

/* A size that is never 1 is the extent. */
START_TEST(size_that_is_never_one) {
    graph *g = parsed("func @f(%x: f32[A], %y: f32[B]) -> (%z: f32[B]) where A in 0..9, B in 2..9 {\n"
                      " %r = add %x, %y\n return %r }");
    ck_assert_uint_eq(g->contracts.n, 1);
}
END_TEST

START_TEST(position_table_bounds_the_length) {
    graph *g = parsed("func @f(%x: f32[S], %t: f32[96, 2]) -> (%z: f32[S, 2]) {\n"
                      " %i = iota {dims = [S]}\n %r = gather %t, %i {axis = 0}\n return %r }");
    sym_id s = SYM_NONE;
    ck_assert(dim_sym_find(g->dims, "S", &s));
    ck_assert_int_eq(dim_sym_info(g->dims, s)->hi, 96);
    ck_assert_uint_eq(g->contracts.n, 1);
}
END_TEST

static void range_is(const char *text, const char *range, const char *why) {
    graph *g = parsed(text);
    sym_id s = SYM_NONE;
    ck_assert(dim_sym_find(g->dims, "S", &s));
    const sym_info *info = dim_sym_info(g->dims, s);
    ck_assert_str_eq(dim_range_text(&job, "S", info->lo, info->hi), range);
    const char *from = info->why_hi ? info->why_hi : "";
    ck_assert_str_eq(from, why);
}

/* A length that was written into the model when it was exported. */
START_TEST(baked_length_is_the_only_one) {
    range_is("func @f(%x: f32[B, S, 64]) -> (%y: f32[B, 12, 4, 16]) {\n"
             " %y = reshape %x {dims = [B, 12, 4, 16]} loc(\"/att/Reshape_4\")\n return %y }",
             "S = 12", "/att/Reshape_4");
    range_is("func @f(%x: f32[B, S, 64]) -> (%y: f32[B, 12, 4, 16]) where B in 0..9 {\n" /* B = 0: any S will do */
             " %y = reshape %x {dims = [B, 12, 4, 16]} loc(\"/att/Reshape_4\")\n return %y }",
             "S in 1..65536", "");
}
END_TEST

START_TEST(sliced_table_bounds_the_length) {
    range_is("func @f(%x: f32[S, 8], %t: f32[512, 8]) -> (%y: f32[S, 8]) {\n"
             " %p = slice %t {starts = [0, 0], sizes = [min(S, 512), 8], steps = [1, 1]}\n"
             " %y = add %x, %p loc(\"/emb/Add\")\n return %y }",
             "S in 1..512", "/emb/Add");
}
END_TEST

/* --- the verifier --- */

static const char *const victim =
    "func @f(%c: bool[], %x: f32[2, 4], %k: f32[2] state 0) -> (%y: f32[2, 4], %k2: f32[2] state 0) {\n"
    "  %a = exp %x\n  %b = neg %a\n"
    "  %r = if %c, %b region(%p: f32[2, 4]) {\n    %d = neg %p\n    yield %d\n  } region(%p: f32[2, 4]) {\n"
    "    yield %p\n  }\n  return %r, %k\n}\n";

static void early_use(graph *g) { ((value_id *)(uintptr_t)g->nodes.at[0].in)[0] = g->nodes.at[1].out; }
static void wrong_type(graph *g) { g->values.at[g->nodes.at[0].out].type.dt = FRIT_DT_F16; }
static void wrong_shape(graph *g) { g->values.at[g->nodes.at[1].out].type.rank = 1; }
static void wrong_region(graph *g) { g->nodes.at[0].region = 1; }
static void stolen_result(graph *g) { g->values.at[g->nodes.at[0].out].def = 1; }
static void wrong_parent(graph *g) { g->regions.at[1].parent = 2; }
static void shared_region(graph *g) { ((region_id *)(uintptr_t)g->nodes.at[3].regions)[1] = g->nodes.at[3].regions[0]; }
static void lost_region(graph *g) { vec_push(g->a, g->regions, (region){.parent = 0}); }
static void no_regions(graph *g) { g->nodes.at[3].n_regions = 0; }
static void missing_result(graph *g) { g->regions.at[0].results.at[0] = g->regions.at[1].params.at[0]; }
static void missing_output(graph *g) { g->outputs.n--; }
static void twin_names(graph *g) { g->inputs.at[1].name = g->inputs.at[0].name; }
static void lone_state(graph *g) { g->outputs.at[1].state = UINT32_MAX; }
static void changed_state(graph *g) { g->inputs.at[2].state = UINT32_MAX, g->inputs.at[1].state = 0; }
static void bad_contract(graph *g) { vec_push(g->a, g->contracts, (contract){DIM_BAD, DIM_BAD, true, "", 0}); }
static void same_node_twice(graph *g) {
    g->nodes.at[1].op = OP_exp;
    g->nodes.at[1].in = g->nodes.at[0].in;
}
static void few_operands(graph *g) { g->nodes.at[0].n_in = 0; }

/* A way to break the victim and what the verifier says. */
typedef struct damage {
    void (*apply)(graph *g);
    const char *message;
} damage;
static const damage damages[] = {
    {early_use, "operand 0 is not defined before"},
    {wrong_type, "is not of the inferred type"},
    {wrong_shape, "is not of the inferred type"},
    {wrong_region, "stands in region 0, says 1"},
    {stolen_result, "result 0 belongs to another node"},
    {wrong_parent, "has another parent"},
    {shared_region, "shares region 1"},
    {lost_region, "belongs to no node"},
    {no_regions, "has 0 regions"},
    {missing_result, "is not defined in it"},
    {missing_output, "ports do not parallel the body"},
    {twin_names, "two inputs are named 'c'"},
    {lone_state, "state 0 has 1 inputs and 0 outputs"},
    {changed_state, "state 0: input 'x' and output 'k2' differ in type"},
    {bad_contract, "dim 0 is bad"},
    {same_node_twice, "is the same as node 0"},
    {few_operands, "has 0 operands"},
};

START_TEST(damage_is_found) {
    graph *g = parsed(victim);
    damages[_i].apply(g);
    ck_assert_int_ne(graph_verify(&c, g), FRIT_OK);
    ck_assert_msg(strstr(c.message, damages[_i].message) != NULL, "%s", c.message);
}
END_TEST

int main(void) {
    Suite *s = suite_create("infer");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, mistakes_are_named, 0, (int)countof(lines));
    tcase_add_test(t, unequal_symbols_become_a_contract);
    tcase_add_test(t, an_extent_takes_its_parts);
    tcase_add_test(t, empty_sizes_stay_empty);
    tcase_add_test(t, symbol_beside_a_constant);
    tcase_add_test(t, size_that_is_never_one);
    tcase_add_test(t, position_table_bounds_the_length);
    tcase_add_test(t, baked_length_is_the_only_one);
    tcase_add_test(t, sliced_table_bounds_the_length);
    tcase_add_loop_test(t, damage_is_found, 0, (int)countof(damages));
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
