/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The pass manager: runs the rows of passes/pipeline.def over a graph, in order or by name. */
#ifndef FRIT_PASSES_PIPELINE_H
#define FRIT_PASSES_PIPELINE_H

#include "ir/graph/graph.h"

typedef frit_status pass_fn(cx *c, const graph *g, graph **out);
#define PASS(name, doc) pass_fn pass_##name;
#define BEFORE(a, b, reason)
#include "passes/pipeline.def"
#undef PASS
#undef BEFORE

typedef struct pass_row {
    const char *name, *doc;
    pass_fn *run;
} pass_row;

/* What a run is to do besides the passes; all zero: every pass in order, nothing told. */
typedef struct pipeline_options {
    uint32_t n_disabled;
    const char *const *disabled; /* passes to leave out */
    uint32_t n_requested;
    const char *const *requested; /* ON_REQUEST passes to run */
    bool is_verified;             /* graph_verify after each pass */
    /* Called after each pass with its time in seconds; may be NULL. */
    void (*after)(void *data, const char *pass, const graph *g, double seconds);
    void *data;
} pipeline_options;

uint32_t pipeline_count(void);
const pass_row *pipeline_row(uint32_t i);
/* Runs all rows in order. Scratch memory is released after each pass. */
frit_status pipeline_run(cx *c, const graph *g, const pipeline_options *o, graph **out);
/* Runs passes by name, "fold,decompose", in the order given (blanks allowed, a pass may repeat). Errors: FRIT_USAGE
 * with a suggestion for an unknown name. */
frit_status pipeline_run_list(cx *c, const graph *g, const char *list, const pipeline_options *o, graph **out);
/* FRIT_USAGE when name is no pass. */
frit_status pipeline_check_name(cx *c, const char *name);
/* Every BEFORE row holds for the order of the table; FRIT_INTERNAL with the reason otherwise. */
frit_status pipeline_check_order(cx *c);

#endif
