/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Einsum equations ("bij, bjk -> bik", "...ii", implicit outputs) as lists of label numbers. */
#ifndef FRIT_IR_EINSUM_H
#define FRIT_IR_EINSUM_H

#include "ir/op/ops.h"

/* Labels: 0..51 for A-Z a-z (in that order, numpy's order of implicit outputs); EINSUM_ELLIPSIS + k is the k-th axis
 * from the right among those that "..." stands for. */
enum { EINSUM_ELLIPSIS = 52, EINSUM_LABELS = EINSUM_ELLIPSIS + MAX_RANK };

typedef struct einsum_term {
    uint32_t rank;
    uint8_t labels[MAX_RANK]; /* one per axis; may repeat (a diagonal) in inputs */
} einsum_term;
typedef struct einsum_spec {
    uint32_t n_in;
    einsum_term *in; /* in a */
    einsum_term out;
} einsum_spec;

/* Parses equation for operands of the given ranks. Errors: FRIT_FORMAT, FRIT_SHAPE (operand and label counts). */
frit_status einsum_parse(cx *c, arena *a, const char *equation, uint32_t n_in, const uint32_t *ranks, einsum_spec *out);

#endif
