/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit bench: how long a call takes, where the time goes, and how near each kernel comes to what the machine can do. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "driver/cli.h"
#include "driver/json_text.h"
#include "driver/perf_map.h"
#include "driver/roofline.h"
#include "driver/session.h"
#include "runtime/runtime.h"

enum { JSON_VERSION = 1, LEAST_RUNS = 10, MOST_RUNS = 1000, MOST_SPANS = 200000 };
static const double warm_s = 0.1, measure_s = 1.5, trace_s = 0.5;

/* One launch of a traced run. */
typedef struct span {
    uint32_t kernel, run;
    double begin, end; /* seconds */
} span;

typedef struct spans {
    arena *a;
    VEC(span) all;
    uint32_t run;
} spans;

typedef struct bench {
    const char *path;
    artifact_facts facts;
    tensor *inputs;
    session s;
    uint32_t n_threads;
    VEC(double) ms; /* of each measured run */
    spans spans;
    double *kernel_ms; /* median over traced runs of all launches of a kernel in a run */
    frit_kernel_info *kernels;
    roofline roof;
} bench;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void span_begin(void *data, uint32_t number) {
    spans *s = data;
    if (s->all.n < MOST_SPANS) vec_push(s->a, s->all, (span){number, s->run, now(), 0});
}

static void span_end(void *data, uint32_t number) {
    spans *s = data;
    if (s->all.n && s->all.at[s->all.n - 1].kernel == number) s->all.at[s->all.n - 1].end = now();
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, uint32_t n, double q) { return sorted[(uint32_t)(q * (n - 1) + 0.5)]; }

/* --- measuring --- */

static frit_status measure_runs(cx *c, bench *b) {
    double start = now();
    do TRY(session_run(c, &b->s));
    while (now() - start < warm_s);
    for (start = now(); b->ms.n < LEAST_RUNS || (now() - start < measure_s && b->ms.n < MOST_RUNS);) {
        double began = now();
        TRY(session_run(c, &b->s));
        vec_push(c->job, b->ms, (now() - began) * 1e3);
        TRY(cx_poll(c));
    }
    qsort(b->ms.at, b->ms.n, sizeof *b->ms.at, by_value);
    return FRIT_OK;
}

/* Sums the launches of each kernel in each run, and takes the median run. */
static void sum_kernels(cx *c, bench *b) {
    uint32_t n_kernels = b->facts.info.n_kernels, n_runs = b->spans.run;
    double *sums = ARENA_ARRAY(c->job, double, (size_t)n_kernels *n_runs + 1);
    for (uint32_t i = 0; i < b->spans.all.n; i++) {
        const span *s = &b->spans.all.at[i];
        sums[(size_t)s->kernel * n_runs + s->run] += (s->end - s->begin) * 1e3;
    }
    for (uint32_t k = 0; k < n_kernels && n_runs; k++) {
        double *of_kernel = &sums[(size_t)k * n_runs];
        qsort(of_kernel, n_runs, sizeof *of_kernel, by_value);
        b->kernel_ms[k] = quantile(of_kernel, n_runs, 0.5);
    }
}

static frit_status measure_kernels(cx *c, bench *b) {
    frit_trace trace = {sizeof trace, 0, &b->spans, span_begin, span_end};
    session s;
    frit_status status = session_open(c, &b->facts, b->inputs, b->n_threads, &trace, &s);
    if (status == FRIT_OK) status = session_run(c, &s); /* touches the memory of this context */
    b->spans.all.n = 0;
    uint32_t per_run = 0;
    for (double start = now(); status == FRIT_OK && (b->spans.run < LEAST_RUNS || now() - start < trace_s);) {
        if (b->spans.all.n + per_run >= MOST_SPANS) break;
        status = session_run(c, &s);
        b->spans.run++;
        per_run = b->spans.all.n / b->spans.run + 1;
    }
    session_close(&s);
    if (status == FRIT_OK) sum_kernels(c, b);
    return status;
}

/* --- saying it --- */

static double amount(const bench *b, const int64_t *program) {
    int64_t x;
    return program && dim_code_run(program, b->s.symbols, &x) ? (double)x : NAN;
}

static double percent_of_limit(const bench *b, uint32_t k) {
    const frit_kernel_info *info = &b->kernels[k];
    if (b->kernel_ms[k] <= 0) return NAN; /* it did not run */
    double least =
        roofline_ms(&b->roof, info->product_group, amount(b, info->flops_program), amount(b, info->bytes_program));
    return 100 * least * info->n_launches / b->kernel_ms[k];
}

static const char *shown(cx *c, const char *name) { return str_printable(arena_strdup(c->scratch, name)); }

