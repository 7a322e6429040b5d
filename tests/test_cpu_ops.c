/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every elementwise core operator on every type it takes, and every pair of types cast, compiled against interpreted:
 * the same bits, over values chosen to hurt (ends of ranges, zeros, infinities, NaN) and random ones. Operators with a
 * promised error instead of one right answer are in test_cpu_math.c. */
#include "cpu_run.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

static const dtype all_types[] = {
#define ROW(name, code, text, bits, kind) FRIT_DT_##name,
    FRIT_DTYPE_LIST(ROW)
#undef ROW
};

enum { N = 149 };

static bool is_approximate(op_code op) {
    static const op_code codes[] = {OP_exp,  OP_expm1, OP_log, OP_log1p, OP_sin,   OP_cos,
                                    OP_atan, OP_tanh,  OP_erf, OP_pow,   OP_atan2, OP_hypot};
    for (size_t i = 0; i < countof(codes); i++)
        if (codes[i] == op) return true;
    return false;
}

static bool takes(op_code op, dtype dt, const target *t) {
    bool is_float = dtype_is_float(dt), is_bool = dt == FRIT_DT_BOOL;
    if (!op_is(op, OPF_EW | OPF_CORE) || op == OP_cast || op == OP_bitcast) return false;
    if (is_approximate(op) && is_float) return false;
    if (op == OP_fma && !t->has_fma) return false; /* rounds twice there, as cpu_emit.h says */
    if (op_is(op, OPF_FLT) && !is_float) return false;
    if (op_is(op, OPF_INTG) && !dtype_is_integer(dt)) return false;
    if (op_is(op, OPF_LOGIC) && is_float) return false;
    if (is_bool) return op_is(op, OPF_LOGIC) || op_is(op, OPF_CMP) || op == OP_select;
    return true;
}

/* A kernel under construction: inputs of N elements, one output for each result, all in one lane loop. */
typedef struct builder {
    kernel *k;
    dim axis;
    klist body;
} builder;

static builder begin(const char *name) {
    builder b = {.k = kernel_new(&job, name, dim_table_new(&job))};
    b.axis = dim_axis(b.k->dims, "i", dim_const(b.k->dims, N));
    return b;
}

static kx input(builder *b, const char *name, dtype dt) {
    dim shape = dim_const(b->k->dims, N);
    return kx_load(b->k, kernel_param(b->k, name, dt, 1, &shape, false), &b->axis, 0, 0);
}

static void output(builder *b, const char *name, kx x) {
    dim shape = dim_const(b->k->dims, N);
    buf_id buf = kernel_param(b->k, name, kx_dtype(b->k, x), 1, &shape, true);
    kstmt_store(b->k, &b->body, buf, &b->axis, x, 0);
}

static kernel *finish(builder *b, const target *t) {
    klist top = {0};
    sym_id axis;
    ck_assert(dim_is_sym(b->k->dims, b->axis, &axis));
    klist_close(kstmt_loop(b->k, &top, KL_VEC, axis, t->vector_bytes / 4, 1), &b->body);
    vec_push(b->k->a, b->k->phases, top.first);
    kernel_seal(b->k);
    return b->k;
}

static scalar value_for(dtype dt, size_t i, uint64_t *state) {
    static const double reals[] = {0,     -0.0,     1,         -1,      0.5,      -0.5, 1.5,   2.5,
                                   -2.5,  INFINITY, -INFINITY, NAN,     1e30,     3e9,  -3e9,  1e-40,
                                   127.5, 448,      464.1,     57344.0, -65520.0, 1e19, 240.0, 6.1e-5};
    unsigned bits = dtype_bits(dt);
    uint64_t r = sample_random(state);
    if (dtype_is_float(dt)) {
        double x = i % 3 ? reals[r % countof(reals)] : ldexp((double)(int64_t)r / 9.2e18, (int)(r % 24) - 8);
        return dtype_from_f64(dt, x);
    }
    if (dt == FRIT_DT_BOOL) return (scalar){.i = (int64_t)(r & 1)};
    const int64_t ends[] = {0, 1, -1, INT64_MAX >> (64 - bits), INT64_MIN >> (64 - bits), 2, 3, -3, (int64_t)bits, 7};
    int64_t v = i % 2 ? ends[r % countof(ends)] : (int64_t)(r >> 7);
    return dtype_convert(FRIT_DT_I64, dt, (scalar){.i = v}, false);
}

