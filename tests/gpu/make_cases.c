/* make_cases OUT_FOLDER FIR_FOLDER...: compiles every .fir there for the GPU and writes, for several sizes of its
 * symbols, inputs and what the evaluator makes of them. Prints one line per case for gpu_check: ARTIFACT CASE. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/compile.h"
#include "ir/eval.h"
#include "tests/gpu/case_file.h"

static arena job, scratch;
static cx c;

static void must(frit_status status, const char *what) {
    if (status == FRIT_OK) return;
    fprintf(stderr, "%s: %s\n", what, c.message ? c.message : "failed");
    exit(1);
}

static uint64_t random_state = 42;
static double random_unit(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static void fill(tensor *t) {
    for (int64_t i = 0; i < tensor_count(t); i++) {
        double x = random_unit() * 4 - 2;
        if (t->dt == FRIT_DT_BOOL) x = x > -1;
        dtype_store(t->dt, t->data, (size_t)i, dtype_from_f64(t->dt, x));
    }
}

static void write_tensor(FILE *f, const tensor *t) {
    case_tensor h = {.dtype = (int32_t)t->dt, .rank = (int32_t)t->rank};
    h.bytes = dtype_bytes(t->dt, (size_t)tensor_count(t));
    memcpy(h.dims, t->shape, t->rank * sizeof *h.dims);
    fwrite(&h, sizeof h, 1, f);
    fwrite(t->data, 1, h.bytes, f);
}

static int64_t within(const sym_info *info, int64_t size) {
    return size < info->lo ? info->lo : size > info->hi ? info->hi : size;
}

/* How far float outputs move, relative to their largest element, when every float input moves by an ulp. */
static double spread_of(const graph *g, tensor *in, const tensor *out) {
    tensor *other = ARENA_ARRAY(&job, tensor, g->outputs.n + 1u);
    double most = 0;
    for (uint32_t i = 0; i < g->inputs.n; i++)
        for (int64_t k = 0; in[i].dt == FRIT_DT_F32 && k < tensor_count(&in[i]); k++)
            ((float *)in[i].data)[k] *= random_unit() < 0.5 ? 1 + 0x1p-23f : 1 - 0x1p-23f;
    must(eval_graph(&c, g, &job, in, other), "inputs moved by an ulp");
    for (uint32_t i = 0; i < g->outputs.n; i++) {
        double moved = 0, largest = 1e-30;
        int64_t n =
            out[i].dt == FRIT_DT_F32 && tensor_count(&out[i]) == tensor_count(&other[i]) ? tensor_count(&out[i]) : 0;
        for (int64_t k = 0; k < n; k++) {
            double a = ((float *)out[i].data)[k], b = ((float *)other[i].data)[k];
            if (!isfinite(a) || !isfinite(b)) continue;
            moved = fmax(moved, fabs(a - b));
            largest = fmax(largest, fabs(a));
        }
        most = fmax(most, moved / largest);
    }
    return most;
}

static void write_case(const char *path, const graph *g, const int64_t *sizes) {
    uint32_t n_syms = dim_n_syms(g->dims), next = 0;
    int64_t *syms = ARENA_ARRAY(&job, int64_t, n_syms + 1u);
    for (uint32_t s = 0; s < n_syms; s++) {
        sym_kind kind = dim_sym_info(g->dims, s)->kind;
        if (kind != SYM_AXIS && kind != SYM_LOADED) syms[s] = within(dim_sym_info(g->dims, s), sizes[next++ % 4]);
    }
    tensor *in = ARENA_ARRAY(&job, tensor, g->inputs.n + 1u), *out = ARENA_ARRAY(&job, tensor, g->outputs.n + 1u);
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        const tensor_type *type = &g->inputs.at[i].type;
        int64_t shape[MAX_RANK];
        for (uint32_t d = 0; d < type->rank; d++) must(dim_eval(&c, g->dims, type->shape[d], syms, &shape[d]), path);
        must(tensor_alloc(&c, &job, type->dt, type->rank, shape, &in[i]), path);
        fill(&in[i]);
    }
    must(eval_graph(&c, g, &job, in, out), path);
    FILE *f = fopen(path, "wb");
    if (!f) exit(1);
    int32_t counts[2] = {(int32_t)g->inputs.n, (int32_t)g->outputs.n};
    fwrite(counts, sizeof counts, 1, f);
    for (uint32_t i = 0; i < g->inputs.n; i++) write_tensor(f, &in[i]);
    for (uint32_t i = 0; i < g->outputs.n; i++) write_tensor(f, &out[i]);
    double spread = spread_of(g, in, out);
    fwrite(&spread, sizeof spread, 1, f);
    if (fclose(f)) exit(1);
}

static void make_program(const char *folder, const char *source, const char *name) {
    static const int64_t sizes[][4] = {{3, 5, 7, 2}, {1, 1, 1, 1}, {2, 66, 3, 9}, {5, 130, 67, 4}};
    graph *g;
    compiled m;
    compile_options o = {.is_cuda = true};
    char *so = arena_printf(&job, "%s/%s.so", folder, name);
    must(compile_read(&c, source, &o, &g), source);
    must(compile_graph(&c, g, &o, &m), source);
    must(compile_write(&c, &m, &o, so), source);
    random_state = 42; /* a program's cases do not depend on which others there are */
    for (size_t i = 0; i < countof(sizes); i++) {
        char *path = arena_printf(&job, "%s/%s_%zu.case", folder, name, i);
        write_case(path, g, sizes[i]);
        printf("%s.so %s_%zu.case\n", name, name, i);
    }
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    for (int i = 2; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (!d) return 1;
        for (struct dirent *e; (e = readdir(d));) {
            if (!strstr(e->d_name, ".fir")) continue;
            arena_init(&job), arena_init(&scratch);
            c = (cx){.job = &job, .scratch = &scratch};
            char *name = arena_strndup(&job, e->d_name, strlen(e->d_name) - 4);
            make_program(argv[1], arena_printf(&job, "%s/%s", argv[i], e->d_name), name);
            arena_fini(&job), arena_fini(&scratch);
        }
        closedir(d);
    }
    return 0;
}