static void print_text(cx *c, const bench *b) {
    const double *ms = b->ms.at;
    uint32_t n = b->ms.n;
    printf("%s: %u runs on %u thread%s", b->path, n, b->n_threads, b->n_threads == 1 ? "" : "s");
    for (uint32_t i = 0; i < b->facts.info.n_symbols; i++)
        if (b->facts.symbols[i].kind < FRIT_SYMBOL_UNUSED)
            printf(", %s = %" PRId64, shown(c, b->facts.symbols[i].name), b->s.symbols[i]);
    printf("\nlatency: min %.4g ms, median %.4g ms, p90 %.4g ms\n", ms[0], quantile(ms, n, 0.5), quantile(ms, n, 0.9));
    printf("limits: %.1f GB/s read, %.1f GB/s copy, %.0f GB/s in cache, %.0f GFLOP/s", b->roof.read_gb_s,
           b->roof.copy_gb_s, b->roof.cache_gb_s, b->roof.gflop_s);
    if (b->roof.bf16_gflop_s > 0) printf(", %.0f of bf16", b->roof.bf16_gflop_s);
    if (b->roof.int8_gop_s > 0) printf(", %.0f of bytes", b->roof.int8_gop_s);
    putchar('\n');
    printf("%10s %9s %9s %8s  kernel\n", "ms", "GFLOP/s", "GB/s", "of limit");
    for (uint32_t k = 0; k < b->facts.info.n_kernels; k++) {
        const frit_kernel_info *info = &b->kernels[k];
        double per_ms = b->kernel_ms[k] > 0 ? info->n_launches / b->kernel_ms[k] * 1e-6 : 0;
        double percent = percent_of_limit(b, k);
        printf("%10.4g %9.4g %9.4g %7s%%  %s: %s\n", b->kernel_ms[k], amount(b, info->flops_program) * per_ms,
               amount(b, info->bytes_program) * per_ms,
               isnan(percent) ? "?" : arena_printf(c->scratch, "%.0f", percent), shown(c, info->name),
               shown(c, info->title));
    }
}

static json_t *kernels_json(arena *a, const bench *b) {
    json_t *list = json_array();
    for (uint32_t k = 0; k < b->facts.info.n_kernels; k++) {
        const frit_kernel_info *info = &b->kernels[k];
        json_t *one = json_object();
        json_object_set_new(one, "name", json_text(a, info->name));
        json_object_set_new(one, "title", json_text(a, info->title));
        json_object_set_new(one, "ms", json_amount(b->kernel_ms[k]));
        json_object_set_new(one, "launches", json_integer(info->n_launches));
        json_object_set_new(one, "flops", json_amount(amount(b, info->flops_program) * info->n_launches));
        json_object_set_new(one, "bytes", json_amount(amount(b, info->bytes_program) * info->n_launches));
        json_object_set_new(one, "percent_of_limit", json_amount(percent_of_limit(b, k)));
        json_array_append_new(list, one);
    }
    return list;
}

static frit_status print_json(cx *c, const bench *b) {
    arena *a = c->scratch;
    json_t *root = json_object(), *latency = json_object(), *dims = json_object(), *limits = json_object();
    json_object_set_new(latency, "min", json_amount(b->ms.at[0]));
    json_object_set_new(latency, "median", json_amount(quantile(b->ms.at, b->ms.n, 0.5)));
    json_object_set_new(latency, "p90", json_amount(quantile(b->ms.at, b->ms.n, 0.9)));
    for (uint32_t i = 0; i < b->facts.info.n_symbols; i++)
        if (b->facts.symbols[i].kind < FRIT_SYMBOL_UNUSED)
            json_object_set_new(dims, shown(c, b->facts.symbols[i].name), json_integer(b->s.symbols[i]));
    json_object_set_new(limits, "read_gb_s", json_amount(b->roof.read_gb_s));
    json_object_set_new(limits, "copy_gb_s", json_amount(b->roof.copy_gb_s));
    json_object_set_new(limits, "cache_gb_s", json_amount(b->roof.cache_gb_s));
    json_object_set_new(limits, "gflop_s", json_amount(b->roof.gflop_s));
    json_object_set_new(limits, "bf16_gflop_s", json_amount(b->roof.bf16_gflop_s));
    json_object_set_new(limits, "int8_gop_s", json_amount(b->roof.int8_gop_s));
    json_object_set_new(root, "version", json_integer(JSON_VERSION));
    json_object_set_new(root, "file", json_text(a, b->path));
    json_object_set_new(root, "threads", json_integer(b->n_threads));
    json_object_set_new(root, "dims", dims);
    json_object_set_new(root, "runs", json_integer(b->ms.n));
    json_object_set_new(root, "latency_ms", latency);
    json_object_set_new(root, "limits", limits);
    json_object_set_new(root, "kernels", kernels_json(a, b));
    return json_print(c, root);
}

