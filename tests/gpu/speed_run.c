/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* gpu_speed DIR [--quick]: runs every case that gpu_speed_prepare made in DIR on the first GPU, compares with what is
 * stored, and times each. Needs nothing but libc and the driver; exit status 0 when all agree. --quick: cases of at
 * most 1 MB, run once, for compute-sanitizer. */
#include <dlfcn.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frit_artifact.h"
#include "runtime/cuda_api.h"
#include "tests/gpu/speed_cases.h"

enum { QUICK_BYTES = 1 << 20, TIMED_RUNS = 50 };

static cuda_api api;

static void die(const char *what, const char *why) {
    fprintf(stderr, "gpu_speed: %s: %s\n", what, why);
    exit(2);
}

static void check(cuda_result r, const char *what) {
    if (r) die(what, cuda_api_text(&api, r));
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char *read_file(const char *path, size_t *out_bytes) {
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) die(path, "cannot be read");
    *out_bytes = (size_t)ftell(f);
    char *data = malloc(*out_bytes + 1);
    rewind(f);
    if (!data || fread(data, 1, *out_bytes, f) != *out_bytes) die(path, "cannot be read");
    fclose(f);
    return data;
}

/* One case on the GPU. */
typedef struct running {
    const case_header *h;
    const char *file;
    void *library;
    const frit_artifact *a;
    frit_context *context;
    frit_tensor tensors[CASE_MAX_TENSORS];
} running;

static void open_artifact(running *r, const char *path) {
    r->library = dlopen(path, RTLD_NOW);
    if (!r->library) die(path, dlerror());
    frit_artifact_table_fn *table;
    *(void **)&table = dlsym(r->library, "frit_artifact_table");
    if (!table) die(path, dlerror());
    r->a = table(FRIT_ARTIFACT_ABI);
    if (!r->a) die(path, "speaks another version of the interface");
}

/* Bytes that are small floats, for cases without stored inputs. */
static void fill_with_numbers(cuda_pointer at, uint64_t bytes) {
    float *x = malloc(bytes + sizeof *x);
    if (!x) die("inputs", "memory");
    for (uint64_t i = 0; i < bytes / sizeof *x; i++) x[i] = (float)((i * 2654435761u) >> 16 & 1023) / 512 - 1;
    check(api.copy_to(at, x, bytes, NULL), "copy");
    check(api.stream_wait(NULL), "copy");
    free(x);
}

static void place_tensors(running *r) {
    for (uint32_t i = 0; i < r->h->n_inputs + r->h->n_outputs; i++) {
        const case_tensor *t = &r->h->tensors[i];
        cuda_pointer at;
        check(api.memory_alloc(&at, t->bytes + 1), "memory");
        bool is_input = i < r->h->n_inputs && t->bytes;
        if (is_input && r->h->tolerance < 0) fill_with_numbers(at, t->bytes);
        if (is_input && r->h->tolerance >= 0) check(api.copy_to(at, r->file + t->offset, t->bytes, NULL), "copy");
        r->tensors[i] =
            (frit_tensor){.data = (void *)(uintptr_t)at, .dtype = t->dtype, .rank = t->rank, .dims = t->dims};
    }
    check(api.stream_wait(NULL), "copy");
}

static void create(running *r) {
    char text[256] = "";
    frit_artifact_info info = {.struct_bytes = sizeof info};
    r->a->info(r->a, &info);
    int64_t *symbols = calloc(info.n_symbols + 1, sizeof *symbols);
    if (!symbols || r->a->bind(r->a, r->tensors, symbols, text, sizeof text) != FRIT_OK) die("bind", text);
    frit_options o = {.struct_bytes = sizeof o, .max_symbols = symbols};
    if (r->a->create(r->a, &o, &r->context, text, sizeof text) != FRIT_OK) die("create", text);
    free(symbols);
}

static void run_once(running *r) {
    if (r->a->run(r->context, r->tensors, r->tensors + r->h->n_inputs) != FRIT_OK) die("run", r->a->error(r->context));
}

/* Largest difference from what is stored, relative to the largest finite value; INFINITY where NaN do not match. */
static double worst_of(const float *got, const float *want, size_t n) {
    double worst = 0, largest = 1e-30;
    for (size_t i = 0; i < n; i++)
        if (isfinite(want[i]) && fabs((double)want[i]) > largest) largest = fabs((double)want[i]);
    for (size_t i = 0; i < n; i++) {
        if (got[i] == want[i] || (isnan(got[i]) && isnan(want[i]))) continue;
        double d = fabs((double)got[i] - (double)want[i]) / largest;
        if (!(d <= worst)) worst = isnan(d) ? INFINITY : d;
    }
    return worst;
}

