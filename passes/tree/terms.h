/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Short forms of what trees write most often. */
#ifndef FRIT_PASSES_TERMS_H
#define FRIT_PASSES_TERMS_H

#include "ir/kernel/kernel.h"

static inline kx op2(kernel *k, op_code op, kx a, kx b) { return kx_op(k, op, 2, (kx[]){a, b}); }

static inline kx pick(kernel *k, kx cond, kx a, kx b) { return kx_op(k, OP_select, 3, (kx[]){cond, a, b}); }

/* A copy of n dims that lives as long as the kernel. */
static inline const dim *index_list(kernel *k, uint32_t n, const dim *at) {
    return arena_copy(k->a, at, n * sizeof *at);
}

#endif
