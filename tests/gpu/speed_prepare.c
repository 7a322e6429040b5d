/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* gpu_speed_prepare FROM OUT: everything that tests/gpu/speed_run.sh needs on a machine with a GPU, made on one
 * without. For each model FROM/NAME.fir: OUT/NAME.so for CUDA, and for each set of sizes in its first line
 * OUT/NAME_I.case with random inputs and what the evaluator makes of them. The digit reader of examples/ comes last,
 * with all of its held-out images. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/compile.h"
#include "driver/npy.h"
#include "tests/gpu/speed_cases.h"

static arena job, scratch;
static cx c;

static void check(frit_status status) {
    if (status == FRIT_OK) return;
    fprintf(stderr, "gpu_speed_prepare: %s\n", c.message ? c.message : frit_status_text(status));
    exit(1);
}

static double random_unit(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

static void describe(case_tensor *out, const tensor *t, uint64_t *at) {
    out->dtype = (int32_t)t->dt;
    out->rank = (int32_t)t->rank;
    for (uint32_t i = 0; i < t->rank; i++) out->dims[i] = t->shape[i];
    out->bytes = dtype_bytes(t->dt, (size_t)tensor_count(t));
    out->offset = *at;
    *at += (out->bytes + CASE_ALIGN - 1) / CASE_ALIGN * CASE_ALIGN;
}

static void write_case(const char *path, case_header *h, const tensor *in, const tensor *out) {
    uint64_t at = (sizeof *h + CASE_ALIGN - 1) / CASE_ALIGN * CASE_ALIGN;
    memcpy(h->magic, CASE_MAGIC, sizeof h->magic);
    bool is_stored = h->tolerance >= 0;
    for (uint32_t i = 0; is_stored && i < h->n_inputs; i++) describe(&h->tensors[i], &in[i], &at);
    for (uint32_t i = 0; is_stored && i < h->n_outputs; i++) describe(&h->tensors[h->n_inputs + i], &out[i], &at);
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(h, sizeof *h, 1, f) == 1;
    for (uint32_t i = 0; ok && is_stored && i < h->n_inputs + h->n_outputs; i++) {
        const tensor *t = i < h->n_inputs ? &in[i] : &out[i - h->n_inputs];
        const case_tensor *d = &h->tensors[i];
        ok = fseek(f, (long)d->offset, SEEK_SET) == 0 && (!d->bytes || fwrite(t->data, d->bytes, 1, f) == 1);
    }
    if (!ok || fclose(f)) {
        fprintf(stderr, "gpu_speed_prepare: %s cannot be written\n", path);
        exit(1);
    }
}

static void compile_model(graph *g, const char *path) {
    compile_options o = {.is_cuda = true, .arch = getenv("FRIT_ARCH")};
    compiled m;
    check(compile_graph(&c, g, &o, &m));
    check(compile_write(&c, &m, &o, path));
}

/* "R=3 C=257" into the values of symbols. */
static void read_sizes(const graph *g, const char *text, int64_t *syms) {
    for (const char *s = text; *s; s += strcspn(s, " "), s += strspn(s, " ")) {
        size_t n = strcspn(s, "=");
        sym_id id;
        if (!s[n] || !dim_sym_find(g->dims, arena_strndup(&job, s, n), &id)) {
            fprintf(stderr, "gpu_speed_prepare: '%s' names no symbol\n", s);
            exit(1);
        }
        syms[id] = atoll(s + n + 1);
    }
}

static void make_inputs(const graph *g, const int64_t *syms, tensor *in) {
    uint64_t state = 7;
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        const tensor_type *type = &g->inputs.at[i].type;
        int64_t shape[MAX_RANK];
        for (uint32_t d = 0; d < type->rank; d++) check(dim_eval(&c, g->dims, type->shape[d], syms, &shape[d]));
        check(tensor_alloc(&c, &job, type->dt, type->rank, shape, &in[i]));
        for (int64_t k = 0; k < tensor_count(&in[i]); k++)
            dtype_store(type->dt, in[i].data, (size_t)k, dtype_from_f64(type->dt, random_unit(&state) * 4 - 2));
    }
}

/* Shapes only. */
static void describe_port(case_tensor *out, const graph *g, const port *p, const int64_t *syms) {
    int64_t n = 1;
    out->dtype = (int32_t)p->type.dt;
    out->rank = (int32_t)p->type.rank;
    for (uint32_t d = 0; d < p->type.rank; d++) {
        check(dim_eval(&c, g->dims, p->type.shape[d], syms, &out->dims[d]));
        n *= out->dims[d];
    }
    out->bytes = dtype_bytes(p->type.dt, (size_t)n);
}

