/* CUDA text: every sample kernel that is scheduled for CUDA is emitted, compiled by the system's C++ compiler behind
 * tests/emulate/cuda.h, run, and compared with the kernel interpreter. Kernels without transcendental functions must
 * agree bit by bit. FRIT_KEEP=FILE keeps the C++ source. */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include "codegen/cuda/cuda.h"
#include "kernel_samples.h"

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

/* The text in a namespace of its own, and a function run_N_PHASE with one signature for all kernels. */
static void add_kernel(strbuf *b, const kernel *k, size_t number) {
    strbuf text = {.a = &job};
    ck_assert_msg(cuda_emit_text(&c, k, &text) == FRIT_OK, "%s", c.message);
    strbuf_printf(b, "namespace k%zu {\n", number);
    const char *s = strbuf_text(&text);
    for (const char *at; (at = strstr(s, "extern \"C\" ")); s = at + strlen("extern \"C\" "))
        strbuf_addn(b, s, (size_t)(at - s));
    strbuf_add(b, s);
    strbuf_add(b, "}\n");
    for (uint32_t p = 0; p < k->phases.n; p++) {
        strbuf_printf(b, "static void body_%zu_%u(void **p, const long long *dims)\n{\n    k%zu::%s(", number, p,
                      number, cuda_phase_of(k, p, &job).function);
        for (buf_id i = 0; i < k->n_params; i++) strbuf_printf(b, "any_pointer{p[%u]}, ", i);
        strbuf_add(b, "dims);\n}\n");
        strbuf_printf(
            b,
            "extern \"C\" int run_%zu_%u(long long blocks, unsigned threads, void **p, const long long *dims)\n"
            "{\n    return emulate_launch(body_%zu_%u, blocks, threads, p, dims);\n}\n",
            number, p, number, p);
    }
}

static void *compile(const char *source) {
    const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    const char *keep = getenv("FRIT_KEEP");
    char *cpp = arena_printf(&job, "%s/frit_cuda_%d.cpp", dir, (int)getpid());
    char *so = arena_printf(&job, "%s/frit_cuda_%d.so", dir, (int)getpid());
    FILE *f = fopen(keep ? keep : cpp, "w");
    ck_assert_ptr_nonnull(f);
    fputs(source, f);
    fclose(f);
    char *command =
        arena_printf(&job, "c++ -std=c++17 -O1 -w -fPIC -shared -ffp-contract=off -I. -o %s %s", so, keep ? keep : cpp);
    ck_assert_msg(system(command) == 0, "does not compile: %s", command);
    void *library = dlopen(so, RTLD_NOW);
    ck_assert_msg(library != NULL, "%s", dlerror());
    if (!keep) unlink(cpp);
    unlink(so);
    return library;
}

static bool is_transcendental(const kernel *k) {
    for (uint32_t i = 1; i < k->exprs.n; i++) {
        const kx_node *n = &k->exprs.at[i];
        if (n->kind == KX_OP && op_is(n->op, OPF_FLT) && n->op >= OP_exp && n->op <= OP_erf) return true;
        if (n->kind == KX_OP && (n->op == OP_pow || n->op == OP_atan2)) return true;
    }
    return false;
}

typedef int run_fn(long long blocks, unsigned threads, void **p, const long long *dims);

static void run_emulated(void *library, size_t number, const sample *s, void **buffers) {
    const kernel *k = s->k;
    uint32_t n_numbers;
    const uint32_t *numbers = cuda_number_syms(&job, k->dims, &n_numbers);
    long long *dims = ARENA_ARRAY(&job, long long, n_numbers + 1);
    for (sym_id i = 0; i < dim_n_syms(k->dims); i++)
        if (numbers[i] != UINT32_MAX) dims[numbers[i]] = s->syms[i];
    for (uint32_t p = 0; p < k->phases.n; p++) {
        cuda_phase phase = cuda_phase_of(k, p, &job);
        int64_t blocks;
        ck_assert_int_eq(dim_eval(&c, k->dims, phase.blocks, s->syms, &blocks), FRIT_OK);
        run_fn *run;
        *(void **)&run = dlsym(library, arena_printf(&job, "run_%zu_%u", number, p));
        ck_assert_msg(run(blocks, phase.threads, buffers, dims) == 0, "%s: threads wait for ever", s->path);
    }
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
        if (samples[i].k->schedule.is_cuda) add_kernel(&b, samples[i].k, i);
    }
    void *library = compile(strbuf_text(&b));
    for (size_t i = 0; i < g.gl_pathc; i++)
        if (samples[i].k->schedule.is_cuda) compare_sample(library, i, &samples[i]);
    dlclose(library);
    globfree(&g);
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
    tcase_add_test(t, samples_compile_with_nvrtc);
    Suite *s = suite_create("cuda_text");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
