/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every rule of the verifiers that no text can break: a valid graph, kernel or plan is broken in one place, and the
 * verifier says so in the words beside it. tests/test_refusals.py looks for the words of each rule here and in the
 * goldens. */
#include <check.h>
#include <string.h>

#include "kernel_samples.h"
#include "tests/lowered.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

static const char *file_text(const char *path) {
    mapped_file f;
    ck_assert_msg(file_map(&c, path, &f) == FRIT_OK, "%s (run from the source folder)", path);
    const char *text = arena_strndup(&job, (const char *)f.data, f.bytes);
    file_unmap(&f);
    return text;
}

static void must_say(frit_status status, const char *says) {
    ck_assert_msg(status != FRIT_OK, "accepted, although: %s", says);
    ck_assert_msg(strstr(c.message, says) != NULL, "'%s' instead of '%s'", c.message, says);
}

/* --- graphs --- */

static const char graph_text[] =
    "func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4], %z: f32[4]) {\n"
    "  %a = neg %x\n  %b = exp %a\n"
    "  %i = if %c region() {\n    %p = abs %b\n    yield %p\n  } region() {\n    %q = sin %b\n    yield %q\n  }\n"
    "  %y = add %i, %a\n  return %y, %b\n}\n";

static node *node_of(graph *g, op_code op) {
    for (uint32_t i = 0; i < g->nodes.n; i++)
        if (g->nodes.at[i].op == op) return &g->nodes.at[i];
    ck_abort_msg("no such node");
    return NULL;
}

static value *result_of(graph *g, op_code op) { return &g->values.at[node_of(g, op)->out]; }

static const dim *bad_shape(void) {
    dim *shape = ARENA_ARRAY(&job, dim, 1);
    shape[0] = DIM_BAD;
    return shape;
}

static region_id *regions_of(graph *g) {
    node *n = node_of(g, OP_if);
    region_id *copy = arena_copy(&job, n->regions, n->n_regions * sizeof *copy);
    n->regions = copy;
    return copy;
}

static void dim_is_bad(graph *g) { result_of(g, OP_neg)->type.shape = bad_shape(); }
static void contract_is_bad(graph *g) { vec_push(g->a, g->contracts, ((contract){.lhs = DIM_BAD, .text = ""})); }
static void attributes_are_gone(graph *g) { node_of(g, OP_exp)->attrs = NULL; }
static void results_are_gone(graph *g) { node_of(g, OP_neg)->n_out = 0; }
static void result_has_another_type(graph *g) { result_of(g, OP_exp)->type.dt = FRIT_DT_F16; }
static void node_is_there_twice(graph *g) {
    node *n = node_of(g, OP_exp), *first = node_of(g, OP_neg);
    n->op = OP_neg, n->in = first->in, n->attrs = first->attrs;
}
static void plain_node_has_regions(graph *g) { node_of(g, OP_if)->op = OP_not; }
static void region_is_the_body(graph *g) { regions_of(g)[0] = 0; }
static void region_is_shared(graph *g) {
    region_id *r = regions_of(g);
    r[1] = r[0];
}
static void region_has_another_parent(graph *g) { g->regions.at[1].parent = 2; }
static void node_does_not_exist(graph *g) { g->regions.at[0].nodes.at[0] = 99; }
static void node_names_another_region(graph *g) { node_of(g, OP_neg)->region = 1; }
static void nodes_are_swapped(graph *g) {
    node_id first = g->regions.at[0].nodes.at[0];
    g->regions.at[0].nodes.at[0] = g->regions.at[0].nodes.at[1];
    g->regions.at[0].nodes.at[1] = first;
}
static void operand_is_missing(graph *g) { node_of(g, OP_neg)->op = OP_mul; }
static void result_does_not_exist(graph *g) { node_of(g, OP_neg)->out = 1000; }
static void result_is_another_nodes(graph *g) { result_of(g, OP_exp)->def = 0; }
static void parameter_has_a_node(graph *g) { g->values.at[g->regions.at[0].params.at[0]].def = 0; }
static void result_is_of_a_region(graph *g) { g->regions.at[0].results.at[0] = node_of(g, OP_abs)->out; }
static void input_has_no_name(graph *g) { g->inputs.at[0].name = NULL; }
static void inputs_are_too_few(graph *g) { g->inputs.n--; }
static void input_has_another_type(graph *g) { g->inputs.at[0].type.dt = FRIT_DT_I32; }
static void output_has_another_type(graph *g) { g->outputs.at[1].type.dt = FRIT_DT_I32; }
static void body_has_a_parent(graph *g) { g->regions.at[0].parent = 1; }
static void contract_of_no_region(graph *g) { vec_push(g->a, g->contracts, ((contract){.text = "", .region = 9})); }
static void region_belongs_to_nobody(graph *g) { vec_push(g->a, g->regions, ((region){.parent = 0})); }

