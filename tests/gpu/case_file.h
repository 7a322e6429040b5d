/* One call of one artifact with the answer, as a flat file: what make_cases writes where frit is, and gpu_check reads
 * where the GPU is. int32 n_inputs, n_outputs; then for each tensor int32 dtype, rank, int64 dims[16], uint64 bytes,
 * data; at the end, perhaps, a double: how far outputs move relative to their largest when inputs move by an ulp. */
#ifndef FRIT_TESTS_CASE_FILE_H
#define FRIT_TESTS_CASE_FILE_H

#include <stdint.h>

enum { CASE_MAX_RANK = 16 };

typedef struct case_tensor {
    int32_t dtype, rank;
    int64_t dims[CASE_MAX_RANK];
    uint64_t bytes;
} case_tensor;

#endif
