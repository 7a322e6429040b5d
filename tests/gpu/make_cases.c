/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* make_cases OUT LIST SET...: compiles for the GPU and writes into OUT an artifact for each program, and for each call
 * a case file with inputs and answers. A line GROUP ARTIFACT CASE for each case goes to LIST (gpu_check), a line
 * "DIGEST kernel" for each kernel's text and "DIGEST plan" for each plan to OUT/digests.txt. A SET is one of these:
 *
 *   operators[=TEXT]  recorded operator cases, all or those with TEXT in their name, with their independent references
 *   programs=DIR      every .fir there at several sizes of its symbols, with what the evaluator gives
 *   onnx=DIR          operator tests of the ONNX suite there that frit passes on the CPU (onnx_expected_pass.txt) */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "driver/check.h"
#include "ir/eval/eval.h"
#include "tests/gpu/case_file.h"
#include "tests/op_cases.h"

#define ONNX_RTOL 1e-3 /* as frit check */
#define ONNX_ATOL 1e-7
enum { MAX_ELEMENTS = 400 * 1000 }; /* of a program's case */

static arena job, scratch;
static cx c;

/* Where everything goes. */
typedef struct sink {
    const char *folder;
    FILE *list, *digests;
    const char *group;
    int n_failed, n_refused;
} sink;

static void must(frit_status status, const char *what) {
    if (status == FRIT_OK) return;
    fprintf(stderr, "%s: %s\n", what, c.message ? c.message : "failed");
    exit(1);
}

static FILE *open_to_write(const char *path, const char *mode) {
    FILE *f = fopen(path, mode);
    if (f) return f;
    fprintf(stderr, "%s cannot be written\n", path);
    exit(1);
}

static void begin(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void end(void) { arena_fini(&job), arena_fini(&scratch); }

/* --- artifacts --- */

static void put_digest(const sink *s, const char *kind, const char *text) {
    sha256 h;
    uint8_t digest[32];
    char hex[65];
    sha256_init(&h);
    sha256_add(&h, text, strlen(text));
    sha256_done(&h, digest);
    sha256_hex(digest, hex);
    fprintf(s->digests, "%s %s\n", hex, kind);
}

/* The plan without the cubins, which depend on NVRTC's version. */
static const char *plan_text(compiled *m) {
    strbuf b = {.a = &job};
    uint32_t n = m->plan->bufs.n;
    m->plan->bufs.n = m->images.first;
    plan_print(&b, m->plan);
    m->plan->bufs.n = n;
    return strbuf_text(&b);
}

static frit_status write_artifact(const sink *s, graph *g, const char *name) {
    compiled m;
    compile_options o = {.is_cuda = true};
    TRY(compile_graph(&c, g, &o, &m));
    TRY(compile_write(&c, &m, &o, arena_printf(&job, "%s/%s.so", s->folder, name)));
    for (uint32_t i = 0; i < m.modules.n_modules; i++) put_digest(s, "kernel", m.modules.modules[i].text);
    put_digest(s, "plan", plan_text(&m));
    return FRIT_OK;
}

/* --- cases --- */

static void write_tensor(FILE *f, const tensor *t, case_bounds bounds) {
    case_tensor h = {.dtype = (int32_t)t->dt, .rank = (int32_t)t->rank, .bounds = bounds};
    h.bytes = dtype_bytes(t->dt, (size_t)tensor_count(t));
    memcpy(h.dims, t->shape, t->rank * sizeof *h.dims);
    fwrite(&h, sizeof h, 1, f);
    fwrite(t->data, 1, h.bytes, f);
}

/* bounds: one for each output. */
static void write_case(const sink *s, const char *so, const char *name, const graph *g, const tensor *in,
                       const tensor *out, const case_bounds *bounds) {
    FILE *f = open_to_write(arena_printf(&job, "%s/%s.case", s->folder, name), "wb");
    int32_t counts[2] = {(int32_t)g->inputs.n, (int32_t)g->outputs.n};
    fwrite(counts, sizeof counts, 1, f);
    for (uint32_t i = 0; i < g->inputs.n; i++) write_tensor(f, &in[i], (case_bounds){0});
    for (uint32_t i = 0; i < g->outputs.n; i++) write_tensor(f, &out[i], bounds[i]);
    if (fclose(f)) exit(1);
    fprintf(s->list, "%s %s.so %s.case\n", s->group, so, name);
}

/* --- programs --- */

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

static int64_t within(const sym_info *info, int64_t size) {
    return size < info->lo ? info->lo : size > info->hi ? info->hi : size;
}

/* How far float outputs move, relative to their largest element, when every float input moves by an ulp. */
static double spread_of(const graph *g, const tensor *in, const tensor *out) {
    tensor *other = ARENA_ARRAY(&job, tensor, g->outputs.n + 1u),
           *moved_in = ARENA_ARRAY(&job, tensor, g->inputs.n + 1u);
    double most = 0;
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        must(tensor_alloc(&c, &job, in[i].dt, in[i].rank, in[i].shape, &moved_in[i]), "inputs moved by an ulp");
        memcpy(moved_in[i].data, in[i].data, dtype_bytes(in[i].dt, (size_t)tensor_count(&in[i])));
        for (int64_t k = 0; in[i].dt == FRIT_DT_F32 && k < tensor_count(&in[i]); k++)
            ((float *)moved_in[i].data)[k] *= random_unit() < 0.5 ? 1 + 0x1p-23f : 1 - 0x1p-23f;
    }
    must(eval_graph(&c, g, &job, moved_in, other), "inputs moved by an ulp");
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

/* Symbols of these sizes over `by`, each within its range. */
static int64_t *symbols_of(const graph *g, const int64_t *sizes, int64_t by) {
    uint32_t n_syms = dim_n_syms(g->dims), next = 0;
    int64_t *syms = ARENA_ARRAY(&job, int64_t, n_syms + 1u);
    for (uint32_t k = 0; k < n_syms; k++) {
        const sym_info *info = dim_sym_info(g->dims, k);
        if (info->kind != SYM_AXIS && info->kind != SYM_LOADED)
            syms[k] = within(info, (sizes[next++ % 4] + by - 1) / by);
    }
    return syms;
}

static int64_t elements_of(const graph *g, const int64_t *syms, const char *name) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < g->inputs.n + g->outputs.n; i++) {
        const tensor_type *t = i < g->inputs.n ? &g->inputs.at[i].type : &g->outputs.at[i - g->inputs.n].type;
        int64_t n;
        must(dim_eval(&c, g->dims, dim_product(g->dims, t->rank, t->shape), syms, &n), name);
        sum += n;
    }
    return sum;
}