static const struct {
    void (*breaks)(graph *g);
    const char *says;
} graph_faults[] = {
    {dim_is_bad, "dim 0 is bad"},
    {contract_is_bad, "dim 0 is bad"},
    {attributes_are_gone, "exp (b): has no attributes"},
    {results_are_gone, "neg (): has 0 results, inference gives 1"},
    {result_has_another_type, "exp (b): result 0 is not of the inferred type"},
    {node_is_there_twice, "neg (b): is the same as node 0"},
    {plain_node_has_regions, "not (i): has 2 regions"},
    {region_is_the_body, "if (i): names region 0"},
    {region_is_shared, "if (i): shares region 1"},
    {region_has_another_parent, "if (i): region 1 has another parent"},
    {node_does_not_exist, "f: names node 99 of 6"},
    {node_names_another_region, "neg (a): stands in region 0, says 1"},
    {nodes_are_swapped, "exp (b): operand 0 is not defined before"},
    {operand_is_missing, "mul (a): has 1 operands"},
    {result_does_not_exist, "neg (): result 0 does not exist"},
    {result_is_another_nodes, "exp (b): result 0 belongs to another node"},
    {parameter_has_a_node, "f: parameter 0 of region 0 belongs elsewhere"},
    {result_is_of_a_region, "f: result 0 of region 0 is not defined in it"},
    {input_has_no_name, "f: input 0 has no name"},
    {inputs_are_too_few, "f: ports do not parallel the body"},
    {input_has_another_type, "f: input 0 has another type than its value"},
    {output_has_another_type, "f: output 1 has another type than its value"},
    {body_has_a_parent, "f: has no body"},
    {contract_of_no_region, "f: has a contract of region 9"},
    {region_belongs_to_nobody, "f: region 3 belongs to no node"},
};

START_TEST(broken_graphs_are_refused) {
    graph *g = NULL;
    ck_assert_msg(graph_parse(&c, "t", graph_text, &g) == FRIT_OK, "%s", c.message);
    ck_assert_msg(graph_verify(&c, g) == FRIT_OK, "%s", c.message);
    graph_faults[_i].breaks(g);
    must_say(graph_verify(&c, g), graph_faults[_i].says);
}
END_TEST

/* --- kernels --- */

/* The first statement of that kind, with those below it. */
static kstmt *stmt_in(kstmt *s, kstmt_kind kind) {
    for (; s; s = s->next) {
        if (s->kind == kind) return s;
        kstmt *below = s->kind == KS_LOOP ? stmt_in(s->u.loop.body, kind)
                       : s->kind == KS_IF ? stmt_in(s->u.branch.body, kind)
                                          : NULL;
        if (below) return below;
    }
    return NULL;
}

static kstmt *stmt_of(kernel *k, kstmt_kind kind) {
    kstmt *s = stmt_in(k->phases.at[0], kind);
    ck_assert_msg(s != NULL, "no such statement");
    return s;
}

static kx expr_of(kernel *k, kx_kind kind) {
    for (kx x = 1; x < k->exprs.n; x++)
        if (k->exprs.at[x].kind == kind) return x;
    ck_abort_msg("no such expression");
    return 0;
}