/* What all cases of one model share. */
typedef struct model {
    const graph *g;
    const char *name, *out_dir;
    int n_cases;
} model;

static void make_case(model *m, const char *sizes, bool is_timed) {
    const graph *g = m->g;
    tensor in[CASE_MAX_TENSORS], out[CASE_MAX_TENSORS];
    case_header h = {.n_inputs = g->inputs.n, .n_outputs = g->outputs.n, .tolerance = is_timed ? -1 : 1e-5};
    int64_t *syms = ARENA_ARRAY(&job, int64_t, dim_n_syms(g->dims) + 1u);
    const char *path = arena_printf(&job, "%s/%s_%d.case", m->out_dir, m->name, m->n_cases++);
    snprintf(h.artifact, sizeof h.artifact, "%s.so", m->name);
    snprintf(h.dims, sizeof h.dims, "%s", sizes);
    read_sizes(g, sizes, syms);
    if (is_timed) {
        for (uint32_t i = 0; i < g->inputs.n; i++) describe_port(&h.tensors[i], g, &g->inputs.at[i], syms);
        for (uint32_t i = 0; i < g->outputs.n; i++)
            describe_port(&h.tensors[g->inputs.n + i], g, &g->outputs.at[i], syms);
        write_case(path, &h, NULL, NULL);
        return;
    }
    make_inputs(g, syms, in);
    check(eval_graph(&c, g, &job, in, out));
    write_case(path, &h, in, out);
}

/* The line of text that begins with key: one case for each set of sizes in it. */
static void make_cases(model *m, const char *text, const char *key, bool is_timed) {
    const char *line = strstr(text, key);
    if (!line) return;
    line += strlen(key);
    char *list = arena_strndup(&job, line, strcspn(line, "\n"));
    for (char *s = strtok(list, ";"); s; s = strtok(NULL, ";")) make_case(m, s + strspn(s, " "), is_timed);
}

static void make_model(const char *path, const char *out_dir) {
    mapped_file f;
    graph *g, *compiled_graph;
    check(file_map(&c, path, &f));
    char *text = arena_strndup(&job, (const char *)f.data, f.bytes);
    file_unmap(&f);
    char *name = arena_strdup(&job, path_basename(path));
    *strrchr(name, '.') = 0;
    check(graph_parse(&c, path, text, &g));
    check(graph_parse(&c, path, text, &compiled_graph));
    compile_model(compiled_graph, arena_printf(&job, "%s/%s.so", out_dir, name));
    model m = {.g = g, .name = name, .out_dir = out_dir};
    make_cases(&m, text, "-- sizes ", false);
    make_cases(&m, text, "-- time ", true);
}

static void make_digits(const char *out_dir) {
    graph *g, *again;
    tensor in, out;
    check(compile_read(&c, FRIT_SOURCE "/examples/digits/digits.onnx", &(compile_options){0}, &g));
    check(compile_read(&c, FRIT_SOURCE "/examples/digits/digits.onnx", &(compile_options){0}, &again));
    check(npy_read(&c, FRIT_SOURCE "/examples/digits/held_out.npy", FRIT_DT_F32, &in));
    compile_model(again, arena_printf(&job, "%s/digits.so", out_dir));
    check(eval_graph(&c, g, &job, &in, &out));
    case_header h = {.artifact = "digits.so", .n_inputs = 1, .n_outputs = 1, .tolerance = 1e-5};
    snprintf(h.dims, sizeof h.dims, "%lld images", (long long)in.shape[0]);
    write_case(arena_printf(&job, "%s/digits_0.case", out_dir), &h, &in, &out);
}

int main(int argc, char **argv) {
    glob_t g;
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
    if (argc != 3 || glob(arena_printf(&job, "%s/*.fir", argv[1]), 0, NULL, &g) != 0) {
        fprintf(stderr, "usage: gpu_speed_prepare FOLDER_OF_FIR_FILES OUT\n");
        return 2;
    }
    check(path_make_dir(&c, argv[2]));
    for (size_t i = 0; i < g.gl_pathc; i++) make_model(g.gl_pathv[i], argv[2]);
    make_digits(argv[2]);
    globfree(&g);
    arena_fini(&job), arena_fini(&scratch);
    return 0;
}