/* Sizes are halved until the case is small enough to be sent. */
static void make_call(const sink *s, const char *so, const char *name, const graph *g, const int64_t *sizes) {
    int64_t by = 1, *syms = symbols_of(g, sizes, by);
    while (elements_of(g, syms, name) > MAX_ELEMENTS && by < 64) syms = symbols_of(g, sizes, by *= 2);
    tensor *in = ARENA_ARRAY(&job, tensor, g->inputs.n + 1u), *out = ARENA_ARRAY(&job, tensor, g->outputs.n + 1u);
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        const tensor_type *type = &g->inputs.at[i].type;
        int64_t shape[MAX_RANK];
        for (uint32_t d = 0; d < type->rank; d++) must(dim_eval(&c, g->dims, type->shape[d], syms, &shape[d]), name);
        must(tensor_alloc(&c, &job, type->dt, type->rank, shape, &in[i]), name);
        fill(&in[i]);
    }
    must(eval_graph(&c, g, &job, in, out), name);
    case_bounds *bounds = ARENA_ARRAY(&job, case_bounds, g->outputs.n + 1u);
    double of_largest = 1e-5 + 4 * spread_of(g, in, out);
    for (uint32_t i = 0; i < g->outputs.n; i++) bounds[i].of_largest = of_largest;
    write_case(s, so, name, g, in, out, bounds);
}