static kx_node *guarded_load(kernel *k) {
    for (kx x = 1; x < k->exprs.n; x++)
        if (k->exprs.at[x].kind == KX_LOAD && k->exprs.at[x].pred) return &k->exprs.at[x];
    ck_abort_msg("no such load");
    return NULL;
}

/* s stands behind itself a second time. */
static void repeat(kstmt *s) {
    kstmt *copy = arena_copy(&job, s, sizeof *s);
    s->next = copy;
}

static buf_id written(const kernel *k) {
    buf_id b = 0;
    while (!k->bufs.at[b].is_written) b++;
    return b;
}

static void shape_is_bad(kernel *k) { k->bufs.at[0].shape = bad_shape(), k->bufs.at[0].rank = 1; }
static void stored_value_is_gone(kernel *k) { stmt_of(k, KS_STORE)->u.store.value = 0; }
static void store_to_no_buffer(kernel *k) { stmt_of(k, KS_STORE)->u.store.buf = 99; }
static void store_of_another_dtype(kernel *k) {
    stmt_of(k, KS_STORE)->u.store.value = kx_index(k, dim_const(k->dims, 1));
}
static void load_on_a_number(kernel *k) { guarded_load(k)->pred = kx_index(k, dim_const(k->dims, 1)); }
static void load_of_another_fill(kernel *k) {
    kx one = kx_index(k, dim_const(k->dims, 1));
    guarded_load(k)->fill = one;
}
static void tree_reads_a_definition(kernel *k) { stmt_of(k, KS_STORE)->u.store.value = expr_of(k, KX_DEF); }
static void definition_reads_the_tree(kernel *k) { k->defs.at[0].value[0] = expr_of(k, KX_LET); }
static void definition_comes_too_early(kernel *k) {
    kdef first = k->defs.at[0];
    k->defs.at[0] = k->defs.at[1];
    k->defs.at[1] = first;
}
static void let_comes_too_late(kernel *k) {
    kstmt *loop = stmt_of(k, KS_LOOP); /* par { acc, vec, acc, vec { let ... } } */
    for (kstmt *s = loop->u.loop.body; s; s = s->next)
        if (s->kind == KS_LOOP && s->u.loop.body->kind == KS_LET) s->u.loop.body = s->u.loop.body->next;
}
static void accumulator_does_not_exist(kernel *k) { stmt_of(k, KS_ACC)->u.acc.acc = 99; }
static void update_of_no_accumulator(kernel *k) { stmt_of(k, KS_UPDATE)->u.update.acc = 99; }
static void update_of_another_dtype(kernel *k) {
    kx one = kx_index(k, dim_const(k->dims, 1));
    stmt_of(k, KS_UPDATE)->u.update.value[0] = one;
}
static void let_does_not_exist(kernel *k) { stmt_of(k, KS_LET)->u.let.let = 99; }
static void let_is_set_twice(kernel *k) { repeat(stmt_of(k, KS_LET)); }
static void accumulator_is_declared_twice(kernel *k) { repeat(stmt_of(k, KS_ACC)); }
static void loop_has_no_axis(kernel *k) { stmt_of(k, KS_LOOP)->u.loop.axis = 0; }
static void definition_has_two_values(kernel *k) { k->defs.at[1].n_values = 2; }
static void reduction_has_no_axes(kernel *k) { k->defs.at[0].n_raxes = 0; }
static void definition_writes_a_tile(kernel *k) { k->defs.at[3].out = k->n_params; }
static void definition_writes_an_input(kernel *k) { k->defs.at[3].out = 0; }
static void definition_of_another_dtype(kernel *k) { k->bufs.at[written(k)].dt = FRIT_DT_F16; }
static void definition_of_another_rank(kernel *k) { k->bufs.at[written(k)].rank = 1; }
static void parameters_are_too_many(kernel *k) { k->n_params = 99; }
static void parameter_is_a_tile(kernel *k) { k->bufs.at[0].scope = KB_TILE; }
static void buffer_has_no_dtype(kernel *k) { k->bufs.at[0].dt = FRIT_DT_NONE; }
static void leaf_of_no_buffer(kernel *k) { stmt_of(k, KS_LEAF)->u.leaf->a = 99; }

