/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matching scalar texts (ir/op/scalar.h) against elementwise nodes. */
#ifndef FRIT_PASSES_PATTERN_H
#define FRIT_PASSES_PATTERN_H

#include "ir/graph/graph.h"
#include "ir/op/scalar.h"

typedef struct pattern_match {
    const graph *g;
    const scalar_expr *e;
    double tolerance;  /* relative difference that constants may have */
    value_id bound[3]; /* what x, y and z stand for; VALUE_NONE when not yet known */
} pattern_match;

pattern_match pattern_begin(const graph *g, const scalar_expr *e, double tolerance);
/* Whether n is the whole expression; operands of commutative operators match in either order. */
bool pattern_matches(pattern_match *m, const node *n);
/* The number that all elements of a constant are; false for other values and for data that is not at hand. */
bool pattern_number(const graph *g, value_id v, double *out);

#endif
