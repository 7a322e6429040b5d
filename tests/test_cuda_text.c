/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA text: every sample kernel that is scheduled for CUDA is emitted, compiled by the system's C++ compiler behind
 * tests/emulate/cuda.h, run, and compared with the kernel interpreter. Kernels without transcendental functions must
 * agree bit by bit. FRIT_KEEP=FILE keeps the C++ source. */
#include <dlfcn.h>
#include <stdio.h>

#include "codegen/cuda/cuda_emit.h"
#include "cuda_emulated.h"
#include "kernel_samples.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

static bool is_transcendental(const kernel *k) {
    for (uint32_t i = 1; i < k->exprs.n; i++) {
        const kx_node *n = &k->exprs.at[i];
        if (n->kind == KX_OP && op_is(n->op, OPF_FLT) && n->op >= OP_exp && n->op <= OP_erf) return true;
        if (n->kind == KX_OP && (n->op == OP_pow || n->op == OP_atan2)) return true;
    }
    return false;
}

static void run_emulated(void *library, size_t number, const sample *s, void **buffers) {
    const char *why = emulated_run(&c, library, number, s->k, s->syms, buffers);
    ck_assert_msg(!why, "%s: %s", s->path, why);
}

static void compare_sample(void *library, size_t number, sample *s) {
    for (unsigned turn = 0; turn < 4; turn++) {
        sample_fill(&c, s, turn);
        void **meant = sample_run(&c, s, kernel_run_tree);
        void **done = ARENA_ARRAY(&job, void *, s->k->n_params + 1);
        for (buf_id b = 0; b < s->k->n_params; b++) done[b] = arena_copy(&job, s->buffers[b], s->bytes[b] + 64);
        run_emulated(library, number, s, done);
        sample_compare(s, meant, done, is_transcendental(s->k) ? 1e-5 : 0);
    }
}

START_TEST(samples_under_emulation) {
    glob_t g = sample_files();
    sample *samples = ARENA_ARRAY(&job, sample, g.gl_pathc);
    strbuf b = {.a = &job};
    strbuf_add(
        &b,
        "#include \"tests/emulate/cuda.h\"\n"
        "struct any_pointer {\n    void *p;\n    template <typename T> operator T *() const { return (T *)p; }\n};\n");
    for (size_t i = 0; i < g.gl_pathc; i++) {
        sample_read(&c, g.gl_pathv[i], &samples[i]);
        if (samples[i].k->schedule.is_cuda)
            ck_assert_msg(emulated_add(&c, &b, samples[i].k, i) == FRIT_OK, "%s", c.message);
    }
    void *library = emulated_compile(&c, strbuf_text(&b));
    ck_assert_msg(library != NULL, "%s", c.message);
    for (size_t i = 0; i < g.gl_pathc; i++)
        if (samples[i].k->schedule.is_cuda) compare_sample(library, i, &samples[i]);
    dlclose(library);
    globfree(&g);
}
END_TEST

static bool takes(op_code op, dtype dt) {
    bool is_float = dtype_is_float(dt), is_any = op_is(op, OPF_LOGIC) || op_is(op, OPF_CMP) || op == OP_select;
    if (op_is(op, OPF_FLT) && !is_float) return false;
    if (op_is(op, OPF_INTG) && !dtype_is_integer(dt)) return false;
    if (op_is(op, OPF_LOGIC) && is_float) return false;
    return dt != FRIT_DT_BOOL || is_any;
}

