/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sizes that broadcast are equal in almost every call, although one of them may be 1. A program with such sizes is
 * compiled twice: as it is, which is right for every call, and for the case that they are equal, which is as good as
 * if they were one symbol. The plan tries the case first. */
#ifndef FRIT_PASSES_CASES_H
#define FRIT_PASSES_CASES_H

#include "passes/pipeline.h"
#include "passes/plan/lower.h"

typedef struct size_case {
    graph *g;     /* of the case; NULL: there is none */
    dim distance; /* 0 for the calls of the case, else more */
} size_case;

/* cases.c: the graph for the calls in which all sizes are equal that g's contracts say may be. */
frit_status case_of_equal_sizes(cx *c, const graph *g, size_case *out);
/* The passes over g and over that case. */
frit_status passes_of_cases(cx *c, const graph *g, const pipeline_options *o, graph **out_core, size_case *out);

/* The plan of a core graph; where k has a graph, the choice between the two. */
frit_status lower_cases(cx *c, graph *core, size_case *k, const lower_options *o, plan **out);

/* plan_choice.c: one plan with the interface of `general` that runs `first` where its distance is 0. Constants of equal
 * content are held once. */
frit_status plan_choose(cx *c, plan *first, dim distance, plan *general, plan **out);

#endif