static double compare(running *r) {
    double worst = 0;
    for (uint32_t i = r->h->n_inputs; i < r->h->n_inputs + r->h->n_outputs; i++) {
        const case_tensor *t = &r->h->tensors[i];
        if (t->dtype != FRIT_DT_F32) die(r->h->artifact, "only f32 outputs are compared");
        float *got = malloc(t->bytes + 1);
        if (!got) die(r->h->artifact, "memory");
        check(api.copy_from(got, (cuda_pointer)(uintptr_t)r->tensors[i].data, t->bytes, NULL), "copy");
        check(api.stream_wait(NULL), r->h->artifact);
        double d = worst_of(got, (const float *)(const void *)(r->file + t->offset), t->bytes / sizeof *got);
        if (d > worst) worst = d;
        free(got);
    }
    return worst;
}

/* Seconds of one run, queued back to back. */
static double time_runs(running *r) {
    run_once(r);
    check(api.stream_wait(NULL), r->h->artifact);
    double began = seconds_now();
    for (int i = 0; i < TIMED_RUNS; i++) run_once(r);
    check(api.stream_wait(NULL), r->h->artifact);
    return (seconds_now() - began) / TIMED_RUNS;
}

static bool run_case(const char *folder, const char *path, bool is_quick) {
    running r = {0};
    size_t n_bytes;
    char *file = read_file(path, &n_bytes);
    r.file = file;
    r.h = (const case_header *)(const void *)file;
    if (n_bytes < sizeof *r.h || memcmp(r.h->magic, CASE_MAGIC, 8) != 0) die(path, "is no case");
    if (is_quick && (n_bytes > QUICK_BYTES || r.h->tolerance < 0)) {
        free(file);
        return true;
    }
    char artifact[4096];
    snprintf(artifact, sizeof artifact, "%s/%s", folder, r.h->artifact);
    open_artifact(&r, artifact);
    place_tensors(&r);
    create(&r);
    run_once(&r);
    bool is_compared = r.h->tolerance >= 0;
    double worst = is_compared ? compare(&r) : 0;
    bool ok = !is_compared || worst <= r.h->tolerance;
    printf("%-14s %-24s %-6s error %.1e", r.h->artifact, r.h->dims, !is_compared ? "-" : ok ? "ok" : "WRONG", worst);
    if (!is_quick) {
        uint64_t moved = 0;
        for (uint32_t i = 0; i < r.h->n_inputs + r.h->n_outputs; i++) moved += r.h->tensors[i].bytes;
        double s = time_runs(&r);
        printf("  %9.1f us  %7.1f GB/s", 1e6 * s, 1e-9 * (double)moved / s);
    }
    printf("\n");
    r.a->destroy(r.context);
    for (uint32_t i = 0; i < r.h->n_inputs + r.h->n_outputs; i++)
        api.memory_free((cuda_pointer)(uintptr_t)r.tensors[i].data);
    dlclose(r.library);
    free(file);
    return ok;
}

int main(int argc, char **argv) {
    char text[256], pattern[4096];
    void *context = NULL;
    int device, n_wrong = 0;
    glob_t g;
    if (argc < 2) die("usage", "gpu_speed DIR [--quick]");
    if (!cuda_api_open(&api, text, sizeof text)) die("driver", text);
    check(api.init(0), "driver");
    check(api.device_get(&device, 0), "device");
    check(api.primary_retain(&context, device), "device");
    check(api.context_set(context), "device");
    snprintf(pattern, sizeof pattern, "%s/*.case", argv[1]);
    if (glob(pattern, 0, NULL, &g) != 0) die(argv[1], "holds no case");
    bool is_quick = argc > 2 && !strcmp(argv[2], "--quick");
    for (size_t i = 0; i < g.gl_pathc; i++) n_wrong += !run_case(argv[1], g.gl_pathv[i], is_quick);
    printf("%zu cases, %d wrong\n", g.gl_pathc, n_wrong);
    globfree(&g);
    api.primary_release(device);
    cuda_api_close(&api);
    return n_wrong != 0;
}
