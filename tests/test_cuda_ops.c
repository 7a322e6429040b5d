/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every recorded operator case as CUDA: lowered for a GPU, run by the kernel interpreter with races checked and,
 * compiled a batch at a time, under the CPU emulation; both against the case's independent reference. FRIT_CASE=TEXT
 * picks cases by name. Cases that the CUDA emitter refuses are counted, and their number may not grow. */
#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_emulated.h"
#include "tests/lowered.h"
#include "tests/op_cases.h"
#include "tests/quick.h"

enum { BATCH = 100, MAX_UNSUPPORTED = 0 };

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

/* A case whose kernels are numbered from first_kernel in its batch. */
typedef struct cuda_case {
    op_case given;
    plan *p;
    size_t first_kernel;
} cuda_case;

typedef struct batch {
    VEC(cuda_case) cases;
    size_t n_kernels;
    strbuf source;
    int n_failed, n_unsupported;
} batch;

typedef struct emulation {
    void *library;
    const cuda_case *of;
} emulation;

static frit_status launch(cx *x, const plan_call *call, uint32_t kernel_id, void *const *buffers) {
    const emulation *e = call->data;
    const kernel *k = call->p->kernels.at[kernel_id];
    const char *why =
        emulated_run(x, e->library, e->of->first_kernel + kernel_id, k, call->syms, (void **)(uintptr_t)buffers);
    return why ? FAIL(x, INTERNAL, k->name, "%s", why) : FRIT_OK;
}

static closeness tolerance_of(const tensor *want) {
    if (want->dt == FRIT_DT_F64) return (closeness){16, 1e-14};
    if (want->dt == FRIT_DT_F32) return (closeness){16, 2e-6};
    return (closeness){1, 1e-5};
}

static const char *run_case(const cuda_case *k, const plan_call *call) {
    tensor got[countof(k->given.outputs)];
    frit_status status = lowered_call(&c, call, k->given.inputs, got);
    if (status != FRIT_OK) return c.message;
    for (uint32_t i = 0; i < k->given.g->outputs.n; i++) {
        const tensor *want = &k->given.outputs[i];
        const char *why = tensor_difference(&job, &got[i], want, tolerance_of(want));
        if (why) return arena_printf(&job, "output %u: %s", i, why);
    }
    return NULL;
}

static void judge(batch *b, const cuda_case *k, const char *how, const char *why) {
    if (!why) return;
    b->n_failed++;
    fprintf(stderr, "FRIT_CASE=%s (%s): %s\n%s", k->given.name, how, why, getenv("FRIT_CASE") ? k->given.text : "");
    cx_clear(&c);
}

static void run_batch(batch *b) {
    emulation e = {.library = emulated_compile(&c, strbuf_text(&b->source))};
    ck_assert_msg(e.library != NULL, "%s", c.message);
    for (uint32_t i = 0; i < b->cases.n; i++) {
        e.of = &b->cases.at[i];
        judge(b, e.of, "interpreted", run_case(e.of, &(plan_call){.p = e.of->p}));
        judge(b, e.of, "emulated", run_case(e.of, &(plan_call){.p = e.of->p, .launch = launch, .data = &e}));
    }
    dlclose(e.library);
    b->cases.n = 0;
    b->n_kernels = 0;
    b->source = (strbuf){.a = &job};
    emulated_begin(&b->source);
}

static void add_case(batch *b, const op_case *given) {
    cuda_case k = {.given = *given, .first_kernel = b->n_kernels};
    strbuf texts = {.a = &job};
    frit_status status = lowered_plan(&c, given->g, &(lowered_options){.arch = "sm_90a"}, &k.p);
    for (uint32_t i = 0; status == FRIT_OK && i < k.p->kernels.n; i++)
        status = emulated_add(&c, &texts, k.p->kernels.at[i], k.first_kernel + i);
    if (status == FRIT_UNSUPPORTED) {
        if (getenv("FRIT_CASE")) fprintf(stderr, "%s: %s\n", given->name, c.message);
        b->n_unsupported++;
        cx_clear(&c);
        return;
    }
    if (status != FRIT_OK) {
        judge(b, &k, "lowering", c.message);
        return;
    }
    cuda_modules modules;
    if (getenv("FRIT_NVRTC") && cuda_compile(&c, k.p, &(cuda_options){0}, &modules) != FRIT_OK)
        judge(b, &k, "NVRTC", c.message);
    b->n_kernels += k.p->kernels.n;
    strbuf_add(&b->source, strbuf_text(&texts));
    vec_push(&job, b->cases, k);
}

/* Quick runs take the first case of each operator (a case's last node). */
static bool is_left_out(const op_case *k, bool *seen) {
    const region *body = &k->g->regions.at[0];
    if (!is_quick() || body->nodes.n == 0) return false;
    op_code op = graph_node(k->g, body->nodes.at[body->nodes.n - 1])->op;
    bool is_known = seen[op];
    seen[op] = true;
    return is_known;
}

START_TEST(operators) {
    op_case_reader r;
    op_case k = {0};
    batch b = {.source = {.a = &job}};
    bool seen[N_OPS] = {false};
    const char *only = getenv("FRIT_CASE");
    emulated_begin(&b.source);
    frit_status status = op_cases_open(&c, &r);
    while (status == FRIT_OK && (status = op_cases_next(&r, &k)) == FRIT_OK && k.name) {
        if ((only && !strstr(k.name, only)) || is_left_out(&k, seen)) continue;
        add_case(&b, &k);
        if (b.cases.n == BATCH) run_batch(&b);
    }
    ck_assert_msg(status == FRIT_OK, "%s", c.message);
    run_batch(&b);
    ck_assert_msg(b.n_failed == 0, "%d runs differ", b.n_failed);
    ck_assert_int_le(b.n_unsupported, MAX_UNSUPPORTED);
}
END_TEST

int main(void) {
    Suite *s = suite_create("cuda_ops");
    TCase *t = tcase_create("cuda_ops");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 400);
    tcase_add_test(t, operators);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