static void compare_with_interpreter(kernel *k, const target *t, const char *what) {
    sample s = {.path = what, .text = what, .k = k};
    uint64_t state = 5;
    sample_fill(&c, &s, 1);
    for (buf_id b = 0; b < k->n_params; b++)
        for (size_t i = 0; i < N && !k->bufs.at[b].is_written; i++)
            dtype_store(k->bufs.at[b].dt, s.buffers[b], i, value_for(k->bufs.at[b].dt, i, &state));
    cpu_jit *jit = cpu_compile(&c, k, t, &(cpu_options){.n_threads = 1});
    sample_compare(&s, sample_run(&c, &s, kernel_run_tree), cpu_run(&c, &s, jit, 1, NULL), 0);
    cpu_jit_close(jit);
}

static void check_operators(dtype dt, const target *t) {
    builder b = begin("ops");
    kx x = input(&b, "x", dt), y = input(&b, "y", dt), z = input(&b, "z", dt), p = input(&b, "p", FRIT_DT_BOOL);
    for (unsigned op = 0; op < N_OPS; op++) {
        if (!takes((op_code)op, dt, t)) continue;
        const op_info *info = op_info_of((op_code)op);
        kx args[3] = {op == OP_select ? p : x, op == OP_select ? x : y, op == OP_select ? y : z};
        output(&b, info->name, kx_op(b.k, (op_code)op, info->n_in_min, args));
    }
    compare_with_interpreter(finish(&b, t), t, arena_printf(&job, "%s on %s", dtype_name(dt), t->cpu));
}

static void check_casts(dtype from, const target *t) {
    builder b = begin("casts");
    kx x = input(&b, "x", from);
    for (size_t i = 0; i < countof(all_types); i++) {
        dtype to = all_types[i];
        output(&b, arena_printf(&job, "to_%s", dtype_name(to)), kx_cast(b.k, x, to, true));
        if (dtype_is_float(to) && dtype_bits(to) == 8)
            output(&b, arena_printf(&job, "to_%s_loose", dtype_name(to)), kx_cast(b.k, x, to, false));
    }
    compare_with_interpreter(finish(&b, t), t, arena_printf(&job, "casts of %s on %s", dtype_name(from), t->cpu));
}

START_TEST(operators_give_the_interpreters_bits) {
    target t;
    if (skips_level(&c, "operators_give_the_interpreters_bits", cpu_levels[_i], &t)) return;
    for (size_t i = 0; i < countof(all_types); i++)
        if (dtype_bits(all_types[i]) >= 8 && (dtype_bits(all_types[i]) >= 32 || !dtype_is_float(all_types[i])))
            check_operators(all_types[i], &t);
}
END_TEST

START_TEST(casts_give_the_interpreters_bits) {
    target t;
    if (skips_level(&c, "casts_give_the_interpreters_bits", cpu_levels[_i], &t)) return;
    for (size_t i = 0; i < countof(all_types); i++) check_casts(all_types[i], &t);
}
END_TEST

int main(void) {
    TCase *t = tcase_create("cpu ops");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, operators_give_the_interpreters_bits, 0, (int)countof(cpu_levels));
    tcase_add_loop_test(t, casts_give_the_interpreters_bits, 0, (int)countof(cpu_levels));
    tcase_set_timeout(t, 120);
    Suite *s = suite_create("cpu ops");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
