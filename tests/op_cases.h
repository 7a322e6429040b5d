/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recorded operator cases (tests/data/op_references.txt) and the comparison of tensors. */
#ifndef FRIT_TESTS_OP_CASES_H
#define FRIT_TESTS_OP_CASES_H

#include "base/file.h"
#include "ir/eval/eval.h"

/* One case: a graph, inputs, and what an independent source says it gives. */
typedef struct op_case {
    const char *name;
    double tolerance; /* units in the last place */
    const char *text; /* the graph's .fir text */
    graph *g;
    tensor inputs[16], outputs[32];
} op_case;

typedef struct op_case_reader {
    cx *c;
    mapped_file file;
    const char *at; /* next unread character of a terminated copy */
} op_case_reader;

frit_status op_cases_open(cx *c, op_case_reader *out);
/* The next case, parsed and verified, in the job arena; name NULL at the end. */
frit_status op_cases_next(op_case_reader *r, op_case *out);

/* How far results may lie apart: ulps of the wanted value, or relative to the largest finite wanted value. */
typedef struct closeness {
    double ulps, relative;
} closeness;
/* NULL when got is close to want (NaN matches NaN), else the first difference in words. */
const char *tensor_difference(arena *a, const tensor *got, const tensor *want, closeness close);
double dtype_ulp(dtype dt, double x); /* distance from x to the next larger magnitude */

#endif