static const char softmax[] = "tests/kernels/softmax_cpu.kernel", strides[] = "tests/kernels/cpu/strides.kernel",
                  leaf[] = "tests/kernels/matmul_leaf.kernel";

static const struct {
    const char *file;
    void (*breaks)(kernel *k);
    const char *says;
} kernel_faults[] = {
    {softmax, shape_is_bad, "softmax: kernel: a dim that cannot be computed"},
    {softmax, stored_value_is_gone, "softmax: kernel: a missing expression"},
    {softmax, store_to_no_buffer, "softmax: kernel: buffer 99 does not exist"},
    {softmax, store_of_another_dtype, "softmax: kernel: a stored value is i64, not f32"},
    {strides, load_on_a_number, "strides: kernel: the predicate of a load must be a bool"},
    {strides, load_of_another_fill, "strides: kernel: the fill value of a load has another dtype"},
    {softmax, tree_reads_a_definition, "softmax: kernel: a definition is read in the loop tree"},
    {softmax, definition_reads_the_tree, "softmax: kernel: a definition reads a name of the loop tree"},
    {softmax, definition_comes_too_early, "softmax: kernel: definition e reads e, which is not before it"},
    {softmax, let_comes_too_late, "softmax: kernel: t is read where it is not set"},
    {softmax, accumulator_does_not_exist, "softmax: kernel: accumulator 99 does not exist"},
    {softmax, update_of_no_accumulator, "softmax: kernel: accumulator 99 does not exist"},
    {softmax, update_of_another_dtype, "softmax: kernel: an update is i64, not f32"},
    {softmax, let_does_not_exist, "softmax: kernel: let 99 does not exist"},
    {softmax, let_is_set_twice, "softmax: kernel: t is set twice"},
    {softmax, accumulator_is_declared_twice, "softmax: kernel: m is declared twice"},
    {softmax, loop_has_no_axis, "softmax: kernel: a loop without an axis"},
    {softmax, definition_has_two_values, "softmax: kernel: definition e has 2 values, not 1"},
    {softmax, reduction_has_no_axes, "softmax: kernel: definition m: a reduction has axes, a map none"},
    {softmax, definition_writes_a_tile, "softmax: kernel: definition y writes no parameter"},
    {softmax, definition_writes_an_input, "softmax: kernel: definition y writes x, which is not marked as written"},
    {softmax, definition_of_another_dtype, "softmax: kernel: definition y: y has another dtype"},
    {softmax, definition_of_another_rank, "softmax: kernel: definition y: y has another rank"},
    {softmax, parameters_are_too_many, "softmax: kernel: fewer buffers than parameters"},
    {softmax, parameter_is_a_tile, "softmax: kernel: x: parameters come first and are arena buffers"},
    {softmax, buffer_has_no_dtype, "softmax: kernel: x has no dtype"},
    {leaf, leaf_of_no_buffer, "kernel: leaf: a buffer does not exist"},
};

START_TEST(broken_kernels_are_refused) {
    kernel *k;
    const char *file = kernel_faults[_i].file;
    ck_assert_msg(kernel_parse(&c, file, file_text(file), &job, &k) == FRIT_OK, "%s", c.message);
    ck_assert_msg(kernel_verify(&c, k) == FRIT_OK, "%s", c.message);
    kernel_faults[_i].breaks(k);
    must_say(kernel_verify(&c, k), kernel_faults[_i].says);
}
END_TEST

/* --- plans --- */

static pstep *step_in(const pstep_list *l, pstep_kind kind) {
    for (uint32_t i = 0; i < l->n; i++) {
        pstep *s = &l->at[i], *below = NULL;
        if (s->kind == kind) return s;
        if (s->kind == PS_LOOP || s->kind == PS_IF) below = step_in(&s->body[0], kind);
        if (!below && s->kind == PS_IF) below = step_in(&s->body[1], kind);
        if (below) return below;
    }
    return NULL;
}

