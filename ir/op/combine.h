/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Combiners of kernel reductions, from combine.def. */
#ifndef FRIT_IR_COMBINE_H
#define FRIT_IR_COMBINE_H

#include "ir/op/ops.h"

#define COMBINE_MAX 3 /* most components of a tuple */

typedef enum combiner {
    COMBINE_NONE, /* no reduction: a MAP definition */
#define COMBINE(name, ...) COMBINE_##name,
#include "ir/combine.def"
#undef COMBINE
    N_COMBINERS
} combiner;

typedef struct combiner_info {
    const char *name;
    uint32_t n;                        /* components */
    const char *identity[COMBINE_MAX]; /* text; see combine.def */
    const char *combine[COMBINE_MAX];  /* templates over a0..a2, b0..b2 */
    const char *doc;
} combiner_info;
const combiner_info *combiner_info_of(combiner c);
/* The second component is an element's i64 index. */
static inline bool combiner_has_index(combiner c) { return c >= COMBINE_argmax && c <= COMBINE_argmin_last; }
bool combiner_parse(const char *name, combiner *out);
/* The identity of component i as an element of dt. */
scalar combiner_identity(combiner c, uint32_t i, dtype dt);

#endif
