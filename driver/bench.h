/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit bench: what was measured, and the forms in which it is told.
 *
 *   cmd_bench.c     measures: whole calls, then calls with a clock around each launch
 *   bench_rows.c    equal kernels as one row, sorted by time
 *   bench_text.c    for a terminal
 *   bench_json.c    the form of docs/CLI.md
 *   bench_html.c    one page with the machine's roofline
 *   bench_trace.c   one call as a timeline, a track for each thread */
#ifndef FRIT_DRIVER_BENCH_H
#define FRIT_DRIVER_BENCH_H

#include "driver/bench_trace.h"
#include "driver/roofline.h"
#include "driver/session.h"

/* One launch of a traced run. */
typedef struct span {
    uint32_t kernel, run;
    double begin, end; /* seconds */
} span;

typedef struct spans {
    arena *a;
    VEC(span) all;
    uint32_t run;
    thread_watch *threads; /* told which kernel runs; NULL none */
} spans;

typedef struct bench {
    const char *path;
    artifact_facts facts;
    tensor *inputs;
    session s;
    uint32_t n_threads;
    VEC(double) ms; /* of each measured run, ascending */
    spans spans;
    double *kernel_ms; /* median over traced runs of all launches of a kernel in a run */
    frit_kernel_info *kernels;
    roofline roof;
} bench;

double bench_quantile(const double *sorted, uint32_t n, double q);
/* FLOPs or bytes of one launch of kernel k at the dims of the call; NaN unknown. */
double bench_flops(const bench *b, uint32_t k);
double bench_bytes(const bench *b, uint32_t k);
/* The least time that the measured machine allows for all launches of k, in ms; NaN when it did not run. */
double bench_least_ms(const bench *b, uint32_t k);
double bench_percent_of_limit(const bench *b, uint32_t k);

/* ---- bench_rows.c */
/* Kernels with equal operators, FLOPs and bytes. */
typedef struct bench_row {
    uint32_t first;     /* the kernel that stands for all */
    uint32_t n_kernels; /* how many they are */
    uint32_t n_launches;
    double ms, least_ms, flops, bytes; /* of all launches of all of them in a call */
} bench_row;
typedef struct bench_rows {
    uint32_t n;
    const bench_row *at; /* the slowest first */
    double ms, least_ms; /* of all kernels */
} bench_rows;
bench_rows bench_rows_of(cx *c, const bench *b);
/* Why a figure is above 100 %. */
extern const char bench_remark[];
/* That products of a narrow type are no faster here than those of f32; NULL nothing to say. */
const char *bench_note_of_types(const bench *b);

frit_status bench_print_text(cx *c, const bench *b, const args *a);
frit_status bench_print_json(cx *c, const bench *b);
frit_status bench_write_page(cx *c, const bench *b, const char *path);
/* bench_trace.c: the last traced run in the Trace Event Format, which ui.perfetto.dev opens. */
frit_status bench_write_trace(cx *c, const bench *b, const char *path);

#endif
