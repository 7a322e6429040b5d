/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random graphs for differential tests: the same seed gives the same graph and the same inputs on every machine. */
#ifndef FRIT_TESTS_RANDOM_GRAPH_H
#define FRIT_TESTS_RANDOM_GRAPH_H

#include "ir/eval/eval.h"
#include "ir/op/attrs.h"

enum { RANDOM_MAX_INPUTS = 12, RANDOM_SYMS = 3, RANDOM_MAX_ELEMENTS = 20000, RANDOM_MAX_SYMS = 512 };

/* A graph under construction. Symbols B, S and T have values that every size is checked against; a symbol that data
 * decides counts as its greatest value. In some graphs the symbols may be 0, and in some they are mostly 1 or one
 * common number, so that any of them broadcasts with any other. */
typedef struct random_graph {
    cx *c;
    graph *g;
    uint64_t rng;
    VEC(value_id) pool;    /* values that operators may use, in order of making */
    VEC(value_id) refused; /* results of nodes that were taken back: interning may offer them again */
    dim syms[RANDOM_SYMS];
    int64_t sym_values[RANDOM_MAX_SYMS]; /* by sym_id */
    bool may_be_empty, is_meeting;
    uint32_t depth; /* regions around the operators at hand */
    tensor inputs[RANDOM_MAX_INPUTS];
} random_graph;

/* Builds a graph of about n_ops operators in c->job. only: UINT32_MAX for all values without users as outputs, else the
 * one pool value with that number (the same graph with another output). False when there is nothing to output. */
bool random_graph_make(cx *c, uint64_t seed, uint32_t n_ops, uint32_t only, random_graph *out);

/* Other values of the symbols (which may break the graph's contracts), then inputs for them. */
void random_graph_choose_sizes(random_graph *r);
void random_graph_inputs(random_graph *r);
/* Whether the sizes at hand keep the graph's contracts from number `first` on. */
bool random_contracts_hold(random_graph *r, uint32_t first);
/* Whether value v has at most RANDOM_MAX_ELEMENTS elements at the sizes at hand. */
bool random_is_small(random_graph *r, value_id v);

/* ---- what the makers of operators share (random_ops.c) */
uint32_t random_below(random_graph *r, uint32_t n);
bool random_chance(random_graph *r, uint32_t percent);
double random_between(random_graph *r, double lo, double hi);
int64_t random_concrete(random_graph *r, dim d);
typedef enum random_class {
    RANDOM_ANY,
    RANDOM_NUMBER,
    RANDOM_FLOAT,
    RANDOM_INT,
    RANDOM_LOGIC,
    RANDOM_BOOL
} random_class;
/* A pool value of that class and of at least that rank, VALUE_NONE when there is none. */
value_id random_pick(random_graph *r, random_class of, uint32_t min_rank);
dtype random_dtype(random_graph *r, random_class of);
/* A new input or constant of that type. */
value_id random_fresh(random_graph *r, dtype dt, uint32_t rank, const dim *shape);
/* A constant i64 tensor with values in lo..hi. */
value_id random_indices(random_graph *r, uint32_t rank, const int64_t *shape, int64_t lo, int64_t hi);
/* Whether data decides d. */
bool random_is_counted(random_graph *r, dim d);
/* What adding nodes may require of the sizes, to be taken back with them. */
typedef struct random_mark {
    uint32_t n_contracts;
    int64_t lo[RANDOM_SYMS], hi[RANDOM_SYMS];
} random_mark;
random_mark random_mark_now(random_graph *r);
void random_take_back(random_graph *r, const random_mark *m);
/* Takes the results of a node that was added into the pool; false when random_add would not have it. */
bool random_take(random_graph *r, value_id first, uint32_t n_contracts);
/* Adds a node and takes its results into the pool; false when inference refuses it, when it needs a contract that
 * the sizes at hand break, or when a result is too large. */
bool random_add(random_graph *r, op_code op, uint32_t n_in, const value_id *in, const void *attrs);

/* random_ops.c: tries to add one random operator. */
bool random_op(random_graph *r);

/* random_regions.c: tries to add something that data decides: an if, a while or a nonzero. */
bool random_decided(random_graph *r);

#endif