static void make_program(const sink *s, const char *source, const char *name) {
    static const int64_t sizes[][4] = {{3, 5, 7, 2}, {1, 1, 1, 1}, {2, 66, 3, 9}, {5, 130, 67, 4}};
    graph *g;
    must(compile_read(&c, source, &(compile_options){.is_cuda = true}, &g), source);
    must(write_artifact(s, g, name), source);
    random_state = 42; /* a program's cases do not depend on which others there are */
    for (size_t i = 0; i < countof(sizes); i++) make_call(s, name, arena_printf(&job, "%s_%zu", name, i), g, sizes[i]);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void make_programs(const sink *s, const char *folder) {
    struct dirent **found;
    int n = scandir(folder, &found, NULL, by_name);
    if (n < 0) exit(1);
    for (int i = 0; i < n; i++) {
        const char *name = found[i]->d_name, *dot = strstr(name, ".fir");
        if (!dot) continue;
        begin();
        make_program(s, arena_printf(&job, "%s/%s", folder, name), arena_strndup(&job, name, (size_t)(dot - name)));
        end();
    }
}

/* --- operators --- */

/* As tests/test_cuda_ops.c judges. */
static case_bounds bounds_of(dtype dt) {
    if (dt == FRIT_DT_F64) return (case_bounds){.ulps = 16, .of_largest = 1e-14};
    if (dt == FRIT_DT_F32) return (case_bounds){.ulps = 16, .of_largest = 2e-6};
    return (case_bounds){.ulps = 1, .of_largest = 1e-5};
}

static void make_operators(sink *s, const char *only) {
    op_case_reader r;
    op_case k = {0};
    begin();
    must(op_cases_open(&c, &r), "operators");
    for (uint32_t i = 0;; i++) {
        must(op_cases_next(&r, &k), "operators");
        if (!k.name) break;
        if (!strstr(k.name, only)) continue;
        char *name = arena_printf(&job, "op%03u_%s", i, k.name);
        for (char *p = name; *p; p++)
            if (*p == '/' || *p == ' ') *p = '_';
        case_bounds bounds[countof(k.outputs)];
        for (uint32_t o = 0; o < k.g->outputs.n; o++) bounds[o] = bounds_of(k.outputs[o].dt);
        if (write_artifact(s, k.g, name) == FRIT_OK) {
            write_case(s, name, name, k.g, k.inputs, k.outputs, bounds);
            continue;
        }
        fprintf(stderr, "%s: %s\n", name, c.message);
        s->n_failed++;
        cx_clear(&c);
    }
    end();
}

/* --- the ONNX suite --- */

/* The folder's graph, inputs and outputs; what the evaluator gives for them is what is recorded. */
static frit_status read_folder(const char *folder, bool is_constant, check_case *out) {
    TRY(check_read(&c, folder, is_constant, out));
    tensor *got = ARENA_ARRAY(&job, tensor, out->g->outputs.n + 1u);
    TRY(eval_graph(&c, out->g, &job, out->inputs, got));
    for (uint32_t i = 0; i < out->g->outputs.n; i++)
        TRY(check_close(&c, out->g->outputs.at[i].name, &got[i], &out->outputs[i], ONNX_RTOL, ONNX_ATOL));
    return FRIT_OK;
}

static frit_status make_folder_as(const sink *s, const char *folder, const char *name, bool is_constant,
                                  check_case *out) {
    TRY(read_folder(folder, is_constant, out));
    return write_artifact(s, out->g, name);
}

/* Inputs that decide extents are constants where it does not go otherwise. What the GPU has no code for is refused. */
static void make_folder(sink *s, const char *folder, const char *name) {
    check_case k;
    frit_status status = make_folder_as(s, folder, name, false, &k);
    if (status != FRIT_OK) {
        cx_clear(&c);
        status = make_folder_as(s, folder, name, true, &k);
    }
    if (status != FRIT_OK) {
        fprintf(stderr, "%s: %s\n", name, c.message);
        if (status == FRIT_UNSUPPORTED)
            s->n_refused++;
        else
            s->n_failed++;
        return;
    }
    case_bounds *bounds = ARENA_ARRAY(&job, case_bounds, k.g->outputs.n + 1u);
    for (uint32_t i = 0; i < k.g->outputs.n; i++)
        bounds[i] = (case_bounds){.of_element = ONNX_RTOL, .absolute = ONNX_ATOL};
    write_case(s, name, name, k.g, k.inputs, k.outputs, bounds);
}

/* Tests of operators that the CPU passes; those of the functions that operators expand to have the same values. */
static void make_onnx(sink *s, const char *suite) {
    FILE *list = fopen(FRIT_TESTS_DIR "/onnx_expected_pass.txt", "r");
    char name[300];
    if (!list) exit(1);
    while (fscanf(list, "%299[^\n]\n", name) == 1) {
        if (!str_starts(name, "node/") || strstr(name, "_expanded")) continue;
        begin();
        make_folder(s, arena_printf(&job, "%s/%s", suite, name), name + strlen("node/"));
        end();
    }
    fclose(list);
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    char path[4096];
    snprintf(path, sizeof path, "%s/digests.txt", argv[1]);
    sink s = {.folder = argv[1], .list = open_to_write(argv[2], "a"), .digests = open_to_write(path, "a")};
    for (int i = 3; i < argc; i++) {
        const char *chosen = strchr(argv[i], '=') ? strchr(argv[i], '=') + 1 : "";
        if (str_starts(argv[i], "operators")) {
            s.group = "operators";
            make_operators(&s, chosen);
        } else if (str_starts(argv[i], "programs=")) {
            s.group = "programs";
            make_programs(&s, chosen);
        } else if (str_starts(argv[i], "onnx=")) {
            s.group = "onnx";
            make_onnx(&s, chosen);
        } else {
            return 2;
        }
    }
    fclose(s.list);
    fclose(s.digests);
    if (s.n_refused) fprintf(stderr, "%d programs are refused\n", s.n_refused);
    if (s.n_failed) fprintf(stderr, "%d programs do not compile\n", s.n_failed);
    return s.n_failed != 0;
}
