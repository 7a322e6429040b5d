/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit bench: how long a call takes, where the time goes, and how near each kernel comes to what the machine can do. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "driver/bench.h"
#include "driver/cli.h"
#include "driver/perf_map.h"
#include "runtime/runtime.h"

enum { LEAST_RUNS = 10, MOST_RUNS = 1000, MOST_SPANS = 200000 };
static const double warm_s = 0.1, measure_s = 1.5, trace_s = 0.5;

static void span_begin(void *data, uint32_t number) {
    spans *s = data;
    if (s->threads) s->threads->kernel = number;
    if (s->all.n < MOST_SPANS) vec_push(s->a, s->all, (span){number, s->run, seconds_now(), 0});
}

static void span_end(void *data, uint32_t number) {
    spans *s = data;
    if (s->all.n && s->all.at[s->all.n - 1].kernel == number) s->all.at[s->all.n - 1].end = seconds_now();
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(const double *sorted, uint32_t n, double q) { return sorted[(uint32_t)(q * (n - 1) + 0.5)]; }

/* --- measuring --- */

static frit_status measure_runs(cx *c, bench *b) {
    double start = seconds_now();
    do TRY(session_run(c, &b->s));
    while (seconds_now() - start < warm_s);
    for (start = seconds_now(); b->ms.n < LEAST_RUNS || (seconds_now() - start < measure_s && b->ms.n < MOST_RUNS);) {
        double began = seconds_now();
        TRY(session_run(c, &b->s));
        vec_push(c->job, b->ms, (seconds_now() - began) * 1e3);
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
        b->kernel_ms[k] = bench_quantile(of_kernel, n_runs, 0.5);
    }
}

static frit_status measure_kernels(cx *c, bench *b) {
    frit_trace trace = {sizeof trace, 0, &b->spans, span_begin, span_end};
    const thread_watch *threads = b->spans.threads;
    frit_options o = {.n_threads = b->n_threads, .trace = &trace, .pool = threads ? &threads->face : NULL};
    session s;
    frit_status status = session_open_with(c, &b->facts, b->inputs, &o, &s);
    if (status == FRIT_OK) status = session_run(c, &s); /* touches the memory of this context */
    b->spans.all.n = 0;
    uint32_t per_run = 0;
    for (double start = seconds_now();
         status == FRIT_OK && (b->spans.run < LEAST_RUNS || seconds_now() - start < trace_s);) {
        if (b->spans.all.n + per_run >= MOST_SPANS) break;
        if (b->spans.threads) thread_watch_reset(b->spans.threads);
        status = session_run(c, &s);
        b->spans.run++;
        per_run = b->spans.all.n / b->spans.run + 1;
    }
    session_close(&s);
    if (status == FRIT_OK) sum_kernels(c, b);
    return status;
}

/* --- figures --- */

static double amount(const bench *b, const int64_t *program) {
    int64_t x;
    return program && dim_code_run(program, b->s.symbols, &x) ? (double)x : NAN;
}

double bench_flops(const bench *b, uint32_t k) { return amount(b, b->kernels[k].flops_program); }
double bench_bytes(const bench *b, uint32_t k) { return amount(b, b->kernels[k].bytes_program); }

double bench_least_ms(const bench *b, uint32_t k) {
    const frit_kernel_info *info = &b->kernels[k];
    if (b->kernel_ms[k] <= 0) return NAN; /* it did not run */
    return roofline_ms(&b->roof, info->product_group, bench_flops(b, k), bench_bytes(b, k)) * info->n_launches;
}

double bench_percent_of_limit(const bench *b, uint32_t k) { return 100 * bench_least_ms(b, k) / b->kernel_ms[k]; }

/* --- the command --- */

/* Once more with the threads watched: a clock around each part costs more than one around each launch. */
static frit_status trace_threads(cx *c, const args *a, bench *b) {
    thread_watch watch;
    if (!thread_watch_open(c, b->n_threads, &watch)) return FAIL(c, MEMORY, NULL, "no memory for the trace");
    b->spans = (spans){.a = c->job, .threads = &watch};
    double *kept = b->kernel_ms;
    b->kernel_ms = ARENA_ARRAY(c->job, double, b->facts.info.n_kernels + 1u);
    frit_status status = measure_kernels(c, b);
    b->kernel_ms = kept;
    if (status == FRIT_OK) status = bench_write_trace(c, b, args_text(a, OPT_TRACE));
    thread_watch_close(&watch);
    b->spans.threads = NULL;
    return status;
}

/* Said before anything is measured. */
static frit_status check_report(cx *c, const args *a) {
    for (uint32_t i = 0; i < a->options[OPT_REPORT].n; i++) {
        const char *path = a->options[OPT_REPORT].at[i];
        if (!str_ends(path, ".html") && !str_ends(path, ".htm"))
            return FAIL(c, USAGE, NULL,
                        "frit bench writes its report as a page: --report=FILE.html (--json prints JSON)");
    }
    return FRIT_OK;
}

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
    if (args_has(a, OPT_TRACE)) TRY(trace_threads(c, a, b));
    for (uint32_t i = 0; i < a->options[OPT_REPORT].n; i++) TRY(bench_write_page(c, b, a->options[OPT_REPORT].at[i]));
    return args_has(a, OPT_JSON) ? bench_print_json(c, b) : bench_print_text(c, b, a);
}

frit_status cmd_bench(cx *c, const args *a) {
    TRY(check_report(c, a));
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
