/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* gpu_check LIST SHARD N_SHARDS FROM PROGRESS: runs every N_SHARDS-th case of the list on the GPU, twice in one
 * context, from case FROM on, and compares with the stored answers. A line of the list is GROUP ARTIFACT CASE. Prints
 * "case GROUP NAME" before and "ok GROUP NAME: ..." or "BAD GROUP NAME: ..." after each. PROGRESS holds the number of
 * the case at hand, so that whoever started it can go on behind a case that ended the process: after a fault of the GPU
 * a process can do nothing more there, and exits with 3. Needs nothing but the artifacts, the driver and libc; check.py
 * builds and runs it. */
#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frit_artifact.h"
#include "ir/op/dtype.h"
#include "runtime/cuda_api.h"
#include "tests/gpu/case_file.h"

enum { MAX_TENSORS = 64, MAX_SYMBOLS = 256, GPU_IS_LOST = 3 };

static cuda_api api;

typedef struct call {
    const char *group, *name;
    const frit_artifact *artifact;
    int32_t n_in, n_out;
    case_tensor t[MAX_TENSORS]; /* inputs, then outputs */
    void *host[MAX_TENSORS];
    cuda_pointer at[MAX_TENSORS]; /* 0: none */
    frit_tensor abi[MAX_TENSORS];
    int64_t room[MAX_TENSORS][FRIT_MAX_RANK]; /* dims of outputs at their largest, where the program counts them */
    int n_bad;
} call;

_Noreturn void assert_failed(const char *expr, const char *file, int line);
_Noreturn void assert_failed(const char *expr, const char *file, int line) {
    printf("%s:%d: %s\n", file, line, expr);
    exit(2);
}