/* out = op(x, y, z) on elements of dt, as text. */
static frit_status emit_one(op_code op, dtype dt) {
    kernel *k = kernel_new(&job, op_name(op), dim_table_new(&job));
    k->schedule = (kschedule){.is_cuda = true, .threads = 32};
    dim n = dim_const(k->dims, 32), i = dim_axis(k->dims, "i", n);
    kx args[3];
    for (uint32_t j = 0; j < op_info_of(op)->n_in_min; j++) {
        dtype of = op == OP_select && j == 0 ? FRIT_DT_BOOL : dt;
        args[j] = kx_load(k, kernel_param(k, arena_printf(&job, "x%u", j), of, 1, &n, false), &i, 0, 0);
    }
    kx x = kx_op(k, op, op_info_of(op)->n_in_min, args);
    klist body = {0}, top = {0};
    kstmt_store(k, &body, kernel_param(k, "out", kx_dtype(k, x), 1, &n, true), &i, x, 0);
    sym_id axis;
    ck_assert(dim_is_sym(k->dims, i, &axis));
    klist_close(kstmt_loop(k, &top, KL_THREAD, axis, 32, 0), &body);
    vec_push(k->a, k->phases, top.first);
    kernel_seal(k);
    strbuf text = {.a = &job};
    return cuda_emit_text(&c, k, &text);
}

/* Every core operator is written for each type that inference lets through. */
START_TEST(operators_have_texts) {
    for (unsigned op = 0; op < N_OPS; op++) {
        if (!op_is((op_code)op, OPF_EW | OPF_CORE) || op == OP_cast || op == OP_bitcast) continue;
#define ROW(name, code, text, bits, kind)                                                                              \
    if (takes((op_code)op, FRIT_DT_##name) && cuda_is_supported(FRIT_DT_##name))                                       \
        ck_assert_msg(emit_one((op_code)op, FRIT_DT_##name) == FRIT_OK, "%s", c.message);
        FRIT_DTYPE_LIST(ROW)
#undef ROW
    }
}
END_TEST

/* A parameter that is named like a function which the text calls gets another name. */
START_TEST(names_of_functions_are_taken) {
    static const char form[] = "kernel @f(%s: f32[32], out y: f32[32]) {\n  schedule cuda threads 32\n  axis i < 32\n"
                               "  phase {\n    thread i < 32 by 32 {\n      y[i] = atan2(%s[i], 1.0)\n    }\n  }\n}\n";
    static const char *const names[] = {"atan2f", "sign_of", "wrap_add", "warp_group"};
    for (size_t i = 0; i < countof(names); i++) {
        kernel *k;
        strbuf text = {.a = &job};
        const char *source = arena_printf(&job, form, names[i], names[i]);
        ck_assert_msg(kernel_parse(&c, names[i], source, &job, &k) == FRIT_OK, "%s", c.message);
        ck_assert_int_eq(cuda_emit_text(&c, k, &text), FRIT_OK);
        ck_assert_msg(strstr(strbuf_text(&text), arena_printf(&job, "%s_2[", names[i])), "%s", strbuf_text(&text));
    }
}
END_TEST

START_TEST(samples_compile_with_nvrtc) {
    glob_t g = sample_files();
    plan p = {.a = &job};
    cuda_options o = {.nvrtc = getenv("FRIT_NVRTC")};
    int major, minor;
    if (cuda_nvrtc_version(&c, &o, &major, &minor) != FRIT_OK) {
        printf("skip: samples_compile_with_nvrtc: %s\n", c.message);
        return;
    }
    for (size_t i = 0; i < g.gl_pathc; i++) {
        sample s;
        sample_read(&c, g.gl_pathv[i], &s);
        if (s.k->schedule.is_cuda) vec_push(&job, p.kernels, s.k);
        if (s.k->schedule.is_cuda) vec_push(&job, p.kernels, s.k);
    }
    cuda_modules m;
    const char *archs[] = {"sm_90a", "sm_80", NULL};
    o.archs = archs;
    ck_assert_msg(cuda_compile(&c, &p, &o, &m) == FRIT_OK, "%s", c.message);
    ck_assert_uint_eq(m.n_modules, p.kernels.n); /* each kernel is there twice, for two architectures */
    for (uint32_t i = 0; i < m.n_modules; i++) ck_assert(!memcmp(m.modules[i].cubin, "\177ELF", 4));
    globfree(&g);
}
END_TEST

int main(void) {
    TCase *t = tcase_create("cuda_text");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, samples_under_emulation);
    tcase_add_test(t, operators_have_texts);
    tcase_add_test(t, names_of_functions_are_taken);
    tcase_add_test(t, samples_compile_with_nvrtc);
    Suite *s = suite_create("cuda_text");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
