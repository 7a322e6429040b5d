/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lowering against the evaluator: each program of tests/lower/ goes through the passes, fusion and the loop trees, runs
 * in the kernel interpreter with every access checked, then as compiled code, and must give what the graph gives. */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "codegen/cpu/cpu.h"
#include "cuda_emulated.h"
#include "ir/eval/eval.h"
#include "passes/pipeline.h"
#include "passes/plan/lower.h"
#include "tests/quick.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

static char *programs[256];
static int n_programs;

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list_programs(void) {
    DIR *d = opendir(FRIT_SOURCE "/tests/lower");
    const char *only = getenv("FRIT_CASE");
    if (!d) abort();
    for (struct dirent *e; (e = readdir(d)) && n_programs < 256;)
        if (strstr(e->d_name, ".fir") && (!only || strstr(e->d_name, only))) programs[n_programs++] = strdup(e->d_name);
    closedir(d);
    qsort(programs, (size_t)n_programs, sizeof *programs, by_name);
}

static uint64_t random_state;
static double random_unit(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

/* Values in [-2, 2): small integers for integer types, so that indices fall in and out of small ranges; bytes take all
 * their values, so that products of them reach their bounds. */
static void fill(tensor *t) {
    for (int64_t i = 0; i < tensor_count(t); i++) {
        double x = random_unit() * 4 - 2;
        if (t->dt == FRIT_DT_BOOL) x = x > -1;
        if (t->dt == FRIT_DT_I8 || t->dt == FRIT_DT_U8) x = (t->dt == FRIT_DT_U8 ? x + 2 : x) * 64;
        dtype_store(t->dt, t->data, (size_t)i, dtype_from_f64(t->dt, x));
    }
}

static void make_inputs(const graph *g, const int64_t *syms, tensor *in) {
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        const tensor_type *type = &g->inputs.at[i].type;
        int64_t shape[MAX_RANK];
        for (uint32_t d = 0; d < type->rank; d++)
            ck_assert_int_eq(dim_eval(&c, g->dims, type->shape[d], syms, &shape[d]), FRIT_OK);
        ck_assert_int_eq(tensor_alloc(&c, &job, type->dt, type->rank, shape, &in[i]), FRIT_OK);
        fill(&in[i]);
    }
}

/* Compiled code: for the CPU, or CUDA text under emulation; both NULL: the kernel interpreter. */
typedef struct code {
    cpu_jit *cpu;
    void *emulated;
} code;

/* All phases of one launch by compiled code, in two calls each, as two threads would share it. */
static void run_compiled(const plan *p, uint32_t number_of_kernel, const cpu_jit *jit, const int64_t *syms,
                         void *const *buffers) {
    kernel *k = p->kernels.at[number_of_kernel];
    uint32_t n;
    const uint32_t *number = plan_number_syms(&job, p->iface->dims, &n);
    int64_t *dims = ARENA_ARRAY(&job, int64_t, n + 1u), items, scratch_bytes;
    for (uint32_t i = 0; i < dim_n_syms(p->iface->dims); i++)
        if (number[i] != UINT32_MAX) dims[number[i]] = syms[i];
    ck_assert_int_eq(dim_eval(&c, p->iface->dims, p->scratch, syms, &scratch_bytes), FRIT_OK);
    void *memory = arena_alloc_aligned(&job, (size_t)scratch_bytes + KERNEL_REPORT_BYTES, 64);
    for (uint32_t phase = 0; phase < k->phases.n; phase++) {
        ck_assert_int_eq(dim_eval(&c, p->iface->dims, kernel_items(k, phase), syms, &items), FRIT_OK);
        frit_kernel_fn *run = cpu_jit_phase(jit, number_of_kernel, phase);
        run(buffers, dims, 0, items / 2, memory);
        run(buffers, dims, items / 2, items, memory);
    }
}