static void bad(call *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void bad(call *k, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    printf("BAD %s %s: ", k->group, k->name);
    vprintf(format, ap);
    printf("\n");
    va_end(ap);
    fflush(stdout);
    k->n_bad++;
}

/* A call of the driver that has to succeed. */
static void must(call *k, cuda_result r, const char *what) {
    if (!r) return;
    bad(k, "%s: %s", what, cuda_api_text(&api, r));
    exit(GPU_IS_LOST);
}

static void die(const char *what, const char *why) {
    printf("%s: %s\n", what, why);
    exit(2);
}

static int read_call(const char *path, call *k) {
    FILE *f = fopen(path, "rb");
    int32_t counts[2];
    if (!f || fread(counts, sizeof counts, 1, f) != 1 || counts[0] + counts[1] > MAX_TENSORS) return 0;
    k->n_in = counts[0], k->n_out = counts[1];
    for (int i = 0; i < k->n_in + k->n_out; i++) {
        case_tensor *t = &k->t[i];
        if (fread(t, sizeof *t, 1, f) != 1) return 0;
        k->host[i] = calloc(1, t->bytes + 1);
        if (fread(k->host[i], 1, t->bytes, f) != t->bytes) return 0;
        k->abi[i] = (frit_tensor){.data = k->host[i], .dtype = t->dtype, .rank = t->rank, .dims = t->dims};
    }
    fclose(f);
    return 1;
}

/* Memory of exactly n bytes for tensor i; none for an empty one. */
static void place(call *k, int i, uint64_t n) {
    if (n) must(k, api.memory_alloc(&k->at[i], n), "memory");
    k->abi[i].data = (void *)(uintptr_t)k->at[i];
}

/* Inputs go to the GPU, host inputs stay; outputs get room for what bind says that they may have. */
static int place_all(call *k, const int64_t *symbols) {
    const frit_artifact *a = k->artifact;
    for (int i = 0; i < k->n_in; i++) {
        frit_port p = {.struct_bytes = sizeof p};
        if (a->input(a, (uint32_t)i, &p) != FRIT_OK || p.is_host) continue;
        place(k, i, k->t[i].bytes);
        if (k->t[i].bytes) must(k, api.copy_to(k->at[i], k->host[i], k->t[i].bytes, NULL), "copy");
    }
    for (int i = k->n_in; i < k->n_in + k->n_out; i++) {
        size_t n = 1;
        if (a->output_dims(a, symbols, (uint32_t)(i - k->n_in), k->room[i]) != FRIT_OK) return 0;
        for (int d = 0; d < k->t[i].rank; d++) n *= (size_t)k->room[i][d];
        k->abi[i].dims = k->room[i];
        place(k, i, dtype_bytes((dtype)k->t[i].dtype, n));
    }
    must(k, api.stream_wait(NULL), "copy");
    return 1;
}

static double ulp_of(dtype dt, double x) {
    uint64_t code = 0, next;
    dtype_store(dt, &code, 0, dtype_from_f64(dt, fabs(x)));
    next = code + 1;
    double here = dtype_load(dt, &code, 0).f, above = dtype_load(dt, &next, 0).f;
    if (isfinite(above)) return above - here;
    next = code - 1;
    return here - dtype_load(dt, &next, 0).f;
}

static int is_close(dtype dt, scalar got, scalar want, double largest, const case_bounds *b) {
    if (!dtype_is_float(dt)) return got.i == want.i;
    if (isnan(got.f) || isnan(want.f)) return isnan(got.f) && isnan(want.f);
    if (got.f == want.f) return 1;
    if (isinf(got.f) || isinf(want.f)) return 0;
    double slack = fmax(fmax(b->of_largest * largest, b->absolute), b->of_element * fabs(want.f));
    if (b->ulps > 0) slack = fmax(slack, b->ulps * ulp_of(dt, want.f));
    return fabs(got.f - want.f) <= slack;
}

/* Compares output i; *worst becomes the largest error of floats over the largest element. */
static void compare(call *k, int i, const void *got, double *worst) {
    const case_tensor *t = &k->t[i];
    dtype dt = (dtype)t->dtype;
    int64_t n = 1, n_far = 0, first = 0;
    double largest = 0, most = 0;
    for (int d = 0; d < t->rank; d++) n *= t->dims[d];
    for (int64_t e = 0; e < n && dtype_is_float(dt); e++) {
        double v = fabs(dtype_load(dt, k->host[i], (size_t)e).f);
        if (isfinite(v)) largest = fmax(largest, v);
    }
    for (int64_t e = n; e-- > 0;) {
        scalar x = dtype_load(dt, got, (size_t)e), y = dtype_load(dt, k->host[i], (size_t)e);
        if (dtype_is_float(dt) && isfinite(x.f) && isfinite(y.f)) most = fmax(most, fabs(x.f - y.f));
        if (is_close(dt, x, y, largest, &t->bounds)) continue;
        n_far++;
        first = e;
    }
    *worst = fmax(*worst, largest > 0 ? most / largest : most);
    if (!n_far) return;
    double x = dtype_to_f64(dt, dtype_load(dt, got, (size_t)first));
    double y = dtype_to_f64(dt, dtype_load(dt, k->host[i], (size_t)first));
    bad(k, "output %d: %lld of %lld elements, the first is %lld: %.9g, not %.9g", i - k->n_in, (long long)n_far,
        (long long)n, (long long)first, x, y);
}

static void check_outputs(call *k, const frit_context *x) {
    double worst = 0;
    for (int i = k->n_in; i < k->n_in + k->n_out; i++) {
        const case_tensor *t = &k->t[i];
        int64_t dims[FRIT_MAX_RANK];
        if (k->artifact->result_dims(x, (uint32_t)(i - k->n_in), dims) != FRIT_OK ||
            memcmp(dims, t->dims, (size_t)t->rank * sizeof *dims)) {
            bad(k, "output %d has other dims", i - k->n_in);
            continue;
        }
        void *got = calloc(1, t->bytes + 1);
        if (t->bytes) must(k, api.copy_from(got, k->at[i], t->bytes, NULL), "copy");
        must(k, api.stream_wait(NULL), "copy");
        compare(k, i, got, &worst);
        free(got);
    }
    if (!k->n_bad) printf("ok %s %s: %.2g of the largest element\n", k->group, k->name, worst);
}

static void run_case(call *k) {
    const frit_artifact *a = k->artifact;
    char text[256] = "";
    int64_t symbols[MAX_SYMBOLS];
    frit_context *x = NULL;
    frit_artifact_info info = {.struct_bytes = sizeof info};
    if (a->info(a, &info) != FRIT_OK || info.n_symbols > MAX_SYMBOLS) {
        bad(k, "more than %d symbols", MAX_SYMBOLS);
        return;
    }
    if (a->bind(a, k->abi, symbols, text, sizeof text) != FRIT_OK) {
        bad(k, "bind: %s", text);
        return;
    }
    if (!place_all(k, symbols)) {
        bad(k, "output_dims fails");
        return;
    }
    frit_options o = {.struct_bytes = sizeof o, .max_symbols = symbols};
    if (a->create(a, &o, &x, text, sizeof text) != FRIT_OK) {
        bad(k, "create: %s", text);
        return;
    }
    for (int turn = 0; turn < 2; turn++) {
        frit_status status = a->run(x, k->abi, k->abi + k->n_in);
        if (status != FRIT_OK) bad(k, "run: %s", a->error(x));
        if (status == FRIT_DEVICE) exit(GPU_IS_LOST);
        must(k, api.stream_wait(NULL), "run");
        if (status != FRIT_OK) break;
    }
    if (!k->n_bad) check_outputs(k, x);
    a->destroy(x);
}

static void run_file(const char *folder, const char *group, const char *so, const char *file) {
    static call k;
    char path[600];
    k = (call){.group = group, .name = file};
    printf("case %s %s\n", group, file);
    fflush(stdout);
    snprintf(path, sizeof path, "%s/%s", folder, so);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) die(path, dlerror());
    frit_artifact_table_fn *table = (frit_artifact_table_fn *)(uintptr_t)dlsym(handle, FRIT_ARTIFACT_SYMBOL);
    k.artifact = table ? table(FRIT_ARTIFACT_ABI) : NULL;
    if (!k.artifact) die(path, "no frit artifact of this version");
    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (!read_call(path, &k)) die(path, "cannot be read");
    run_case(&k);
    for (int i = 0; i < k.n_in + k.n_out; i++) {
        if (k.at[i]) must(&k, api.memory_free(k.at[i]), "memory");
        free(k.host[i]);
    }
    fflush(stdout);
    dlclose(handle);
}

