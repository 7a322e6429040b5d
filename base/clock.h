/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A clock for durations. */
#ifndef FRIT_BASE_CLOCK_H
#define FRIT_BASE_CLOCK_H

#include <time.h>

/* Seconds since some moment in the past; never goes back. */
static inline double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
