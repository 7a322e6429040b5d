/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The only allocations of an artifact: a context or a pool, when the caller brings no memory. */
#include <stdlib.h>

#include "runtime/runtime.h"

void *memory_new(uint64_t bytes) {
    if (bytes > SIZE_MAX - 64) return NULL;
    return aligned_alloc(64, (size_t)((bytes + 63) & ~(uint64_t)63));
}

void memory_free(void *p) { free(p); }
