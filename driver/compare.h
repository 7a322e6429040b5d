/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit compare: what its two files share.
 *
 *   cmd_compare.c     the command: both sides run, their outputs judged
 *   compare_sides.c   ways to run a side: an artifact, a model through its code, a model through the evaluator
 *   compare_layers.c  --layers: the first value of the model that differs */
#ifndef FRIT_DRIVER_COMPARE_H
#define FRIT_DRIVER_COMPARE_H

#include "driver/cli.h"
#include "driver/session.h"

/* One side: its outputs by name. */
typedef struct side {
    uint32_t n_outputs;
    const char **names;
    tensor *outputs;
} side;

typedef struct comparison {
    cx *c;
    const args *a;
    artifact_facts facts; /* of A */
    tensor *inputs;       /* of A, in its order */
    double rtol, atol;
    uint32_t n_threads;
    bool is_evaluated; /* the reference is the evaluator, not code */
    cli_watch watch;   /* progress of compiling */
    uint32_t n_far;    /* outputs that are not close */
} comparison;

/* ---- compare_sides.c */
/* The options that artifact A was compiled with, as far as they change numbers, and its target; those of the command
 * line win. */
frit_status compare_own_options(comparison *k, compile_options *out);
/* Those of the reference: for this machine, a kernel for each node, sums in f64. */
frit_status compare_reference_options(comparison *k, compile_options *out);
frit_status compare_run_artifact(comparison *k, const artifact_facts *f, side *out);
/* Compiles g and runs it; the outputs are in c->job. */
frit_status compare_run_graph(comparison *k, graph *g, const compile_options *o, side *out);
/* What g gives by the reference, by code or by the evaluator. */
frit_status compare_run_reference(comparison *k, graph *g, side *out);
/* Tells a terminal what is going on. */
void compare_say(const comparison *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- compare_layers.c */
frit_status compare_layers(comparison *k, const char *path);

#endif
