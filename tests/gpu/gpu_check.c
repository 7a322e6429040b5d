/* gpu_check LIST: runs every case of the list (make_cases) on the GPU and compares with the stored answers: 1e-5 of the
 * largest element, and four times what an ulp of the inputs changes. Needs nothing but the artifacts, the driver and
 * libc. Built by hand where the GPU is: cc -O1 -I. -Iinclude -D_DEFAULT_SOURCE tests/gpu/gpu_check.c
 * runtime/cuda_api.c -ldl -lm -o gpu_check */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frit_artifact.h"
#include "frit_dtype.h"
#include "runtime/cuda_api.h"
#include "tests/gpu/case_file.h"

enum { MAX_TENSORS = 32, MAX_SYMBOLS = 64 };

static cuda_api api;

static void die(const char *what, const char *why) {
    printf("%s: %s\n", what, why);
    exit(1);
}

static void must(cuda_result r, const char *what) {
    if (r) die(what, cuda_api_text(&api, r));
}

typedef struct call {
    int32_t n_in, n_out;
    case_tensor t[MAX_TENSORS]; /* inputs, then outputs */
    void *host[MAX_TENSORS];
    cuda_pointer at[MAX_TENSORS];
    frit_tensor abi[MAX_TENSORS];
    int64_t room[MAX_TENSORS][FRIT_MAX_RANK]; /* dims of outputs at their largest, where the program counts them */
    double spread;                            /* how ill-conditioned the outputs are */
} call;

static void read_call(const char *path, call *k) {
    FILE *f = fopen(path, "rb");
    int32_t counts[2];
    if (!f || fread(counts, sizeof counts, 1, f) != 1) die(path, "cannot be read");
    k->n_in = counts[0], k->n_out = counts[1];
    for (int i = 0; i < k->n_in + k->n_out; i++) {
        case_tensor *t = &k->t[i];
        if (fread(t, sizeof *t, 1, f) != 1) die(path, "cut short");
        k->host[i] = calloc(1, t->bytes + 1);
        if (fread(k->host[i], 1, t->bytes, f) != t->bytes) die(path, "cut short");
        must(api.memory_alloc(&k->at[i], t->bytes + 1), "memory");
        if (i < k->n_in && t->bytes) must(api.copy_to(k->at[i], k->host[i], t->bytes, NULL), "copy");
        k->abi[i] =
            (frit_tensor){.data = (void *)(uintptr_t)k->at[i], .dtype = t->dtype, .rank = t->rank, .dims = t->dims};
    }
    must(api.stream_wait(NULL), "copy");
    if (fread(&k->spread, sizeof k->spread, 1, f) != 1) k->spread = 0;
    fclose(f);
}

static double element(const case_tensor *t, const void *data, uint64_t i) {
    switch (t->dtype) {
    case FRIT_DT_F32:
        return ((const float *)data)[i];
    case FRIT_DT_F64:
        return ((const double *)data)[i];
    case FRIT_DT_I64:
        return (double)((const int64_t *)data)[i];
    case FRIT_DT_I32:
        return ((const int32_t *)data)[i];
    default:
        return ((const uint8_t *)data)[i];
    }
}

static uint64_t element_bytes(const case_tensor *t) {
    return t->dtype == FRIT_DT_F32 || t->dtype == FRIT_DT_I32   ? 4
           : t->dtype == FRIT_DT_F64 || t->dtype == FRIT_DT_I64 ? 8
                                                                : 1;
}

/* Largest error over the largest element; negative when something is plainly wrong. */
static double compare(const case_tensor *t, const void *want, const void *got) {
    double most = 0, worst = 0;
    uint64_t n = t->bytes / element_bytes(t);
    for (uint64_t i = 0; i < n; i++) {
        double a = element(t, want, i), b = element(t, got, i);
        if (isfinite(a)) most = fmax(most, fabs(a));
        if (isnan(a) && isnan(b)) continue;
        if (isnan(a) != isnan(b)) return -1;
        if (a != b) worst = fmax(worst, fabs(a - b));
    }
    return most > 0 ? worst / most : worst;
}