static pstep *step_of(plan *p, pstep_kind kind) {
    pstep *s = step_in(&p->steps, kind);
    ck_assert_msg(s != NULL, "no such step");
    return s;
}

static pbuf_id *args_of(pstep *s) {
    pbuf_id *copy = arena_copy(&job, s->args, s->n_args * sizeof *copy);
    s->args = copy;
    return copy;
}

static pbuf_id buffer_of(const plan *p, pbuf_kind kind, uint32_t skip) {
    for (pbuf_id b = 0; b < p->bufs.n; b++)
        if (p->bufs.at[b].kind == kind && skip-- == 0) return b;
    ck_abort_msg("no such buffer");
    return 0;
}

static void step_of_no_buffer(plan *p) { args_of(step_of(p, PS_LAUNCH))[0] = 99; }
static void launch_writes_an_input(plan *p) {
    pstep *s = step_of(p, PS_LAUNCH);
    args_of(s)[s->n_args - 1] = buffer_of(p, PB_INPUT, 0);
}
static void launch_of_no_kernel(plan *p) { step_of(p, PS_LAUNCH)->kernel = 99; }
static void launch_of_too_few_buffers(plan *p) { step_of(p, PS_LAUNCH)->n_args--; }
static void launch_of_another_dtype(plan *p) { p->bufs.at[step_of(p, PS_LAUNCH)->args[0]].dt = FRIT_DT_F16; }
static void choice_of_nothing(plan *p) { step_of(p, PS_CHOICE)->n_alts = 0; }
static void choice_may_be_none(plan *p) {
    pstep *s = step_of(p, PS_CHOICE);
    s->alts[s->n_alts - 1].lhs = dim_const(p->iface->dims, 0);
}
static void copy_of_one_buffer(plan *p) { step_of(p, PS_COPY)->n_args = 1; }
static void branch_on_nothing(plan *p) { step_of(p, PS_IF)->n_args = 0; }
static void loop_over_one_buffer(plan *p) { step_of(p, PS_LOOP)->n_args = 1; }
static void loop_without_iterations(plan *p) { step_of(p, PS_LOOP)->iteration = SYM_NONE; }
static void count_of_no_symbol(plan *p) { step_of(p, PS_RESULT)->result = SYM_NONE; }
static void check_of_nothing(plan *p) { step_of(p, PS_REQUIRE)->contract = 99; }
static void buffer_is_never_used(plan *p) { p->bufs.at[buffer_of(p, PB_ARENA, 0)].first = UINT32_MAX; }
static void slot_does_not_exist(plan *p) { p->bufs.at[buffer_of(p, PB_ARENA, 0)].index = 99; }
static void slot_is_shared(plan *p) {
    pbuf *b = &p->bufs.at[buffer_of(p, PB_ARENA, 1)], *o = &p->bufs.at[buffer_of(p, PB_ARENA, 0)];
    b->index = o->index, b->first = o->first, b->last = o->last;
}

static const char encoder[] = "tests/lower/encoder_layer.fir", branch[] = "tests/lower/if_costly.fir",
                  loop[] = "tests/lower/while_counts.fir", demands[] = "tests/lower/if_demands.fir",
                  sizes[] = "func @f(%x: f32[N], %y: f32[M]) -> (%z: f32[max(N, M)]) {\n  %z = add %x, %y\n"
                            "  return %z\n}\n";