int main(int argc, char **argv) {
    char text[200], group[40], so[200], file[200], folder[300];
    void *context;
    int device;
    FILE *list = argc == 6 ? fopen(argv[1], "r") : NULL, *progress = list ? fopen(argv[5], "w") : NULL;
    if (!progress) die("usage", "gpu_check LIST SHARD N_SHARDS FROM PROGRESS");
    int shard = atoi(argv[2]), n_shards = atoi(argv[3]), from = atoi(argv[4]);
    const char *slash = strrchr(argv[1], '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - argv[1]) : 1, slash ? argv[1] : ".");
    if (!cuda_api_open(&api, text, sizeof text)) die("cuda", text);
    call none = {.group = "driver", .name = "start"};
    must(&none, api.device_get(&device, 0), "device");
    must(&none, api.primary_retain(&context, device), "context");
    must(&none, api.context_set(context), "context");
    for (int i = 0; fscanf(list, "%39s %199s %199s", group, so, file) == 3; i++) {
        if (i % n_shards != shard || i < from) continue;
        rewind(progress);
        fprintf(progress, "%-12d", i);
        fflush(progress);
        run_file(folder, group, so, file);
    }
    rewind(progress);
    fprintf(progress, "%-12s", "end");
    fclose(progress);
    return 0;
}
