/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parallel loops while compiling. Deterministic by construction: item i writes only its own slot. */
#ifndef FRIT_BASE_PAR_H
#define FRIT_BASE_PAR_H

#include <stdint.h>

typedef void par_fn(void *data, uint32_t item, uint32_t thread);
/* Runs fn for items 0..n-1 on up to n_threads threads (0: one per core allowed by affinity and cgroup quota); thread
 * ids are 0..n_threads-1. The caller's thread takes part. */
void par_for(uint32_t n, uint32_t n_threads, par_fn *fn, void *data);
uint32_t par_default_threads(void);

#endif