static const struct {
    const char *file; /* or a text */
    void (*breaks)(plan *p);
    const char *says;
} plan_faults[] = {
    {encoder, step_of_no_buffer, "plan: a step uses buffer 99 of 15"},
    {encoder, launch_writes_an_input, "plan: a step writes x"},
    {encoder, launch_of_no_kernel, "plan: kernel 99 does not exist"},
    {encoder, launch_of_too_few_buffers, "plan: 3 buffers for 4 parameters"},
    {encoder, launch_of_another_dtype, "plan: parameter x is f32, its buffer f16"},
    {sizes, choice_of_nothing, "plan: 0 alternatives"},
    {sizes, choice_may_be_none, "plan: the last alternative has a condition"},
    {branch, copy_of_one_buffer, "plan: a copy of 1 buffers"},
    {branch, branch_on_nothing, "plan: a branch on 0 buffers"},
    {loop, loop_over_one_buffer, "plan: a loop over 1 buffers"},
    {loop, loop_without_iterations, "plan: a loop without a symbol for its iterations"},
    {"tests/lower/nonzero_compress.fir", count_of_no_symbol, "plan: a step that counts nothing"},
    {demands, check_of_nothing, "plan: a check of nothing"},
    {encoder, buffer_is_never_used, "plan: b3 is used by no step"},
    {encoder, slot_does_not_exist, "plan: slot 99 does not exist"},
    {encoder, slot_is_shared, "plan: r and b3 share slot 0 at the same time"},
};

START_TEST(broken_plans_are_refused) {
    const char *file = plan_faults[_i].file;
    const lowered_options o = {.cpu = "x86-64-v3"};
    graph *g = NULL;
    plan *p = NULL;
    const char *text = str_ends(file, ".fir") ? file_text(file) : file;
    ck_assert_msg(graph_parse(&c, file, text, &g) == FRIT_OK, "%s", c.message);
    ck_assert_msg(lowered_plan(&c, g, &o, &p) == FRIT_OK, "%s", c.message);
    ck_assert_msg(plan_verify(&c, p) == FRIT_OK, "%s", c.message);
    plan_faults[_i].breaks(p);
    must_say(plan_verify(&c, p), plan_faults[_i].says);
}
END_TEST

/* --- runs that count more than a symbol's range has room for --- */

static frit_status interpret(const char *text, sym_id *counted, const void *const *inputs) {
    const lowered_options o = {.cpu = "x86-64-v3"};
    graph *g = NULL;
    plan *p = NULL;
    ck_assert_msg(graph_parse(&c, "t", text, &g) == FRIT_OK, "%s", c.message);
    ck_assert_msg(lowered_plan(&c, g, &o, &p) == FRIT_OK, "%s", c.message);
    dim_table *t = p->iface->dims;
    for (*counted = 0; dim_sym_info(t, *counted)->kind != SYM_RESULT;) ++*counted;
    dim_sym_info(t, *counted)->extent = dim_const(t, 2); /* at most 1 */
    int64_t *syms = ARENA_ARRAY(&job, int64_t, dim_n_syms(t) + 1);
    void *out = arena_alloc(&job, 4096);
    return plan_interpret(&c, p, inputs, syms, &out);
}

START_TEST(counts_beyond_the_range_are_refused) {
    sym_id counted;
    const float x[] = {0, 2, 3, 0};
    must_say(interpret("func @f(%x: f32[4]) -> (%y: i64[1, K]) where K = result in 0..4 {\n"
                       "  %y = nonzero %x {dims = [K]}\n  return %y\n}\n",
                       &counted, (const void *[]){x}),
             "K = 2 is more than 1");
    cx_clear(&c);
    const int64_t n = 3;
    const uint8_t goes_on = 1;
    must_say(interpret("func @f(%n: i64[], %c: bool[]) -> (%y: f32[T]) where T = result in 0..9 {\n"
                       "  %y = while %n, %c {trips = [T]} region(%i: i64[], %d: bool[]) {\n"
                       "    %v = cast %i {to = f32}\n    yield %d, %v\n  }\n  return %y\n}\n",
                       &counted, (const void *[]){&n, &goes_on}),
             "more than 1 iterations of a loop");
}
END_TEST

int main(void) {
    Suite *s = suite_create("verifiers");
    TCase *t = tcase_create("verifiers");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, broken_graphs_are_refused, 0, (int)countof(graph_faults));
    tcase_add_loop_test(t, broken_kernels_are_refused, 0, (int)countof(kernel_faults));
    tcase_add_loop_test(t, broken_plans_are_refused, 0, (int)countof(plan_faults));
    tcase_add_test(t, counts_beyond_the_range_are_refused);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