static frit_status run_kernel(cx *unused, const plan_call *call, uint32_t number, void *const *buffers) {
    const code *by = call->data;
    (void)unused;
    if (by->cpu) {
        run_compiled(call->p, number, by->cpu, call->syms, buffers);
        return FRIT_OK;
    }
    const kernel *k = call->p->kernels.at[number];
    void **at = arena_copy(&job, buffers, (k->n_params + 1u) * sizeof *at);
    const char *why = emulated_run(&c, by->emulated, number, k, call->syms, at);
    ck_assert_msg(!why, "kernel %s: %s", k->name, why);
    return FRIT_OK;
}

static void run_plan(const plan *p, const code *by, const int64_t *syms, const tensor *in, void *const *out) {
    const void **inputs = ARENA_ARRAY(&job, const void *, p->iface->inputs.n + 1u);
    for (uint32_t i = 0; i < p->iface->inputs.n; i++) inputs[i] = in[i].data;
    bool is_interpreted = !by->cpu && !by->emulated;
    plan_call call = {.p = p,
                      .inputs = inputs,
                      .syms = syms,
                      .outputs = out,
                      .launch = is_interpreted ? NULL : run_kernel,
                      .data = (void *)(uintptr_t)by};
    frit_status status = plan_run_by(&c, &call);
    ck_assert_msg(status == FRIT_OK, "%s", c.message ? c.message : "?");
}

static double largest(const tensor *t) {
    double most = 0;
    for (int64_t i = 0; i < tensor_count(t); i++) {
        double x = fabs(dtype_to_f64(t->dt, dtype_load(t->dt, t->data, (size_t)i)));
        if (isfinite(x) && x > most) most = x;
    }
    return most;
}

/* Sums of products of both signs lose digits against their largest element, not against themselves. */
static void compare(const char *program, const graph *g, const tensor *want, void *const *got) {
    for (uint32_t o = 0; o < g->outputs.n; o++) {
        double atol = want[o].dt == FRIT_DT_F32 ? 1e-6 + 1e-5 * largest(&want[o]) : 0;
        for (int64_t i = 0; i < tensor_count(&want[o]); i++) {
            double a = dtype_to_f64(want[o].dt, dtype_load(want[o].dt, want[o].data, (size_t)i));
            double b = dtype_to_f64(want[o].dt, dtype_load(want[o].dt, got[o], (size_t)i));
            bool same = a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= atol;
            ck_assert_msg(same, "%s: output %u element %lld is %.9g, should be %.9g", program, o, (long long)i, b, a);
        }
    }
}

/* Memory for output o where counted symbols have their greatest values; those of g's own symbols are in syms. */
static void *room_for(const graph *g, uint32_t o, const int64_t *syms) {
    uint32_t n = dim_n_syms(g->dims);
    int64_t *most = arena_copy(&job, syms, (n + 1u) * sizeof *most), elements;
    for (uint32_t s = 0; s < n; s++) {
        const sym_info *info = dim_sym_info(g->dims, s);
        if (info->kind != SYM_RESULT) continue;
        ck_assert_int_eq(dim_eval(&c, g->dims, info->extent, most, &most[s]), FRIT_OK);
        most[s]--;
    }
    const tensor_type *t = &g->outputs.at[o].type;
    ck_assert_int_eq(dim_eval(&c, g->dims, dim_product(g->dims, t->rank, t->shape), most, &elements), FRIT_OK);
    return arena_alloc(&job, dtype_bytes(t->dt, (size_t)elements));
}

enum { N_VARIANTS = 4, LARGEST_VARIANT = 2 };

/* Symbol number s takes the n-th of a few awkward sizes; the last variant is the one without elements, where a range
 * allows it. */
