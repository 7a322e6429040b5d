/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Who works when: a pool that notes the parts of each job on their way to another pool's threads. */
#ifndef FRIT_DRIVER_BENCH_TRACE_H
#define FRIT_DRIVER_BENCH_TRACE_H

#include <stdbool.h>

#include "base/diag.h"
#include "frit_artifact.h"

/* One part of a job, noted by the thread that ran it. */
typedef struct thread_part {
    uintptr_t thread; /* that ran it, in the system's terms; 0: not run */
    uint32_t kernel;
    double begin, end; /* seconds */
} thread_part;

typedef struct thread_watch {
    frit_pool face;               /* to be given to a context */
    frit_pool *inner;             /* whose threads work */
    uint32_t kernel;              /* that the jobs are of */
    uint32_t n_jobs, n_most_jobs; /* since thread_watch_reset; those beyond the most are not noted */
    thread_part *parts;           /* face.n_threads for each job */
} thread_watch;

/* False when memory lacks. */
bool thread_watch_open(cx *c, uint32_t n_threads, thread_watch *out);
void thread_watch_reset(thread_watch *w); /* before a call that is to be noted */
void thread_watch_close(thread_watch *w);

#endif