/* Outputs get room for what bind says that they may have. */
static void make_room(const frit_artifact *a, const char *name, const int64_t *symbols, call *k) {
    for (int i = k->n_in; i < k->n_in + k->n_out; i++) {
        uint64_t bytes = element_bytes(&k->t[i]);
        if (a->output_dims(a, symbols, (uint32_t)(i - k->n_in), k->room[i]) != FRIT_OK) die(name, "output_dims fails");
        for (int d = 0; d < k->t[i].rank; d++) bytes *= (uint64_t)k->room[i][d];
        k->abi[i].dims = k->room[i];
        if (bytes <= k->t[i].bytes) continue;
        api.memory_free(k->at[i]);
        must(api.memory_alloc(&k->at[i], bytes), "memory");
        k->abi[i].data = (void *)(uintptr_t)k->at[i];
    }
}

/* Whether output i of the last run has the dims of the answer. */
static int has_dims(const frit_artifact *a, const frit_context *x, const call *k, int i) {
    int64_t dims[FRIT_MAX_RANK];
    if (a->result_dims(x, (uint32_t)(i - k->n_in), dims) != FRIT_OK) return 0;
    return !memcmp(dims, k->t[i].dims, (size_t)k->t[i].rank * sizeof *dims);
}

static int run_case(const frit_artifact *a, const char *name, call *k) {
    char text[256] = "";
    int64_t symbols[MAX_SYMBOLS];
    frit_context *x = NULL;
    if (a->bind(a, k->abi, symbols, text, sizeof text) != FRIT_OK) die(name, text);
    make_room(a, name, symbols, k);
    frit_options o = {.struct_bytes = sizeof o, .max_symbols = symbols};
    if (a->create(a, &o, &x, text, sizeof text) != FRIT_OK) die(name, text);
    int bad = 0;
    for (int turn = 0; turn < 2; turn++) {
        if (a->run(x, k->abi, k->abi + k->n_in) != FRIT_OK) die(name, a->error(x));
        must(api.stream_wait(NULL), name);
    }
    for (int i = k->n_in; i < k->n_in + k->n_out; i++) {
        void *got = calloc(1, k->t[i].bytes + 1);
        if (k->t[i].bytes) must(api.copy_from(got, k->at[i], k->t[i].bytes, NULL), "copy");
        must(api.stream_wait(NULL), "copy");
        double error = compare(&k->t[i], k->host[i], got);
        int fine = has_dims(a, x, k, i) && error >= 0 && error <= 1e-5 + 4 * k->spread;
        printf("%s %s output %d: largest error %.2g of the largest element\n", fine ? "ok  " : "BAD ", name,
               i - k->n_in, error);
        bad += !fine;
        free(got);
    }
    a->destroy(x);
    return bad;
}

int main(int argc, char **argv) {
    char text[200], so[200], file[200], path[500];
    void *context;
    int bad = 0, n = 0, device;
    FILE *list = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (!list) die("usage", "gpu_check LIST");
    if (!cuda_api_open(&api, text, sizeof text)) die("cuda", text);
    must(api.device_get(&device, 0), "device");
    must(api.primary_retain(&context, device), "context");
    must(api.context_set(context), "context");
    for (; fscanf(list, "%199s %199s", so, file) == 2; n++) {
        const char *slash = strrchr(argv[1], '/');
        int folder = slash ? (int)(slash - argv[1]) : 1;
        snprintf(path, sizeof path, "%.*s/%s", folder, slash ? argv[1] : ".", so);
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!handle) die(path, dlerror());
        frit_artifact_table_fn *table = (frit_artifact_table_fn *)(uintptr_t)dlsym(handle, FRIT_ARTIFACT_SYMBOL);
        const frit_artifact *artifact = table ? table(FRIT_ARTIFACT_ABI) : NULL;
        if (!artifact) die(path, "no frit artifact of this version");
        call k = {0};
        snprintf(path, sizeof path, "%.*s/%s", folder, slash ? argv[1] : ".", file);
        read_call(path, &k);
        bad += run_case(artifact, file, &k);
        for (int i = 0; i < k.n_in + k.n_out; i++) {
            api.memory_free(k.at[i]);
            free(k.host[i]);
        }
        dlclose(handle);
    }
    printf("%d cases, %d wrong outputs\n", n, bad);
    return bad != 0;
}