static void run_at(const char *program, graph *source, const plan *p, const code *by, int variant) {
    static const int64_t sizes[N_VARIANTS][4] = {{3, 5, 7, 2}, {1, 1, 1, 1}, {2, 66, 3, 9}, {2, 3, 5, 4}};
    uint32_t n = dim_n_syms(source->dims);
    int64_t *syms = ARENA_ARRAY(&job, int64_t, n + 1u);
    uint32_t shape_syms = 0;
    for (uint32_t s = 0; s < n; s++) {
        const sym_info *info = dim_sym_info(source->dims, s);
        bool is_free = info->kind == SYM_INPUT_DIM || info->kind == SYM_FREE || info->kind == SYM_HOST_ELEM;
        if (!is_free) continue;
        syms[s] = sizes[variant][shape_syms++ % 4];
        if (variant == N_VARIANTS - 1 && info->lo == 0) syms[s] = 0;
    }
    tensor *in = ARENA_ARRAY(&job, tensor, source->inputs.n + 1u),
           *want = ARENA_ARRAY(&job, tensor, source->outputs.n + 1u);
    void **got = ARENA_ARRAY(&job, void *, source->outputs.n + 1u);
    make_inputs(source, syms, in);
    ck_assert_msg(eval_graph(&c, source, &job, in, want) == FRIT_OK, "%s: %s", program, c.message);
    for (uint32_t o = 0; o < source->outputs.n; o++) got[o] = room_for(source, o, syms);
    run_plan(p, &(code){0}, syms, in, got);
    compare(program, source, want, got);
    for (uint32_t o = 0; o < source->outputs.n; o++)
        memset(got[o], 0xa5, dtype_bytes(want[o].dt, (size_t)tensor_count(&want[o])));
    run_plan(p, by, syms, in, got);
    compare(arena_printf(&job, "%s, compiled", program), source, want, got);
}

/* A program as written and after the passes; the result is the number of kernels it says it should have, -1 for any. */
static int read_program(const char *program, graph **out_source, graph **out_core) {
    char *path = arena_printf(&job, FRIT_SOURCE "/tests/lower/%s", program);
    mapped_file f;
    int n_kernels = -1;
    ck_assert_int_eq(file_map(&c, path, &f), FRIT_OK);
    char *text = arena_strndup(&job, (const char *)f.data, f.bytes);
    file_unmap(&f);
    sscanf(text, "-- kernels %d", &n_kernels);
    ck_assert_msg(graph_parse(&c, program, text, out_source) == FRIT_OK, "%s", c.message);
    frit_status status = pipeline_run(&c, *out_source, &(pipeline_options){.is_verified = true}, out_core);
    ck_assert_msg(status == FRIT_OK, "%s", c.message);
    return n_kernels;
}

/* Symbols with small ranges: no kernel has a branch whose accesses would all be outside. */
START_TEST(few_rows_make_small_blocks) {
    static const char text[] =
        "func @net(%x: f64[K, 4], %i: f32[2, 3, T, 9]) -> (%y: f64[K, 4], %z: f32[2, 3, (T + 1) floordiv 2, 9]) where "
        "K in 0..5, T in 1..8 {\n"
        "  %y = lrn %x {size = 4, alpha = 0.1} : f64[K, 4]\n"
        "  %z = avg_pool %i {sizes = [2, 3], strides = [2, 1], pads = [1, 1, 0, 1], dilations = [1, 1]} : f32[2, 3, (T "
        "+ "
        "1) floordiv 2, 9]\n"
        "  return %y, %z\n}\n";
    graph *source, *core;
    plan *p;
    target t;
    ck_assert_msg(graph_parse(&c, "few_rows", text, &source) == FRIT_OK, "%s", c.message);
    ck_assert_int_eq(pipeline_run(&c, source, &(pipeline_options){.is_verified = true}, &core), FRIT_OK);
    ck_assert_int_eq(target_cpu(&c, "x86-64-v3", &t), FRIT_OK);
    ck_assert_msg(lower_graph(&c, core, &(lower_options){.t = &t}, &p) == FRIT_OK, "%s", c.message);
    for (uint32_t i = 0; i < p->kernels.n; i++)
        ck_assert_msg(kernel_verify(&c, p->kernels.at[i]) == FRIT_OK, "%s", c.message);
}
END_TEST

