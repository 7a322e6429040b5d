/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One call of one artifact with the answer, as a flat file: what make_cases writes where frit is, and gpu_check reads
 * where the GPU is. int32 n_inputs, n_outputs; then for each tensor a case_tensor and its data. */
#ifndef FRIT_TESTS_CASE_FILE_H
#define FRIT_TESTS_CASE_FILE_H

#include <stdint.h>

enum { CASE_MAX_RANK = 16 };

/* How far an element of floats may be from the answer: the largest of these. Integers have to be equal. */
typedef struct case_bounds {
    double ulps;       /* of the answer's element */
    double of_largest; /* times the largest finite element of the answer */
    double of_element; /* times the answer's element */
    double absolute;
} case_bounds;

typedef struct case_tensor {
    int32_t dtype, rank;
    int64_t dims[CASE_MAX_RANK];
    uint64_t bytes;
    case_bounds bounds; /* of outputs */
} case_tensor;

#endif
