/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dims of a model as a user gives and sees them. */
#ifndef FRIT_DRIVER_MODEL_DIMS_H
#define FRIT_DRIVER_MODEL_DIMS_H

#include "base/diag.h"
#include "frontend/onnx/onnx.h"

/* model_dims.c: "NAME=N", "NAME=LO..HI", "NAME=LO..HI@HINT", "NAME=OTHER" or "OLD:NEW". Errors: FRIT_USAGE. */
frit_status model_dims_parse(cx *c, const char *given, onnx_dim_option *out);
/* Does to *g, which no ONNX reader saw, what the options say; *g is another graph when dims are renamed or tied. Errors:
 * FRIT_USAGE for a name that is no symbol, FRIT_RANGE for a range outside the symbol's. */
frit_status model_dims_set(cx *c, graph **g, uint32_t n, const onnx_dim_option *options);
/* FRIT_RANGE when a range and what g itself narrows the dim to have nothing in common. */
frit_status model_dims_check(cx *c, const graph *g, const onnx_dim_option *option);
/* ", from /att/Reshape_4", ", at most 512 from /emb/Add": where in the model the bounds come from; "" when from nowhere.
 * why_lo and why_hi may be NULL or "". */
const char *model_dims_origin(arena *a, int64_t lo, int64_t hi, const char *why_lo, const char *why_hi);

/* "seq <= 512, from /emb/Add": the lower or upper bound that the model itself has; NULL none. */
const char *model_dims_bound(arena *a, const sym_info *info, bool is_low);
/* Whether calls give s its value: some input's shape, or an element of one, mentions it. */
bool model_dims_is_given(const graph *g, sym_id s);
/* Whether figures depend on it: a call gives its value, or the program counts it. */
bool model_dims_is_told(const graph *g, sym_id s);
/* "seq in 1..512, at most 512 from /emb/Add; figures are for 1, the least; --dim seq=1..512@N is for another" */
const char *model_dims_figures(arena *a, const sym_info *info, int64_t at);

/* fit_dims.c: values of symbols that keep what a model demands of them.
 * A demand is missed by rhs - lhs: 0 wanted, or 0 and more. */
typedef struct fit_miss {
    bool is_known; /* both sides could be computed */
    bool holds;
    bool is_order; /* lhs <= rhs; else lhs == rhs */
    int64_t by;    /* rhs - lhs */
} fit_miss;
typedef struct fit_problem {
    void *data;
    uint32_t n_demands, n_symbols;
    fit_miss (*miss)(void *data, uint32_t demand, const int64_t *values);
    const int64_t *lo, *hi; /* of each symbol, inclusive */
    const bool *is_free;    /* of each symbol: whether it may change */
    int64_t *values;        /* in and out */
} fit_problem;
/* Changes free symbols, one for each demand that does not hold, as long as that helps. What cannot be kept stays. */
void fit_dims(const fit_problem *p);

#endif
