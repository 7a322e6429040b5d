/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How the runtime calls generated CPU code. */
#ifndef FRIT_RUNTIME_KERNEL_ABI_H
#define FRIT_RUNTIME_KERNEL_ABI_H

#include <stdint.h>

/* One phase of one kernel over the parallel items [begin, end).
 * buffers: one address per kernel parameter, in order.
 * dims: value of each shape symbol of the plan. Their numbering is the order of symbol ids in the plan's dim table with
 *   loop axes and loaded indices (SYM_AXIS, SYM_LOADED) left out.
 * scratch: this thread's memory, 64-byte aligned: KERNEL_REPORT_BYTES that hold a kernel_report, then the kernel's tile
 *   buffers (plan->scratch bytes). May not be shared between threads.
 * Items may be run in any order and by any thread; phases of a kernel run one after another. Everything is position
 * independent; the only outside functions called are fmod, fmodf, memcpy, memmove and memset. */
typedef void frit_kernel_fn(void *const *buffers, const int64_t *dims, int64_t begin, int64_t end, void *scratch);

enum { KERNEL_REPORT_BYTES = 64 };

typedef enum kernel_failure {
    KERNEL_FINE,
    KERNEL_OUTSIDE, /* an access would leave its buffer */
    KERNEL_INDEX    /* an index that a tensor holds or the program computes is outside the axis that it indexes */
} kernel_failure;

/* Written by code compiled with --checked when something is outside; the function returns at once. The runtime clears it
 * before a call. Other code leaves it alone. */
typedef struct kernel_report {
    int64_t failed; /* kernel_failure */
    int64_t kernel; /* number of the kernel in the plan */
    int64_t param;  /* buffer of the kernel (parameters come first) that was to be accessed */
    int64_t offset; /* OUTSIDE: element that would have been touched; INDEX: the index, before negative ones count from
                         the end */
    int64_t elements; /* OUTSIDE: of the buffer; INDEX: of the axis */
} kernel_report;

#endif