/* The last traced run in the Trace Event Format, which ui.perfetto.dev opens. */
static frit_status write_trace(cx *c, const bench *b, const char *path) {
    json_t *events = json_array(), *root = json_object();
    double origin = -1;
    for (uint32_t i = 0; i < b->spans.all.n; i++) {
        const span *s = &b->spans.all.at[i];
        if (s->run + 1 != b->spans.run) continue;
        if (origin < 0) origin = s->begin;
        json_t *event = json_object(), *details = json_object();
        const frit_kernel_info *info = &b->kernels[s->kernel];
        json_object_set_new(details, "title", json_text(c->scratch, info->title));
        json_object_set_new(details, "flops", json_amount(amount(b, info->flops_program)));
        json_object_set_new(details, "bytes", json_amount(amount(b, info->bytes_program)));
        json_object_set_new(details, "percent_of_limit", json_amount(percent_of_limit(b, s->kernel)));
        json_object_set_new(event, "name", json_text(c->scratch, info->name));
        json_object_set_new(event, "ph", json_string("X"));
        json_object_set_new(event, "pid", json_integer(1));
        json_object_set_new(event, "tid", json_integer(1));
        json_object_set_new(event, "ts", json_real((s->begin - origin) * 1e6));
        json_object_set_new(event, "dur", json_real((s->end - s->begin) * 1e6));
        json_object_set_new(event, "args", details);
        json_array_append_new(events, event);
    }
    json_object_set_new(root, "traceEvents", events);
    char *text = json_dumps(root, JSON_REAL_PRECISION(9));
    json_decref(root);
    if (!text) return FAIL(c, MEMORY, path, "no memory for the trace");
    frit_status status = cli_write_text(c, path, text);
    free(text);
    return status;
}

/* --- the command --- */

static frit_status run_bench(cx *c, const args *a, bench *b) {
    int64_t n_threads;
    TRY(args_int(c, a, OPT_THREADS, 1, 1024, 0, &n_threads));
    uint32_t n_kernels = b->facts.info.n_kernels;
    frit_options o = {.struct_bytes = sizeof o, .n_threads = (uint32_t)n_threads};
    b->inputs = ARENA_ARRAY(c->job, tensor, b->facts.info.n_inputs + 1);
    b->kernel_ms = ARENA_ARRAY(c->job, double, n_kernels + 1);
    b->kernels = ARENA_ARRAY(c->job, frit_kernel_info, n_kernels + 1);
    for (uint32_t k = 0; k < n_kernels; k++) {
        b->kernels[k].struct_bytes = sizeof *b->kernels;
        b->facts.a->kernel(b->facts.a, k, &b->kernels[k]);
    }
    TRY(inputs_from_args(c, &b->facts, a, true, b->inputs));
    TRY(session_open(c, &b->facts, b->inputs, o.n_threads, NULL, &b->s));
    o.max_symbols = b->s.symbols;
    frit_memory memory = {.struct_bytes = sizeof memory};
    b->facts.a->memory(b->facts.a, &o, &memory, NULL, 0);
    b->n_threads = memory.n_threads;
    if (!roofline_measure(b->n_threads, &b->roof))
        return FAIL(c, MEMORY, NULL, "no memory or threads to measure the machine with %u threads; give --threads=N",
                    b->n_threads);
    TRY(measure_runs(c, b));
    TRY(measure_kernels(c, b));
    if (args_has(a, OPT_TRACE)) TRY(write_trace(c, b, args_text(a, OPT_TRACE)));
    if (args_has(a, OPT_JSON)) return print_json(c, b);
    print_text(c, b);
    const char *first, *least = symbols_at_least(c->scratch, &b->facts, a, b->s.symbols, &first);
    if (*least)
        printf("measured for the least values: %s; --dim %s=N measures others\n", shown(c, least), shown(c, first));
    return FRIT_OK;
}

frit_status cmd_bench(cx *c, const args *a) {
    loaded_artifact loaded;
    TRY(cli_open_artifact(c, a, a->files[0], &loaded));
    bench b = {.path = a->files[0], .facts = artifact_facts_of(c, loaded.table), .spans = {.a = c->job}};
    frit_status status = FRIT_OK;
    if (args_has(a, OPT_PERF_MAP)) status = perf_map_write(c, a->files[0], loaded.table, args_text(a, OPT_PERF_MAP));
    if (status == FRIT_OK) status = run_bench(c, a, &b);
    session_close(&b.s);
    loader_close(&loaded);
    return status;
}
