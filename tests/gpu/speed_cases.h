/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The file that gpu_speed_prepare writes and gpu_speed reads: one model, one set of dims, inputs and what they must
 * give. Header, then n_inputs + n_outputs tensors, then their bytes one after the other, each at a multiple of 64. */
#ifndef FRIT_TESTS_GPU_SPEED_CASES_H
#define FRIT_TESTS_GPU_SPEED_CASES_H

#include <stdint.h>

#define CASE_MAGIC "fritgpu1"
enum { CASE_MAX_RANK = 8, CASE_MAX_TENSORS = 16, CASE_ALIGN = 64 };

typedef struct case_tensor {
    int32_t dtype, rank;
    int64_t dims[CASE_MAX_RANK];
    uint64_t offset, bytes; /* in the file */
} case_tensor;

typedef struct case_header {
    char magic[8];
    char artifact[64]; /* file name beside the case */
    char dims[64];     /* "R=3 C=257" */
    uint32_t n_inputs, n_outputs;
    double tolerance; /* relative to the largest finite magnitude of an output; negative: nothing is stored, the case is
                       * run on numbers of no meaning and timed */
    case_tensor tensors[CASE_MAX_TENSORS];
} case_header;

#endif