START_TEST(gives_what_the_graph_gives) {
    const char *program = programs[_i];
    graph *source, *core;
    plan *p;
    target t;
    int want_kernels = read_program(program, &source, &core);
    ck_assert_int_eq(target_cpu(&c, "native", &t), FRIT_OK);
    ck_assert_msg(lower_graph(&c, core, &(lower_options){.t = &t}, &p) == FRIT_OK, "%s: %s", program, c.message);
    for (uint32_t i = 0; i < p->kernels.n; i++)
        ck_assert_msg(kernel_verify(&c, p->kernels.at[i]) == FRIT_OK, "%s: %s", program, c.message);
    if (want_kernels >= 0) ck_assert_msg((int)p->kernels.n == want_kernels, "%s: %u kernels", program, p->kernels.n);
    cpu_objects objects;
    code by = {0};
    ck_assert_msg(cpu_emit(&c, p, &t, &(cpu_options){0}, &objects) == FRIT_OK, "%s: %s", program, c.message);
    ck_assert_msg(cpu_jit_load(&c, &objects, &by.cpu) == FRIT_OK, "%s: %s", program, c.message);
    for (int variant = 0; variant < N_VARIANTS; variant++) {
        if (is_quick() && variant == LARGEST_VARIANT) continue; /* the interpreter takes most of the time for it */
        random_state = 42u + (uint64_t)variant;
        run_at(program, source, p, &by, variant);
    }
    cpu_jit_close(by.cpu);
}
END_TEST

/* NVRTC takes the text of every kernel, where there is one on this machine. */
static void compile_by_nvrtc(const char *program, const plan *p) {
    cuda_modules modules;
    frit_status status = cuda_compile(&c, p, &(cuda_options){.n_threads = 1}, &modules);
    ck_assert_msg(status == FRIT_OK || status == FRIT_MISSING, "%s: %s", program, c.message);
    cx_clear(&c);
}

/* The loop trees for CUDA's threads, interpreted with races checked, then as CUDA text under emulation. */
START_TEST(cuda_trees_give_what_the_graph_gives) {
    const char *program = programs[_i];
    if (is_quick()) {
        printf("skip: cuda_trees_give_what_the_graph_gives: %s: a C compiler for each, left out of quick runs\n",
               program);
        return;
    }
    graph *source, *core;
    plan *p;
    target t;
    read_program(program, &source, &core);
    ck_assert_int_eq(target_cuda(&c, "sm_90a", &t), FRIT_OK);
    ck_assert_msg(lower_graph(&c, core, &(lower_options){.t = &t}, &p) == FRIT_OK, "%s: %s", program, c.message);
    for (uint32_t i = 0; i < p->kernels.n; i++)
        ck_assert_msg(kernel_verify(&c, p->kernels.at[i]) == FRIT_OK, "%s: %s", program, c.message);
    strbuf text = {.a = &job};
    emulated_begin(&text);
    for (uint32_t i = 0; i < p->kernels.n; i++)
        ck_assert_msg(emulated_add(&c, &text, p->kernels.at[i], i) == FRIT_OK, "%s: %s", program, c.message);
    code by = {.emulated = emulated_compile(&c, strbuf_text(&text))};
    ck_assert_msg(by.emulated != NULL, "%s: %s", program, c.message);
    for (int variant = 0; variant <= LARGEST_VARIANT; variant += 2) {
        random_state = 42u + (uint64_t)variant;
        run_at(program, source, p, &by, variant);
    }
    dlclose(by.emulated);
    compile_by_nvrtc(program, p);
}
END_TEST

int main(void) {
    list_programs();
    Suite *s = suite_create("lower");
    TCase *programs_case = tcase_create("programs");
    tcase_set_timeout(programs_case, 120);
    tcase_add_checked_fixture(programs_case, setup, teardown);
    tcase_add_test(programs_case, few_rows_make_small_blocks);
    tcase_add_loop_test(programs_case, gives_what_the_graph_gives, 0, n_programs);
    tcase_add_loop_test(programs_case, cuda_trees_give_what_the_graph_gives, 0, n_programs);
    suite_add_tcase(s, programs_case);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
